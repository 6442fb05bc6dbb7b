/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/agent/agent-bus.h"

#include <glib/gi18n.h>

#include "agent-dbus.h"
#include "tools/agent/agent-bus-error.h"
#include "tools/agent/agent-bus-guard.h"
#include "tools/agent/agent-bus-tunnel.h"
#include "tools/common/tool-bus-binding.h"
#include "tools/common/tool-bus.h"

struct _AgentBus
{
  IstAgentDevice *agent;
  GCancellable *cancellable;
  GDBusConnection *connection;
  guint name;
  AgentDBusAgent1 *skeleton;
  GDBusObjectManagerServer *manager;
  GHashTable *tunnels; /* AgentBusTunnel by IstAgentTunnel */
  GSignalGroup *signals;
};

/* Methods */

static gboolean
on_stop_tunnel (AgentDBusAgent1 *skeleton,
                GDBusMethodInvocation *invocation,
                guint id,
                gpointer user_data)
{
  AgentBus *self = user_data;
  GListModel *tunnels = G_LIST_MODEL (self->agent);

  for (guint i = 0; i < g_list_model_get_n_items (tunnels); i++)
    {
      g_autoptr (IstAgentTunnel) tunnel = g_list_model_get_item (tunnels, i);

      if (ist_agent_tunnel_get_id (tunnel) != id)
        continue;
      g_message (_ ("Tunnel %u: %s on D-Bus wants it to stop"), id,
                 g_dbus_method_invocation_get_sender (invocation));
      ist_agent_tunnel_stop (tunnel);
      agent_dbus_agent1_complete_stop_tunnel (skeleton, invocation);
      return G_DBUS_METHOD_INVOCATION_HANDLED;
    }
  g_dbus_method_invocation_return_error (invocation, AGENT_BUS_ERROR, AGENT_BUS_ERROR_NO_SUCH_TUNNEL,
                                         "There is no tunnel %u", id);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

/* Signals */

/* The id of a forwarder's tunnel. */
#define TUNNEL_ID "ist-agent-tunnel-id"

static guint
bus_get_tunnel_id (IstForwarder *forwarder)
{
  return GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (forwarder), TUNNEL_ID));
}

/* It may have none, or one that is the peer's. */
static char *
get_service (IstForwarderConnection *connection)
{
  const char *service = ist_forwarder_connection_get_service_id (connection);

  return g_utf8_make_valid (service != NULL ? service : "", -1);
}

static void
on_connection_opened (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      gpointer user_data)
{
  AgentDBusAgent1 *skeleton = user_data;
  g_autofree char *service = get_service (connection);

  agent_dbus_agent1_emit_connection_opened (skeleton, bus_get_tunnel_id (forwarder), service);
}

static void
on_connection_closed (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      const GError *error,
                      gpointer user_data)
{
  AgentDBusAgent1 *skeleton = user_data;
  g_autofree char *reason = tool_bus_error_to_text (error);
  g_autofree char *service = get_service (connection);

  agent_dbus_agent1_emit_connection_closed (skeleton, bus_get_tunnel_id (forwarder), service,
                                            ist_forwarder_connection_get_bytes_in (connection),
                                            ist_forwarder_connection_get_bytes_out (connection), reason);
}

static void
on_tunnel_opened (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  gpointer user_data)
{
  AgentBus *self = user_data;
  IstForwarder *forwarder = ist_agent_tunnel_get_forwarder (tunnel);
  guint id = ist_agent_tunnel_get_id (tunnel);

  g_hash_table_insert (self->tunnels, g_object_ref (tunnel), agent_bus_tunnel_new (self->manager, tunnel));
  g_object_set_data (G_OBJECT (forwarder), TUNNEL_ID, GUINT_TO_POINTER (id));
  g_signal_connect_object (forwarder, "connection-opened", G_CALLBACK (on_connection_opened), self->skeleton, 0);
  g_signal_connect_object (forwarder, "connection-closed", G_CALLBACK (on_connection_closed), self->skeleton, 0);
  g_signal_connect_object (forwarder, "connection-failed", G_CALLBACK (on_connection_closed), self->skeleton, 0);
  agent_dbus_agent1_emit_tunnel_opened (self->skeleton, id, ist_agent_tunnel_get_service_ids (tunnel));
}

static void
on_tunnel_closed (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  const GError *error,
                  gpointer user_data)
{
  AgentBus *self = user_data;
  AgentBusTunnel *exported = g_hash_table_lookup (self->tunnels, tunnel);
  g_autofree char *reason = tool_bus_error_to_text (error);

  if (exported != NULL)
    {
      g_hash_table_remove (self->tunnels, tunnel);
      agent_bus_tunnel_free (exported, error);
    }
  agent_dbus_agent1_emit_tunnel_closed (self->skeleton, ist_agent_tunnel_get_id (tunnel), reason);
}

static void
bus_set_last_error (AgentBus *self,
                    const GError *error)
{
  g_autofree char *text = tool_bus_error_to_text (error);

  agent_dbus_agent1_set_last_error (self->skeleton, text);
  agent_dbus_agent1_set_last_error_at (self->skeleton, g_get_real_time ());
}

static void
on_broker_lost (IstAgentDevice *agent,
                const GError *error,
                guint delay_ms,
                gpointer user_data)
{
  bus_set_last_error (user_data, error);
}

static void
on_notification_refused (IstAgentDevice *agent,
                         const GError *error,
                         gpointer user_data)
{
  bus_set_last_error (user_data, error);
}

