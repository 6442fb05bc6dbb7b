/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What bounds a connection, what it does to the others, and what is left after many. */

#include <malloc.h>
#include <string.h>

#include "pair.h"

#define MIB (1024 * 1024)

/* What the sanitizers keep is no measure. */
#ifdef TEST_SANITIZED
#define MEASURES_MEMORY FALSE
#else
#define MEASURES_MEMORY TRUE
#endif

/* Kilobytes. */
static void
assert_grown_less (const char *what,
                   guint before,
                   guint limit)
{
  guint now;

  malloc_trim (0);
  now = test_get_rss ();
  g_test_message ("%s: RSS %u KB, was %u KB, may grow by %u KB", what, now, before, limit);
  if (MEASURES_MEMORY)
    g_assert_cmpuint (now, <, before + limit);
}

/* One end writes for ever, the other reads when it is let. */
typedef struct
{
  IstConnection *from;
  IstConnection *to;
  guint64 n_written;
  guint64 n_read;
  gboolean reads;
  gboolean stop;
  gboolean writer_done;
  GError *write_error;
  GError *read_error;
  gboolean ended;
  gsize piece;
  guint8 out[65536];
  guint8 in[65536];
} Pump;

static void pump_write (Pump *self);
static void pump_read (Pump *self);

static void
on_pump_written (GObject *source,
                 GAsyncResult *result,
                 gpointer user_data)
{
  Pump *self = user_data;
  gssize n = g_output_stream_write_finish (G_OUTPUT_STREAM (source), result, &self->write_error);

  if (n < 0)
    {
      self->writer_done = TRUE;
      return;
    }
  self->n_written += n;
  pump_write (self);
}

static void
pump_write (Pump *self)
{
  if (self->stop)
    {
      self->writer_done = TRUE;
      return;
    }
  test_pattern_fill (self->out, self->piece, self->n_written, 0);
  g_output_stream_write_async (G_OUTPUT_STREAM (connection_out (self->from)), self->out, self->piece, 0, NULL,
                               on_pump_written, self);
}

static void
on_pump_read (GObject *source,
              GAsyncResult *result,
              gpointer user_data)
{
  Pump *self = user_data;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &self->read_error);

  if (n <= 0)
    {
      self->ended = TRUE;
      return;
    }
  test_pattern_check (self->in, n, self->n_read, 0);
  self->n_read += n;
  if (self->reads)
    pump_read (self);
}

static void
pump_read (Pump *self)
{
  self->reads = TRUE;
  g_input_stream_read_async (G_INPUT_STREAM (connection_in (self->to)), self->in, sizeof self->in, 0, NULL,
                             on_pump_read, self);
}

static Pump *
pump_new (Pair *pair,
          gboolean from_source,
          gsize piece)
{
  Pump *self = g_new0 (Pump, 1);

  self->piece = piece;
  if (from_source)
    pair_open (pair, "SSH", &self->from, &self->to);
  else
    pair_open (pair, "SSH", &self->to, &self->from);
  return self;
}

static void
pump_free (Pump *self)
{
  g_object_unref (self->from);
  g_object_unref (self->to);
  g_clear_error (&self->write_error);
  g_clear_error (&self->read_error);
  g_free (self);
}

static guint64
pump_get_written (gpointer data)
{
  return ((Pump *) data)->n_written;
}

static void
pump_finish (Pump *self)
{
  self->stop = TRUE;
  test_wait (self->writer_done);
  g_assert_no_error (self->write_error);
  connection_close (self->from);
  test_wait (self->ended);
  g_assert_no_error (self->read_error);
  g_assert_cmpuint (self->n_read, ==, self->n_written);
}

