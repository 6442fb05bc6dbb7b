/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The proxy that the environment wants connections to go through, from
 * https_proxy, HTTPS_PROXY and no_proxy. Without them @resolver is NULL: the
 * desktop's settings count. */
gboolean proxy_detour_from_environment (GProxyResolver **resolver,
                                        GError **error);

G_END_DECLS
