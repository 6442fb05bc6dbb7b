/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-relay-private.h"

#include <string.h>

#include "ist/protocol/ist-wire-private.h"
#include "ist/transport/ist-channel-private.h"

/* A client is no longer read when this much waits for the other one, and is read
 * again when the wait is over. A frame may still come on top. */
#define QUEUE_HIGH (512 * 1024)
#define QUEUE_LOW (256 * 1024)

/* How long nothing must have been sent for the most to be sent at once, in
 * microseconds. Short, so that a transfer is even. */
#define BURST_TIME (G_USEC_PER_SEC / 20)

/* Bytes that a Close frame has for it. */
#define MAX_CLOSE_REASON 123

/* The tunnel is one stream of bytes towards each client: what the service lets
 * pass keeps its order. */
#define RELAY_LANE ((IstLane){ 0, 0 })

/* The active stream of a service, as the source started it. */
typedef struct
{
  gboolean active;
  int stream_id;
  gboolean has_service;
  gboolean has_connection;
} Stream;

/* One WebSocket. It outlives its place in the relay until it has said goodbye. */
typedef struct
{
  grefcount ref_count;
  IstEmulatorRelay *relay; /* NULL when the client has left its side */
  IstMode side;
  IstMeteredStream *stream;
  IstChannel *channel;
  IstWireDecoder *decoder;
  /* For each service, whether a stream of it ever started on this WebSocket. It
   * stays set when the stream ends: the other side's data may be under way. */
  gboolean *started;
} Client;

typedef struct
{
  gint64 due; /* monotonic time */
  GBytes *bytes;
} Delayed;

typedef struct
{
  Client *client;
  gboolean backed_up; /* the queue towards the other side is long */
  gboolean paused;    /* what the client's channel was told */
  GQueue delayed;     /* of Delayed, towards this side */
  gsize delayed_size;
  GSource *delay_source;

  gboolean stalled;
  gboolean omit_service_ids;
  guint delay; /* milliseconds */
  gsize frame_size;
} Side;

struct _IstEmulatorRelay
{
  const IstEmulatorRelayDelegate *delegate;
  gpointer user_data;
  char **services;
  GHashTable *indices; /* service -> index in services and streams */
  guint n_services;
  /* One for each service, and a last one for the V1 stream of a tunnel that has
   * none or several. */
  Stream *streams;
  guint last_index; /* the one looked up last; messages come in runs */
  Side sides[2];

