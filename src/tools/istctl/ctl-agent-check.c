/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/ist-text-private.h"
#include "tools/common/tool-units.h"
#include "tools/istctl/ctl-agent-commands.h"
#include "tools/istctl/ctl-objects.h"
#include "tools/istctl/ctl-print.h"

typedef enum
{
  VERDICT_OK,
  VERDICT_NOTE,  /* worth to be known */
  VERDICT_WRONG, /* all is not well */
} Verdict;

static const struct
{
  const char *nick;
  const char *word;
  ToolStyle style;
} verdicts[] = {
  [VERDICT_OK] = { "ok", N_ ("good"), TOOL_STYLE_GOOD },
  [VERDICT_NOTE] = { "note", N_ ("note"), TOOL_STYLE_WARNING },
  [VERDICT_WRONG] = { "wrong", N_ ("wrong"), TOOL_STYLE_BAD },
};

typedef struct
{
  const char *name;
  Verdict verdict;
  char *text;
  const char *hint; /* what to do, or NULL */
} Finding;

static void
finding_clear (gpointer data)
{
  Finding *finding = data;

  g_free (finding->text);
}

static void
take_finding (GArray *findings,
              const char *name,
              Verdict verdict,
              char *text,
              const char *hint)
{
  const Finding finding = { name, verdict, text, hint };

  g_array_append_val (findings, finding);
}

/* What is looked at */

static void
check_agent (CtlAgent *agent,
             GArray *findings)
{
  if (ctl_agent_is_running (agent))
    take_finding (findings, "agent", VERDICT_OK,
                  g_strdup_printf (_ ("ist-agent %s runs for the thing %s"),
                                   agent_dbus_agent1_get_version (agent->agent),
                                   agent_dbus_agent1_get_thing_name (agent->agent)),
                  NULL);
  else
    take_finding (findings, "agent", VERDICT_WRONG, g_strdup (_ ("ist-agent is not on the bus")),
                  _ ("Start it with “systemctl enable --now ist-agent”. If it does not stay, “journalctl -u ist-agent” "
                     "says why."));
}

static void
check_subscription (CtlAgent *agent,
                    GArray *findings)
{
  const char *broker = agent_dbus_agent1_get_broker (agent->agent);
  const char *error = agent_dbus_agent1_get_last_error (agent->agent);
  gint64 since = agent_dbus_agent1_get_subscribed_at (agent->agent);
  g_autofree char *time = tool_format_time (since);
  g_autofree char *age = tool_format_age (since);
  ToolStyle style;

  if (agent_dbus_agent1_get_subscribed (agent->agent))
    take_finding (findings, "subscription", VERDICT_OK,
                  g_strdup_printf (_ ("subscribed at %s since %s (%s)"), broker, time, age), NULL);
  else
    take_finding (findings, "subscription", VERDICT_WRONG,
                  g_strdup_printf (_ ("not subscribed at %s: %s%s%s"), broker,
                                   ctl_agent_describe_state (agent_dbus_agent1_get_state (agent->agent), &style),
                                   error != NULL && *error != '\0' ? ": " : "", error != NULL ? error : ""),
                  _ ("It tries again by itself. Check the network, and broker, certificate and key in its "
                     "configuration; the certificate's policy has to allow iot:Connect, iot:Subscribe and "
                     "iot:Receive."));
}

static void
check_last_error (CtlAgent *agent,
                  GArray *findings)
{
  gint64 at = agent_dbus_agent1_get_last_error_at (agent->agent);
  g_autofree char *time = tool_format_time (at);

  if (at == 0)
    take_finding (findings, "last-error", VERDICT_OK, g_strdup (_ ("no error so far")), NULL);
  else
    take_finding (findings, "last-error", VERDICT_NOTE,
                  g_strdup_printf (_ ("last error, %s: %s"), time, agent_dbus_agent1_get_last_error (agent->agent)),
                  _ ("“journalctl -u ist-agent” has those before it."));
}

/* @hint: for when there is no room. */
static void
take_count (GArray *findings,
            const char *name,
            guint count,
            guint limit,
            char *text,
            const char *hint)
{
  if (limit != 0 && count >= limit)
    take_finding (findings, name, VERDICT_WRONG, text, hint);
  else
    take_finding (findings, name, VERDICT_OK, text, NULL);
}

static void
check_limits (CtlAgent *agent,
              GArray *findings)
{
  guint tunnels = agent_dbus_agent1_get_tunnels (agent->agent);
  guint max_tunnels = agent_dbus_agent1_get_max_tunnels (agent->agent);
  guint connections = agent_dbus_agent1_get_connections (agent->agent);
  guint max_connections = agent_dbus_agent1_get_max_connections (agent->agent);

  take_count (findings, "tunnels", tunnels, max_tunnels,
              max_tunnels != 0 ? g_strdup_printf (_ ("tunnels: %u of at most %u"), tunnels, max_tunnels)
                               : g_strdup_printf (_ ("tunnels: %u, without a limit"), tunnels),
              _ ("No other one can be opened: stop one with “istctl agent stop”, or raise max-tunnels in its "
                 "configuration and “systemctl reload ist-agent”."));
  take_count (findings, "connections", connections, max_connections,
              max_connections != 0 ? g_strdup_printf (_ ("connections: %u of at most %u"), connections, max_connections)
                                   : g_strdup_printf (_ ("connections: %u, without a limit"), connections),
              _ ("No other one can be opened: raise max-connections in its configuration and “systemctl reload "
                 "ist-agent”."));
}

