/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-service-private.h"

#include <libsoup/soup.h>

#include "common/ist-source-private.h"
#include "ist-emulator/ist-emulator-certificate-private.h"
#include "ist-emulator/ist-emulator-tunnel-private.h"

/* How a service starts and stops. */

static void
service_set_state (IstEmulatorService *self,
                   IstEmulatorServiceState state)
{
  self->state = state;
  g_object_notify (G_OBJECT (self), "state");
}

/* While it stops, others have to go first. */
static void
service_listen_if_stopped (IstEmulatorService *self)
{
  if (self->server == NULL || self->state != IST_EMULATOR_SERVICE_STATE_STOPPED)
    return;

  ist_emulator_http_server_accept (self->server);
  service_set_state (self, IST_EMULATOR_SERVICE_STATE_LISTENING);
}

/* Signals first, then tasks; after each, everything may be different. */
static gboolean
on_settling (gpointer user_data)
{
  g_autoptr (IstEmulatorService) self = g_object_ref (user_data);

  ist_clear_source (&self->settling);
  if (self->leaving != NULL && ist_emulator_http_server_is_empty (self->leaving))
    {
      g_clear_pointer (&self->leaving, ist_emulator_http_server_free);
      service_set_state (self, IST_EMULATOR_SERVICE_STATE_STOPPED);
      g_signal_emit_by_name (self, "stopped");
    }
  if (self->leaving == NULL)
    {
      g_autoptr (GError) error = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED,
                                                      "The service was stopped");

      ist_waiting_tasks_return (self->undone, error);
      ist_waiting_tasks_return (self->stopping, NULL);
    }
  service_listen_if_stopped (self);
  if (self->state == IST_EMULATOR_SERVICE_STATE_LISTENING)
    ist_waiting_tasks_return (self->starting, NULL);
  return G_SOURCE_REMOVE;
}

/* Whoever waits is told from the main loop, never from inside a call. */
static void
service_settle_soon (IstEmulatorService *self)
{
  if (self->settling != NULL)
    return;

  self->settling = g_idle_source_new ();
  g_source_set_priority (self->settling, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->settling, on_settling, self, NULL);
  g_source_attach (self->settling, self->context);
}

static void
on_start_cancelled (gpointer user_data)
{
  ist_emulator_service_stop (user_data);
}

static void
on_emptied (gpointer owner)
{
  service_settle_soon (owner);
}

static void
on_handshake_refused (guint status,
                      const char *reason,
                      gpointer owner)
{
  g_signal_emit_by_name (owner, "handshake-refused", status, reason);
}

static const IstEmulatorHttpServerDelegate server_delegate = {
  .refused = on_handshake_refused,
  .emptied = on_emptied,
};

void
ist_emulator_service_init_lifecycle (IstEmulatorService *self)
{
  self->starting = ist_waiting_tasks_new (self->context, on_start_cancelled, self);
  self->stopping = ist_waiting_tasks_new (self->context, NULL, NULL);
  self->undone = ist_waiting_tasks_new (self->context, NULL, NULL);
}

void
ist_emulator_service_clear_lifecycle (IstEmulatorService *self)
{
  ist_clear_source (&self->settling);
  ist_waiting_tasks_free (self->starting);
  ist_waiting_tasks_free (self->stopping);
  ist_waiting_tasks_free (self->undone);
  g_clear_pointer (&self->server, ist_emulator_http_server_free);
  g_clear_pointer (&self->leaving, ist_emulator_http_server_free);
}

static GTlsCertificate *
service_get_certificate (IstEmulatorService *self)
{
  return self->certificate != NULL ? self->certificate : self->own_certificate;
}

/* "localhost" where it is sure to lead here, since it is what certificates and
 * proxies are made for. */
static char *
service_make_endpoint (gboolean plain,
                       GInetAddress *address,
                       guint port)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autofree char *host = NULL;

  if (g_inet_address_get_is_any (address) || g_inet_address_equal (address, loopback))
    host = g_strdup ("localhost");
  else
    host = g_inet_address_to_string (address);
  return g_uri_join (G_URI_FLAGS_NONE, plain ? "ws" : "wss", NULL, host, (int) port, "", NULL, NULL);
}

