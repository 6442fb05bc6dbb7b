/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/istctl/ctl-agent-commands.h"
#include "tools/istctl/ctl-print.h"

static gboolean
parse_id (const char *text,
          guint *id,
          GError **error)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT32, &number, NULL))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("“%s” is no number of a tunnel: “istctl agent list” has them"), text);
      return FALSE;
    }
  *id = number;
  return TRUE;
}

static gboolean
print_stopped (CtlCall *call,
               guint id,
               GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *text = g_strdup_printf (_ ("Tunnel %u was stopped.\n"), id);

  if (!call->json)
    return ctl_print (text, error);
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "event");
  json_builder_add_string_value (builder, "stopped");
  json_builder_set_member_name (builder, "id");
  json_builder_add_int_value (builder, id);
  json_builder_end_object (builder);
  return ctl_print_json (builder, error);
}

static gboolean
stop_tunnel (CtlCall *call,
             CtlAgent *agent,
             guint id,
             GError **error)
{
  if (agent_dbus_agent1_call_stop_tunnel_sync (agent->agent, id, NULL, error))
    return print_stopped (call, id, error);
  ctl_agent_mend_error (error);
  return FALSE;
}

int
ctl_agent_stop (CtlCall *call,
                GError **error)
{
  g_autoptr (CtlAgent) agent = NULL;
  g_autofree guint *ids = NULL;
  const char *details = _ ("To the service a tunnel stays open; only a new token lets the device connect again.");

  agent = ctl_agent_new (call, details, 1, G_MAXUINT, error);
  if (agent == NULL || !ctl_agent_require (agent, error))
    return EXIT_FAILURE;

  /* All, before any is stopped. */
  ids = g_new (guint, call->n_arguments);
  for (guint i = 0; i < call->n_arguments; i++)
    {
      if (!parse_id (call->arguments[i], &ids[i], error))
        return EXIT_FAILURE;
    }
  for (guint i = 0; i < call->n_arguments; i++)
    {
      if (!stop_tunnel (call, agent, ids[i], error))
        return EXIT_FAILURE;
    }
  return EXIT_SUCCESS;
}
