/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-config.h"

#include <glib/gi18n.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/ist-names-private.h"
#include "tools/common/tool-command.h"
#include "tools/common/tool-error.h"
#include "tools/proxy/proxy-ca.h"
#include "tools/proxy/proxy-command.h"
#include "tools/proxy/proxy-mapping.h"
#include "tools/proxy/proxy-token.h"

/* Where the reference proxy looks for mappings if nobody says where. */
#define DEFAULT_FOLDER "config"

/* Milliseconds; libist's own. */
#define RECONNECT_DELAY_CAP_MS 120000

#define MAX_SECONDS 86400

void
proxy_config_clear (ProxyConfig *self)
{
  proxy_settings_clear (&self->settings);
  g_clear_pointer (&self->mappings, g_ptr_array_unref);
  g_clear_pointer (&self->list, g_free);
  g_clear_pointer (&self->folder, g_free);
  g_clear_pointer (&self->endpoint, g_free);
  g_clear_pointer (&self->region, g_free);
  g_clear_pointer (&self->open_request, proxy_open_request_free);
  g_clear_pointer (&self->command, g_strfreev);
  g_clear_pointer (&self->access_token, g_free);
  g_clear_pointer (&self->client_token, g_free);
  g_clear_pointer (&self->local_address, g_free);
  g_clear_pointer (&self->ca_path, g_free);
  g_clear_object (&self->authorities);
  g_clear_pointer (&self->stdio_service, g_free);
  g_clear_pointer (&self->port_file, g_free);
}

static gboolean
usage_error (GError **error,
             const char *message)
{
  g_set_error_literal (error, TOOL_ERROR, EX_USAGE, message);
  return FALSE;
}

/* Which end this is */

static gboolean
parse_mode (const char *text,
            IstMode *mode,
            GError **error)
{
  if (g_str_equal (text, "src") || g_str_equal (text, "source"))
    *mode = IST_MODE_SOURCE;
  else if (g_str_equal (text, "dst") || g_str_equal (text, "destination"))
    *mode = IST_MODE_DESTINATION;
  else
    {
      g_set_error (error, TOOL_ERROR, EX_USAGE, _ ("--mode is src, source, dst or destination, not “%s”"),
                   text);
      return FALSE;
    }
  return TRUE;
}

static gboolean
config_resolve_mode (ProxyConfig *self,
                     const ProxyOptions *options,
                     GError **error)
{
  const char *mode = proxy_options_get (options, PROXY_OPTION_MODE);
  const char *listen = proxy_options_get (options, PROXY_OPTION_SOURCE_LISTEN_PORT);
  const char *connect = proxy_options_get (options, PROXY_OPTION_DESTINATION_APP);

  self->is_stdio = proxy_options_get_flag (options, PROXY_OPTION_STDIO);
  if ((listen != NULL) + (connect != NULL) + self->is_stdio > 1)
    return usage_error (error,
                        _ ("Only one of --source-listen-port, --destination-app and --stdio can be used"));
  if (listen == NULL && connect == NULL && !self->is_stdio && mode == NULL && self->open_request == NULL)
    return usage_error (error,
                        _ ("One of --source-listen-port (-s), --destination-app (-d), --stdio and --mode "
                           "(-m) is needed"));

  self->mode = connect != NULL ? IST_MODE_DESTINATION : IST_MODE_SOURCE;
  if (mode != NULL)
    {
      IstMode wanted;

      if (!parse_mode (mode, &wanted, error))
        return FALSE;
      if (wanted != self->mode && connect != NULL)
        return usage_error (error, _ ("--destination-app is not for --mode source"));
      if (wanted != self->mode && listen != NULL)
        return usage_error (error, _ ("--source-listen-port is not for --mode destination"));
      if (wanted != self->mode && self->is_stdio)
        return usage_error (error, _ ("--stdio is not for --mode destination"));
      self->mode = wanted;
    }
  self->list = g_strdup (listen != NULL ? listen : connect);
  return TRUE;
}

/* Authorities */

