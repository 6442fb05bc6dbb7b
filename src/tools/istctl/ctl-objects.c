/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/istctl/ctl-objects.h"

#include <stdlib.h>
#include <string.h>

/* The last part is a number. */
static int
compare_paths (gconstpointer a,
               gconstpointer b)
{
  const char *path_a = g_dbus_proxy_get_object_path (*(GDBusProxy *const *) a);
  const char *path_b = g_dbus_proxy_get_object_path (*(GDBusProxy *const *) b);
  guint64 number_a = strtoull (strrchr (path_a, '/') + 1, NULL, 10);
  guint64 number_b = strtoull (strrchr (path_b, '/') + 1, NULL, 10);

  return (number_a > number_b) - (number_a < number_b);
}

GPtrArray *
ctl_objects_list (GDBusObjectManager *manager,
                  GType type)
{
  GPtrArray *proxies = g_ptr_array_new_with_free_func (g_object_unref);
  GList *objects = g_dbus_object_manager_get_objects (manager);

  for (GList *l = objects; l != NULL; l = l->next)
    {
      GList *interfaces = g_dbus_object_get_interfaces (l->data);

      for (GList *m = interfaces; m != NULL; m = m->next)
        {
          if (g_type_is_a (G_OBJECT_TYPE (m->data), type))
            g_ptr_array_add (proxies, g_object_ref (m->data));
        }
      g_list_free_full (interfaces, g_object_unref);
    }
  g_list_free_full (objects, g_object_unref);
  g_ptr_array_sort (proxies, compare_paths);
  return proxies;
}
