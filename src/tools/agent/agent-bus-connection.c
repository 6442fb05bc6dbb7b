/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/agent/agent-bus-connection.h"

#include <glib/gi18n.h>

#include "agent-dbus.h"
#include "tools/agent/agent-bus-error.h"
#include "tools/agent/agent-bus-guard.h"
#include "tools/common/tool-bus-binding.h"

struct _AgentBusConnection
{
  GDBusObjectManagerServer *manager;
  AgentDBusObjectSkeleton *object;
  AgentDBusAgent1Connection *skeleton;
  ToolBusCounters *counters;
};

static gboolean
on_close (AgentDBusAgent1Connection *skeleton,
          GDBusMethodInvocation *invocation,
          gpointer user_data)
{
  IstForwarderConnection *connection = user_data;

  g_message (_ ("Tunnel %u: %s on D-Bus wants a connection of %s to end"),
             agent_dbus_agent1_connection_get_tunnel (skeleton), g_dbus_method_invocation_get_sender (invocation),
             agent_dbus_agent1_connection_get_service (skeleton));
  ist_forwarder_connection_close (connection);
  agent_dbus_agent1_connection_complete_close (skeleton, invocation);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

/* None is used twice, not even after very many. */
static guint
get_next_id (void)
{
  static guint last;

  return last = MAX (last + 1, 1);
}

AgentBusConnection *
agent_bus_connection_new (GDBusObjectManagerServer *manager,
                          guint tunnel,
                          IstForwarderConnection *connection)
{
  AgentBusConnection *self = g_new0 (AgentBusConnection, 1);
  guint id = get_next_id ();
  g_autofree char *path = g_strdup_printf (AGENT_BUS_PATH "/connections/%u", id);

  self->manager = g_object_ref (manager);
  self->object = agent_dbus_object_skeleton_new (path);
  self->skeleton = agent_dbus_agent1_connection_skeleton_new ();
  agent_dbus_agent1_connection_set_id (self->skeleton, id);
  agent_dbus_agent1_connection_set_tunnel (self->skeleton, tunnel);
  agent_dbus_agent1_connection_set_last_error (self->skeleton, "");
  tool_bus_bind_text (connection, "service-id", self->skeleton, "service");
  tool_bus_bind_state (connection, self->skeleton);
  tool_bus_bind_text (connection, "address", self->skeleton, "address");
  g_object_bind_property (connection, "opened-at", self->skeleton, "opened-at", G_BINDING_SYNC_CREATE);
  self->counters = tool_bus_counters_new (connection, self->skeleton);

  agent_bus_guard (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_signal_connect_object (self->skeleton, "handle-close", G_CALLBACK (on_close), connection, 0);
  agent_dbus_object_skeleton_set_agent1_connection (self->object, self->skeleton);
  g_dbus_object_manager_server_export (manager, G_DBUS_OBJECT_SKELETON (self->object));
  return self;
}

void
agent_bus_connection_free (AgentBusConnection *self,
                           const GError *reason)
{
  g_autofree char *text = tool_bus_error_to_text (reason);

  tool_bus_counters_free (self->counters);
  agent_dbus_agent1_connection_set_last_error (self->skeleton, text);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_dbus_object_manager_server_unexport (self->manager, g_dbus_object_get_object_path (G_DBUS_OBJECT (self->object)));
  g_object_unref (self->skeleton);
  g_object_unref (self->object);
  g_object_unref (self->manager);
  g_free (self);
}
