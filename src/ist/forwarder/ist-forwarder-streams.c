/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-forwarder-private.h"

#include "ist/forwarder/ist-forwarder-connection-private.h"
#include "ist/ist-tunnel-error.h"

gboolean
ist_forwarder_check_source (IstForwarder *self,
                            GError **error)
{
  if (self->tunnel == NULL)
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE, "The forwarder has no tunnel");
      return FALSE;
    }
  if (ist_secure_tunnel_get_mode (self->tunnel) == IST_MODE_SOURCE)
    return TRUE;
  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE,
                       "Only the source opens connections; on the destination, set a target");
  return FALSE;
}

void
ist_forwarder_carry (IstForwarder *self,
                     const char *service_id,
                     GIOStream *local,
                     gboolean is_shared,
                     GTask *task)
{
  g_autoptr (IstForwarder) alive G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (IstForwarderConnection) connection = ist_forwarder_admit (self, service_id, NULL, local, task);

  if (connection == NULL)
    return;
  if (is_shared)
    ist_forwarder_connection_set_shared (connection);
  ist_forwarder_connection_open (connection, self->tunnel);
}

/**
 * ist_forwarder_forward:
 * @self: a forwarder of a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @stream: a stream, such as one made of standard input and standard output
 * @error: return location for an error
 *
 * Carries one stream to a service, and closes it in the end.
 *
 * Streams that can be polled are best; others take threads. The signals tell
 * what becomes of it. Fails with %IST_TUNNEL_ERROR_INVALID_STATE on a destination.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
ist_forwarder_forward (IstForwarder *self,
                       const char *service_id,
                       GIOStream *stream,
                       GError **error)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), FALSE);
  g_return_val_if_fail (G_IS_IO_STREAM (stream), FALSE);

  if (!ist_forwarder_check_source (self, error))
    return FALSE;
  ist_forwarder_carry (self, service_id, stream, TRUE, NULL);
  return TRUE;
}

/* @local: (nullable) */
static void
forwarder_carry_async (IstForwarder *self,
                       const char *service_id,
                       GIOStream *local,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data,
                       gpointer source_tag)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, source_tag);
  /* One that is open is not to be hidden. */
  g_task_set_check_cancellable (task, FALSE);
  if (!ist_forwarder_check_source (self, &error))
    g_task_return_error (task, error);
  else
    ist_forwarder_carry (self, service_id, local, TRUE, g_steal_pointer (&task));
}

/**
 * ist_forwarder_forward_async:
 * @self: a forwarder of a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @stream: a stream, such as one made of standard input and standard output
 * @cancellable: (nullable): to give up, as long as the connection is not open
 * @callback: (scope async): called when the connection is open, or can't be opened
 * @user_data: data for @callback
 *
 * Does what [method@Ist.Forwarder.forward] does, and tells which of the forwarder's
 * connections carries the stream.
 *
 * Since: 1.0
 */
void
ist_forwarder_forward_async (IstForwarder *self,
                             const char *service_id,
                             GIOStream *stream,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (IST_IS_FORWARDER (self));
  g_return_if_fail (G_IS_IO_STREAM (stream));

  forwarder_carry_async (self, service_id, stream, cancellable, callback, user_data, ist_forwarder_forward_async);
}

/**
 * ist_forwarder_forward_finish:
 * @self: a forwarder
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends what [method@Ist.Forwarder.forward_async] has begun.
 *
 * Fails with %IST_TUNNEL_ERROR_INVALID_STATE on a destination, which leaves the stream
 * as it is. Else with what [signal@Ist.Forwarder::connection-failed] tells too, or with
 * %G_IO_ERROR_CANCELLED; then the stream is closed.
 *
 * Returns: (transfer full): the connection; %NULL with @error set
 *
 * Since: 1.0
 */
IstForwarderConnection *
ist_forwarder_forward_finish (IstForwarder *self,
                              GAsyncResult *result,
                              GError **error)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_forwarder_forward_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * ist_forwarder_open_connection_async:
 * @self: a forwarder of a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @cancellable: (nullable): to give up
 * @callback: (scope async): called when the connection is open, or can't be opened
 * @user_data: data for @callback
 *
 * Opens a connection to a service that the program uses itself, as
 * [method@Ist.SecureTunnel.open_connection_async] does, and keeps it among those of the
 * forwarder until it has ended: it is listed and counted as they are, may have to wait
 * for the tunnel or be refused, and is closed with the forwarder.
 *
 * Since: 1.0
 */
void
ist_forwarder_open_connection_async (IstForwarder *self,
                                     const char *service_id,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_return_if_fail (IST_IS_FORWARDER (self));

  forwarder_carry_async (self, service_id, NULL, cancellable, callback, user_data,
                         ist_forwarder_open_connection_async);
}

/**
 * ist_forwarder_open_connection_finish:
 * @self: a forwarder
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends what [method@Ist.Forwarder.open_connection_async] has begun.
 *
 * Fails with %IST_TUNNEL_ERROR_INVALID_STATE on a destination, with what
 * [signal@Ist.Forwarder::connection-failed] tells too, or with %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): the connection, which ends when its last reference is
 *   dropped; %NULL with @error set
 *
 * Since: 1.0
 */
IstConnection *
ist_forwarder_open_connection_finish (IstForwarder *self,
                                      GAsyncResult *result,
                                      GError **error)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_forwarder_open_connection_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
