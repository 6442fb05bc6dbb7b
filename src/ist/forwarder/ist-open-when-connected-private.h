/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist-secure-tunnel.h>

G_BEGIN_DECLS

/* Opens a connection through a tunnel. While that is connecting it is waited for,
 * for up to @timeout seconds in all. */
void ist_open_when_connected_async (IstSecureTunnel *tunnel,
                                    const char *service_id,
                                    guint timeout,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
IstConnection *ist_open_when_connected_finish (IstSecureTunnel *tunnel,
                                               GAsyncResult *result,
                                               GError **error);

G_END_DECLS
