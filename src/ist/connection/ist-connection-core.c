/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/connection/ist-connection-core-private.h"

#include <string.h>

#include "common/ist-source-private.h"
#include "ist/ist-tunnel-error.h"
#include "ist/protocol/ist-wire-private.h"

/* What a piece of data takes besides its bytes, roughly; so that a buffer full
 * of tiny pieces is no larger than one of large ones. */
#define PIECE_OVERHEAD 256

/* However many connections a tunnel has, each may keep so much. */
#define MIN_SHARE (16 * 1024)

/* A write into a connection that is not full takes so much at least. */
#define MIN_PIECE 1024

struct _IstConnectionCore
{
  gatomicrefcount ref_count;
  IstStreamInfo *info;
  IstLane lane;
  gsize buffer_size;
  IstConnectionBudget *budget;
  guint stall_timeout;
  GMainContext *context; /* the tunnel's */
  GThread *thread;       /* the tunnel's */
  const IstConnectionBackend *backend;
  gpointer tunnel; /* NULL once the connection has ended; used in its context only */
  GSource *stall_timer;
  gboolean has_sent;
  GCancellable *at_end;
  void (*moved) (gpointer user_data);
  gpointer moved_data;
  void (*readable) (gpointer user_data); /* told once, then NULL */
  gpointer readable_data;

  GMutex mutex; /* guards what follows */
  GCond changed;
  guint n_blocked;       /* threads that wait for changes */
  GSList *contexts[2];   /* GMainContexts in which a source waits for a direction */
  GQueue received;       /* of GBytes */
  gsize received_offset; /* taken of the first one */
  gsize received_size;
  gboolean stalled;
  gboolean stalled_told;
  gboolean was_read; /* since the stall timer was started, or last asked */
  GQueue written;    /* of GBytes, on their way to the tunnel */
  gsize unsent;      /* what is written and not on the wire takes */
  gboolean full;     /* no room to write, until half of it is on the wire */
  gboolean kicked;
  gboolean shut[2]; /* by the user */
  gboolean ended;   /* by the peer or the tunnel */
  GError *failure;  /* with ended; NULL for a clean end */
  GError *loss;     /* why something written did not get on the wire */
  GPtrArray *flushes;
  guint64 bytes_in;
  guint64 bytes_out;
};

/* Somebody who waits until all is on the wire. */
typedef struct
{
  GTask *task;
  GSource *cancelled;
} Flush;

static void
flush_free (gpointer data)
{
  Flush *flush = data;

  ist_clear_source (&flush->cancelled);
  g_object_unref (flush->task);
  g_free (flush);
}

/* The budget */

IstConnectionBudget *
ist_connection_budget_new (gsize limit)
{
  IstConnectionBudget *self = g_new0 (IstConnectionBudget, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->limit = limit;
  self->piece_size = IST_WIRE_MAX_PAYLOAD;
  return self;
}

void
ist_connection_budget_unref (IstConnectionBudget *self)
{
  if (g_atomic_ref_count_dec (&self->ref_count))
    g_free (self);
}

/* What the connection may keep in one direction now. */
static gsize
get_share (IstConnectionCore *self)
{
  guint n = MAX (g_atomic_int_get (&self->budget->n_connections), 1);

  return MIN (self->buffer_size, MAX (self->budget->limit / n, MIN_SHARE));
}

/* Waiting and waking */

static gboolean
is_ready (IstConnectionCore *self,
          IstConnectionDirection direction)
{
  if (self->ended || self->shut[direction])
    return TRUE;
  return direction == IST_CONNECTION_IN ? self->received_size > 0 : !self->full;
}

static void
wake_context (gpointer context)
{
  /* In its own thread it asks anyway, before it waits again. */
  if (!g_main_context_is_owner (context))
    g_main_context_wakeup (context);
  g_main_context_unref (context);
}

/* Gives the mutex back after a change. */
static void
unlock_and_wake (IstConnectionCore *self)
{
  GSList *readers = NULL;
  GSList *writers = NULL;

  if (is_ready (self, IST_CONNECTION_IN))
    readers = g_steal_pointer (&self->contexts[IST_CONNECTION_IN]);
  if (is_ready (self, IST_CONNECTION_OUT))
    writers = g_steal_pointer (&self->contexts[IST_CONNECTION_OUT]);
  if (self->n_blocked > 0)
    g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->mutex);

  g_slist_free_full (readers, wake_context);
  g_slist_free_full (writers, wake_context);
}

