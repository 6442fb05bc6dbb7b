/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist/tunnel/ist-connection-set-private.h"

G_BEGIN_DECLS

/* Those who open a connection: at once if that can be, else when it can be known
 * that its data is not mixed with another's, for a while. */
typedef struct _IstOpeningQueue IstOpeningQueue;

typedef void (*IstOpeningQueueFunc) (GArray *events,
                                     gpointer tunnel);

/* @timeout: milliseconds that one may wait.
 * @carry_out: is to carry out what follows, and to tell the news */
IstOpeningQueue *ist_opening_queue_new (IstTunnelLink *link,
                                        IstNewsQueue *news,
                                        IstConnectionSet *connections,
                                        guint timeout,
                                        IstOpeningQueueFunc carry_out,
                                        gpointer tunnel);
/* None waits any more, for a task holds a reference to the tunnel. */
void ist_opening_queue_free (IstOpeningQueue *self);

/* Takes the task, whose source is the tunnel; it returns an IstConnection. */
void ist_opening_queue_open (IstOpeningQueue *self,
                             const char *service_id,
                             GTask *task);

gboolean ist_opening_queue_is_empty (IstOpeningQueue *self);

/* Opens what can be opened now, in order, if anything has changed since it was
 * last tried. @apply is called with what follows from each: it comes after what
 * made that possible. */
void ist_opening_queue_serve (IstOpeningQueue *self,
                              IstOpeningQueueFunc apply);
void ist_opening_queue_fail (IstOpeningQueue *self,
                             const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstOpeningQueue, ist_opening_queue_free)

G_END_DECLS
