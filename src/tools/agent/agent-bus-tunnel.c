/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/agent/agent-bus-tunnel.h"

#include <glib/gi18n.h>

#include "agent-dbus.h"
#include "tools/agent/agent-bus-connection.h"
#include "tools/agent/agent-bus-error.h"
#include "tools/agent/agent-bus-guard.h"
#include "tools/common/tool-bus-binding.h"

struct _AgentBusTunnel
{
  GDBusObjectManagerServer *manager;
  IstAgentTunnel *tunnel;
  AgentDBusObjectSkeleton *object;
  AgentDBusAgent1Tunnel *skeleton;
  ToolBusCounters *counters;
  GSignalGroup *signals;   /* of the forwarder */
  GHashTable *connections; /* AgentBusConnection by IstForwarderConnection */
};

/* Connections */

static void
tunnel_add_connection (AgentBusTunnel *self,
                       IstForwarderConnection *connection)
{
  AgentBusConnection *exported;

  if (g_hash_table_contains (self->connections, connection))
    return;
  exported = agent_bus_connection_new (self->manager, ist_agent_tunnel_get_id (self->tunnel), connection);
  g_hash_table_insert (self->connections, g_object_ref (connection), exported);
}

/* The list tells of those that come; that one goes, and why, its own signal tells. */
static void
on_connections_changed (GListModel *list,
                        guint position,
                        guint n_removed,
                        guint n_added,
                        gpointer user_data)
{
  for (guint i = position; i < position + n_added; i++)
    {
      g_autoptr (IstForwarderConnection) connection = g_list_model_get_item (list, i);

      tunnel_add_connection (user_data, connection);
    }
}

static void
on_connection_ended (IstForwarder *forwarder,
                     IstForwarderConnection *connection,
                     const GError *error,
                     gpointer user_data)
{
  AgentBusTunnel *self = user_data;
  AgentBusConnection *exported = g_hash_table_lookup (self->connections, connection);

  if (exported == NULL)
    return;
  g_hash_table_remove (self->connections, connection);
  agent_bus_connection_free (exported, error);
}

/* The tunnel */

static gboolean
on_stop (AgentDBusAgent1Tunnel *skeleton,
         GDBusMethodInvocation *invocation,
         gpointer user_data)
{
  IstAgentTunnel *tunnel = user_data;

  g_message (_ ("Tunnel %u: %s on D-Bus wants it to stop"), ist_agent_tunnel_get_id (tunnel),
             g_dbus_method_invocation_get_sender (invocation));
  ist_agent_tunnel_stop (tunnel);
  agent_dbus_agent1_tunnel_complete_stop (skeleton, invocation);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
tunnel_bind (AgentBusTunnel *self)
{
  IstSecureTunnel *secure_tunnel = ist_agent_tunnel_get_secure_tunnel (self->tunnel);
  const GBindingFlags flags = G_BINDING_SYNC_CREATE;

  g_object_bind_property (self->tunnel, "id", self->skeleton, "id", flags);
  g_object_bind_property (self->tunnel, "service-ids", self->skeleton, "services", flags);
  tool_bus_bind_text (self->tunnel, "region", self->skeleton, "region");
  tool_bus_bind_state (self->tunnel, self->skeleton);
  g_object_bind_property (self->tunnel, "opened-at", self->skeleton, "opened-at", flags);
  g_object_bind_property (self->tunnel, "n-connections", self->skeleton, "connections", flags);
  tool_bus_bind_text (secure_tunnel, "channel-id", self->skeleton, "channel-id");
  tool_bus_bind_text (secure_tunnel, "last-error", self->skeleton, "last-error");
  g_object_bind_property (secure_tunnel, "round-trip-time-us", self->skeleton, "round-trip", flags);
  g_object_bind_property (secure_tunnel, "n-reconnects", self->skeleton, "reconnects", flags);
}

AgentBusTunnel *
agent_bus_tunnel_new (GDBusObjectManagerServer *manager,
                      IstAgentTunnel *tunnel)
{
  AgentBusTunnel *self = g_new0 (AgentBusTunnel, 1);
  g_autofree char *path = g_strdup_printf (AGENT_BUS_PATH "/tunnels/%u", ist_agent_tunnel_get_id (tunnel));
  IstForwarder *forwarder = ist_agent_tunnel_get_forwarder (tunnel);

  self->manager = g_object_ref (manager);
  self->tunnel = g_object_ref (tunnel);
  self->object = agent_dbus_object_skeleton_new (path);
  self->skeleton = agent_dbus_agent1_tunnel_skeleton_new ();
  self->connections = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  tunnel_bind (self);
  self->counters = tool_bus_counters_new (tunnel, self->skeleton);
  agent_bus_guard (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_signal_connect_object (self->skeleton, "handle-stop", G_CALLBACK (on_stop), tunnel, 0);
  agent_dbus_object_skeleton_set_agent1_tunnel (self->object, self->skeleton);
  g_dbus_object_manager_server_export (manager, G_DBUS_OBJECT_SKELETON (self->object));

  self->signals = g_signal_group_new (IST_TYPE_FORWARDER);
  g_signal_group_connect (self->signals, "items-changed", G_CALLBACK (on_connections_changed), self);
  g_signal_group_connect (self->signals, "connection-closed", G_CALLBACK (on_connection_ended), self);
  g_signal_group_connect (self->signals, "connection-failed", G_CALLBACK (on_connection_ended), self);
  g_signal_group_set_target (self->signals, forwarder);
  on_connections_changed (G_LIST_MODEL (forwarder), 0, 0, g_list_model_get_n_items (G_LIST_MODEL (forwarder)), self);
  return self;
}

static void
tunnel_remove_connections (AgentBusTunnel *self)
{
  GHashTableIter iter;
  gpointer exported;

  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, NULL, &exported))
    agent_bus_connection_free (exported, NULL);
  g_hash_table_unref (self->connections);
}

void
agent_bus_tunnel_free (AgentBusTunnel *self,
                       const GError *reason)
{
  g_autofree char *text = tool_bus_error_to_text (reason);

  g_signal_group_set_target (self->signals, NULL);
  g_object_unref (self->signals);
  tunnel_remove_connections (self);

  tool_bus_counters_free (self->counters);
  agent_dbus_agent1_tunnel_set_last_error (self->skeleton, text);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_dbus_object_manager_server_unexport (self->manager, g_dbus_object_get_object_path (G_DBUS_OBJECT (self->object)));
  g_object_unref (self->skeleton);
  g_object_unref (self->object);
  g_object_unref (self->tunnel);
  g_object_unref (self->manager);
  g_free (self);
}
