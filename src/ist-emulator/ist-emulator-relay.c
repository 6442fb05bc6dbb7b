/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-relay-private.h"

#include <string.h>

#include "common/ist-source-private.h"
#include "ist-emulator/ist-emulator-streams-private.h"
#include "ist-emulator/ist-emulator-throttle-private.h"
#include "ist/protocol/ist-wire-private.h"
#include "ist/transport/ist-channel-private.h"

/* A client is no longer read when this much waits for the other one, and is read
 * again when the wait is over. A frame may still come on top. */
#define QUEUE_HIGH (512 * 1024)
#define QUEUE_LOW (256 * 1024)

/* So many milliseconds after one side may be read again, the other may. */
#define TURN_TIME 1

/* Bytes that a Close frame has for it. */
#define MAX_CLOSE_REASON 123

/* The tunnel is one stream of bytes towards each client: what the service lets
 * pass keeps its order. */
#define RELAY_LANE ((IstLane){ 0, 0 })

/* One WebSocket. It outlives its place in the relay until it has said goodbye. */
typedef struct
{
  grefcount ref_count;
  IstEmulatorRelay *relay; /* NULL when the client has left its side */
  IstMode side;
  IstMeteredStream *stream;
  IstChannel *channel;
  IstWireDecoder *decoder;
  GDestroyNotify gone;
  gpointer gone_data;
} Client;

typedef struct
{
  gint64 due; /* monotonic time */
  GBytes *bytes;
} Delayed;

typedef struct
{
  GMainContext *context; /* the relay's */
  Client *client;
  gboolean backed_up; /* the queue towards the other side is long */
  gboolean paused;    /* what the client's channel was told */
  GQueue delayed;     /* of Delayed, towards this side */
  gsize delayed_size;
  GSource *delay_source;

  gboolean stalled;
  gboolean omit_service_ids;
  guint delay_ms;
  gsize frame_size;
} Side;

struct _IstEmulatorRelay
{
  GMainContext *context;
  const IstEmulatorRelayDelegate *delegate;
  gpointer user_data;
  IstEmulatorStreams *streams;
  IstEmulatorThrottle *throttle; /* of what is read from both sides together */
  IstMode read_last;             /* the other side is first when a debt is paid off */
  GSource *turn;                 /* not NULL: it still is */
  Side sides[2];
};

/* Neighbouring messages of one frame, to be passed on as one piece of it. */
typedef struct
{
  GBytes *frame;
  const guint8 *data;
  gsize size;
  gsize start;
  gsize end;
} Run;

static Client *
client_ref (Client *self)
{
  g_ref_count_inc (&self->ref_count);
  return self;
}

static void
client_unref (Client *self)
{
  if (!g_ref_count_dec (&self->ref_count))
    return;

  g_clear_pointer (&self->channel, ist_channel_unref);
  g_clear_object (&self->stream);
  g_clear_pointer (&self->decoder, ist_wire_decoder_free);
  self->gone (self->gone_data);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Client, client_unref)

static void
delayed_free (gpointer data)
{
  Delayed *delayed = data;

  g_bytes_unref (delayed->bytes);
  g_free (delayed);
}

gsize
ist_emulator_relay_get_queued (IstEmulatorRelay *self,
                               IstMode side)
{
  Side *to = &self->sides[side];

  if (to->client == NULL)
    return 0;
  return to->delayed_size + ist_channel_get_queued (to->client->channel);
}

static void
relay_update_pause (IstEmulatorRelay *self,
                    IstMode side)
{
  Side *from = &self->sides[side];
  gsize queued = ist_emulator_relay_get_queued (self, ist_emulator_other_side (side));
  gboolean pause;

  if (queued > QUEUE_HIGH)
    from->backed_up = TRUE;
  else if (queued <= QUEUE_LOW)
    from->backed_up = FALSE;

  pause = from->stalled || from->backed_up || ist_emulator_throttle_is_in_debt (self->throttle) ||
          (self->turn != NULL && side == self->read_last);
  if (from->client == NULL || from->paused == pause)
    return;
  from->paused = pause;
  ist_channel_set_paused (from->client->channel, pause);
}

