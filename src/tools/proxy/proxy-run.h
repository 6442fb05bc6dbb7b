/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/proxy/proxy-config.h"

G_BEGIN_DECLS

/* Opens the tunnel of @config's request, runs a session on it, and closes it,
 * however the session ends. Returns the exit status. */
int proxy_run (ProxyConfig *config);

G_END_DECLS
