/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/transport/ist-metered-stream-private.h"

#include <string.h>

#ifdef __linux__
/* The C library's <netinet/tcp.h> knows less of TCP_INFO. */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#endif

#include "common/ist-block-private.h"
#include "common/ist-watch-private.h"
#include "ist/protocol/ist-wire-private.h"

/* After so many bytes the input says "would block", so that a busy WebSocket
 * leaves its main loop to others a few thousand times a second. */
#define READ_BUDGET (256 * 1024)

/* Likewise after so long, in microseconds: small frames, or a consumer that
 * does much with each, take their time. */
#define READ_TIME 4000

/* The WebSocket answers pings into a queue without bound: a peer that sends
 * pings and reads no pongs is not listened to beyond so many. */
#define MAX_PONGS_OWED 64

/* Bytes of a WebSocket message that comes in fragments, their headers included:
 * the largest frame, however small its pieces. */
#define MAX_FRAGMENTED (2 * IST_WIRE_MAX_FRAME)

/* The kernel takes no more than this ahead of what it can send, so that what is
 * urgent waits behind little. */
#define NOT_SENT_LOW_WATER (128 * 1024)

/* The farewell of TLS waits for room in the socket, in a thread; it gets this
 * long, in milliseconds. */
#define CLOSE_TIMEOUT 1000

/* Of what comes while a connection ends, so much is looked at. */
#define MAX_WIND_UP (1024 * 1024)

/* Before a dead path is noticed on a connection that is silent by itself: seconds
 * of silence, then so many seconds between so many probes of the kernel's. What is
 * on its way is watched by pings and ist_metered_stream_is_heard(); TCP_USER_TIMEOUT
 * would also cut a peer that answers, but does not read for a while. */
#define KEEPALIVE_IDLE 20
#define KEEPALIVE_INTERVAL 8
#define KEEPALIVE_PROBES 3

/* Bytes that the C library may keep for the frames to come, for the whole process. */
#define FREE_MEMORY_KEPT (1024 * 1024)

/* The largest payload of a control frame (RFC 6455, section 5.5). */
#define MAX_CONTROL 125

/* What our own pings carry, and a number after it. */
static const guint8 ping_mark[4] = { 'i', 's', 't', ':' };

/* Follows WebSocket frames (RFC 6455, section 5.2) through a byte stream. */
typedef struct
{
  guint8 header[14];
  guint header_length;
  guint64 payload_left;
  IstFrameOpcode opcode;
  gboolean final;
  guint8 control[MAX_CONTROL]; /* the payload of a control frame */
  guint control_length;
} FrameTracker;

/* A ping of our own. */
typedef struct
{
  guint8 frame[2 + 4 + 8];
  guint length; /* 0: there is none */
  guint sent;
  gboolean begun; /* TLS may have taken of it what it has not sent */
} Ping;

/* What is made for whoever waits for one of the streams. The main loop asks it twice a
 * turn: the answer is kept in it, near to what the loop looks at anyway. */
typedef struct _MeteredSource MeteredSource;
struct _MeteredSource
{
  GSource source;
  GObject *stream; /* the pollable stream it was made for */
  gboolean is_input;
  gboolean is_ready;
  MeteredSource *next; /* of the same stream */
};

struct _IstMeteredStream
{
  GIOStream parent_instance;

  GIOStream *base;
  GPollableInputStream *base_in;
  GPollableOutputStream *base_out;
  GSocket *socket;
  GMainContext *context;
  IstWatch *watch; /* of the socket, for all who wait; NULL once that is closed */
  GInputStream *in;
  GOutputStream *out;
  GError *failure;

  guint8 *ahead; /* a block with what was read ahead: [ahead_start, ahead_end); or NULL */
  gsize ahead_start;
  gsize ahead_end;
  gsize budget;
  gint64 turn_ends;     /* when to stop in this dispatch, 0 outside of one */
  gboolean time_passed; /* worth a look at the clock */
  gboolean in_drained;  /* the base said "would block": only the socket tells more */
  gboolean in_eof;
  gboolean paused;
  gboolean discarding;
  guint64 read_limit; /* for bytes_read */
  MeteredSource *in_sources;

  gboolean out_blocked;
  gboolean out_begun;  /* the WebSocket has to offer the same bytes again */
  gboolean out_closed; /* a close frame has gone out */
  MeteredSource *out_sources;
  Ping ping;
  GSource *ping_source;

  gboolean watching;
  IstMeteredStreamFrameFunc frame_written;
  IstMeteredStreamPongFunc pong_read;
  gpointer frame_data;
  FrameTracker in_frames;
  FrameTracker out_frames;
  guint64 fragments_size; /* bytes of a WebSocket message whose last frame is still to come */
  guint pongs_owed;
  guint16 close_code;
  GBytes *close_reason;

  guint64 bytes_read;
  guint64 bytes_written;
};

typedef struct
{
  GInputStream parent_instance;
  IstMeteredStream *owner; /* not owned; NULL once it is gone */
} IstMeteredInputStream;

