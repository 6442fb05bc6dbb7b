/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Shakes hands with a server, as its client, and makes sure of who it is before
 * anything is said to it. @host, @port: the name or the address that the
 * certificate must be for. @database: (nullable): whom to trust, the system's
 * authorities without it. */
void ist_tls_connect_async (GIOStream *base,
                            const char *host,
                            guint16 port,
                            GTlsDatabase *database,
                            gboolean skip_verification,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data);

/* IST_TUNNEL_ERROR_TLS, or what went wrong below. */
GIOStream *ist_tls_connect_finish (GAsyncResult *result,
                                   GError **error);

G_END_DECLS
