/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/transport/ist-channel-private.h"

#include "common/ist-beat-private.h"
#include "common/ist-source-private.h"
#include "common/ist-text-private.h"
#include "common/ist-watch-private.h"
#include "ist/ist-tunnel-error.h"
#include "ist/protocol/ist-wire-private.h"
#include "ist/transport/ist-flow-window-private.h"

/* The most that a WebSocket frame has besides its payload (RFC 6455, section 5.2). */
#define MAX_FRAME_HEADER 14

/* Bytes that go out as one WebSocket frame at most. Less than the service
 * takes: what is urgent waits for no more than this, and it stays in the
 * processor's cache while it is copied, masked and encrypted. libsoup makes
 * each frame in a block of its own that has the next power of two, so one byte
 * more would double it; blocks of 128 KiB the C library takes from the system,
 * and gives back, each time. */
#define MAX_BATCH (64 * 1024 - MAX_FRAME_HEADER)

/* A lane's share of a batch before it is the next lane's turn. */
#define QUANTUM (16 * 1024)

/* How long the peer may take to finish closing, in milliseconds. */
#define CLOSE_TIMEOUT 1000

/* After a change of the network a connection that still works shows it within so
 * many milliseconds. The kernel would try again on its own, but minutes later. */
#define PROBE_TIMEOUT 3000

/* While the window is closed it is looked at again after so many milliseconds: if
 * only the kernel can tell when it opens, and if a pong will. */
#define KERNEL_INTERVAL 5
#define PATIENCE_INTERVAL 500

/* Bytes of a peer's reason for closing that are shown; a frame holds no more. */
#define MAX_REASON 256

typedef struct _Item Item;

struct _Item
{
  Item *next;
  guint64 serial; /* grows in the order in which items are accepted */
  IstLane lane;
  gboolean barrier;
  gboolean alone;      /* in a frame of its own */
  IstMessage *message; /* one of these two is set */
  GBytes *bytes;
  gsize size; /* on the wire */
  gpointer tag;
  GError *error; /* once it has failed */
};

typedef struct
{
  Item *head;
  Item *tail;
} ItemQueue;

typedef struct
{
  IstLane key;
  ItemQueue items;
  GList turn; /* in IstChannel.turns while it has items */
} Lane;

/* What waits for a barrier of a service, the barrier first. */
typedef struct
{
  guint32 key;
  guint queued; /* items in the service's lanes */
  ItemQueue held;
} Service;

struct _IstChannel
{
  gatomicrefcount ref_count;
  GMainContext *context;
  IstMeteredStream *stream;
  SoupWebsocketConnection *websocket;
  gboolean is_client;          /* which masks its frames */
  IstChannelDelegate delegate; /* cleared by ist_channel_disown() */
  gpointer user_data;

  GHashTable *lanes;    /* of Lane, by IstLane */
  GHashTable *services; /* of Service, by number; only those with items */
  GQueue turns;         /* the lanes with items, in the order of their turns */
  gsize queued;
  guint64 last_serial;

  ItemQueue in_flight; /* the items of the batch that was handed over last */
  gboolean batch_pending;
  guint64 frames_sent;
  guint64 frames_written;
  gsize split;

  IstFlowWindow *window;
  gboolean bounded; /* by the window */
  GSource *window_timer;

  ItemQueue failed; /* to be told of */
  IstWatch *watch;  /* for everything that is told */
  gboolean attending;
  gboolean woken_again;
  gboolean shortened;

  guint pong_timeout;
  gboolean ping_asked; /* the ping that is about to leave is not for the window */
  gint64 round_trip;   /* to be told of, or -1 */
  guint64 bytes_read_at_ping;
  guint64 bytes_read_at_probe;
  IstBeat *pings;
  GSource *pong_timer;
  GSource *probe_timer;
  GSource *close_timer;

  gboolean paused;
  gboolean closing; /* by us */
  gboolean closed;
  gboolean closed_told;
  GError *why;
  GError *socket_error; /* what libsoup said last */
};

/* Queues of items */

static void
item_queue_push (ItemQueue *self,
                 Item *item)
{
  item->next = NULL;
  if (self->tail != NULL)
    self->tail->next = item;
  else
    self->head = item;
  self->tail = item;
}

static Item *
item_queue_pop (ItemQueue *self)
{
  Item *item = self->head;

  if (item == NULL)
    return NULL;
  self->head = item->next;
  if (self->head == NULL)
    self->tail = NULL;
  item->next = NULL;
  return item;
}

/* Not with calloc(), which does without the thread's cache of free blocks (glibc 2.36). */
static Item *
item_new (gpointer tag,
          gsize size)
{
  Item *item = g_new (Item, 1);

  *item = (Item){ .tag = tag, .size = size };
  return item;
}