typedef struct
{
  GOutputStream parent_instance;
  IstMeteredStream *owner;
} IstMeteredOutputStream;

typedef GInputStreamClass IstMeteredInputStreamClass;
typedef GOutputStreamClass IstMeteredOutputStreamClass;

static void ist_metered_input_stream_pollable_init (GPollableInputStreamInterface *iface);
static void ist_metered_output_stream_pollable_init (GPollableOutputStreamInterface *iface);

static GType ist_metered_input_stream_get_type (void);
static GType ist_metered_output_stream_get_type (void);

G_DEFINE_FINAL_TYPE (IstMeteredStream, ist_metered_stream, G_TYPE_IO_STREAM)

G_DEFINE_FINAL_TYPE_WITH_CODE (IstMeteredInputStream,
                               ist_metered_input_stream,
                               G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      ist_metered_input_stream_pollable_init))

G_DEFINE_FINAL_TYPE_WITH_CODE (IstMeteredOutputStream,
                               ist_metered_output_stream,
                               G_TYPE_OUTPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM,
                                                      ist_metered_output_stream_pollable_init))

/* Frames */

static guint
frame_header_needed (const FrameTracker *self)
{
  guint needed = 2;

  if (self->header_length < 2)
    return needed;
  if (self->header[1] & 0x80)
    needed += 4;
  if ((self->header[1] & 0x7f) == 126)
    needed += 2;
  else if ((self->header[1] & 0x7f) == 127)
    needed += 8;
  return needed;
}

static void
frame_parse_header (FrameTracker *self)
{
  guint length_bytes = 0;
  guint i;

  self->final = (self->header[0] & 0x80) != 0;
  self->opcode = self->header[0] & 0x0f;
  self->payload_left = self->header[1] & 0x7f;
  if (self->payload_left == 126)
    length_bytes = 2;
  else if (self->payload_left == 127)
    length_bytes = 8;
  if (length_bytes > 0)
    self->payload_left = 0;
  for (i = 0; i < length_bytes; i++)
    self->payload_left = self->payload_left << 8 | self->header[2 + i];
  self->control_length = 0;
}

static void
frame_keep_control (FrameTracker *self,
                    const guint8 *data,
                    gsize length)
{
  const guint8 *mask = self->header[1] & 0x80 ? self->header + frame_header_needed (self) - 4 : NULL;

  for (; length > 0 && self->control_length < MAX_CONTROL; data++, length--)
    {
      self->control[self->control_length] = mask != NULL ? *data ^ mask[self->control_length % 4] : *data;
      self->control_length++;
    }
}

/* Moves over @data up to the end of a frame; TRUE if there was one. */
static gboolean
frame_tracker_advance (FrameTracker *self,
                       const guint8 **data,
                       gsize *length)
{
  gsize n;

  while (self->header_length < frame_header_needed (self))
    {
      if (*length == 0)
        return FALSE;
      self->header[self->header_length++] = **data;
      (*data)++;
      (*length)--;
      if (self->header_length == frame_header_needed (self))
        frame_parse_header (self);
    }

  n = MIN (self->payload_left, *length);
  if (self->opcode >= IST_FRAME_CLOSE)
    frame_keep_control (self, *data, n);
  self->payload_left -= n;
  *data += n;
  *length -= n;
  if (self->payload_left > 0)
    return FALSE;

  self->header_length = 0;
  return TRUE;
}

/* Sources */

static gboolean
input_stopped (IstMeteredStream *self)
{
  return self->paused || self->pongs_owed > MAX_PONGS_OWED ||
         (self->ahead_start == self->ahead_end && self->bytes_read >= self->read_limit);
}

static gboolean
input_ready (IstMeteredStream *self)
{
  if (self->failure != NULL)
    return TRUE;
  if (input_stopped (self))
    return FALSE;
  return self->ahead_start < self->ahead_end || self->in_eof || !self->in_drained;
}

static gboolean
output_ready (IstMeteredStream *self)
{
  return self->failure != NULL || !self->out_blocked;
}

/* libsoup makes a source for every wait. They need no descriptor of their own: adding and
 * removing one costs the main loop a wake-up each time. To be called whenever the answer
 * may have changed. */
static void
stream_update_sources (IstMeteredStream *self)
{
  gboolean in_ready = input_ready (self);
  gboolean out_ready = output_ready (self);
  GIOCondition condition = 0;
  MeteredSource *source;

  for (source = self->in_sources; source != NULL; source = source->next)
    source->is_ready = in_ready;
  for (source = self->out_sources; source != NULL; source = source->next)
    source->is_ready = out_ready;

  if (self->watch == NULL)
    return;
  if (self->in_sources != NULL && !input_stopped (self))
    condition |= G_IO_IN;
  if (self->out_sources != NULL && self->out_blocked)
    condition |= G_IO_OUT;
  ist_watch_set_condition (self->watch, condition);
}