static gboolean
config_load_authorities (ProxyConfig *self,
                         GError **error)
{
  if (self->ca_path == NULL || self->skip_verification || self->authorities != NULL)
    return TRUE;
  self->authorities = proxy_ca_load (self->ca_path, error);
  if (self->authorities != NULL)
    return TRUE;
  g_prefix_error (error, "%s: ", proxy_option_get_name (PROXY_OPTION_CAPATH));
  return FALSE;
}

/* A tunnel that is to be opened */

static gboolean
config_resolve_open_request (ProxyConfig *self,
                             const ProxyOptions *options,
                             GError **error)
{
  static const ProxyOption others[] = {
    PROXY_OPTION_THING,
    PROXY_OPTION_SERVICE,
    PROXY_OPTION_LIFETIME,
    PROXY_OPTION_WAIT,
    PROXY_OPTION_ENDPOINT_URL,
    PROXY_OPTION_NO_SHARE,
  };

  if (proxy_options_get_flag (options, PROXY_OPTION_OPEN))
    {
      self->open_request = proxy_open_request_new (options, error);
      return self->open_request != NULL;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      if (!proxy_options_get_flag (options, others[i]))
        continue;
      g_set_error (error, TOOL_ERROR, EX_USAGE, _ ("%s is for --open only"), proxy_option_get_name (others[i]));
      return FALSE;
    }
  if (options->command != NULL)
    return usage_error (error, _ ("A command is for --open only"));
  return TRUE;
}

static gboolean
config_resolve_command (ProxyConfig *self,
                        const ProxyOptions *options,
                        GError **error)
{
  const char *const *command = (const char *const *) options->command;

  if (self->open_request != NULL && self->mode == IST_MODE_DESTINATION)
    return usage_error (error, _ ("--open is for the source"));
  if (command == NULL)
    return TRUE;
  if (self->is_stdio || self->tells_json || self->shows_status)
    return usage_error (error, _ ("A command leaves no room for --stdio, --json and --status"));
  self->command = proxy_command_expand (command, (const char *const *) self->open_request->services, NULL, error);
  return self->command != NULL && tool_command_check (command[0], error);
}

/* Where the service is */

/* The settings name other hosts for the regions of AWS. */
static void
config_take_endpoint (ProxyConfig *self,
                      IstOperatorControlPlane *control_plane)
{
  const char *endpoint = ist_operator_control_plane_get_tunnel_endpoint (control_plane);
  const char *region = ist_operator_control_plane_get_region (control_plane);
  g_autofree char *host = ist_region_get_host (region, "data", IST_HOST_PLAIN);

  g_set_object (&self->authorities, ist_operator_control_plane_get_tls_database (control_plane));
  if (!g_str_equal (endpoint, host))
    {
      self->endpoint = g_strdup (endpoint);
      return;
    }
  self->endpoint = proxy_settings_get_endpoint (&self->settings, region);
  if (self->endpoint == NULL)
    self->region = g_strdup (region);
}

static gboolean
config_settle_open_request (ProxyConfig *self,
                            GError **error)
{
  if (!config_load_authorities (self, error) ||
      !proxy_open_request_settle (self->open_request, self->mappings, self->authorities, error))
    return FALSE;
  if (self->open_request->control_plane != NULL)
    config_take_endpoint (self, self->open_request->control_plane);
  return TRUE;
}

static gboolean
config_resolve_endpoint (ProxyConfig *self,
                         const ProxyOptions *options,
                         GError **error)
{
  const char *region = proxy_options_get (options, PROXY_OPTION_REGION);

  if (self->open_request != NULL)
    return TRUE;
  self->endpoint = g_strdup (proxy_options_get (options, PROXY_OPTION_PROXY_ENDPOINT));
  if (self->endpoint != NULL)
    {
      if (region != NULL)
        g_warning (_ ("--proxy-endpoint is given, too: --region does not count"));
      return TRUE;
    }
  if (region == NULL)
    return usage_error (error, _ ("--region (-r) or --proxy-endpoint (-e) is needed"));
  self->endpoint = proxy_settings_get_endpoint (&self->settings, region);
  if (self->endpoint == NULL)
    self->region = g_strdup (region);
  return TRUE;
}

/* Tokens */