static void
item_free (Item *item)
{
  g_clear_pointer (&item->message, ist_message_unref);
  g_clear_pointer (&item->bytes, g_bytes_unref);
  g_clear_error (&item->error);
  g_free (item);
}

static void
item_queue_clear (ItemQueue *self)
{
  Item *item;

  while ((item = item_queue_pop (self)) != NULL)
    item_free (item);
}

static void
lane_free (Lane *self)
{
  item_queue_clear (&self->items);
  g_free (self);
}

static void
service_free (Service *self)
{
  item_queue_clear (&self->held);
  g_free (self);
}

/* Timers */

static GSource *
channel_start_timer (IstChannel *self,
                     guint milliseconds,
                     GSourceFunc callback)
{
  GSource *timer = g_timeout_source_new (milliseconds);

  g_source_set_callback (timer, callback, self, NULL);
  g_source_attach (timer, self->context);
  return timer;
}

static void
channel_wake (IstChannel *self)
{
  ist_watch_wake (self->watch);
}

/* Lanes */

static Service *
channel_ensure_service (IstChannel *self,
                        guint32 key)
{
  Service *service = g_hash_table_lookup (self->services, GUINT_TO_POINTER (key));

  if (service == NULL)
    {
      service = g_new0 (Service, 1);
      service->key = key;
      g_hash_table_insert (self->services, GUINT_TO_POINTER (key), service);
    }
  return service;
}

static void
lane_push (IstChannel *self,
           Service *service,
           Item *item)
{
  Lane *lane = g_hash_table_lookup (self->lanes, &item->lane);

  if (lane == NULL)
    {
      lane = g_new0 (Lane, 1);
      lane->key = item->lane;
      lane->turn.data = lane;
      g_hash_table_insert (self->lanes, &lane->key, lane);
      g_queue_push_tail_link (&self->turns, &lane->turn);
    }
  item_queue_push (&lane->items, item);
  service->queued++;
}

static void
lane_remove (IstChannel *self,
             Lane *lane)
{
  g_queue_unlink (&self->turns, &lane->turn);
  g_hash_table_remove (self->lanes, &lane->key);
}

/* A barrier enters its lane when the lanes of its service are empty. Lanes are
 * served in the order in which they got their first item, and whatever follows
 * the barrier comes after it, so it goes first. */
static void
service_release (IstChannel *self,
                 Service *service)
{
  while (service->held.head != NULL && (!service->held.head->barrier || service->queued == 0))
    lane_push (self, service, item_queue_pop (&service->held));

  if (service->queued == 0 && service->held.head == NULL)
    g_hash_table_remove (self->services, GUINT_TO_POINTER (service->key));
}

static void
service_forget_items (IstChannel *self,
                      guint32 key,
                      guint n_items)
{
  Service *service = g_hash_table_lookup (self->services, GUINT_TO_POINTER (key));

  service->queued -= n_items;
  if (service->queued == 0)
    service_release (self, service);
}

static void
channel_fail_item (IstChannel *self,
                   Item *item,
                   const GError *why)
{
  self->queued -= item->size;
  self->shortened = TRUE;
  item->error = g_error_copy (why);
  item_queue_push (&self->failed, item);
  channel_wake (self);
}

static void
channel_fail_queue (IstChannel *self,
                    ItemQueue *queue,
                    const GError *why)
{
  Item *item;

  while ((item = item_queue_pop (queue)) != NULL)
    channel_fail_item (self, item, why);
}

/* Everything that has not been handed to the WebSocket. */
static void
channel_fail_all (IstChannel *self,
                  const GError *why)
{
  GHashTableIter iter;
  gpointer value;

  while (self->turns.head != NULL)
    {
      Lane *lane = self->turns.head->data;

      channel_fail_queue (self, &lane->items, why);
      lane_remove (self, lane);
    }
  g_hash_table_iter_init (&iter, self->services);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    channel_fail_queue (self, &((Service *) value)->held, why);
  g_hash_table_remove_all (self->services);
}

/* Sending */

/* Where a thread puts its batches together. The WebSocket makes a frame of one at
 * once, so that none is kept by the channels that are idle. */
static GPrivate batch_of_thread = G_PRIVATE_INIT ((GDestroyNotify) g_byte_array_unref);

static GByteArray *
batch_begin (void)
{
  GByteArray *batch = g_private_get (&batch_of_thread);

  if (batch == NULL)
    {
      batch = g_byte_array_sized_new (MAX_BATCH);
      g_private_set (&batch_of_thread, batch);
    }
  g_byte_array_set_size (batch, 0);
  return batch;
}

static void
batch_add (GByteArray *batch,
           Item *item)
{
  if (item->message != NULL)
    {
      ist_wire_encode_sized (item->message, item->size, batch);
    }
  else
    {
      gsize length;
      gconstpointer data = g_bytes_get_data (item->bytes, &length);

      g_byte_array_append (batch, data, length);
    }
}

