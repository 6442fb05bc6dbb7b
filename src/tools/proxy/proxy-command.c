/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-command.h"

#include <glib/gi18n.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/proxy/proxy-bindings.h"

typedef struct
{
  const char *const *services;
  GPtrArray *bindings;
  GError *error;
} Expansion;

static guint
expansion_find_port (Expansion *self,
                     const char *service)
{
  for (guint i = 0; i < self->bindings->len; i++)
    {
      const ProxyBinding *binding = g_ptr_array_index (self->bindings, i);

      if (binding->port != 0 && (binding->service == NULL || g_str_equal (binding->service, service)))
        return binding->port;
    }
  return 0;
}

static gboolean
replace (const GMatchInfo *match,
         GString *result,
         gpointer user_data)
{
  Expansion *self = user_data;
  g_autofree char *named = g_match_info_fetch (match, 1);
  const char *service = named != NULL && *named != '\0' ? named : self->services[0];
  guint port;

  if (!g_strv_contains (self->services, service))
    {
      g_set_error (&self->error, TOOL_ERROR, EX_USAGE,
                   _ ("{port:%s} in the command is of no --service of the tunnel"), service);
      return TRUE;
    }
  if (self->bindings == NULL)
    return FALSE;
  port = expansion_find_port (self, service);
  if (port == 0)
    {
      g_set_error (&self->error, TOOL_ERROR, EX_USAGE,
                   _ ("The command wants the port of “%s”, which has none: it is not listened for, or on a "
                      "Unix socket"),
                   service);
      return TRUE;
    }
  g_string_append_printf (result, "%u", port);
  return FALSE;
}

char **
proxy_command_expand (const char *const *command,
                      const char *const *services,
                      GPtrArray *bindings,
                      GError **error)
{
  g_autoptr (GRegex) regex = g_regex_new ("\\{port(?::([^{}]+))?\\}", G_REGEX_RAW, 0, NULL);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  Expansion expansion = { .services = services, .bindings = bindings };

  for (gsize i = 0; command[i] != NULL; i++)
    {
      g_autofree char *argument = g_regex_replace_eval (regex, command[i], -1, 0, 0, replace, &expansion, NULL);

      if (expansion.error != NULL)
        {
          g_propagate_error (error, expansion.error);
          return NULL;
        }
      g_strv_builder_add (builder, bindings != NULL ? argument : command[i]);
    }
  return g_strv_builder_end (builder);
}
