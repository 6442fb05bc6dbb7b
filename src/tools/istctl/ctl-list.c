/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/istctl/ctl-list.h"

#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/tool-operator-bus.h"
#include "tools/common/tool-operator-link.h"
#include "tools/common/tool-units.h"
#include "tools/istctl/ctl-objects.h"
#include "tools/istctl/ctl-operator.h"
#include "tools/istctl/ctl-print.h"
#include "tools/istctl/ctl-state.h"
#include "tools/istctl/ctl-table.h"

static const CtlState states[] = {
  { "looking", N_ ("looking for one"), TOOL_STYLE_WARNING },
  { "opening", N_ ("opening"), TOOL_STYLE_WARNING },
  { "waiting", N_ ("waiting for the device"), TOOL_STYLE_WARNING },
  { "connecting", N_ ("connecting"), TOOL_STYLE_WARNING },
  { "connected", N_ ("connected"), TOOL_STYLE_GOOD },
  { "open", N_ ("open"), TOOL_STYLE_GOOD },
  { "closing", N_ ("closing"), TOOL_STYLE_WARNING },
  { "closed", N_ ("closed"), TOOL_STYLE_BAD },
  { NULL },
};

const char *
ctl_list_describe_state (const char *state,
                         ToolStyle *style)
{
  return ctl_state_describe (states, state, style);
}

/* Tables */

/* NULL for what is empty. */
static const char *
or_none (const char *text)
{
  return text != NULL && *text != '\0' ? text : NULL;
}

static char *
format_time_left (BusOperator1Tunnel *tunnel)
{
  gint64 end = bus_operator1_tunnel_get_expires_at (tunnel);

  return end != 0 ? tool_format_duration (MAX (end - g_get_real_time (), 0)) : NULL;
}

static void
table_add_state (ToolTable *table,
                 const char *state)
{
  ToolStyle style;
  const char *word = ctl_list_describe_state (state, &style);

  tool_table_add (table, style, word);
}

static void
table_add_tunnel (ToolTable *table,
                  BusOperator1Tunnel *tunnel)
{
  const char *const *services = bus_operator1_tunnel_get_services (tunnel);

  tool_table_add (table, TOOL_STYLE_PLAIN, or_none (bus_operator1_tunnel_get_thing_name (tunnel)));
  tool_table_add (table, TOOL_STYLE_PLAIN, or_none (bus_operator1_tunnel_get_tunnel_id (tunnel)));
  table_add_state (table, bus_operator1_tunnel_get_state (tunnel));
  ctl_table_take (table, services != NULL ? g_strjoinv (", ", (char **) services) : NULL);
  ctl_table_add_number (table, bus_operator1_tunnel_get_connections (tunnel));
  ctl_table_add_counters (table, tunnel);
  ctl_table_take (table, tool_format_round_trip (bus_operator1_tunnel_get_round_trip (tunnel)));
  ctl_table_take (table, format_time_left (tunnel));
  tool_table_add (table, TOOL_STYLE_PLAIN, bus_operator1_tunnel_get_kept (tunnel) ? _ ("yes") : NULL);
  tool_table_add (table, TOOL_STYLE_PLAIN, or_none (bus_operator1_tunnel_get_profile (tunnel)));
  tool_table_add (table, TOOL_STYLE_PLAIN, or_none (bus_operator1_tunnel_get_region (tunnel)));
}

ToolTable *
ctl_list_make_tunnel_table (GDBusObjectManager *manager)
{
  static const ToolColumn columns[] = {
    { .title = N_ ("Thing"), .least_width = 12 },
    { .title = N_ ("Tunnel"), .priority = 8, .least_width = 8 },
    { .title = N_ ("State"), .priority = 1 },
    { .title = N_ ("Services"), .priority = 3, .least_width = 8 },
    { .title = N_ ("Connections"), .priority = 2, .to_right = TRUE },
    { .title = N_ ("Received"), .priority = 9, .to_right = TRUE },
    { .title = N_ ("per second"), .priority = 5, .to_right = TRUE },
    { .title = N_ ("Sent"), .priority = 9, .to_right = TRUE },
    { .title = N_ ("per second"), .priority = 5, .to_right = TRUE },
    { .title = N_ ("Round trip"), .priority = 6, .to_right = TRUE },
    { .title = N_ ("Time left"), .priority = 4, .to_right = TRUE },
    { .title = N_ ("Kept"), .priority = 7 },
    { .title = N_ ("Profile"), .priority = 11 },
    { .title = N_ ("Region"), .priority = 10 },
  };
  g_autoptr (GPtrArray) tunnels = ctl_objects_list (manager, BUS_TYPE_OPERATOR1_TUNNEL);
  ToolTable *table = tool_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < tunnels->len; i++)
    table_add_tunnel (table, g_ptr_array_index (tunnels, i));
  return table;
}

static void
table_add_connection (ToolTable *table,
                      BusOperator1Connection *connection,
                      BusOperator1Tunnel *tunnel)
{
  ctl_table_add_number (table, bus_operator1_connection_get_id (connection));
  tool_table_add (table, TOOL_STYLE_PLAIN, tunnel != NULL ? bus_operator1_tunnel_get_thing_name (tunnel) : NULL);
  tool_table_add (table, TOOL_STYLE_PLAIN, bus_operator1_connection_get_service (connection));
  table_add_state (table, bus_operator1_connection_get_state (connection));
  ctl_table_take (table, tool_format_age (bus_operator1_connection_get_opened_at (connection)));
  ctl_table_add_counters (table, connection);
}