static gboolean
check_one_token (const ProxyOptions *options,
                 const ProxyOption *sources,
                 gsize n_sources,
                 GError **error)
{
  const char *found = NULL;

  for (gsize i = 0; i < n_sources; i++)
    {
      if (proxy_options_get (options, sources[i]) == NULL)
        continue;
      if (found != NULL)
        {
          g_set_error (error, TOOL_ERROR, EX_USAGE, _ ("%s and %s can't be used together"), found,
                       proxy_option_get_name (sources[i]));
          return FALSE;
        }
      found = proxy_option_get_name (sources[i]);
    }
  return TRUE;
}

static gboolean
config_resolve_access_token (ProxyConfig *self,
                             const ProxyOptions *options,
                             GError **error)
{
  static const ProxyOption sources[] = {
    PROXY_OPTION_ACCESS_TOKEN,
    PROXY_OPTION_ACCESS_TOKEN_FILE,
    PROXY_OPTION_ACCESS_TOKEN_KEYRING,
    PROXY_OPTION_OPEN,
  };
  const char *file = proxy_options_get (options, PROXY_OPTION_ACCESS_TOKEN_FILE);
  const char *tunnel = proxy_options_get (options, PROXY_OPTION_ACCESS_TOKEN_KEYRING);

  if (!check_one_token (options, sources, G_N_ELEMENTS (sources), error))
    return FALSE;
  if (self->open_request != NULL)
    return TRUE;
  if (file != NULL && g_str_equal (file, "-") && self->is_stdio)
    return usage_error (error, _ ("With --stdio the access token can't come from standard input"));

  if (file != NULL)
    self->access_token = proxy_token_read (file, error);
  else if (tunnel != NULL)
    self->access_token = proxy_token_read_keyring (tunnel, error);
  else if (proxy_options_get (options, PROXY_OPTION_ACCESS_TOKEN) != NULL)
    self->access_token = g_strdup (proxy_options_get (options, PROXY_OPTION_ACCESS_TOKEN));
  else
    return usage_error (error, _ ("An access token is needed: --access-token-file, the variable "
                                  "AWSIOT_TUNNEL_ACCESS_TOKEN or --access-token (-t); or --open"));
  return self->access_token != NULL;
}

static gboolean
config_resolve_client_token (ProxyConfig *self,
                             const ProxyOptions *options,
                             GError **error)
{
  static const ProxyOption sources[] = { PROXY_OPTION_CLIENT_TOKEN, PROXY_OPTION_CLIENT_TOKEN_FILE };
  const char *file = proxy_options_get (options, PROXY_OPTION_CLIENT_TOKEN_FILE);

  if (!check_one_token (options, sources, G_N_ELEMENTS (sources), error))
    return FALSE;
  if (file != NULL && g_str_equal (file, "-"))
    return usage_error (error, _ ("The client token can't come from standard input"));
  if (file == NULL)
    {
      self->client_token = g_strdup (proxy_options_get (options, PROXY_OPTION_CLIENT_TOKEN));
      return TRUE;
    }
  self->client_token = proxy_token_read (file, error);
  return self->client_token != NULL;
}

/* The rest */

GPtrArray *
proxy_config_load_mappings (const ProxyConfig *self,
                            GError **error)
{
  g_autoptr (GPtrArray) mappings = proxy_mappings_new ();

  if (self->list != NULL && !proxy_mappings_add_list (mappings, self->list, error))
    {
      g_prefix_error (error, "%s: ",
                      proxy_option_get_name (self->mode == IST_MODE_SOURCE ? PROXY_OPTION_SOURCE_LISTEN_PORT
                                                                           : PROXY_OPTION_DESTINATION_APP));
      return NULL;
    }
  if (self->folder != NULL && !proxy_mappings_add_folder (mappings, self->folder, error))
    {
      g_prefix_error (error, "%s: ", proxy_option_get_name (PROXY_OPTION_CONFIG_DIR));
      return NULL;
    }
  return g_steal_pointer (&mappings);
}

