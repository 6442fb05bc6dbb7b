/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The contract of pollable streams: what they say, and when their sources fire. */

#include <string.h>

#include "pair.h"

/* A source that counts, and goes on. */
typedef struct
{
  GSource *source;
  GObject *stream;
  guint n;
  gboolean drain;
} Counter;

static gboolean
on_ready (GObject *stream,
          gpointer user_data)
{
  Counter *self = user_data;
  char buffer[64];

  g_assert_true (stream == self->stream);
  self->n++;
  if (self->drain)
    while (g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (stream), buffer, sizeof buffer,
                                                     NULL, NULL) > 0)
      continue;
  return G_SOURCE_CONTINUE;
}

static void
counter_start (Counter *self,
               gpointer stream,
               GSource *source)
{
  self->stream = stream;
  self->source = source;
  g_source_set_callback (source, G_SOURCE_FUNC (on_ready), self, NULL);
  g_source_attach (source, NULL);
}

static void
counter_stop (Counter *self)
{
  g_source_destroy (self->source);
  g_source_unref (self->source);
}

static void
assert_fires (gpointer stream,
              GSource *source,
              gboolean fires)
{
  Counter counter = { 0 };

  counter_start (&counter, stream, source);
  if (fires)
    test_wait (counter.n >= 3);
  else
    test_run_for (20);
  g_assert_cmpuint (counter.n > 0, ==, fires);
  counter_stop (&counter);
}

static void
assert_readable (IstConnection *connection,
                 gboolean readable)
{
  GPollableInputStream *in = connection_in (connection);

  g_assert_cmpint (g_pollable_input_stream_is_readable (in), ==, readable);
  assert_fires (in, g_pollable_input_stream_create_source (in, NULL), readable);
}

static void
assert_writable (IstConnection *connection,
                 gboolean writable)
{
  GPollableOutputStream *out = connection_out (connection);

  g_assert_cmpint (g_pollable_output_stream_is_writable (out), ==, writable);
  assert_fires (out, g_pollable_output_stream_create_source (out, NULL), writable);
}

static gssize
read_now (IstConnection *connection,
          GError **error)
{
  char buffer[64];

  return g_pollable_input_stream_read_nonblocking (connection_in (connection), buffer, sizeof buffer, NULL,
                                                   error);
}

static gssize
write_now (IstConnection *connection,
           gsize size,
           GError **error)
{
  static const char zeros[65536];

  return g_pollable_output_stream_write_nonblocking (connection_out (connection), zeros, size, NULL, error);
}

