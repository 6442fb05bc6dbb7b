/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What goes through a tunnel, and what is told of it.
 */

#include <string.h>

#include "test-tunnel.h"

static gboolean
send_bytes (TestEnd *end,
            const char *service,
            guint connection,
            GBytes *payload,
            GError **error)
{
  g_autoptr (IstMessage) message = ist_message_new_for_connection (service, connection, payload);

  return ist_secure_tunnel_send_message (end->tunnel, message, error);
}

static GBytes *
make_bytes (gsize length)
{
  guint8 *data = g_malloc (length + 1);
  gsize i;

  for (i = 0; i < length; i++)
    data[i] = g_test_rand_int ();
  return g_bytes_new_take (data, length);
}

/* Sizes of all kinds, frames cut anywhere, pauses at random: nothing is lost,
 * doubled or out of order, and each message completes once. */
typedef struct
{
  TestEnd *from;
  TestEnd *to;
  GByteArray *sent;
  guint n_accepted;
  gsize target;
} Flow;

static void
flow_push (Flow *self)
{
  static const guint limits[] = { 2, 200, 5000, 64513, 200000 };

  while (self->sent->len < self->target)
    {
      guint limit = MIN (limits[g_test_rand_int_range (0, G_N_ELEMENTS (limits))], self->target / 8);
      g_autoptr (GBytes) payload = make_bytes (g_test_rand_int_range (1, limit));
      g_autoptr (GError) error = NULL;

      if (!send_bytes (self->from, "SSH", 0, payload, &error))
        {
          g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK);
          return;
        }
      g_byte_array_append (self->sent, g_bytes_get_data (payload, NULL), g_bytes_get_size (payload));
      self->n_accepted++;
    }
}

static void
test_integrity (gconstpointer data)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  Flow flows[2] = { { pair->source, pair->destination }, { pair->destination, pair->source } };
  guint frame_size = GPOINTER_TO_UINT (data);
  gint64 deadline = test_get_deadline ();
  guint i;

  test_pair_start_stream (pair, NULL);
  for (i = 0; i < 2; i++)
    {
      ist_emulator_tunnel_set_frame_size (pair->emulator->tunnel, i == 0 ? IST_MODE_SOURCE : IST_MODE_DESTINATION,
                                          frame_size);
      flows[i].sent = g_byte_array_new ();
      flows[i].target = frame_size > 0 && frame_size < 100 ? 40000 : 2000000;
    }
  while (flows[0].to->received->len < flows[0].target || flows[1].to->received->len < flows[1].target)
    {
      for (i = 0; i < 2; i++)
        {
          flow_push (&flows[i]);
          if (g_test_rand_int_range (0, 20) == 0)
            ist_secure_tunnel_pause (flows[i].to->tunnel);
          else if (g_test_rand_int_range (0, 4) == 0)
            ist_secure_tunnel_resume (flows[i].to->tunnel);
        }
      test_iterate (NULL, deadline, "all received", G_STRLOC);
    }
  for (i = 0; i < 2; i++)
    {
      Flow *flow = &flows[i];

      ist_secure_tunnel_resume (flow->to->tunnel);
      test_wait (flow->to->received->len >= flow->sent->len);
      test_wait (flow->from->n_completed == flow->n_accepted);
      g_assert_cmpmem (flow->to->received->data, flow->to->received->len, flow->sent->data, flow->sent->len);
      g_assert_cmpuint (flow->from->n_failed, ==, 0);
      g_assert_cmpuint (ist_secure_tunnel_get_bytes_out (flow->from->tunnel), ==, flow->sent->len);
      g_assert_cmpuint (ist_secure_tunnel_get_bytes_in (flow->to->tunnel), ==, flow->sent->len);
      g_assert_cmpuint (ist_secure_tunnel_get_messages_out (flow->from->tunnel), ==, flow->n_accepted);
      g_assert_cmpuint (ist_secure_tunnel_get_messages_in (flow->to->tunnel), ==, flow->to->n_messages);
      g_assert_cmpuint (ist_secure_tunnel_get_queued_bytes (flow->from->tunnel), ==, 0);
      g_assert_cmpuint (test_end_count (flow->from, "notify::queued-bytes"), >, 0);
      g_assert_cmpuint (test_end_count (flow->from, "notify::bytes-out"), >, 0);
      g_assert_cmpuint (test_end_count (flow->from, "notify::messages-out"), >, 0);
      g_assert_cmpuint (test_end_count (flow->to, "notify::bytes-in"), >, 0);
      /* Once for all that happens in a turn of the loop, not for each message. */
      g_assert_cmpuint (test_end_count (flow->to, "notify::messages-in"), <=, flow->to->n_messages);
      g_byte_array_unref (flow->sent);
    }
}

