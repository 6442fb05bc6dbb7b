/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-open-request.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/proxy/proxy-token.h"

#define MAX_LIFETIME 720 /* minutes */
#define DEFAULT_WAIT 60  /* seconds */
#define MAX_WAIT (MAX_LIFETIME * 60)

void
proxy_open_request_free (ProxyOpenRequest *self)
{
  g_free (self->thing);
  g_strfreev (self->services);
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

/* The library's settings are called as the options are. Takes @error. */
static GError *
explain_setting (GError *error,
                 const ProxyOptions *options)
{
  static const ProxyOption own[] = { PROXY_OPTION_REGION, PROXY_OPTION_ENDPOINT_URL };
  g_autoptr (GError) usage = NULL;
  g_autofree char *as_option = g_strconcat ("--", error->message, NULL);

  for (gsize i = 0; usage == NULL && i < G_N_ELEMENTS (own); i++)
    {
      if (proxy_options_get (options, own[i]) != NULL &&
          g_str_has_prefix (as_option, proxy_option_get_name (own[i])))
        usage_error (&usage, as_option);
    }
  if (usage == NULL)
    return error;
  g_error_free (error);
  return g_steal_pointer (&usage);
}

static gboolean
open_request_make_control_plane (ProxyOpenRequest *self,
                                 const ProxyOptions *options,
                                 GTlsDatabase *authorities,
                                 GError **error)
{
  const char *url = proxy_options_get (options, PROXY_OPTION_ENDPOINT_URL);
  const char *region = proxy_options_get (options, PROXY_OPTION_REGION);
  gboolean verify = !proxy_options_get_flag (options, PROXY_OPTION_NO_SSL_HOST_VERIFY);
  g_autoptr (IstOperatorCredentials) credentials = take_credentials ();
  GError *local = NULL;

  self->control_plane =
    g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, &local, "credentials", credentials, "region", region,
                    "endpoint-url", url, "tunnel-endpoint", proxy_options_get (options, PROXY_OPTION_PROXY_ENDPOINT),
                    "tls-database", authorities, "verify-certificate", verify, NULL);
  if (self->control_plane != NULL)
    return TRUE;
  g_propagate_error (error, explain_setting (local, options));
  return FALSE;
}

ProxyOpenRequest *
proxy_open_request_new (const ProxyOptions *options,
                        GTlsDatabase *authorities,
                        GError **error)
{
  g_autoptr (ProxyOpenRequest) self = g_new0 (ProxyOpenRequest, 1);
  const char *services = proxy_options_get (options, PROXY_OPTION_SERVICE);
  gboolean has_lifetime = proxy_options_get_flag (options, PROXY_OPTION_LIFETIME);

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
  return open_request_make_control_plane (self, options, authorities, error) ? g_steal_pointer (&self) : NULL;
}
