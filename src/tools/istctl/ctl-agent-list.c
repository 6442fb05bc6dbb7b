/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/istctl/ctl-agent-commands.h"

#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/tool-units.h"
#include "tools/istctl/ctl-objects.h"
#include "tools/istctl/ctl-print.h"
#include "tools/istctl/ctl-state.h"
#include "tools/istctl/ctl-table.h"

static const CtlState states[] = {
  { "connected", N_ ("connected"), TOOL_STYLE_GOOD },
  { "subscribed", N_ ("subscribed"), TOOL_STYLE_GOOD },
  { "open", N_ ("open"), TOOL_STYLE_GOOD },
  { "connecting", N_ ("connecting"), TOOL_STYLE_WARNING },
  { "waiting", N_ ("waiting to reconnect"), TOOL_STYLE_WARNING },
  { "closing", N_ ("closing"), TOOL_STYLE_WARNING },
  { "stopping", N_ ("stopping"), TOOL_STYLE_WARNING },
  { "closed", N_ ("closed"), TOOL_STYLE_BAD },
  { "stopped", N_ ("stopped"), TOOL_STYLE_BAD },
  { NULL },
};

const char *
ctl_agent_describe_state (const char *state,
                          ToolStyle *style)
{
  return ctl_state_describe (states, state, style);
}

/* Tables */

static void
table_add_state (ToolTable *table,
                 const char *state)
{
  ToolStyle style;
  const char *word = ctl_agent_describe_state (state, &style);

  tool_table_add (table, style, word);
}

static void
table_add_tunnel (ToolTable *table,
                  AgentDBusAgent1Tunnel *tunnel)
{
  const char *const *services = agent_dbus_agent1_tunnel_get_services (tunnel);

  ctl_table_add_number (table, agent_dbus_agent1_tunnel_get_id (tunnel));
  table_add_state (table, agent_dbus_agent1_tunnel_get_state (tunnel));
  ctl_table_take (table, services != NULL ? g_strjoinv (", ", (char **) services) : NULL);
  tool_table_add (table, TOOL_STYLE_PLAIN, agent_dbus_agent1_tunnel_get_region (tunnel));
  ctl_table_take (table, tool_format_age (agent_dbus_agent1_tunnel_get_opened_at (tunnel)));
  ctl_table_add_number (table, agent_dbus_agent1_tunnel_get_connections (tunnel));
  ctl_table_add_counters (table, tunnel);
  ctl_table_take (table,
                  tool_format_round_trip (agent_dbus_agent1_tunnel_get_round_trip (tunnel)));
}

ToolTable *
ctl_agent_make_tunnel_table (GDBusObjectManager *manager)
{
  static const ToolColumn columns[] = {
    { .title = N_ ("Tunnel"), .to_right = TRUE },
    { .title = N_ ("State"), .priority = 1 },
    { .title = N_ ("Services"), .priority = 2, .least_width = 10 },
    { .title = N_ ("Region"), .priority = 8 },
    { .title = N_ ("Open for"), .priority = 3, .to_right = TRUE },
    { .title = N_ ("Connections"), .priority = 4, .to_right = TRUE },
    { .title = N_ ("Received"), .priority = 6, .to_right = TRUE },
    { .title = N_ ("per second"), .priority = 5, .to_right = TRUE },
    { .title = N_ ("Sent"), .priority = 6, .to_right = TRUE },
    { .title = N_ ("per second"), .priority = 5, .to_right = TRUE },
    { .title = N_ ("Round trip"), .priority = 7, .to_right = TRUE },
  };
  g_autoptr (GPtrArray) tunnels = ctl_objects_list (manager, AGENT_DBUS_TYPE_AGENT1_TUNNEL);
  ToolTable *table = tool_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < tunnels->len; i++)
    table_add_tunnel (table, g_ptr_array_index (tunnels, i));
  return table;
}

static void
table_add_connection (ToolTable *table,
                      AgentDBusAgent1Connection *connection)
{
  ctl_table_add_number (table, agent_dbus_agent1_connection_get_id (connection));
  ctl_table_add_number (table, agent_dbus_agent1_connection_get_tunnel (connection));
  tool_table_add (table, TOOL_STYLE_PLAIN, agent_dbus_agent1_connection_get_service (connection));
  table_add_state (table, agent_dbus_agent1_connection_get_state (connection));
  tool_table_add (table, TOOL_STYLE_PLAIN, agent_dbus_agent1_connection_get_address (connection));
  ctl_table_take (table, tool_format_age (agent_dbus_agent1_connection_get_opened_at (connection)));
  ctl_table_add_counters (table, connection);
}

ToolTable *
ctl_agent_make_connection_table (GDBusObjectManager *manager)
{
  static const ToolColumn columns[] = {
    { .title = N_ ("Connection"), .to_right = TRUE },
    { .title = N_ ("Tunnel"), .priority = 1, .to_right = TRUE },
    { .title = N_ ("Service"), .priority = 2, .least_width = 10 },
    { .title = N_ ("State"), .priority = 3 },
    { .title = N_ ("Address"), .priority = 7, .least_width = 12 },
    { .title = N_ ("Open for"), .priority = 4, .to_right = TRUE },
    { .title = N_ ("Received"), .priority = 6, .to_right = TRUE },
    { .title = N_ ("per second"), .priority = 5, .to_right = TRUE },
    { .title = N_ ("Sent"), .priority = 6, .to_right = TRUE },
    { .title = N_ ("per second"), .priority = 5, .to_right = TRUE },
  };
  g_autoptr (GPtrArray) connections = ctl_objects_list (manager, AGENT_DBUS_TYPE_AGENT1_CONNECTION);
  ToolTable *table = tool_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < connections->len; i++)
    table_add_connection (table, g_ptr_array_index (connections, i));
  return table;
}

/* The command */

static gboolean
print_json (GDBusObjectManager *manager,
            GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  ctl_json_add_objects (builder, "tunnels", manager, AGENT_DBUS_TYPE_AGENT1_TUNNEL);
  ctl_json_add_objects (builder, "connections", manager, AGENT_DBUS_TYPE_AGENT1_CONNECTION);
  json_builder_end_object (builder);
  return ctl_print_json (builder, error);
}

static gboolean
print_tables (GDBusObjectManager *manager,
              GError **error)
{
  g_autoptr (ToolTable) tunnels = ctl_agent_make_tunnel_table (manager);
  g_autoptr (ToolTable) connections = ctl_agent_make_connection_table (manager);
  ToolTable *const tables[] = { tunnels, connections };

  return ctl_print_tables (tables, G_N_ELEMENTS (tables), _ ("There are no tunnels.\n"), error);
}

int
ctl_agent_list (CtlCall *call,
                GError **error)
{
  g_autoptr (CtlAgent) agent = ctl_agent_new (call, NULL, 0, 0, error);
  gboolean good;

  if (agent == NULL || !ctl_agent_require (agent, error))
    return EXIT_FAILURE;
  good = call->json ? print_json (agent->manager, error) : print_tables (agent->manager, error);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