/* A source asks by itself, whenever its context does, whether its direction is
 * ready; the connection knows only the contexts that it has to wake. Keeping
 * the sources would keep the streams that they are for, and the ready time of a
 * source can be missed by a context that the source is just being attached to. */
typedef struct
{
  GSource source;
  IstConnectionCore *core;
  IstConnectionDirection direction;
} ReadySource;

static gboolean
ready_source_check (GSource *source)
{
  ReadySource *self = (ReadySource *) source;
  IstConnectionCore *core = self->core;
  GMainContext *context = g_source_get_context (source);
  GSList **contexts = &core->contexts[self->direction];
  gboolean ready;

  g_mutex_lock (&core->mutex);
  ready = is_ready (core, self->direction);
  if (!ready && g_slist_find (*contexts, context) == NULL)
    *contexts = g_slist_prepend (*contexts, g_main_context_ref (context));
  g_mutex_unlock (&core->mutex);
  return ready;
}

static gboolean
ready_source_prepare (GSource *source,
                      int *timeout)
{
  *timeout = -1;
  return ready_source_check (source);
}

/* It is the child of the one that calls back. */
static gboolean
ready_source_dispatch (GSource *source,
                       GSourceFunc callback,
                       gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
ready_source_finalize (GSource *source)
{
  ist_connection_core_unref (((ReadySource *) source)->core);
}

static GSourceFuncs ready_source_funcs = {
  .prepare = ready_source_prepare,
  .check = ready_source_check,
  .dispatch = ready_source_dispatch,
  .finalize = ready_source_finalize,
};

static void
on_cancelled (GCancellable *cancellable,
              gpointer user_data)
{
  IstConnectionCore *self = user_data;

  g_mutex_lock (&self->mutex);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->mutex);
}

/* Returns FALSE if cancelled. */
static gboolean
wait_until_ready (IstConnectionCore *self,
                  IstConnectionDirection direction,
                  GCancellable *cancellable,
                  GError **error)
{
  gulong id = 0;

  if (cancellable != NULL)
    id = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), self, NULL);
  g_mutex_lock (&self->mutex);
  self->n_blocked++;
  while (!is_ready (self, direction) && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&self->changed, &self->mutex);
  self->n_blocked--;
  g_mutex_unlock (&self->mutex);
  g_cancellable_disconnect (cancellable, id);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* Takes the mutex, once the direction is ready. */
static gboolean
lock_when_ready (IstConnectionCore *self,
                 IstConnectionDirection direction,
                 gboolean blocking,
                 GCancellable *cancellable,
                 GError **error)
{
  while (TRUE)
    {
      g_mutex_lock (&self->mutex);
      if (is_ready (self, direction))
        return TRUE;
      g_mutex_unlock (&self->mutex);

      if (!blocking)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK,
                               direction == IST_CONNECTION_IN ? "No data has arrived"
                                                              : "The send queue is full");
          return FALSE;
        }
      if (self->thread == g_thread_self ())
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                               "Waiting in the thread of the tunnel would stop the tunnel itself; use the "
                               "asynchronous functions, or another thread");
          return FALSE;
        }
      if (!wait_until_ready (self, direction, cancellable, error))
        return FALSE;
    }
}

/* In the tunnel's context */

static void
stop_stall_timer (IstConnectionCore *self)
{
  ist_clear_source (&self->stall_timer);
}

static gboolean on_stall_timeout (gpointer user_data);

static void
tell_stalled (IstConnectionCore *self,
              gboolean stalled)
{
  stop_stall_timer (self);
  if (stalled && self->stall_timeout > 0)
    {
      g_mutex_lock (&self->mutex);
      self->was_read = FALSE;
      g_mutex_unlock (&self->mutex);
      self->stall_timer = g_timeout_source_new_seconds (self->stall_timeout);
      g_source_set_callback (self->stall_timer, on_stall_timeout, self, NULL);
      g_source_attach (self->stall_timer, self->context);
    }
  self->backend->stalled_changed (self, self->tunnel);
}

