/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Connects to a service, and makes up to @n_retries more attempts after one has
 * failed. The error is that of the last one, and names the target. */
void ist_connect_with_retries_async (GSocketClient *client,
                                     GSocketConnectable *target,
                                     guint n_retries,
                                     guint retry_delay_ms,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
GSocketConnection *ist_connect_with_retries_finish (GSocketClient *client,
                                                    GAsyncResult *result,
                                                    GError **error);

G_END_DECLS