static void
test_readable (Fixture *self,
               gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (g_pollable_input_stream_can_poll (connection_in (self->near)));
  assert_readable (self->near, FALSE);
  g_assert_cmpint (read_now (self->near, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_clear_error (&error);

  connection_say (self->far, "hello");
  test_wait (g_pollable_input_stream_is_readable (connection_in (self->near)));
  assert_readable (self->near, TRUE);
  g_assert_cmpint (read_now (self->near, &error), ==, 5);
  g_assert_no_error (error);
  /* Not only after an operation has told that it would block. */
  assert_readable (self->near, FALSE);
}

static void
test_readable_at_end (Fixture *self,
                      gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  connection_say (self->far, "bye");
  connection_close (self->far);
  connection_expect (self->near, "bye");
  test_wait (g_pollable_input_stream_is_readable (connection_in (self->near)));
  assert_readable (self->near, TRUE);
  g_assert_cmpint (read_now (self->near, &error), ==, 0);
  g_assert_no_error (error);
  assert_readable (self->near, TRUE);

  assert_writable (self->near, TRUE);
  g_assert_cmpint (write_now (self->near, 1, &error), ==, -1);
  connection_check_error (self->near, error, IST_TUNNEL_ERROR_CONNECTION_RESET);
  assert_writable (self->near, TRUE);
}

static void
test_ready_after_error (Fixture *self,
                        gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  ist_emulator_tunnel_reset_session (self->pair->emulator->tunnel);
  test_wait (test_end_count (self->pair->source, "session-reset") == 1);
  assert_readable (self->near, TRUE);
  assert_writable (self->near, TRUE);
  g_assert_cmpint (read_now (self->near, &error), ==, -1);
  connection_check_error (self->near, error, IST_TUNNEL_ERROR_SESSION_RESET);
  g_clear_error (&error);
  g_assert_cmpint (write_now (self->near, 1, &error), ==, -1);
  connection_check_error (self->near, error, IST_TUNNEL_ERROR_SESSION_RESET);
  g_clear_error (&error);
  assert_readable (self->near, TRUE);
  assert_writable (self->near, TRUE);

  /* Once it is closed, that is what is said. */
  g_assert_true (g_io_stream_close (G_IO_STREAM (self->near), NULL, NULL));
  g_assert_cmpint (read_now (self->near, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
test_ready_after_close (Fixture *self,
                        gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (g_io_stream_close (G_IO_STREAM (self->near), NULL, &error));
  g_assert_no_error (error);
  assert_readable (self->near, TRUE);
  assert_writable (self->near, TRUE);
  g_assert_cmpint (read_now (self->near, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_cmpint (write_now (self->near, 1, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* Sources that were made before fire, too, whatever happens. */
static void
test_waiting_sources (Fixture *self,
                      gconstpointer how)
{
  GPollableInputStream *in = connection_in (self->near);
  Counter counters[3] = { { 0 } };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (counters); i++)
    counter_start (&counters[i], in, g_pollable_input_stream_create_source (in, NULL));
  test_run_for (10);
  for (i = 0; i < G_N_ELEMENTS (counters); i++)
    g_assert_cmpuint (counters[i].n, ==, 0);

  if (g_str_equal (how, "data"))
    connection_say (self->far, "x");
  else if (g_str_equal (how, "end"))
    connection_close (self->far);
  else if (g_str_equal (how, "error"))
    ist_emulator_tunnel_drop_side (self->pair->emulator->tunnel, IST_MODE_SOURCE);
  else if (g_str_equal (how, "close"))
    g_io_stream_close (G_IO_STREAM (self->near), NULL, NULL);
  else if (g_str_equal (how, "close-input"))
    g_input_stream_close (G_INPUT_STREAM (in), NULL, NULL);
  else
    g_assert_not_reached ();

  for (i = 0; i < G_N_ELEMENTS (counters); i++)
    {
      test_wait (counters[i].n > 0);
      counter_stop (&counters[i]);
    }
}

static void
test_source_persists (Fixture *self,
                      gconstpointer data)
{
  Counter counter = { .drain = TRUE };
  GPollableInputStream *in = connection_in (self->near);
  guint i;

  counter_start (&counter, in, g_pollable_input_stream_create_source (in, NULL));
  for (i = 1; i <= 20; i++)
    {
      connection_say (self->far, "again");
      test_wait (ist_connection_get_bytes_in (self->near) == 5 * i);
      test_settle ();
      /* Once for each: it does not spin, and misses nothing. */
      g_assert_cmpuint (counter.n, ==, i);
    }
  counter_stop (&counter);
}

static void
test_source_cancellable (Fixture *self,
                         gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GPollableInputStream *in = connection_in (self->near);
  Counter counter = { 0 };

  counter_start (&counter, in, g_pollable_input_stream_create_source (in, cancellable));
  test_run_for (10);
  g_assert_cmpuint (counter.n, ==, 0);
  g_cancellable_cancel (cancellable);
  test_wait (counter.n > 0);
  counter_stop (&counter);
}

/* Nobody keeps a stream because of sources that were made of it. */
static void
test_sources_keep_nothing (Fixture *self,
                           gconstpointer data)
{
  gpointer in = connection_in (self->near);
  gpointer out = connection_out (self->near);
  GSource *source;
  guint i;

  g_object_add_weak_pointer (in, &in);
  g_object_add_weak_pointer (out, &out);
  for (i = 0; i < 2; i++)
    {
      /* Never attached, and destroyed. */
      g_source_unref (g_pollable_input_stream_create_source (in, NULL));
      g_source_unref (g_pollable_output_stream_create_source (out, NULL));
      source = g_pollable_input_stream_create_source (in, NULL);
      g_source_set_dummy_callback (source);
      g_source_attach (source, NULL);
      test_settle ();
      g_source_destroy (source);
      g_source_unref (source);
      /* And once more after the end. */
      g_io_stream_close (G_IO_STREAM (self->near), NULL, NULL);
    }
  g_clear_object (&self->near);
  test_settle ();
  g_assert_null (in);
  g_assert_null (out);
}

/* A context that goes away with a source of the connection in it. */
static void
test_context_goes (Fixture *self,
                   gconstpointer data)
{
  GMainContext *context = g_main_context_new ();
  gpointer in = connection_in (self->near);
  g_autoptr (GSource) source = g_pollable_input_stream_create_source (in, NULL);

  g_object_add_weak_pointer (in, &in);
  g_source_set_dummy_callback (source);
  g_source_attach (source, context);
  g_main_context_iteration (context, FALSE);
  g_main_context_unref (context);

  connection_say (self->far, "x");
  connection_expect (self->near, "x");
  g_clear_pointer (&source, g_source_unref);
  g_clear_object (&self->near);
  test_settle ();
  g_assert_null (in);
}

static void
test_writable (Fixture *self,
               gconstpointer data)
{
  g_autofree guint8 *buffer = NULL;
  gsize taken;

  g_assert_true (g_pollable_output_stream_can_poll (connection_out (self->near)));
  assert_writable (self->near, TRUE);

  /* Nothing leaves before the main loop runs again. */
  taken = connection_fill (self->near);
  g_assert_cmpuint (taken, <=, 262144);
  g_assert_cmpuint (taken, >=, 262144 - 4096);
  g_assert_false (g_pollable_output_stream_is_writable (connection_out (self->near)));
  test_wait (g_pollable_output_stream_is_writable (connection_out (self->near)));
  assert_writable (self->near, TRUE);

  buffer = g_malloc (taken);
  connection_read (self->far, buffer, taken);
}

static void
test_unwritable (Fixture *self,
                 gconstpointer data)
{
  gsize taken = pair_block (self->pair, self->near);
  g_autofree guint8 *buffer = g_malloc (taken);

  assert_writable (self->near, FALSE);
  pair_unblock (self->pair);
  connection_read (self->far, buffer, taken);
  assert_writable (self->near, TRUE);
}

/* Threads with a main context of their own. */

typedef struct
{
  GMainContext *context;
  IstConnection *connection;
  GMainLoop *loop;
  guint n;
} Echo;

enum
{
  N_ECHOS = 500,
};

static gboolean
on_echo_readable (GObject *stream,
                  gpointer user_data)
{
  Echo *self = user_data;
  GPollableOutputStream *out = connection_out (self->connection);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSource) source = NULL;
  char byte;
  gssize n;

  while ((n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (stream), &byte, 1, NULL,
                                                        &error)) > 0)
    {
      g_assert_cmpint (g_pollable_output_stream_write_nonblocking (out, &byte, 1, NULL, NULL), ==, 1);
      if (++self->n == N_ECHOS)
        g_main_loop_quit (self->loop);
    }
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  if (self->n == N_ECHOS)
    return G_SOURCE_REMOVE;

  /* Always a new one: its making races with the arrival of what it waits for. */
  source = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (stream), NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (on_echo_readable), self, NULL);
  g_source_attach (source, self->context);
  return G_SOURCE_REMOVE;
}

static gpointer
run_echo (gpointer user_data)
{
  Echo *self = user_data;
  GPollableInputStream *in = connection_in (self->connection);
  GSource *source;

  self->context = g_main_context_new ();
  g_main_context_push_thread_default (self->context);
  self->loop = g_main_loop_new (self->context, FALSE);
  source = g_pollable_input_stream_create_source (in, NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (on_echo_readable), self, NULL);
  g_source_attach (source, self->context);
  g_source_unref (source);
  g_main_loop_run (self->loop);
  g_main_loop_unref (self->loop);
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
  return NULL;
}

static void
test_sources_in_threads (Fixture *self,
                         gconstpointer data)
{
  Echo echo = { .connection = self->far };
  GThread *thread = g_thread_new ("echo", run_echo, &echo);
  guint i;

  for (i = 0; i < N_ECHOS; i++)
    {
      connection_say (self->near, "x");
      connection_expect (self->near, "x");
    }
  g_thread_join (thread);
}

int
main (int argc,
      char **argv)
{
  static const char *const ways[] = { "data", "end", "error", "close", "close-input" };
  guint i;

  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/polling/" path, Fixture, NULL, fixture_set_up, test, fixture_tear_down)
  ADD ("readable", test_readable);
  ADD ("readable-at-end", test_readable_at_end);
  ADD ("ready-after-error", test_ready_after_error);
  ADD ("ready-after-close", test_ready_after_close);
  ADD ("writable", test_writable);
  ADD ("unwritable", test_unwritable);
  ADD ("source/persists", test_source_persists);
  ADD ("source/cancellable", test_source_cancellable);
  ADD ("source/keeps-nothing", test_sources_keep_nothing);
  ADD ("source/context-goes", test_context_goes);
  ADD ("source/in-threads", test_sources_in_threads);
  for (i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *path = g_strconcat ("/polling/source/waits-for-", ways[i], NULL);

      g_test_add (path, Fixture, ways[i], fixture_set_up, test_waiting_sources, fixture_tear_down);
    }
  return g_test_run ();
}
