/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One channel over a real socket; the other end is spoken by hand.
 */

#include <string.h>
#include <sys/socket.h>

#include "ist/ist-tunnel-error.h"
#include "ist/protocol/ist-wire-private.h"
#include "ist/transport/ist-channel-private.h"
#include "test-server.h"

/* The largest frame that a channel makes of several messages, and its header. */
#define MAX_BATCH (64 * 1024 + 14)

typedef struct
{
  guint number;
  IstLane lane;
  gboolean barrier;
  gsize size;
  gsize end; /* of it, in the order of sending, when that is known */
  guint completed;
  int code; /* of the error, -1 for none */
} Tag;

typedef struct
{
  IstMeteredStream *stream;
  IstChannel *channel;
  TestPeer *peer;
  GPtrArray *tags;
  GPtrArray *order; /* of completion; borrowed */
  GByteArray *received;
  guint n_received;
  guint n_drained;
  guint n_pongs;
  gint64 round_trip;
  guint n_closed;
  GError *why;
  void (*hook) (gpointer fixture,
                const char *what);
} Fixture;

static void
run_hook (Fixture *f,
          const char *what)
{
  if (f->hook != NULL)
    f->hook (f, what);
}

static void
on_received (IstChannel *channel,
             GBytes *data,
             gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_cmpuint (f->n_closed, ==, 0);
  f->n_received++;
  g_byte_array_append (f->received, g_bytes_get_data (data, NULL), g_bytes_get_size (data));
  run_hook (f, "received");
}

static void
on_sent (IstChannel *channel,
         gpointer tag_data,
         const GError *error,
         gpointer user_data)
{
  Fixture *f = user_data;
  Tag *tag = tag_data;

  g_assert_cmpuint (f->n_closed, ==, 0);
  tag->completed++;
  tag->code = error != NULL ? error->code : -1;
  if (error != NULL)
    g_assert_cmpuint (error->domain, ==, IST_TUNNEL_ERROR);
  else
    g_assert_cmpuint (ist_channel_get_bytes_written (channel), >=, tag->end);
  g_ptr_array_add (f->order, tag);
  run_hook (f, "sent");
}

static void
on_drained (IstChannel *channel,
            gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_cmpuint (f->n_closed, ==, 0);
  f->n_drained++;
  run_hook (f, "drained");
}

static void
on_pong (IstChannel *channel,
         gint64 round_trip,
         gpointer user_data)
{
  Fixture *f = user_data;

  f->n_pongs++;
  f->round_trip = round_trip;
  run_hook (f, "pong");
}

static void
on_closed (IstChannel *channel,
           const GError *error,
           gpointer user_data)
{
  Fixture *f = user_data;

  f->n_closed++;
  f->why = error != NULL ? g_error_copy (error) : NULL;
  run_hook (f, "closed");
}

static const IstChannelDelegate delegate = {
  .received = on_received,
  .sent = on_sent,
  .drained = on_drained,
  .pong = on_pong,
  .closed = on_closed,
};

static gpointer
handshake_in_thread (gpointer user_data)
{
  g_assert_true (g_tls_connection_handshake (user_data, NULL, NULL));
  return NULL;
}

static gboolean
on_accept_certificate (void)
{
  return TRUE;
}

/* @stream and @peer_stream: in and out; get TLS on top. */
static void
add_tls (GIOStream **stream,
         GIOStream **peer_stream)
{
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autoptr (GInetAddress) address = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autofree char *ca = NULL;
  GIOStream *client;
  GIOStream *server;
  GThread *thread;

  certificate = test_certificate_new (address, &ca);
  client = g_tls_client_connection_new (*stream, NULL, NULL);
  server = g_tls_server_connection_new (*peer_stream, certificate, NULL);
  g_signal_connect (client, "accept-certificate", G_CALLBACK (on_accept_certificate), NULL);
  g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (server), FALSE);
  thread = g_thread_new ("handshake", handshake_in_thread, server);
  g_assert_true (g_tls_connection_handshake (G_TLS_CONNECTION (client), NULL, NULL));
  g_thread_join (thread);
  g_object_unref (*stream);
  g_object_unref (*peer_stream);
  *stream = client;
  *peer_stream = server;
}

static Fixture *
fixture_new_full (SoupWebsocketConnectionType type,
                  gboolean tls)
{
  Fixture *f = g_new0 (Fixture, 1);
  g_autoptr (GUri) uri = g_uri_parse ("ws://localhost/", G_URI_FLAGS_NONE, NULL);
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocket) peer_socket = NULL;
  GIOStream *stream;
  GIOStream *peer_stream;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
  socket = g_socket_new_from_fd (fds[0], NULL);
  peer_socket = g_socket_new_from_fd (fds[1], NULL);
  stream = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
  peer_stream = G_IO_STREAM (g_socket_connection_factory_create_connection (peer_socket));
  if (tls)
    add_tls (&stream, &peer_stream);

  f->stream = ist_metered_stream_new (stream, NULL);
  f->channel = ist_channel_new (f->stream, uri, type, &delegate, f);
  f->peer = test_peer_new (peer_stream, peer_socket);
  f->peer->masks = type == SOUP_WEBSOCKET_CONNECTION_SERVER;
  f->tags = g_ptr_array_new_with_free_func (g_free);
  f->order = g_ptr_array_new ();
  f->received = g_byte_array_new ();
  g_object_unref (stream);
  g_object_unref (peer_stream);
  return f;
}

static Fixture *
fixture_new (void)
{
  return fixture_new_full (SOUP_WEBSOCKET_CONNECTION_CLIENT, FALSE);
}

/* In whatever way it ends, each message was completed once, and a channel that
 * is not ours any more closed once. */
static void
fixture_free (Fixture *f)
{
  guint i;

  if (f->channel != NULL)
    {
      GError *error = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED, "The test ends");

      f->hook = NULL;
      ist_channel_abort (f->channel, error);
      test_wait (f->n_closed > 0);
      test_settle ();
      ist_channel_unref (f->channel);
      g_error_free (error);
      g_assert_cmpuint (f->n_closed, ==, 1);
      for (i = 0; i < f->tags->len; i++)
        g_assert_cmpuint (((Tag *) f->tags->pdata[i])->completed, ==, 1);
    }
  g_object_add_weak_pointer (G_OBJECT (f->stream), (gpointer *) &f->stream);
  g_object_unref (f->stream);
  test_wait (f->stream == NULL);
  if (f->peer != NULL)
    test_peer_free (f->peer);
  g_ptr_array_unref (f->tags);
  g_ptr_array_unref (f->order);
  g_byte_array_unref (f->received);
  g_clear_error (&f->why);
  g_free (f);
}

/* A message that says who it is, of the size that is asked for or a little more. */
static Tag *
send_on (Fixture *f,
         guint32 service,
         guint32 connection,
         gboolean barrier,
         gsize size)
{
  g_autoptr (IstMessage) message = NULL;
  g_autoptr (GBytes) payload = NULL;
  guint32 *words = g_malloc0 (sizeof *words + size);
  Tag *tag = g_new0 (Tag, 1);

  tag->number = f->tags->len;
  tag->lane = (IstLane){ service, connection, 1 };
  tag->barrier = barrier;
  tag->code = -2;
  words[0] = tag->number;
  payload = g_bytes_new_take (words, sizeof *words + size);
  message = ist_message_new_full (IST_MESSAGE_TYPE_DATA, NULL, 1, connection, FALSE, payload);
  tag->size = ist_wire_get_encoded_size (message);
  g_ptr_array_add (f->tags, tag);
  ist_channel_send (f->channel, tag->lane, barrier, ist_message_ref (message), ist_wire_get_encoded_size (message),
                    tag);
  return tag;
}

/* A thread that reads all that the channel sends until told to stop. */
typedef struct
{
  TestPeer *peer;
  GThread *thread;
  GByteArray *bytes; /* the tunnel's byte stream */
  GArray *frames;    /* gsize: where each frame ends in it */
  guint close_code;
  gsize seen;    /* atomic */
  guint n_pings; /* atomic */
} Reader;

