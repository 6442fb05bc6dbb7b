/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "ist/ist-enums.h"

G_BEGIN_DECLS

/* The settings of a tunnel: one table that is both the construct-only
 * properties of IstSecureTunnel and the writable ones of its builder. The
 * numbers are the property ids in both classes. */
typedef enum
{
  IST_SETTING_MODE = 1,
  IST_SETTING_ACCESS_TOKEN,
  IST_SETTING_CLIENT_TOKEN,
  IST_SETTING_REGION,
  IST_SETTING_ENDPOINT,
  IST_SETTING_ALLOW_PLAIN,
  IST_SETTING_TLS_DATABASE,
  IST_SETTING_CA_FILE,
  IST_SETTING_VERIFY_CERTIFICATE,
  IST_SETTING_PROXY_RESOLVER,
  IST_SETTING_PROTOCOL_VERSION,
  IST_SETTING_PING_INTERVAL,
  IST_SETTING_PONG_TIMEOUT,
  IST_SETTING_CONNECT_TIMEOUT,
  IST_SETTING_RECONNECT_POLICY,
  IST_SETTING_RECONNECT_DELAY_FLOOR_MS,
  IST_SETTING_RECONNECT_DELAY_BASE_MS,
  IST_SETTING_RECONNECT_DELAY_CAP_MS,
  IST_SETTING_MAX_ATTEMPTS,
  IST_SETTING_CONNECTION_WAIT_TIMEOUT_MS,
  IST_SETTING_CONNECTION_BUFFER_SIZE,
  IST_SETTING_TOTAL_BUFFER_SIZE,
  IST_SETTING_STALL_TIMEOUT,
  IST_SETTING_SEND_BUFFER_SIZE,
  IST_N_SETTINGS,
} IstSetting;

typedef struct
{
  GValue values[IST_N_SETTINGS];
} IstTunnelSettings;

/* Installs all of them, with @flags besides those of each. */
void ist_tunnel_settings_install (GObjectClass *klass,
                                  GParamFlags flags);

void ist_tunnel_settings_init (IstTunnelSettings *self);
void ist_tunnel_settings_clear (IstTunnelSettings *self);

const char *ist_tunnel_settings_get_name (IstSetting setting);

/* For the classes' vfuncs. */
void ist_tunnel_settings_set (IstTunnelSettings *self,
                              IstSetting setting,
                              const GValue *value);
void ist_tunnel_settings_get (const IstTunnelSettings *self,
                              IstSetting setting,
                              GValue *value);

/* A new object of @type with these settings as construct properties. */
GObject *ist_tunnel_settings_construct (const IstTunnelSettings *self,
                                        GType type);

/* Whether a tunnel can work with them. IST_TUNNEL_ERROR_INVALID_SETTING names the
 * property otherwise. */
gboolean ist_tunnel_settings_validate (const IstTunnelSettings *self,
                                       GError **error);

/* What follows from valid settings. */
GUri *ist_tunnel_settings_make_uri (const IstTunnelSettings *self);
GTlsDatabase *ist_tunnel_settings_make_tls_database (const IstTunnelSettings *self,
                                                     GError **error);

const char *ist_tunnel_settings_get_string (const IstTunnelSettings *self,
                                            IstSetting setting);
guint ist_tunnel_settings_get_uint (const IstTunnelSettings *self,
                                    IstSetting setting);
int ist_tunnel_settings_get_enum (const IstTunnelSettings *self,
                                  IstSetting setting);
gboolean ist_tunnel_settings_get_boolean (const IstTunnelSettings *self,
                                          IstSetting setting);
gpointer ist_tunnel_settings_get_object (const IstTunnelSettings *self,
                                         IstSetting setting);

G_END_DECLS
