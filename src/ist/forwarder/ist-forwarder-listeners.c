/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-forwarder-private.h"

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
on_accepted (IstListener *listener,
             GSocketConnection *stream,
             gpointer user_data)
{
  ListenerData *data = user_data;
  g_autoptr (IstForwarder) self = g_object_ref (data->forwarder);

  ist_forwarder_carry (self, data->service_id, G_IO_STREAM (stream), FALSE, NULL);
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

static GSocketConnectable *
forwarder_parse_place (IstForwarder *self,
                       const char *address,
                       GError **error)
{
  if (!ist_forwarder_check_source (self, error))
    return NULL;
  return ist_place_parse (address, self->settings.local_bind_address, error);
}

static guint
forwarder_listen_at (IstForwarder *self,
                     const char *service_id,
                     GPtrArray *addresses,
                     guint *port,
                     GError **error)
{
  IstListener *listener = ist_listener_new (addresses, port, self->context, error);

  return listener != NULL ? forwarder_add_listener (self, service_id, listener) : 0;
}

static void
forwarder_prefix_error (GError **error,
                        GSocketConnectable *place)
{
  g_autofree char *name = g_socket_connectable_to_string (place);

  g_prefix_error (error, "Can't listen on %s: ", name);
}

/**
 * ist_forwarder_listen:
 * @self: a forwarder of a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @address: where to listen: `port`, `localhost:port`, `IPv4 address:port`,
 *   `[IPv6 address]:port`, `/path` or `unix:path`; port 0 picks a free one
 * @port: (out) (optional): the port; 0 for a Unix socket
 * @error: return location for an error
 *
 * Listens for connections of local programs, and carries each to a service.
 *
 * This never blocks, so it takes no name that would have to be looked up:
 * [method@Ist.Forwarder.listen_async] does. The file of a Unix socket at which
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
  g_autoptr (GSocketConnectable) place = NULL;
  g_autoptr (GPtrArray) addresses = NULL;
  guint bound = 0;
  guint id = 0;

  g_return_val_if_fail (IST_IS_FORWARDER (self), 0);
  g_return_val_if_fail (address != NULL, 0);

  place = forwarder_parse_place (self, address, error);
  if (place == NULL)
    return 0;
  addresses = ist_place_get_addresses (place);
  if (addresses != NULL)
    id = forwarder_listen_at (self, service_id, addresses, &bound, error);
  else
    g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                         "its name has to be looked up, which could block; listen_async() does that");
  if (id == 0)
    forwarder_prefix_error (error, place);
  else if (port != NULL)
    *port = bound;
  return id;
}

/* A call of listen_async() */
typedef struct
{
  GSocketConnectable *place;
  char *service_id;
  guint n_stops; /* before it */
  guint id;
  guint port;
} Listening;

static void
listening_free (Listening *listening)
{
  g_clear_object (&listening->place);
  g_free (listening->service_id);
  g_free (listening);
}

static void
on_place_looked_up (GObject *object,
                    GAsyncResult *result,
                    gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  IstForwarder *self = g_task_get_source_object (task);
  Listening *listening = g_task_get_task_data (task);
  g_autoptr (GPtrArray) addresses = NULL;
  GError *error = NULL;

  addresses = ist_place_look_up_finish (listening->place, result, &error);
  if (addresses != NULL && listening->n_stops != self->n_stops)
    g_set_error_literal (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED, "the forwarder listens no more");
  else if (addresses != NULL)
    listening->id = forwarder_listen_at (self, listening->service_id, addresses, &listening->port, &error);
  if (listening->id != 0)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  forwarder_prefix_error (&error, listening->place);
  g_task_return_error (task, error);
}

/**
 * ist_forwarder_listen_async:
 * @self: a forwarder of a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @address: where to listen: what [method@Ist.Forwarder.listen] takes, and `host:port`
 * @cancellable: (nullable): to give up
 * @callback: (scope async): called when it listens, or can't
 * @user_data: data for @callback
 *
 * Does what [method@Ist.Forwarder.listen] does, and looks up the name of a host
 * before, without blocking. All addresses of the host are listened on.
 *
 * Until @callback is called, @self is kept.
 *
 * Since: 1.0
 */
void
ist_forwarder_listen_async (IstForwarder *self,
                            const char *service_id,
                            const char *address,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Listening *listening;
  GError *error = NULL;

  g_return_if_fail (IST_IS_FORWARDER (self));
  g_return_if_fail (address != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ist_forwarder_listen_async);
  /* Where it listens already, that is not to be hidden. */
  g_task_set_check_cancellable (task, FALSE);
  listening = g_new0 (Listening, 1);
  g_task_set_task_data (task, listening, (GDestroyNotify) listening_free);
  listening->place = forwarder_parse_place (self, address, &error);
  if (listening->place == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  listening->service_id = g_strdup (service_id);
  listening->n_stops = self->n_stops;
  ist_place_look_up_async (listening->place, cancellable, on_place_looked_up, g_steal_pointer (&task));
}

/**
 * ist_forwarder_listen_finish:
 * @self: a forwarder
 * @result: what the callback was given
 * @port: (out) (optional): the port; 0 for a Unix socket
 * @error: return location for an error
 *
 * Ends what [method@Ist.Forwarder.listen_async] has begun.
 *
 * Fails as [method@Ist.Forwarder.listen] does, with an error of
 * [error@Gio.ResolverError] if the host was not found, with %G_IO_ERROR_CANCELLED, or
 * with %IST_TUNNEL_ERROR_STOPPED if [method@Ist.Forwarder.stop_listening] or
 * [method@Ist.Forwarder.close] was called before the host was found.
 *
 * Returns: the listener, for [method@Ist.Forwarder.unlisten]; 0 with @error set
 *
 * Since: 1.0
 */
guint
ist_forwarder_listen_finish (IstForwarder *self,
                             GAsyncResult *result,
                             guint *port,
                             GError **error)
{
  const Listening *listening;

  g_return_val_if_fail (IST_IS_FORWARDER (self), 0);
  g_return_val_if_fail (g_task_is_valid (result, self), 0);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_forwarder_listen_async), 0);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return 0;
  listening = g_task_get_task_data (G_TASK (result));
  if (port != NULL)
    *port = listening->port;
  return listening->id;
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

  if (!ist_forwarder_check_source (self, error))
    return 0;
  listener = ist_listener_new_for_socket (socket, self->context, error);
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

  self->n_stops++;
  g_hash_table_remove_all (self->listeners);
}
