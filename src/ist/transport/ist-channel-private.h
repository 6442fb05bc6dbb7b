/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <libsoup/soup.h>

#include <ist/ist-message.h>

#include "ist/protocol/ist-lane-private.h"
#include "ist/transport/ist-metered-stream-private.h"

G_BEGIN_DECLS

/* One established WebSocket, at either end: a bounded send queue with a lane
 * per connection, served in turn and sent in batches; the exact completion of
 * each message; pausing; pings.
 *
 * A frame holds one message, or several DATA messages that name a service or a
 * connection: peers in the field take no more than that.
 *
 * Belongs to the main context that was the thread-default when it was made, and
 * calls its delegate from there only, never from inside a call into it. */
typedef struct _IstChannel IstChannel;

/* Any of these may drop the last reference to the channel, or close it. */
typedef struct
{
  /* The payload of a binary frame: a piece of a byte stream. */
  void (*received) (IstChannel *self,
                    GBytes *data,
                    gpointer user_data);
  /* Exactly once for each message sent with a @tag, on each lane in the order in
   * which they were sent: it is on the wire (@error is NULL), or never will be. */
  void (*sent) (IstChannel *self,
                gpointer tag,
                const GError *error,
                gpointer user_data);
  /* After the queue got shorter, once per dispatch, after the sent() calls;
   * closed() takes its place in the last one. */
  void (*drained) (IstChannel *self,
                   gpointer user_data);
  /* A ping was answered after @round_trip microseconds. */
  void (*pong) (IstChannel *self,
                gint64 round_trip,
                gpointer user_data);
  /* Once, after everything else. @error says why, NULL after a close that gave
   * no reason: IST_TUNNEL_ERROR_DISCONNECTED, IST_TUNNEL_ERROR_CLIENT_REPLACED,
   * IST_TUNNEL_ERROR_PROTOCOL, IST_TUNNEL_ERROR_TIMED_OUT. */
  void (*closed) (IstChannel *self,
                  const GError *error,
                  gpointer user_data);
} IstChannelDelegate;

/* @stream: over which the upgrade to a WebSocket has been done.
 * The delegate's functions may be NULL. @user_data must outlive the channel or
 * ist_channel_disown() be called. */
IstChannel *ist_channel_new (IstMeteredStream *stream,
                             GUri *uri,
                             SoupWebsocketConnectionType type,
                             const IstChannelDelegate *delegate,
                             gpointer user_data);

IstChannel *ist_channel_ref (IstChannel *self);
void ist_channel_unref (IstChannel *self);

/* No delegate function is called any more; tags still in the queue are the
 * caller's to deal with. Closes the channel if it is open. */
void ist_channel_disown (IstChannel *self);

/* @interval and @pong_timeout in seconds, 0 for none. The first ping leaves at
 * once. A missing pong is an error only after the first pong has come; that not
 * even the peer's kernel answers always is one. */
void ist_channel_set_keepalive (IstChannel *self,
                                guint interval,
                                guint pong_timeout);

/* The machine's addresses or routes have changed: asks the peer whether it is
 * still there, and ends with an error if no answer comes soon. */
void ist_channel_network_changed (IstChannel *self);

/* Lets no more be on the way than keeps it full, so that what is urgent need not
 * wait behind much. */
void ist_channel_bound_delay (IstChannel *self);

/* Bytes of a stream that should be sent as one message at most, for now. */
gsize ist_channel_get_piece_size (IstChannel *self);

/* Cuts what is sent into WebSocket frames of @size bytes; 0 for frames that
 * hold whole messages. For tests: peers do this. */
void ist_channel_set_split (IstChannel *self,
                            gsize size);

/* Queues a message, which is taken over; it has @encoded_size bytes on the wire.
 * It is the caller who bounds the queue. A @barrier is sent after everything queued
 * for its service and before whatever comes later. */
void ist_channel_send (IstChannel *self,
                       IstLane lane,
                       gboolean barrier,
                       IstMessage *message,
                       gsize encoded_size,
                       gpointer tag);
/* Likewise, for what is encoded already: it becomes one frame. */
void ist_channel_send_bytes (IstChannel *self,
                             IstLane lane,
                             GBytes *bytes,
                             gpointer tag);

/* Drops what is queued on the lane and not yet handed to the WebSocket; sent()
 * follows for each with @why. */
void ist_channel_cancel_lane (IstChannel *self,
                              IstLane lane,
                              const GError *why);
/* Likewise for all the lanes of a stream; the connection of @lane does not matter. */
void ist_channel_cancel_stream (IstChannel *self,
                                IstLane lane,
                                const GError *why);

/* Whether what is sent now has a chance; false from the call that closes it, or
 * from the moment it is lost, which is before sent() and closed() tell. */
gboolean ist_channel_is_open (IstChannel *self);

/* Bytes accepted and not yet on the wire. */
gsize ist_channel_get_queued (IstChannel *self);

/* Stops and resumes reading. A frame that was read in part is still delivered. */
void ist_channel_set_paused (IstChannel *self,
                             gboolean paused);

guint64 ist_channel_get_bytes_read (IstChannel *self);
guint64 ist_channel_get_bytes_written (IstChannel *self);

/* Says goodbye with a WebSocket close code and waits a bounded time for the
 * peer's answer; then closed() follows with @why (nullable). What is queued
 * fails at once, with @why or IST_TUNNEL_ERROR_STOPPED. */
void ist_channel_close (IstChannel *self,
                        guint16 code,
                        const char *reason,
                        const GError *why);

/* Cuts the connection without a word; closed() follows with @why. */
void ist_channel_abort (IstChannel *self,
                        const GError *why);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstChannel, ist_channel_unref)

G_END_DECLS
