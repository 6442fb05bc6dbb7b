/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How many bytes may be on the way, so that what is sent next need not wait
 * behind much, while the way stays full. Pings travel behind the data: when one
 * is answered, all that left before it has been read, and its round trip is the
 * way's own and that of the queue. doc/flow-control.md tells the rest.
 *
 * Pure: positions are bytes sent since the beginning, times are microseconds of
 * the monotonic clock, and both come from the caller. */
typedef struct _IstFlowWindow IstFlowWindow;

/* Never less than this may be on the way, however slow that is. */
#define IST_FLOW_WINDOW_MIN (16 * 1024)

/* What the kernel says of a socket. */
typedef struct
{
  guint64 queued;        /* bytes that the peer's kernel has not acknowledged */
  guint64 delivery_rate; /* of those that it has, in bytes a second; 0 if not known */
  gint64 round_trip;     /* the shortest, 0 if not known */
} IstKernelQueue;

IstFlowWindow *ist_flow_window_new (void);
void ist_flow_window_free (IstFlowWindow *self);

/* Pings */

/* Whether it is time for a ping, behind @sent bytes. */
gboolean ist_flow_window_wants_ping (IstFlowWindow *self,
                                     guint64 sent,
                                     gint64 now);
/* The number that the next ping has to carry. */
guint32 ist_flow_window_get_next_number (IstFlowWindow *self);
/* It has left, behind @sent bytes. @asked: not for the window's sake. */
void ist_flow_window_ping_sent (IstFlowWindow *self,
                                guint64 sent,
                                gboolean asked,
                                gint64 now);
/* @number: of the ping that the pong answers; -1 where it does not say. @asked: (out):
 * that of the ping. Returns the round trip, or -1 if there is no such ping. */
gint64 ist_flow_window_pong_read (IstFlowWindow *self,
                                  gint64 number,
                                  gint64 now,
                                  gboolean *asked);
gboolean ist_flow_window_has_seen_pong (IstFlowWindow *self);

/* The window */

/* While nothing is read no pong can be seen. */
void ist_flow_window_set_deaf (IstFlowWindow *self,
                               gboolean deaf);
/* There is nothing to send, or there is again: with a pause between, what was sent
 * does not show how much the way can carry. */
void ist_flow_window_note_idle (IstFlowWindow *self,
                                gint64 now);
void ist_flow_window_note_busy (IstFlowWindow *self,
                                gint64 now);
/* Whether only the kernel can tell now what is on the way; then
 * ist_flow_window_see_kernel() has to precede ist_flow_window_is_open(). */
gboolean ist_flow_window_needs_kernel (IstFlowWindow *self,
                                       gint64 now);
void ist_flow_window_see_kernel (IstFlowWindow *self,
                                 const IstKernelQueue *kernel);
/* Whether more may be sent, after @sent bytes. */
gboolean ist_flow_window_is_open (IstFlowWindow *self,
                                  guint64 sent,
                                  gint64 now);
/* While it is closed and pongs are awaited: to be asked now and then, so that
 * pongs which do not come are not awaited for ever. */
void ist_flow_window_check_patience (IstFlowWindow *self,
                                     const IstKernelQueue *kernel,
                                     gint64 now);

/* How many bytes may be on the way. */
gsize ist_flow_window_get_size (IstFlowWindow *self,
                                gint64 now);
/* How many should be sent at once, as one piece that nothing can overtake. */
gsize ist_flow_window_get_piece_size (IstFlowWindow *self,
                                      gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstFlowWindow, ist_flow_window_free)

G_END_DECLS