static gboolean
service_prepare_certificate (IstEmulatorService *self,
                             GInetAddress *address,
                             GError **error)
{
  if (self->plain || service_get_certificate (self) != NULL)
    return TRUE;

  self->own_certificate = ist_emulator_certificate_obtain (self->state_dir, address, &self->ca_pem, error);
  if (self->own_certificate == NULL)
    return FALSE;
  g_object_notify (G_OBJECT (self), "ca-pem");
  return TRUE;
}

/* The port is taken at once, also while others still have to go: whether that goes well
 * is for the caller to hear. */
static gboolean
service_bind (IstEmulatorService *self,
              GError **error)
{
  g_autoptr (GInetAddress) address = NULL;
  g_autoptr (GSocketAddress) wanted = NULL;

  if (self->server != NULL)
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE,
                           "The service is already started");
      return FALSE;
    }

  address = self->address != NULL ? g_inet_address_new_from_string (self->address) : NULL;
  if (address == NULL)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                   "address: “%s” is not an IP address", self->address != NULL ? self->address : "");
      return FALSE;
    }
  if (!ist_emulator_service_restore (self, error) || !service_prepare_certificate (self, address, error))
    return FALSE;

  wanted = g_inet_socket_address_new (address, self->port);
  g_main_context_push_thread_default (self->context);
  self->server = ist_emulator_http_server_new (wanted, self->plain ? NULL : service_get_certificate (self),
                                               self->max_connections_per_address, self->registry,
                                               self->control, &server_delegate, self, error);
  g_main_context_pop_thread_default (self->context);
  if (self->server == NULL)
    return FALSE;

  /* Both are kept when it starts again. */
  if (self->port == 0)
    {
      self->port = ist_emulator_http_server_get_port (self->server);
      g_object_notify (G_OBJECT (self), "port");
    }
  if (self->endpoint == NULL)
    {
      self->endpoint = service_make_endpoint (self->plain, address, self->port);
      g_object_notify (G_OBJECT (self), "endpoint");
    }
  return TRUE;
}

/* @task: (nullable): waits until it listens. Whoever hears that it does may stop it
 * again, so everything is in place before that. */
static gboolean
service_start (IstEmulatorService *self,
               GTask *task,
               GError **error)
{
  gboolean bound;

  g_object_freeze_notify (G_OBJECT (self));
  bound = service_bind (self, error);
  if (bound && task != NULL)
    {
      ist_waiting_tasks_add (self->starting, g_object_ref (task));
      service_settle_soon (self);
    }
  if (bound)
    service_listen_if_stopped (self);
  g_object_thaw_notify (G_OBJECT (self));
  return bound;
}

/**
 * ist_emulator_service_start:
 * @self: a service
 * @error: return location for an error
 *
 * Starts to listen. Tunnels may be opened before and after that.
 *
 * A service that runs, in any state but stopped and stopping, is left as it is, and
 * the call fails with %IST_TUNNEL_ERROR_INVALID_STATE. One that is stopping is
 * started again as soon as it has stopped. %IST_TUNNEL_ERROR_INVALID_SETTING names
 * a property that can't work. Other errors are those of reading the state, where a
 * file that can't be understood is one, too, of making the certificate, and of
 * listening, such as %G_IO_ERROR_ADDRESS_IN_USE.
 *
 * Returns: %TRUE if the service was started
 *
 * Since: 1.0
 */
gboolean
ist_emulator_service_start (IstEmulatorService *self,
                            GError **error)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), FALSE);

  return service_start (self, NULL, error);
}

/**
 * ist_emulator_service_start_async:
 * @self: a service
 * @cancellable: (nullable): stops the service, as long as it does not listen
 * @callback: (scope async): called when the service listens, or won't
 * @user_data: data for @callback
 *
 * Does what [method@IstEmulator.Service.start] does, and waits until the service
 * listens. It keeps the service alive until the callback has been called.
 *
 * Since: 1.0
 */
