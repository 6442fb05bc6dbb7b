/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-pump-private.h"

#include "common/ist-block-private.h"
#include "common/ist-source-private.h"
#include "common/ist-watch-private.h"
#include "ist/connection/ist-connection-core-private.h"
#include "ist/forwarder/ist-hangup-private.h"
#include "ist/forwarder/ist-local-end-private.h"
#include "ist/ist-connection.h"
#include "ist/ist-tunnel-error.h"
#include "ist/protocol/ist-wire-private.h"

#include <fcntl.h>
#include <gio/gfiledescriptorbased.h>
#include <limits.h>

/* What one read takes becomes one message of the tunnel. */
G_STATIC_ASSERT (IST_BLOCK_SIZE == IST_WIRE_MAX_PAYLOAD);

/* Bytes that one direction moves before others get their turn. */
#define TURN (4 * IST_BLOCK_SIZE)

/* So much is passed on in the memory that it came in. Less is copied: many messages
 * go to a socket with one call then, and none keeps a block that it hardly fills. */
#define MIN_PASSED_ON (IST_BLOCK_SIZE / 2)

/* When the local end has ended its output, and it can't be known whether it
 * still reads: most do not. A server has most often said everything, and its peer
 * waits for the end of the stream; and a client that has closed must not keep
 * its connection open at both ends. In seconds. */
#define UNKNOWN_GRACE 1

/* How often to look whether a local end that only writes no more still reads:
 * at first soon, since a program that is closing its socket just now is seen
 * only a moment later. */
#define FIRST_CHECK_MS 1
#define LONGEST_CHECK_MS 1000

typedef enum
{
  WAIT_NOTHING,
  WAIT_INPUT,
  WAIT_OUTPUT,
  WAIT_TURN,
} Wait;

/* One direction */
typedef struct
{
  IstPump *pump;
  GInputStream *from;
  GOutputStream *to;
  gboolean from_polls; /* otherwise asynchronous calls, which use threads */
  gboolean to_polls;
  gboolean from_tells_again; /* what was not read makes its source fire again */
  gsize max_write;

  Wait wait;
  GSource *source;
  gboolean pending; /* an asynchronous call */
  guint8 *block;    /* what was read is in one of these two */
  GBytes *passed;
  gsize start; /* what of it is still to be written */
  gsize end;
  guint64 bytes;
  gboolean discards; /* nobody is left to read what comes */
  gboolean finished;
} Flow;

struct _IstPump
{
  guint ref_count;
  GMainContext *context;
  GIOStream *tunnel;
  GIOStream *local;
  IstPumpSettings settings;
  const IstPumpFuncs *funcs;
  gpointer user_data;

  Flow in;  /* from the tunnel */
  Flow out; /* to the tunnel */
  GCancellable *cancellable;
  IstWatch *watch;
  gboolean is_watched; /* the local end's socket, by the watch */
  GSource *timer;
  guint check_delay_ms;
  gint64 active_at;
  gboolean flushing; /* what the local end has sent is still on its way out */

  gboolean ended;
  gboolean is_done;
  guint closing; /* streams */
  IstLocalEnd how;
  GError *error;
};

static void flow_run (Flow *flow);
static void flow_wait (Flow *flow,
                       Wait wait);
static void pump_end (IstPump *self,
                      IstLocalEnd how,
                      const GError *error);
static void pump_close_streams (IstPump *self);

/* Memory: idle connections have none */

static void
flow_drop_memory (Flow *flow)
{
  g_clear_pointer (&flow->block, ist_block_free);
  g_clear_pointer (&flow->passed, g_bytes_unref);
  flow->start = flow->end = 0;
}

static const guint8 *
flow_get_data (Flow *flow)
{
  const guint8 *data = flow->passed != NULL ? g_bytes_get_data (flow->passed, NULL) : flow->block;

  return data + flow->start;
}

static IstConnectionCore *
flow_get_core (Flow *flow)
{
  return ist_connection_get_core (IST_CONNECTION (flow->pump->tunnel));
}

/* Waiting */

/* Whether a flow waits for what the tunnel brings; there is no source for that. */
static gboolean
flow_awaits_tunnel (Flow *flow)
{
  return flow->wait == WAIT_INPUT && flow == &flow->pump->in;
}