static gpointer
reader_run (gpointer user_data)
{
  Reader *self = user_data;

  for (;;)
    {
      g_autoptr (GBytes) payload = NULL;
      gsize end;
      guint opcode;

      payload = test_peer_read_frame (self->peer, &opcode);
      if (payload == NULL)
        return NULL;
      if (opcode == TEST_CLOSE && g_bytes_get_size (payload) >= 2)
        {
          const guint8 *data = g_bytes_get_data (payload, NULL);

          self->close_code = data[0] << 8 | data[1];
        }
      if (opcode == TEST_PING)
        g_atomic_int_inc (&self->n_pings);
      if (opcode != TEST_BINARY)
        continue;
      g_byte_array_append (self->bytes, g_bytes_get_data (payload, NULL), g_bytes_get_size (payload));
      end = self->bytes->len;
      g_array_append_val (self->frames, end);
      g_atomic_pointer_set (&self->seen, end);
    }
}

static Reader *
reader_new (TestPeer *peer)
{
  Reader *self = g_new0 (Reader, 1);

  peer->cancellable = g_cancellable_new ();
  self->peer = peer;
  self->bytes = g_byte_array_new ();
  self->frames = g_array_new (FALSE, FALSE, sizeof (gsize));
  self->thread = g_thread_new ("reader", reader_run, self);
  return self;
}

static void
reader_join (Reader *self)
{
  g_cancellable_cancel (self->peer->cancellable);
  g_thread_join (g_steal_pointer (&self->thread));
  g_clear_object (&self->peer->cancellable);
}

static void
reader_free (Reader *self)
{
  if (self->thread != NULL)
    reader_join (self);
  g_byte_array_unref (self->bytes);
  g_array_unref (self->frames);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reader, reader_free)

static gsize
reader_get_seen (Reader *self)
{
  return (gsize) g_atomic_pointer_get (&self->seen);
}

static gsize
count_bytes (Fixture *f)
{
  gsize total = 0;
  guint i;

  for (i = 0; i < f->tags->len; i++)
    {
      Tag *tag = f->tags->pdata[i];

      total += tag->code < 0 ? tag->size : 0;
    }
  return total;
}

/* The numbers of the messages in the order of the wire. Consumes the reader's bytes. */
static GArray *
reader_get_numbers (Reader *self)
{
  GArray *numbers = g_array_new (FALSE, FALSE, sizeof (guint));
  TestMessage *message;

  while ((message = test_message_decode (self->bytes)) != NULL)
    {
      guint32 number;

      memcpy (&number, g_bytes_get_data (message->payload, NULL), sizeof number);
      g_array_append_val (numbers, number);
      test_message_free (message);
    }
  g_assert_cmpuint (self->bytes->len, ==, 0);
  return numbers;
}

/* Fills what is between the channel and a peer that doesn't read. */
static void
clog_up (Fixture *f)
{
  guint64 written;
  gsize total = 0;

  do
    {
      guint i;

      written = ist_channel_get_bytes_written (f->channel);
      for (i = 0; i < 32; i++)
        {
          Tag *tag = send_on (f, 99, 99, FALSE, 64000);

          total += tag->size;
          tag->end = total;
        }
      test_run_for (30);
    }
  while (ist_channel_get_bytes_written (f->channel) != written);
}

static void
test_send (gconstpointer tls)
{
  Fixture *f = fixture_new_full (SOUP_WEBSOCKET_CONNECTION_CLIENT, tls != NULL);
  Tag *tag = send_on (f, 0, 1, FALSE, 10);
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  g_autoptr (TestMessage) message = NULL;

  /* Never from inside the call. */
  g_assert_cmpuint (tag->completed, ==, 0);
  g_assert_cmpuint (ist_channel_get_queued (f->channel), ==, tag->size);
  test_wait (tag->completed > 0);
  test_wait (f->n_drained > 0);
  g_assert_cmpint (tag->code, ==, -1);
  g_assert_cmpuint (ist_channel_get_queued (f->channel), ==, 0);
  message = test_peer_read_message (f->peer, stream);
  g_assert_nonnull (message);
  g_assert_cmpuint (message->type, ==, 1);
  g_assert_cmpint (message->stream, ==, 1);
  g_assert_cmpuint (message->connection, ==, 1);
  g_assert_cmpuint (g_bytes_get_size (message->payload), ==, 14);
  fixture_free (f);
}

static void
test_completion (gconstpointer tls)
{
  Fixture *f = fixture_new_full (SOUP_WEBSOCKET_CONNECTION_CLIENT, tls != NULL);
  g_autoptr (Reader) reader = NULL;
  g_autoptr (GArray) numbers = NULL;
  gsize total = 0;
  guint i;

  for (i = 0; i < 2000; i++)
    {
      Tag *tag = send_on (f, 0, 1, FALSE, g_test_rand_int_range (0, 9000));

      total += tag->size;
      tag->end = total;
    }
  test_run_for (100);
  /* Nobody reads: most of it can't be on the wire. */
  g_assert_cmpuint (f->order->len, <, 1000);
  g_assert_cmpuint (ist_channel_get_queued (f->channel), >, total / 2);

  reader = reader_new (f->peer);
  test_wait (f->order->len == 2000);
  test_wait (reader_get_seen (reader) == total);
  g_assert_cmpuint (ist_channel_get_queued (f->channel), ==, 0);
  reader_join (reader);
  numbers = reader_get_numbers (reader);
  g_assert_cmpuint (numbers->len, ==, 2000);
  for (i = 0; i < 2000; i++)
    {
      Tag *tag = f->order->pdata[i];

      g_assert_cmpuint (tag->number, ==, i);
      g_assert_cmpint (tag->code, ==, -1);
      g_assert_cmpuint (g_array_index (numbers, guint, i), ==, i);
    }
  fixture_free (f);
}

static void
test_batch (void)
{
  Fixture *f = fixture_new ();
  g_autoptr (Reader) reader = reader_new (f->peer);
  gsize begin = 0;
  guint i;

  for (i = 0; i < 5000; i++)
    send_on (f, 0, 1, FALSE, 60);
  test_wait (f->order->len == 5000);
  test_wait (reader_get_seen (reader) == count_bytes (f));
  reader_join (reader);
  /* One at once, the rest together. */
  g_assert_cmpuint (reader->frames->len, <=, 1 + count_bytes (f) / (60 * 1024) + 1);
  for (i = 0; i < reader->frames->len; i++)
    {
      gsize end = g_array_index (reader->frames, gsize, i);

      g_assert_cmpuint (end - begin, <=, MAX_BATCH);
      begin = end;
    }
  fixture_free (f);
}

/* What goes with what: peers lose what follows a start in its frame, and those of
 * version 1 what follows anything. */
static void
test_frames (void)
{
  static const struct
  {
    IstMessageType type;
    const char *service;
    guint connection;
    gboolean shares; /* the frame of the one before */
  } messages[] = {
    { IST_MESSAGE_TYPE_STREAM_START, "SSH", 1, FALSE },
    { IST_MESSAGE_TYPE_DATA, "SSH", 1, FALSE },
    { IST_MESSAGE_TYPE_DATA, "SSH", 1, TRUE },
    { IST_MESSAGE_TYPE_DATA, "SSH", 0, TRUE },
    { IST_MESSAGE_TYPE_DATA, NULL, 1, TRUE },
    { IST_MESSAGE_TYPE_CONNECTION_START, "SSH", 1, FALSE },
    { IST_MESSAGE_TYPE_DATA, "SSH", 1, FALSE },
    { IST_MESSAGE_TYPE_DATA, "SSH", 1, TRUE },
    { IST_MESSAGE_TYPE_CONNECTION_RESET, "SSH", 1, FALSE },
    { IST_MESSAGE_TYPE_CONNECTION_RESET, "SSH", 2, FALSE },
    { IST_MESSAGE_TYPE_STREAM_RESET, "SSH", 1, FALSE },
    { IST_MESSAGE_TYPE_STREAM_START, NULL, 0, FALSE },
    { IST_MESSAGE_TYPE_DATA, NULL, 0, FALSE },
    { IST_MESSAGE_TYPE_DATA, NULL, 0, FALSE },
    { IST_MESSAGE_TYPE_DATA, NULL, 0, FALSE },
    { IST_MESSAGE_TYPE_DATA, "SSH", 1, FALSE },
    { IST_MESSAGE_TYPE_DATA, "SSH", 1, TRUE },
    { IST_MESSAGE_TYPE_STREAM_RESET, NULL, 0, FALSE },
  };
  Fixture *f = fixture_new ();
  g_autoptr (Reader) reader = NULL;
  gsize size = 0;
  guint frame = 0;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      g_autoptr (IstMessage) message = ist_message_new_full (messages[i].type, messages[i].service, 1,
                                                             messages[i].connection, FALSE, NULL);

      ist_channel_send (f->channel, (IstLane){ 0, 1, 1 }, FALSE, ist_message_ref (message),
                        ist_wire_get_encoded_size (message), NULL);
      size += ist_wire_get_encoded_size (message);
    }
  reader = reader_new (f->peer);
  test_wait (reader_get_seen (reader) == size);
  reader_join (reader);

  for (i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      TestMessage *message = test_message_decode (reader->bytes);
      gsize end = g_array_index (reader->frames, gsize, frame);

      g_assert_cmpuint (message->type, ==, messages[i].type);
      g_assert_cmpuint (message->connection, ==, messages[i].connection);
      test_message_free (message);
      /* The next one begins a frame if this one ends one. */
      g_assert_true ((i + 1 == G_N_ELEMENTS (messages) || !messages[i + 1].shares) ==
                     (size - reader->bytes->len == end));
      if (size - reader->bytes->len == end)
        frame++;
    }
  fixture_free (f);
}

