/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The options, by the order in which they are shown. Those up to
 * PROXY_OPTION_CONFIG_DIR are the reference proxy's. */
typedef enum
{
  PROXY_OPTION_VERSION,
  PROXY_OPTION_ACCESS_TOKEN,
  PROXY_OPTION_CLIENT_TOKEN,
  PROXY_OPTION_PROXY_ENDPOINT,
  PROXY_OPTION_REGION,
  PROXY_OPTION_SOURCE_LISTEN_PORT,
  PROXY_OPTION_DESTINATION_APP,
  PROXY_OPTION_LOCAL_BIND_ADDRESS,
  PROXY_OPTION_CAPATH,
  PROXY_OPTION_NO_SSL_HOST_VERIFY,
  PROXY_OPTION_MODE,
  PROXY_OPTION_DESTINATION_CLIENT_TYPE,
  PROXY_OPTION_VERBOSE,
  PROXY_OPTION_EXPORT_DEFAULT_SETTINGS,
  PROXY_OPTION_SETTINGS_JSON,
  PROXY_OPTION_CONFIG,
  PROXY_OPTION_CONFIG_DIR,
  PROXY_OPTION_ACCESS_TOKEN_FILE,
  PROXY_OPTION_ACCESS_TOKEN_KEYRING,
  PROXY_OPTION_CLIENT_TOKEN_FILE,
  PROXY_OPTION_OPEN,
  PROXY_OPTION_THING,
  PROXY_OPTION_SERVICE,
  PROXY_OPTION_LIFETIME,
  PROXY_OPTION_WAIT,
  PROXY_OPTION_ENDPOINT_URL,
  PROXY_OPTION_NO_SHARE,
  PROXY_OPTION_STDIO,
  PROXY_OPTION_CONNECTION_WAIT,
  PROXY_OPTION_HALF_CLOSE_GRACE,
  PROXY_OPTION_IDLE_TIMEOUT,
  PROXY_OPTION_PORT_FILE,
  PROXY_OPTION_JSON,
  PROXY_OPTION_STATUS,
  PROXY_N_OPTIONS,
} ProxyOption;

/* What the command line says, or the file, the credentials or the environment. A
 * flag that is set has the value "true". */
typedef struct
{
  char *values[PROXY_N_OPTIONS];
  char **command; /* the command line's, after --; NULL without one */
} ProxyOptions;

void proxy_options_clear (ProxyOptions *self);

/* Tokens are blanked in @argv. */
gboolean proxy_options_parse_arguments (ProxyOptions *self,
                                        int argc,
                                        char **argv,
                                        GError **error);
gboolean proxy_options_parse_file (ProxyOptions *self,
                                   const char *path,
                                   GError **error);
/* The credentials that systemd passes. */
gboolean proxy_options_take_credentials (ProxyOptions *self,
                                         GError **error);
/* Tokens are removed from the environment. */
void proxy_options_take_environment (ProxyOptions *self);

/* Adds what @other says and nothing in @self speaks of. */
void proxy_options_merge (ProxyOptions *self,
                          const ProxyOptions *other);

const char *proxy_options_get (const ProxyOptions *self,
                               ProxyOption option);
gboolean proxy_options_get_flag (const ProxyOptions *self,
                                 ProxyOption option);
/* Decimal, within the bounds. */
gboolean proxy_options_get_number (const ProxyOptions *self,
                                   ProxyOption option,
                                   guint maximum,
                                   guint *number,
                                   GError **error);

/* With the dashes, for messages. */
const char *proxy_option_get_name (ProxyOption option);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ProxyOptions, proxy_options_clear)

G_END_DECLS