/* The service reads no more: the writer is bounded by its own buffer. */
static void
test_writer_is_bounded (gconstpointer data)
{
  const guint buffer_size = 1 * MIB;
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "protocol-version", IST_PROTOCOL_VERSION_V3,
                                    "connection-buffer-size", buffer_size, NULL);
  Pump *pump = pump_new (pair, TRUE, GPOINTER_TO_SIZE (data));
  guint64 unsent;
  guint before;

  pump_write (pump);
  pump_read (pump);
  test_wait (pump->n_read > 100 * pump->piece);
  before = test_get_rss ();

  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  await_standstill (pump_get_written, pump);
  unsent = pump->n_written - ist_connection_get_bytes_out (pump->from);
  g_test_message ("%" G_GUINT64_FORMAT " bytes unsent", unsent);
  g_assert_cmpuint (unsent, >, 0);
  g_assert_cmpuint (unsent, <=, buffer_size);
  /* Tiny writes, too. What it takes more is the kernel's part, read back later. */
  assert_grown_less ("writer stands still", before, 8 * 1024);

  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, FALSE);
  pump_finish (pump);
  pump_free (pump);
}

/* Nobody reads: the tunnel is paused, and so the writer in the end. */
static void
test_reader_stops (gconstpointer data)
{
  const guint buffer_size = 512 * 1024;
  gboolean from_source = GPOINTER_TO_INT (data);
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "protocol-version", IST_PROTOCOL_VERSION_V3,
                                    "connection-buffer-size", buffer_size, NULL);
  Pump *pump = pump_new (pair, from_source, 65536);
  guint64 unread;
  guint before;

  pump_write (pump);
  pump_read (pump);
  test_wait (pump->n_read > 20 * MIB);
  before = test_get_rss ();

  pump->reads = FALSE;
  await_standstill (pump_get_written, pump);
  unread = ist_connection_get_bytes_in (pump->to) - pump->n_read;
  g_test_message ("%" G_GUINT64_FORMAT " bytes unread, %" G_GUINT64_FORMAT " on the way", unread,
                  pump->n_written - ist_connection_get_bytes_in (pump->to));
  g_assert_cmpuint (unread, >=, buffer_size / 2);
  /* And what was in the frame that filled it. */
  g_assert_cmpuint (unread, <=, buffer_size + 2 * TEST_MAX_FRAME);
  assert_grown_less ("reader stopped", before, 32 * 1024);

  pump_read (pump);
  test_wait (pump->n_read > 60 * MIB);
  pump_finish (pump);
  assert_grown_less ("after it", before, 32 * 1024);
  pump_free (pump);
}

/* Writes into all connections until none takes any more; returns what is queued. */
static guint64
fill_up (Pair *pair,
         GPtrArray *connections)
{
  static const guint8 data[65536];
  guint n_refused = 0;
  guint i;

  /* What is refused once may only have to be sent. */
  while (n_refused < 10)
    {
      n_refused++;
      for (i = 0; i < connections->len; i++)
        {
          g_autoptr (GError) error = NULL;

          if (g_pollable_output_stream_write_nonblocking (connection_out (connections->pdata[i]), data, sizeof data,
                                                          NULL, &error) > 0)
            n_refused = 0;
          else
            g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
        }
      test_run_for (20);
    }
  return ist_secure_tunnel_get_queued_bytes (pair->source->tunnel);
}

/* Many together keep no more than few, and few may keep more again. */
static void
test_total_buffer_size (void)
{
  const guint n = 64;
  const gsize total = 2 * MIB;
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "protocol-version", IST_PROTOCOL_VERSION_V3,
                                    "total-buffer-size", (guint) total, NULL);
  g_autoptr (GPtrArray) connections = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) readers = g_ptr_array_new_with_free_func (g_object_unref);
  guint64 queued;
  guint i;

  for (i = 0; i < n; i++)
    {
      IstConnection *near;
      IstConnection *far;

      pair_open (pair, "SSH", &near, &far);
      g_ptr_array_add (connections, near);
      g_ptr_array_add (readers, far);
      g_input_stream_skip_async (g_io_stream_get_input_stream (G_IO_STREAM (far)), G_MAXSSIZE, 0, NULL, NULL, NULL);
    }
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  queued = fill_up (pair, connections);
  g_test_message ("%" G_GUINT64_FORMAT " bytes queued by %u connections", queued, n);
  g_assert_cmpuint (queued, <=, total + n * 1024);
  g_assert_cmpuint (queued, >=, total / 2);

  /* They have what they need again when there are fewer. */
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, FALSE);
  test_wait (ist_secure_tunnel_get_queued_bytes (pair->source->tunnel) == 0);
  g_ptr_array_set_size (connections, 1);
  test_wait (ist_secure_tunnel_get_queued_bytes (pair->source->tunnel) == 0);
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  /* Where sending is slow, what is refused so often may still be on its way. */
  test_wait (fill_up (pair, connections) > 2 * total / n);
  queued = ist_secure_tunnel_get_queued_bytes (pair->source->tunnel);
  g_assert_cmpuint (queued, <=, 262144 + 65536);
}