static void
on_state_changed (IstAgentDevice *agent,
                  GParamSpec *property,
                  gpointer user_data)
{
  AgentBus *self = user_data;
  gboolean subscribed = ist_agent_device_get_state (agent) == IST_AGENT_DEVICE_STATE_SUBSCRIBED;

  agent_dbus_agent1_set_subscribed (self->skeleton, subscribed);
  agent_dbus_agent1_set_subscribed_at (self->skeleton, subscribed ? g_get_real_time () : 0);
}

/* The bus */

static void
on_name_lost (GDBusConnection *connection,
              const char *name,
              gpointer user_data)
{
  g_warning (_ ("The name %s is not to be had on D-Bus"), name);
}

static void
bus_export (AgentBus *self)
{
  g_autoptr (GError) error = NULL;

  /* An agent survives its bus. */
  g_dbus_connection_set_exit_on_close (self->connection, FALSE);
  if (!g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), self->connection,
                                         AGENT_BUS_PATH, &error))
    {
      g_warning (_ ("Could not go on D-Bus: %s"), error->message);
      return;
    }
  /* The name comes last: who waits for it finds all that is there. */
  g_dbus_object_manager_server_set_connection (self->manager, self->connection);
  self->name = g_bus_own_name_on_connection (self->connection, AGENT_BUS_NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
                                             NULL, on_name_lost, NULL, NULL);
}

static void
on_connected (GObject *source_object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = g_dbus_connection_new_for_address_finish (result, &error);
  AgentBus *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (connection == NULL)
    {
      g_warning (_ ("Could not go on D-Bus: %s"), error->message);
      return;
    }
  self->connection = g_steal_pointer (&connection);
  bus_export (self);
}

static void
bus_connect (AgentBus *self,
             const char *bus)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = tool_bus_get_address (bus, &error);

  if (address == NULL)
    {
      g_warning (_ ("Could not go on D-Bus: %s"), error->message);
      return;
    }
  g_dbus_connection_new_for_address (
    address,
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
    NULL, self->cancellable, on_connected, self);
}

static void
bus_set_properties (AgentBus *self)
{
  const GBindingFlags flags = G_BINDING_SYNC_CREATE;

  agent_dbus_agent1_set_version (self->skeleton, IST_VERSION_S);
  agent_dbus_agent1_set_last_error (self->skeleton, "");
  tool_bus_bind_text (self->agent, "thing-name", self->skeleton, "thing-name");
  tool_bus_bind_text (self->agent, "broker", self->skeleton, "broker");
  tool_bus_bind_state (self->agent, self->skeleton);
  g_object_bind_property (self->agent, "n-tunnels", self->skeleton, "tunnels", flags);
  g_object_bind_property (self->agent, "n-connections", self->skeleton, "connections", flags);
  g_object_bind_property (self->agent, "max-tunnels", self->skeleton, "max-tunnels", flags);
  g_object_bind_property (self->agent, "max-connections", self->skeleton, "max-connections", flags);
  on_state_changed (self->agent, NULL, self);
}

AgentBus *
agent_bus_new (IstAgentDevice *agent,
               const char *bus)
{
  AgentBus *self = g_new0 (AgentBus, 1);

  self->agent = g_object_ref (agent);
  self->cancellable = g_cancellable_new ();
  self->manager = g_dbus_object_manager_server_new (AGENT_BUS_PATH);
  self->tunnels = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->skeleton = agent_dbus_agent1_skeleton_new ();
  bus_set_properties (self);
  agent_bus_guard (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_signal_connect (self->skeleton, "handle-stop-tunnel", G_CALLBACK (on_stop_tunnel), self);

  self->signals = g_signal_group_new (IST_AGENT_TYPE_DEVICE);
  g_signal_group_connect (self->signals, "notify::state", G_CALLBACK (on_state_changed), self);
  g_signal_group_connect (self->signals, "broker-lost", G_CALLBACK (on_broker_lost), self);
  g_signal_group_connect (self->signals, "notification-refused", G_CALLBACK (on_notification_refused), self);
  g_signal_group_connect (self->signals, "tunnel-opened", G_CALLBACK (on_tunnel_opened), self);
  g_signal_group_connect (self->signals, "tunnel-closed", G_CALLBACK (on_tunnel_closed), self);
  g_signal_group_set_target (self->signals, agent);
  bus_connect (self, bus);
  return self;
}

static void
bus_remove_tunnels (AgentBus *self)
{
  GHashTableIter iter;
  gpointer exported;

  g_hash_table_iter_init (&iter, self->tunnels);
  while (g_hash_table_iter_next (&iter, NULL, &exported))
    agent_bus_tunnel_free (exported, NULL);
  g_hash_table_unref (self->tunnels);
}

void
agent_bus_free (AgentBus *self)
{
  g_cancellable_cancel (self->cancellable);
  g_signal_group_set_target (self->signals, NULL);
  g_object_unref (self->signals);
  bus_remove_tunnels (self);
  if (self->name != 0)
    {
      g_bus_unown_name (self->name);
      g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));
    }
  g_signal_handlers_disconnect_by_data (self->skeleton, self);
  g_object_unref (self->skeleton);
  g_object_unref (self->manager);
  if (self->connection != NULL)
    g_dbus_connection_flush_sync (self->connection, NULL, NULL);
  g_clear_object (&self->connection);
  g_object_unref (self->cancellable);
  g_object_unref (self->agent);
  g_free (self);
}
