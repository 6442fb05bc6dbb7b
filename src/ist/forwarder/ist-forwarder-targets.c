/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-forwarder-private.h"

#include "ist/forwarder/ist-forwarder-connection-private.h"
#include "ist/forwarder/ist-place-private.h"
#include "ist/ist-tunnel-error.h"

/* A table can't have NULL for a key. */
static const char *
forwarder_target_key (const char *service_id)
{
  return service_id != NULL ? service_id : "";
}

static gboolean
forwarder_has_one_service (IstForwarder *self)
{
  const char *const *service_ids = ist_secure_tunnel_get_service_ids (self->tunnel);

  return service_ids == NULL || g_strv_length ((char **) service_ids) <= 1;
}

static GSocketConnectable *
forwarder_get_target (IstForwarder *self,
                      const char *service_id)
{
  GSocketConnectable *target = g_hash_table_lookup (self->targets, forwarder_target_key (service_id));

  /* Where there is only one service it need not be named. */
  if (target == NULL && forwarder_has_one_service (self))
    target = g_hash_table_lookup (self->targets, forwarder_target_key (NULL));
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
                        IstForwarder *self)
{
  GSocketConnectable *found = forwarder_get_target (self, ist_connection_get_service_id (tunnelled));
  g_autoptr (GSocketConnectable) target = NULL;
  g_autoptr (GSocketClient) client = NULL;
  g_autoptr (IstForwarderConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  if (found == NULL)
    return FALSE;
  target = g_object_ref (found);
  connection = ist_forwarder_admit (self, ist_connection_get_service_id (tunnelled), tunnelled, NULL, NULL);
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
                         IstForwarder *self)
{
  const char *service_id = ist_connection_get_service_id (tunnelled);
  g_autoptr (GError) error = NULL;

  if (!self->settings.refuse_unmapped)
    return FALSE;
  if (service_id != NULL)
    g_set_error (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE, "The service “%s” leads nowhere here",
                 service_id);
  else
    g_set_error_literal (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE, "The tunnel leads nowhere here");
  ist_forwarder_refuse (self, tunnelled, error);
  return TRUE;
}

void
ist_forwarder_watch_tunnel (IstForwarder *self)
{
  g_signal_connect_object (self->tunnel, "incoming-connection", G_CALLBACK (on_incoming_connection), self, 0);
  /* After all others: they may want it. */
  g_signal_connect_object (self->tunnel, "incoming-connection", G_CALLBACK (on_unclaimed_connection), self,
                           G_CONNECT_AFTER);
}

/**
 * ist_forwarder_set_target:
 * @self: a forwarder of a tunnel in destination mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @address: what to connect to: `host:port`, `[IPv6 address]:port`, `port`,
 *   `/path` or `unix:path`
 * @error: return location for an error
 *
 * Connects to an address whenever the peer opens a connection of a service.
 *
 * A service has one target at a time: this takes the place of a former one, for
 * connections that begin from now on. Nothing is looked up before it is needed,
 * and then without blocking.
 *
 * Fails with %IST_TUNNEL_ERROR_INVALID_SETTING if @address can't be one.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
ist_forwarder_set_target (IstForwarder *self,
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
  ist_forwarder_set_connectable (self, service_id, target);
  return TRUE;
}

/**
 * ist_forwarder_set_connectable:
 * @self: a forwarder of a tunnel in destination mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @connectable: what to connect to
 *
 * Does what [method@Ist.Forwarder.set_target] does, for anything that a
 * [class@Gio.SocketClient] can connect to.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_connectable (IstForwarder *self,
                               const char *service_id,
                               GSocketConnectable *connectable)
{
  g_return_if_fail (IST_IS_FORWARDER (self));
  g_return_if_fail (G_IS_SOCKET_CONNECTABLE (connectable));

  g_hash_table_replace (self->targets, g_strdup (forwarder_target_key (service_id)), g_object_ref (connectable));
}

/**
 * ist_forwarder_remove_target:
 * @self: a forwarder
 * @service_id: (nullable): the service, as it was named to
 *   [method@Ist.Forwarder.set_target]
 *
 * Forgets the target of a service: connections that begin from now on are refused
 * (see [property@Ist.Forwarder:refuse-unmapped]), those that are open go on.
 *
 * Returns: whether the service had a target
 *
 * Since: 1.0
 */
gboolean
ist_forwarder_remove_target (IstForwarder *self,
                             const char *service_id)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), FALSE);

  return g_hash_table_remove (self->targets, forwarder_target_key (service_id));
}