/* A keystroke waits for no more than what is handed to the socket already. */
static void
test_turns (void)
{
  Fixture *f = fixture_new ();
  g_autoptr (Reader) reader = NULL;
  g_autoptr (GArray) numbers = NULL;
  guint64 written;
  gsize position = 0;
  Tag *key;
  guint i;

  clog_up (f);
  written = ist_channel_get_bytes_written (f->channel);
  for (i = 0; i < 100; i++)
    send_on (f, 0, 1, FALSE, 30000);
  key = send_on (f, 0, 2, FALSE, 1);
  reader = reader_new (f->peer);
  test_wait (ist_channel_get_queued (f->channel) == 0);
  test_wait (reader_get_seen (reader) == count_bytes (f));
  reader_join (reader);
  numbers = reader_get_numbers (reader);
  for (i = 0; g_array_index (numbers, guint, i) != key->number; i++)
    position += ((Tag *) f->tags->pdata[g_array_index (numbers, guint, i)])->size;
  g_assert_cmpuint (position, <=, written + 3 * MAX_BATCH);
  fixture_free (f);
}

/* Random messages and barriers of several services: each lane keeps its order,
 * nothing passes a barrier of its service in either direction. */
static void
test_order (void)
{
  Fixture *f = fixture_new ();
  g_autoptr (Reader) reader = NULL;
  g_autoptr (GArray) numbers = NULL;
  g_autofree gsize *places = NULL;
  guint i;
  guint j;

  ist_channel_set_split (f->channel, 1000);
  clog_up (f);
  for (i = 0; i < 1500; i++)
    send_on (f, g_test_rand_int_range (0, 3), g_test_rand_int_range (1, 5), g_test_rand_int_range (0, 20) == 0,
             g_test_rand_int_range (0, 10) == 0 ? 20000 : 50);
  reader = reader_new (f->peer);
  /* More while it runs: barriers meet batches on their way. */
  for (i = 0; i < 700; i++)
    {
      send_on (f, g_test_rand_int_range (0, 3), g_test_rand_int_range (1, 5), g_test_rand_int_range (0, 5) == 0,
               g_test_rand_int_range (0, 3000));
      g_main_context_iteration (NULL, FALSE);
    }
  test_wait (ist_channel_get_queued (f->channel) == 0);
  test_wait (reader_get_seen (reader) == count_bytes (f));
  reader_join (reader);
  numbers = reader_get_numbers (reader);
  g_assert_cmpuint (numbers->len, ==, f->tags->len);

  places = g_new0 (gsize, numbers->len);
  for (i = 0; i < numbers->len; i++)
    places[g_array_index (numbers, guint, i)] = i;
  for (i = 0; i < f->tags->len; i++)
    {
      Tag *a = f->tags->pdata[i];

      for (j = i + 1; j < f->tags->len; j++)
        {
          Tag *b = f->tags->pdata[j];

          if (a->lane.service == b->lane.service &&
              (a->lane.connection == b->lane.connection || a->barrier || b->barrier))
            g_assert_cmpuint (places[i], <, places[j]);
        }
    }
  fixture_free (f);
}

static void
test_cancel (void)
{
  Fixture *f = fixture_new ();
  g_autoptr (GError) why = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CONNECTION_RESET, "Reset");
  g_autoptr (Reader) reader = NULL;
  g_autoptr (GArray) numbers = NULL;
  Tag *lane_1;
  Tag *lane_2;
  Tag *barrier;
  Tag *held_1;
  Tag *held_2;
  Tag *again;
  Tag *other[2];
  guint last = 0;
  guint i;

  clog_up (f);
  lane_1 = send_on (f, 0, 1, FALSE, 1000);
  lane_2 = send_on (f, 0, 2, FALSE, 1000);
  barrier = send_on (f, 0, 1, TRUE, 10);
  held_1 = send_on (f, 0, 1, FALSE, 1000);
  held_2 = send_on (f, 0, 2, FALSE, 1000);
  other[0] = send_on (f, 1, 1, FALSE, 1000);

  ist_channel_cancel_lane (f->channel, (IstLane){ 0, 1, 1 }, why);
  g_assert_cmpuint (lane_1->completed, ==, 0);
  again = send_on (f, 0, 1, FALSE, 1000);
  test_wait (held_1->completed > 0);
  g_assert_cmpuint (lane_1->completed, ==, 1);
  g_assert_cmpint (lane_1->code, ==, IST_TUNNEL_ERROR_CONNECTION_RESET);
  g_assert_cmpint (held_1->code, ==, IST_TUNNEL_ERROR_CONNECTION_RESET);
  g_assert_cmpuint (lane_2->completed + barrier->completed + held_2->completed, ==, 0);

  other[1] = send_on (f, 1, 2, TRUE, 1000);
  ist_channel_cancel_stream (f->channel, (IstLane){ 1, 0, 1 }, why);
  send_on (f, 1, 2, FALSE, 1000);
  test_wait (other[1]->completed > 0);
  g_assert_cmpint (other[0]->code, ==, IST_TUNNEL_ERROR_CONNECTION_RESET);
  g_assert_cmpint (other[1]->code, ==, IST_TUNNEL_ERROR_CONNECTION_RESET);
  /* What is unknown is no harm. */
  ist_channel_cancel_lane (f->channel, (IstLane){ 7, 7, 7 }, why);
  ist_channel_cancel_stream (f->channel, (IstLane){ 7, 0, 7 }, why);

  reader = reader_new (f->peer);
  test_wait (ist_channel_get_queued (f->channel) == 0);
  test_wait (reader_get_seen (reader) == count_bytes (f));
  reader_join (reader);
  numbers = reader_get_numbers (reader);
  g_assert_cmpuint (numbers->len, ==, f->tags->len - 4);
  for (i = 0; i < numbers->len; i++)
    {
      guint number = g_array_index (numbers, guint, i);

      if (number != lane_2->number && number != barrier->number && number != held_2->number)
        continue;
      g_assert_cmpuint (number, >, last);
      last = number;
    }
  g_assert_cmpuint (last, ==, held_2->number);
  g_assert_cmpint (again->code, ==, -1);
  fixture_free (f);
}

static void
test_split (void)
{
  Fixture *f = fixture_new ();
  g_autoptr (Reader) reader = reader_new (f->peer);
  g_autoptr (GArray) numbers = NULL;
  gsize begin = 0;
  guint i;

  ist_channel_set_split (f->channel, 7);
  for (i = 0; i < 100; i++)
    send_on (f, 0, 1, FALSE, i);
  test_wait (f->order->len == 100);
  test_wait (reader_get_seen (reader) == count_bytes (f));
  reader_join (reader);
  for (i = 0; i < reader->frames->len; i++)
    {
      gsize end = g_array_index (reader->frames, gsize, i);

      g_assert_cmpuint (end - begin, <=, 7);
      begin = end;
    }
  numbers = reader_get_numbers (reader);
  g_assert_cmpuint (numbers->len, ==, 100);
  fixture_free (f);
}

/* A thread that sends random bytes in frames, fragments and splits of all
 * kinds, with pings in between. */
typedef struct
{
  TestPeer *peer;
  GByteArray *bytes;
  GRand *rand;
  guint n_pings;
} Writer;

