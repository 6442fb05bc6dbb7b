/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Something asynchronous that is waited for in a thread of its own, whose default context
 * no other runs: at most for a time, and not once @parent is cancelled. */
typedef struct _IstOperatorWait IstOperatorWait;

IstOperatorWait *ist_operator_wait_new (GCancellable *parent,
                                        guint milliseconds);
/* What was begun must have ended. */
void ist_operator_wait_free (IstOperatorWait *self);

/* For what is begun. */
GCancellable *ist_operator_wait_get_cancellable (IstOperatorWait *self);
/* A GAsyncReadyCallback, with the wait as its data, that ends ist_operator_wait_for_result(). */
void ist_operator_wait_on_ready (GObject *source,
                                 GAsyncResult *result,
                                 gpointer user_data);
/* (transfer full) */
GAsyncResult *ist_operator_wait_for_result (IstOperatorWait *self);
/* Until the time is over, or @parent is cancelled. */
void ist_operator_wait_to_end (IstOperatorWait *self);
/* Why it was cancelled. */
gboolean ist_operator_wait_has_timed_out (IstOperatorWait *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstOperatorWait, ist_operator_wait_free)

G_END_DECLS