/* With the mutex held: why nothing can be written any more. */
static GError *
make_end_error (IstConnectionCore *self)
{
  if (self->failure != NULL)
    return g_error_copy (self->failure);
  return g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CONNECTION_RESET, "The peer has ended the connection");
}

/* What was written while the connection ended. */
static void
fail_written (IstConnectionCore *self,
              GBytes *data)
{
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->mutex);
  error = make_end_error (self);
  g_mutex_unlock (&self->mutex);
  ist_connection_core_written (self, g_bytes_get_size (data), error);
}

/* Carries out what the stream's side has asked for, in the order in which it did. */
static void
settle (IstConnectionCore *core)
{
  g_autoptr (IstConnectionCore) self = ist_connection_core_ref (core);
  GQueue written;
  GBytes *data;
  gboolean stalled;
  gboolean stalled_changed;
  gboolean closed;

  g_mutex_lock (&self->mutex);
  self->kicked = FALSE;
  written = self->written;
  g_queue_init (&self->written);
  stalled = self->stalled;
  stalled_changed = self->stalled != self->stalled_told;
  self->stalled_told = self->stalled;
  closed = self->shut[IST_CONNECTION_IN] && self->shut[IST_CONNECTION_OUT];
  g_mutex_unlock (&self->mutex);

  while ((data = g_queue_pop_head (&written)) != NULL)
    {
      gboolean is_first = !self->has_sent;

      self->has_sent = TRUE;
      if (self->tunnel != NULL)
        self->backend->write (self, data, is_first, self->tunnel);
      else
        fail_written (self, data);
      g_bytes_unref (data);
    }
  if (stalled_changed && self->tunnel != NULL)
    tell_stalled (self, stalled);
  if (closed && self->tunnel != NULL)
    {
      gpointer tunnel = g_steal_pointer (&self->tunnel);

      stop_stall_timer (self);
      self->backend->close (self, tunnel);
      if (self->at_end != NULL)
        g_cancellable_cancel (self->at_end);
    }
}

/* Who reads too little to make room still reads. */
static gboolean
take_was_read (IstConnectionCore *self)
{
  gboolean was_read;

  g_mutex_lock (&self->mutex);
  was_read = self->was_read;
  self->was_read = FALSE;
  g_mutex_unlock (&self->mutex);
  return was_read;
}

static gboolean
on_stall_timeout (gpointer user_data)
{
  g_autoptr (IstConnectionCore) self = ist_connection_core_ref (user_data);
  g_autoptr (GError) error = NULL;
  gpointer tunnel;

  settle (self);
  tunnel = self->tunnel;
  if (self->stall_timer == NULL || tunnel == NULL)
    return G_SOURCE_REMOVE;
  if (take_was_read (self))
    return G_SOURCE_CONTINUE;

  g_set_error (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT,
               "The connection was reset: what it had received was not read for %u seconds",
               self->stall_timeout);
  ist_connection_core_end (self, error);
  self->backend->close (self, tunnel);
  return G_SOURCE_REMOVE;
}

static gboolean
on_settle (gpointer user_data)
{
  settle (user_data);
  return G_SOURCE_REMOVE;
}

/* Has settle() run: now in the tunnel's context, soon from elsewhere. Not
 * g_main_context_invoke(), which takes a context that nobody runs at the moment
 * for its own, and so could run the tunnel in two threads. */
static void
kick (IstConnectionCore *self)
{
  g_autoptr (GSource) source = NULL;
  gboolean already;

  if (g_main_context_is_owner (self->context))
    {
      settle (self);
      return;
    }
  g_mutex_lock (&self->mutex);
  already = self->kicked;
  self->kicked = TRUE;
  g_mutex_unlock (&self->mutex);
  if (already)
    return;

  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_settle, ist_connection_core_ref (self),
                         (GDestroyNotify) ist_connection_core_unref);
  g_source_attach (source, self->context);
}