static gboolean
on_turn_over (gpointer user_data)
{
  IstEmulatorRelay *self = user_data;

  ist_clear_source (&self->turn);
  relay_update_pause (self, IST_MODE_SOURCE);
  relay_update_pause (self, IST_MODE_DESTINATION);
  return G_SOURCE_REMOVE;
}

/* A side that always has something to be read would leave nothing to the other. */
static void
on_throttle_paid_off (gpointer user_data)
{
  IstEmulatorRelay *self = user_data;

  ist_clear_source (&self->turn);
  self->turn = g_timeout_source_new (TURN_TIME);
  g_source_set_callback (self->turn, on_turn_over, self, NULL);
  g_source_attach (self->turn, self->context);
  relay_update_pause (self, ist_emulator_other_side (self->read_last));
}

static void side_arm_delay (Side *to);

static void
side_send_due (Side *to)
{
  gint64 now = g_get_monotonic_time ();
  Delayed *delayed;

  while ((delayed = g_queue_peek_head (&to->delayed)) != NULL && delayed->due <= now)
    {
      to->delayed_size -= g_bytes_get_size (delayed->bytes);
      ist_channel_send_bytes (to->client->channel, RELAY_LANE, delayed->bytes, NULL);
      delayed_free (g_queue_pop_head (&to->delayed));
    }
  side_arm_delay (to);
}

static gboolean
on_delay_over (gpointer user_data)
{
  Side *to = user_data;

  ist_clear_source (&to->delay_source);
  side_send_due (to);
  return G_SOURCE_REMOVE;
}

static void
side_arm_delay (Side *to)
{
  Delayed *first = g_queue_peek_head (&to->delayed);

  if (first == NULL || to->delay_source != NULL)
    return;

  to->delay_source = g_timeout_source_new (0);
  g_source_set_ready_time (to->delay_source, first->due);
  g_source_set_callback (to->delay_source, on_delay_over, to, NULL);
  g_source_attach (to->delay_source, to->context);
}

static void
side_clear_delayed (Side *to)
{
  g_queue_clear_full (&to->delayed, delayed_free);
  to->delayed_size = 0;
  ist_clear_source (&to->delay_source);
}

void
ist_emulator_relay_send (IstEmulatorRelay *self,
                         IstMode side,
                         GBytes *bytes)
{
  Side *to = &self->sides[side];
  Delayed *delayed;

  if (to->client == NULL)
    return;

  if (to->delay_ms == 0 && g_queue_is_empty (&to->delayed))
    {
      ist_channel_send_bytes (to->client->channel, RELAY_LANE, bytes, NULL);
      return;
    }

  delayed = g_new (Delayed, 1);
  delayed->due = g_get_monotonic_time () + (gint64) to->delay_ms * 1000;
  delayed->bytes = g_bytes_ref (bytes);
  g_queue_push_tail (&to->delayed, delayed);
  to->delayed_size += g_bytes_get_size (bytes);
  side_arm_delay (to);
}

static void
relay_send_message (IstEmulatorRelay *self,
                    IstMode side,
                    IstMessage *message)
{
  g_autoptr (GByteArray) array = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (self->sides[side].client == NULL)
    return;

  array = g_byte_array_sized_new (ist_wire_get_encoded_size (message));
  ist_wire_encode (message, array);
  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&array));
  ist_emulator_relay_send (self, side, bytes);
}

