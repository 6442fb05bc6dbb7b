/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-mapping.h"

#include <glib/gi18n.h>
#include <string.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/proxy/proxy-ini.h"

static void
mapping_free (gpointer data)
{
  ProxyMapping *mapping = data;

  g_free (mapping->service);
  g_free (mapping->address);
  g_free (mapping);
}

GPtrArray *
proxy_mappings_new (void)
{
  return g_ptr_array_new_with_free_func (mapping_free);
}

ProxyMapping *
proxy_mappings_lookup (GPtrArray *mappings,
                       const char *service)
{
  for (guint i = 0; i < mappings->len; i++)
    {
      ProxyMapping *mapping = g_ptr_array_index (mappings, i);

      if (g_strcmp0 (mapping->service, service) == 0)
        return mapping;
    }
  return NULL;
}

static void
add (GPtrArray *mappings,
     const char *service,
     const char *address,
     gboolean from_folder)
{
  ProxyMapping *mapping = g_new (ProxyMapping, 1);

  mapping->service = g_strdup (service);
  mapping->address = g_strdup (address);
  mapping->from_folder = from_folder;
  g_ptr_array_add (mappings, mapping);
}

static gboolean
add_entry (GPtrArray *mappings,
           char *entry,
           GError **error)
{
  char *equals = *entry != '/' ? strchr (entry, '=') : NULL;
  const char *service = NULL;
  const char *address = entry;

  if (equals != NULL)
    {
      *equals = '\0';
      service = g_strstrip (entry);
      address = g_strstrip (equals + 1);
    }
  if (*address == '\0' || (service != NULL && *service == '\0'))
    {
      g_set_error_literal (error, TOOL_ERROR, EX_USAGE, _ ("a service or an address is empty"));
      return FALSE;
    }
  if (proxy_mappings_lookup (mappings, service) != NULL)
    {
      if (service == NULL)
        {
          g_set_error_literal (error, TOOL_ERROR, EX_USAGE,
                               _ ("several addresses need names of services, as in SSH=22,VNC=5900"));
          return FALSE;
        }
      g_warning (_ ("Service “%s” is given twice; the first one counts"), service);
      return TRUE;
    }
  add (mappings, service, address, FALSE);
  return TRUE;
}

gboolean
proxy_mappings_add_list (GPtrArray *mappings,
                         const char *list,
                         GError **error)
{
  g_auto (GStrv) entries = g_strsplit (list, ",", -1);

  for (gsize i = 0; entries[i] != NULL; i++)
    {
      if (*g_strstrip (entries[i]) == '\0')
        continue;
      if (!add_entry (mappings, entries[i], error))
        return FALSE;
    }
  if (mappings->len == 0)
    {
      g_set_error_literal (error, TOOL_ERROR, EX_USAGE, _ ("no address is given"));
      return FALSE;
    }
  if (mappings->len > 1 && proxy_mappings_lookup (mappings, NULL) != NULL)
    {
      g_set_error_literal (error, TOOL_ERROR, EX_USAGE,
                           _ ("several addresses need names of services, as in SSH=22,VNC=5900"));
      return FALSE;
    }
  return TRUE;
}

static void
add_file (GPtrArray *mappings,
          const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) pairs = proxy_ini_read (path, &error);

  if (pairs == NULL)
    {
      g_warning (_ ("Skipping a file: %s"), error->message);
      return;
    }
  g_message (_ ("Services from %s"), path);
  for (guint i = 0; i < pairs->len; i++)
    {
      const ProxyIniPair *pair = g_ptr_array_index (pairs, i);

      if (proxy_mappings_lookup (mappings, pair->name) == NULL && *pair->value != '\0')
        add (mappings, pair->name, pair->value, TRUE);
    }
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

gboolean
proxy_mappings_add_folder (GPtrArray *mappings,
                           const char *folder,
                           GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &local);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (dir == NULL)
    {
      g_set_error_literal (error, TOOL_ERROR, EX_CONFIG, local->message);
      return FALSE;
    }
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (paths, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (paths, compare_names);

  for (guint i = 0; i < paths->len; i++)
    {
      const char *path = g_ptr_array_index (paths, i);

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        add_file (mappings, path);
      else if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK) &&
               !proxy_mappings_add_folder (mappings, path, error))
        return FALSE;
    }
  return TRUE;
}
