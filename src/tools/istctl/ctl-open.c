/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/tool-operator-bus.h"
#include "tools/common/tool-operator-link.h"
#include "tools/common/tool-operator-own.h"
#include "tools/common/tool-signals.h"
#include "tools/istctl/ctl-operator.h"
#include "tools/istctl/ctl-print.h"

/* So many services can be named. */
#define MAX_SERVICES 128

/* By the service */

static gboolean
tell_of_tunnel (CtlCall *call,
                BusOperator1Tunnel *tunnel,
                GError **error)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autofree char *line = NULL;

  if (!call->json)
    {
      line = g_strconcat (bus_operator1_tunnel_get_tunnel_id (tunnel), "\n", NULL);
      return ctl_print (line, error);
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  ctl_json_add_properties (builder, G_DBUS_PROXY (tunnel));
  json_builder_end_object (builder);
  return ctl_print_json (builder, error);
}

static BusOperator1Tunnel *
open_by_service (ToolOperatorLink *link,
                 const ToolOperatorSettings *settings,
                 const char *thing,
                 const char *const *services,
                 GError **error)
{
  g_autofree char *path = tool_operator_link_open (link, settings, thing, services, TRUE, error);

  if (path == NULL)
    return NULL;
  return bus_operator1_tunnel_proxy_new_sync (tool_operator_link_get_connection (link),
                                              G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, TOOL_OPERATOR_NAME, path, NULL,
                                              error);
}

/* Alone */

static gboolean
tell_of_own (CtlCall *call,
             IstOperatorTunnel *tunnel,
             GError **error)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autofree char *line = NULL;

  if (!call->json)
    {
      line = g_strconcat (ist_operator_tunnel_get_tunnel_id (tunnel), "\n", NULL);
      return ctl_print (line, error);
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "thingName");
  json_builder_add_string_value (builder, ist_operator_tunnel_get_thing_name (tunnel));
  json_builder_set_member_name (builder, "tunnelId");
  json_builder_add_string_value (builder, ist_operator_tunnel_get_tunnel_id (tunnel));
  json_builder_end_object (builder);
  return ctl_print_json (builder, error);
}

static int
open_alone (CtlCall *call,
            const ToolOperatorSettings *settings,
            const char *thing,
            const char *const *services,
            GError **error)
{
  g_autoptr (ToolOperatorOwn) own = tool_operator_own_new (settings, error);
  g_autoptr (IstOperatorTunnel) tunnel = NULL;

  if (own == NULL)
    return EXIT_FAILURE;
  tunnel = tool_operator_own_open (own, thing, services, error);
  if (tunnel != NULL && tell_of_own (call, tunnel, error))
    {
      g_message (_ ("There is no ist-operator to keep the tunnel: it is closed with Ctrl-C"));
      tool_operator_own_wait (own);
    }
  if (tool_operator_own_get_signal (own) == 0)
    return EXIT_FAILURE;
  g_clear_error (error);
  return TOOL_SIGNAL_EXIT_STATUS + tool_operator_own_get_signal (own);
}

/* The command */

int
ctl_open (CtlCall *call,
          GError **error)
{
  g_auto (ToolOperatorSettings) settings = { 0 };
  const GOptionEntry entries[] = { CTL_TUNNEL_ENTRIES (settings), { NULL } };
  g_autoptr (ToolOperatorLink) link = NULL;
  g_autoptr (BusOperator1Tunnel) tunnel = NULL;
  g_autofree char *thing = NULL;
  const char *const *services;

  if (!ctl_operator_parse (call, &settings, entries,
                           _ ("The tunnel stays, though nothing uses it, until “istctl close” or its lifetime ends it. "
                              "Writes its id."),
                           2, MAX_SERVICES + 1, error))
    return EXIT_FAILURE;
  thing = ctl_operator_parse_thing (call->arguments[0], error);
  if (thing == NULL)
    return EXIT_FAILURE;
  services = (const char *const *) call->arguments + 1;
  for (guint i = 0; services[i] != NULL; i++)
    {
      if (!ctl_operator_check_service (services[i], error))
        return EXIT_FAILURE;
    }
  link = tool_operator_link_new (&settings);
  if (link == NULL)
    return open_alone (call, &settings, thing, services, error);
  tunnel = open_by_service (link, &settings, thing, services, error);
  return tunnel != NULL && tell_of_tunnel (call, tunnel, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
