/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist.h>

#include "tools/proxy/proxy-open-request.h"
#include "tools/proxy/proxy-options.h"
#include "tools/proxy/proxy-settings.h"

G_BEGIN_DECLS

/* What the options, the settings and the environment come to. */
typedef struct
{
  IstMode mode;
  ProxySettings settings;
  GPtrArray *mappings; /* ProxyMapping */
  char *list;          /* of mappings, as given */
  char *folder;        /* more mappings */
  char *endpoint;
  char *region;
  ProxyOpenRequest *open_request; /* NULL for a tunnel that is open already */
  char **command;        /* NULL for none */
  char *access_token;    /* NULL before the tunnel is open */
  char *client_token;
  char *local_address;
  char *ca_path; /* a file or a folder, NULL for the system's authorities */
  GTlsDatabase *authorities; /* those there, once they are loaded */
  gboolean skip_verification;
  IstProtocolVersion version;
  gboolean is_stdio;
  char *stdio_service;
  int connection_wait;  /* seconds, -1 for libist's */
  int half_close_grace; /* likewise */
  guint idle_timeout;
  char *port_file;
  gboolean tells_json;
  gboolean shows_status;
} ProxyConfig;

void proxy_config_clear (ProxyConfig *self);

gboolean proxy_config_resolve (ProxyConfig *self,
                               const ProxyOptions *options,
                               GError **error);
/* From the list and the folder again. */
GPtrArray *proxy_config_load_mappings (const ProxyConfig *self,
                                       GError **error);
/* The service of --stdio in a tunnel with @services; NULL for its only one. */
gboolean proxy_config_choose_service (const ProxyConfig *self,
                                      const char *const *services,
                                      const char **service,
                                      GError **error);
/* What the tunnel connects to, as messages call it: the endpoint or the region. */
const char *proxy_config_get_endpoint (const ProxyConfig *self);

IstSecureTunnel *proxy_config_make_tunnel (ProxyConfig *self,
                                           GError **error);
IstForwarder *proxy_config_make_forwarder (const ProxyConfig *self,
                                           IstSecureTunnel *tunnel);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ProxyConfig, proxy_config_clear)

G_END_DECLS