/* Takes the client from its side; its channel is for the caller to end. */
static Client *
relay_detach (IstEmulatorRelay *self,
              IstMode side)
{
  Side *from = &self->sides[side];
  Client *client = g_steal_pointer (&from->client);
  g_autoptr (GPtrArray) farewell = ist_emulator_streams_leave (self->streams, side);

  client->relay = NULL;
  from->paused = FALSE;
  side_clear_delayed (from);
  for (guint i = 0; i < farewell->len; i++)
    relay_send_message (self, ist_emulator_other_side (side), g_ptr_array_index (farewell, i));
  relay_update_pause (self, ist_emulator_other_side (side));
  return client;
}

static void
client_say_goodbye (Client *self,
                    guint16 code,
                    const char *reason)
{
  g_autofree char *valid = g_utf8_make_valid (reason != NULL ? reason : "", -1);
  char *end = valid + MIN (strlen (valid), MAX_CLOSE_REASON);

  if (*end != '\0' && (*end & 0xc0) == 0x80)
    end = g_utf8_find_prev_char (valid, end);
  *end = '\0';
  ist_channel_close (self->channel, code, valid, NULL);
}

gboolean
ist_emulator_relay_close (IstEmulatorRelay *self,
                          IstMode side,
                          guint16 code,
                          const char *reason,
                          const GError *why)
{
  Client *client;

  if (self->sides[side].client == NULL)
    return FALSE;

  /* It lives until its channel is closed. */
  client = relay_detach (self, side);
  client_say_goodbye (client, code, reason);
  self->delegate->disconnected (side, why, self->user_data);
  return TRUE;
}

gboolean
ist_emulator_relay_drop (IstEmulatorRelay *self,
                         IstMode side)
{
  g_autoptr (GError) why = NULL;
  Client *client;

  if (self->sides[side].client == NULL)
    return FALSE;

  client = relay_detach (self, side);
  why = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED, "Dropped");
  ist_channel_abort (client->channel, why);
  self->delegate->disconnected (side, NULL, self->user_data);
  return TRUE;
}

static void
relay_fail (IstEmulatorRelay *self,
            IstMode side,
            const char *reason)
{
  g_autoptr (GError) error = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL, reason);

  ist_emulator_relay_close (self, side, SOUP_WEBSOCKET_CLOSE_PROTOCOL_ERROR, reason, error);
}

static void
run_flush (Run *run,
           IstEmulatorRelay *self,
           IstMode to)
{
  g_autoptr (GBytes) bytes = NULL;

  if (run->start == run->end)
    return;

  bytes = g_bytes_new_from_bytes (run->frame, run->start, run->end - run->start);
  run->start = run->end;
  ist_emulator_relay_send (self, to, bytes);
}

static void
run_add (Run *run,
         IstEmulatorRelay *self,
         IstMode to,
         GBytes *raw)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (raw, &size);

  if (data < run->data || data + size > run->data + run->size)
    {
      /* Put together from two frames. */
      run_flush (run, self, to);
      ist_emulator_relay_send (self, to, raw);
      return;
    }

  if (run->start == run->end || data != run->data + run->end)
    {
      run_flush (run, self, to);
      run->start = data - run->data;
    }
  run->end = data - run->data + size;
}

/* One whole message. FALSE when the client is gone afterwards. */
static gboolean
relay_take_message (Client *client,
                    IstMessage *message,
                    GBytes *raw,
                    gboolean trace,
                    Run *run)
{
  IstEmulatorRelay *self = client->relay;
  IstMode to = ist_emulator_other_side (client->side);
  const char *violation;
  gboolean pass;

  violation = ist_emulator_streams_take (self->streams, client->side, message, &pass);
  if (violation != NULL)
    {
      run_flush (run, self, to);
      relay_fail (self, client->side, violation);
      return FALSE;
    }

  if (pass)
    run_add (run, self, to, raw);
  if (trace)
    self->delegate->message (client->side, message, self->user_data);
  return client->relay != NULL;
}