/* A large message is one to who sends it. */
static void
test_large_message (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  g_autoptr (GBytes) payload = make_bytes (500000);
  g_autoptr (GBytes) huge = make_bytes (1024 * 1024 + 1);
  g_autoptr (GError) error = NULL;

  test_pair_start_stream (pair, "SSH");
  g_assert_true (send_bytes (pair->source, "SSH", 0, payload, NULL));
  test_wait (pair->destination->received->len == 500000);
  test_wait (pair->source->n_completed > 0);
  test_run_for (20);
  g_assert_cmpuint (pair->source->n_completed, ==, 1);
  g_assert_cmpuint (pair->destination->n_messages, ==, (500000 + 64511) / 64512);
  g_assert_cmpmem (pair->destination->received->data, 500000, g_bytes_get_data (payload, NULL), 500000);

  g_assert_false (send_bytes (pair->source, "SSH", 0, huge, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOO_LARGE);
}

static void
test_refusals (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh_web);
  g_autoptr (GBytes) payload = make_bytes (10);
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) idle = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  g_autoptr (IstMessage) wrong = ist_message_new_full (IST_MESSAGE_TYPE_STREAM_RESET, "SSH", 1, 0, FALSE, NULL);
  IstSecureTunnel *source = pair->source->tunnel;
  IstSecureTunnel *destination = pair->destination->tunnel;
  GError *error = NULL;
  guint i;

#define refused(call, expected)                         \
  G_STMT_START                                          \
  {                                                     \
    g_assert_false (call);                              \
    g_assert_error (error, IST_TUNNEL_ERROR, expected); \
    g_clear_error (&error);                             \
  }                                                     \
  G_STMT_END

  refused (send_bytes (idle, "SSH", 0, payload, &error), IST_TUNNEL_ERROR_NOT_CONNECTED);
  refused (ist_secure_tunnel_start_stream (idle->tunnel, "SSH", &error), IST_TUNNEL_ERROR_NOT_CONNECTED);
  refused (ist_secure_tunnel_start_connection (idle->tunnel, "SSH", &error), IST_TUNNEL_ERROR_NOT_CONNECTED);
  refused (ist_secure_tunnel_reset_stream (idle->tunnel, "SSH", &error), IST_TUNNEL_ERROR_NOT_CONNECTED);
  refused (ist_secure_tunnel_reset_connection (idle->tunnel, "SSH", 1, &error), IST_TUNNEL_ERROR_NOT_CONNECTED);

  refused (send_bytes (pair->source, "SSH", 0, payload, &error), IST_TUNNEL_ERROR_NO_SUCH_STREAM);
  refused (send_bytes (pair->source, "FTP", 0, payload, &error), IST_TUNNEL_ERROR_NO_SUCH_SERVICE);
  refused (send_bytes (pair->source, NULL, 0, payload, &error), IST_TUNNEL_ERROR_NO_SUCH_SERVICE);
  refused (ist_secure_tunnel_start_stream (source, "FTP", &error), IST_TUNNEL_ERROR_NO_SUCH_SERVICE);
  refused (ist_secure_tunnel_start_stream (destination, "SSH", &error), IST_TUNNEL_ERROR_INVALID_STATE);
  refused (ist_secure_tunnel_start_connection (destination, "SSH", &error), IST_TUNNEL_ERROR_INVALID_STATE);
  refused (ist_secure_tunnel_start_connection (source, "SSH", &error), IST_TUNNEL_ERROR_NO_SUCH_STREAM);
  refused (ist_secure_tunnel_reset_stream (source, "SSH", &error), IST_TUNNEL_ERROR_NO_SUCH_STREAM);
  refused (ist_secure_tunnel_reset_connection (source, "SSH", 1, &error), IST_TUNNEL_ERROR_NO_SUCH_STREAM);
  test_pair_start_stream (pair, "SSH");
  refused (send_bytes (pair->source, "SSH", 7, payload, &error), IST_TUNNEL_ERROR_NO_SUCH_CONNECTION);
  refused (ist_secure_tunnel_reset_connection (source, "SSH", 7, &error), IST_TUNNEL_ERROR_NO_SUCH_CONNECTION);
  refused (ist_secure_tunnel_send_message (source, wrong, &error), IST_TUNNEL_ERROR_INVALID_SETTING);

  /* Full: with a peer that takes nothing. */
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  {
    g_autoptr (GBytes) bulk = make_bytes (60000);

    for (i = 0; i < 10000 && send_bytes (pair->source, "SSH", 0, bulk, &error); i++)
      test_settle ();
    g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK);
    g_clear_error (&error);
    g_assert_cmpuint (ist_secure_tunnel_get_queued_bytes (source), <=, 1024 * 1024);
    g_assert_cmpuint (ist_secure_tunnel_get_queued_bytes (source), >, 900 * 1024);
  }
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, FALSE);
  test_wait (pair->source->n_completed == i);