/* Both directions wait for one socket. */
static void
pump_update_watch (IstPump *self)
{
  GIOCondition condition = 0;

  if (self->out.wait == WAIT_INPUT)
    condition |= G_IO_IN;
  if (self->in.wait == WAIT_OUTPUT)
    condition |= G_IO_OUT;
  ist_watch_set_condition (self->watch, condition);
}

static void
flow_stop_waiting (Flow *flow)
{
  if (flow_awaits_tunnel (flow))
    ist_connection_core_await_input (flow_get_core (flow), NULL, NULL);
  ist_clear_source (&flow->source);
  flow->wait = WAIT_NOTHING;
  if (flow->pump->is_watched)
    pump_update_watch (flow->pump);
}

static gboolean
on_flow_stream_ready (GObject *stream,
                      gpointer user_data)
{
  flow_run (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_flow_socket_ready (GSocket *socket,
                      GIOCondition condition,
                      gpointer user_data)
{
  flow_run (user_data);
  return G_SOURCE_CONTINUE;
}

static void
on_watch_ready (GIOCondition condition,
                gpointer user_data)
{
  IstPump *self = ist_pump_ref (user_data);
  gboolean in_has_turn = self->in.wait == WAIT_TURN;

  if ((condition & G_IO_IN) != 0 || self->out.wait == WAIT_TURN)
    flow_run (&self->out);
  if ((condition & G_IO_OUT) != 0 || in_has_turn)
    flow_run (&self->in);
  ist_pump_unref (self);
}

static void
on_flow_readable (gpointer user_data)
{
  flow_wait (user_data, WAIT_TURN);
}

/* A local socket is waited for without the streams around it, of whose sources the main
 * loop takes the descriptor out and in again at every turn. */
static gboolean
flow_awaits_socket (Flow *flow)
{
  return G_IS_SOCKET_CONNECTION (flow->pump->local) &&
         flow->wait == (flow == &flow->pump->out ? WAIT_INPUT : WAIT_OUTPUT);
}

static GSource *
flow_create_source (Flow *flow)
{
  GSource *source;

  if (flow_awaits_socket (flow))
    {
      source = g_socket_create_source (g_socket_connection_get_socket (G_SOCKET_CONNECTION (flow->pump->local)),
                                       flow->wait == WAIT_INPUT ? G_IO_IN : G_IO_OUT, NULL);
      g_source_set_callback (source, G_SOURCE_FUNC (on_flow_socket_ready), flow, NULL);
      g_source_set_can_recurse (source, TRUE);
      return source;
    }
  if (flow->wait == WAIT_INPUT)
    source = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (flow->from), NULL);
  else
    source = g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM (flow->to), NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (on_flow_stream_ready), flow, NULL);
  return source;
}

static void
flow_wait (Flow *flow,
           Wait wait)
{
  IstPump *self = flow->pump;

  if (flow->wait == wait)
    {
      if (wait == WAIT_TURN)
        ist_watch_wake (self->watch);
      return;
    }
  flow_stop_waiting (flow);
  flow->wait = wait;
  if (flow_awaits_tunnel (flow))
    {
      ist_connection_core_await_input (flow_get_core (flow), on_flow_readable, flow);
    }
  else if (wait == WAIT_TURN)
    {
      ist_watch_wake (self->watch);
    }
  else if (self->is_watched && flow_awaits_socket (flow))
    {
      pump_update_watch (self);
    }
  else
    {
      flow->source = flow_create_source (flow);
      g_source_set_static_name (flow->source, "IstPump");
      g_source_attach (flow->source, self->context);
    }
}

/* Time */

static void
pump_stop_timer (IstPump *self)
{
  ist_clear_source (&self->timer);
}

static void
pump_start_timer (IstPump *self,
                  guint milliseconds,
                  GSourceFunc func)
{
  pump_stop_timer (self);
  self->timer = g_timeout_source_new (milliseconds);
  g_source_set_static_name (self->timer, "IstPump timer");
  g_source_set_callback (self->timer, func, self, NULL);
  g_source_attach (self->timer, self->context);
}

static void
pump_touch (IstPump *self)
{
  if (self->timer != NULL)
    self->active_at = g_get_monotonic_time ();
}