static gpointer
writer_run (gpointer user_data)
{
  Writer *self = user_data;
  gsize at = 0;
  gboolean fragment = FALSE;

  while (at < self->bytes->len || fragment)
    {
      static const gsize sizes[] = { 0, 1, 125, 126, 4000, 65535, 65536, TEST_MAX_FRAME };
      gsize size = sizes[g_rand_int_range (self->rand, 0, G_N_ELEMENTS (sizes))];
      gsize length = MIN (size, self->bytes->len - at);
      gboolean more = length < 4001 && at + length < self->bytes->len && g_rand_int_range (self->rand, 0, 4) == 0;

      g_assert_true (test_peer_send_frame (self->peer,
                                           (more ? 0 : TEST_FIN) | (fragment ? TEST_CONTINUATION : TEST_BINARY),
                                           self->bytes->data + at, length));
      fragment = more;
      at += length;
      if (g_rand_int_range (self->rand, 0, 8) == 0)
        {
          g_assert_true (test_peer_send_frame (self->peer, TEST_FIN | TEST_PING, "ping", 4));
          self->n_pings++;
        }
    }
  return NULL;
}

static gpointer
count_pongs (gpointer user_data)
{
  TestPeer *peer = user_data;
  guint n_pongs = 0;

  for (;;)
    {
      g_autoptr (GBytes) payload = NULL;
      guint opcode;

      payload = test_peer_read_frame (peer, &opcode);
      if (payload == NULL)
        return GUINT_TO_POINTER (n_pongs);
      if (opcode == TEST_CLOSE)
        continue;
      g_assert_cmpuint (opcode, ==, TEST_PONG);
      g_assert_cmpmem (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload), "ping", 4);
      n_pongs++;
    }
}

static void
test_receive (gconstpointer tls)
{
  Fixture *f = fixture_new_full (SOUP_WEBSOCKET_CONNECTION_CLIENT, tls != NULL);
  Writer writer = { 0 };
  GThread *thread;
  GThread *pongs;
  gboolean paused = FALSE;
  guint i;

  writer.peer = f->peer;
  writer.rand = g_rand_new_with_seed (g_test_rand_int ());
  writer.bytes = g_byte_array_new ();
  g_byte_array_set_size (writer.bytes, 3 * 1024 * 1024);
  for (i = 0; i < writer.bytes->len; i++)
    writer.bytes->data[i] = g_rand_int_range (writer.rand, 0, 256);
  f->peer->cancellable = g_cancellable_new ();
  thread = g_thread_new ("writer", writer_run, &writer);
  pongs = g_thread_new ("pongs", count_pongs, f->peer);

  while (f->received->len < writer.bytes->len)
    {
      gboolean before = paused;
      guint n = f->n_received;

      if (g_test_rand_int_range (0, 10) == 0)
        {
          paused = !paused;
          ist_channel_set_paused (f->channel, paused);
        }
      if (paused && before)
        {
          test_iterate (NULL, test_get_deadline (), "paused", G_STRLOC);
          /* Not a byte while paused, but for the frame that was half read. */
          g_assert_cmpuint (f->n_received, <=, n + 1);
          continue;
        }
      test_iterate (NULL, test_get_deadline (), "received", G_STRLOC);
      g_assert_cmpuint (f->n_closed, ==, 0);
    }
  ist_channel_set_paused (f->channel, FALSE);
  g_assert_cmpmem (f->received->data, f->received->len, writer.bytes->data, writer.bytes->len);
  g_thread_join (thread);
  test_settle ();
  test_run_for (20);

  ist_channel_close (f->channel, 1000, NULL, NULL);
  test_peer_send_close (f->peer, 1000, NULL);
  test_wait (f->n_closed > 0);
  g_assert_cmpuint (GPOINTER_TO_UINT (g_thread_join (pongs)), ==, writer.n_pings);
  g_byte_array_unref (writer.bytes);
  g_rand_free (writer.rand);
  fixture_free (f);
}

static void
wait_closed (Fixture *f,
             IstTunnelError code)
{
  test_wait (f->n_closed > 0);
  g_assert_error (f->why, IST_TUNNEL_ERROR, (int) code);
}

/* What the peer reads until the end; the code of the close frame, 0 without one. */
static guint
drain_close_code (Fixture *f)
{
  g_autoptr (Reader) reader = reader_new (f->peer);

  test_wait (f->n_closed > 0);
  test_run_for (20);
  reader_join (reader);
  return reader->close_code;
}

static void
test_frame_limit (void)
{
  g_autofree guint8 *data = g_malloc0 (TEST_MAX_FRAME + 1);
  guint extra;

  for (extra = 0; extra <= 1; extra++)
    {
      Fixture *f = fixture_new ();

      g_assert_true (g_socket_set_option (f->peer->socket, SOL_SOCKET, SO_SNDBUF, 400000, NULL));
      test_peer_send_frame (f->peer, TEST_FIN | TEST_BINARY, data, TEST_MAX_FRAME + extra);
      if (extra == 0)
        {
          test_wait (f->received->len == TEST_MAX_FRAME);
          g_assert_cmpuint (f->n_closed, ==, 0);
        }
      else
        {
          wait_closed (f, IST_TUNNEL_ERROR_PROTOCOL);
          g_assert_cmpuint (f->received->len, ==, 0);
        }
      fixture_free (f);
    }
}

typedef struct
{
  TestPeer *peer;
  const char *head; /* what comes before the flood */
  gsize length;
  gint stop; /* atomic */
  gsize sent;
} Nonsense;

static gpointer
pour_nonsense (gpointer user_data)
{
  Nonsense *self = user_data;
  g_autofree char *block = g_strnfill (65536, '\xff');

  g_assert_true (test_peer_write (self->peer, self->head, self->length));
  while (test_peer_write (self->peer, block, 65536))
    self->sent += 65536;
  return NULL;
}

static GLogWriterOutput
count_logs (GLogLevelFlags level,
            const GLogField *fields,
            gsize n_fields,
            gpointer n_logs_data)
{
  (*(guint *) n_logs_data)++;
  return level <= G_LOG_LEVEL_WARNING ? g_log_writer_default (level, fields, n_fields, NULL) : G_LOG_WRITER_HANDLED;
}

static void
count_old_logs (const char *domain,
                GLogLevelFlags level,
                const char *message,
                gpointer n_logs_data)
{
  (*(guint *) n_logs_data)++;
  if ((level & G_LOG_LEVEL_MASK) <= G_LOG_LEVEL_WARNING)
    g_log_default_handler (domain, level, message, NULL);
}

static guint n_logs;

/* After a broken frame, after the peer's close and after ours: little of what a
 * flood brings is read, none of it kept, and nobody writes a line for each frame. */
static void
test_flood_after_end (void)
{
  static const struct
  {
    const char *head;
    gsize length;
    int error; /* -1: we close */
  } cases[] = {
    { "\xf7\xff", 2, IST_TUNNEL_ERROR_PROTOCOL },
    { "\x02\x01x\x01\x01y", 6, IST_TUNNEL_ERROR_PROTOCOL }, /* a text within a fragmented message */
    { "\x89\x7e\x01\x01", 4, IST_TUNNEL_ERROR_PROTOCOL },   /* a ping that is too long */
    { "\x88\x02\x03\xe9", 4, IST_TUNNEL_ERROR_DISCONNECTED },
    { "\x82\x01x", 3, -1 },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture *f = fixture_new ();
      Nonsense nonsense = { f->peer, cases[i].head, cases[i].length };
      GThread *thread;
      guint before = test_get_rss ();

      n_logs = 0;
      f->peer->cancellable = g_cancellable_new ();
      if (cases[i].error == -1)
        ist_channel_close (f->channel, 1000, NULL, NULL);
      thread = g_thread_new ("nonsense", pour_nonsense, &nonsense);
      test_wait (f->n_closed > 0);
      if (cases[i].error != -1)
        g_assert_error (f->why, IST_TUNNEL_ERROR, cases[i].error);
      g_assert_cmpuint (ist_channel_get_bytes_read (f->channel), <=, 2 * 1024 * 1024);
      g_assert_cmpuint (test_get_rss (), <, before + 16 * 1024);
      g_assert_cmpuint (n_logs, <, 100);
      g_cancellable_cancel (f->peer->cancellable);
      g_thread_join (thread);
      fixture_free (f);
    }
}

static void
test_text_frame (void)
{
  Fixture *f = fixture_new ();

  test_peer_send_frame (f->peer, TEST_FIN | TEST_TEXT, "hello", 5);
  g_assert_cmpuint (drain_close_code (f), ==, 1003);
  wait_closed (f, IST_TUNNEL_ERROR_PROTOCOL);
  fixture_free (f);
}