#undef refused
}

/* Asynchronously: waits for room, in order; finished when written; the waiting
 * can be cancelled, what is accepted can't. */
typedef struct
{
  guint n_done;
  guint n_cancelled;
  guint n_failed;
} Counts;

static void
on_sent (GObject *source,
         GAsyncResult *result,
         gpointer user_data)
{
  Counts *counts = user_data;
  g_autoptr (GError) error = NULL;

  if (ist_secure_tunnel_send_message_finish (IST_SECURE_TUNNEL (source), result, &error))
    counts->n_done++;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    counts->n_cancelled++;
  else
    counts->n_failed++;
}

static void
test_async (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GByteArray) expected = g_byte_array_new ();
  g_autoptr (IstMessage) wrong = ist_message_new_full (IST_MESSAGE_TYPE_STREAM_RESET, "SSH", 1, 0, FALSE, NULL);
  g_autoptr (GError) error = NULL;
  Counts counts = { 0 };
  Counts early = { 0 };
  guint i;

  test_pair_start_stream (pair, "SSH");
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  for (i = 0; i < 400; i++)
    {
      g_autoptr (GBytes) payload = make_bytes (50000);
      g_autoptr (IstMessage) message = ist_message_new ("SSH", payload);

      /* The last hundred will be cancelled. */
      ist_secure_tunnel_send_message_async (pair->source->tunnel, message, i < 300 ? NULL : cancellable, on_sent,
                                            &counts);
      if (i < 300)
        g_byte_array_append (expected, g_bytes_get_data (payload, NULL), 50000);
    }
  g_cancellable_cancel (cancelled);
  {
    g_autoptr (IstMessage) message = ist_message_new ("SSH", NULL);

    ist_secure_tunnel_send_message_async (pair->source->tunnel, message, cancelled, on_sent, &early);
    /* Others wait already. */
    g_assert_false (ist_secure_tunnel_send_message (pair->source->tunnel, message, &error));
    g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK);
  }
  ist_secure_tunnel_send_message_async (pair->source->tunnel, wrong, NULL, on_sent, &early);
  g_assert_cmpuint (counts.n_done + early.n_cancelled + early.n_failed, ==, 0);
  test_run_for (50);
  g_assert_cmpuint (early.n_cancelled, ==, 1);
  g_assert_cmpuint (early.n_failed, ==, 1);
  g_assert_cmpuint (counts.n_done, <, 300);
  g_assert_cmpuint (ist_secure_tunnel_get_queued_bytes (pair->source->tunnel), <=, 1024 * 1024);
  g_cancellable_cancel (cancellable);
  test_wait (counts.n_cancelled == 100);
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, FALSE);
  test_wait (counts.n_done == 300);
  test_wait (pair->destination->received->len == expected->len);
  g_assert_cmpmem (pair->destination->received->data, expected->len, expected->data, expected->len);
  g_assert_cmpuint (pair->source->n_completed, ==, 300);
  g_assert_cmpuint (pair->source->n_failed, ==, 0);
  g_assert_cmpuint (counts.n_failed, ==, 0);
}