/* Before the check of the sources that wait, which were attached later. */
static void
on_socket_noticed (GIOCondition condition,
                   gpointer user_data)
{
  IstMeteredStream *self = user_data;

  if (condition & G_IO_IN)
    self->in_drained = FALSE;
  if (condition & G_IO_OUT)
    self->out_blocked = FALSE;
  stream_update_sources (self);
}

static void
on_socket_woken (GIOCondition condition,
                 gpointer user_data)
{
}

static IstMeteredStream *
metered_source_get_owner (MeteredSource *self)
{
  if (self->is_input)
    return ((IstMeteredInputStream *) self->stream)->owner;
  return ((IstMeteredOutputStream *) self->stream)->owner;
}

static MeteredSource **
metered_source_get_list (MeteredSource *self,
                         IstMeteredStream *owner)
{
  return self->is_input ? &owner->in_sources : &owner->out_sources;
}

static gboolean
metered_source_check (GSource *source)
{
  return ((MeteredSource *) source)->is_ready;
}

static gboolean
metered_source_prepare (GSource *source,
                        int *timeout)
{
  *timeout = -1;
  return metered_source_check (source);
}

static gboolean
metered_source_dispatch (GSource *source,
                         GSourceFunc callback,
                         gpointer user_data)
{
  MeteredSource *self = (MeteredSource *) source;
  IstMeteredStream *owner;
  GMainContext *context;
  gboolean result;

  owner = metered_source_get_owner (self);
  if (owner != NULL && self->is_input)
    {
      owner->budget = READ_BUDGET;
      owner->turn_ends = g_get_monotonic_time () + READ_TIME;
    }

  if (callback == NULL)
    return G_SOURCE_REMOVE;

  /* SoupWebsocketConnection attaches its next source to whatever is the
   * thread-default context now, and that need not be the one it lives in. */
  context = g_source_get_context (source);
  g_main_context_push_thread_default (context);
  result = ((GPollableSourceFunc) (void (*) (void)) callback) (self->stream, user_data);
  g_main_context_pop_thread_default (context);
  owner = metered_source_get_owner (self);
  if (owner != NULL && self->is_input)
    owner->turn_ends = 0;
  if (owner != NULL)
    stream_update_sources (owner);
  return result;
}

static void
metered_source_finalize (GSource *source)
{
  MeteredSource *self = (MeteredSource *) source;
  IstMeteredStream *owner;

  owner = metered_source_get_owner (self);
  if (owner != NULL)
    {
      MeteredSource **place = metered_source_get_list (self, owner);

      while (*place != self)
        place = &(*place)->next;
      *place = self->next;
      stream_update_sources (owner);
    }
  g_object_unref (self->stream);
}

static gboolean
metered_source_closure_callback (GObject *stream,
                                 gpointer user_data)
{
  g_auto (GValue) result = G_VALUE_INIT;
  g_auto (GValue) param = G_VALUE_INIT;

  g_value_init (&result, G_TYPE_BOOLEAN);
  g_value_init (&param, G_TYPE_OBJECT);
  g_value_set_object (&param, stream);
  g_closure_invoke (user_data, &result, 1, &param, NULL);
  return g_value_get_boolean (&result);
}

static GSourceFuncs metered_source_funcs = {
  .prepare = metered_source_prepare,
  .check = metered_source_check,
  .dispatch = metered_source_dispatch,
  .finalize = metered_source_finalize,
  .closure_callback = (GSourceFunc) (void (*) (void)) metered_source_closure_callback,
};

static GSource *
metered_source_new (GObject *stream,
                    GCancellable *cancellable)
{
  GSource *source = g_source_new (&metered_source_funcs, sizeof (MeteredSource));
  MeteredSource *self = (MeteredSource *) source;
  IstMeteredStream *owner;

  g_source_set_static_name (source, "IstMeteredStream");
  self->stream = g_object_ref (stream);
  self->is_input = G_IS_INPUT_STREAM (stream);
  self->is_ready = TRUE;
  owner = metered_source_get_owner (self);
  if (owner != NULL)
    {
      MeteredSource **list = metered_source_get_list (self, owner);

      self->next = *list;
      *list = self;
      stream_update_sources (owner);
    }
  if (cancellable != NULL)
    {
      g_autoptr (GSource) cancelled = g_cancellable_source_new (cancellable);

      g_source_set_dummy_callback (cancelled);
      g_source_add_child_source (source, cancelled);
    }
  return source;
}

/* Input */

static gboolean
owner_is_gone (IstMeteredStream *owner,
               GError **error)
{
  if (owner != NULL)
    return FALSE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The stream is closed");
  return TRUE;
}

/* libsoup reads in small pieces; time passes where the base stream is read, and in
 * whoever was given a frame. */
static gboolean
stream_turn_is_over (IstMeteredStream *self)
{
  if (self->budget == 0)
    return TRUE;
  if (self->turn_ends == 0 || !self->time_passed)
    return FALSE;
  self->time_passed = FALSE;
  return g_get_monotonic_time () >= self->turn_ends;
}