static void
on_channel_received (IstChannel *channel,
                     GBytes *data,
                     gpointer user_data)
{
  g_autoptr (Client) client = client_ref (user_data);
  IstMode to = ist_emulator_other_side (client->side);
  Run run = { .frame = data };
  gboolean trace;

  if (client->relay == NULL)
    return;

  run.data = g_bytes_get_data (data, &run.size);
  client->relay->delegate->received (client->side, run.size, client->relay->user_data);
  ist_emulator_throttle_spend (client->relay->throttle, run.size);
  client->relay->read_last = client->side;
  relay_update_pause (client->relay, to);
  trace = client->relay->delegate->wants_messages (client->relay->user_data);
  ist_wire_decoder_feed (client->decoder, data);
  while (TRUE)
    {
      g_autoptr (IstMessage) message = NULL;
      g_autoptr (GBytes) raw = NULL;
      g_autoptr (GError) error = NULL;

      if (!ist_wire_decoder_next (client->decoder, &message, &raw, &error))
        {
          run_flush (&run, client->relay, to);
          relay_fail (client->relay, client->side, error->message);
          return;
        }
      if (message == NULL)
        break;
      if (!relay_take_message (client, message, raw, trace, &run))
        return;
    }

  run_flush (&run, client->relay, to);
  relay_update_pause (client->relay, client->side);
}

static void
on_channel_drained (IstChannel *channel,
                    gpointer user_data)
{
  Client *client = user_data;

  if (client->relay != NULL)
    relay_update_pause (client->relay, ist_emulator_other_side (client->side));
}

static void
on_channel_closed (IstChannel *channel,
                   const GError *error,
                   gpointer user_data)
{
  Client *client = user_data;
  IstEmulatorRelay *relay = client->relay;

  if (relay != NULL)
    {
      relay_detach (relay, client->side);
      relay->delegate->disconnected (client->side, error, relay->user_data);
    }
  client_unref (client);
}

static const IstChannelDelegate channel_delegate = {
  .received = on_channel_received,
  .drained = on_channel_drained,
  .closed = on_channel_closed,
};

IstEmulatorRelay *
ist_emulator_relay_new (const IstEmulatorRelayDelegate *delegate,
                        gpointer user_data)
{
  const char *const none[] = { NULL };
  IstEmulatorRelay *self = g_new0 (IstEmulatorRelay, 1);

  self->context = g_main_context_ref_thread_default ();
  self->delegate = delegate;
  self->user_data = user_data;
  self->streams = ist_emulator_streams_new (none);
  self->throttle = ist_emulator_throttle_new (on_throttle_paid_off, self);
  for (int side = IST_MODE_SOURCE; side <= IST_MODE_DESTINATION; side++)
    {
      self->sides[side].context = self->context;
      g_queue_init (&self->sides[side].delayed);
    }
  return self;
}

void
ist_emulator_relay_free (IstEmulatorRelay *self)
{
  for (int side = IST_MODE_SOURCE; side <= IST_MODE_DESTINATION; side++)
    if (self->sides[side].client != NULL)
      client_say_goodbye (relay_detach (self, side), SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "Service is going away");
  ist_clear_source (&self->turn);
  ist_emulator_throttle_free (self->throttle);
  ist_emulator_streams_free (self->streams);
  g_main_context_unref (self->context);
  g_free (self);
}

void
ist_emulator_relay_set_services (IstEmulatorRelay *self,
                                 const char *const *services)
{
  g_return_if_fail (self->sides[IST_MODE_SOURCE].client == NULL &&
                    self->sides[IST_MODE_DESTINATION].client == NULL);

  ist_emulator_streams_free (self->streams);
  self->streams = ist_emulator_streams_new (services);
}