static ToolTable *
make_connection_table (GDBusObjectManager *manager)
{
  static const ToolColumn columns[] = {
    { .title = N_ ("Connection"), .to_right = TRUE },
    { .title = N_ ("Thing"), .priority = 1, .least_width = 12 },
    { .title = N_ ("Service"), .priority = 2, .least_width = 8 },
    { .title = N_ ("State"), .priority = 3 },
    { .title = N_ ("Open for"), .priority = 4, .to_right = TRUE },
    { .title = N_ ("Received"), .priority = 6, .to_right = TRUE },
    { .title = N_ ("per second"), .priority = 5, .to_right = TRUE },
    { .title = N_ ("Sent"), .priority = 6, .to_right = TRUE },
    { .title = N_ ("per second"), .priority = 5, .to_right = TRUE },
  };
  g_autoptr (GPtrArray) connections = ctl_objects_list (manager, BUS_TYPE_OPERATOR1_CONNECTION);
  ToolTable *table = tool_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < connections->len; i++)
    {
      BusOperator1Connection *connection = g_ptr_array_index (connections, i);
      g_autoptr (GDBusInterface) tunnel =
        g_dbus_object_manager_get_interface (manager, bus_operator1_connection_get_tunnel (connection),
                                             TOOL_OPERATOR_INTERFACE ".Tunnel");

      table_add_connection (table, connection, tunnel != NULL ? BUS_OPERATOR1_TUNNEL (tunnel) : NULL);
    }
  return table;
}

static void
table_add_forward (ToolTable *table,
                   BusOperator1Forward *forward)
{
  tool_table_add (table, TOOL_STYLE_PLAIN, bus_operator1_forward_get_address (forward));
  tool_table_add (table, TOOL_STYLE_PLAIN, bus_operator1_forward_get_thing_name (forward));
  tool_table_add (table, TOOL_STYLE_PLAIN, bus_operator1_forward_get_service (forward));
  ctl_table_add_number (table, bus_operator1_forward_get_connections (forward));
  tool_table_add (table, TOOL_STYLE_PLAIN, bus_operator1_forward_get_kept (forward) ? _ ("yes") : NULL);
  tool_table_add (table, TOOL_STYLE_PLAIN, or_none (bus_operator1_forward_get_profile (forward)));
  tool_table_add (table, TOOL_STYLE_PLAIN, or_none (bus_operator1_forward_get_region (forward)));
}

ToolTable *
ctl_list_make_forward_table (GDBusObjectManager *manager)
{
  static const ToolColumn columns[] = {
    { .title = N_ ("Address") },
    { .title = N_ ("Thing"), .priority = 1, .least_width = 12 },
    { .title = N_ ("Service"), .priority = 2, .least_width = 8 },
    { .title = N_ ("Connections"), .priority = 3, .to_right = TRUE },
    { .title = N_ ("Kept"), .priority = 4 },
    { .title = N_ ("Profile"), .priority = 6 },
    { .title = N_ ("Region"), .priority = 5 },
  };
  g_autoptr (GPtrArray) forwards = ctl_objects_list (manager, BUS_TYPE_OPERATOR1_FORWARD);
  ToolTable *table = tool_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < forwards->len; i++)
    table_add_forward (table, g_ptr_array_index (forwards, i));
  return table;
}

/* The command */

static gboolean
print_json (GDBusObjectManager *manager,
            GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  ctl_json_add_objects (builder, "tunnels", manager, BUS_TYPE_OPERATOR1_TUNNEL);
  ctl_json_add_objects (builder, "connections", manager, BUS_TYPE_OPERATOR1_CONNECTION);
  ctl_json_add_objects (builder, "forwards", manager, BUS_TYPE_OPERATOR1_FORWARD);
  json_builder_end_object (builder);
  return ctl_print_json (builder, error);
}

static gboolean
print_tables (GDBusObjectManager *manager,
              GError **error)
{
  g_autoptr (ToolTable) tunnels = ctl_list_make_tunnel_table (manager);
  g_autoptr (ToolTable) connections = make_connection_table (manager);
  g_autoptr (ToolTable) forwards = ctl_list_make_forward_table (manager);
  ToolTable *const tables[] = { tunnels, connections, forwards };

  return ctl_print_tables (tables, G_N_ELEMENTS (tables), _ ("There are no tunnels.\n"), error);
}

int
ctl_list (CtlCall *call,
          GError **error)
{
  g_autoptr (ToolOperatorLink) link = NULL;
  g_autoptr (GDBusObjectManager) manager = NULL;
  gboolean good;

  if (!ctl_call_parse (call, NULL, NULL, 0, 0, error))
    return EXIT_FAILURE;
  link = tool_operator_link_new_passive (error);
  if (link != NULL)
    manager = ctl_operator_get_objects (tool_operator_link_get_connection (link), error);
  if (manager == NULL)
    return EXIT_FAILURE;
  good = call->json ? print_json (manager, error) : print_tables (manager, error);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
