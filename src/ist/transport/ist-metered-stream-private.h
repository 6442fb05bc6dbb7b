/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "ist/transport/ist-flow-window-private.h"

G_BEGIN_DECLS

/* The emulator's library has its own copy of the transport, so that libist need
 * not export private symbols; in one process each copy needs types of its own. */
#ifdef IST_EMULATOR_COMPILATION
#define IstMeteredStream IstEmulatorMeteredStream
#define IstMeteredStreamClass IstEmulatorMeteredStreamClass
#define IstMeteredInputStream IstEmulatorMeteredInputStream
#define IstMeteredInputStreamClass IstEmulatorMeteredInputStreamClass
#define IstMeteredOutputStream IstEmulatorMeteredOutputStream
#define IstMeteredOutputStreamClass IstEmulatorMeteredOutputStreamClass
#endif

/* A pollable GIOStream around another one (TLS or a plain socket) that gives
 * a SoupWebsocketConnection what it lacks: reading stops at a byte budget per
 * dispatch and can be paused, writing goes on until the kernel would block, and
 * the WebSocket frames that pass are counted on their way, so that the end of
 * each on the wire is known exactly.
 *
 * Belongs to the main context that was the thread-default when it was made. */
#define IST_TYPE_METERED_STREAM (ist_metered_stream_get_type ())
G_DECLARE_FINAL_TYPE (IstMeteredStream, ist_metered_stream, IST, METERED_STREAM, GIOStream)

typedef enum
{
  IST_FRAME_CONTINUATION = 0x0,
  IST_FRAME_TEXT = 0x1,
  IST_FRAME_BINARY = 0x2,
  IST_FRAME_CLOSE = 0x8,
  IST_FRAME_PING = 0x9,
  IST_FRAME_PONG = 0xa,
} IstFrameOpcode;

/* Called when the last byte of a WebSocket frame was accepted by the socket;
 * inside the WebSocket's own code, so it must only take note. */
typedef void (*IstMeteredStreamFrameFunc) (IstFrameOpcode opcode,
                                           gpointer user_data);

/* Likewise when a pong is about to be read. @number: of the ping that it
 * answers, -1 where its payload does not say. */
typedef void (*IstMeteredStreamPongFunc) (gint64 number,
                                          gpointer user_data);

/* Fails where the machine has no more descriptors; @base is closed then. */
IstMeteredStream *ist_metered_stream_new (GIOStream *base,
                                          GError **error);

/* Starts counting frames; what passed before was no WebSocket traffic. */
void ist_metered_stream_watch_frames (IstMeteredStream *self,
                                      IstMeteredStreamFrameFunc written,
                                      IstMeteredStreamPongFunc pong,
                                      gpointer user_data);

/* Sends a ping as soon as it finds a place between the frames of the WebSocket,
 * which sends none on demand and says nothing of those that are answered. One at
 * a time: while one waits for its place, no other is taken.
 * @masked: at the client's end. */
void ist_metered_stream_ping (IstMeteredStream *self,
                              gboolean masked,
                              guint32 number);

/* Whether a path that takes what we send still leads to somebody: FALSE only if
 * something is on its way and nothing, not even the kernel's acknowledgements,
 * has come back for @milliseconds. */
gboolean ist_metered_stream_is_heard (IstMeteredStream *self,
                                      guint milliseconds);

/* What the kernel has of what was written, and knows of the way; zeros if it does
 * not tell. */
void ist_metered_stream_get_kernel_queue (IstMeteredStream *self,
                                          IstKernelQueue *queue);

typedef enum
{
  IST_ROUTE_SAME, /* or not known */
  IST_ROUTE_NONE, /* there is no way to the peer, for now */
  IST_ROUTE_LOST, /* there is one, but it can't be that of this connection */
} IstRoute;

/* What has become of the connection's way after a change of the network. */
IstRoute ist_metered_stream_check_route (IstMeteredStream *self);

/* The code and the reason of the peer's close frame, as it sent them; 0 if none
 * has come, or one without a code. */
guint16 ist_metered_stream_get_close_code (IstMeteredStream *self);
GBytes *ist_metered_stream_get_close_reason (IstMeteredStream *self);

/* What still comes is only read for the end of it: a bounded part, and @discard
 * says whether the WebSocket gets to see it. */
void ist_metered_stream_wind_up (IstMeteredStream *self,
                                 gboolean discard);

/* While paused, nothing is read from the base stream and no source fires. */
void ist_metered_stream_set_paused (IstMeteredStream *self,
                                    gboolean paused);

/* Ends it now, without a farewell: reading and writing fail with @error. */
void ist_metered_stream_abort (IstMeteredStream *self,
                               const GError *error);

guint64 ist_metered_stream_get_bytes_read (IstMeteredStream *self);
guint64 ist_metered_stream_get_bytes_written (IstMeteredStream *self);

G_END_DECLS