gboolean
ist_emulator_relay_attach (IstEmulatorRelay *self,
                           IstMode side,
                           GIOStream *stream,
                           GUri *uri,
                           GDestroyNotify gone,
                           gpointer gone_data)
{
  g_autoptr (IstMessage) service_ids = NULL;
  Side *at = &self->sides[side];
  IstMeteredStream *metered;
  Client *client;

  /* These take the thread-default context of the moment, which is the caller's. */
  g_main_context_push_thread_default (self->context);
  metered = ist_metered_stream_new (stream, NULL);
  if (metered == NULL)
    {
      g_main_context_pop_thread_default (self->context);
      return FALSE;
    }
  client = g_new0 (Client, 1);
  g_ref_count_init (&client->ref_count);
  client->relay = self;
  client->side = side;
  client->gone = gone;
  client->gone_data = gone_data;
  client->decoder = ist_wire_decoder_new (TRUE);
  client->stream = metered;
  client->channel = ist_channel_new (client->stream, uri, SOUP_WEBSOCKET_CONNECTION_SERVER,
                                     &channel_delegate, client);
  g_main_context_pop_thread_default (self->context);
  ist_channel_set_split (client->channel, at->frame_size);

  at->client = client;
  ist_emulator_streams_join (self->streams, side);
  relay_update_pause (self, side);
  if (!at->omit_service_ids)
    {
      service_ids = ist_message_new_service_ids (ist_emulator_streams_get_services (self->streams));
      relay_send_message (self, side, service_ids);
    }
  self->delegate->connected (side, self->user_data);
  return TRUE;
}

gboolean
ist_emulator_relay_is_connected (IstEmulatorRelay *self,
                                 IstMode side)
{
  return self->sides[side].client != NULL;
}

void
ist_emulator_relay_reset_session (IstEmulatorRelay *self)
{
  g_autoptr (IstMessage) message = NULL;

  message = ist_message_new_full (IST_MESSAGE_TYPE_SESSION_RESET, NULL, 0, 0, FALSE, NULL);
  ist_emulator_streams_reset (self->streams);
  relay_send_message (self, IST_MODE_SOURCE, message);
  relay_send_message (self, IST_MODE_DESTINATION, message);
}

gboolean
ist_emulator_relay_send_raw (IstEmulatorRelay *self,
                             IstMode side,
                             const guint8 *data,
                             gsize length,
                             GError **error)
{
  Client *client = self->sides[side].client;
  GPollableOutputStream *output;
  gssize written;

  if (ist_emulator_relay_get_queued (self, side) > 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "Other frames are being sent");
      return FALSE;
    }

  output = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (G_IO_STREAM (client->stream)));
  written = g_pollable_output_stream_write_nonblocking (output, data, length, NULL, error);
  if (written < 0)
    return FALSE;
  if ((gsize) written < length)
    {
      /* Half a frame would go before whatever is sent next. */
      ist_emulator_relay_drop (self, side);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The client takes no more; it was dropped");
      return FALSE;
    }
  return TRUE;
}

void
ist_emulator_relay_set_stalled (IstEmulatorRelay *self,
                                IstMode side,
                                gboolean stalled)
{
  self->sides[side].stalled = stalled;
  relay_update_pause (self, side);
}

void
ist_emulator_relay_set_delay_ms (IstEmulatorRelay *self,
                                 IstMode side,
                                 guint milliseconds)
{
  self->sides[side].delay_ms = milliseconds;
}

void
ist_emulator_relay_set_frame_size (IstEmulatorRelay *self,
                                   IstMode side,
                                   gsize size)
{
  self->sides[side].frame_size = size;
  if (self->sides[side].client != NULL)
    ist_channel_set_split (self->sides[side].client->channel, size);
}

void
ist_emulator_relay_set_omit_service_ids (IstEmulatorRelay *self,
                                         IstMode side,
                                         gboolean omit)
{
  self->sides[side].omit_service_ids = omit;
}

void
ist_emulator_relay_set_bandwidth (IstEmulatorRelay *self,
                                  guint bytes_per_second)
{
  ist_emulator_throttle_set_bandwidth (self->throttle, bytes_per_second);
  relay_update_pause (self, IST_MODE_SOURCE);
  relay_update_pause (self, IST_MODE_DESTINATION);
}