IstConnectionCore *
ist_connection_core_new (IstStreamInfo *info,
                         IstLane lane,
                         gsize buffer_size,
                         IstConnectionBudget *budget,
                         guint stall_timeout,
                         GMainContext *context,
                         const IstConnectionBackend *backend,
                         gpointer tunnel)
{
  IstConnectionCore *self = g_new0 (IstConnectionCore, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->info = ist_stream_info_ref (info);
  self->lane = lane;
  self->buffer_size = buffer_size;
  g_atomic_ref_count_inc (&budget->ref_count);
  g_atomic_int_inc (&budget->n_connections);
  self->budget = budget;
  self->stall_timeout = stall_timeout;
  self->context = g_main_context_ref (context);
  self->thread = g_thread_self ();
  self->backend = backend;
  self->tunnel = tunnel;
  g_mutex_init (&self->mutex);
  g_cond_init (&self->changed);
  g_queue_init (&self->received);
  g_queue_init (&self->written);
  self->flushes = g_ptr_array_new_with_free_func (flush_free);
  return self;
}

IstConnectionCore *
ist_connection_core_ref (IstConnectionCore *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
ist_connection_core_unref (IstConnectionCore *self)
{
  guint i;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  stop_stall_timer (self);
  g_queue_clear_full (&self->received, (GDestroyNotify) g_bytes_unref);
  g_queue_clear_full (&self->written, (GDestroyNotify) g_bytes_unref);
  for (i = 0; i < G_N_ELEMENTS (self->contexts); i++)
    g_slist_free_full (self->contexts[i], (GDestroyNotify) g_main_context_unref);
  g_ptr_array_unref (self->flushes);
  g_atomic_int_add (&self->budget->n_connections, -1);
  ist_connection_budget_unref (self->budget);
  g_clear_object (&self->at_end);
  g_clear_error (&self->failure);
  g_clear_error (&self->loss);
  ist_stream_info_unref (self->info);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->changed);
  g_free (self);
}

IstStreamInfo *
ist_connection_core_get_info (IstConnectionCore *self)
{
  return self->info;
}

const IstLane *
ist_connection_core_get_lane (IstConnectionCore *self)
{
  return &self->lane;
}

static void
tell_moved (IstConnectionCore *self)
{
  if (self->moved != NULL)
    self->moved (self->moved_data);
}

static void
tell_readable (IstConnectionCore *self)
{
  void (*readable) (gpointer user_data) = g_steal_pointer (&self->readable);

  if (readable != NULL)
    readable (self->readable_data);
}

/* What the receive buffer takes. */
static gsize
get_unread (IstConnectionCore *self)
{
  return self->received_size + (gsize) self->received.length * PIECE_OVERHEAD;
}

void
ist_connection_core_receive (IstConnectionCore *self,
                             GBytes *data)
{
  gsize size = g_bytes_get_size (data);
  gboolean became_full;

  if (size == 0)
    return;

  tell_moved (self);
  g_mutex_lock (&self->mutex);
  self->bytes_in += size;
  if (self->shut[IST_CONNECTION_IN])
    {
      g_mutex_unlock (&self->mutex);
      return;
    }
  g_queue_push_tail (&self->received, g_bytes_ref (data));
  self->received_size += size;
  became_full = !self->stalled && get_unread (self) >= get_share (self);
  if (became_full)
    self->stalled = TRUE;
  unlock_and_wake (self);

  tell_readable (self);
  if (became_full)
    settle (self);
}

/* With the mutex held: whether all that was written is on the wire, or can't be any more. */
static gboolean
is_settled (IstConnectionCore *self)
{
  return self->unsent == 0 || self->loss != NULL;
}

/* Returns the flushes that are done. */
static void
return_flushes (IstConnectionCore *self)
{
  g_autoptr (GPtrArray) flushes = NULL;
  g_autoptr (GError) loss = NULL;
  guint i;

  g_mutex_lock (&self->mutex);
  if (is_settled (self) && self->flushes->len > 0)
    {
      flushes = g_steal_pointer (&self->flushes);
      self->flushes = g_ptr_array_new_with_free_func (flush_free);
      loss = self->loss != NULL ? g_error_copy (self->loss) : NULL;
    }
  g_mutex_unlock (&self->mutex);

  for (i = 0; flushes != NULL && i < flushes->len; i++)
    {
      GTask *task = ((Flush *) g_ptr_array_index (flushes, i))->task;

      if (loss != NULL)
        g_task_return_error (task, g_error_copy (loss));
      else
        g_task_return_boolean (task, TRUE);
    }
}

void
ist_connection_core_written (IstConnectionCore *self,
                             gsize length,
                             const GError *error)
{
  g_mutex_lock (&self->mutex);
  self->unsent -= length + PIECE_OVERHEAD;
  if (error == NULL)
    self->bytes_out += length;
  else if (self->loss == NULL)
    self->loss = g_error_copy (error);
  /* Not for every piece, or a writer that waits would be woken for crumbs. */
  if (self->unsent <= get_share (self) / 2)
    self->full = FALSE;
  unlock_and_wake (self);

  if (error == NULL)
    tell_moved (self);
  return_flushes (self);
}

static gboolean
on_end_settled (gpointer user_data)
{
  return_flushes (user_data);
  return G_SOURCE_REMOVE;
}

/* Not from where the tunnel is carrying out a message: the callbacks are the user's. */
static void
settle_flushes_later (IstConnectionCore *self)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "IstConnection flushes");
  g_source_set_callback (source, on_end_settled, ist_connection_core_ref (self),
                         (GDestroyNotify) ist_connection_core_unref);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

