/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist.h>

#include "tools/common/tool-output.h"

G_BEGIN_DECLS

/* What scripts ask for: which services there are, and where. @bindings is of
 * ProxyBinding. */
gboolean proxy_ready_json (IstSecureTunnel *tunnel,
                           GPtrArray *bindings,
                           ToolOutput *output,
                           GError **error);
gboolean proxy_ready_port_file (const char *path,
                                IstSecureTunnel *tunnel,
                                GPtrArray *bindings,
                                GError **error);

G_END_DECLS