/* Milliseconds until nothing has moved for so many seconds; 0 when that is so. */
static guint
pump_get_idle_left (IstPump *self,
                    guint seconds)
{
  gint64 left = self->active_at + seconds * G_TIME_SPAN_SECOND - g_get_monotonic_time ();

  return left > 0 ? (left + 999) / 1000 : 0;
}

static gboolean
on_idle_timer (gpointer user_data)
{
  IstPump *self = user_data;
  guint left = pump_get_idle_left (self, self->settings.idle_timeout);
  g_autoptr (GError) error = NULL;

  if (left > 0)
    {
      pump_start_timer (self, left, on_idle_timer);
      return G_SOURCE_REMOVE;
    }
  g_set_error (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT, "Nothing was sent or received for %u s",
               self->settings.idle_timeout);
  pump_end (self, IST_LOCAL_END_ABORT, error);
  return G_SOURCE_REMOVE;
}

/* The local end has ended its output. That ends the connection when it does not
 * read any more, or has been sent nothing for the grace time: there is no way to
 * tell the peer but to end it. */
static gboolean
on_half_close_timer (gpointer user_data)
{
  IstPump *self = user_data;
  guint grace = self->settings.half_close_grace;
  guint left;

  if (self->settings.idle_timeout > 0)
    grace = MIN (grace, self->settings.idle_timeout);
  switch (ist_hangup_check (self->local))
    {
    case IST_HANGUP_FULL:
      pump_end (self, IST_LOCAL_END_CLOSE, NULL);
      return G_SOURCE_REMOVE;
    case IST_HANGUP_UNKNOWN:
      grace = MIN (grace, UNKNOWN_GRACE);
      break;
    case IST_HANGUP_HALF:
    default:
      break;
    }

  /* Nobody can answer what has not left. */
  left = self->flushing ? LONGEST_CHECK_MS : pump_get_idle_left (self, grace);
  if (left == 0)
    {
      pump_end (self, IST_LOCAL_END_FINISH, NULL);
      return G_SOURCE_REMOVE;
    }
  pump_start_timer (self, MIN (left, self->check_delay_ms), on_half_close_timer);
  self->check_delay_ms = MIN (self->check_delay_ms * 2, LONGEST_CHECK_MS);
  return G_SOURCE_REMOVE;
}

static void
on_flushed (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  IstPump *self = user_data;

  g_output_stream_flush_finish (G_OUTPUT_STREAM (object), result, NULL);
  self->flushing = FALSE;
  pump_touch (self);
  ist_pump_unref (self);
}

/* Ends */

static void
flow_finish (Flow *flow)
{
  flow_stop_waiting (flow);
  flow_drop_memory (flow);
  flow->finished = TRUE;
}

static void
flow_end_of_input (Flow *flow)
{
  IstPump *self = flow->pump;

  flow_finish (flow);
  if (flow == &self->in)
    {
      /* Whatever went wrong on the way out before has the last word. */
      pump_end (self, self->error != NULL ? IST_LOCAL_END_ABORT : IST_LOCAL_END_FINISH, self->error);
    }
  else if (self->in.discards)
    {
      pump_end (self, IST_LOCAL_END_CLOSE, self->error);
    }
  else
    {
      self->active_at = g_get_monotonic_time ();
      self->check_delay_ms = FIRST_CHECK_MS;
      self->flushing = TRUE;
      g_output_stream_flush_async (flow->to, G_PRIORITY_DEFAULT, self->cancellable, on_flushed,
                                   ist_pump_ref (self));
      pump_start_timer (self, 0, on_half_close_timer);
    }
}

/* The tunnel says more than its streams of why a connection has ended. */
static GError *
pump_explain (IstPump *self,
              gboolean is_of_tunnel,
              const GError *error)
{
  GError *reason = is_of_tunnel ? ist_connection_dup_error (IST_CONNECTION (self->tunnel)) : NULL;

  return reason != NULL ? reason : g_error_copy (error);
}

static void
flow_input_failed (Flow *flow,
                   const GError *error)
{
  IstPump *self = flow->pump;
  g_autoptr (GError) reason = pump_explain (self, flow == &self->in, error);

  flow_finish (flow);
  pump_end (self, flow == &self->in ? IST_LOCAL_END_ABORT : IST_LOCAL_END_CLOSE,
            self->error != NULL ? self->error : reason);
}

