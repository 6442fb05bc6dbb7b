/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/proxy/proxy-config.h"

G_BEGIN_DECLS

/* Connects and carries until a signal or a final failure ends it. Returns the
 * exit status. */
int proxy_session_run (ProxyConfig *config);

G_END_DECLS
