/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* libist-operator has its own copy, so that libist need not export private symbols;
 * in one process each copy needs a type of its own. */
#ifdef IST_OPERATOR_COMPILATION
#define IstProxyResolver IstOperatorProxyResolver
#define IstProxyResolverClass IstOperatorProxyResolverClass
#endif

/* Which proxy to connect through where nobody has said: what https_proxy,
 * HTTPS_PROXY and no_proxy say, for connections without TLS http_proxy; where they
 * say nothing, the system's resolver, which knows the desktop's settings.
 *
 * The one of the system is not asked about loopback addresses. */
#define IST_TYPE_PROXY_RESOLVER (ist_proxy_resolver_get_type ())
G_DECLARE_FINAL_TYPE (IstProxyResolver, ist_proxy_resolver, IST, PROXY_RESOLVER, GObject)

GProxyResolver *ist_proxy_resolver_new (void);

G_END_DECLS