void
ist_emulator_service_start_async (IstEmulatorService *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (IST_EMULATOR_IS_SERVICE (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ist_emulator_service_start_async);
  /* A service that listens does so, also if it was cancelled just then. */
  g_task_set_check_cancellable (task, FALSE);

  if (g_cancellable_set_error_if_cancelled (cancellable, &error) || !service_start (self, task, &error))
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * ist_emulator_service_start_finish:
 * @self: a service
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@IstEmulator.Service.start_async].
 *
 * Besides the errors of [method@IstEmulator.Service.start] there are
 * %IST_TUNNEL_ERROR_STOPPED after [method@IstEmulator.Service.stop], and
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if the service listens
 *
 * Since: 1.0
 */
gboolean
ist_emulator_service_start_finish (IstEmulatorService *self,
                                   GAsyncResult *result,
                                   GError **error)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_emulator_service_start_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ist_emulator_service_stop:
 * @self: a service
 *
 * Stops to listen and says goodbye to all clients. The tunnels stay open: when the
 * service is started again, clients can come back, as after an outage.
 *
 * [signal@IstEmulator.Service::stopped] is emitted when nothing is running any
 * more, never before this returns; at most about a second later, whatever the
 * clients do.
 *
 * Does nothing when the service is stopped already.
 *
 * Since: 1.0
 */
void
ist_emulator_service_stop (IstEmulatorService *self)
{
  g_autoptr (GPtrArray) tunnels = NULL;
  GTask *task;

  g_return_if_fail (IST_EMULATOR_IS_SERVICE (self));

  if (self->server == NULL)
    return;

  while ((task = ist_waiting_tasks_take (self->starting)) != NULL)
    ist_waiting_tasks_add (self->undone, task);
  service_settle_soon (self);
  if (self->state != IST_EMULATOR_SERVICE_STATE_LISTENING)
    {
      /* It was to be started again. */
      g_clear_pointer (&self->server, ist_emulator_http_server_free);
      return;
    }

  self->leaving = g_steal_pointer (&self->server);
  ist_emulator_http_server_close (self->leaving);
  service_set_state (self, IST_EMULATOR_SERVICE_STATE_STOPPING);
  /* Whoever hears that a client has gone may close tunnels. */
  tunnels = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < self->tunnels->len; i++)
    g_ptr_array_add (tunnels, g_object_ref (g_ptr_array_index (self->tunnels, i)));
  for (guint i = 0; i < tunnels->len; i++)
    ist_emulator_tunnel_disconnect (g_ptr_array_index (tunnels, i),
                                    SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "Service is going away");
}

/**
 * ist_emulator_service_stop_async:
 * @self: a service
 * @cancellable: (nullable): ends the waiting, not the stopping
 * @callback: (scope async): called when the service has stopped
 * @user_data: data for @callback
 *
 * Does what [method@IstEmulator.Service.stop] does, and waits until the service has
 * stopped: the callback follows the signal [signal@IstEmulator.Service::stopped], or
 * comes from the main loop if the service is stopped already. That the service is
 * started again meanwhile changes nothing. It keeps the service alive until the
 * callback has been called.
 *
 * Since: 1.0
 */
void
ist_emulator_service_stop_async (IstEmulatorService *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (IST_EMULATOR_IS_SERVICE (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ist_emulator_service_stop_async);

  ist_emulator_service_stop (self);
  if (self->state == IST_EMULATOR_SERVICE_STATE_STOPPED)
    g_task_return_boolean (task, TRUE);
  else
    ist_waiting_tasks_add (self->stopping, g_steal_pointer (&task));
}

/**
 * ist_emulator_service_stop_finish:
 * @self: a service
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@IstEmulator.Service.stop_async]. The only error is
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if the service has stopped
 *
 * Since: 1.0
 */
gboolean
ist_emulator_service_stop_finish (IstEmulatorService *self,
                                  GAsyncResult *result,
                                  GError **error)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_emulator_service_stop_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