/* Whether the batch is one item that is to be alone. */
static gboolean
batch_is_full (IstChannel *self)
{
  return self->in_flight.tail != NULL && self->in_flight.tail->alone;
}

/* Whether an item may join what is in the batch. */
static gboolean
batch_has_place (gsize batch_size,
                 gsize most,
                 const Item *item)
{
  if (batch_size == 0)
    return TRUE;
  return !item->alone && batch_size + item->size <= most;
}

/* Takes a lane's share into the batch. */
static gsize
batch_take_turn (IstChannel *self,
                 Lane *lane,
                 gsize batch_size,
                 gsize most)
{
  guint32 service = lane->key.service;
  gsize taken = 0;
  guint n_items = 0;

  while (lane->items.head != NULL && taken < QUANTUM &&
         batch_has_place (batch_size + taken, most, lane->items.head) && !batch_is_full (self))
    {
      Item *item = item_queue_pop (&lane->items);

      taken += item->size;
      n_items++;
      item_queue_push (&self->in_flight, item);
    }

  if (lane->items.head == NULL)
    {
      lane_remove (self, lane);
    }
  else if (n_items > 0)
    {
      g_queue_unlink (&self->turns, &lane->turn);
      g_queue_push_tail_link (&self->turns, &lane->turn);
    }
  if (n_items > 0)
    service_forget_items (self, service, n_items);
  return taken;
}

static void
channel_send_batch (IstChannel *self)
{
  const guint8 *data;
  gsize length;
  gsize piece;

  if (self->in_flight.head == self->in_flight.tail && self->in_flight.head->bytes != NULL)
    {
      data = g_bytes_get_data (self->in_flight.head->bytes, &length);
    }
  else
    {
      GByteArray *batch = batch_begin ();
      Item *item;

      for (item = self->in_flight.head; item != NULL; item = item->next)
        batch_add (batch, item);
      data = batch->data;
      length = batch->len;
    }

  self->batch_pending = TRUE;
  for (; length > 0; data += piece, length -= piece)
    {
      piece = self->split > 0 ? MIN (length, self->split) : length;
      self->frames_sent++;
      if (soup_websocket_connection_get_state (self->websocket) == SOUP_WEBSOCKET_STATE_OPEN)
        soup_websocket_connection_send_binary (self->websocket, data, piece);
    }
}

static gboolean
on_window_due (gpointer user_data)
{
  IstChannel *self = user_data;
  IstKernelQueue kernel;

  g_clear_pointer (&self->window_timer, g_source_unref);
  ist_metered_stream_get_kernel_queue (self->stream, &kernel);
  ist_flow_window_check_patience (self->window, &kernel, g_get_monotonic_time ());
  channel_wake (self);
  return G_SOURCE_REMOVE;
}

/* Whether the window has room; if not, it will be looked at again. */
static gboolean
channel_has_room (IstChannel *self,
                  gint64 now)
{
  gboolean needs_kernel = ist_flow_window_needs_kernel (self->window, now);
  IstKernelQueue kernel;

  ist_flow_window_note_busy (self->window, now);
  if (needs_kernel)
    {
      ist_metered_stream_get_kernel_queue (self->stream, &kernel);
      ist_flow_window_see_kernel (self->window, &kernel);
    }
  if (ist_flow_window_is_open (self->window, ist_metered_stream_get_bytes_written (self->stream), now))
    return TRUE;
  if (self->window_timer == NULL)
    self->window_timer = channel_start_timer (self, needs_kernel ? KERNEL_INTERVAL : PATIENCE_INTERVAL, on_window_due);
  return FALSE;
}

/* Hands over the next batch once the one before is on the wire, and the window has
 * room: what is queued here can still be overtaken, what libsoup has can't. */
static void
channel_flush (IstChannel *self)
{
  gsize most = MAX_BATCH;
  gsize size = 0;
  gsize taken;
  gint64 now;

  if (self->batch_pending || self->closing || self->closed)
    return;
  now = self->bounded ? g_get_monotonic_time () : 0;
  if (self->turns.head == NULL)
    {
      if (self->bounded)
        ist_flow_window_note_idle (self->window, now);
      return;
    }
  if (self->bounded)
    {
      if (!channel_has_room (self, now))
        return;
      most = ist_flow_window_get_piece_size (self->window, now);
    }

  do
    {
      taken = batch_take_turn (self, self->turns.head->data, size, most);
      size += taken;
    }
  while (taken > 0 && size < most && self->turns.head != NULL);

  g_main_context_push_thread_default (self->context);
  channel_send_batch (self);
  g_main_context_pop_thread_default (self->context);
}

/* For who gives no reason for closing. */
static GError *
channel_make_closed_error (void)
{
  return g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED, "The WebSocket was closed on this side");
}

