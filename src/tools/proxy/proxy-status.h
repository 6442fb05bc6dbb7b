/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist.h>

#include "tools/common/tool-output.h"

G_BEGIN_DECLS

/* Its service and the local program's address. */
char *proxy_describe_connection (IstForwarderConnection *connection);

/* A view on standard output, a terminal, of what a tunnel carries. It takes
 * the log's lines, too, until it is freed and the terminal is as before. */
typedef struct _ProxyStatus ProxyStatus;

/* @endpoint: what the tunnel connects to; @output: standard output */
ProxyStatus *proxy_status_new (IstForwarder *forwarder,
                               const char *endpoint,
                               ToolOutput *output);
void proxy_status_free (ProxyStatus *self);

G_END_DECLS