void
ist_connection_core_end (IstConnectionCore *self,
                         const GError *error)
{
  gpointer tunnel = g_steal_pointer (&self->tunnel);
  gboolean was_stalled;
  gboolean has_lost;

  stop_stall_timer (self);
  g_mutex_lock (&self->mutex);
  was_stalled = self->stalled_told;
  self->stalled = FALSE;
  self->stalled_told = FALSE;
  self->ended = TRUE;
  if (self->failure == NULL && error != NULL)
    self->failure = g_error_copy (error);
  /* Who waits for it need not wait for the socket. */
  if (self->unsent > 0 && self->loss == NULL)
    self->loss = make_end_error (self);
  has_lost = self->loss != NULL && self->flushes->len > 0;
  unlock_and_wake (self);

  tell_readable (self);
  if (has_lost)
    settle_flushes_later (self);
  if (was_stalled && tunnel != NULL)
    self->backend->stalled_changed (self, tunnel);
  if (self->at_end != NULL)
    g_cancellable_cancel (self->at_end);
}

gboolean
ist_connection_core_is_stalled (IstConnectionCore *self)
{
  return self->tunnel != NULL && self->stalled_told;
}

void
ist_connection_core_watch (IstConnectionCore *self,
                           void (*moved) (gpointer user_data),
                           gpointer user_data)
{
  self->moved = moved;
  self->moved_data = user_data;
}

void
ist_connection_core_await_input (IstConnectionCore *self,
                                 void (*readable) (gpointer user_data),
                                 gpointer user_data)
{
  self->readable = readable;
  self->readable_data = user_data;
}

void
ist_connection_core_cancel_at_end (IstConnectionCore *self,
                                   GCancellable *cancellable)
{
  g_set_object (&self->at_end, cancellable);
  if (cancellable != NULL && self->tunnel == NULL)
    g_cancellable_cancel (cancellable);
}

/* With the mutex held. */
static gsize
take_received (IstConnectionCore *self,
               guint8 *buffer,
               gsize count)
{
  gsize taken = 0;

  while (taken < count && self->received_size > 0)
    {
      GBytes *first = g_queue_peek_head (&self->received);
      gsize size;
      const guint8 *data = g_bytes_get_data (first, &size);
      gsize n = MIN (count - taken, size - self->received_offset);

      memcpy (buffer + taken, data + self->received_offset, n);
      taken += n;
      self->received_size -= n;
      self->received_offset += n;
      if (self->received_offset == size)
        {
          self->received_offset = 0;
          g_bytes_unref (g_queue_pop_head (&self->received));
        }
    }
  return taken;
}