/* Frames that RFC 6455 forbids. */
static void
test_bad_frames (void)
{
  static const struct
  {
    SoupWebsocketConnectionType type;
    guint head;
    guint length;
  } frames[] = {
    { SOUP_WEBSOCKET_CONNECTION_CLIENT, TEST_FIN | TEST_CONTINUATION, 1 },
    { SOUP_WEBSOCKET_CONNECTION_CLIENT, TEST_FIN | 0x3, 1 },
    { SOUP_WEBSOCKET_CONNECTION_CLIENT, TEST_FIN | 0xb, 1 },
    { SOUP_WEBSOCKET_CONNECTION_CLIENT, TEST_FIN | 0x40 | TEST_BINARY, 1 },
    { SOUP_WEBSOCKET_CONNECTION_CLIENT, TEST_PING, 1 },
    { SOUP_WEBSOCKET_CONNECTION_CLIENT, TEST_FIN | TEST_PING, 126 },
    { SOUP_WEBSOCKET_CONNECTION_CLIENT, TEST_FIN | TEST_CLOSE, 1 },
    { SOUP_WEBSOCKET_CONNECTION_SERVER, TEST_FIN | TEST_BINARY, 1 },
  };
  static const guint8 data[200] = { 0 };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (frames); i++)
    {
      Fixture *f = fixture_new_full (frames[i].type, FALSE);
      gint64 begun = g_get_monotonic_time ();

      f->peer->masks = FALSE;
      g_assert_true (test_peer_send_frame (f->peer, frames[i].head, data, frames[i].length));
      wait_closed (f, IST_TUNNEL_ERROR_PROTOCOL);
      /* libsoup alone would give the peer five seconds to close its end. */
      g_assert_cmpint (g_get_monotonic_time () - begun, <, 4 * G_USEC_PER_SEC);
      g_assert_cmpuint (f->received->len, ==, 0);
      fixture_free (f);
    }
}

/* A message in pieces that never ends must not be collected for ever. */
static gpointer
send_fragments (gpointer user_data)
{
  TestPeer *peer = user_data;
  static const guint8 data[10] = { 0 };
  guint head = TEST_BINARY;

  while (test_peer_send_frame (peer, head, data, sizeof data))
    head = TEST_CONTINUATION;
  return NULL;
}

static void
test_endless_fragments (void)
{
  Fixture *f = fixture_new ();
  GThread *thread;

  f->peer->cancellable = g_cancellable_new ();
  thread = g_thread_new ("writer", send_fragments, f->peer);
  test_wait (f->n_closed > 0);
  g_assert_nonnull (f->why);
  g_assert_cmpuint (f->received->len, ==, 0);
  g_assert_cmpuint (ist_channel_get_bytes_read (f->channel), <, 8 * TEST_MAX_FRAME);
  g_cancellable_cancel (f->peer->cancellable);
  g_thread_join (thread);
  fixture_free (f);
}

/* Pings are answered; who sends them without reading the answers can't make us
 * collect those. */
static void
test_ping_flood (void)
{
  Fixture *f = fixture_new ();
  static const guint8 ping[127] = { TEST_FIN | TEST_PING, 125 };
  gsize sent = 0;
  guint quiet;

  for (quiet = 0; quiet < 20;)
    {
      g_autoptr (GError) error = NULL;
      gssize n = g_socket_send_with_blocking (f->peer->socket, (const char *) ping, sizeof ping, FALSE, NULL, &error);

      if (n == sizeof ping)
        {
          sent += n;
          quiet = 0;
          continue;
        }
      /* On a stream socket of the machine's own, all or nothing of so little. */
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
      test_run_for (10);
      quiet++;
      g_assert_cmpuint (sent, <, 1024 * 1024);
    }
  g_test_message ("%" G_GSIZE_FORMAT " bytes of pings taken", sent);
  g_assert_cmpuint (f->n_closed, ==, 0);

  /* And all is well once the answers are read. */
  {
    g_autoptr (Reader) reader = reader_new (f->peer);

    test_wait (ist_channel_get_bytes_read (f->channel) >= sent);
    reader_join (reader);
  }
  fixture_free (f);
}

static void
test_close (gconstpointer tls)
{
  guint i;

  for (i = 0; i < 2; i++)
    {
      Fixture *f = fixture_new_full (SOUP_WEBSOCKET_CONNECTION_CLIENT, tls != NULL);
      g_autoptr (GError) why = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL, "For a reason");
      g_autoptr (GBytes) payload = NULL;
      const guint8 *data;
      Tag *tag;
      Tag *late;
      guint opcode;
      guint j;

      clog_up (f);
      tag = send_on (f, 0, 1, FALSE, 100);
      ist_channel_close (f->channel, 1002, "nonsense", i == 0 ? why : NULL);
      ist_channel_close (f->channel, 1000, "again", NULL);
      late = send_on (f, 0, 1, FALSE, 100);
      test_run_for (20);
      /* What is older may still be written, and has to be told of before. */
      g_assert_cmpuint (tag->completed + late->completed + f->n_closed, ==, 0);
      do
        {
          g_clear_pointer (&payload, g_bytes_unref);
          test_run_for (1);
          payload = test_peer_read_frame (f->peer, &opcode);
          g_assert_nonnull (payload);
        }
      while (opcode != TEST_CLOSE);
      data = g_bytes_get_data (payload, NULL);
      g_assert_cmpuint (data[0] << 8 | data[1], ==, 1002);
      g_assert_cmpmem (data + 2, g_bytes_get_size (payload) - 2, "nonsense", 8);
      test_peer_send_close (f->peer, 1002, NULL);
      test_peer_free (g_steal_pointer (&f->peer));
      test_wait (f->n_closed > 0);
      g_assert_cmpuint (tag->completed, ==, 1);
      g_assert_cmpuint (late->completed, ==, 1);
      g_assert_cmpint (tag->code, ==, i == 0 ? IST_TUNNEL_ERROR_PROTOCOL : IST_TUNNEL_ERROR_STOPPED);
      g_assert_cmpint (late->code, ==, tag->code);
      for (j = 0; j < f->tags->len; j++)
        g_assert_true (f->order->pdata[j] == f->tags->pdata[j]);
      if (i == 0)
        g_assert_error (f->why, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL);
      else
        g_assert_no_error (f->why);
      fixture_free (f);
    }
}

/* A peer that leaves us waiting: does not answer; answers, but keeps its side of
 * the socket open; takes nothing; is paused by us. */
static void
test_close_without_answer (void)
{
  guint i;

  for (i = 0; i < 4; i++)
    {
      Fixture *f = fixture_new ();
      gint64 begun;

      if (i == 2)
        clog_up (f);
      if (i == 3)
        ist_channel_set_paused (f->channel, TRUE);
      begun = g_get_monotonic_time ();
      ist_channel_close (f->channel, 1000, NULL, NULL);
      if (i == 1 || i == 3)
        test_peer_send_close (f->peer, 1000, NULL);
      test_wait (f->n_closed > 0);
      g_assert_no_error (f->why);
      /* libsoup alone would take five seconds. */
      g_assert_cmpint (g_get_monotonic_time () - begun, <, 4 * G_USEC_PER_SEC);
      fixture_free (f);
    }
}

