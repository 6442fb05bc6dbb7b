/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/istctl/ctl-print.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/ist-text-private.h"
#include "tools/common/tool-error.h"
#include "tools/istctl/ctl-objects.h"

gboolean
ctl_print (const char *text,
           GError **error)
{
  if (fputs (text, stdout) != EOF && fflush (stdout) != EOF)
    return TRUE;
  g_set_error (error, TOOL_ERROR, EX_IOERR, _ ("Could not write to standard output: %s"), g_strerror (errno));
  return FALSE;
}

gboolean
ctl_print_tables (ToolTable *const *tables,
                  gsize n_tables,
                  const char *nothing,
                  GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint columns = 0;
  guint n_lines;

  if (isatty (STDOUT_FILENO))
    tool_terminal_get_size (STDOUT_FILENO, &columns, &n_lines);
  for (gsize i = 0; i < n_tables; i++)
    {
      g_autoptr (GPtrArray) lines = tool_table_format (tables[i], columns, tool_terminal_is_styled (STDOUT_FILENO));

      if (tool_table_get_n_rows (tables[i]) == 0)
        continue;
      if (text->len > 0)
        g_string_append_c (text, '\n');
      for (guint j = 0; j < lines->len; j++)
        g_string_append_printf (text, "%s\n", (const char *) g_ptr_array_index (lines, j));
    }
  return ctl_print (text->len > 0 ? text->str : nothing, error);
}

char *
ctl_json_to_line (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = json_to_string (root, FALSE);
  g_autofree char *harmless = ist_text_make_safe (text, -1, G_MAXSIZE);

  return g_strconcat (harmless, "\n", NULL);
}

gboolean
ctl_print_json (JsonBuilder *builder,
                GError **error)
{
  g_autofree char *line = ctl_json_to_line (builder);

  return ctl_print (line, error);
}

void
ctl_json_add_properties (JsonBuilder *builder,
                         GDBusProxy *proxy)
{
  GDBusInterfaceInfo *info = g_dbus_interface_get_info (G_DBUS_INTERFACE (proxy));

  for (guint i = 0; info->properties != NULL && info->properties[i] != NULL; i++)
    {
      const char *name = info->properties[i]->name;
      g_autoptr (GVariant) value = g_dbus_proxy_get_cached_property (proxy, name);
      g_autofree char *key = g_strdup (name);

      if (value == NULL)
        continue;
      key[0] = g_ascii_tolower (key[0]);
      json_builder_set_member_name (builder, key);
      json_builder_add_value (builder, json_gvariant_serialize (value));
    }
}

void
ctl_json_add_objects (JsonBuilder *builder,
                      const char *name,
                      GDBusObjectManager *manager,
                      GType type)
{
  g_autoptr (GPtrArray) proxies = ctl_objects_list (manager, type);

  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < proxies->len; i++)
    {
      json_builder_begin_object (builder);
      ctl_json_add_properties (builder, g_ptr_array_index (proxies, i));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}
