/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-forwarder-private.h"

#include "ist/forwarder/ist-forwarder-connection-private.h"
#include "ist/forwarder/ist-listener-private.h"
#include "ist/forwarder/ist-place-private.h"
#include "ist/ist-tunnel-error.h"

/* Where a listener's connections go. */
typedef struct
{
  IstForwarder *forwarder;
  char *service_id;
} ListenerData;

static void
listener_data_free (ListenerData *data)
{
  g_free (data->service_id);
  g_free (data);
}

static void
forwarder_carry (IstForwarder *self,
                 const char *service_id,
                 GIOStream *stream)
{
  g_autoptr (IstForwarderConnection) connection = ist_forwarder_admit (self, service_id, NULL, stream);

  if (connection != NULL)
    ist_forwarder_connection_open (connection, self->tunnel);
}

static void
on_accepted (IstListener *listener,
             GSocketConnection *stream,
             gpointer user_data)
{
  ListenerData *data = user_data;
  g_autoptr (IstForwarder) self = g_object_ref (data->forwarder);

  forwarder_carry (self, data->service_id, G_IO_STREAM (stream));
}

static guint
forwarder_add_listener (IstForwarder *self,
                        const char *service_id,
                        IstListener *listener)
{
  ListenerData *data = g_new0 (ListenerData, 1);

  data->forwarder = self;
  data->service_id = g_strdup (service_id);
  ist_listener_start (listener, on_accepted, data, (GDestroyNotify) listener_data_free);
  self->last_listener_id++;
  g_hash_table_insert (self->listeners, GUINT_TO_POINTER (self->last_listener_id), listener);
  return self->last_listener_id;
}

static gboolean
forwarder_check_source (IstForwarder *self,
                        GError **error)
{
  IstMode mode;

  g_object_get (self->tunnel, "mode", &mode, NULL);
  if (mode == IST_MODE_SOURCE)
    return TRUE;
  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE,
                       "Only the source opens connections; on the destination, set a target");
  return FALSE;
}


/**
 * ist_forwarder_listen:
 * @self: a forwarder of a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @address: where to listen: `host:port`, `[IPv6 address]:port`, `port`,
 *   `/path` or `unix:path`; port 0 picks a free one
 * @port: (out) (optional): the port; 0 for a Unix socket
 * @error: return location for an error
 *
 * Listens for connections of local programs, and carries each to a service.
 *
 * A name is looked up at once, which may block unless it is `localhost` or a
 * number; all its addresses are listened on. The file of a Unix socket at which
 * nobody listens any more is replaced; it is removed in the end.
 *
 * Fails with %IST_TUNNEL_ERROR_INVALID_SETTING if @address can't be one, with
 * %IST_TUNNEL_ERROR_INVALID_STATE on a destination, or with an error of
 * [error@Gio.IOErrorEnum], such as %G_IO_ERROR_ADDRESS_IN_USE, that names the address.
 *
 * Returns: the listener, for [method@Ist.Forwarder.unlisten]; 0 with @error set
 *
 * Since: 1.0
 */
guint
ist_forwarder_listen (IstForwarder *self,
                      const char *service_id,
                      const char *address,
                      guint *port,
                      GError **error)
{
  g_autoptr (GSocketConnectable) connectable = NULL;
  IstListener *listener;
  guint bound;

  g_return_val_if_fail (IST_IS_FORWARDER (self), 0);
  g_return_val_if_fail (address != NULL, 0);

  if (!forwarder_check_source (self, error))
    return 0;
  connectable = ist_place_parse (address, self->settings.local_bind_address, error);
  if (connectable == NULL)
    return 0;
  listener = ist_listener_new (connectable, &bound, error);
  if (listener == NULL)
    {
      g_autofree char *name = g_socket_connectable_to_string (connectable);

      g_prefix_error (error, "Can't listen on %s: ", name);
      return 0;
    }
  if (port != NULL)
    *port = bound;
  return forwarder_add_listener (self, service_id, listener);
}

/**
 * ist_forwarder_listen_socket:
 * @self: a forwarder of a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @socket: a socket that listens, such as one that was inherited
 * @error: return location for an error
 *
 * Does what [method@Ist.Forwarder.listen] does, with a socket that was made by
 * others, and closes it in the end.
 *
 * Fails with %IST_TUNNEL_ERROR_INVALID_SETTING if @socket does not listen, and with
 * %IST_TUNNEL_ERROR_INVALID_STATE on a destination.
 *
 * Returns: the listener, for [method@Ist.Forwarder.unlisten]; 0 with @error set
 *
 * Since: 1.0
 */
guint
ist_forwarder_listen_socket (IstForwarder *self,
                             const char *service_id,
                             GSocket *socket,
                             GError **error)
{
  IstListener *listener;

  g_return_val_if_fail (IST_IS_FORWARDER (self), 0);
  g_return_val_if_fail (G_IS_SOCKET (socket), 0);

  if (!forwarder_check_source (self, error))
    return 0;
  listener = ist_listener_new_for_socket (socket, error);
  if (listener == NULL)
    return 0;
  return forwarder_add_listener (self, service_id, listener);
}

/**
 * ist_forwarder_unlisten:
 * @self: a forwarder
 * @listener_id: what [method@Ist.Forwarder.listen] or
 *   [method@Ist.Forwarder.listen_socket] has returned
 *
 * Listens no more at one place. Connections that came from there go on.
 *
 * Returns: whether there was such a listener
 *
 * Since: 1.0
 */
gboolean
ist_forwarder_unlisten (IstForwarder *self,
                        guint listener_id)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), FALSE);

  return g_hash_table_remove (self->listeners, GUINT_TO_POINTER (listener_id));
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

  if (!forwarder_check_source (self, error))
    return FALSE;
  g_object_ref (self);
  forwarder_carry (self, service_id, stream);
  g_object_unref (self);
  return TRUE;
}

/**
 * ist_forwarder_stop_listening:
 * @self: a forwarder
 *
 * Listens nowhere any more. Connections that are open go on, and so does what
 * the peer opens.
 *
 * Since: 1.0
 */
void
ist_forwarder_stop_listening (IstForwarder *self)
{
  g_return_if_fail (IST_IS_FORWARDER (self));

  g_hash_table_remove_all (self->listeners);
}