/* Only the stalled one is reset, and the others go on. */
static void
test_stall_timeout (void)
{
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "protocol-version", IST_PROTOCOL_VERSION_V3,
                                    "connection-buffer-size", 65536, "stall-timeout", 1, NULL);
  Pump *stalled = pump_new (pair, TRUE, 65536);
  Pump *other = pump_new (pair, TRUE, 65536);
  g_autoptr (GError) error = NULL;
  guint8 *unread;
  guint64 n_unread;

  pump_write (other);
  pump_read (other);
  pump_write (stalled);
  pump_read (stalled);
  test_wait (stalled->n_read > MIB && other->n_read > MIB);
  stalled->reads = FALSE;
  test_wait (stalled->writer_done);
  /* To its writer that is the peer's end. */
  connection_check_error (stalled->from, stalled->write_error, IST_TUNNEL_ERROR_CONNECTION_RESET);
  connection_expect_end (stalled->from, -1);

  /* To its reader it is an error, after what it could have read. */
  n_unread = ist_connection_get_bytes_in (stalled->to) - stalled->n_read;
  g_assert_cmpuint (n_unread, >, 0);
  unread = g_malloc (n_unread);
  connection_read (stalled->to, unread, n_unread);
  test_pattern_check (unread, n_unread, stalled->n_read, 0);
  g_free (unread);
  connection_expect_end (stalled->to, IST_TUNNEL_ERROR_TIMED_OUT);
  g_assert_cmpint (
    g_pollable_output_stream_write_nonblocking (connection_out (stalled->to), "x", 1, NULL, &error), ==, -1);
  connection_check_error (stalled->to, error, IST_TUNNEL_ERROR_TIMED_OUT);

  test_wait (other->n_read > 10 * MIB);
  g_assert_cmpuint (test_end_count (pair->source, "connection-reset"), ==, 1);
  g_assert_cmpuint (test_end_count (pair->destination, "connection-reset"), ==, 1);
  pump_finish (other);
  pump_free (stalled);
  pump_free (other);
}

/* One that does read, though slowly, is left alone. */
static void
test_slow_reader (void)
{
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "protocol-version", IST_PROTOCOL_VERSION_V3,
                                    "connection-buffer-size", 65536, "stall-timeout", 600, NULL);
  Pump *pump = pump_new (pair, TRUE, 65536);
  guint i;

  pump_write (pump);
  for (i = 0; i < 20; i++)
    {
      guint64 before = pump->n_read;

      pump_read (pump);
      pump->reads = FALSE;
      test_wait (pump->n_read > before);
      test_run_for (5);
    }
  pump_read (pump);
  pump_finish (pump);
  pump_free (pump);
}

/* Nor one that reads too little to make room for more. Each turn of the main loop
 * comes after a read, however long it takes. */
static void
test_tiny_reads (void)
{
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "protocol-version", IST_PROTOCOL_VERSION_V3,
                                    "connection-buffer-size", 65536, "stall-timeout", 1, NULL);
  Pump *pump = pump_new (pair, TRUE, 65536);
  gint64 end;

  pump_write (pump);
  test_wait (ist_connection_get_bytes_in (pump->to) >= 65536);
  end = g_get_monotonic_time () + 4 * G_USEC_PER_SEC;
  while (g_get_monotonic_time () < end)
    {
      g_autoptr (GError) error = NULL;
      gssize n = g_pollable_input_stream_read_nonblocking (connection_in (pump->to), pump->in, 1, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpint (n, ==, 1);
      test_pattern_check (pump->in, 1, pump->n_read, 0);
      pump->n_read++;
      test_iterate (NULL, G_MAXINT64, "", "");
    }
  pump_read (pump);
  pump_finish (pump);
  pump_free (pump);
}

/* Round trips beside bulk: each may wait for what is on its way, but not for
 * what others have queued. Counted, not timed. */