  /* A token bucket: what may still be read from both sides together. A frame is
   * read as a whole, so it may be in debt; then nobody is read until it has been
   * paid off. */
  guint bandwidth; /* bytes per second, 0 for no limit */
  double allowance;
  gint64 allowance_time; /* monotonic time of the last change */
  GSource *debt_source;  /* not NULL: in debt */
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

static IstMode
other_side (IstMode side)
{
  return side == IST_MODE_SOURCE ? IST_MODE_DESTINATION : IST_MODE_SOURCE;
}

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
  g_free (self->started);
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
update_pause (IstEmulatorRelay *self,
              IstMode side)
{
  Side *from = &self->sides[side];
  gsize queued = ist_emulator_relay_get_queued (self, other_side (side));
  gboolean pause;

  if (queued > QUEUE_HIGH)
    from->backed_up = TRUE;
  else if (queued <= QUEUE_LOW)
    from->backed_up = FALSE;

  pause = from->stalled || from->backed_up || self->debt_source != NULL;
  if (from->client == NULL || from->paused == pause)
    return;
  from->paused = pause;
  ist_channel_set_paused (from->client->channel, pause);
}

static void
clear_debt (IstEmulatorRelay *self)
{
  if (self->debt_source != NULL)
    g_source_destroy (self->debt_source);
  g_clear_pointer (&self->debt_source, g_source_unref);
}

static gboolean
debt_over (gpointer user_data)
{
  IstEmulatorRelay *self = user_data;

  clear_debt (self);
  update_pause (self, IST_MODE_SOURCE);
  update_pause (self, IST_MODE_DESTINATION);
  return G_SOURCE_REMOVE;
}

/* Takes what was read from the bucket. */
static void
spend (IstEmulatorRelay *self,
       gsize size)
{
  gint64 now;
  double most;

  if (self->bandwidth == 0)
    return;

  now = g_get_monotonic_time ();
  most = (double) self->bandwidth * BURST_TIME / G_USEC_PER_SEC;
  self->allowance += (double) self->bandwidth * (now - self->allowance_time) / G_USEC_PER_SEC;
  self->allowance = MIN (self->allowance, most) - size;
  self->allowance_time = now;
  if (self->allowance >= 0)
    return;

  if (self->debt_source == NULL)
    {
      self->debt_source = g_timeout_source_new (0);
      g_source_set_callback (self->debt_source, debt_over, self, NULL);
      g_source_attach (self->debt_source, g_main_context_get_thread_default ());
    }
  g_source_set_ready_time (self->debt_source,
                           now + (gint64) (-self->allowance * G_USEC_PER_SEC / self->bandwidth));
  update_pause (self, IST_MODE_SOURCE);
  update_pause (self, IST_MODE_DESTINATION);
}

static void arm_delay (IstEmulatorRelay *self, IstMode side);

static void
send_due (IstEmulatorRelay *self,
          IstMode side)
{
  Side *to = &self->sides[side];
  gint64 now = g_get_monotonic_time ();
  Delayed *delayed;

  while ((delayed = g_queue_peek_head (&to->delayed)) != NULL && delayed->due <= now)
    {
      to->delayed_size -= g_bytes_get_size (delayed->bytes);
      ist_channel_send_bytes (to->client->channel, RELAY_LANE, delayed->bytes, NULL);
      delayed_free (g_queue_pop_head (&to->delayed));
    }
  arm_delay (self, side);
}

static gboolean
source_delay_over (gpointer user_data)
{
  IstEmulatorRelay *self = user_data;

  g_clear_pointer (&self->sides[IST_MODE_SOURCE].delay_source, g_source_unref);
  send_due (self, IST_MODE_SOURCE);
  return G_SOURCE_REMOVE;
}

static gboolean
destination_delay_over (gpointer user_data)
{
  IstEmulatorRelay *self = user_data;

  g_clear_pointer (&self->sides[IST_MODE_DESTINATION].delay_source, g_source_unref);
  send_due (self, IST_MODE_DESTINATION);
  return G_SOURCE_REMOVE;
}

static void
arm_delay (IstEmulatorRelay *self,
           IstMode side)
{
  Side *to = &self->sides[side];
  Delayed *first = g_queue_peek_head (&to->delayed);

  if (first == NULL || to->delay_source != NULL)
    return;

  to->delay_source = g_timeout_source_new (0);
  g_source_set_ready_time (to->delay_source, first->due);
  g_source_set_callback (to->delay_source,
                         side == IST_MODE_SOURCE ? source_delay_over : destination_delay_over, self, NULL);
  g_source_attach (to->delay_source, g_main_context_get_thread_default ());
}

static void
clear_delayed (Side *to)
{
  g_queue_clear_full (&to->delayed, delayed_free);
  to->delayed_size = 0;
  if (to->delay_source != NULL)
    g_source_destroy (to->delay_source);
  g_clear_pointer (&to->delay_source, g_source_unref);
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

  if (to->delay == 0 && g_queue_is_empty (&to->delayed))
    {
      ist_channel_send_bytes (to->client->channel, RELAY_LANE, bytes, NULL);
      return;
    }

  delayed = g_new (Delayed, 1);
  delayed->due = g_get_monotonic_time () + (gint64) to->delay * 1000;
  delayed->bytes = g_bytes_ref (bytes);
  g_queue_push_tail (&to->delayed, delayed);
  to->delayed_size += g_bytes_get_size (bytes);
  arm_delay (self, side);
}

static void
send_message (IstEmulatorRelay *self,
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

/* Ends the streams that @side still believes in, each in its own form. */
static void
reset_streams (IstEmulatorRelay *self,
               IstMode side)
{
  for (guint i = 0; i <= self->n_services; i++)
    {
      Stream *stream = &self->streams[i];
      g_autoptr (IstMessage) message = NULL;

      if (!stream->active)
        continue;

      stream->active = FALSE;
      message = ist_message_new_full (IST_MESSAGE_TYPE_STREAM_RESET,
                                      stream->has_service ? self->services[i] : NULL,
                                      stream->stream_id,
                                      stream->has_connection ? 1 : 0,
                                      FALSE, NULL);
      send_message (self, side, message);
    }
}

/* Takes the client from its side; its channel is for the caller to end. */
static Client *
detach (IstEmulatorRelay *self,
        IstMode side)
{
  Side *from = &self->sides[side];
  Client *client = g_steal_pointer (&from->client);

  client->relay = NULL;
  from->paused = FALSE;
  clear_delayed (from);
  reset_streams (self, other_side (side));
  update_pause (self, other_side (side));
  return client;
}

static void
close_channel (IstChannel *channel,
               guint16 code,
               const char *reason)
{
  g_autofree char *valid = g_utf8_make_valid (reason != NULL ? reason : "", -1);
  char *end = valid + MIN (strlen (valid), MAX_CLOSE_REASON);

  if (*end != '\0' && (*end & 0xc0) == 0x80)
    end = g_utf8_find_prev_char (valid, end);
  *end = '\0';
  ist_channel_close (channel, code, valid, NULL);
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
  client = detach (self, side);
  close_channel (client->channel, code, reason);
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

  client = detach (self, side);
  why = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED, "Dropped");
  ist_channel_abort (client->channel, why);
  self->delegate->disconnected (side, NULL, self->user_data);
  return TRUE;
}

static void
fail (IstEmulatorRelay *self,
      IstMode side,
      const char *reason)
{
  g_autoptr (GError) error = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL, reason);