/* Nothing is left in it. Most of many tunnels are idle: none keeps a block, and the
 * busy ones take turns with few. */
static void
stream_give_block_back (IstMeteredStream *self)
{
  self->ahead_start = self->ahead_end = 0;
  g_clear_pointer (&self->ahead, ist_block_free);
}

/* One read of the base stream. Nothing was left of the one before. TLS gives at most
 * one record of 16 KiB a call. */
static gssize
stream_read_ahead (IstMeteredStream *self,
                   GError **error)
{
  g_autoptr (GError) local = NULL;
  gssize n;

  if (self->in_eof)
    return 0;

  self->ahead = ist_block_new ();
  n = g_pollable_input_stream_read_nonblocking (self->base_in, self->ahead, IST_BLOCK_SIZE, NULL, &local);
  if (n <= 0)
    stream_give_block_back (self);
  if (n < 0)
    {
      self->in_drained = g_error_matches (local, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
      g_propagate_error (error, g_steal_pointer (&local));
      return -1;
    }
  self->time_passed = TRUE;
  self->in_eof = n == 0;
  self->ahead_start = 0;
  self->ahead_end = n;
  self->bytes_read += n;
  return n;
}

static gint64
get_ping_number (const FrameTracker *pong)
{
  guint32 number;

  if (pong->control_length != sizeof ping_mark + sizeof number ||
      memcmp (pong->control, ping_mark, sizeof ping_mark) != 0)
    return -1;
  memcpy (&number, pong->control + sizeof ping_mark, sizeof number);
  return GUINT32_FROM_BE (number);
}

static void
stream_take_control_frame (IstMeteredStream *self)
{
  const FrameTracker *frame = &self->in_frames;

  if (frame->opcode == IST_FRAME_PING)
    {
      self->pongs_owed++;
    }
  else if (frame->opcode == IST_FRAME_PONG)
    {
      self->pong_read (get_ping_number (frame), self->frame_data);
    }
  else if (frame->opcode == IST_FRAME_CLOSE)
    {
      if (frame->control_length >= 2 && self->close_reason == NULL)
        {
          self->close_code = frame->control[0] << 8 | frame->control[1];
          self->close_reason = g_bytes_new (frame->control + 2, frame->control_length - 2);
        }
      ist_metered_stream_wind_up (self, TRUE);
    }
}

/* Takes note of the frames in what the WebSocket is about to read. */
static gboolean
stream_track_input (IstMeteredStream *self,
                    const guint8 *data,
                    gsize length,
                    GError **error)
{
  FrameTracker *frames = &self->in_frames;

  while (length > 0)
    {
      gsize before = length;
      gboolean ended = frame_tracker_advance (frames, &data, &length);
      gboolean header_known = ended || frames->header_length == frame_header_needed (frames);

      if (!header_known)
        break;
      self->time_passed |= ended;
      if (frames->opcode >= IST_FRAME_CLOSE && ended)
        stream_take_control_frame (self);
      if (frames->opcode >= IST_FRAME_CLOSE)
        continue;

      /* libsoup bounds the size of a frame, but not of a message made of many. */
      if (!frames->final || self->fragments_size > 0)
        self->fragments_size += before - length;
      if (self->fragments_size > MAX_FRAGMENTED)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                       "A WebSocket message in fragments is larger than %u bytes", MAX_FRAGMENTED);
          return FALSE;
        }
      if (frames->final && ended)
        self->fragments_size = 0;
    }
  return TRUE;
}

/* Reads on, without the WebSocket, until the peer has hung up. */
static gssize
stream_discard_input (IstMeteredStream *self,
                      GError **error)
{
  gssize n;

  do
    {
      stream_give_block_back (self);
      n = stream_read_ahead (self, error);
    }
  while (n > 0 && self->bytes_read < self->read_limit);
  stream_give_block_back (self);
  if (n > 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "Reading is over");
      return -1;
    }
  return n;
}

static gssize
stream_read (IstMeteredStream *self,
             void *buffer,
             gsize count,
             GError **error)
{
  gsize n;

  if (self->failure != NULL)
    {
      g_propagate_error (error, g_error_copy (self->failure));
      return -1;
    }
  if (input_stopped (self) || stream_turn_is_over (self))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "Reading is suspended");
      return -1;
    }
  if (self->discarding)
    return stream_discard_input (self, error);
  if (self->ahead_start == self->ahead_end)
    {
      gssize filled = stream_read_ahead (self, error);

      if (filled <= 0)
        return filled;
    }

  n = MIN (MIN (count, self->ahead_end - self->ahead_start), self->budget);
  if (self->watching && !stream_track_input (self, self->ahead + self->ahead_start, n, error))
    return -1;
  memcpy (buffer, self->ahead + self->ahead_start, n);
  self->ahead_start += n;
  if (self->ahead_start == self->ahead_end)
    stream_give_block_back (self);
  self->budget -= n;
  return n;
}

