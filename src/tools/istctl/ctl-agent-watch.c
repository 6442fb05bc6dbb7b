/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-units.h"
#include "tools/istctl/ctl-agent-commands.h"
#include "tools/istctl/ctl-print.h"
#include "tools/istctl/ctl-watch.h"

/* Lines of the screen beside the tables: two of the head, and one before each of them. */
#define OTHER_LINES 4

typedef struct
{
  CtlAgent *agent;
  CtlWatch *watch;
  gboolean json;
} Watch;

/* The screen */

static void
draw_head (CtlAgent *agent,
           ToolScreen *screen)
{
  ToolStyle style;
  const char *state = ctl_agent_describe_state (agent_dbus_agent1_get_state (agent->agent), &style);
  gint64 since = agent_dbus_agent1_get_subscribed_at (agent->agent);
  gint64 failed_at = agent_dbus_agent1_get_last_error_at (agent->agent);
  g_autofree char *duration = tool_format_age (since);
  g_autofree char *time = tool_format_time (failed_at);

  tool_screen_add (screen, TOOL_STYLE_TITLE, "ist-agent  %s  %s", agent_dbus_agent1_get_thing_name (agent->agent),
                   agent_dbus_agent1_get_broker (agent->agent));
  if (since != 0)
    tool_screen_add (screen, style, "%s, %s", state, duration);
  else if (failed_at != 0)
    tool_screen_add (screen, style, "%s: %s (%s)", state, agent_dbus_agent1_get_last_error (agent->agent), time);
  else
    tool_screen_add (screen, style, "%s", state);
}

static void
on_draw (ToolScreen *screen,
         gpointer user_data)
{
  Watch *self = user_data;
  guint n_lines = MAX (tool_screen_get_n_lines (screen), OTHER_LINES + 4) - OTHER_LINES;
  g_autoptr (ToolTable) tunnels = NULL;
  g_autoptr (ToolTable) connections = NULL;
  guint n_tunnels;
  guint n_connections;

  if (!ctl_agent_is_running (self->agent))
    {
      tool_screen_add (screen, TOOL_STYLE_BAD, _ ("ist-agent is not on the bus; waiting for it"));
      return;
    }
  tunnels = ctl_agent_make_tunnel_table (self->agent);
  connections = ctl_agent_make_connection_table (self->agent);
  /* With their titles. Each gets half, and what the other one leaves. */
  n_tunnels = tool_table_get_n_rows (tunnels) + 1;
  n_connections = tool_table_get_n_rows (connections) + 1;
  n_tunnels = MIN (n_tunnels, MAX (n_lines / 2, n_lines - MIN (n_lines, n_connections)));

  draw_head (self->agent, screen);
  tool_screen_add_empty (screen);
  tool_screen_add_table (screen, tunnels, n_tunnels);
  tool_screen_add_empty (screen);
  tool_screen_add_table (screen, connections, n_lines - n_tunnels);
}

/* Lines */

static char *
describe_what (gpointer proxy)
{
  g_autofree char *services = NULL;

  if (AGENT_DBUS_IS_AGENT1_CONNECTION (proxy))
    return g_strdup_printf (_ ("Tunnel %u: connection %u of %s"), agent_dbus_agent1_connection_get_tunnel (proxy),
                            agent_dbus_agent1_connection_get_id (proxy),
                            agent_dbus_agent1_connection_get_service (proxy));
  if (!AGENT_DBUS_IS_AGENT1_TUNNEL (proxy))
    return g_strdup ("ist-agent");
  services = agent_dbus_agent1_tunnel_get_services (proxy) != NULL
               ? g_strjoinv (", ", (char **) agent_dbus_agent1_tunnel_get_services (proxy))
               : g_strdup ("-");
  return g_strdup_printf (_ ("Tunnel %u for %s"), agent_dbus_agent1_tunnel_get_id (proxy), services);
}

static gboolean
is_well (const char *state)
{
  ToolStyle style;

  ctl_agent_describe_state (state, &style);
  return style == TOOL_STYLE_GOOD;
}

/* With the reason, as far as it is not well. */
static void
watch_tell_state (Watch *self,
                  gpointer proxy)
{
  ToolStyle style;
  g_autofree char *what = describe_what (proxy);
  g_autofree char *state = NULL;
  g_autofree char *reason = NULL;
  g_autofree char *text = NULL;
  gboolean has_reason;

  g_object_get (proxy, "state", &state, "last-error", &reason, NULL);
  if (state == NULL)
    return;
  has_reason = !is_well (state) && reason != NULL && *reason != '\0';
  text = g_strdup_printf ("%s: %s%s%s", what, ctl_agent_describe_state (state, &style), has_reason ? ": " : "",
                          has_reason ? reason : "");
  ctl_watch_tell_text (self->watch, proxy, text);
}

static void
watch_tell (Watch *self,
            const char *event,
            gpointer proxy)
{
  const char *type = "agent";

  if (AGENT_DBUS_IS_AGENT1_TUNNEL (proxy))
    type = "tunnel";
  else if (AGENT_DBUS_IS_AGENT1_CONNECTION (proxy))
    type = "connection";
  if (self->json)
    ctl_watch_tell_json (self->watch, event, type, proxy);
  else
    watch_tell_state (self, proxy);
}

