/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist.h>

#include "tools/common/tool-output.h"

G_BEGIN_DECLS

/* Where a service is, on this machine. */
typedef struct
{
  char *service; /* NULL for the tunnel's only one */
  char *address; /* as it was given */
  guint port;    /* 0 for a Unix socket */
} ProxyPlace;

void proxy_place_free (ProxyPlace *self);

/* What scripts ask for: which services there are, and where. @places is of
 * ProxyPlace. */
gboolean proxy_ready_json (IstSecureTunnel *tunnel,
                           GPtrArray *places,
                           ToolOutput *output,
                           GError **error);
gboolean proxy_ready_port_file (const char *path,
                                IstSecureTunnel *tunnel,
                                GPtrArray *places,
                                GError **error);

G_END_DECLS