static gboolean
check_open (IstConnectionCore *self,
            IstConnectionDirection direction,
            GError **error)
{
  if (!self->shut[direction])
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The stream is closed");
  return FALSE;
}

/* With the mutex held: something was read. Returns whether that has made room. */
static gboolean
note_read (IstConnectionCore *self)
{
  self->was_read = TRUE;
  if (!self->stalled || get_unread (self) > get_share (self) / 2)
    return FALSE;
  self->stalled = FALSE;
  return TRUE;
}

GBytes *
ist_connection_core_take (IstConnectionCore *self,
                          gsize min_size)
{
  g_autoptr (GBytes) first = NULL;
  GBytes *taken = NULL;
  gboolean has_room = FALSE;
  gsize size = 0;

  g_mutex_lock (&self->mutex);
  if (self->received_size > 0)
    size = g_bytes_get_size (g_queue_peek_head (&self->received)) - self->received_offset;
  if (size > 0 && size >= min_size)
    {
      first = g_queue_pop_head (&self->received);
      taken = g_bytes_new_from_bytes (first, self->received_offset, size);
      self->received_offset = 0;
      self->received_size -= size;
      has_room = note_read (self);
    }
  g_mutex_unlock (&self->mutex);

  if (has_room)
    kick (self);
  return taken;
}

gssize
ist_connection_core_read (IstConnectionCore *self,
                          void *buffer,
                          gsize count,
                          gboolean blocking,
                          GCancellable *cancellable,
                          GError **error)
{
  gssize n = -1;
  gboolean has_room = FALSE;

  if (!lock_when_ready (self, IST_CONNECTION_IN, blocking, cancellable, error))
    return -1;

  if (check_open (self, IST_CONNECTION_IN, error))
    {
      if (self->received_size > 0)
        {
          n = take_received (self, buffer, count);
          has_room = note_read (self);
        }
      else if (self->failure != NULL)
        g_propagate_error (error, g_error_copy (self->failure));
      else
        n = 0;
    }
  g_mutex_unlock (&self->mutex);

  if (has_room)
    kick (self);
  return n;
}

/* Queues a piece of the @count bytes at @offset of @bytes, or of those at @buffer,
 * which are copied. */
static gssize
write_piece (IstConnectionCore *self,
             GBytes *bytes,
             gsize offset,
             const void *buffer,
             gsize count,
             gboolean blocking,
             GCancellable *cancellable,
             GError **error)
{
  GBytes *piece;
  gsize share;
  gsize n;

  if (!lock_when_ready (self, IST_CONNECTION_OUT, blocking, cancellable, error))
    return -1;

  if (!check_open (self, IST_CONNECTION_OUT, error))
    {
      g_mutex_unlock (&self->mutex);
      return -1;
    }
  if (self->ended)
    {
      g_propagate_error (error, make_end_error (self));
      g_mutex_unlock (&self->mutex);
      return -1;
    }

  /* More than the share may be unsent already, when that has become smaller. */
  share = get_share (self);
  n = share > self->unsent + MIN_PIECE ? share - self->unsent : MIN_PIECE;
  n = MIN (MIN (count, n), (gsize) g_atomic_int_get (&self->budget->piece_size));
  piece = bytes != NULL ? g_bytes_new_from_bytes (bytes, offset, n) : g_bytes_new (buffer, n);
  g_queue_push_tail (&self->written, piece);
  self->unsent += n + PIECE_OVERHEAD;
  self->full = self->unsent >= share;
  g_mutex_unlock (&self->mutex);

  kick (self);
  return n;
}

gssize
ist_connection_core_write (IstConnectionCore *self,
                           const void *buffer,
                           gsize count,
                           gboolean blocking,
                           GCancellable *cancellable,
                           GError **error)
{
  return write_piece (self, NULL, 0, buffer, count, blocking, cancellable, error);
}

gssize
ist_connection_core_write_bytes (IstConnectionCore *self,
                                 GBytes *bytes,
                                 gsize offset,
                                 GError **error)
{
  return write_piece (self, bytes, offset, NULL, g_bytes_get_size (bytes) - offset, FALSE, NULL, error);
}

