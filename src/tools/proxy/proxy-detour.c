/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "proxy-detour.h"

#include <glib/gi18n.h>
#include <string.h>
#include <sysexits.h>

#include "proxy-error.h"

typedef struct
{
  const char *scheme;
  const char *known_as; /* to GIO */
  guint port;
} Scheme;

static const Scheme schemes[] = {
  { "http", "http", 3128 },
  { "https", "https", 3128 },
  { "socks5", "socks5", 1080 },
  { "socks5h", "socks5", 1080 },
  { "socks4", "socks4", 1080 },
  { "socks4a", "socks4a", 1080 },
};

static const char *
get_variable (const char *const *names,
              const char **name)
{
  for (gsize i = 0; names[i] != NULL; i++)
    {
      const char *value = g_getenv (names[i]);

      if (value != NULL && *value != '\0')
        {
          *name = names[i];
          return value;
        }
    }
  return NULL;
}

static const Scheme *
lookup (const char *scheme)
{
  for (gsize i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      if (strcmp (schemes[i].scheme, scheme) == 0)
        return &schemes[i];
    }
  return NULL;
}

/* No message may contain the value: it can have a password in it. */
static char *
parse (const char *name,
       const char *value,
       GError **error)
{
  g_autofree char *with_scheme = strstr (value, "://") != NULL ? g_strdup (value)
                                                               : g_strconcat ("http://", value, NULL);
  g_autoptr (GUri) uri = g_uri_parse (with_scheme, G_URI_FLAGS_ENCODED, NULL);
  const Scheme *scheme;
  int port;

  if (uri == NULL)
    {
      g_set_error (error, PROXY_ERROR, EX_CONFIG,
                   _ ("%s: not a URI such as http://USER:PASSWORD@HOST:PORT or socks5://HOST:PORT; other "
                      "characters than letters and digits in USER and PASSWORD must be written as %%XX"),
                   name);
      return NULL;
    }
  scheme = lookup (g_uri_get_scheme (uri));
  if (scheme == NULL)
    {
      g_set_error (error, PROXY_ERROR, EX_CONFIG,
                   _ ("%s: the scheme must be http, https, socks4, socks4a, socks5 or socks5h"), name);
      return NULL;
    }
  if (g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    {
      g_set_error (error, PROXY_ERROR, EX_CONFIG, _ ("%s: names no host"), name);
      return NULL;
    }
  port = g_uri_get_port (uri);
  if (port == 0)
    {
      g_set_error (error, PROXY_ERROR, EX_CONFIG, _ ("%s: port 0 can't be connected to"), name);
      return NULL;
    }
  g_message (_ ("Connecting through the %s proxy %s, as %s says"), scheme->known_as, g_uri_get_host (uri),
             name);
  return g_uri_join (G_URI_FLAGS_ENCODED, scheme->known_as, g_uri_get_userinfo (uri), g_uri_get_host (uri),
                     port > 0 ? port : (int) scheme->port, "", NULL, NULL);
}

static char **
parse_exceptions (const char *list)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) hosts = g_strsplit_set (list, ", ", -1);

  for (gsize i = 0; hosts[i] != NULL; i++)
    {
      if (*hosts[i] != '\0')
        g_strv_builder_add (builder, hosts[i]);
    }
  return g_strv_builder_end (builder);
}

gboolean
proxy_detour_from_environment (GProxyResolver **resolver,
                               GError **error)
{
  static const char *const proxy_names[] = { "https_proxy", "HTTPS_PROXY", NULL };
  static const char *const exception_names[] = { "no_proxy", "NO_PROXY", NULL };
  const char *name = NULL;
  const char *list = get_variable (exception_names, &name);
  const char *value = get_variable (proxy_names, &name);
  g_auto (GStrv) exceptions = NULL;
  g_autofree char *uri = NULL;

  *resolver = NULL;
  if (value == NULL)
    return TRUE;
  uri = parse (name, value, error);
  if (uri == NULL)
    return FALSE;

  exceptions = parse_exceptions (list != NULL ? list : "");
  if (g_strv_contains ((const char *const *) exceptions, "*"))
    *resolver = g_simple_proxy_resolver_new (NULL, NULL);
  else
    *resolver = g_simple_proxy_resolver_new (uri, exceptions);
  return TRUE;
}