static void
flow_output_failed (Flow *flow,
                    const GError *error)
{
  IstPump *self = flow->pump;

  if (self->error == NULL)
    self->error = pump_explain (self, flow == &self->out, error);
  if (flow == &self->out)
    {
      /* What the tunnel has received before it broke is still delivered: the
       * way in comes to the same end by itself. */
      flow_finish (flow);
    }
  else if (self->out.finished)
    {
      pump_end (self, IST_LOCAL_END_CLOSE, self->error);
    }
  else
    {
      /* What the local end has sent before it left is still carried. */
      flow->discards = TRUE;
      flow->start = flow->end;
      flow_run (flow);
    }
}

/* Moving bytes */

static void
flow_has_read (Flow *flow,
               gsize n)
{
  pump_touch (flow->pump);
  flow->bytes += n;
  flow->start = 0;
  flow->end = flow->discards ? 0 : n;
  if (flow == &flow->pump->out && n >= MIN_PASSED_ON)
    flow->passed = ist_block_free_to_bytes (g_steal_pointer (&flow->block), n);
  flow->pump->funcs->moved (flow->pump, flow->pump->user_data);
}

static void
flow_has_written (Flow *flow,
                  gsize n)
{
  pump_touch (flow->pump);
  flow->start += n;
}

/* Whether the pump goes on after an asynchronous call has returned. */
static gboolean
flow_returned (Flow *flow)
{
  flow->pending = FALSE;
  if (!flow->pump->ended)
    return TRUE;
  pump_close_streams (flow->pump);
  return FALSE;
}

static void
on_flow_read (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  Flow *flow = user_data;
  IstPump *self = flow->pump;
  g_autoptr (GError) error = NULL;
  gssize n = g_input_stream_read_finish (flow->from, result, &error);

  if (flow_returned (flow))
    {
      if (n < 0)
        flow_input_failed (flow, error);
      else if (n == 0)
        flow_end_of_input (flow);
      else
        {
          flow_has_read (flow, n);
          flow_run (flow);
        }
    }
  ist_pump_unref (self);
}

static void
on_flow_written (GObject *object,
                 GAsyncResult *result,
                 gpointer user_data)
{
  Flow *flow = user_data;
  IstPump *self = flow->pump;
  g_autoptr (GError) error = NULL;
  gssize n = g_output_stream_write_finish (flow->to, result, &error);

  if (flow_returned (flow))
    {
      if (n < 0)
        flow_output_failed (flow, error);
      else
        {
          flow_has_written (flow, n);
          flow_run (flow);
        }
    }
  ist_pump_unref (self);
}

/* Takes what has come through the tunnel as it came, if it is worth that. */
static gboolean
flow_take_bytes (Flow *flow)
{
  g_clear_pointer (&flow->passed, g_bytes_unref);
  if (flow == &flow->pump->in)
    flow->passed = ist_connection_core_take (flow_get_core (flow), MIN_PASSED_ON);
  if (flow->passed == NULL)
    return FALSE;
  /* Nor does a slow reader keep both. */
  g_clear_pointer (&flow->block, ist_block_free);
  flow_has_read (flow, g_bytes_get_size (flow->passed));
  return TRUE;
}

/* Returns FALSE when there is nothing to be written, and why is settled. */
static gboolean
flow_read (Flow *flow)
{
  g_autoptr (GError) error = NULL;
  gssize n;

  if (flow_take_bytes (flow))
    return TRUE;
  if (flow->block == NULL)
    flow->block = ist_block_new ();
  if (!flow->from_polls)
    {
      flow_stop_waiting (flow);
      flow->pending = TRUE;
      ist_pump_ref (flow->pump);
      g_input_stream_read_async (flow->from, flow->block, IST_BLOCK_SIZE, G_PRIORITY_DEFAULT,
                                 flow->pump->cancellable, on_flow_read, flow);
      return FALSE;
    }

  n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (flow->from), flow->block,
                                                IST_BLOCK_SIZE, NULL, &error);
  if (n > 0)
    {
      flow_has_read (flow, n);
      return TRUE;
    }
  if (n == 0)
    {
      flow_end_of_input (flow);
    }
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      flow_drop_memory (flow);
      flow_wait (flow, WAIT_INPUT);
    }
  else
    {
      flow_input_failed (flow, error);
    }
  return FALSE;
}