GError *
ist_connection_core_dup_error (IstConnectionCore *self)
{
  GError *error;

  g_mutex_lock (&self->mutex);
  error = self->ended ? make_end_error (self) : NULL;
  g_mutex_unlock (&self->mutex);
  return error;
}

gboolean
ist_connection_core_is_ready (IstConnectionCore *self,
                              IstConnectionDirection direction)
{
  gboolean ready;

  g_mutex_lock (&self->mutex);
  ready = is_ready (self, direction);
  g_mutex_unlock (&self->mutex);
  return ready;
}

GSource *
ist_connection_core_create_source (IstConnectionCore *self,
                                   IstConnectionDirection direction,
                                   GObject *stream,
                                   GCancellable *cancellable)
{
  g_autoptr (GSource) ready = g_source_new (&ready_source_funcs, sizeof (ReadySource));
  GSource *source;

  ((ReadySource *) ready)->core = ist_connection_core_ref (self);
  ((ReadySource *) ready)->direction = direction;
  source = g_pollable_source_new_full (stream, NULL, cancellable);
  g_source_add_child_source (source, ready);
  g_source_set_static_name (source, "IstConnection");
  return source;
}

void
ist_connection_core_shut (IstConnectionCore *self,
                          IstConnectionDirection direction)
{
  g_mutex_lock (&self->mutex);
  self->shut[direction] = TRUE;
  if (direction == IST_CONNECTION_IN)
    {
      g_queue_clear_full (&self->received, (GDestroyNotify) g_bytes_unref);
      self->received_size = 0;
      self->received_offset = 0;
      self->stalled = FALSE;
    }
  unlock_and_wake (self);

  kick (self);
}

void
ist_connection_core_close (IstConnectionCore *self)
{
  ist_connection_core_shut (self, IST_CONNECTION_IN);
  ist_connection_core_shut (self, IST_CONNECTION_OUT);
}

static gboolean
on_flush_cancelled (GCancellable *cancellable,
                    gpointer user_data)
{
  GTask *task = user_data;
  IstConnectionCore *self = g_task_get_task_data (task);
  Flush *flush = NULL;
  guint i;

  g_mutex_lock (&self->mutex);
  for (i = 0; i < self->flushes->len && flush == NULL; i++)
    {
      flush = g_ptr_array_index (self->flushes, i);
      if (flush->task == task)
        g_ptr_array_steal_index (self->flushes, i);
      else
        flush = NULL;
    }
  g_mutex_unlock (&self->mutex);

  if (flush == NULL)
    return G_SOURCE_REMOVE;
  g_task_return_error_if_cancelled (task);
  flush_free (flush);
  return G_SOURCE_REMOVE;
}

void
ist_connection_core_flush (IstConnectionCore *self,
                           GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  Flush *flush;

  g_mutex_lock (&self->mutex);
  if (is_settled (self))
    {
      g_autoptr (GError) loss = self->loss != NULL ? g_error_copy (self->loss) : NULL;

      g_mutex_unlock (&self->mutex);
      if (loss != NULL)
        g_task_return_error (task, g_steal_pointer (&loss));
      else
        g_task_return_boolean (task, TRUE);
      return;
    }

  flush = g_new0 (Flush, 1);
  flush->task = g_object_ref (task);
  g_ptr_array_add (self->flushes, flush);
  if (cancellable != NULL)
    {
      g_task_set_task_data (task, ist_connection_core_ref (self), (GDestroyNotify) ist_connection_core_unref);
      flush->cancelled = g_cancellable_source_new (cancellable);
      g_task_attach_source (task, flush->cancelled, G_SOURCE_FUNC (on_flush_cancelled));
    }
  g_mutex_unlock (&self->mutex);
}

guint64
ist_connection_core_get_bytes_in (IstConnectionCore *self)
{
  guint64 bytes;

  g_mutex_lock (&self->mutex);
  bytes = self->bytes_in;
  g_mutex_unlock (&self->mutex);
  return bytes;
}

guint64
ist_connection_core_get_bytes_out (IstConnectionCore *self)
{
  guint64 bytes;

  g_mutex_lock (&self->mutex);
  bytes = self->bytes_out;
  g_mutex_unlock (&self->mutex);
  return bytes;
}
