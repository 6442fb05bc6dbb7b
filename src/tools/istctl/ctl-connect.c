/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/tool-operator-link.h"
#include "tools/common/tool-operator-own.h"
#include "tools/common/tool-signals.h"
#include "tools/common/tool-stdio.h"
#include "tools/istctl/ctl-operator.h"

static int
connect_alone (const ToolOperatorSettings *settings,
               const char *thing,
               const char *service,
               GIOStream *stdio,
               GError **error)
{
  g_autoptr (ToolOperatorOwn) own = tool_operator_own_new (settings, error);
  gboolean is_good;

  if (own == NULL)
    return EXIT_FAILURE;
  is_good = tool_operator_own_carry (own, thing, service, stdio, error);
  if (tool_operator_own_get_signal (own) == 0)
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
  g_clear_error (error);
  return TOOL_SIGNAL_EXIT_STATUS + tool_operator_own_get_signal (own);
}

int
ctl_connect (CtlCall *call,
             GError **error)
{
  g_auto (ToolOperatorSettings) settings = { 0 };
  const GOptionEntry entries[] = { CTL_TUNNEL_ENTRIES (settings), { NULL } };
  g_autoptr (ToolOperatorLink) link = NULL;
  g_autoptr (GIOStream) stdio = NULL;
  g_autofree char *thing = NULL;
  const char *service;

  if (!ctl_operator_parse (call, &settings, entries,
                           _ ("Carries standard input and output, to the end of the connection, as ssh wants it of a "
                              "ProxyCommand."),
                           2, 2, error))
    return EXIT_FAILURE;
  if (call->json)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                           _ ("--json: standard output is for what comes from the device"));
      return EXIT_FAILURE;
    }
  service = call->arguments[1];
  thing = ctl_operator_parse_thing (call->arguments[0], error);
  if (thing == NULL || !ctl_operator_check_service (service, error))
    return EXIT_FAILURE;
  stdio = tool_stdio_new (error);
  if (stdio == NULL)
    return EXIT_FAILURE;
  link = tool_operator_link_new (&settings);
  if (link == NULL)
    return connect_alone (&settings, thing, service, stdio, error);
  return tool_operator_link_carry (link, &settings, thing, service, stdio, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
