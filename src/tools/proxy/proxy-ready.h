/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/common/tool-output.h"
#include "tools/proxy/proxy-config.h"

G_BEGIN_DECLS

/* That the tunnel is there, with which services, and where. @bindings is of
 * ProxyBinding. */

/* To scripts, in the ways that were asked for. */
gboolean proxy_ready_tell (const ProxyConfig *config,
                           const char *const *services,
                           GPtrArray *bindings,
                           ToolOutput *output,
                           GError **error);
/* To people and to systemd. */
void proxy_ready_notify (const ProxyConfig *config,
                         const char *const *services,
                         GPtrArray *bindings);

G_END_DECLS
