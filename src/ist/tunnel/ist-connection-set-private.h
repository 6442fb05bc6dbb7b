/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist/tunnel/ist-news-queue-private.h"
#include "ist/tunnel/ist-tunnel-link-private.h"

G_BEGIN_DECLS

/* The connections of a tunnel that are streams: what they write goes to the
 * channel, what comes for them is put into their buffers, and each ends with the
 * connection of the protocol that it is for. */
typedef struct _IstConnectionSet IstConnectionSet;

/* How it reaches its tunnel. */
typedef struct
{
  /* Whether a connection has no room may have changed. */
  void (*stalled_changed) (gpointer tunnel);
  /* A stream was closed, and with it the connection: what follows is to be carried out. */
  void (*closed) (GArray *events,
                  gpointer tunnel);
} IstConnectionSetDelegate;

/* @buffer_size: bytes each may keep in each direction; @total_size: all of them together.
 * @stall_timeout: seconds that one may have no room, 0 for ever */
IstConnectionSet *ist_connection_set_new (IstTunnelLink *link,
                                          IstNewsQueue *news,
                                          gsize buffer_size,
                                          gsize total_size,
                                          guint stall_timeout,
                                          const IstConnectionSetDelegate *delegate,
                                          gpointer tunnel);
/* After ist_connection_set_drop(). */
void ist_connection_set_free (IstConnectionSet *self);

/* A stream for the connection of a lane. Borrowed. */
IstConnectionCore *ist_connection_set_add (IstConnectionSet *self,
                                           IstStreamInfo *info,
                                           IstLane lane);
/* Nobody wants it as a stream, if it has not ended already; the connection stays. */
void ist_connection_set_refuse (IstConnectionSet *self,
                                IstConnectionCore *core);

/* Whether the data is for one of them, which has it then. */
gboolean ist_connection_set_receive (IstConnectionSet *self,
                                     const IstLane *lane,
                                     GBytes *data);
/* Whether one has no room, so that nothing more should be read. */
gboolean ist_connection_set_is_stalled (IstConnectionSet *self);

/* The events of the same names */
void ist_connection_set_connection_reset (IstConnectionSet *self,
                                          const IstStreamEvent *event);
void ist_connection_set_stream_stopped (IstConnectionSet *self,
                                        const IstStreamEvent *event);

/* Ends all of them, with @error. */
void ist_connection_set_end (IstConnectionSet *self,
                             const GError *error);
/* Likewise, when no channel is left that would tell of what is still queued. */
void ist_connection_set_drop (IstConnectionSet *self,
                              const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstConnectionSet, ist_connection_set_free)

G_END_DECLS