/* However it ends in the middle of the queue, each message that was accepted is
 * completed once, with the reason; those that waited are told too. */
typedef enum
{
  END_STOP,
  END_DROP,
  END_CLOSE,
  END_RESET_BY_PEER,
  END_SESSION_RESET,
  END_REPLACED,
} HowItEnds;

/* It is the tunnel that was stopped, whatever that is made of. */
static void
on_complete_when_stopped (IstSecureTunnel *tunnel,
                          IstMessage *message,
                          const GError *error,
                          gpointer user_data)
{
  if (error != NULL)
    g_assert_cmpstr (error->message, ==, "The tunnel was stopped");
}

static void
test_completion (gconstpointer data)
{
  static const int errors[] = {
    [END_STOP] = IST_TUNNEL_ERROR_STOPPED,
    [END_DROP] = IST_TUNNEL_ERROR_DISCONNECTED,
    [END_CLOSE] = IST_TUNNEL_ERROR_DISCONNECTED,
    [END_RESET_BY_PEER] = IST_TUNNEL_ERROR_STREAM_RESET,
    [END_SESSION_RESET] = IST_TUNNEL_ERROR_SESSION_RESET,
    [END_REPLACED] = IST_TUNNEL_ERROR_STREAM_REPLACED,
  };
  HowItEnds how = GPOINTER_TO_UINT (data);
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  g_autoptr (GBytes) payload = make_bytes (30000);
  g_autoptr (IstMessage) message = ist_message_new ("SSH", payload);
  g_autoptr (IstStreamInfo) info = NULL;
  IstEmulatorTunnel *tunnel = pair->emulator->tunnel;
  Counts counts = { 0 };
  guint n_accepted = 0;
  guint n_before;
  guint n_waiting = 0;
  guint i;

  test_pair_start_stream (pair, "SSH");
  ist_emulator_tunnel_set_stalled (tunnel, IST_MODE_SOURCE, TRUE);
  for (i = 0; i < 10000 && send_bytes (pair->source, "SSH", 0, payload, NULL); i++)
    {
      n_accepted++;
      test_settle ();
    }
  for (i = 0; i < 5; i++)
    ist_secure_tunnel_send_message_async (pair->source->tunnel, message, NULL, on_sent, &counts);
  test_run_for (20);
  n_before = pair->source->n_completed;
  n_waiting = 5 - counts.n_done;
  g_assert_cmpuint (n_before, <, n_accepted);

  switch (how)
    {
    case END_STOP:
      g_signal_connect (pair->source->tunnel, "send-data-complete", G_CALLBACK (on_complete_when_stopped), NULL);
      ist_secure_tunnel_stop (pair->source->tunnel);
      break;
    case END_DROP:
      ist_emulator_tunnel_drop_side (tunnel, IST_MODE_SOURCE);
      break;
    case END_CLOSE:
      ist_emulator_tunnel_close_side (tunnel, IST_MODE_SOURCE, 1001, NULL);
      break;
    case END_RESET_BY_PEER:
      g_assert_true (ist_secure_tunnel_reset_stream (pair->destination->tunnel, "SSH", NULL));
      break;
    case END_SESSION_RESET:
      ist_emulator_tunnel_reset_session (tunnel);
      break;
    case END_REPLACED:
      info = ist_secure_tunnel_start_stream (pair->source->tunnel, "SSH", NULL);
      break;
    default:
      g_assert_not_reached ();
    }
  /* A message that is half written may still be written, and none of its
   * connection is told of before. */
  if (how == END_STOP || how == END_DROP)
    test_wait (pair->source->n_failed > 0);
  ist_emulator_tunnel_set_stalled (tunnel, IST_MODE_SOURCE, FALSE);
  test_wait (counts.n_done + counts.n_failed == 5);
  test_wait (ist_secure_tunnel_get_queued_bytes (pair->source->tunnel) == 0);
  test_run_for (30);
  /* The five came to be accepted or not. */
  g_assert_cmpuint (pair->source->n_completed + pair->source->n_failed, >=, n_accepted);
  g_assert_cmpuint (pair->source->n_completed + pair->source->n_failed, <=, n_accepted + 5);
  if (how != END_CLOSE)
    {
      g_autofree char *event = g_strdup_printf ("complete %d", errors[how]);

      g_assert_cmpuint (test_end_count (pair->source, event), ==, pair->source->n_failed);
      g_assert_cmpuint (n_waiting, >, 0);
    }
  g_assert_cmpuint (pair->destination->n_messages, <=, pair->source->n_completed);
}

