/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A reader that stops must not make anybody's memory grow: a gigabyte is
 * offered, in either direction, and little of it may be taken.
 */

#include "test-tunnel.h"

#define OFFERED (1024 * 1024 * 1024)
#define PAYLOAD 60000

/* Buffers of sockets are not in the process; this is for all of ours, the
 * emulator's and the allocator's. AddressSanitizer keeps what was freed. */
#if defined(__SANITIZE_ADDRESS__)
#define MAX_GROWTH (512 * 1024)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MAX_GROWTH (512 * 1024)
#endif
#endif
#ifndef MAX_GROWTH
#define MAX_GROWTH (24 * 1024)
#endif

static void
on_sent (GObject *source,
         GAsyncResult *result,
         gpointer user_data)
{
  guint *n_done = user_data;

  if (ist_secure_tunnel_send_message_finish (IST_SECURE_TUNNEL (source), result, NULL))
    (*n_done)++;
}

/* One message waits at a time, as a producer does who heeds the brake; what does
 * not fit is offered again and again. */
static void
test_reader_stops (gconstpointer data)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  gboolean from_source = data != NULL;
  TestEnd *from = from_source ? pair->source : pair->destination;
  TestEnd *to = from_source ? pair->destination : pair->source;
  g_autofree guint8 *bytes = g_malloc0 (PAYLOAD);
  g_autoptr (GBytes) payload = NULL;
  guint64 offered = 0;
  guint64 accepted = 0;
  guint n_async = 0;
  guint n_done = 0;
  guint before;
  guint peak;

  test_pair_start_stream (pair, "SSH");
  test_end_send (pair->source, "SSH", 0, "warm");
  test_wait (pair->destination->n_messages == 1);
  test_settle ();
  before = test_get_rss ();
  peak = before;
  ist_secure_tunnel_pause (to->tunnel);
  payload = g_bytes_new_take (g_steal_pointer (&bytes), PAYLOAD);

  while (offered < OFFERED)
    {
      /* A copy, as real data would be. */
      g_autoptr (GBytes) copy = g_bytes_new (g_bytes_get_data (payload, NULL), PAYLOAD);
      g_autoptr (IstMessage) message = ist_message_new ("SSH", copy);

      if (ist_secure_tunnel_send_message (from->tunnel, message, NULL))
        accepted += PAYLOAD;
      else if (n_async == n_done)
        ist_secure_tunnel_send_message_async (from->tunnel, message, NULL, on_sent, (n_async++, &n_done));
      offered += PAYLOAD;
      g_main_context_iteration (NULL, FALSE);
      if (offered % (PAYLOAD * 500) == 0)
        peak = MAX (peak, test_get_rss ());
    }
  test_run_for (100);
  peak = MAX (peak, test_get_rss ());
  g_test_message ("%s: %u MiB offered, %u MiB accepted, RSS %u kB before, %u kB at most",
                  from_source ? "source to destination" : "destination to source", (guint) (offered >> 20),
                  (guint) (accepted >> 20), before, peak);
  g_assert_cmpuint (accepted, <, OFFERED / 8);
  g_assert_cmpuint (ist_secure_tunnel_get_queued_bytes (from->tunnel), <=, 1024 * 1024);
  g_assert_cmpuint (peak - before, <, MAX_GROWTH);

  /* And nothing of what was accepted is lost. */
  ist_secure_tunnel_resume (to->tunnel);
  test_wait (from->n_completed == n_done + accepted / PAYLOAD + from_source);
  test_wait (to->received->len == (from->n_completed - from_source) * (guint64) PAYLOAD + 4 * from_source);
  test_wait (n_done == n_async);
}

/* Streamed, with a reader that keeps up: memory stays where it is. */
typedef struct
{
  guint64 sent;
  guint64 received;
} Progress;

static void
on_message (IstSecureTunnel *tunnel,
            IstMessage *message,
            gpointer user_data)
{
  Progress *progress = user_data;

  progress->received += g_bytes_get_size (ist_message_get_payload (message));
}

static gboolean
on_tick (gpointer user_data)
{
  guint *ticks = user_data;

  (*ticks)++;
  return G_SOURCE_CONTINUE;
}

static void
test_stream (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  g_autofree guint8 *bytes = g_malloc0 (PAYLOAD);
  g_autoptr (GBytes) payload = g_bytes_new_take (g_steal_pointer (&bytes), PAYLOAD);
  g_autoptr (IstMessage) message = ist_message_new ("SSH", payload);
  Progress progress = { 0 };
  guint64 target = OFFERED;
  gint64 begun;
  double seconds;
  guint ticks = 0;
  guint before;
  guint peak;
  guint timer;

  test_pair_start_stream (pair, "SSH");
  /* The recording of every event is not what is measured. */
  g_signal_handlers_disconnect_by_data (pair->source->tunnel, pair->source);
  g_signal_handlers_disconnect_by_data (pair->destination->tunnel, pair->destination);
  g_signal_connect (pair->destination->tunnel, "message-received", G_CALLBACK (on_message), &progress);
  test_settle ();
  before = test_get_rss ();
  peak = before;
  timer = g_timeout_add (10, on_tick, &ticks);
  begun = g_get_monotonic_time ();
  while (progress.received < target)
    {
      while (progress.sent < target && ist_secure_tunnel_send_message (pair->source->tunnel, message, NULL))
        progress.sent += PAYLOAD;
      g_main_context_iteration (NULL, TRUE);
      if (g_test_rand_int_range (0, 500) == 0)
        peak = MAX (peak, test_get_rss ());
      /* Where the machine is slow, ten seconds show as much. */
      if (g_get_monotonic_time () - begun > 10 * G_USEC_PER_SEC)
        target = progress.sent;
    }
  seconds = (g_get_monotonic_time () - begun) / (double) G_USEC_PER_SEC;
  g_source_remove (timer);
  g_test_message ("%u MiB in %.1f s, %u ticks of 10 ms, RSS %u kB before, %u kB at most",
                  (guint) (progress.received >> 20), seconds, ticks, before, peak);
  g_assert_cmpuint (peak - before, <, MAX_GROWTH);
  /* Of a hundred in a second. */
  g_assert_cmpfloat (ticks, >=, 15 * seconds);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/bounded/source-to-destination", "source", test_reader_stops);
  g_test_add_data_func ("/bounded/destination-to-source", NULL, test_reader_stops);
  g_test_add_func ("/bounded/stream", test_stream);

  return g_test_run ();
}
