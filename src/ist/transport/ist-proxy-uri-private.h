/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A proxy as people and resolvers write it: SCHEME://USER:PASSWORD@HOST:PORT, of
 * which only the host is needed. */
typedef struct
{
  const char *protocol; /* as GIO knows it: http, https, socks4, socks4a, socks5 */
  char *user;           /* nullable; both decoded */
  char *password;       /* nullable */
  char *host;
  guint16 port;
} IstProxyUri;

/* The user and the password end at the last “@”. No error quotes @text. */
IstProxyUri *ist_proxy_uri_parse (const char *text,
                                  GError **error);
void ist_proxy_uri_free (IstProxyUri *self);

/* Whole, for GIO. */
char *ist_proxy_uri_to_string (const IstProxyUri *self);

/* For messages: nothing of the user. */
char *ist_proxy_uri_describe (const IstProxyUri *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstProxyUri, ist_proxy_uri_free)

G_END_DECLS