/* Returns FALSE when nothing was written, and why is settled. */
static gboolean
flow_write (Flow *flow)
{
  g_autoptr (GError) error = NULL;
  gsize length = MIN (flow->end - flow->start, flow->max_write);
  gssize n;

  if (!flow->to_polls)
    {
      flow_stop_waiting (flow);
      flow->pending = TRUE;
      ist_pump_ref (flow->pump);
      g_output_stream_write_async (flow->to, flow_get_data (flow), length, G_PRIORITY_DEFAULT,
                                   flow->pump->cancellable, on_flow_written, flow);
      return FALSE;
    }

  if (flow == &flow->pump->out && flow->passed != NULL)
    n = ist_connection_core_write_bytes (flow_get_core (flow), flow->passed, flow->start, &error);
  else
    n = g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (flow->to), flow_get_data (flow), length,
                                                    NULL, &error);
  if (n >= 0)
    {
      flow_has_written (flow, n);
      return TRUE;
    }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    flow_wait (flow, WAIT_OUTPUT);
  else
    flow_output_failed (flow, error);
  return FALSE;
}

static void
flow_move (Flow *flow)
{
  guint64 turn_ends = flow->bytes + TURN;
  gboolean drained = FALSE;

  while (TRUE)
    {
      if (flow->start < flow->end)
        {
          if (!flow_write (flow))
            return;
        }
      else if (flow->bytes >= turn_ends)
        {
          flow_drop_memory (flow);
          flow_wait (flow, WAIT_TURN);
          return;
        }
      else if (drained)
        {
          flow_drop_memory (flow);
          flow_wait (flow, WAIT_INPUT);
          return;
        }
      else
        {
          if (!flow_read (flow))
            return;
          /* A socket that had less than was asked for is empty; that saves the
           * call that would only say so. */
          drained = flow->from_tells_again && flow->end < IST_BLOCK_SIZE;
        }
    }
}

static void
flow_run (Flow *flow)
{
  IstPump *self = ist_pump_ref (flow->pump);

  if (!self->ended && !flow->finished && !flow->pending)
    flow_move (flow);
  ist_pump_unref (self);
}

/* Closing */

static void
pump_be_done (IstPump *self)
{
  if (self->is_done)
    return;
  self->is_done = TRUE;
  self->funcs->done (self, self->error, self->user_data);
}

static void
pump_closed_one (IstPump *self)
{
  if (--self->closing == 0)
    pump_be_done (self);
  ist_pump_unref (self);
}

static void
on_tunnel_closed (GObject *object,
                  GAsyncResult *result,
                  gpointer user_data)
{
  /* Where it was lost, that is what ended the connection: known already. */
  g_io_stream_close_finish (G_IO_STREAM (object), result, NULL);
  pump_closed_one (user_data);
}

static void
on_local_ended (GObject *object,
                GAsyncResult *result,
                gpointer user_data)
{
  pump_closed_one (user_data);
}

/* Streams can't be closed while a call is pending. */
static void
pump_close_streams (IstPump *self)
{
  if (self->in.pending || self->out.pending || self->closing > 0)
    return;

  self->closing = 2;
  self->is_watched = FALSE;
  g_clear_pointer (&self->watch, ist_watch_free);
  g_io_stream_close_async (self->tunnel, G_PRIORITY_DEFAULT, NULL, on_tunnel_closed, ist_pump_ref (self));
  ist_local_end_async (self->local, self->how, self->cancellable, on_local_ended, ist_pump_ref (self));
}

static void
pump_end (IstPump *self,
          IstLocalEnd how,
          const GError *error)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  self->how = how;
  if (self->error == NULL && error != NULL)
    self->error = g_error_copy (error);

  pump_stop_timer (self);
  flow_stop_waiting (&self->in);
  flow_stop_waiting (&self->out);
  if (self->in.pending || self->out.pending)
    {
      /* The streams are closed when these have returned. */
      g_cancellable_cancel (self->cancellable);
    }
  else
    {
      flow_finish (&self->in);
      flow_finish (&self->out);
      pump_close_streams (self);
    }
  self->funcs->ending (self, self->user_data);
}