static gssize
ist_metered_input_stream_read_nonblocking (GPollableInputStream *stream,
                                           void *buffer,
                                           gsize count,
                                           GError **error)
{
  IstMeteredStream *self = ((IstMeteredInputStream *) stream)->owner;
  gssize n;

  if (owner_is_gone (self, error))
    return -1;
  n = stream_read (self, buffer, count, error);
  /* In a dispatch, many small reads follow one another. */
  if (self->turn_ends == 0)
    stream_update_sources (self);
  return n;
}

static gboolean
ist_metered_input_stream_is_readable (GPollableInputStream *stream)
{
  IstMeteredStream *self = ((IstMeteredInputStream *) stream)->owner;

  if (self == NULL || self->failure != NULL)
    return TRUE;
  if (input_stopped (self))
    return FALSE;
  return self->ahead_start < self->ahead_end || self->in_eof ||
         g_pollable_input_stream_is_readable (self->base_in);
}

static GSource *
ist_metered_input_stream_create_source (GPollableInputStream *stream,
                                        GCancellable *cancellable)
{
  return metered_source_new (G_OBJECT (stream), cancellable);
}

static void
ist_metered_input_stream_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->read_nonblocking = ist_metered_input_stream_read_nonblocking;
  iface->is_readable = ist_metered_input_stream_is_readable;
  iface->create_source = ist_metered_input_stream_create_source;
}

static void
ist_metered_input_stream_class_init (IstMeteredInputStreamClass *klass)
{
}

static void
ist_metered_input_stream_init (IstMeteredInputStream *self)
{
}

/* Output */

static void
stream_track_output (IstMeteredStream *self,
                     const guint8 *data,
                     gsize length)
{
  while (length > 0)
    {
      if (!frame_tracker_advance (&self->out_frames, &data, &length))
        continue;
      if (self->out_frames.opcode == IST_FRAME_PONG && self->pongs_owed > 0)
        {
          self->pongs_owed--;
          stream_update_sources (self);
        }
      if (self->out_frames.opcode == IST_FRAME_CLOSE)
        self->out_closed = TRUE;
      self->frame_written (self->out_frames.opcode, self->frame_data);
    }
}

/* Writes until the base stream would block. */
static gssize
stream_write_base (IstMeteredStream *self,
                   const guint8 *data,
                   gsize count,
                   GError **error)
{
  gsize total = 0;

  while (total < count)
    {
      g_autoptr (GError) local = NULL;
      gssize n;

      n = g_pollable_output_stream_write_nonblocking (self->base_out, data + total, count - total, NULL, &local);
      if (n < 0)
        {
          self->out_blocked = g_error_matches (local, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
          stream_update_sources (self);
          /* What was written counts; a real error comes again with the next call. */
          if (total > 0)
            break;
          g_propagate_error (error, g_steal_pointer (&local));
          return -1;
        }
      total += n;
    }
  self->bytes_written += total;
  return total;
}

static gboolean on_ping_writable (GObject *out,
                                  gpointer user_data);

static void
stream_wait_for_ping (IstMeteredStream *self,
                      gboolean wait)
{
  if (wait && self->ping_source == NULL)
    {
      self->ping_source = g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM (self->out), NULL);
      g_source_set_callback (self->ping_source, G_SOURCE_FUNC (on_ping_writable), self, NULL);
      g_source_attach (self->ping_source, self->context);
    }
  else if (!wait && self->ping_source != NULL)
    {
      g_source_destroy (self->ping_source);
      g_clear_pointer (&self->ping_source, g_source_unref);
    }
}

/* Sends the ping if there is one and this is a place for it. FALSE if something
 * of it is still in the way of the WebSocket's own. */
static gboolean
stream_flush_ping (IstMeteredStream *self)
{
  Ping *ping = &self->ping;
  g_autoptr (GError) error = NULL;
  gssize n;

  if (ping->length == 0)
    return TRUE;
  /* TLS that could not send its record takes what comes next for the same bytes. */
  if (!ping->begun && (self->out_begun || self->out_frames.header_length > 0))
    return TRUE;

  ping->begun = TRUE;
  n = self->out_closed ? 0 : stream_write_base (self, ping->frame + ping->sent, ping->length - ping->sent, &error);
  if (n > 0)
    ping->sent += n;
  if (n != 0 && ping->sent < ping->length && (n > 0 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)))
    {
      stream_wait_for_ping (self, TRUE);
      return FALSE;
    }

  /* Whoever reads hears of an error. */
  stream_wait_for_ping (self, FALSE);
  if (ping->sent == ping->length)
    self->frame_written (IST_FRAME_PING, self->frame_data);
  *ping = (Ping){ 0 };
  return TRUE;
}

static gboolean
on_ping_writable (GObject *out,
                  gpointer user_data)
{
  stream_flush_ping (user_data);
  return G_SOURCE_CONTINUE;
}

