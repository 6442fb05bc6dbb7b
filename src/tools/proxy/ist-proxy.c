/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/tool-log.h"
#include "tools/common/tool-operator-error.h"
#include "tools/common/tool-startup.h"
#include "tools/proxy/proxy-config.h"
#include "tools/proxy/proxy-run.h"
#include "tools/proxy/proxy-session.h"
#include "tools/proxy/proxy-share.h"

/* The command line counts more than the file, and the file more than what the
 * environment says. */
static gboolean
merge_other_options (ProxyOptions *options,
                     GError **error)
{
  const char *path = proxy_options_get (options, PROXY_OPTION_CONFIG);
  g_auto (ProxyOptions) file = { 0 };
  g_auto (ProxyOptions) credentials = { 0 };
  g_auto (ProxyOptions) environment = { 0 };

  proxy_options_take_environment (&environment);
  if (path != NULL && !proxy_options_parse_file (&file, path, error))
    return FALSE;
  if (!proxy_options_take_credentials (&credentials, error))
    return FALSE;
  proxy_options_merge (options, &file);
  proxy_options_merge (options, &credentials);
  proxy_options_merge (options, &environment);
  return TRUE;
}

static gboolean
resolve (ProxyConfig *config,
         ProxyOptions *options,
         GError **error)
{
  gboolean token_was_visible = proxy_options_get (options, PROXY_OPTION_ACCESS_TOKEN) != NULL;
  guint level = TOOL_LOG_DEFAULT;

  if (!merge_other_options (options, error))
    return FALSE;
  /* ssh shows its user what its ProxyCommand says, and a command has its own to say. */
  if (proxy_options_get_flag (options, PROXY_OPTION_STDIO) || options->command != NULL)
    level = TOOL_LOG_QUIET;
  if (!proxy_options_get_number (options, PROXY_OPTION_VERBOSE, TOOL_LOG_MAX, &level, error))
    return FALSE;
  tool_log_set_level (level);
  if (token_was_visible)
    g_warning (_ ("Others may have seen the access token on the command line before it was blanked; "
                  "--access-token-file and AWSIOT_TUNNEL_ACCESS_TOKEN are safer"));
  return proxy_config_resolve (config, options, error);
}

static int
run_config (ProxyConfig *config)
{
  if (config->open_request == NULL)
    return proxy_session_run (config);
  return config->open_request->link != NULL ? proxy_share_run (config) : proxy_run (config);
}

static int
run (int argc,
     char **argv)
{
  g_auto (ProxyOptions) options = { 0 };
  g_auto (ProxyConfig) config = { 0 };
  g_autoptr (GError) error = NULL;
  const char *path;

  if (proxy_options_parse_arguments (&options, argc, argv, &error))
    {
      path = proxy_options_get (&options, PROXY_OPTION_EXPORT_DEFAULT_SETTINGS);
      if (proxy_options_get_flag (&options, PROXY_OPTION_VERSION))
        {
          tool_startup_print_version ();
          return EXIT_SUCCESS;
        }
      if (path != NULL && proxy_settings_export_defaults (path, &error))
        return EXIT_SUCCESS;
      if (path == NULL && resolve (&config, &options, &error))
        return run_config (&config);
    }
  return tool_startup_fail (error, tool_operator_error_get_exit_status (error));
}

int
main (int argc,
      char **argv)
{
  tool_startup_init ("ist-proxy", NULL);
  return run (argc, argv);
}
