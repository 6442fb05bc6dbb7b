/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Connects to a port of a host, straight or through the proxies that @resolver
 * names, each after the one before has failed. @secure: whether TLS is to follow,
 * which is all that the resolver needs to know. */
void ist_dial_async (const char *host,
                     guint16 port,
                     gboolean secure,
                     GProxyResolver *resolver,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data);

GIOStream *ist_dial_finish (GAsyncResult *result,
                            GError **error);

G_END_DECLS