static void
test_peer_closes (void)
{
  static const struct
  {
    guint code;
    const char *reason;
    IstTunnelError error;
    const char *text;
  } cases[] = {
    { 0, NULL, IST_TUNNEL_ERROR_DISCONNECTED, "closed" },
    { 1000, NULL, IST_TUNNEL_ERROR_DISCONNECTED, "1000" },
    { 1001, "moving house", IST_TUNNEL_ERROR_DISCONNECTED, "moving house" },
    { 1008, "somebody else", IST_TUNNEL_ERROR_CLIENT_REPLACED, "somebody else" },
    { 1011, "on fire", IST_TUNNEL_ERROR_DISCONNECTED, "on fire" },
    { 4000, "private", IST_TUNNEL_ERROR_DISCONNECTED, "4000" },
    /* The service restarts. */
    { 1012, "service restart", IST_TUNNEL_ERROR_DISCONNECTED, "service restart" },
    { 1013, "try again later", IST_TUNNEL_ERROR_DISCONNECTED, "try again later" },
    { 1014, "bad gateway", IST_TUNNEL_ERROR_DISCONNECTED, "bad gateway" },
    /* Others that may be sent, and those that may not. */
    { 1002, NULL, IST_TUNNEL_ERROR_DISCONNECTED, "1002" },
    { 1003, NULL, IST_TUNNEL_ERROR_DISCONNECTED, "1003" },
    { 1007, NULL, IST_TUNNEL_ERROR_DISCONNECTED, "1007" },
    { 1009, NULL, IST_TUNNEL_ERROR_DISCONNECTED, "1009" },
    { 1010, NULL, IST_TUNNEL_ERROR_DISCONNECTED, "1010" },
    { 3000, NULL, IST_TUNNEL_ERROR_DISCONNECTED, "3000" },
    { 3999, NULL, IST_TUNNEL_ERROR_DISCONNECTED, "3999" },
    { 4999, NULL, IST_TUNNEL_ERROR_DISCONNECTED, "4999" },
    { 1, NULL, IST_TUNNEL_ERROR_PROTOCOL, "code 1" },
    { 999, NULL, IST_TUNNEL_ERROR_PROTOCOL, "999" },
    { 1004, NULL, IST_TUNNEL_ERROR_PROTOCOL, "1004" },
    { 1005, NULL, IST_TUNNEL_ERROR_PROTOCOL, "1005" },
    { 1006, "lost", IST_TUNNEL_ERROR_PROTOCOL, "1006: lost" },
    { 1015, NULL, IST_TUNNEL_ERROR_PROTOCOL, "1015" },
    { 1016, NULL, IST_TUNNEL_ERROR_PROTOCOL, "1016" },
    { 2999, NULL, IST_TUNNEL_ERROR_PROTOCOL, "2999" },
    { 5000, NULL, IST_TUNNEL_ERROR_PROTOCOL, "5000" },
    { 65535, NULL, IST_TUNNEL_ERROR_PROTOCOL, "65535" },
    /* What would be more than text. */
    { 1001, "two\nMAINPID=1\r\x1b[2J", IST_TUNNEL_ERROR_DISCONNECTED, "1001: two\\nMAINPID=1\\r\\u001b[2J" },
    { 1008, "\xff\xe2\x80\xae!", IST_TUNNEL_ERROR_CLIENT_REPLACED, "1008: \\xff\\u202e!" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture *f = fixture_new ();
      g_autoptr (GBytes) payload = NULL;
      Tag *tag;
      guint opcode;

      test_peer_send_frame (f->peer, TEST_FIN | TEST_BINARY, "last words", 10);
      test_peer_send_close (f->peer, cases[i].code, cases[i].reason);
      test_wait (f->received->len == 10);
      test_run_for (20);
      tag = send_on (f, 0, 1, FALSE, 10);
      /* A close is answered with one. */
      do
        {
          g_clear_pointer (&payload, g_bytes_unref);
          payload = test_peer_read_frame (f->peer, &opcode);
          g_assert_nonnull (payload);
        }
      while (opcode != TEST_CLOSE);
      test_peer_free (g_steal_pointer (&f->peer));
      wait_closed (f, cases[i].error);
      g_assert_true (g_str_has_prefix (f->why->message, "The service "));
      g_assert_nonnull (strstr (f->why->message, cases[i].text));
      g_assert_true (g_utf8_validate (f->why->message, -1, NULL));
      g_assert_cmpuint (tag->completed, ==, 1);
      g_assert_cmpint (tag->code, !=, -1);
      fixture_free (f);
    }
}

/* However it is lost, in the middle of whatever: all messages fail, then it closes. */
static void
test_lost (gconstpointer tls)
{
  guint i;

  for (i = 0; i < 3; i++)
    {
      Fixture *f = fixture_new_full (SOUP_WEBSOCKET_CONNECTION_CLIENT, tls != NULL);
      static const guint8 half[] = { TEST_FIN | TEST_BINARY, 126, 1, 0, 'h', 'a', 'l', 'f' };
      guint written;
      guint j;

      clog_up (f);
      written = f->order->len;
      if (i > 0)
        g_assert_true (test_peer_write (f->peer, half, sizeof half - (i == 1 ? 0 : 6)));
      test_peer_free (g_steal_pointer (&f->peer));
      wait_closed (f, IST_TUNNEL_ERROR_DISCONNECTED);
      g_assert_cmpuint (f->order->len, ==, f->tags->len);
      for (j = 0; j < f->order->len; j++)
        g_assert_cmpint (((Tag *) f->order->pdata[j])->code, ==, j < written ? -1 : IST_TUNNEL_ERROR_DISCONNECTED);
      g_assert_cmpuint (f->received->len, ==, 0);
      fixture_free (f);
    }
}

static void
test_abort (void)
{
  Fixture *f = fixture_new ();
  g_autoptr (GError) why = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT, "Too slow");
  guint8 byte;

  clog_up (f);
  ist_channel_set_paused (f->channel, TRUE);
  ist_channel_abort (f->channel, why);
  ist_channel_abort (f->channel, why);
  send_on (f, 0, 1, FALSE, 10);
  g_assert_cmpuint (f->n_closed, ==, 0);
  wait_closed (f, IST_TUNNEL_ERROR_TIMED_OUT);
  g_assert_cmpuint (f->order->len, ==, f->tags->len);
  g_assert_cmpuint (ist_channel_get_queued (f->channel), ==, 0);
  /* The socket is closed, without a word. */
  while (test_peer_read (f->peer, &byte, 1))
    continue;
  fixture_free (f);
}

/* However many connections fail at once, their messages fail in the order in
 * which they were sent, after what was written. */
static void
test_order_of_failures (void)
{
  Fixture *f = fixture_new ();
  g_autoptr (GError) why = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT, "Too slow");
  guint i;

  clog_up (f);
  for (i = 0; i < 300; i++)
    send_on (f, i % 2, i % 5, i % 50 == 49, 100 + i);
  ist_channel_abort (f->channel, why);
  wait_closed (f, IST_TUNNEL_ERROR_TIMED_OUT);
  g_assert_cmpuint (f->order->len, ==, f->tags->len);
  for (i = 0; i < f->tags->len; i++)
    g_assert_true (f->order->pdata[i] == f->tags->pdata[i]);
  fixture_free (f);
}

static void
test_disown (void)
{
  Fixture *f = fixture_new ();
  guint completed;

  clog_up (f);
  completed = f->order->len;
  ist_channel_disown (f->channel);
  ist_channel_unref (g_steal_pointer (&f->channel));
  test_run_for (50);
  g_assert_cmpuint (f->order->len, ==, completed);
  g_assert_cmpuint (f->n_closed, ==, 0);
  fixture_free (f);
}

/* What a hook waits for, and how often that came. */
static const char *hook_for;
static guint n_hooked;

static gboolean
hook_is_due (const char *what)
{
  if (!g_str_equal (what, hook_for))
    return FALSE;
  n_hooked++;
  return TRUE;
}

/* Gives up the channel when the time has come. */
static void
unref_hook (gpointer fixture,
            const char *what)
{
  Fixture *f = fixture;

  if (!hook_is_due (what) || f->channel == NULL)
    return;
  ist_channel_disown (f->channel);
  ist_channel_unref (g_steal_pointer (&f->channel));
}

static void
abort_hook (gpointer fixture,
            const char *what)
{
  Fixture *f = fixture;
  g_autoptr (GError) why = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT, "From inside");

  if (hook_is_due (what))
    ist_channel_abort (f->channel, why);
}

static void
close_hook (gpointer fixture,
            const char *what)
{
  Fixture *f = fixture;

  if (hook_is_due (what))
    ist_channel_close (f->channel, 1000, NULL, NULL);
}

