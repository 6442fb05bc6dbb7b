/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/transport/ist-proxy-uri-private.h"

#include <string.h>

#include "ist/ist-tunnel-error.h"

typedef struct
{
  const char *scheme;
  const char *protocol;
  guint16 port;
} Scheme;

static const Scheme schemes[] = {
  { "http", "http", 3128 },
  { "https", "https", 3128 },
  { "socks5", "socks5", 1080 },
  { "socks5h", "socks5", 1080 },
  { "socks4", "socks4", 1080 },
  { "socks4a", "socks4a", 1080 },
};

static const Scheme *
lookup_scheme (const char *scheme)
{
  for (gsize i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      if (g_ascii_strcasecmp (schemes[i].scheme, scheme) == 0)
        return &schemes[i];
    }
  return NULL;
}

static gboolean
invalid (GError **error,
         const char *what)
{
  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING, what);
  return FALSE;
}

static gboolean
proxy_uri_parse_user (IstProxyUri *self,
                      const char *text,
                      GError **error)
{
  const char *colon = strchr (text, ':');

  self->user = g_uri_unescape_segment (text, colon, NULL);
  if (colon != NULL)
    self->password = g_uri_unescape_string (colon + 1, NULL);
  if (self->user == NULL || (colon != NULL && self->password == NULL))
    return invalid (error, "a % in USER or PASSWORD must be written as %25");
  if (strchr (self->user, ':') != NULL)
    return invalid (error, "USER can't have a colon in it");
  return TRUE;
}

static gboolean
proxy_uri_parse_host (IstProxyUri *self,
                      const char *text,
                      const Scheme *scheme,
                      GError **error)
{
  g_autofree char *with_scheme = g_strconcat ("http://", text, NULL);
  g_autoptr (GUri) uri = g_uri_parse (with_scheme, G_URI_FLAGS_NONE, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  const char *p;

  if (uri == NULL)
    return invalid (error, "HOST:PORT can't be read");
  if (host == NULL || *host == '\0')
    return invalid (error, "names no host");
  for (p = host; *p != '\0'; p++)
    {
      if (g_ascii_iscntrl (*p) || g_ascii_isspace (*p))
        return invalid (error, "HOST has a character that no host has");
    }
  if (g_uri_get_port (uri) == 0)
    return invalid (error, "port 0 can't be connected to");
  self->host = g_strdup (host);
  self->port = g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : scheme->port;
  return TRUE;
}

IstProxyUri *
ist_proxy_uri_parse (const char *text,
                     GError **error)
{
  g_autoptr (IstProxyUri) self = g_new0 (IstProxyUri, 1);
  g_autofree char *authority = NULL;
  g_autofree char *name = NULL;
  const char *separator = strstr (text, "://");
  const char *rest = separator != NULL ? separator + 3 : text;
  const char *end = rest + strcspn (rest, "/?#");
  const Scheme *scheme;
  char *at;

  name = separator != NULL ? g_strndup (text, separator - text) : g_strdup ("http");
  scheme = lookup_scheme (name);
  if (scheme == NULL)
    {
      invalid (error, "the scheme must be http, https, socks4, socks4a, socks5 or socks5h");
      return NULL;
    }
  /* Else a part of the password could be taken for the host. */
  if (strchr (end, '@') != NULL)
    {
      invalid (error, "a /, ? or # in USER or PASSWORD must be written as %XX");
      return NULL;
    }

  self->protocol = scheme->protocol;
  authority = g_strndup (rest, end - rest);
  at = strrchr (authority, '@');
  if (at != NULL)
    *at = '\0';
  if ((at != NULL && !proxy_uri_parse_user (self, authority, error)) ||
      !proxy_uri_parse_host (self, at != NULL ? at + 1 : authority, scheme, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
ist_proxy_uri_free (IstProxyUri *self)
{
  g_free (self->user);
  g_free (self->password);
  g_free (self->host);
  g_free (self);
}

char *
ist_proxy_uri_to_string (const IstProxyUri *self)
{
  return g_uri_join_with_user (G_URI_FLAGS_NONE, self->protocol, self->user, self->password, NULL, self->host,
                               self->port, "", NULL, NULL);
}

char *
ist_proxy_uri_describe (const IstProxyUri *self)
{
  return g_uri_join (G_URI_FLAGS_NONE, self->protocol, NULL, self->host, self->port, "", NULL, NULL);
}
