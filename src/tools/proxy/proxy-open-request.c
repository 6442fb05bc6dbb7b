/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-open-request.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sysexits.h>

#include "common/ist-loopback-private.h"
#include "common/ist-names-private.h"
#include "tools/common/tool-error.h"
#include "tools/proxy/proxy-credentials.h"

#define MAX_LIFETIME 720 /* minutes */
#define DEFAULT_WAIT 60  /* seconds */
#define MAX_WAIT (MAX_LIFETIME * 60)

/* Signatures need one, though it hardly matters to an emulator. */
#define DEFAULT_REGION "us-east-1"

void
proxy_open_request_free (ProxyOpenRequest *self)
{
  g_free (self->thing);
  g_strfreev (self->services);
  g_free (self->url);
  g_free (self->region);
  g_free (self->endpoint);
  g_free (self);
}

static gboolean
usage_error (GError **error,
             const char *message)
{
  g_set_error_literal (error, TOOL_ERROR, EX_USAGE, message);
  return FALSE;
}

/* An emulator opens tunnels and carries them at one endpoint. */
static gboolean
open_request_take_url (ProxyOpenRequest *self,
                       const char *url,
                       GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;

  if ((!g_str_equal (scheme, "https") && !g_str_equal (scheme, "http")) || host == NULL || *host == '\0')
    {
      g_set_error (error, TOOL_ERROR, EX_USAGE, _ ("--endpoint-url is like https://HOST:PORT, not “%s”"), url);
      return FALSE;
    }
  if (g_str_equal (scheme, "http") && !ist_host_is_loopback (host))
    return usage_error (error, _ ("--endpoint-url without encryption (http) is for this machine only"));
  self->url = g_strdup (url);
  self->endpoint = g_uri_join (G_URI_FLAGS_NONE, g_str_equal (scheme, "http") ? "ws" : "wss", NULL, host,
                               g_uri_get_port (uri), "", NULL, NULL);
  return TRUE;
}

static gboolean
open_request_take_endpoint (ProxyOpenRequest *self,
                            const ProxyOptions *options,
                            GError **error)
{
  const char *url = proxy_options_get (options, PROXY_OPTION_ENDPOINT_URL);
  g_autoptr (GError) local = NULL;

  if (url != NULL && !open_request_take_url (self, url, error))
    return FALSE;
  self->region = g_strdup (proxy_options_get (options, PROXY_OPTION_REGION));
  if (self->region == NULL)
    self->region = proxy_credentials_find_region (&local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (self->region == NULL && url == NULL)
    return usage_error (error, _ ("A region is needed: --region (-r), AWS_REGION or the profile's"));
  if (self->region == NULL)
    self->region = g_strdup (DEFAULT_REGION);
  /* It becomes part of the name of a host. */
  if (!ist_region_is_valid (self->region))
    {
      g_set_error (error, TOOL_ERROR, EX_USAGE, _ ("“%s” is not the name of a region, such as us-east-1"),
                   self->region);
      return FALSE;
    }
  if (url == NULL)
    {
      g_autofree char *host = ist_region_get_host (self->region, "api", IST_HOST_PLAIN);

      self->url = g_strdup_printf ("https://%s/", host);
    }
  if (proxy_options_get (options, PROXY_OPTION_PROXY_ENDPOINT) != NULL)
    {
      g_free (self->endpoint);
      self->endpoint = g_strdup (proxy_options_get (options, PROXY_OPTION_PROXY_ENDPOINT));
    }
  return TRUE;
}

ProxyOpenRequest *
proxy_open_request_new (const ProxyOptions *options,
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
  return open_request_take_endpoint (self, options, error) ? g_steal_pointer (&self) : NULL;
}