/* A keystroke overtakes what another connection has queued. */
static void
test_turns (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh_web);
  g_autoptr (GBytes) bulk = make_bytes (60000);
  g_autoptr (IstStreamInfo) info = NULL;
  guint n_bulk = 0;
  guint i;
  guint after = 0;

  test_pair_start_stream (pair, "SSH");
  test_pair_start_stream (pair, "WEB");
  info = ist_secure_tunnel_start_connection (pair->source->tunnel, "SSH", NULL);
  g_assert_cmpuint (ist_stream_info_get_connection_id (info), ==, 2);
  test_wait (test_end_count (pair->destination, "connection-started SSH 2") == 1);
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  do
    {
      test_run_for (10);
      for (i = 0; i < 15 && send_bytes (pair->source, "SSH", 1, bulk, NULL); i++)
        n_bulk++;
    }
  while (i > 0);
  /* The queue is full but for a little. */
  test_end_send (pair->source, "SSH", 2, "k");
  test_end_send (pair->source, "WEB", 1, "k");
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, FALSE);
  test_wait (pair->destination->n_messages == n_bulk + 2);
  for (i = pair->destination->events->len; i > 0; i--)
    {
      const char *event = pair->destination->events->pdata[i - 1];

      if (g_str_equal (event, "message SSH 2") || g_str_equal (event, "message WEB 1"))
        break;
      after += g_str_equal (event, "message SSH 1");
    }
  /* About 17 were queued; no more than a few batches of one or two each went first. */
  g_assert_cmpuint (after, >=, 10);
}

/* Starts and resets keep their place among the data of all connections. */
static void
test_order_of_streams (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  g_autoptr (GBytes) payload = make_bytes (40000);
  guint round;
  guint i;

  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  for (round = 0; round < 3; round++)
    {
      g_autoptr (IstStreamInfo) first = ist_secure_tunnel_start_stream (pair->source->tunnel, "SSH", NULL);
      g_autoptr (IstStreamInfo) second = ist_secure_tunnel_start_connection (pair->source->tunnel, "SSH", NULL);

      g_assert_cmpuint (ist_stream_info_get_connection_id (first), ==, 1);
      g_assert_cmpuint (ist_stream_info_get_connection_id (second), ==, 2);
      for (i = 0; i < 3; i++)
        {
          g_assert_true (send_bytes (pair->source, "SSH", 1, payload, NULL));
          g_assert_true (send_bytes (pair->source, "SSH", 2, payload, NULL));
        }
      g_assert_true (ist_secure_tunnel_reset_stream (pair->source->tunnel, "SSH", NULL));
    }
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, FALSE);
  test_wait (test_end_count (pair->destination, "stream-stopped") == 3);
  g_assert_cmpuint (pair->destination->n_messages, ==, 18);
  g_assert_cmpuint (pair->source->n_failed, ==, 0);
  {
    guint n_messages = 0;
    guint n_streams = 0;

    for (i = 0; i < pair->destination->events->len; i++)
      {
        const char *event = pair->destination->events->pdata[i];

        n_messages += g_str_has_prefix (event, "message ");
        if (!g_str_has_prefix (event, "stream-"))
          continue;
        g_assert_true (g_str_has_prefix (event, n_streams % 2 ? "stream-stopped" : "stream-started"));
        g_assert_cmpuint (n_messages, ==, (n_streams + 1) / 2 * 6);
        n_streams++;
      }
  }
}