static gboolean
config_resolve_mappings (ProxyConfig *self,
                         const ProxyOptions *options,
                         GError **error)
{
  if (self->is_stdio)
    {
      const char *service = proxy_options_get (options, PROXY_OPTION_STDIO);

      self->stdio_service = *service != '\0' ? g_strdup (service) : NULL;
      self->mappings = proxy_mappings_new ();
      return TRUE;
    }
  self->folder = g_strdup (proxy_options_get (options, PROXY_OPTION_CONFIG_DIR));
  if (self->folder == NULL && g_file_test (DEFAULT_FOLDER, G_FILE_TEST_IS_DIR))
    self->folder = g_strdup (DEFAULT_FOLDER);

  self->mappings = proxy_config_load_mappings (self, error);
  if (self->mappings == NULL)
    return FALSE;
  if (self->mode == IST_MODE_DESTINATION && self->mappings->len == 0)
    return usage_error (error,
                        _ ("A destination needs --destination-app (-d), or mappings in a folder "
                           "(--config-dir)"));
  return TRUE;
}

static void
config_resolve_version (ProxyConfig *self,
                        const ProxyOptions *options)
{
  static const char *const types[] = { "V1", "V2", "V3" };
  const char *type = proxy_options_get (options, PROXY_OPTION_DESTINATION_CLIENT_TYPE);

  self->version = IST_PROTOCOL_VERSION_AUTO;
  if (type == NULL || self->mode == IST_MODE_DESTINATION)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      if (g_ascii_strcasecmp (type, types[i]) == 0)
        {
          self->version = IST_PROTOCOL_VERSION_V1 + i;
          return;
        }
    }
  /* The reference proxy does not mind. */
  g_warning (_ ("--destination-client-type is V1, V2 or V3; “%s” does not count"), type);
}

static gboolean
config_resolve_forwarding (ProxyConfig *self,
                           const ProxyOptions *options,
                           GError **error)
{
  guint grace = 0;
  guint wait = 0;

  if (!proxy_options_get_number (options, PROXY_OPTION_HALF_CLOSE_GRACE, MAX_SECONDS, &grace, error) ||
      !proxy_options_get_number (options, PROXY_OPTION_CONNECTION_WAIT, MAX_SECONDS, &wait, error) ||
      !proxy_options_get_number (options, PROXY_OPTION_IDLE_TIMEOUT, MAX_SECONDS, &self->idle_timeout, error))
    return FALSE;
  self->half_close_grace = proxy_options_get_flag (options, PROXY_OPTION_HALF_CLOSE_GRACE) ? (int) grace : -1;
  self->connection_wait = proxy_options_get_flag (options, PROXY_OPTION_CONNECTION_WAIT) ? (int) wait : -1;

  /* A destination must reach other hosts than this one unless told otherwise. */
  self->local_address = g_strdup (proxy_options_get (options, PROXY_OPTION_LOCAL_BIND_ADDRESS));
  if (self->local_address == NULL && self->mode == IST_MODE_SOURCE)
    self->local_address = g_strdup (self->settings.bind_address);
  return TRUE;
}

static gboolean
config_resolve_output (ProxyConfig *self,
                       const ProxyOptions *options,
                       GError **error)
{
  self->port_file = g_strdup (proxy_options_get (options, PROXY_OPTION_PORT_FILE));
  self->tells_json = proxy_options_get_flag (options, PROXY_OPTION_JSON);
  self->shows_status = proxy_options_get_flag (options, PROXY_OPTION_STATUS);

  if (self->is_stdio && (self->tells_json || self->shows_status || self->port_file != NULL))
    return usage_error (error, _ ("--stdio leaves no room for --json, --port-file and --status"));
  if (self->tells_json && self->shows_status)
    return usage_error (error, _ ("--json and --status can't be used together"));
  if (self->port_file != NULL && self->mode == IST_MODE_DESTINATION)
    return usage_error (error, _ ("--port-file is not for a destination, which listens nowhere"));
  if (self->shows_status && !isatty (STDOUT_FILENO))
    return usage_error (error, _ ("--status needs a terminal"));
  return TRUE;
}