  ist_emulator_relay_close (self, side, SOUP_WEBSOCKET_CLOSE_PROTOCOL_ERROR, reason, error);
}

/* FALSE if the tunnel has no such service. */
static gboolean
find_service (IstEmulatorRelay *self,
              const char *service,
              guint *index)
{
  gpointer value;

  if (service == NULL)
    {
      *index = self->n_services == 1 ? 0 : self->n_services;
      return TRUE;
    }
  if (self->last_index < self->n_services && strcmp (self->services[self->last_index], service) == 0)
    {
      *index = self->last_index;
      return TRUE;
    }
  if (!g_hash_table_lookup_extended (self->indices, service, NULL, &value))
    return FALSE;

  *index = self->last_index = GPOINTER_TO_UINT (value);
  return TRUE;
}

/* What the service enforces: NULL, or why the WebSocket must be closed. */
static const char *
check_message (IstEmulatorRelay *self,
               Client *client,
               const IstMessage *message,
               guint *index,
               gboolean *pass)
{
  IstMessageType type = ist_message_get_message_type (message);
  GBytes *payload = ist_message_get_payload (message);

  *pass = TRUE;
  if (g_bytes_get_size (payload) > IST_WIRE_MAX_PAYLOAD)
    return "Payload too large";

  switch (type)
    {
    case IST_MESSAGE_TYPE_STREAM_START:
    case IST_MESSAGE_TYPE_CONNECTION_START:
      if (client->side == IST_MODE_DESTINATION)
        return type == IST_MESSAGE_TYPE_STREAM_START ? "STREAM_START from the destination"
                                                     : "CONNECTION_START from the destination";
      break;

    case IST_MESSAGE_TYPE_DATA:
    case IST_MESSAGE_TYPE_STREAM_RESET:
    case IST_MESSAGE_TYPE_CONNECTION_RESET:
      break;

    case IST_MESSAGE_TYPE_SESSION_RESET:
      return "SESSION_RESET from a client";

    case IST_MESSAGE_TYPE_SERVICE_IDS:
      return "SERVICE_IDS from a client";

    case IST_MESSAGE_TYPE_UNKNOWN:
    default:
      *pass = FALSE;
      return type != IST_MESSAGE_TYPE_UNKNOWN && ist_message_get_ignorable (message) ? NULL
                                                                                     : "Unknown message type";
    }

  if (ist_message_get_stream_id (message) == 0)
    return "Stream id 0";
  if (!find_service (self, ist_message_get_service_id (message), index))
    return "No such service in this tunnel";
  if (type == IST_MESSAGE_TYPE_DATA && !client->started[*index])
    return "DATA for a service without a started stream";
  return NULL;
}

static void
note_streams (IstEmulatorRelay *self,
              Client *client,
              const IstMessage *message,
              guint index)
{
  IstMessageType type = ist_message_get_message_type (message);
  Stream *stream = &self->streams[index];
  Client *peer = self->sides[other_side (client->side)].client;

  if (type == IST_MESSAGE_TYPE_STREAM_START)
    {
      client->started[index] = TRUE;
      if (peer == NULL)
        return;
      peer->started[index] = TRUE;
      stream->active = TRUE;
      stream->stream_id = ist_message_get_stream_id (message);
      stream->has_service = ist_message_get_service_id (message) != NULL;
      stream->has_connection = ist_message_get_connection_id (message) != 0;
    }
  else if (type == IST_MESSAGE_TYPE_STREAM_RESET && stream->stream_id == ist_message_get_stream_id (message))
    stream->active = FALSE;
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
relay_message (Client *client,
               IstMessage *message,
               GBytes *raw,
               gboolean trace,
               Run *run)
{
  IstEmulatorRelay *self = client->relay;
  IstMode to = other_side (client->side);
  const char *violation;
  gboolean pass;
  guint index;

  violation = check_message (self, client, message, &index, &pass);
  if (violation != NULL)
    {
      run_flush (run, self, to);
      fail (self, client->side, violation);
      return FALSE;
    }

  if (pass)
    {
      if (ist_message_get_message_type (message) != IST_MESSAGE_TYPE_DATA)
        note_streams (self, client, message, index);
      run_add (run, self, to, raw);
    }
  if (trace)
    self->delegate->message (client->side, message, self->user_data);
  return client->relay != NULL;
}

static void
client_received (IstChannel *channel,
                 GBytes *data,
                 gpointer user_data)
{
  g_autoptr (Client) client = client_ref (user_data);
  IstMode to = other_side (client->side);
  Run run = { .frame = data };
  gboolean trace;

  if (client->relay == NULL)
    return;

  run.data = g_bytes_get_data (data, &run.size);
  spend (client->relay, run.size);
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
          fail (client->relay, client->side, error->message);
          return;
        }
      if (message == NULL)
        break;
      if (!relay_message (client, message, raw, trace, &run))
        return;
    }

  run_flush (&run, client->relay, to);
  update_pause (client->relay, client->side);
}

