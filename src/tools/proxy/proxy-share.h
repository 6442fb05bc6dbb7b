/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/proxy/proxy-config.h"

G_BEGIN_DECLS

/* Does what --open asks for with a tunnel of the session's ist-operator, which it leaves
 * to others in the end. Returns the exit status. */
int proxy_share_run (ProxyConfig *config);

G_END_DECLS
