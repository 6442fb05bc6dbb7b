/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/proxy/proxy-config.h"

G_BEGIN_DECLS

/* Opens the tunnel that the configuration wants to have opened, and closes it
 * after the session, however that ends. Returns the exit status. */
int proxy_run_opening (ProxyConfig *config);

G_END_DECLS