static void
client_drained (IstChannel *channel,
                gpointer user_data)
{
  Client *client = user_data;

  if (client->relay != NULL)
    update_pause (client->relay, other_side (client->side));
}

static void
client_closed (IstChannel *channel,
               const GError *error,
               gpointer user_data)
{
  Client *client = user_data;
  IstEmulatorRelay *relay = client->relay;

  if (relay != NULL)
    {
      detach (relay, client->side);
      relay->delegate->disconnected (client->side, error, relay->user_data);
    }
  client_unref (client);
}

static const IstChannelDelegate channel_delegate = {
  .received = client_received,
  .drained = client_drained,
  .closed = client_closed,
};

static void
take_services (IstEmulatorRelay *self,
               const char *const *services)
{
  self->services = g_strdupv ((char **) services);
  self->n_services = g_strv_length (self->services);
  self->last_index = 0;
  self->streams = g_new0 (Stream, self->n_services + 1);
  self->indices = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < self->n_services; i++)
    g_hash_table_insert (self->indices, self->services[i], GUINT_TO_POINTER (i));
}

static void
clear_services (IstEmulatorRelay *self)
{
  g_hash_table_unref (self->indices);
  g_strfreev (self->services);
  g_free (self->streams);
}

IstEmulatorRelay *
ist_emulator_relay_new (const char *const *services,
                        const IstEmulatorRelayDelegate *delegate,
                        gpointer user_data)
{
  IstEmulatorRelay *self = g_new0 (IstEmulatorRelay, 1);

  self->delegate = delegate;
  self->user_data = user_data;
  take_services (self, services);
  g_queue_init (&self->sides[IST_MODE_SOURCE].delayed);
  g_queue_init (&self->sides[IST_MODE_DESTINATION].delayed);
  return self;
}

void
ist_emulator_relay_free (IstEmulatorRelay *self)
{
  for (int side = IST_MODE_SOURCE; side <= IST_MODE_DESTINATION; side++)
    if (self->sides[side].client != NULL)
      {
        Client *client = detach (self, side);

        close_channel (client->channel, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "Service is going away");
      }
  clear_debt (self);
  clear_services (self);
  g_free (self);
}

void
ist_emulator_relay_set_services (IstEmulatorRelay *self,
                                 const char *const *services)
{
  g_return_if_fail (self->sides[IST_MODE_SOURCE].client == NULL &&
                    self->sides[IST_MODE_DESTINATION].client == NULL);

  clear_services (self);
  take_services (self, services);
}

void
ist_emulator_relay_attach (IstEmulatorRelay *self,
                           IstMode side,
                           GIOStream *stream,
                           GUri *uri)
{
  g_autoptr (IstMessage) service_ids = NULL;
  Side *at = &self->sides[side];
  Client *client = g_new0 (Client, 1);

  g_ref_count_init (&client->ref_count);
  client->relay = self;
  client->side = side;
  client->decoder = ist_wire_decoder_new (TRUE);
  client->started = g_new0 (gboolean, self->n_services + 1);
  client->stream = ist_metered_stream_new (stream);
  client->channel = ist_channel_new (client->stream, uri, SOUP_WEBSOCKET_CONNECTION_SERVER,
                                     &channel_delegate, client);
  ist_channel_set_split (client->channel, at->frame_size);

  at->client = client;
  update_pause (self, side);
  if (!at->omit_service_ids)
    {
      service_ids = ist_message_new_service_ids ((const char *const *) self->services);
      send_message (self, side, service_ids);
    }
  self->delegate->connected (side, self->user_data);
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

  for (guint i = 0; i <= self->n_services; i++)
    self->streams[i].active = FALSE;
  send_message (self, IST_MODE_SOURCE, message);
  send_message (self, IST_MODE_DESTINATION, message);
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
  update_pause (self, side);
}

void
ist_emulator_relay_set_delay (IstEmulatorRelay *self,
                              IstMode side,
                              guint milliseconds)
{
  self->sides[side].delay = milliseconds;
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
  clear_debt (self);
  self->bandwidth = bytes_per_second;
  self->allowance = 0;
  self->allowance_time = g_get_monotonic_time ();
  update_pause (self, IST_MODE_SOURCE);
  update_pause (self, IST_MODE_DESTINATION);
}