/* Changes */

static void
on_object_changed (GDBusObjectManagerClient *manager,
                   GDBusObjectProxy *object,
                   GDBusProxy *proxy,
                   GVariant *changed,
                   const char *const *invalidated,
                   gpointer user_data)
{
  if (ctl_watch_is_of_interest (changed))
    watch_tell (user_data, "changed", proxy);
}

static void
watch_tell_object (Watch *self,
                   const char *event,
                   GDBusObject *object)
{
  GList *interfaces = g_dbus_object_get_interfaces (object);

  for (GList *l = interfaces; l != NULL; l = l->next)
    {
      if (AGENT_DBUS_IS_AGENT1_TUNNEL (l->data) || AGENT_DBUS_IS_AGENT1_CONNECTION (l->data))
        watch_tell (self, event, l->data);
    }
  g_list_free_full (interfaces, g_object_unref);
}

static void
on_object_added (GDBusObjectManager *manager,
                 GDBusObject *object,
                 gpointer user_data)
{
  watch_tell_object (user_data, "added", object);
}

static void
on_object_removed (GDBusObjectManager *manager,
                   GDBusObject *object,
                   gpointer user_data)
{
  watch_tell_object (user_data, "removed", object);
}

static void
on_agent_changed (GDBusProxy *proxy,
                  GVariant *changed,
                  const char *const *invalidated,
                  gpointer user_data)
{
  if (ctl_watch_is_of_interest (changed))
    watch_tell (user_data, "changed", proxy);
}

static void
on_owner_changed (GDBusProxy *proxy,
                  GParamSpec *property,
                  gpointer user_data)
{
  Watch *self = user_data;

  if (ctl_agent_is_running (self->agent))
    watch_tell (self, "added", proxy);
  else if (self->json)
    ctl_watch_tell_json (self->watch, "removed", "agent", proxy);
  else
    ctl_watch_tell_text (self->watch, proxy, _ ("ist-agent is not on the bus; waiting for it"));
}

static void
on_bus_closed (GDBusConnection *connection,
               gboolean vanished,
               GError *reason,
               gpointer user_data)
{
  Watch *self = user_data;
  g_autoptr (GError) error = NULL;

  error = g_error_new (TOOL_ERROR, EX_UNAVAILABLE, _ ("The bus has ended: %s"),
                       reason != NULL ? reason->message : "-");
  ctl_watch_fail (self->watch, error);
}

static void
watch_connect (Watch *self)
{
  CtlAgent *agent = self->agent;

  g_signal_connect (agent->connection, "closed", G_CALLBACK (on_bus_closed), self);
  g_signal_connect (agent->agent, "notify::g-name-owner", G_CALLBACK (on_owner_changed), self);
  g_signal_connect (agent->agent, "g-properties-changed", G_CALLBACK (on_agent_changed), self);
  g_signal_connect (agent->manager, "object-added", G_CALLBACK (on_object_added), self);
  g_signal_connect (agent->manager, "object-removed", G_CALLBACK (on_object_removed), self);
  g_signal_connect (agent->manager, "interface-proxy-properties-changed", G_CALLBACK (on_object_changed), self);
}

static void
watch_disconnect (Watch *self)
{
  g_signal_handlers_disconnect_by_data (self->agent->connection, self);
  g_signal_handlers_disconnect_by_data (self->agent->agent, self);
  g_signal_handlers_disconnect_by_data (self->agent->manager, self);
}

static void
watch_tell_all (Watch *self)
{
  g_autoptr (GPtrArray) tunnels = ctl_agent_list_tunnels (self->agent);
  g_autoptr (GPtrArray) connections = ctl_agent_list_connections (self->agent);

  on_owner_changed (G_DBUS_PROXY (self->agent->agent), NULL, self);
  for (guint i = 0; i < tunnels->len; i++)
    watch_tell (self, "added", g_ptr_array_index (tunnels, i));
  for (guint i = 0; i < connections->len; i++)
    watch_tell (self, "added", g_ptr_array_index (connections, i));
}

int
ctl_agent_watch (CtlCall *call,
                 GError **error)
{
  g_autoptr (CtlAgent) agent = NULL;
  g_autoptr (CtlWatch) watch = NULL;
  const char *details = _ ("On a terminal it is a screen, which Ctrl-C ends; elsewhere, and with --json, a line for "
                           "each change.");
  Watch self;
  gboolean good;

  agent = ctl_agent_new (call, details, 0, 0, error);
  if (agent == NULL)
    return EXIT_FAILURE;
  self.agent = agent;
  self.json = call->json;
  self.watch = watch = ctl_watch_new (call->json, on_draw, &self);
  if (ctl_watch_is_lines (watch))
    watch_tell_all (&self);
  watch_connect (&self);
  good = ctl_watch_run (watch, error);
  watch_disconnect (&self);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
