/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* How a local stream ends. */
typedef enum
{
  IST_LOCAL_END_CLOSE,  /* at once: there is nobody left to read */
  IST_LOCAL_END_FINISH, /* all that was written arrives, then the end of the stream */
  IST_LOCAL_END_ABORT,  /* all that was written arrives, then an error where that can be told */
} IstLocalEnd;

/* Takes a few seconds at most; cancelling closes at once. Closes even if no
 * one waits for it, and never fails. */
void ist_local_end_async (GIOStream *stream,
                          IstLocalEnd how,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data);

G_END_DECLS
