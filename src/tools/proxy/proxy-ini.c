/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-ini.h"

#include <string.h>
#include <sysexits.h>

#include "common/ist-file-private.h"
#include "tools/common/tool-error.h"

/* The reference proxy's files have no groups, GKeyFile's have. */
#define FIRST_GROUP "ist-proxy"

/* A configuration is smaller by far. */
#define MAX_FILE (1024 * 1024)

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static void
pair_free (gpointer data)
{
  ProxyIniPair *pair = data;

  g_free (pair->name);
  g_free (pair->value);
  g_free (pair);
}

/* The reference proxy takes a # for the beginning of a comment also behind a value. */
static void
cut_comment (char *line)
{
  char *p;

  for (p = line; (p = strchr (p, '#')) != NULL; p++)
    {
      if (p == line || g_ascii_isspace (p[-1]))
        {
          *p = '\0';
          return;
        }
    }
}

/* To a file as GKeyFile knows it. */
static char *
adapt (const char *text)
{
  g_auto (GStrv) lines = NULL;
  GString *result = g_string_new ("[" FIRST_GROUP "]\n");

  if (g_str_has_prefix (text, BYTE_ORDER_MARK))
    text += strlen (BYTE_ORDER_MARK);
  lines = g_strsplit (text, "\n", -1);
  for (gsize i = 0; lines[i] != NULL; i++)
    {
      const char *line;

      cut_comment (lines[i]);
      line = g_strstrip (lines[i]);
      g_string_append_printf (result, "%s%s\n", *line == ';' ? "#" : "", line);
    }
  return g_string_free (result, FALSE);
}

static void
add_group (GPtrArray *pairs,
           GKeyFile *file,
           const char *group)
{
  g_auto (GStrv) names = g_key_file_get_keys (file, group, NULL, NULL);

  for (gsize i = 0; names[i] != NULL; i++)
    {
      ProxyIniPair *pair = g_new (ProxyIniPair, 1);

      pair->name = g_strdup (names[i]);
      pair->value = g_key_file_get_value (file, group, names[i], NULL);
      g_ptr_array_add (pairs, pair);
    }
}

GKeyFile *
proxy_ini_load (const char *path,
                GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  g_autofree char *adapted = NULL;

  if (!ist_file_read (path, MAX_FILE, &text, NULL, &local))
    {
      g_set_error_literal (error, TOOL_ERROR, EX_CONFIG, local->message);
      return NULL;
    }
  adapted = adapt (text);
  if (!g_key_file_load_from_data (file, adapted, (gsize) -1, G_KEY_FILE_NONE, &local))
    {
      g_set_error (error, TOOL_ERROR, EX_CONFIG, "%s: %s", path, local->message);
      return NULL;
    }
  return g_steal_pointer (&file);
}

GPtrArray *
proxy_ini_read (const char *path,
                GError **error)
{
  g_autoptr (GKeyFile) file = proxy_ini_load (path, error);
  g_autoptr (GPtrArray) pairs = g_ptr_array_new_with_free_func (pair_free);
  g_auto (GStrv) groups = NULL;

  if (file == NULL)
    return NULL;
  groups = g_key_file_get_groups (file, NULL);
  for (gsize i = 0; groups[i] != NULL; i++)
    add_group (pairs, file, groups[i]);
  return g_steal_pointer (&pairs);
}

gboolean
proxy_ini_parse_boolean (const char *value,
                         gboolean *result)
{
  /* A flag that is only named counts as set. */
  static const char *const yes[] = { "", "true", "yes", "on", "1", NULL };
  static const char *const no[] = { "false", "no", "off", "0", NULL };
  g_autofree char *lower = g_ascii_strdown (value, -1);

  *result = g_strv_contains (yes, lower);
  return *result || g_strv_contains (no, lower);
}