static void
test_reentrancy (void)
{
  static const char *const moments[] = { "received", "sent", "drained", "pong", "closed" };
  static void (*const hooks[]) (gpointer, const char *) = { unref_hook, abort_hook, close_hook };
  guint i;
  guint j;

  for (i = 0; i < G_N_ELEMENTS (moments); i++)
    {
      for (j = 0; j < G_N_ELEMENTS (hooks); j++)
        {
          Fixture *f = fixture_new ();
          guint k;

          hook_for = moments[i];
          n_hooked = 0;
          f->hook = hooks[j];
          ist_channel_set_keepalive (f->channel, i == 3 ? 1 : 0, 0);
          for (k = 0; k < 10; k++)
            send_on (f, 0, 1, FALSE, 10);
          if (i == 3)
            {
              g_autoptr (GBytes) payload = NULL;
              guint opcode = 0;

              while (opcode != TEST_PING)
                {
                  test_wait (g_socket_condition_check (f->peer->socket, G_IO_IN) & G_IO_IN);
                  g_clear_pointer (&payload, g_bytes_unref);
                  payload = test_peer_read_frame (f->peer, &opcode);
                }
              test_peer_send_frame (f->peer, TEST_FIN | TEST_PONG, "", 0);
            }
          for (k = 0; k < 10; k++)
            test_peer_send_frame (f->peer, TEST_FIN | TEST_BINARY, "x", 1);
          if (i < 4)
            {
              test_wait (n_hooked > 0);
              test_run_for (20);
              g_assert_cmpuint (f->n_received, <=, i == 0 ? 1 : 10);
            }
          else
            {
              test_peer_free (g_steal_pointer (&f->peer));
              test_wait (f->n_closed > 0);
            }
          if (j == 0)
            g_assert_null (f->channel);
          fixture_free (f);
        }
    }
}

static void
answer_ping (Fixture *f,
             gboolean answer)
{
  g_autoptr (GBytes) payload = NULL;
  guint opcode;

  test_wait (g_socket_condition_check (f->peer->socket, G_IO_IN) & G_IO_IN);
  payload = test_peer_read_frame (f->peer, &opcode);
  g_assert_nonnull (payload);
  g_assert_cmpuint (opcode, ==, TEST_PING);
  /* Whatever the payload is. */
  if (answer)
    g_assert_true (test_peer_send_frame (f->peer, TEST_FIN | TEST_PONG, "anything", 8));
}

static void
test_pings (void)
{
  Fixture *f = fixture_new ();
  Fixture *silent = fixture_new ();
  guint n;

  /* Without a first answer there is no timeout. */
  ist_channel_set_keepalive (silent->channel, 1, 1);
  ist_channel_set_keepalive (f->channel, 1, 1);
  answer_ping (f, TRUE);
  test_wait (f->n_pongs == 1);
  g_assert_cmpint (f->round_trip, >=, 0);
  g_assert_cmpint (f->round_trip, <, 60 * G_USEC_PER_SEC);

  /* A pong that lies in the socket is not missing, however late we look. */
  answer_ping (f, TRUE);
  g_usleep (1300 * 1000);
  test_wait (f->n_pongs == 2);
  g_assert_cmpuint (f->n_closed, ==, 0);

  /* While paused it can't be seen. */
  ist_channel_set_paused (f->channel, TRUE);
  test_run_for (2200);
  g_usleep (1100 * 1000);
  ist_channel_set_paused (f->channel, FALSE);
  test_run_for (50);
  g_assert_cmpuint (f->n_closed, ==, 0);
  n = f->n_pongs;
  test_peer_send_frame (f->peer, TEST_FIN | TEST_PONG, "", 0);
  test_wait (f->n_pongs > n);
  g_assert_cmpuint (f->n_closed, ==, 0);

  /* Then one is missing. */
  wait_closed (f, IST_TUNNEL_ERROR_TIMED_OUT);
  g_assert_cmpuint (silent->n_closed, ==, 0);
  g_assert_cmpuint (silent->n_pongs, ==, 0);
  fixture_free (silent);
  fixture_free (f);
}

/* The first leaves at once, and the time is that of the ping that was answered. */
static void
test_round_trip (void)
{
  Fixture *f = fixture_new ();
  gint64 begun = g_get_monotonic_time ();
  gint64 first = 0;
  gint64 late;
  guint opcode;
  guint i;

  ist_channel_set_keepalive (f->channel, 1, 20);
  for (i = 0; i < 3; i++)
    {
      g_autoptr (GBytes) payload = NULL;

      test_wait (g_socket_condition_check (f->peer->socket, G_IO_IN) & G_IO_IN);
      if (i == 0)
        first = g_get_monotonic_time ();
      payload = test_peer_read_frame (f->peer, &opcode);
      g_assert_cmpuint (opcode, ==, TEST_PING);
      if (i == 2)
        test_peer_send_frame (f->peer, TEST_FIN | TEST_PONG, g_bytes_get_data (payload, NULL),
                              g_bytes_get_size (payload));
    }
  test_wait (f->n_pongs == 1);
  g_assert_cmpint (f->round_trip, >=, 0);
  g_assert_cmpint (f->round_trip, <, g_get_monotonic_time () - begun - G_USEC_PER_SEC);
  g_test_message ("the first ping came after %" G_GINT64_FORMAT " us", first - begun);

  /* The same pong again, one that nobody asked for, and one of the future are nothing. */
  test_peer_send_frame (f->peer, TEST_FIN | TEST_PONG, "ist:\0\0\0\2", 8);
  test_peer_send_frame (f->peer, TEST_FIN | TEST_PONG, "ist:\1\0\0\2", 8);
  test_peer_send_frame (f->peer, TEST_FIN | TEST_PONG, "ist:\377\377\377\377", 8);
  test_peer_send_frame (f->peer, TEST_FIN | TEST_BINARY, "x", 1);
  test_wait (f->n_received == 1);
  test_settle ();
  g_assert_cmpuint (f->n_pongs, ==, 1);
  /* A late answer to an earlier one counts from that, which left before it was read. */
  late = g_get_monotonic_time ();
  test_peer_send_frame (f->peer, TEST_FIN | TEST_PONG, "ist:\0\0\0\0", 8);
  test_wait (f->n_pongs == 2);
  g_assert_cmpint (f->round_trip, >=, late - first);
  fixture_free (f);
}

/* A ping that can't be sent, since nothing goes out any more, is not answered either. */
static void
test_ping_behind_full_queue (void)
{
  Fixture *f = fixture_new ();

  ist_channel_set_keepalive (f->channel, 1, 1);
  answer_ping (f, TRUE);
  test_wait (f->n_pongs == 1);
  clog_up (f);
  wait_closed (f, IST_TUNNEL_ERROR_TIMED_OUT);
  fixture_free (f);
}

/* Pings find their places between frames, however often the way is blocked. */
static void
test_ping_places (gconstpointer tls)
{
  Fixture *f = fixture_new_full (SOUP_WEBSOCKET_CONNECTION_CLIENT, tls != NULL);
  g_autoptr (Reader) reader = NULL;
  g_autoptr (GArray) numbers = NULL;
  guint n_pings = 0;
  guint i;

  for (i = 0; i < 200; i++)
    {
      send_on (f, 0, i % 5, FALSE, (i * 7919) % 60000);
      ist_metered_stream_ping (f->stream, TRUE, n_pings++);
    }
  test_run_for (50);
  ist_metered_stream_ping (f->stream, TRUE, n_pings++);
  reader = reader_new (f->peer);
  while (f->order->len < f->tags->len)
    {
      ist_metered_stream_ping (f->stream, TRUE, n_pings++);
      test_iterate (NULL, test_get_deadline (), "sent", G_STRLOC);
    }
  test_wait (reader_get_seen (reader) == count_bytes (f));
  /* One that is alone leaves at once, and more when it has. */
  ist_metered_stream_ping (f->stream, TRUE, 0);
  ist_metered_stream_ping (f->stream, TRUE, 1);
  test_wait (g_atomic_int_get (&reader->n_pings) >= 3);
  reader_join (reader);
  numbers = reader_get_numbers (reader);
  g_assert_cmpuint (numbers->len, ==, 200);
  g_assert_cmpuint (f->n_closed, ==, 0);
  fixture_free (f);
}

/* What else arrives shows that the peer lives. */
static void
test_pings_under_load (void)
{
  Fixture *f = fixture_new ();
  gint64 end;

  ist_channel_set_keepalive (f->channel, 1, 1);
  answer_ping (f, TRUE);
  test_wait (f->n_pongs == 1);
  for (end = g_get_monotonic_time () + 2500 * 1000; g_get_monotonic_time () < end;)
    {
      test_peer_send_frame (f->peer, TEST_FIN | TEST_BINARY, "x", 1);
      test_run_for (100);
    }
  g_assert_cmpuint (f->n_closed, ==, 0);
  fixture_free (f);
}

typedef struct
{
  TestPeer *peer;
  gboolean stop; /* atomic */
  gboolean done; /* atomic */
} Flood;