static void
channel_enqueue (IstChannel *self,
                 IstLane key,
                 gboolean barrier,
                 Item *item)
{
  Service *service;

  item->serial = ++self->last_serial;
  item->lane = key;
  item->barrier = barrier;
  self->queued += item->size;

  if (self->closing || self->closed)
    {
      g_autoptr (GError) error = NULL;

      error = self->why != NULL ? g_error_copy (self->why) : channel_make_closed_error ();
      channel_fail_item (self, item, error);
      return;
    }

  service = channel_ensure_service (self, key.service);
  item_queue_push (&service->held, item);
  service_release (self, service);

  /* An idle channel sends at once; what follows in this turn of the main loop
   * goes out together, in the next. */
  channel_flush (self);
}

/* Telling */

static int
compare_items (gconstpointer a,
               gconstpointer b)
{
  const Item *item_a = *(const Item *const *) a;
  const Item *item_b = *(const Item *const *) b;

  return item_a->serial < item_b->serial ? -1 : 1;
}

/* What has failed and can be told of. Lanes fail one after the other; whoever is
 * told hears of their messages in the order in which they were accepted, so
 * nothing is told of a lane while the fate of something older is open. */
static ItemQueue
channel_take_failed (IstChannel *self)
{
  g_autoptr (GHashTable) open_lanes = g_hash_table_new (ist_lane_hash, ist_lane_equal);
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  ItemQueue failed = { 0 };
  ItemQueue kept = { 0 };
  Item *item;
  guint i;

  for (item = self->in_flight.head; item != NULL; item = item->next)
    g_hash_table_add (open_lanes, &item->lane);
  while ((item = item_queue_pop (&self->failed)) != NULL)
    {
      if (g_hash_table_contains (open_lanes, &item->lane))
        item_queue_push (&kept, item);
      else
        g_ptr_array_add (items, item);
    }
  self->failed = kept;
  g_ptr_array_sort (items, compare_items);
  for (i = 0; i < items->len; i++)
    item_queue_push (&failed, items->pdata[i]);
  return failed;
}

static void
channel_tell_sent (IstChannel *self,
                   ItemQueue *items)
{
  Item *item;

  while ((item = item_queue_pop (items)) != NULL)
    {
      if (item->tag != NULL && self->delegate.sent != NULL)
        self->delegate.sent (self, item->tag, item->error, self->user_data);
      item_free (item);
    }
}

/* Whether anybody may send the code (RFC 6455, section 7.4, and the codes that
 * were registered later). libsoup knows fewer. */
static gboolean
is_close_code (guint16 code)
{
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/* Who is at the other end of the WebSocket. */
static const char *
channel_get_peer (IstChannel *self)
{
  return self->is_client ? "service" : "client";
}

static GError *
channel_describe_close (IstChannel *self,
                        guint16 code,
                        GBytes *reason)
{
  const char *peer = channel_get_peer (self);
  g_autofree char *text = ist_text_make_safe (g_bytes_get_data (reason, NULL), g_bytes_get_size (reason), MAX_REASON);
  const char *colon = *text != '\0' ? ": " : "";

  if (!is_close_code (code))
    return g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL,
                        "The %s broke the WebSocket protocol: it closed with code %u%s%s", peer, code, colon, text);
  if (code == SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION)
    return g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CLIENT_REPLACED,
                        "The %s closed the WebSocket for good, with code %u%s%s", peer, code, colon, text);
  return g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED,
                      "The %s closed the WebSocket with code %u%s%s", peer, code, colon, text);
}

static GError *
channel_describe_end (IstChannel *self)
{
  const char *peer = channel_get_peer (self);
  guint16 code = ist_metered_stream_get_close_code (self->stream);

  if (self->why != NULL)
    return g_error_copy (self->why);
  if (self->closing)
    return NULL;

  if (code != 0)
    return channel_describe_close (self, code, ist_metered_stream_get_close_reason (self->stream));
  if (self->socket_error != NULL && self->socket_error->domain == SOUP_WEBSOCKET_ERROR)
    return g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL, "The %s broke the WebSocket protocol: %s", peer,
                        self->socket_error->message);
  if (soup_websocket_connection_get_close_code (self->websocket) == SOUP_WEBSOCKET_CLOSE_NO_STATUS)
    return g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED, "The %s closed the WebSocket", peer);
  if (self->socket_error != NULL)
    return g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED, "The WebSocket was lost: %s",
                        self->socket_error->message);
  return g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED,
                      "The WebSocket was lost: the %s closed the connection without a word", peer);
}

static void
channel_stop_timers (IstChannel *self)
{
  g_clear_pointer (&self->pings, ist_beat_free);
  ist_clear_source (&self->pong_timer);
  ist_clear_source (&self->probe_timer);
  ist_clear_source (&self->close_timer);
  ist_clear_source (&self->window_timer);
}