/* For the rest of the library */

/* Not where others may close the socket: its number is that of something else then. Where
 * the machine has no more descriptors, the socket has a source of its own. */
static gboolean
pump_watch_socket (IstPump *self)
{
  return G_IS_SOCKET_CONNECTION (self->local) && !self->settings.is_shared &&
         ist_watch_set_descriptor (
           self->watch, g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (self->local))), NULL,
           NULL);
}

static gboolean
pump_is_blocking (GOutputStream *stream)
{
  int fd;

  if (!G_IS_FILE_DESCRIPTOR_BASED (stream))
    return FALSE;
  fd = g_file_descriptor_based_get_fd (G_FILE_DESCRIPTOR_BASED (stream));
  return (fcntl (fd, F_GETFL) & O_NONBLOCK) == 0;
}

static void
flow_init (Flow *flow,
           IstPump *pump,
           GIOStream *from,
           GIOStream *to)
{
  flow->pump = pump;
  flow->from = g_io_stream_get_input_stream (from);
  flow->to = g_io_stream_get_output_stream (to);
  flow->from_polls = G_IS_POLLABLE_INPUT_STREAM (flow->from) &&
                     g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (flow->from));
  flow->to_polls = G_IS_POLLABLE_OUTPUT_STREAM (flow->to) &&
                   g_pollable_output_stream_can_poll (G_POLLABLE_OUTPUT_STREAM (flow->to));
  flow->from_tells_again = G_IS_SOCKET_CONNECTION (from);
  /* A pipe that polls as writable has room for this much, whatever its mode. */
  flow->max_write = pump_is_blocking (flow->to) ? PIPE_BUF : G_MAXSIZE;
}

IstPump *
ist_pump_new (GIOStream *tunnel,
              GIOStream *local,
              const IstPumpSettings *settings,
              GMainContext *context,
              const IstPumpFuncs *funcs,
              gpointer user_data)
{
  IstPump *self = g_new0 (IstPump, 1);

  self->ref_count = 1;
  self->context = g_main_context_ref (context);
  self->tunnel = g_object_ref (tunnel);
  self->local = g_object_ref (local);
  self->settings = *settings;
  self->funcs = funcs;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  flow_init (&self->in, self, tunnel, local);
  flow_init (&self->out, self, local, tunnel);
  self->watch = ist_watch_new (context, on_watch_ready, self);
  self->is_watched = pump_watch_socket (self);
  return self;
}

void
ist_pump_start (IstPump *self)
{
  ist_pump_ref (self);
  if (!self->ended && self->settings.idle_timeout > 0)
    {
      self->active_at = g_get_monotonic_time ();
      pump_start_timer (self, self->settings.idle_timeout * 1000, on_idle_timer);
    }
  flow_run (&self->in);
  flow_run (&self->out);
  ist_pump_unref (self);
}

void
ist_pump_end (IstPump *self,
              const GError *error,
              gboolean at_once)
{
  ist_pump_ref (self);
  pump_end (self, at_once ? IST_LOCAL_END_CLOSE : IST_LOCAL_END_ABORT, error);
  if (at_once)
    {
      g_cancellable_cancel (self->cancellable);
      pump_be_done (self);
    }
  ist_pump_unref (self);
}

IstPump *
ist_pump_ref (IstPump *self)
{
  self->ref_count++;
  return self;
}

static void
flow_clear (Flow *flow)
{
  flow_stop_waiting (flow);
  flow_drop_memory (flow);
}

void
ist_pump_unref (IstPump *self)
{
  if (--self->ref_count > 0)
    return;
  pump_stop_timer (self);
  flow_clear (&self->in);
  flow_clear (&self->out);
  g_clear_pointer (&self->watch, ist_watch_free);
  g_clear_object (&self->tunnel);
  g_clear_object (&self->local);
  g_clear_object (&self->cancellable);
  g_clear_error (&self->error);
  g_main_context_unref (self->context);
  g_free (self);
}

guint64
ist_pump_get_bytes_in (IstPump *self)
{
  return self->in.bytes;
}

guint64
ist_pump_get_bytes_out (IstPump *self)
{
  return self->out.bytes;
}