static gpointer
flood (gpointer user_data)
{
  Flood *self = user_data;
  g_autofree guint8 *data = g_malloc0 (1000000);
  guint i;

  /* As fast as can be: many frames in one call. */
  for (i = 0; i + 16 <= 1000000; i += 16)
    {
      data[i] = TEST_FIN | TEST_BINARY;
      data[i + 1] = 14;
    }
  while (!g_atomic_int_get (&self->stop))
    g_assert_true (test_peer_write (self->peer, data, 1000000 / 16 * 16));
  g_atomic_int_set (&self->done, TRUE);
  return NULL;
}

static gboolean
on_tick (gpointer user_data)
{
  guint *ticks = user_data;

  (*ticks)++;
  return G_SOURCE_CONTINUE;
}

/* A consumer that takes its time with each message. */
static void
slow_hook (gpointer fixture,
           const char *what)
{
  g_usleep (10);
}

static guint
count_completed (Fixture *f)
{
  guint n = 0;
  guint i;

  for (i = 0; i < f->tags->len; i++)
    n += ((Tag *) f->tags->pdata[i])->completed;
  return n;
}

/* A window that opens with pongs is closed without them, but not for ever; and
 * where there never was one, only the kernel bounds what is on the way. */
static void
test_window (gconstpointer data)
{
  enum
  {
    N_MESSAGES = 100,
  };
  gboolean answers = GPOINTER_TO_INT (data);
  Fixture *f = fixture_new ();
  Reader *reader;
  guint n;
  guint i;

  ist_channel_bound_delay (f->channel);
  ist_channel_set_keepalive (f->channel, 60, 0);
  answer_ping (f, answers);
  test_wait (f->n_pongs == (answers ? 1 : 0));

  reader = reader_new (f->peer);
  for (i = 0; i < N_MESSAGES; i++)
    send_on (f, 0, 1, FALSE, 20000);
  test_run_for (500);
  n = count_completed (f);
  g_test_message ("%u of %u messages without a pong", n, N_MESSAGES);
  if (answers)
    {
      g_assert_cmpuint (n, <=, 10);
      g_assert_cmpint (g_atomic_int_get (&reader->n_pings), >=, 1);
    }
  test_wait (count_completed (f) == N_MESSAGES);
  reader_join (reader);
  reader_free (reader);
  fixture_free (f);
}

/* A peer that never lets the socket run dry does not get the main loop for itself. */
static void
test_starvation (gconstpointer tls)
{
  Fixture *f = fixture_new_full (SOUP_WEBSOCKET_CONNECTION_CLIENT, tls != NULL);
  Flood flooding = { f->peer, FALSE, FALSE };
  GThread *thread;
  guint ticks = 0;
  guint source = g_timeout_add (10, on_tick, &ticks);
  guint64 read;

  f->hook = slow_hook;
  thread = g_thread_new ("flood", flood, &flooding);
  test_wait (f->n_received > 1000);
  ticks = 0;
  read = ist_channel_get_bytes_read (f->channel);
  for (gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC; g_get_monotonic_time () < end;)
    {
      g_main_context_iteration (NULL, TRUE);
      g_byte_array_set_size (f->received, 0);
    }
  g_test_message ("%u ticks and %" G_GUINT64_FORMAT " kB in a second", ticks,
                  (ist_channel_get_bytes_read (f->channel) - read) / 1000);
  g_assert_cmpuint (ticks, >=, 15);
  g_source_remove (source);
  f->hook = NULL;
  g_atomic_int_set (&flooding.stop, TRUE);
  test_wait (g_atomic_int_get (&flooding.done));
  g_thread_join (thread);
  fixture_free (f);
}

/* In a context that is not the default one, and that nobody has pushed when it runs. */
static void
test_context (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  gint64 deadline = test_get_deadline ();
  Fixture *f;
  GError *error = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED, "The test ends");
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  g_autoptr (GBytes) payload = NULL;
  guint opcode;

  g_main_context_push_thread_default (context);
  f = fixture_new ();
  g_main_context_pop_thread_default (context);

  ist_channel_set_keepalive (f->channel, 1, 1);
  send_on (f, 0, 1, FALSE, 10);
  while (f->order->len == 0)
    test_iterate (context, deadline, "sent", G_STRLOC);
  test_message_free (test_peer_read_message (f->peer, stream));
  test_peer_send_frame (f->peer, TEST_FIN | TEST_BINARY, "x", 1);
  while (f->received->len == 0)
    test_iterate (context, deadline, "received", G_STRLOC);
  while (!(g_socket_condition_check (f->peer->socket, G_IO_IN) & G_IO_IN))
    test_iterate (context, deadline, "pinged", G_STRLOC);
  payload = test_peer_read_frame (f->peer, &opcode);
  g_assert_cmpuint (opcode, ==, TEST_PING);
  test_peer_send_frame (f->peer, TEST_FIN | TEST_PONG, "", 0);
  while (f->n_pongs == 0)
    test_iterate (context, deadline, "pong", G_STRLOC);
  ist_channel_set_paused (f->channel, TRUE);
  ist_channel_set_paused (f->channel, FALSE);
  ist_channel_close (f->channel, 1000, NULL, NULL);
  while (f->n_closed == 0)
    test_iterate (context, deadline, "closed", G_STRLOC);
  g_error_free (error);
  ist_channel_unref (g_steal_pointer (&f->channel));
  while (g_main_context_iteration (context, FALSE))
    continue;
  fixture_free (f);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* All of libsoup's, too. */
  g_log_set_writer_func (count_logs, &n_logs, NULL);
  g_log_set_default_handler (count_old_logs, &n_logs);

  g_test_add_data_func ("/channel/send", NULL, test_send);
  g_test_add_data_func ("/channel/send/tls", "tls", test_send);
  g_test_add_data_func ("/channel/completion", NULL, test_completion);
  g_test_add_data_func ("/channel/completion/tls", "tls", test_completion);
  g_test_add_func ("/channel/batch", test_batch);
  g_test_add_func ("/channel/frames", test_frames);
  g_test_add_func ("/channel/order-of-failures", test_order_of_failures);
  g_test_add_func ("/channel/turns", test_turns);
  g_test_add_func ("/channel/order", test_order);
  g_test_add_func ("/channel/cancel", test_cancel);
  g_test_add_func ("/channel/split", test_split);
  g_test_add_data_func ("/channel/receive", NULL, test_receive);
  g_test_add_data_func ("/channel/receive/tls", "tls", test_receive);
  g_test_add_func ("/channel/frame-limit", test_frame_limit);
  g_test_add_func ("/channel/flood-after-end", test_flood_after_end);
  g_test_add_func ("/channel/text-frame", test_text_frame);
  g_test_add_func ("/channel/bad-frames", test_bad_frames);
  g_test_add_func ("/channel/endless-fragments", test_endless_fragments);
  g_test_add_func ("/channel/ping-flood", test_ping_flood);
  g_test_add_data_func ("/channel/close", NULL, test_close);
  g_test_add_data_func ("/channel/close/tls", "tls", test_close);
  g_test_add_func ("/channel/close/without-answer", test_close_without_answer);
  g_test_add_func ("/channel/peer-closes", test_peer_closes);
  g_test_add_data_func ("/channel/lost", NULL, test_lost);
  g_test_add_data_func ("/channel/lost/tls", "tls", test_lost);
  g_test_add_func ("/channel/abort", test_abort);
  g_test_add_func ("/channel/disown", test_disown);
  g_test_add_func ("/channel/reentrancy", test_reentrancy);
  g_test_add_func ("/channel/pings", test_pings);
  g_test_add_func ("/channel/pings/round-trip", test_round_trip);
  g_test_add_func ("/channel/pings/behind-full-queue", test_ping_behind_full_queue);
  g_test_add_data_func ("/channel/pings/places", NULL, test_ping_places);
  g_test_add_data_func ("/channel/pings/places/tls", "tls", test_ping_places);
  g_test_add_func ("/channel/pings/under-load", test_pings_under_load);
  g_test_add_data_func ("/channel/window/pongs-stop", GINT_TO_POINTER (TRUE), test_window);
  g_test_add_data_func ("/channel/window/no-pongs", GINT_TO_POINTER (FALSE), test_window);
  g_test_add_data_func ("/channel/starvation", NULL, test_starvation);
  g_test_add_data_func ("/channel/starvation/tls", "tls", test_starvation);
  g_test_add_func ("/channel/context", test_context);

  return g_test_run ();
}
