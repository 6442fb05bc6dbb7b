/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-open-request.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/proxy/proxy-obstacle.h"
#include "tools/proxy/proxy-token.h"

#define MAX_LIFETIME 720 /* minutes */
#define DEFAULT_WAIT 60  /* seconds */
#define MAX_WAIT (MAX_LIFETIME * 60)

void
proxy_open_request_free (ProxyOpenRequest *self)
{
  g_free (self->thing);
  g_strfreev (self->services);
  tool_operator_settings_clear (&self->settings);
  g_clear_pointer (&self->link, tool_operator_link_free);
  g_clear_object (&self->control_plane);
  g_free (self);
}

static gboolean
usage_error (GError **error,
             const char *message)
{
  g_set_error_literal (error, TOOL_ERROR, EX_USAGE, message);
  return FALSE;
}

/* The library's settings are called as the options are. */
static GError *
explain_setting (const ProxyOptions *options,
                 GError *error)
{
  static const ProxyOption own[] = { PROXY_OPTION_REGION, PROXY_OPTION_ENDPOINT_URL };
  g_autofree char *as_option = g_strconcat ("--", error->message, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (own); i++)
    {
      if (proxy_options_get (options, own[i]) == NULL || !g_str_has_prefix (as_option, proxy_option_get_name (own[i])))
        continue;
      g_error_free (error);
      return g_error_new_literal (TOOL_ERROR, EX_USAGE, as_option);
    }
  return error;
}

GError *
proxy_open_request_explain (const ProxyOpenRequest *self,
                            GError *error)
{
  if (g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND) ||
      g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_REQUEST))
    {
      g_autofree char *message = g_steal_pointer (&error->message);

      error->message = g_strdup_printf (_ ("%s: check --thing, --service, --lifetime and --region"), message);
    }
  return explain_setting (self->options, error);
}

/* Who opens it */

/* The command must not see them, nor who looks at this process's environment. */
static IstOperatorCredentials *
take_credentials (void)
{
  static const char *const variables[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN" };
  IstOperatorCredentials *credentials = ist_operator_credentials_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    g_free (proxy_token_take_variable (variables[i]));
  return credentials;
}

static gboolean
open_request_find_link (ProxyOpenRequest *self,
                        GPtrArray *mappings,
                        GError **error)
{
  ToolOperatorSettings *settings = &self->settings;

  settings->region = g_strdup (proxy_options_get (self->options, PROXY_OPTION_REGION));
  settings->endpoint_url = g_strdup (proxy_options_get (self->options, PROXY_OPTION_ENDPOINT_URL));
  settings->ca_file = g_strdup (proxy_options_get (self->options, PROXY_OPTION_CAPATH));
  settings->no_share = proxy_options_get_flag (self->options, PROXY_OPTION_NO_SHARE);
  settings->obstacle = proxy_obstacle_find (self->options, mappings);
  settings->lifetime = self->lifetime;
  if (settings->obstacle == NULL)
    settings->timeout = self->wait;
  if (!tool_operator_settings_complete (settings, error))
    return FALSE;
  self->link = tool_operator_link_new (settings);
  return TRUE;
}

gboolean
proxy_open_request_settle (ProxyOpenRequest *self,
                           GPtrArray *mappings,
                           GTlsDatabase *authorities,
                           GError **error)
{
  gboolean verify = !proxy_options_get_flag (self->options, PROXY_OPTION_NO_SSL_HOST_VERIFY);
  g_autoptr (IstOperatorCredentials) credentials = NULL;
  GError *local = NULL;

  if (!open_request_find_link (self, mappings, error))
    return FALSE;
  credentials = take_credentials ();
  if (self->link != NULL)
    return TRUE;
  self->control_plane =
    g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, &local, "credentials", credentials, "region",
                    proxy_options_get (self->options, PROXY_OPTION_REGION), "endpoint-url",
                    proxy_options_get (self->options, PROXY_OPTION_ENDPOINT_URL), "tunnel-endpoint",
                    proxy_options_get (self->options, PROXY_OPTION_PROXY_ENDPOINT), "tls-database", authorities,
                    "verify-certificate", verify, NULL);
  if (self->control_plane != NULL)
    return TRUE;
  g_propagate_error (error, proxy_open_request_explain (self, local));
  return FALSE;
}

/* What is wanted */

ProxyOpenRequest *
proxy_open_request_new (const ProxyOptions *options,
                        GError **error)
{
  g_autoptr (ProxyOpenRequest) self = g_new0 (ProxyOpenRequest, 1);
  const char *services = proxy_options_get (options, PROXY_OPTION_SERVICE);
  gboolean has_lifetime = proxy_options_get_flag (options, PROXY_OPTION_LIFETIME);

  self->options = options;
  self->wait = DEFAULT_WAIT;
  self->thing = g_strdup (proxy_options_get (options, PROXY_OPTION_THING));
  if (self->thing == NULL || services == NULL)
    {
      usage_error (error, _ ("--open needs the device and what to reach there: --thing and --service"));
      return NULL;
    }
  self->services = g_strsplit (services, ",", -1);
  if (!proxy_options_get_number (options, PROXY_OPTION_LIFETIME, MAX_LIFETIME, &self->lifetime, error) ||
      !proxy_options_get_number (options, PROXY_OPTION_WAIT, MAX_WAIT, &self->wait, error))
    return NULL;
  if (has_lifetime && self->lifetime == 0)
    {
      usage_error (error, _ ("--lifetime is at least one minute"));
      return NULL;
    }
  return g_steal_pointer (&self);
}