static gssize
ist_metered_output_stream_write_nonblocking (GPollableOutputStream *stream,
                                             const void *buffer,
                                             gsize count,
                                             GError **error)
{
  IstMeteredStream *self = ((IstMeteredOutputStream *) stream)->owner;
  gssize n;

  if (owner_is_gone (self, error))
    return -1;
  if (self->failure != NULL)
    {
      g_propagate_error (error, g_error_copy (self->failure));
      return -1;
    }
  if (!stream_flush_ping (self))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "A ping goes first");
      return -1;
    }

  n = stream_write_base (self, buffer, count, error);
  self->out_begun = n < (gssize) count;
  if (n > 0 && self->watching)
    stream_track_output (self, buffer, n);
  stream_flush_ping (self);
  return n;
}

static gboolean
ist_metered_output_stream_is_writable (GPollableOutputStream *stream)
{
  IstMeteredStream *self = ((IstMeteredOutputStream *) stream)->owner;

  return self == NULL || self->failure != NULL || g_pollable_output_stream_is_writable (self->base_out);
}

static GSource *
ist_metered_output_stream_create_source (GPollableOutputStream *stream,
                                         GCancellable *cancellable)
{
  return metered_source_new (G_OBJECT (stream), cancellable);
}

static void
ist_metered_output_stream_pollable_init (GPollableOutputStreamInterface *iface)
{
  iface->write_nonblocking = ist_metered_output_stream_write_nonblocking;
  iface->is_writable = ist_metered_output_stream_is_writable;
  iface->create_source = ist_metered_output_stream_create_source;
}

static void
ist_metered_output_stream_class_init (IstMeteredOutputStreamClass *klass)
{
}

static void
ist_metered_output_stream_init (IstMeteredOutputStream *self)
{
}

/* The stream */

/* The socket under any stack of TLS and other wrappers. */
static GSocket *
find_socket (GIOStream *stream)
{
  static const char *const wrapped[] = { "base-io-stream", "base-iostream" };
  g_autoptr (GIOStream) below = NULL;
  guint i;

  if (G_IS_SOCKET_CONNECTION (stream))
    return g_object_ref (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)));

  for (i = 0; i < G_N_ELEMENTS (wrapped) && below == NULL; i++)
    {
      GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (stream), wrapped[i]);

      if (pspec != NULL && (pspec->flags & G_PARAM_READABLE))
        g_object_get (stream, wrapped[i], &below, NULL);
    }
  return below != NULL ? find_socket (below) : NULL;
}

static gboolean
is_tcp (GSocket *socket)
{
  GSocketFamily family = g_socket_get_family (socket);

  return family == G_SOCKET_FAMILY_IPV4 || family == G_SOCKET_FAMILY_IPV6;
}

static void
tune_socket (GSocket *socket)
{
  if (!is_tcp (socket))
    return;
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
#ifdef TCP_NOTSENT_LOWAT
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOT_SENT_LOW_WATER, NULL);
#endif
  g_socket_set_keepalive (socket, TRUE);
#ifdef TCP_KEEPIDLE
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE, NULL);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL, NULL);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES, NULL);
#endif
}

static GInputStream *
ist_metered_stream_get_input_stream (GIOStream *stream)
{
  return IST_METERED_STREAM (stream)->in;
}

static GOutputStream *
ist_metered_stream_get_output_stream (GIOStream *stream)
{
  return IST_METERED_STREAM (stream)->out;
}

static void
stream_shut_socket (IstMeteredStream *self)
{
  g_socket_shutdown (self->socket, TRUE, TRUE, NULL);
}

/* Whoever still waits is told, and the descriptor, whose number others may get,
 * is left alone. */
static void
stream_end_waiting (IstMeteredStream *self)
{
  g_clear_pointer (&self->watch, ist_watch_free);
  stream_wait_for_ping (self, FALSE);
  if (self->failure == NULL)
    g_set_error_literal (&self->failure, G_IO_ERROR, G_IO_ERROR_CLOSED, "The stream is closed");
  stream_update_sources (self);
}

static gboolean
ist_metered_stream_close (GIOStream *stream,
                          GCancellable *cancellable,
                          GError **error)
{
  IstMeteredStream *self = IST_METERED_STREAM (stream);

  /* Reached when the last reference goes without a close: that must not wait
   * for a peer. */
  stream_shut_socket (self);
  stream_end_waiting (self);
  g_io_stream_close (self->base, NULL, NULL);
  return TRUE;
}

static gboolean
on_close_timeout (gpointer user_data)
{
  stream_shut_socket (user_data);
  return G_SOURCE_REMOVE;
}

static void
on_base_closed (GObject *source,
                GAsyncResult *result,
                gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GSource *timeout = g_task_get_task_data (task);

  g_source_destroy (timeout);
  /* Nobody can act on a failed farewell; the socket is closed either way. */
  g_io_stream_close_finish (G_IO_STREAM (source), result, NULL);
  g_task_return_boolean (task, TRUE);
}

