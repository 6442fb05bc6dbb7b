/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-forwarder-private.h"

#include "ist/forwarder/ist-forwarder-connection-private.h"
#include "ist/forwarder/ist-place-private.h"
#include "ist/ist-tunnel-error.h"

static GSocketConnectable *
forwarder_get_target (IstForwarder *self,
                      const char *service_id)
{
  GSocketConnectable *target = NULL;

  if (service_id != NULL)
    target = g_hash_table_lookup (self->targets, service_id);
  /* Where there is only one service it need not be named. */
  if (target == NULL && g_strv_length ((char **) ist_secure_tunnel_get_service_ids (self->tunnel)) <= 1)
    target = g_hash_table_lookup (self->targets, "");
  return target;
}

static GSocketClient *
forwarder_create_client (IstForwarder *self,
                         GSocketConnectable *target,
                         GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) local = NULL;

  g_socket_client_set_timeout (client, self->settings.numbers[IST_FORWARDER_CONNECT_TIMEOUT]);
  g_socket_client_set_enable_proxy (client, self->settings.proxy_resolver != NULL);
  g_socket_client_set_proxy_resolver (client, self->settings.proxy_resolver);
  if (self->settings.local_bind_address == NULL || G_IS_UNIX_SOCKET_ADDRESS (target))
    return g_steal_pointer (&client);

  local = g_inet_socket_address_new_from_string (self->settings.local_bind_address, 0);
  if (local == NULL)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                   "Can't connect from “%s”: local-bind-address must be a numeric address for that",
                   self->settings.local_bind_address);
      return NULL;
    }
  g_socket_client_set_local_address (client, local);
  return g_steal_pointer (&client);
}

static gboolean
on_incoming_connection (IstSecureTunnel *tunnel,
                        IstConnection *tunnelled,
                        gpointer user_data)
{
  g_autoptr (IstForwarder) self = g_object_ref (user_data);
  const char *service_id = ist_connection_get_service_id (tunnelled);
  GSocketConnectable *found = forwarder_get_target (self, service_id);
  g_autoptr (GSocketConnectable) target = NULL;
  g_autoptr (GSocketClient) client = NULL;
  g_autoptr (IstForwarderConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  if (found == NULL)
    return FALSE;
  target = g_object_ref (found);
  connection = ist_forwarder_add (self, service_id, tunnelled, NULL);
  if (connection == NULL)
    return TRUE;
  client = forwarder_create_client (self, target, &error);
  if (client != NULL)
    {
      ist_forwarder_connection_prepare (connection, client, target);
      ist_connect_queue_add (self->connect_queue, connection, self->settings.numbers[IST_FORWARDER_MAX_CONNECTING]);
    }
  else
    {
      ist_forwarder_connection_end (connection, error);
    }
  return TRUE;
}

/* Nobody has taken it: its source would wait for ever, for the protocol has no
 * answer to the start of a connection but its end. */
static gboolean
on_unclaimed_connection (IstSecureTunnel *tunnel,
                         IstConnection *tunnelled,
                         gpointer user_data)
{
  g_autoptr (IstForwarder) self = g_object_ref (user_data);
  const char *service_id = ist_connection_get_service_id (tunnelled);
  g_autoptr (IstForwarderConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  if (!self->settings.refuse_unmapped)
    return FALSE;
  connection = ist_forwarder_add (self, service_id, tunnelled, NULL);
  if (connection == NULL)
    return TRUE;
  if (service_id != NULL)
    g_set_error (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE, "The service “%s” leads nowhere here",
                 service_id);
  else
    g_set_error_literal (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE, "The tunnel leads nowhere here");
  ist_forwarder_connection_end (connection, error);
  return TRUE;
}

void
ist_forwarder_watch_tunnel (IstForwarder *self)
{
  /* After all others: they may want it. */
  if (self->tunnel != NULL)
    self->unclaimed_handler = g_signal_connect_after (self->tunnel, "incoming-connection",
                                                      G_CALLBACK (on_unclaimed_connection), self);
}

void
ist_forwarder_unwatch_tunnel (IstForwarder *self)
{
  if (self->incoming_handler != 0)
    g_clear_signal_handler (&self->incoming_handler, self->tunnel);
  if (self->unclaimed_handler != 0)
    g_clear_signal_handler (&self->unclaimed_handler, self->tunnel);
}

static void
forwarder_take_incoming (IstForwarder *self,
                         const char *service_id,
                         GSocketConnectable *target)
{
  g_hash_table_replace (self->targets, g_strdup (service_id != NULL ? service_id : ""),
                        g_object_ref (target));
  if (self->incoming_handler == 0)
    self->incoming_handler = g_signal_connect (self->tunnel, "incoming-connection",
                                               G_CALLBACK (on_incoming_connection), self);
}

/**
 * ist_forwarder_add_target:
 * @self: a forwarder of a tunnel in destination mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @address: what to connect to: `host:port`, `[IPv6 address]:port`, `port`,
 *   `/path` or `unix:path`
 * @error: return location for an error
 *
 * Connects to an address whenever the peer opens a connection of a service. It
 * takes the place of the service's former target.
 *
 * Fails with %IST_TUNNEL_ERROR_INVALID_SETTING if @address can't be one. Nothing is
 * looked up before it is needed.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
ist_forwarder_add_target (IstForwarder *self,
                          const char *service_id,
                          const char *address,
                          GError **error)
{
  g_autoptr (GSocketConnectable) target = NULL;

  g_return_val_if_fail (IST_IS_FORWARDER (self), FALSE);
  g_return_val_if_fail (address != NULL, FALSE);

  target = ist_place_parse (address, NULL, error);
  if (target == NULL)
    return FALSE;
  forwarder_take_incoming (self, service_id, target);
  return TRUE;
}

/**
 * ist_forwarder_add_connectable:
 * @self: a forwarder of a tunnel in destination mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @connectable: what to connect to
 *
 * Does what [method@Ist.Forwarder.add_target] does, for anything that a
 * [class@Gio.SocketClient] can connect to.
 *
 * Since: 1.0
 */
void
ist_forwarder_add_connectable (IstForwarder *self,
                               const char *service_id,
                               GSocketConnectable *connectable)
{
  g_return_if_fail (IST_IS_FORWARDER (self));
  g_return_if_fail (G_IS_SOCKET_CONNECTABLE (connectable));

  forwarder_take_incoming (self, service_id, connectable);
}
