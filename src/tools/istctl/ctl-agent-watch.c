/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/tool-units.h"
#include "tools/istctl/ctl-agent-commands.h"
#include "tools/istctl/ctl-watch.h"

/* Lines of the screen's head. */
#define HEAD_LINES 2

typedef struct
{
  CtlAgent *agent;
  CtlWatch *watch;
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
  g_autoptr (ToolTable) tunnels = NULL;
  g_autoptr (ToolTable) connections = NULL;

  if (!ctl_agent_is_running (self->agent))
    {
      tool_screen_add (screen, TOOL_STYLE_BAD, _ ("ist-agent is not on the bus; waiting for it"));
      return;
    }
  tunnels = ctl_agent_make_tunnel_table (self->agent->manager);
  connections = ctl_agent_make_connection_table (self->agent->manager);
  draw_head (self->agent, screen);
  ctl_watch_draw_tables (screen, HEAD_LINES, tunnels, connections);
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

/* With the reason, as far as it is not well. An agent that is not on the bus has none. */
static char *
describe (GDBusProxy *proxy,
          gboolean is_there)
{
  ToolStyle style;
  g_autofree char *what = describe_what (proxy);
  g_autofree char *state = NULL;
  g_autofree char *reason = NULL;
  gboolean has_reason;

  if (!is_there && AGENT_DBUS_IS_AGENT1 (proxy))
    return g_strdup (_ ("ist-agent is not on the bus; waiting for it"));
  g_object_get (proxy, "state", &state, "last-error", &reason, NULL);
  if (state == NULL)
    return NULL;
  has_reason = !is_well (state) && reason != NULL && *reason != '\0';
  return g_strdup_printf ("%s: %s%s%s", what, ctl_agent_describe_state (state, &style), has_reason ? ": " : "",
                          has_reason ? reason : "");
}

/* The agent itself, which is no object of its manager's */

static void
on_agent_changed (GDBusProxy *proxy,
                  GVariant *changed,
                  const char *const *invalidated,
                  gpointer user_data)
{
  Watch *self = user_data;

  if (ctl_watch_is_of_interest (changed))
    ctl_watch_tell (self->watch, "changed", "agent", proxy);
}

static void
on_owner_changed (GDBusProxy *proxy,
                  GParamSpec *property,
                  gpointer user_data)
{
  Watch *self = user_data;

  ctl_watch_tell (self->watch, ctl_agent_is_running (self->agent) ? "added" : "removed", "agent", proxy);
}

static void
watch_follow (Watch *self)
{
  CtlAgent *agent = self->agent;
  const CtlWatchKind kinds[] = {
    { AGENT_DBUS_TYPE_AGENT1_TUNNEL, "tunnel" },
    { AGENT_DBUS_TYPE_AGENT1_CONNECTION, "connection" },
  };

  on_owner_changed (G_DBUS_PROXY (agent->agent), NULL, self);
  g_signal_connect (agent->agent, "notify::g-name-owner", G_CALLBACK (on_owner_changed), self);
  g_signal_connect (agent->agent, "g-properties-changed", G_CALLBACK (on_agent_changed), self);
  ctl_watch_follow (self->watch, agent->connection, agent->manager, kinds, G_N_ELEMENTS (kinds));
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
  self.watch = watch = ctl_watch_new (call->json, on_draw, describe, &self);
  watch_follow (&self);
  good = ctl_watch_run (watch, error);
  g_signal_handlers_disconnect_by_data (agent->agent, &self);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