static void
ist_metered_stream_close_async (GIOStream *stream,
                                int io_priority,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  IstMeteredStream *self = IST_METERED_STREAM (stream);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GSource *timeout = g_timeout_source_new (CLOSE_TIMEOUT);

  g_task_set_source_tag (task, ist_metered_stream_close_async);
  g_task_set_task_data (task, timeout, (GDestroyNotify) g_source_unref);
  g_source_set_callback (timeout, on_close_timeout, g_object_ref (self), g_object_unref);
  g_source_attach (timeout, g_task_get_context (task));

  if (self->failure != NULL || self->out_blocked)
    stream_shut_socket (self);
  stream_end_waiting (self);
  g_io_stream_close_async (self->base, io_priority, NULL, on_base_closed, g_steal_pointer (&task));
}

static gboolean
ist_metered_stream_close_finish (GIOStream *stream,
                                 GAsyncResult *result,
                                 GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
ist_metered_stream_dispose (GObject *object)
{
  IstMeteredStream *self = IST_METERED_STREAM (object);

  /* Closes, if nobody has. */
  G_OBJECT_CLASS (ist_metered_stream_parent_class)->dispose (object);

  ((IstMeteredInputStream *) self->in)->owner = NULL;
  ((IstMeteredOutputStream *) self->out)->owner = NULL;
}

static void
ist_metered_stream_finalize (GObject *object)
{
  IstMeteredStream *self = IST_METERED_STREAM (object);

  g_clear_object (&self->in);
  g_clear_object (&self->out);
  g_clear_object (&self->socket);
  g_clear_object (&self->base);
  g_clear_error (&self->failure);
  stream_give_block_back (self);
  g_clear_pointer (&self->close_reason, g_bytes_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  G_OBJECT_CLASS (ist_metered_stream_parent_class)->finalize (object);
}

/* libsoup makes a block of up to 128 KiB for each frame that it sends or receives.
 * The GNU C library gives memory back to the system when so much lies free at the end
 * of its heap, and asks for it again a frame later, page by page: that took a sixth of
 * the time of a busy end. It gives back less eagerly once something larger was
 * freed (mallopt(3), M_MMAP_THRESHOLD), which this does; no page of it is ever
 * touched. Up to twice as much may lie free then. */
static void
accustom_to_frames (void)
{
  gpointer volatile block = g_malloc (FREE_MEMORY_KEPT / 2);

  g_free (block);
}

static void
ist_metered_stream_class_init (IstMeteredStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  object_class->dispose = ist_metered_stream_dispose;
  object_class->finalize = ist_metered_stream_finalize;
  stream_class->get_input_stream = ist_metered_stream_get_input_stream;
  stream_class->get_output_stream = ist_metered_stream_get_output_stream;
  stream_class->close_fn = ist_metered_stream_close;
  stream_class->close_async = ist_metered_stream_close_async;
  stream_class->close_finish = ist_metered_stream_close_finish;
  accustom_to_frames ();
}

static void
ist_metered_stream_init (IstMeteredStream *self)
{
  self->budget = READ_BUDGET;
  self->read_limit = G_MAXUINT64;
  self->in = g_object_new (ist_metered_input_stream_get_type (), NULL);
  ((IstMeteredInputStream *) self->in)->owner = self;
  self->out = g_object_new (ist_metered_output_stream_get_type (), NULL);
  ((IstMeteredOutputStream *) self->out)->owner = self;
}

IstMeteredStream *
ist_metered_stream_new (GIOStream *base,
                        GError **error)
{
  g_autoptr (IstMeteredStream) self = g_object_new (IST_TYPE_METERED_STREAM, NULL);

  self->base = g_object_ref (base);
  self->base_in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (base));
  self->base_out = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (base));
  self->socket = find_socket (base);
  g_assert (self->socket != NULL);
  tune_socket (self->socket);
  self->context = g_main_context_ref_thread_default ();
  self->watch = ist_watch_new (self->context, on_socket_woken, self);
  if (!ist_watch_set_descriptor (self->watch, g_socket_get_fd (self->socket), on_socket_noticed, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
ist_metered_stream_watch_frames (IstMeteredStream *self,
                                 IstMeteredStreamFrameFunc written,
                                 IstMeteredStreamPongFunc pong,
                                 gpointer user_data)
{
  self->watching = written != NULL;
  self->frame_written = written;
  self->pong_read = pong;
  self->frame_data = user_data;
  if (!self->watching)
    {
      stream_wait_for_ping (self, FALSE);
      self->ping = (Ping){ 0 };
    }
}

void
ist_metered_stream_ping (IstMeteredStream *self,
                         gboolean masked,
                         guint32 number)
{
  Ping *ping = &self->ping;
  guint32 mask = masked ? g_random_int () : 0;
  guint32 big_endian = GUINT32_TO_BE (number);
  guint8 payload[8];
  guint i;

  if (ping->length > 0 || self->failure != NULL || self->out_closed)
    return;

  memcpy (payload, ping_mark, sizeof ping_mark);
  memcpy (payload + sizeof ping_mark, &big_endian, sizeof big_endian);
  ping->frame[ping->length++] = 0x80 | IST_FRAME_PING;
  ping->frame[ping->length++] = sizeof payload | (masked ? 0x80 : 0);
  if (masked)
    {
      memcpy (ping->frame + ping->length, &mask, sizeof mask);
      ping->length += sizeof mask;
    }
  for (i = 0; i < sizeof payload; i++)
    ping->frame[ping->length++] = payload[i] ^ ((const guint8 *) &mask)[i % sizeof mask];
  stream_flush_ping (self);
}

gboolean
ist_metered_stream_is_heard (IstMeteredStream *self,
                             guint milliseconds)
{
#ifdef __linux__
  struct tcp_info info = { 0 };
  socklen_t length = sizeof info;
  int fd = g_socket_get_fd (self->socket);
  int queued = 0;

  if (!is_tcp (self->socket) || getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
    return TRUE;
  if (MIN (info.tcpi_last_ack_recv, info.tcpi_last_data_recv) < milliseconds)
    return TRUE;
  if (info.tcpi_unacked > 0)
    return FALSE;
  /* A peer that does not read is there as long as it answers the kernel's probes. */
  return ioctl (fd, SIOCOUTQ, &queued) != 0 || queued == 0 || info.tcpi_probes < 2;
#else
  return TRUE;
#endif
}

void
ist_metered_stream_get_kernel_queue (IstMeteredStream *self,
                                     IstKernelQueue *queue)
{
#ifdef __linux__
  struct tcp_info info = { 0 };
  socklen_t length = sizeof info;
  int fd = g_socket_get_fd (self->socket);
  int queued = 0;

  if (is_tcp (self->socket) && ioctl (fd, SIOCOUTQ, &queued) == 0 &&
      getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0)
    {
      queue->queued = queued;
      queue->delivery_rate = info.tcpi_delivery_rate;
      queue->round_trip = info.tcpi_min_rtt;
      return;
    }
#endif
  *queue = (IstKernelQueue){ 0 };
}

/* Whether an address is one of this machine's. */
static gboolean
is_own_address (GInetSocketAddress *address)
{
  GSocketFamily family = g_socket_address_get_family (G_SOCKET_ADDRESS (address));
  g_autoptr (GSocket) socket = g_socket_new (family, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  guint32 scope = family == G_SOCKET_FAMILY_IPV6 ? g_inet_socket_address_get_scope_id (address) : 0;
  g_autoptr (GSocketAddress) any_port = NULL;

  any_port = g_object_new (G_TYPE_INET_SOCKET_ADDRESS,
                           "address", g_inet_socket_address_get_address (address),
                           "scope-id", scope, NULL);
  return socket == NULL || g_socket_bind (socket, any_port, FALSE, NULL);
}

/* Nothing is sent when a socket for datagrams is connected. */
static gboolean
is_reachable (GSocketAddress *address)
{
  g_autoptr (GSocket) socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_DATAGRAM,
                                             G_SOCKET_PROTOCOL_UDP, NULL);

  return socket == NULL || g_socket_connect (socket, address, NULL, NULL);
}

IstRoute
ist_metered_stream_check_route (IstMeteredStream *self)
{
  g_autoptr (GSocketAddress) local = NULL;
  g_autoptr (GSocketAddress) remote = NULL;

  if (!is_tcp (self->socket))
    return IST_ROUTE_SAME;
  local = g_socket_get_local_address (self->socket, NULL);
  remote = g_socket_get_remote_address (self->socket, NULL);
  if (local == NULL || remote == NULL)
    return IST_ROUTE_SAME;
  if (!is_reachable (remote))
    return IST_ROUTE_NONE;
  return is_own_address (G_INET_SOCKET_ADDRESS (local)) ? IST_ROUTE_SAME : IST_ROUTE_LOST;
}

guint16
ist_metered_stream_get_close_code (IstMeteredStream *self)
{
  return self->close_code;
}

GBytes *
ist_metered_stream_get_close_reason (IstMeteredStream *self)
{
  return self->close_reason;
}

void
ist_metered_stream_wind_up (IstMeteredStream *self,
                            gboolean discard)
{
  self->read_limit = MIN (self->read_limit, self->bytes_read + MAX_WIND_UP);
  self->discarding |= discard;
  stream_update_sources (self);
}

void
ist_metered_stream_set_paused (IstMeteredStream *self,
                               gboolean paused)
{
  if (self->paused == paused)
    return;
  self->paused = paused;
  stream_update_sources (self);
}

void
ist_metered_stream_abort (IstMeteredStream *self,
                          const GError *error)
{
  if (self->failure != NULL)
    return;
  self->failure = g_error_copy (error);
  stream_update_sources (self);
}

guint64
ist_metered_stream_get_bytes_read (IstMeteredStream *self)
{
  return self->bytes_read;
}

guint64
ist_metered_stream_get_bytes_written (IstMeteredStream *self)
{
  return self->bytes_written;
}