static void
test_fair_turns (void)
{
  enum
  {
    N_BULK = 4,
    N_TRIPS = 50,
  };
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "protocol-version", IST_PROTOCOL_VERSION_V3,
                                    "connection-buffer-size", 8 * MIB, NULL);
  Pump *bulk[N_BULK];
  IstConnection *near;
  IstConnection *far;
  guint64 before = 0;
  guint64 after = 0;
  guint i;

  pair_open (pair, "SSH", &near, &far);
  for (i = 0; i < N_BULK; i++)
    {
      bulk[i] = pump_new (pair, TRUE, 65536);
      pump_write (bulk[i]);
      pump_read (bulk[i]);
    }
  for (i = 0; i < N_BULK; i++)
    test_wait (bulk[i]->n_read > 16 * MIB);

  for (i = 0; i < N_BULK; i++)
    before += bulk[i]->n_read;
  for (i = 0; i < N_TRIPS; i++)
    {
      connection_say (near, "x");
      connection_expect (far, "x");
      connection_say (far, "y");
      connection_expect (near, "y");
    }
  for (i = 0; i < N_BULK; i++)
    after += bulk[i]->n_read;
  g_test_message ("%" G_GUINT64_FORMAT " KB of the others in one round trip",
                  (after - before) / N_TRIPS / 1024);
  /* Behind the queues of the others it would be 32 MB. The kernel's buffers and
   * the emulator's are what remains. */
  g_assert_cmpuint ((after - before) / N_TRIPS, <, 12 * MIB);

  for (i = 0; i < N_BULK; i++)
    {
      g_assert_cmpuint (bulk[i]->n_read, >, 16 * MIB);
      bulk[i]->stop = TRUE;
    }
  for (i = 0; i < N_BULK; i++)
    {
      pump_finish (bulk[i]);
      pump_free (bulk[i]);
    }
  g_object_unref (near);
  g_object_unref (far);
}

/* Where there is a limit, what is sent and not yet through is worth little time:
 * counted, not timed. The sockets alone take twice as much. */
static void
test_little_on_the_way (gconstpointer data)
{
  enum
  {
    BANDWIDTH = 800 * 1000,
    N_TRIPS = 20,
  };
  g_autoptr (Pair) pair = pair_new_slow (test_ssh, BANDWIDTH, "protocol-version", IST_PROTOCOL_VERSION_V3, NULL);
  Pump *bulk;
  IstConnection *near;
  IstConnection *far;
  guint64 most = 0;
  guint i;

  pair_open (pair, "SSH", &near, &far);
  bulk = pump_new (pair, GPOINTER_TO_INT (data), 65536);
  pump_write (bulk);
  pump_read (bulk);
  test_wait (bulk->n_read > 2 * MIB);

  for (i = 0; i < N_TRIPS; i++)
    {
      most = MAX (most, ist_connection_get_bytes_out (bulk->from) - bulk->n_read);
      connection_say (near, "x");
      connection_expect (far, "x");
      connection_say (far, "y");
      connection_expect (near, "y");
    }
  g_test_message ("%" G_GUINT64_FORMAT " KB on the way at most", most / 1024);
  g_assert_cmpuint (most, <, BANDWIDTH / 8);

  pump_finish (bulk);
  pump_free (bulk);
  g_object_unref (near);
  g_object_unref (far);
}

/* Many of them */

static void
use_once (Pair *pair,
          guint i)
{
  g_autoptr (IstConnection) near = NULL;
  g_autoptr (IstConnection) far = NULL;
  g_autofree char *text = g_strdup_printf ("connection %u", i);

  pair_open (pair, "SSH", &near, &far);
  connection_say (near, text);
  connection_expect (far, text);
  connection_say (far, text);
  connection_expect (near, text);
  /* All the ways to go. */
  if (i % 3 == 0)
    g_io_stream_close (G_IO_STREAM (near), NULL, NULL);
  else if (i % 3 == 1)
    connection_close (far);
  else
    g_clear_object (&near);
  if (near != NULL)
    {
      while (!g_pollable_input_stream_is_readable (connection_in (near)))
        g_main_context_iteration (NULL, TRUE);
    }
}