static void
channel_tell_closed (IstChannel *self)
{
  g_autoptr (GError) error = channel_describe_end (self);
  g_autoptr (GError) lost = NULL;
  IstChannelDelegate delegate;
  ItemQueue failed;

  lost = error != NULL ? g_error_copy (error) : channel_make_closed_error ();
  channel_fail_all (self, lost);
  channel_fail_queue (self, &self->in_flight, lost);
  failed = channel_take_failed (self);
  channel_tell_sent (self, &failed);

  self->closed_told = TRUE;
  delegate = self->delegate;
  self->delegate = (IstChannelDelegate){ 0 };
  if (delegate.closed != NULL)
    delegate.closed (self, error, self->user_data);
}

/* The items of the batch, if it is on the wire by now. */
static ItemQueue
channel_take_sent (IstChannel *self)
{
  ItemQueue sent = self->in_flight;
  Item *item;

  if (!self->batch_pending || self->frames_written < self->frames_sent)
    return (ItemQueue){ 0 };
  self->batch_pending = FALSE;
  self->in_flight = (ItemQueue){ 0 };
  for (item = sent.head; item != NULL; item = item->next)
    self->queued -= item->size;
  self->shortened = TRUE;
  return sent;
}

/* Sends a ping behind the data if the window needs one there. */
static void
channel_mark (IstChannel *self)
{
  if (self->bounded && !self->batch_pending && !self->closing && !self->closed &&
      ist_flow_window_wants_ping (self->window, ist_metered_stream_get_bytes_written (self->stream),
                                  g_get_monotonic_time ()))
    ist_metered_stream_ping (self->stream, self->is_client, ist_flow_window_get_next_number (self->window));
}

static void
channel_attend (IstChannel *self)
{
  ItemQueue failed = { 0 };
  ItemQueue sent;
  gint64 round_trip;

  sent = channel_take_sent (self);
  /* While the channel is closing, the fate of what is older is not decided. */
  if (!self->closing && !self->closed && self->failed.head != NULL)
    {
      failed = channel_take_failed (self);
      self->shortened = TRUE;
    }
  channel_mark (self);
  channel_flush (self);

  channel_tell_sent (self, &sent);
  channel_tell_sent (self, &failed);

  round_trip = self->round_trip;
  self->round_trip = -1;
  if (round_trip >= 0 && self->delegate.pong != NULL)
    self->delegate.pong (self, round_trip, self->user_data);

  if (self->closed)
    {
      if (!self->closed_told)
        channel_tell_closed (self);
    }
  else if (self->shortened && self->delegate.drained != NULL)
    {
      self->shortened = FALSE;
      self->delegate.drained (self, self->user_data);
    }
}

/* A main loop that runs inside what is told goes on when that is over. */
static void
on_woken (GIOCondition condition,
          gpointer user_data)
{
  g_autoptr (IstChannel) self = ist_channel_ref (user_data);

  if (self->closed_told)
    return;
  if (self->attending)
    {
      self->woken_again = TRUE;
      return;
    }
  self->attending = TRUE;
  channel_attend (self);
  self->attending = FALSE;
  if (self->woken_again)
    channel_wake (self);
  self->woken_again = FALSE;
}


/* Pings */

static void
channel_abort_with (IstChannel *self,
                    IstTunnelError code,
                    const char *message)
{
  g_autoptr (GError) error = g_error_new_literal (IST_TUNNEL_ERROR, code, message);

  ist_channel_abort (self, error);
}

static gboolean
on_pong_timeout (gpointer user_data)
{
  IstChannel *self = user_data;
  guint64 bytes_read = ist_metered_stream_get_bytes_read (self->stream);

  /* While we don't read we can't see a pong, and what came shows that the peer lives. */
  if (self->paused || bytes_read != self->bytes_read_at_ping)
    {
      self->bytes_read_at_ping = bytes_read;
      return G_SOURCE_CONTINUE;
    }
  g_clear_pointer (&self->pong_timer, g_source_unref);
  /* A peer that has never answered need not begin, but its kernel does. */
  if (ist_flow_window_has_seen_pong (self->window) ||
      !ist_metered_stream_is_heard (self->stream, self->pong_timeout * 1000))
    channel_abort_with (self, IST_TUNNEL_ERROR_TIMED_OUT, "The WebSocket was lost: no answer to a ping");
  return G_SOURCE_REMOVE;
}

static void
channel_restart_pong_timer (IstChannel *self)
{
  ist_clear_source (&self->pong_timer);
  self->bytes_read_at_ping = ist_metered_stream_get_bytes_read (self->stream);
  self->pong_timer = channel_start_timer (self, self->pong_timeout * 1000, on_pong_timeout);
}

/* The time for the answer runs from here: a ping that can't even be sent, since
 * nothing goes out any more, is not answered either. */
