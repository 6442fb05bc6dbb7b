/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *service; /* NULL for the tunnel's only one */
  char *address;
  gboolean from_folder; /* which may serve tunnels with other services, too */
} ProxyMapping;

GPtrArray *proxy_mappings_new (void);

ProxyMapping *proxy_mappings_lookup (GPtrArray *mappings,
                                     const char *service);

/* SERVICE=ADDRESS,... or one ADDRESS. */
gboolean proxy_mappings_add_list (GPtrArray *mappings,
                                  const char *list,
                                  GError **error);

/* From all files in a folder and the folders in it. What is there already, or
 * comes first in the order of names, stays. */
gboolean proxy_mappings_add_folder (GPtrArray *mappings,
                                    const char *folder,
                                    GError **error);

G_END_DECLS
