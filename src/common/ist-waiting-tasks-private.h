/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Tasks that wait for the same thing to happen: each until then, or until it is
 * cancelled. They keep their source object alive, so none waits when that is
 * finalized. */
typedef struct _IstWaitingTasks IstWaitingTasks;

/* @context: where cancelling is noticed.
 * @cancelled: (nullable): called, with the source object alive, when one was
 *   cancelled, before its callback is */
IstWaitingTasks *ist_waiting_tasks_new (GMainContext *context,
                                        void (*cancelled) (gpointer user_data),
                                        gpointer user_data);
void ist_waiting_tasks_free (IstWaitingTasks *self);

/* Takes the task. */
void ist_waiting_tasks_add (IstWaitingTasks *self,
                            GTask *task);
gboolean ist_waiting_tasks_is_empty (IstWaitingTasks *self);
/* Each that waits now waits for so many seconds at the most from now on, unless it has a
 * limit already. @expired: called with one that has waited in vain, which is the callee's */
void ist_waiting_tasks_limit (IstWaitingTasks *self,
                              guint (*get_limit) (GTask *task),
                              void (*expired) (GTask *task,
                                               gpointer user_data));
/* The one that has waited longest, which is the caller's now; NULL if there is none. */
GTask *ist_waiting_tasks_take (IstWaitingTasks *self);

/* All that wait at the moment of the call return TRUE or @error. */
void ist_waiting_tasks_return (IstWaitingTasks *self,
                               const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstWaitingTasks, ist_waiting_tasks_free)

G_END_DECLS