/* One event after the other, and all that they carry. */
static void
test_events (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  g_autoptr (IstStreamInfo) stream = NULL;
  g_autoptr (IstStreamInfo) connection = NULL;
  g_autoptr (IstStreamInfo) second = NULL;

  stream = ist_secure_tunnel_start_stream (pair->source->tunnel, NULL, NULL);
  g_assert_cmpstr (ist_stream_info_get_service_id (stream), ==, "SSH");
  g_assert_cmpuint (ist_stream_info_get_connection_id (stream), ==, 1);
  test_wait (test_end_count (pair->destination, "stream-started SSH 1 V3") == 1);
  connection = ist_secure_tunnel_start_connection (pair->source->tunnel, "SSH", NULL);
  test_wait (test_end_count (pair->destination, "connection-started SSH 2 V3") == 1);

  test_end_send (pair->destination, "SSH", 2, "two");
  test_wait (test_end_count (pair->source, "message SSH 2") == 1);
  g_assert_true (ist_secure_tunnel_reset_connection (pair->destination->tunnel, "SSH", 2, NULL));
  g_assert_cmpuint (test_end_count (pair->destination, "connection-reset SSH 2 V3 none"), ==, 1);
  test_wait (test_end_count (pair->source, "connection-reset SSH 2 V3") == 1);
  g_assert_error (pair->source->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CONNECTION_RESET);
  /* The other one lives. */
  test_end_send (pair->source, "SSH", 1, "one");
  test_wait (pair->destination->n_messages == 1);

  /* Replaced: the old one is told of, also at the end that did it. */
  second = ist_secure_tunnel_start_stream (pair->source->tunnel, "SSH", NULL);
  g_assert_cmpint (ist_stream_info_get_stream_id (second), >, ist_stream_info_get_stream_id (stream));
  test_wait (test_end_count (pair->destination, "stream-started") == 2);
  g_assert_cmpuint (test_end_count (pair->destination, "stream-stopped SSH"), ==, 1);
  g_assert_error (pair->destination->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STREAM_REPLACED);

  ist_emulator_tunnel_reset_session (pair->emulator->tunnel);
  test_wait (test_end_count (pair->source, "session-reset") == 1 &&
             test_end_count (pair->destination, "session-reset") == 1);
  g_assert_error (pair->source->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_SESSION_RESET);
  g_assert_cmpuint (test_end_count (pair->source, "shutdown"), ==, 0);
  /* The WebSocket lives, new streams are served. */
  test_pair_start_stream (pair, "SSH");
  test_end_send (pair->source, "SSH", 0, "again");
  test_wait (pair->destination->n_messages == 2);

  /* The WebSocket is lost: everything ends, in order, then begins again, with a greater id. */
  ist_emulator_tunnel_drop_side (pair->emulator->tunnel, IST_MODE_SOURCE);
  test_wait (test_end_count (pair->source, "success") == 2);
  g_assert_cmpuint (test_end_count (pair->source, "stream-stopped"), ==, 3);
  g_assert_error (pair->source->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED);
  g_assert_cmpuint (ist_secure_tunnel_get_n_reconnects (pair->source->tunnel), ==, 1);
  g_assert_cmpuint (test_end_count (pair->source, "notify::n-reconnects"), ==, 1);
  {
    g_autoptr (IstStreamInfo) third = ist_secure_tunnel_start_stream (pair->source->tunnel, "SSH", NULL);

    g_assert_cmpint (ist_stream_info_get_stream_id (third), >, ist_stream_info_get_stream_id (second));
  }
}

