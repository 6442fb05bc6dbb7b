/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/istctl/ctl-operator.h"

#include <glib/gi18n.h>
#include <string.h>

#include "common/ist-names-private.h"
#include "tools/common/tool-operator-bus.h"

/* So that ssh's configuration can tell them from hosts. */
#define SUFFIX ".thing"

/* Of all options of a command. */
#define MAX_ENTRIES 16

gboolean
ctl_operator_parse (CtlCall *call,
                    ToolOperatorSettings *settings,
                    const GOptionEntry *entries,
                    const char *details,
                    guint n_least,
                    guint n_most,
                    GError **error)
{
  const GOptionEntry common[] = {
    { "profile", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &settings->profile,
      N_ ("Use this profile of the AWS tools' files"), N_ ("NAME") },
    { "region", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &settings->region,
      N_ ("Where the device is (default: what the AWS tools have)"), N_ ("REGION") },
    { "endpoint-url", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &settings->endpoint_url,
      N_ ("Where tunnels are opened, instead of the region's own"), N_ ("URL") },
    { "ca-file", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &settings->ca_file,
      N_ ("Trust the authorities in this PEM file, instead of the system's"), N_ ("FILE") },
    { "no-share", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &settings->no_share,
      N_ ("Do it in this process, with a tunnel that nobody else uses"), NULL },
  };
  GOptionEntry all[MAX_ENTRIES + 1] = { 0 };
  gsize n = 0;

  for (; entries[n].long_name != NULL; n++)
    all[n] = entries[n];
  memcpy (all + n, common, sizeof common);
  return ctl_call_parse (call, all, details, n_least, n_most, error) &&
         tool_operator_settings_complete (settings, error);
}

char *
ctl_operator_parse_thing (const char *text,
                          GError **error)
{
  gsize length = g_str_has_suffix (text, SUFFIX) ? strlen (text) - strlen (SUFFIX) : strlen (text);
  g_autofree char *name = g_strndup (text, length);

  if (ist_name_is_valid (name))
    return g_steal_pointer (&name);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("“%s” is not the name of a thing: %s"), text,
               IST_NAME_RULE);
  return NULL;
}

gboolean
ctl_operator_check_service (const char *name,
                            GError **error)
{
  if (ist_name_is_valid (name))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("“%s” is not the name of a service: %s"), name,
               IST_NAME_RULE);
  return FALSE;
}

/* Objects */

GDBusObjectManager *
ctl_operator_get_objects (GDBusConnection *connection,
                          GError **error)
{
  return bus_object_manager_client_new_sync (connection, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_DO_NOT_AUTO_START,
                                             TOOL_OPERATOR_NAME, TOOL_OPERATOR_PATH, NULL, error);
}
