/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A place in a main loop, for one of many: all those of a context share one GSource,
 * which costs no more with a thousand of them than with one. GLib's main loop asks each
 * source twice a turn, and hands the kernel each of their descriptors.
 *
 * A watch belongs to the thread that runs its context. */
typedef struct _IstWatch IstWatch;

/* @condition: what its descriptor is ready for, or 0 if it was woken */
typedef void (*IstWatchFunc) (GIOCondition condition,
                              gpointer user_data);

/* @ready: called by the main loop, also by one that runs inside such a call; may free the
 *   watch */
IstWatch *ist_watch_new (GMainContext *context,
                         IstWatchFunc ready,
                         gpointer user_data);
void ist_watch_free (IstWatch *self);

/* Calls @ready once in the next turn of the main loop. */
void ist_watch_wake (IstWatch *self);

/* Once. Whoever closes @fd frees the watch first.
 * @noticed: (nullable): called for it instead of @ready, while the main loop looks for
 *   what is ready: sources that are attached later, with the same priority, can have their
 *   turn for it at once. It does nothing but take note. */
gboolean ist_watch_set_descriptor (IstWatch *self,
                                   int fd,
                                   IstWatchFunc noticed,
                                   GError **error);

/* What @fd is watched for from now on, G_IO_IN and G_IO_OUT, until it is set again. Its
 * end and its errors count as both. */
void ist_watch_set_condition (IstWatch *self,
                              GIOCondition condition);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstWatch, ist_watch_free)

G_END_DECLS