static void
test_many_in_sequence (void)
{
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "protocol-version", IST_PROTOCOL_VERSION_V3, NULL);
  guint n_fds;
  guint before;
  guint i;

  for (i = 0; i < 100; i++)
    use_once (pair, i);
  n_fds = test_count_fds ();
  malloc_trim (0);
  before = test_get_rss ();

  for (i = 0; i < 1000; i++)
    use_once (pair, i);
  test_wait (test_end_count (pair->destination, "connection-reset") == 1100);
  test_wait (test_end_count (pair->source, "connection-reset") == 1100);
  g_assert_cmpuint (test_count_fds (), ==, n_fds);
  /* What the test itself notes is part of it. */
  assert_grown_less ("1000 connections", before, 3 * 1024);
}

static void
test_many_at_once (void)
{
  enum
  {
    N = 300,
  };
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "protocol-version", IST_PROTOCOL_VERSION_V3, NULL);
  guint n_fds = test_count_fds ();
  guint before = 0;
  guint round;
  guint i;

  for (round = 0; round < 3; round++)
    {
      GAsyncResult *results[N] = { NULL };
      IstConnection *near[N];
      IstConnection *far[N];
      g_autoptr (GError) error = NULL;

      for (i = 0; i < N; i++)
        ist_secure_tunnel_open_connection_async (pair->source->tunnel, "SSH", NULL, test_store_result,
                                                 &results[i]);
      test_wait (g_queue_get_length (&pair->incoming) == N);
      for (i = 0; i < N; i++)
        {
          test_wait (results[i] != NULL);
          near[i] = ist_secure_tunnel_open_connection_finish (pair->source->tunnel, results[i], &error);
          g_assert_no_error (error);
          g_object_unref (results[i]);
          far[i] = g_queue_pop_head (&pair->incoming);
        }
      for (i = 0; i < N; i++)
        {
          guint32 number = i;

          connection_write (near[i], &number, sizeof number);
          connection_write (far[i], &number, sizeof number);
        }
      for (i = 0; i < N; i++)
        {
          guint32 number;

          connection_read (far[i], &number, sizeof number);
          g_assert_cmpuint (number, ==, i);
          connection_read (near[i], &number, sizeof number);
          g_assert_cmpuint (number, ==, i);
        }
      for (i = 0; i < N; i++)
        g_object_unref (i % 2 == 0 ? near[i] : far[i]);
      for (i = 0; i < N; i++)
        {
          connection_expect_end (i % 2 == 0 ? far[i] : near[i], -1);
          g_object_unref (i % 2 == 0 ? far[i] : near[i]);
        }
      test_wait (test_end_count (pair->source, "connection-reset") == N * (round + 1));
      g_assert_cmpuint (test_count_fds (), ==, n_fds);
      if (round == 0)
        before = test_get_rss ();
    }
  assert_grown_less ("300 at once, again", before, 3 * 1024);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/flow/writer-is-bounded/large", GSIZE_TO_POINTER (65536), test_writer_is_bounded);
  g_test_add_data_func ("/flow/writer-is-bounded/tiny", GSIZE_TO_POINTER (1), test_writer_is_bounded);
  g_test_add_data_func ("/flow/reader-stops/destination", GINT_TO_POINTER (TRUE), test_reader_stops);
  g_test_add_data_func ("/flow/reader-stops/source", GINT_TO_POINTER (FALSE), test_reader_stops);
  g_test_add_func ("/flow/total-buffer-size", test_total_buffer_size);
  g_test_add_func ("/flow/stall-timeout", test_stall_timeout);
  g_test_add_func ("/flow/slow-reader", test_slow_reader);
  g_test_add_func ("/flow/tiny-reads", test_tiny_reads);
  g_test_add_func ("/flow/fair-turns", test_fair_turns);
  g_test_add_data_func ("/flow/little-on-the-way/from-source", GINT_TO_POINTER (TRUE), test_little_on_the_way);
  g_test_add_data_func ("/flow/little-on-the-way/from-destination", GINT_TO_POINTER (FALSE), test_little_on_the_way);
  g_test_add_func ("/flow/many-in-sequence", test_many_in_sequence);
  g_test_add_func ("/flow/many-at-once", test_many_at_once);
  return g_test_run ();
}
