/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The reference proxy's settings that mean something here. */
typedef struct
{
  char *bind_address;
  char *endpoint_format; /* with %s for the region */
  GHashTable *region_endpoints;
  int connection_retry_count; /* -1: no limit */
  int connection_retry_delay; /* milliseconds */
  int max_active_connections; /* 0: no limit */
  int ping_period;            /* milliseconds */
  int retry_delay;            /* milliseconds */
  int connect_retry_count;    /* -1: no limit */
  gboolean reconnect_on_data_error;
} ProxySettings;

void proxy_settings_init (ProxySettings *self);
void proxy_settings_clear (ProxySettings *self);

gboolean proxy_settings_load (ProxySettings *self,
                              const char *path,
                              GError **error);
gboolean proxy_settings_export_defaults (const char *path,
                                         GError **error);

/* NULL if nothing says otherwise than libist. */
char *proxy_settings_get_endpoint (const ProxySettings *self,
                                   const char *region);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ProxySettings, proxy_settings_clear)

G_END_DECLS
