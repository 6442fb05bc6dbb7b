/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *name;
  char *value;
} ProxyIniPair;

/* Comments start with # or ;. What comes before the first group is in one of
 * its own. */
GKeyFile *proxy_ini_load (const char *path,
                          GError **error);

/* The NAME=VALUE lines of a file, in order. Groups are allowed and mean
 * nothing. */
GPtrArray *proxy_ini_read (const char *path,
                           GError **error);

gboolean proxy_ini_parse_boolean (const char *value,
                                  gboolean *result);

G_END_DECLS
