/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Carries bytes between a socket and standard input and output, until the socket ends.
 * The end of the input is told to the other end of the socket, and no end to this. */
void tool_pump_async (GSocketConnection *connection,
                      GIOStream *stdio,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data);
gboolean tool_pump_finish (GAsyncResult *result,
                           GError **error);

G_END_DECLS