/* Versions that are forced; what a peer of theirs sees. */
static void
test_versions (gconstpointer data)
{
  IstProtocolVersion version = GPOINTER_TO_INT (data);
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) source = test_emulator_add (emulator, IST_MODE_SOURCE, "protocol-version", version, NULL);
  g_autoptr (TestEnd) destination = test_emulator_add (emulator, IST_MODE_DESTINATION, NULL);
  g_autofree char *started = g_strdup_printf ("stream-started SSH %d V%d", version == 3, version);
  g_autofree char *stopped = g_strdup_printf ("stream-stopped SSH %d V%d", version == 3, version);
  g_autoptr (IstStreamInfo) info = NULL;
  g_autoptr (IstStreamInfo) connection = NULL;
  g_autoptr (GError) error = NULL;

  test_end_start (source);
  test_end_start (destination);
  test_wait (test_end_count (source, "success") == 1 && test_end_count (destination, "success") == 1);
  info = ist_secure_tunnel_start_stream (source->tunnel, "SSH", &error);
  g_assert_no_error (error);
  test_wait (test_end_count (destination, started) == 1);
  test_end_send (source, "SSH", 0, "zero");
  test_end_send (source, "SSH", 1, "one");
  test_end_send (destination, "SSH", 0, "zero");
  test_end_send (destination, "SSH", 1, "one");
  test_wait (source->received->len == 7 && destination->received->len == 7);
  connection = ist_secure_tunnel_start_connection (source->tunnel, "SSH", &error);
  if (version == IST_PROTOCOL_VERSION_V3)
    g_assert_no_error (error);
  else
    g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  ist_secure_tunnel_reset_stream (source->tunnel, "SSH", &error);
  g_assert_no_error (error);
  test_wait (test_end_count (destination, stopped) == 1);
  g_assert_cmpuint (test_end_count (source, "failure") + test_end_count (source, "shutdown"), ==, 0);
}

/* The last reference goes while everything is under way. */
static void
test_dispose (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  g_autoptr (GBytes) payload = make_bytes (60000);
  guint completed;

  test_pair_start_stream (pair, "SSH");
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  while (send_bytes (pair->source, "SSH", 0, payload, NULL))
    continue;
  completed = pair->source->n_completed + pair->source->n_failed;
  g_clear_object (&pair->source->tunnel);
  g_assert_null (pair->source->alive);
  test_run_for (30);
  g_assert_cmpuint (pair->source->n_completed + pair->source->n_failed, ==, completed);
}

int
main (int argc,
      char **argv)
{
  static const guint frame_sizes[] = { 0, 1, 1000, 131076 };
  guint i;

  g_test_init (&argc, &argv, NULL);

  for (i = 0; i < G_N_ELEMENTS (frame_sizes); i++)
    {
      g_autofree char *path = g_strdup_printf ("/data/integrity/%u", frame_sizes[i]);

      g_test_add_data_func (path, GUINT_TO_POINTER (frame_sizes[i]), test_integrity);
    }
  g_test_add_func ("/data/large-message", test_large_message);
  g_test_add_func ("/data/refusals", test_refusals);
  g_test_add_func ("/data/async", test_async);
  for (i = END_STOP; i <= END_REPLACED; i++)
    {
      g_autofree char *path = g_strdup_printf ("/data/completion/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_completion);
    }
  g_test_add_func ("/data/turns", test_turns);
  g_test_add_func ("/data/order-of-streams", test_order_of_streams);
  g_test_add_func ("/data/events", test_events);
  for (i = IST_PROTOCOL_VERSION_V1; i <= IST_PROTOCOL_VERSION_V3; i++)
    {
      g_autofree char *path = g_strdup_printf ("/data/versions/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_versions);
    }
  g_test_add_func ("/data/dispose", test_dispose);

  return g_test_run ();
}