gboolean
proxy_config_resolve (ProxyConfig *self,
                      const ProxyOptions *options,
                      GError **error)
{
  const char *settings = proxy_options_get (options, PROXY_OPTION_SETTINGS_JSON);

  proxy_settings_init (&self->settings);
  if (settings != NULL && !proxy_settings_load (&self->settings, settings, error))
    return FALSE;
  self->ca_path = g_strdup (proxy_options_get (options, PROXY_OPTION_CAPATH));
  self->skip_verification = proxy_options_get_flag (options, PROXY_OPTION_NO_SSL_HOST_VERIFY);
  if (!config_resolve_open_request (self, options, error) || !config_resolve_mode (self, options, error) ||
      !config_resolve_endpoint (self, options, error) ||
      !config_resolve_mappings (self, options, error) || !config_resolve_forwarding (self, options, error) ||
      !config_resolve_output (self, options, error) || !config_resolve_command (self, options, error))
    return FALSE;

  config_resolve_version (self, options);
  if (self->skip_verification)
    g_warning (_ ("--no-ssl-host-verify: the service's certificate is NOT verified; whoever is in between "
                  "can take the token and read and change all data"));

  return config_resolve_access_token (self, options, error) && config_resolve_client_token (self, options, error) &&
         (self->open_request == NULL || config_settle_open_request (self, error));
}

/* What it is for */

gboolean
proxy_config_choose_service (const ProxyConfig *self,
                             const char *const *services,
                             const char **service,
                             GError **error)
{
  g_autofree char *names = g_strjoinv (", ", (char **) services);

  *service = self->stdio_service != NULL ? self->stdio_service : services[0];
  if (self->stdio_service == NULL && g_strv_length ((char **) services) > 1)
    g_set_error (error, TOOL_ERROR, EX_CONFIG,
                 _ ("The tunnel has several services, %s: say which one is meant, as in --stdio=%s"), names,
                 services[0]);
  else if (*service != NULL && services[0] != NULL && !g_strv_contains (services, *service))
    g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("The tunnel has no service “%s”; it has: %s"), *service, names);
  else
    return TRUE;
  return FALSE;
}

const char *
proxy_config_get_endpoint (const ProxyConfig *self)
{
  return self->endpoint != NULL ? self->endpoint : self->region;
}

/* Settings are in milliseconds, 0 is off. */
static guint
to_seconds (int milliseconds)
{
  return (milliseconds + 999) / 1000;
}

IstSecureTunnel *
proxy_config_make_tunnel (ProxyConfig *self,
                          GError **error)
{
  g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();

  if (!config_load_authorities (self, error))
    return NULL;
  if (self->authorities == NULL && !self->skip_verification && proxy_ca_is_in_environment ())
    {
      self->authorities = proxy_ca_load_environment (error);
      if (self->authorities == NULL)
        return NULL;
    }

  g_object_set (builder,
                "mode", self->mode,
                "access-token", self->access_token,
                "client-token", self->client_token,
                "endpoint", self->endpoint,
                "region", self->region,
                "tls-database", self->authorities,
                "verify-certificate", !self->skip_verification,
                "protocol-version", self->version,
                "ping-interval", to_seconds (self->settings.ping_period),
                "reconnect-delay-base-ms", (guint) self->settings.retry_delay,
                "reconnect-delay-cap-ms", MAX (RECONNECT_DELAY_CAP_MS, (guint) self->settings.retry_delay),
                /* Retries there, attempts here; 0 for no end. */
                "max-attempts", (guint) (self->settings.connect_retry_count + 1),
                NULL);
  if (self->connection_wait >= 0)
    g_object_set (builder, "connection-wait-timeout-ms", 1000 * (guint) self->connection_wait, NULL);
  return ist_secure_tunnel_builder_build (builder, error);
}

IstForwarder *
proxy_config_make_forwarder (const ProxyConfig *self,
                             IstSecureTunnel *tunnel)
{
  IstForwarder *forwarder = ist_forwarder_new (tunnel);
  int retries = self->settings.connection_retry_count;

  g_object_set (forwarder,
                "local-bind-address", self->local_address,
                "connect-retries", retries < 0 ? G_MAXUINT : (guint) retries,
                "connect-retry-delay-ms", (guint) self->settings.connection_retry_delay,
                "max-connections", (guint) self->settings.max_active_connections,
                "idle-timeout", self->idle_timeout,
                NULL);
  if (self->half_close_grace >= 0)
    g_object_set (forwarder, "half-close-grace", (guint) self->half_close_grace, NULL);
  return forwarder;
}
