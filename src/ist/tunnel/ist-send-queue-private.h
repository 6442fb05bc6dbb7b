/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist/tunnel/ist-news-queue-private.h"
#include "ist/tunnel/ist-tunnel-link-private.h"

G_BEGIN_DECLS

/* The messages that a program sends, from the moment each is accepted, or waits
 * for room, until it is known how it ended: which is told once for each, as news. */
typedef struct _IstSendQueue IstSendQueue;

/* @limit: bytes that accepted messages may take until they are on the wire */
IstSendQueue *ist_send_queue_new (IstTunnelLink *link,
                                  IstNewsQueue *news,
                                  guint limit);
/* None waits any more, for a task holds a reference to the tunnel. */
void ist_send_queue_free (IstSendQueue *self);

/* Accepts a message now, or fails with why it can't be: the errors of
 * ist_secure_tunnel_send_message(). */
gboolean ist_send_queue_send (IstSendQueue *self,
                              IstMessage *message,
                              GError **error);
/* Likewise, but lets it wait for room; takes the task, whose source is the tunnel,
 * and returns it when the message is on the wire or never will be. */
void ist_send_queue_send_async (IstSendQueue *self,
                                IstMessage *message,
                                GTask *task);

/* Room may have come: accepts those that wait, in order. */
void ist_send_queue_serve (IstSendQueue *self);
/* There will be none: fails those that wait. */
void ist_send_queue_fail (IstSendQueue *self,
                          const GError *error);

/* Whether something was accepted since this was last asked: whoever waits for the
 * queue to drain is to hear of it, also if it is empty again by then. */
gboolean ist_send_queue_take_changed (IstSendQueue *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstSendQueue, ist_send_queue_free)

G_END_DECLS