/* One that comes about is none to worry about; one that is tried again may be. */
static void
check_tunnels (CtlAgent *agent,
               GArray *findings)
{
  g_autoptr (GPtrArray) tunnels = ctl_objects_list (agent->manager, AGENT_DBUS_TYPE_AGENT1_TUNNEL);

  for (guint i = 0; i < tunnels->len; i++)
    {
      AgentDBusAgent1Tunnel *tunnel = g_ptr_array_index (tunnels, i);

      if (g_strcmp0 (agent_dbus_agent1_tunnel_get_state (tunnel), "waiting") == 0)
        take_finding (findings, "tunnel", VERDICT_WRONG,
                      g_strdup_printf (_ ("tunnel %u is not connected: %s"), agent_dbus_agent1_tunnel_get_id (tunnel),
                                       agent_dbus_agent1_tunnel_get_last_error (tunnel)),
                      _ ("It tries again by itself. Check whether this machine reaches the service."));
    }
}

static GArray *
make_findings (CtlAgent *agent)
{
  GArray *findings = g_array_new (FALSE, FALSE, sizeof (Finding));

  g_array_set_clear_func (findings, finding_clear);
  check_agent (agent, findings);
  if (ctl_agent_is_running (agent))
    {
      check_subscription (agent, findings);
      check_last_error (agent, findings);
      check_limits (agent, findings);
      check_tunnels (agent, findings);
    }
  return findings;
}

/* What is said of it */

static gboolean
print_json (CtlAgent *agent,
            GArray *findings,
            gboolean well,
            GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "ok");
  json_builder_add_boolean_value (builder, well);
  json_builder_set_member_name (builder, "checks");
  json_builder_begin_array (builder);
  for (guint i = 0; i < findings->len; i++)
    {
      const Finding *finding = &g_array_index (findings, Finding, i);

      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "check");
      json_builder_add_string_value (builder, finding->name);
      json_builder_set_member_name (builder, "verdict");
      json_builder_add_string_value (builder, verdicts[finding->verdict].nick);
      json_builder_set_member_name (builder, "text");
      json_builder_add_string_value (builder, finding->text);
      if (finding->hint != NULL)
        {
          json_builder_set_member_name (builder, "hint");
          json_builder_add_string_value (builder, finding->hint);
        }
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  if (ctl_agent_is_running (agent))
    {
      json_builder_set_member_name (builder, "agent");
      json_builder_begin_object (builder);
      ctl_json_add_properties (builder, G_DBUS_PROXY (agent->agent));
      json_builder_end_object (builder);
    }
  json_builder_end_object (builder);
  return ctl_print_json (builder, error);
}

static gboolean
print_text (GArray *findings,
            GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean styled = tool_terminal_is_styled (STDOUT_FILENO);

  for (guint i = 0; i < findings->len; i++)
    {
      const Finding *finding = &g_array_index (findings, Finding, i);
      g_autofree char *harmless = ist_text_make_safe (finding->text, -1, G_MAXSIZE);
      const char *word = _ (verdicts[finding->verdict].word);

      tool_style_append (text, styled ? verdicts[finding->verdict].style : TOOL_STYLE_PLAIN, word);
      g_string_append_printf (text, ": %s\n", harmless);
      if (finding->hint != NULL)
        g_string_append_printf (text, "    %s\n", finding->hint);
    }
  return ctl_print (text->str, error);
}

int
ctl_agent_check (CtlCall *call,
                 GError **error)
{
  g_autoptr (CtlAgent) agent = NULL;
  g_autoptr (GArray) findings = NULL;
  const char *details = _ ("The exit status is 0 if all is well, 75 if something is wrong with the agent, and 69 if it "
                           "does not run.");
  gboolean well = TRUE;

  agent = ctl_agent_new (call, details, 0, 0, error);
  if (agent == NULL)
    return EXIT_FAILURE;
  findings = make_findings (agent);
  for (guint i = 0; i < findings->len; i++)
    well = well && g_array_index (findings, Finding, i).verdict != VERDICT_WRONG;
  if (!(call->json ? print_json (agent, findings, well, error) : print_text (findings, error)))
    return EXIT_FAILURE;
  if (well)
    return EXIT_SUCCESS;
  return ctl_agent_is_running (agent) ? EX_TEMPFAIL : EX_UNAVAILABLE;
}
