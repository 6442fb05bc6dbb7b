/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Cancelling, closing, and what is left of a connection when others have gone. */

#include <string.h>

#include "pair.h"

static GInputStream *
in_of (IstConnection *connection)
{
  return g_io_stream_get_input_stream (G_IO_STREAM (connection));
}

static GOutputStream *
out_of (IstConnection *connection)
{
  return g_io_stream_get_output_stream (G_IO_STREAM (connection));
}

static void
read_zeros (IstConnection *connection,
            gsize length)
{
  g_autofree guint8 *data = g_malloc (length);
  gsize i;

  connection_read (connection, data, length);
  for (i = 0; i < length; i++)
    g_assert_cmpuint (data[i], ==, 0);
}

static void
test_cancel_read (Fixture *self,
                  gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GError) error = NULL;
  char buffer[16];

  g_input_stream_read_async (in_of (self->near), buffer, sizeof buffer, 0, cancellable, test_store_result,
                             &result);
  g_input_stream_read_async (in_of (self->near), buffer, sizeof buffer, 0, NULL, test_store_result, &second);
  test_wait (second != NULL);
  g_assert_cmpint (g_input_stream_read_finish (in_of (self->near), second, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);

  test_run_for (10);
  g_assert_null (result);
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  g_assert_cmpint (g_input_stream_read_finish (in_of (self->near), result, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* Nothing was lost by it. */
  connection_say (self->far, "hello");
  connection_expect (self->near, "hello");
}

static void
test_cancel_write (Fixture *self,
                   gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gsize taken = pair_block (self->pair, self->near);

  g_output_stream_write_async (out_of (self->near), "never", 5, 0, cancellable, test_store_result, &result);
  test_run_for (10);
  g_assert_null (result);
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  g_assert_cmpint (g_output_stream_write_finish (out_of (self->near), result, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  pair_unblock (self->pair);
  read_zeros (self->far, taken);
  connection_say (self->near, "more");
  connection_expect (self->far, "more");
}

static void
test_cancel_flush (Fixture *self,
                   gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) flushed = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autoptr (GError) error = NULL;
  gsize taken = pair_block (self->pair, self->near);

  g_output_stream_flush_async (out_of (self->near), 0, cancellable, test_store_result, &flushed);
  test_run_for (10);
  g_assert_null (flushed);
  g_cancellable_cancel (cancellable);
  test_wait (flushed != NULL);
  g_assert_false (g_output_stream_flush_finish (out_of (self->near), flushed, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  g_cancellable_reset (cancellable);
  g_io_stream_close_async (G_IO_STREAM (self->near), 0, cancellable, test_store_result, &closed);
  test_run_for (10);
  g_assert_null (closed);
  g_cancellable_cancel (cancellable);
  test_wait (closed != NULL);
  g_assert_false (g_io_stream_close_finish (G_IO_STREAM (self->near), closed, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* It is closed nevertheless, after what was written. */
  g_assert_true (g_io_stream_is_closed (G_IO_STREAM (self->near)));
  pair_unblock (self->pair);
  read_zeros (self->far, taken);
  connection_expect_end (self->far, -1);
}

static void
test_flush (Fixture *self,
            gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  connection_say (self->near, "hello");
  g_output_stream_flush_async (out_of (self->near), 0, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_true (g_output_stream_flush_finish (out_of (self->near), result, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (ist_connection_get_bytes_out (self->near), ==, 5);
}

/* All that was written before comes first. */
static void
test_order (Fixture *self,
            gconstpointer data)
{
  const gsize size = 200000;
  g_autofree guint8 *buffer = g_malloc (size);
  g_autoptr (IstConnection) another = NULL;

  test_pattern_fill (buffer, size, 0, 0);
  connection_write (self->near, buffer, size);
  if (g_str_equal (data, "close"))
    g_assert_true (g_io_stream_close (G_IO_STREAM (self->near), NULL, NULL));
  else if (g_str_equal (data, "close-async"))
    connection_close (self->near);
  else if (g_str_equal (data, "unref"))
    g_clear_object (&self->near);
  else if (g_str_equal (data, "close-both-streams"))
    {
      g_assert_true (g_output_stream_close (out_of (self->near), NULL, NULL));
      g_assert_true (g_input_stream_close (in_of (self->near), NULL, NULL));
    }
  else if (g_str_equal (data, "open-another"))
    {
      /* That begins a new stream, behind what the old one still has to send. */
      g_assert_true (g_io_stream_close (G_IO_STREAM (self->near), NULL, NULL));
      another = pair_try_open (self->pair, "SSH", NULL);
      g_assert_nonnull (another);
    }
  else
    g_assert_not_reached ();

  memset (buffer, 0, size);
  connection_read (self->far, buffer, size);
  test_pattern_check (buffer, size, 0, 0);
  connection_expect_end (self->far, -1);
  g_assert_cmpuint (ist_connection_get_bytes_in (self->far), ==, size);
}

static void
test_close_output (Fixture *self,
                   gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  connection_say (self->near, "question");
  g_output_stream_close_async (out_of (self->near), 0, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_true (g_output_stream_close_finish (out_of (self->near), result, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (ist_connection_get_bytes_out (self->near), ==, 8);
  g_assert_cmpint (g_output_stream_write (out_of (self->near), "x", 1, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);

  /* The peer is told nothing, and can answer. */
  connection_expect (self->far, "question");
  g_assert_false (g_pollable_input_stream_is_readable (connection_in (self->far)));
  connection_say (self->far, "answer");
  connection_expect (self->near, "answer");
  connection_close (self->far);
  connection_expect_end (self->near, -1);
}

static void
test_close_input (Fixture *self,
                  gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *buffer = g_malloc0 (1000000);
  char byte;

  connection_say (self->far, "unread");
  test_wait (ist_connection_get_bytes_in (self->near) == 6);
  g_input_stream_close_async (in_of (self->near), 0, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_true (g_input_stream_close_finish (in_of (self->near), result, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_input_stream_read (in_of (self->near), &byte, 1, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);

  /* What nobody will read holds nothing back. */
  connection_write (self->far, buffer, 1000000);
  test_wait (ist_connection_get_bytes_in (self->near) == 1000006);
  connection_say (self->near, "still");
  connection_expect (self->far, "still");
}

/* A full receive buffer that is closed lets the tunnel go on. */
static void
test_close_when_stalled (Fixture *self,
                         gconstpointer data)
{
  g_autofree guint8 *buffer = g_malloc0 (262144);
  g_autoptr (GAsyncResult) written = NULL;
  IstConnection *near;
  IstConnection *far;

  pair_open (self->pair, "SSH", &near, &far);
  connection_write (self->far, buffer, 262144);
  test_wait (ist_connection_get_bytes_in (self->near) >= 250000);
  g_output_stream_write_all_async (out_of (self->far), buffer, 262144, 0, NULL, test_store_result, &written);

  if (g_str_equal (data, "close"))
    g_io_stream_close (G_IO_STREAM (self->near), NULL, NULL);
  else if (g_str_equal (data, "close-input"))
    g_input_stream_close (in_of (self->near), NULL, NULL);
  else if (g_str_equal (data, "reset"))
    ist_secure_tunnel_reset_connection (self->pair->source->tunnel, "SSH", 1, NULL);
  else
    g_clear_object (&self->near);

  connection_say (far, "hello");
  connection_expect (near, "hello");
  g_object_unref (near);
  g_object_unref (far);
  test_wait (written != NULL);
}

static void
test_close_with_pending (Fixture *self,
                         gconstpointer data)
{
  g_autoptr (GAsyncResult) read = NULL;
  g_autoptr (GAsyncResult) written = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autoptr (GError) error = NULL;
  gsize taken = pair_block (self->pair, self->near);
  char byte;

  g_input_stream_read_async (in_of (self->near), &byte, 1, 0, NULL, test_store_result, &read);
  g_output_stream_write_async (out_of (self->near), "x", 1, 0, NULL, test_store_result, &written);
  test_run_for (10);
  g_assert_null (read);
  g_assert_null (written);

  g_io_stream_close_async (G_IO_STREAM (self->near), 0, NULL, test_store_result, &closed);
  test_wait (read != NULL && written != NULL);
  g_assert_cmpint (g_input_stream_read_finish (in_of (self->near), read, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_cmpint (g_output_stream_write_finish (out_of (self->near), written, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);

  g_assert_null (closed);
  pair_unblock (self->pair);
  read_zeros (self->far, taken);
  connection_expect_end (self->far, -1);
  test_wait (closed != NULL);
  g_assert_true (g_io_stream_close_finish (G_IO_STREAM (self->near), closed, &error));
  g_assert_no_error (error);
}

static void
test_close_twice (Fixture *self,
                  gconstpointer data)
{
  guint i;

  for (i = 0; i < 2; i++)
    {
      g_assert_true (g_io_stream_close (G_IO_STREAM (self->near), NULL, NULL));
      connection_close (self->near);
    }
  connection_expect_end (self->far, -1);
  g_assert_cmpuint (test_end_count (self->pair->source, "connection-reset"), ==, 1);
  g_assert_cmpuint (test_end_count (self->pair->destination, "connection-reset"), ==, 1);
  /* By both ends, too. */
  connection_close (self->far);
  test_run_for (20);
  g_assert_cmpuint (test_end_count (self->pair->source, "connection-reset"), ==, 1);
}

static void
test_streams_outlive_connection (Fixture *self,
                                 gconstpointer data)
{
  g_autoptr (GInputStream) in = g_object_ref (in_of (self->near));
  g_autoptr (GOutputStream) out = g_object_ref (out_of (self->near));
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  char byte;

  g_clear_object (&self->near);
  g_assert_true (g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (in)));
  g_assert_cmpint (g_input_stream_read (in, &byte, 1, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_input_stream_read_async (in, &byte, 1, 0, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_cmpint (g_input_stream_read_finish (in, result, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_cmpint (g_output_stream_write (out, "x", 1, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_true (g_input_stream_close (in, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (g_output_stream_close (out, NULL, &error));
  g_assert_no_error (error);
  connection_expect_end (self->far, -1);
}

/* With data unread, data unsent, somebody who reads and somebody who closes. */
static void
test_outlives_tunnel (Fixture *self,
                      gconstpointer how)
{
  g_autoptr (GAsyncResult) read = NULL;
  g_autoptr (GAsyncResult) flushed = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autoptr (GError) error = NULL;
  IstConnection *near;
  IstConnection *far;
  gpointer in;
  char byte;

  pair_open (self->pair, "SSH", &near, &far);
  connection_say (self->far, "unread");
  test_wait (ist_connection_get_bytes_in (self->near) == 6);
  pair_block (self->pair, self->near);
  g_output_stream_flush_async (out_of (self->near), 0, NULL, test_store_result, &flushed);
  g_input_stream_read_async (in_of (near), &byte, 1, 0, NULL, test_store_result, &read);
  test_settle ();
  g_assert_null (flushed);

  if (g_str_equal (how, "dropped"))
    g_clear_object (&self->pair->source->tunnel);
  else
    ist_secure_tunnel_stop (self->pair->source->tunnel);
  test_wait (read != NULL && flushed != NULL);
  g_clear_pointer (&self->pair->source, test_end_free);

  g_assert_cmpint (g_input_stream_read_finish (in_of (near), read, &error), ==, -1);
  connection_check_error (near, error, IST_TUNNEL_ERROR_STOPPED);
  connection_expect (self->near, "unread");
  connection_expect_end (self->near, IST_TUNNEL_ERROR_STOPPED);
  g_clear_error (&error);
  g_assert_cmpint (g_output_stream_write (out_of (self->near), "x", 1, NULL, &error), ==, -1);
  connection_check_error (self->near, error, IST_TUNNEL_ERROR_STOPPED);
  g_clear_error (&error);
  g_io_stream_close_async (G_IO_STREAM (self->near), 0, NULL, test_store_result, &closed);
  test_wait (closed != NULL);

  in = in_of (self->near);
  g_object_add_weak_pointer (in, &in);
  g_clear_object (&self->near);
  g_clear_object (&closed);
  g_clear_object (&flushed);
  test_settle ();
  g_assert_null (in);
  g_object_unref (near);
  g_object_unref (far);
}

/* Who asks whether all has left is told when it has not, and will not. */
static void
test_lost (Fixture *self,
           gconstpointer how)
{
  gboolean closes = g_str_has_prefix (how, "close");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean success;

  pair_block (self->pair, self->near);
  if (closes)
    g_io_stream_close_async (G_IO_STREAM (self->near), 0, NULL, test_store_result, &result);
  else
    g_output_stream_flush_async (out_of (self->near), 0, NULL, test_store_result, &result);
  test_run_for (10);
  g_assert_null (result);

  if (g_str_has_suffix (how, "/stopped"))
    ist_secure_tunnel_stop (self->pair->source->tunnel);
  else if (g_str_has_suffix (how, "/closed"))
    ist_emulator_tunnel_close_side (self->pair->emulator->tunnel, IST_MODE_SOURCE, 1001, NULL);
  else
    ist_secure_tunnel_reset_connection (self->pair->destination->tunnel, "SSH", 1, NULL);
  test_wait (result != NULL);
  success = closes ? g_io_stream_close_finish (G_IO_STREAM (self->near), result, &error)
                   : g_output_stream_flush_finish (out_of (self->near), result, &error);
  g_assert_false (success);
  /* To whoever has closed it himself, the connection has not ended otherwise. */
  if (!closes && g_str_has_suffix (how, "/stopped"))
    connection_check_error (self->near, error, IST_TUNNEL_ERROR_STOPPED);
  else
    g_assert_true (error->domain == G_IO_ERROR);
}

typedef struct
{
  GOutputStream *stream;
  gsize n_written;
  GError *error;
  gint done; /* atomic */
} Writer;

static gpointer
write_much (gpointer data)
{
  static const guint8 zeros[65536];
  Writer *self = data;
  gboolean more = TRUE;

  while (more)
    {
      gssize n = g_output_stream_write (self->stream, zeros, sizeof zeros, NULL, &self->error);

      more = n > 0;
      self->n_written += MAX (n, 0);
    }
  g_atomic_int_set (&self->done, TRUE);
  return NULL;
}

/* What a blocked thread goes on to write is not taken and dropped. */
static void
test_blocked_thread (Fixture *self,
                     gconstpointer data)
{
  Writer writer = { .stream = out_of (self->near) };
  GThread *thread;

  pair_block (self->pair, self->near);
  thread = g_thread_new ("writer", write_much, &writer);
  test_run_for (100);
  g_assert_false (g_atomic_int_get (&writer.done));
  ist_secure_tunnel_stop (self->pair->source->tunnel);
  test_wait (g_atomic_int_get (&writer.done));
  g_thread_join (thread);
  connection_check_error (self->near, writer.error, IST_TUNNEL_ERROR_STOPPED);
  g_clear_error (&writer.error);
  /* Room that the kernel made in between, at most. */
  g_assert_cmpuint (writer.n_written, <, 16 * 65536);
}

/* Bytes of a connection do not count against the queue for messages. */
static void
test_messages_beside (Fixture *self,
                      gconstpointer data)
{
  g_autoptr (IstStreamInfo) info = NULL;
  gsize taken;

  g_clear_object (&self->near);
  g_clear_object (&self->far);
  pair_free (self->pair);
  self->pair = pair_new (test_ssh_web, TRUE, "protocol-version", IST_PROTOCOL_VERSION_V3, "send-buffer-size", 200000,
                         NULL);
  pair_open (self->pair, "SSH", &self->near, &self->far);
  self->pair->refuse = TRUE;
  info = ist_secure_tunnel_start_stream (self->pair->source->tunnel, "WEB", NULL);
  test_wait (test_end_count (self->pair->destination, "stream-started WEB") == 1);
  taken = pair_block (self->pair, self->near);
  g_assert_cmpuint (taken, >, 200000);

  for (gsize i = 0; i < 100; i++)
    test_end_send (self->pair->source, "WEB", 1, "a message among bytes");
  pair_unblock (self->pair);
  test_wait (self->pair->destination->n_messages == 100);
  read_zeros (self->far, taken);
}

/* The last reference goes in a callback. */

static gboolean
on_ready_drop (GObject *stream,
               gpointer user_data)
{
  g_clear_object ((IstConnection **) user_data);
  return G_SOURCE_REMOVE;
}

static void
on_done_drop (GObject *source,
              GAsyncResult *result,
              gpointer user_data)
{
  g_clear_object ((IstConnection **) user_data);
}

static void
on_reset_drop (IstSecureTunnel *tunnel,
               IstStreamInfo *info,
               const GError *error,
               gpointer user_data)
{
  g_clear_object ((IstConnection **) user_data);
}

static void
test_last_unref (Fixture *self,
                 gconstpointer how)
{
  g_autoptr (GSource) source = NULL;
  gpointer alive = self->near;
  gpointer in = in_of (self->near);
  gpointer out = out_of (self->near);
  char byte;

  g_object_add_weak_pointer (alive, &alive);
  g_object_add_weak_pointer (in, &in);
  g_object_add_weak_pointer (out, &out);
  if (g_str_equal (how, "read"))
    {
      g_input_stream_read_async (in, &byte, 1, 0, NULL, on_done_drop, &self->near);
      connection_say (self->far, "xyz");
    }
  else if (g_str_equal (how, "write"))
    {
      g_output_stream_write_async (out, "xyz", 3, 0, NULL, on_done_drop, &self->near);
    }
  else if (g_str_equal (how, "flush"))
    {
      g_output_stream_write (out, "xyz", 3, NULL, NULL);
      g_output_stream_flush_async (out, 0, NULL, on_done_drop, &self->near);
    }
  else if (g_str_equal (how, "close"))
    {
      g_output_stream_write (out, "xyz", 3, NULL, NULL);
      g_io_stream_close_async (G_IO_STREAM (self->near), 0, NULL, on_done_drop, &self->near);
    }
  else if (g_str_equal (how, "source"))
    {
      source = g_pollable_input_stream_create_source (in, NULL);
      g_source_set_callback (source, G_SOURCE_FUNC (on_ready_drop), &self->near, NULL);
      g_source_attach (source, NULL);
      connection_say (self->far, "xyz");
    }
  else if (g_str_equal (how, "reset-by-peer"))
    {
      g_signal_connect (self->pair->source->tunnel, "connection-reset", G_CALLBACK (on_reset_drop),
                        &self->near);
      connection_close (self->far);
    }
  else if (g_str_equal (how, "reset"))
    {
      g_signal_connect (self->pair->source->tunnel, "connection-reset", G_CALLBACK (on_reset_drop),
                        &self->near);
      g_io_stream_close (G_IO_STREAM (self->near), NULL, NULL);
    }
  else
    {
      g_assert_not_reached ();
    }
  g_clear_pointer (&source, g_source_unref);
  test_wait (self->near == NULL);
  test_wait (alive == NULL && in == NULL && out == NULL);
  test_wait (test_end_count (self->pair->destination, "connection-reset") == 1);
}

static void
test_properties (Fixture *self,
                 gconstpointer data)
{
  g_autoptr (IstStreamInfo) info = NULL;
  g_autofree char *service = NULL;
  guint64 bytes_in;
  guint64 bytes_out;
  IstConnection *near;
  IstConnection *far;

  connection_say (self->near, "hello");
  connection_expect (self->far, "hello");
  connection_say (self->far, "you");
  connection_expect (self->near, "you");
  test_wait (ist_connection_get_bytes_out (self->near) == 5);
  g_object_get (self->near, "stream-info", &info, "service-id", &service, "bytes-in", &bytes_in, "bytes-out",
                &bytes_out, NULL);
  g_assert_true (info == ist_connection_get_stream_info (self->near));
  g_assert_cmpuint (ist_stream_info_get_connection_id (info), ==, 1);
  g_assert_cmpint (ist_stream_info_get_version (info), ==, IST_PROTOCOL_VERSION_V3);
  g_assert_cmpstr (service, ==, "SSH");
  g_assert_cmpuint (bytes_in, ==, 3);
  g_assert_cmpuint (bytes_out, ==, 5);

  pair_open (self->pair, "SSH", &near, &far);
  g_assert_cmpuint (ist_stream_info_get_connection_id (ist_connection_get_stream_info (far)), ==, 2);
  g_assert_cmpint (ist_stream_info_get_stream_id (ist_connection_get_stream_info (far)), ==,
                   ist_stream_info_get_stream_id (info));
  g_object_unref (near);
  g_object_unref (far);
}

static void
add_tests (const char *prefix,
           const char *const *ways,
           void (*test) (Fixture *, gconstpointer))
{
  for (; *ways != NULL; ways++)
    {
      g_autofree char *path = g_strconcat ("/closing/", prefix, "/", *ways, NULL);

      g_test_add (path, Fixture, *ways, fixture_set_up, test, fixture_tear_down);
    }
}

int
main (int argc,
      char **argv)
{
  static const char *const orders[] = { "close", "close-async", "unref", "close-both-streams", "open-another", NULL };
  static const char *const stalls[] = { "close", "close-input", "unref", "reset", NULL };
  static const char *const pair_of_tunnel[] = { "dropped", "stopped", NULL };
  static const char *const losses[] = { "flush/stopped", "flush/closed", "flush/reset",
                                        "close/stopped", "close/closed", NULL };
  static const char *const unrefs[] = { "read", "write", "flush", "close",
                                        "source", "reset-by-peer", "reset", NULL };

  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/closing/" path, Fixture, NULL, fixture_set_up, test, fixture_tear_down)
  ADD ("cancel/read", test_cancel_read);
  ADD ("cancel/write", test_cancel_write);
  ADD ("cancel/flush", test_cancel_flush);
  ADD ("flush", test_flush);
  ADD ("output", test_close_output);
  ADD ("input", test_close_input);
  ADD ("with-pending", test_close_with_pending);
  ADD ("twice", test_close_twice);
  ADD ("streams-outlive-connection", test_streams_outlive_connection);
  ADD ("properties", test_properties);
  add_tests ("order", orders, test_order);
  add_tests ("when-stalled", stalls, test_close_when_stalled);
  add_tests ("outlives-tunnel", pair_of_tunnel, test_outlives_tunnel);
  add_tests ("lost", losses, test_lost);
  ADD ("lost/blocked-thread", test_blocked_thread);
  ADD ("messages-beside", test_messages_beside);
  add_tests ("last-unref", unrefs, test_last_unref);
  return g_test_run ();
}