static void
channel_ping (IstChannel *self)
{
  if (self->closing || self->closed ||
      soup_websocket_connection_get_state (self->websocket) != SOUP_WEBSOCKET_STATE_OPEN)
    return;
  if (self->pong_timeout > 0 && self->pong_timer == NULL)
    channel_restart_pong_timer (self);
  self->ping_asked = TRUE;
  ist_metered_stream_ping (self->stream, self->is_client, ist_flow_window_get_next_number (self->window));
}

static void
on_ping_due (gpointer user_data)
{
  channel_ping (user_data);
}

static gboolean
on_probe_timeout (gpointer user_data)
{
  IstChannel *self = user_data;

  g_clear_pointer (&self->probe_timer, g_source_unref);
  if (ist_metered_stream_get_bytes_read (self->stream) == self->bytes_read_at_probe &&
      !ist_metered_stream_is_heard (self->stream, PROBE_TIMEOUT))
    channel_abort_with (self, IST_TUNNEL_ERROR_TIMED_OUT,
                        "The WebSocket was lost: no answer since the network has changed");
  return G_SOURCE_REMOVE;
}

static void
on_frame_written (IstFrameOpcode opcode,
                  gpointer user_data)
{
  IstChannel *self = user_data;

  if (opcode == IST_FRAME_BINARY)
    {
      self->frames_written++;
      if (self->frames_written == self->frames_sent)
        channel_wake (self);
    }
  else if (opcode == IST_FRAME_PING)
    {
      ist_flow_window_ping_sent (self->window, ist_metered_stream_get_bytes_written (self->stream), self->ping_asked,
                                 g_get_monotonic_time ());
      self->ping_asked = FALSE;
    }
}

static void
on_pong_read (gint64 number,
              gpointer user_data)
{
  IstChannel *self = user_data;
  gboolean asked;
  gint64 round_trip = ist_flow_window_pong_read (self->window, number, g_get_monotonic_time (), &asked);

  if (round_trip < 0)
    return;
  ist_clear_source (&self->pong_timer);
  /* The window's own are too many to be told of. */
  if (asked)
    self->round_trip = round_trip;
  channel_wake (self);
}

/* The WebSocket */

static void
on_message (SoupWebsocketConnection *websocket,
            SoupWebsocketDataType type,
            GBytes *data,
            gpointer user_data)
{
  g_autoptr (IstChannel) self = ist_channel_ref (user_data);

  if (self->closing || self->closed)
    return;
  if (type != SOUP_WEBSOCKET_DATA_BINARY)
    {
      g_autoptr (GError) error = NULL;

      g_set_error (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL, "The %s sent a text frame",
                   channel_get_peer (self));
      ist_channel_close (self, SOUP_WEBSOCKET_CLOSE_UNSUPPORTED_DATA, error->message, error);
      return;
    }
  if (self->delegate.received != NULL)
    self->delegate.received (self, data, self->user_data);
}

static void
on_closed (SoupWebsocketConnection *websocket,
           gpointer user_data)
{
  IstChannel *self = user_data;

  self->closed = TRUE;
  channel_stop_timers (self);
  channel_wake (self);
}

static gboolean
on_close_timeout (gpointer user_data)
{
  IstChannel *self = user_data;

  g_autoptr (GError) error = NULL;

  g_clear_pointer (&self->close_timer, g_source_unref);
  g_set_error (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED, "The %s did not finish closing in time",
               channel_get_peer (self));
  ist_metered_stream_abort (self->stream, error);
  return G_SOURCE_REMOVE;
}

/* libsoup gives the peer five seconds to close its socket, which is long for
 * somebody who waits to stop or to reconnect. */
static void
channel_await_close (IstChannel *self)
{
  if (self->close_timer == NULL && !self->closed)
    self->close_timer = channel_start_timer (self, CLOSE_TIMEOUT, on_close_timeout);
}

static void
on_error (SoupWebsocketConnection *websocket,
          GError *error,
          gpointer user_data)
{
  IstChannel *self = user_data;

  if (self->socket_error == NULL)
    self->socket_error = g_error_copy (error);
  /* It closes after errors, without saying so, and until then takes all that
   * comes for frames, each of them with an error of its own. */
  ist_metered_stream_wind_up (self->stream, TRUE);
  channel_await_close (self);
}

/* Either side began to close. */
static void
on_closing (SoupWebsocketConnection *websocket,
            gpointer user_data)
{
  IstChannel *self = user_data;

  ist_metered_stream_wind_up (self->stream, FALSE);
  channel_await_close (self);
}

IstChannel *
ist_channel_new (IstMeteredStream *stream,
                 GUri *uri,
                 SoupWebsocketConnectionType type,
                 const IstChannelDelegate *delegate,
                 gpointer user_data)
{
  IstChannel *self = g_new0 (IstChannel, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->context = g_main_context_ref_thread_default ();
  self->delegate = *delegate;
  self->user_data = user_data;
  self->lanes = g_hash_table_new_full (ist_lane_hash, ist_lane_equal, NULL, (GDestroyNotify) lane_free);
  self->services = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) service_free);
  g_queue_init (&self->turns);
  self->window = ist_flow_window_new ();
  self->round_trip = -1;
  self->is_client = type == SOUP_WEBSOCKET_CONNECTION_CLIENT;

  self->watch = ist_watch_new (self->context, on_woken, self);

  self->stream = g_object_ref (stream);
  ist_metered_stream_watch_frames (stream, on_frame_written, on_pong_read, self);
  self->websocket = soup_websocket_connection_new (G_IO_STREAM (stream), uri, type, NULL, NULL, NULL);
  soup_websocket_connection_set_max_incoming_payload_size (self->websocket, IST_WIRE_MAX_FRAME);
  g_signal_connect (self->websocket, "message", G_CALLBACK (on_message), self);
  g_signal_connect (self->websocket, "error", G_CALLBACK (on_error), self);
  g_signal_connect (self->websocket, "closing", G_CALLBACK (on_closing), self);
  g_signal_connect (self->websocket, "closed", G_CALLBACK (on_closed), self);
  return self;
}

IstChannel *
ist_channel_ref (IstChannel *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static gboolean
on_nothing (gpointer user_data)
{
  return G_SOURCE_REMOVE;
}

/* libsoup's own code may be on the stack, and goes on using its object. */
static void
websocket_unref_later (SoupWebsocketConnection *websocket,
                       GMainContext *context)
{
  g_autoptr (GSource) idle = g_idle_source_new ();

  g_source_set_priority (idle, G_PRIORITY_DEFAULT);
  g_source_set_callback (idle, on_nothing, g_object_ref (websocket), g_object_unref);
  g_source_attach (idle, context);
}

void
ist_channel_unref (IstChannel *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  ist_channel_disown (self);
  g_signal_handlers_disconnect_by_data (self->websocket, self);
  ist_metered_stream_watch_frames (self->stream, NULL, NULL, NULL);
  channel_stop_timers (self);
  ist_watch_free (self->watch);
  websocket_unref_later (self->websocket, self->context);
  g_object_unref (self->websocket);
  g_object_unref (self->stream);

  g_hash_table_unref (self->lanes);
  g_hash_table_unref (self->services);
  item_queue_clear (&self->in_flight);
  item_queue_clear (&self->failed);
  ist_flow_window_free (self->window);
  g_clear_error (&self->why);
  g_clear_error (&self->socket_error);
  g_main_context_unref (self->context);
  g_free (self);
}

void
ist_channel_disown (IstChannel *self)
{
  g_autoptr (GError) error = channel_make_closed_error ();

  self->delegate = (IstChannelDelegate){ 0 };
  if (!self->closed)
    ist_channel_abort (self, error);
}

void
ist_channel_set_keepalive (IstChannel *self,
                           guint interval,
                           guint pong_timeout)
{
  self->pong_timeout = pong_timeout;
  g_clear_pointer (&self->pings, ist_beat_free);
  if (interval == 0)
    return;
  self->pings = ist_beat_new (self->context, interval, on_ping_due, self);
  channel_ping (self);
}

void
ist_channel_network_changed (IstChannel *self)
{
  if (self->closing || self->closed)
    return;
  switch (ist_metered_stream_check_route (self->stream))
    {
    case IST_ROUTE_NONE:
      break;
    case IST_ROUTE_LOST:
      channel_abort_with (self, IST_TUNNEL_ERROR_DISCONNECTED,
                          "The WebSocket was lost: its address is no more one of this machine's");
      break;
    case IST_ROUTE_SAME:
    default:
      ist_clear_source (&self->probe_timer);
      self->probe_timer = channel_start_timer (self, PROBE_TIMEOUT, on_probe_timeout);
      self->bytes_read_at_probe = ist_metered_stream_get_bytes_read (self->stream);
      channel_ping (self);
    }
}

void
ist_channel_bound_delay (IstChannel *self)
{
  self->bounded = TRUE;
}

gsize
ist_channel_get_piece_size (IstChannel *self)
{
  return self->bounded ? ist_flow_window_get_piece_size (self->window, g_get_monotonic_time ()) : MAX_BATCH;
}

void
ist_channel_set_split (IstChannel *self,
                       gsize size)
{
  self->split = size;
}

void
ist_channel_send (IstChannel *self,
                  IstLane lane,
                  gboolean barrier,
                  IstMessage *message,
                  gsize encoded_size,
                  gpointer tag)
{
  Item *item = item_new (tag, encoded_size);

  /* Peers leave what follows a start in its frame until the next one comes, and
   * those of V1 know no frame with more than one message. */
  item->alone = ist_message_get_message_type (message) != IST_MESSAGE_TYPE_DATA ||
                (ist_message_get_service_id (message) == NULL && ist_message_get_connection_id (message) == 0);
  item->message = message;
  channel_enqueue (self, lane, barrier, item);
}

void
ist_channel_send_bytes (IstChannel *self,
                        IstLane lane,
                        GBytes *bytes,
                        gpointer tag)
{
  Item *item = item_new (tag, g_bytes_get_size (bytes));

  item->alone = TRUE;
  item->bytes = g_bytes_ref (bytes);
  channel_enqueue (self, lane, FALSE, item);
}

/* Fails what waits for a barrier of a service and is of @lane, or of all lanes of
 * its stream. Barriers are about the stream, not about one connection in it. */
static void
service_cancel_held (IstChannel *self,
                     Service *service,
                     const IstLane *lane,
                     gboolean whole_stream,
                     const GError *why)
{
  ItemQueue held = service->held;
  Item *item;

  service->held = (ItemQueue){ 0 };
  while ((item = item_queue_pop (&held)) != NULL)
    {
      if (item->lane.stream == lane->stream &&
          (whole_stream || (!item->barrier && item->lane.connection == lane->connection)))
        channel_fail_item (self, item, why);
      else
        item_queue_push (&service->held, item);
    }
}

/* Fails what is in a lane; returns how many items that were. */
static guint
lane_cancel (IstChannel *self,
             Lane *lane,
             const GError *why)
{
  Item *item;
  guint n_items = 0;

  while ((item = item_queue_pop (&lane->items)) != NULL)
    {
      n_items++;
      channel_fail_item (self, item, why);
    }
  lane_remove (self, lane);
  return n_items;
}

void
ist_channel_cancel_lane (IstChannel *self,
                         IstLane key,
                         const GError *why)
{
  Lane *lane = g_hash_table_lookup (self->lanes, &key);
  Service *service = g_hash_table_lookup (self->services, GUINT_TO_POINTER (key.service));

  if (service == NULL)
    return;

  service_cancel_held (self, service, &key, FALSE, why);
  service_forget_items (self, key.service, lane != NULL ? lane_cancel (self, lane, why) : 0);
}

void
ist_channel_cancel_stream (IstChannel *self,
                           IstLane key,
                           const GError *why)
{
  Service *service = g_hash_table_lookup (self->services, GUINT_TO_POINTER (key.service));
  GList *link = self->turns.head;
  guint n_items = 0;

  if (service == NULL)
    return;

  service_cancel_held (self, service, &key, TRUE, why);
  while (link != NULL)
    {
      Lane *lane = link->data;

      link = link->next;
      if (lane->key.service == key.service && lane->key.stream == key.stream)
        n_items += lane_cancel (self, lane, why);
    }
  service_forget_items (self, key.service, n_items);
}

gboolean
ist_channel_is_open (IstChannel *self)
{
  return !self->closing && !self->closed;
}

gsize
ist_channel_get_queued (IstChannel *self)
{
  return self->queued;
}

void
ist_channel_set_paused (IstChannel *self,
                        gboolean paused)
{
  /* The peer's answer to a close must be read. */
  paused = paused && !self->closing;
  if (self->paused == paused)
    return;
  self->paused = paused;
  ist_metered_stream_set_paused (self->stream, paused);
  ist_flow_window_set_deaf (self->window, paused);
  ist_clear_source (&self->window_timer);
  channel_wake (self);
  /* The time in which we did not listen does not count. */
  if (!paused && self->pong_timer != NULL)
    channel_restart_pong_timer (self);
}

guint64
ist_channel_get_bytes_read (IstChannel *self)
{
  return ist_metered_stream_get_bytes_read (self->stream);
}

guint64
ist_channel_get_bytes_written (IstChannel *self)
{
  return ist_metered_stream_get_bytes_written (self->stream);
}

void
ist_channel_close (IstChannel *self,
                   guint16 code,
                   const char *reason,
                   const GError *why)
{
  g_autoptr (GError) lost = why != NULL ? g_error_copy (why) : channel_make_closed_error ();

  if (self->closing || self->closed)
    return;
  self->closing = TRUE;
  ist_metered_stream_wind_up (self->stream, FALSE);
  if (why != NULL)
    self->why = g_error_copy (why);
  channel_fail_all (self, lost);

  /* The peer's answer may be behind whatever made us pause. */
  ist_channel_set_paused (self, FALSE);
  if (soup_websocket_connection_get_state (self->websocket) != SOUP_WEBSOCKET_STATE_OPEN)
    return;
  g_main_context_push_thread_default (self->context);
  soup_websocket_connection_close (self->websocket, code, reason);
  g_main_context_pop_thread_default (self->context);
}

void
ist_channel_abort (IstChannel *self,
                   const GError *why)
{
  if (self->closed)
    return;
  /* After a close by us its outcome was already decided. */
  if (self->why == NULL && !self->closing)
    self->why = g_error_copy (why);
  self->closing = TRUE;
  channel_fail_all (self, why);
  ist_metered_stream_abort (self->stream, why);
}
