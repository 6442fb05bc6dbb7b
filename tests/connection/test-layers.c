/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What GIO has on top of streams, and blocking calls in threads. */

#include <string.h>

#include "pair.h"

/* As much as goes through TLS each way, and through splicing. */
#define BULK (10 * 1024 * 1024)

static GBytes *
make_pattern (gsize size)
{
  guint8 *data = g_malloc (size);

  test_pattern_fill (data, size, 0, 0);
  return g_bytes_new_take (data, size);
}

/* Both directions at once. */
static void
test_splice (Fixture *self,
             gconstpointer data)
{
  const GOutputStreamSpliceFlags close_source = G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE;
  g_autoptr (GBytes) pattern = make_pattern (BULK);
  GIOStream *streams[] = { G_IO_STREAM (self->near), G_IO_STREAM (self->far) };
  GAsyncResult *sent[] = { NULL, NULL };
  GAsyncResult *received[] = { NULL, NULL };
  GOutputStream *sinks[2];
  g_autoptr (GError) error = NULL;
  gsize i;

  for (i = 0; i < 2; i++)
    {
      g_autoptr (GInputStream) origin = g_memory_input_stream_new_from_bytes (pattern);

      sinks[i] = g_memory_output_stream_new_resizable ();
      g_output_stream_splice_async (g_io_stream_get_output_stream (streams[i]), origin, close_source, 0, NULL,
                                    test_store_result, &sent[i]);
      g_output_stream_splice_async (sinks[i], g_io_stream_get_input_stream (streams[i]), close_source, 0,
                                    NULL, test_store_result, &received[i]);
    }
  test_wait (sent[0] != NULL && sent[1] != NULL);
  test_wait (ist_connection_get_bytes_in (self->near) == BULK &&
             ist_connection_get_bytes_in (self->far) == BULK);
  test_wait (g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (sinks[0])) == BULK &&
             g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (sinks[1])) == BULK);
  connection_close (self->far);
  test_wait (received[0] != NULL && received[1] != NULL);
  g_assert_cmpint (g_output_stream_splice_finish (sinks[0], received[0], &error), ==, BULK);
  g_assert_no_error (error);
  /* Its stream was closed under it. */
  g_assert_cmpint (g_output_stream_splice_finish (sinks[1], received[1], &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  for (i = 0; i < 2; i++)
    {
      test_pattern_check (g_memory_output_stream_get_data (G_MEMORY_OUTPUT_STREAM (sinks[i])), BULK, 0, 0);
      g_object_unref (sinks[i]);
      g_object_unref (sent[i]);
      g_object_unref (received[i]);
    }
}

static void
lose_websocket (Fixture *self)
{
  ist_emulator_tunnel_drop_side (self->pair->emulator->tunnel, IST_MODE_SOURCE);
}

static void
test_splice_lost (Fixture *self,
                  gconstpointer data)
{
  g_autoptr (GOutputStream) sink = g_memory_output_stream_new_resizable ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_output_stream_splice_async (sink, g_io_stream_get_input_stream (G_IO_STREAM (self->near)),
                                G_OUTPUT_STREAM_SPLICE_NONE, 0, NULL, test_store_result, &result);
  test_settle ();
  lose_websocket (self);
  test_wait (result != NULL);
  g_assert_cmpint (g_output_stream_splice_finish (sink, result, &error), ==, -1);
  connection_check_error (self->near, error, IST_TUNNEL_ERROR_DISCONNECTED);
}

static void
test_lines (Fixture *self,
            gconstpointer data)
{
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (G_INPUT_STREAM (connection_in (self->far)));
  g_autoptr (GString) text = g_string_new (NULL);
  guint i;

  for (i = 0; i < 200; i++)
    g_string_append_printf (text, "line %u\n", i);
  connection_say (self->near, text->str);
  g_assert_true (g_io_stream_close (G_IO_STREAM (self->near), NULL, NULL));

  for (i = 0; i <= 200; i++)
    {
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *line = NULL;
      g_autofree char *expected = g_strdup_printf ("line %u", i);

      g_data_input_stream_read_line_async (lines, 0, NULL, test_store_result, &result);
      test_wait (result != NULL);
      line = g_data_input_stream_read_line_finish_utf8 (lines, result, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (line, ==, i < 200 ? expected : NULL);
    }
}

/* TLS */

typedef struct
{
  GIOStream *stream;
  GBytes *bytes;
  guint8 *received;
  GAsyncResult *handshake;
  GAsyncResult *write;
  GAsyncResult *read;
  GAsyncResult *close;
} TlsEnd;

static void
tls_end_transfer (TlsEnd *self)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (self->bytes, &size);

  self->received = g_malloc0 (size);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (self->stream), data, size, 0, NULL,
                                   test_store_result, &self->write);
  g_input_stream_read_all_async (g_io_stream_get_input_stream (self->stream), self->received, size, 0, NULL,
                                 test_store_result, &self->read);
}

static void
tls_end_check (TlsEnd *self)
{
  g_autoptr (GError) error = NULL;
  gsize n;

  test_wait (self->write != NULL && self->read != NULL);
  g_output_stream_write_all_finish (g_io_stream_get_output_stream (self->stream), self->write, &n, &error);
  g_assert_no_error (error);
  g_input_stream_read_all_finish (g_io_stream_get_input_stream (self->stream), self->read, &n, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, g_bytes_get_size (self->bytes));
  test_pattern_check (self->received, n, 0, 0);
}

static void
tls_end_close (TlsEnd *self)
{
  g_io_stream_close_async (self->stream, 0, NULL, test_store_result, &self->close);
  test_wait (self->close != NULL);
  g_io_stream_close_finish (self->stream, self->close, NULL);
}

static void
tls_end_clear (TlsEnd *self)
{
  g_clear_object (&self->handshake);
  g_clear_object (&self->write);
  g_clear_object (&self->read);
  g_clear_object (&self->close);
  g_clear_object (&self->stream);
  g_clear_pointer (&self->received, g_free);
}

static gboolean
on_accept_certificate (GTlsConnection *connection,
                       GTlsCertificate *certificate,
                       GTlsCertificateFlags flags,
                       gpointer user_data)
{
  return g_tls_certificate_is_same (certificate, g_tls_connection_get_certificate (user_data));
}

static void
tls_ends_shake_hands (TlsEnd *client,
                      TlsEnd *server,
                      Fixture *fixture)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autofree char *authority = NULL;
  g_autofree char *suite = NULL;
  g_autoptr (GTlsCertificate) certificate = test_certificate_new (address, &authority);
  g_autoptr (GError) error = NULL;

  server->stream = g_tls_server_connection_new (G_IO_STREAM (fixture->far), certificate, &error);
  g_assert_no_error (error);
  client->stream = g_tls_client_connection_new (G_IO_STREAM (fixture->near), NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (client->stream, "accept-certificate", G_CALLBACK (on_accept_certificate), server->stream);

  g_tls_connection_handshake_async (G_TLS_CONNECTION (server->stream), 0, NULL, test_store_result,
                                    &server->handshake);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (client->stream), 0, NULL, test_store_result,
                                    &client->handshake);
  test_wait (server->handshake != NULL && client->handshake != NULL);
  g_tls_connection_handshake_finish (G_TLS_CONNECTION (server->stream), server->handshake, &error);
  g_assert_no_error (error);
  g_tls_connection_handshake_finish (G_TLS_CONNECTION (client->stream), client->handshake, &error);
  g_assert_no_error (error);
  suite = g_tls_connection_get_ciphersuite_name (G_TLS_CONNECTION (client->stream));
  g_assert_nonnull (suite);
}

static void
test_tls (Fixture *self,
          gconstpointer data)
{
  g_autoptr (GBytes) pattern = make_pattern (BULK);
  TlsEnd client = { .bytes = pattern };
  TlsEnd server = { .bytes = pattern };

  tls_ends_shake_hands (&client, &server, self);
  tls_end_transfer (&client);
  tls_end_transfer (&server);
  tls_end_check (&client);
  tls_end_check (&server);
  tls_end_close (&client);
  tls_end_close (&server);
  tls_end_clear (&client);
  tls_end_clear (&server);
}

/* What TLS says of it has the codes and the words of the connection. */
static void
test_tls_lost (Fixture *self,
               gconstpointer data)
{
  TlsEnd client = { NULL };
  TlsEnd server = { NULL };
  g_autoptr (GError) read_error = NULL;
  g_autoptr (GError) write_error = NULL;
  char byte;

  tls_ends_shake_hands (&client, &server, self);
  g_input_stream_read_async (g_io_stream_get_input_stream (client.stream), &byte, 1, 0, NULL, test_store_result,
                             &client.read);
  test_settle ();
  lose_websocket (self);
  test_wait (client.read != NULL);
  g_input_stream_read_finish (g_io_stream_get_input_stream (client.stream), client.read, &read_error);
  connection_check_error (self->near, read_error, IST_TUNNEL_ERROR_DISCONNECTED);

  test_wait (g_pollable_input_stream_is_readable (connection_in (self->far)));
  g_output_stream_write_async (g_io_stream_get_output_stream (server.stream), "x", 1, 0, NULL, test_store_result,
                               &server.write);
  test_wait (server.write != NULL);
  g_output_stream_write_finish (g_io_stream_get_output_stream (server.stream), server.write, &write_error);
  connection_check_error (self->far, write_error, IST_TUNNEL_ERROR_STREAM_RESET);

  tls_end_close (&client);
  tls_end_close (&server);
  tls_end_clear (&client);
  tls_end_clear (&server);
}

/* D-Bus */

static void
on_method_call (GDBusConnection *bus,
                const char *sender,
                const char *path,
                const char *interface,
                const char *method,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  const char *text;

  g_variant_get (parameters, "(&s)", &text);
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(u)", (guint32) strlen (text)));
}

static void
dbus_connect (Fixture *self,
              GDBusConnection **client,
              GDBusConnection **server)
{
  g_autoptr (GAsyncResult) client_made = NULL;
  g_autoptr (GAsyncResult) server_made = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *guid = g_dbus_generate_guid ();

  g_dbus_connection_new (G_IO_STREAM (self->far), guid,
                         G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER |
                           G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_ALLOW_ANONYMOUS |
                           G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                         NULL, NULL, test_store_result, &server_made);
  g_dbus_connection_new (G_IO_STREAM (self->near), NULL, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL,
                         NULL, test_store_result, &client_made);
  test_wait (client_made != NULL && server_made != NULL);
  *server = g_dbus_connection_new_finish (server_made, &error);
  g_assert_no_error (error);
  *client = g_dbus_connection_new_finish (client_made, &error);
  g_assert_no_error (error);
  g_dbus_connection_set_exit_on_close (*client, FALSE);
}

static void
test_dbus (Fixture *self,
           gconstpointer data)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_method_call };
  g_autoptr (GDBusNodeInfo) node = NULL;
  g_autoptr (GDBusConnection) client = NULL;
  g_autoptr (GDBusConnection) server = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strnfill (300000, 'x');
  guint i;

  node = g_dbus_node_info_new_for_xml ("<node><interface name='com.example.Count'><method name='Count'>"
                                       "<arg type='s' direction='in'/><arg type='u' direction='out'/>"
                                       "</method></interface></node>",
                                       &error);
  g_assert_no_error (error);
  dbus_connect (self, &client, &server);
  g_dbus_connection_register_object (server, "/count", node->interfaces[0], &vtable, NULL, NULL, &error);
  g_assert_no_error (error);
  g_dbus_connection_start_message_processing (server);

  for (i = 0; i < 20; i++)
    {
      g_autoptr (GAsyncResult) called = NULL;
      g_autoptr (GVariant) reply = NULL;
      guint32 count;

      g_dbus_connection_call (client, NULL, "/count", "com.example.Count", "Count",
                              g_variant_new ("(s)", text), G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE,
                              60000, NULL, test_store_result, &called);
      test_wait (called != NULL);
      reply = g_dbus_connection_call_finish (client, called, &error);
      g_assert_no_error (error);
      g_variant_get (reply, "(u)", &count);
      g_assert_cmpuint (count, ==, 300000);
    }

  connection_close (self->far);
  test_wait (g_dbus_connection_is_closed (client) && g_dbus_connection_is_closed (server));
}

static void
on_dbus_closed (GDBusConnection *bus,
                gboolean is_by_peer,
                const GError *error,
                gpointer user_data)
{
  GError **stored = user_data;

  g_assert_true (is_by_peer);
  *stored = g_error_copy (error);
}

static void
test_dbus_lost (Fixture *self,
                gconstpointer data)
{
  g_autoptr (GDBusConnection) client = NULL;
  g_autoptr (GDBusConnection) server = NULL;
  g_autoptr (GAsyncResult) called = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) closed = NULL;
  g_autoptr (GError) error = NULL;

  dbus_connect (self, &client, &server);
  g_signal_connect (client, "closed", G_CALLBACK (on_dbus_closed), &closed);
  /* The server does not answer: it has not begun. */
  g_dbus_connection_call (client, NULL, "/", "org.freedesktop.DBus.Peer", "Ping", NULL, NULL,
                          G_DBUS_CALL_FLAGS_NONE, 60000, NULL, test_store_result, &called);
  test_settle ();
  lose_websocket (self);
  test_wait (closed != NULL && called != NULL);
  connection_check_error (self->near, closed, IST_TUNNEL_ERROR_DISCONNECTED);
  reply = g_dbus_connection_call_finish (client, called, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* Blocking calls */

typedef struct
{
  GThread *thread;
  IstConnection *connection;
  GCancellable *cancellable;
  GBytes *bytes;
  GError *error;
  gssize n;
  int done;
} Worker;

static void
worker_start (Worker *self,
              GThreadFunc function)
{
  self->thread = g_thread_new ("worker", function, self);
}

static void
worker_join (Worker *self)
{
  test_wait (g_atomic_int_get (&self->done));
  g_thread_join (self->thread);
}

static gpointer
run_writer (gpointer user_data)
{
  Worker *self = user_data;
  GOutputStream *out = G_OUTPUT_STREAM (connection_out (self->connection));
  gsize size;
  gconstpointer data = g_bytes_get_data (self->bytes, &size);
  gsize n;

  g_output_stream_write_all (out, data, size, &n, self->cancellable, &self->error);
  g_assert_true (self->error != NULL || g_output_stream_flush (out, NULL, NULL));
  self->n = n;
  g_atomic_int_set (&self->done, TRUE);
  return NULL;
}

static gpointer
run_reader (gpointer user_data)
{
  Worker *self = user_data;
  GInputStream *in = G_INPUT_STREAM (connection_in (self->connection));
  guint8 buffer[5000];
  gssize n;

  while ((n = g_input_stream_read (in, buffer, sizeof buffer, self->cancellable, &self->error)) > 0)
    {
      test_pattern_check (buffer, n, self->n, 0);
      self->n += n;
    }
  g_atomic_int_set (&self->done, TRUE);
  return NULL;
}

/* Four threads, two on each connection. */
static void
test_threads (Fixture *self,
              gconstpointer data)
{
  g_autoptr (GBytes) pattern = make_pattern (BULK);
  Worker writers[] = { { .connection = self->near, .bytes = pattern },
                       { .connection = self->far, .bytes = pattern } };
  Worker readers[] = { { .connection = self->near }, { .connection = self->far } };
  guint i;

  for (i = 0; i < 2; i++)
    {
      worker_start (&readers[i], run_reader);
      worker_start (&writers[i], run_writer);
    }
  for (i = 0; i < 2; i++)
    {
      worker_join (&writers[i]);
      g_assert_no_error (writers[i].error);
      g_assert_cmpint (writers[i].n, ==, BULK);
    }
  test_wait (ist_connection_get_bytes_in (self->near) == BULK);
  connection_close (self->far);
  for (i = 0; i < 2; i++)
    worker_join (&readers[i]);
  g_assert_no_error (readers[0].error);
  g_assert_cmpint (readers[0].n, ==, BULK);
  g_clear_error (&readers[1].error);
}

/* The thread closes; what it wrote comes first. */
static gpointer
run_writer_that_closes (gpointer user_data)
{
  Worker *self = user_data;
  gsize size;
  gconstpointer data = g_bytes_get_data (self->bytes, &size);
  gsize n;

  g_output_stream_write_all (G_OUTPUT_STREAM (connection_out (self->connection)), data, size, &n, NULL,
                             &self->error);
  g_assert_true (g_io_stream_close (G_IO_STREAM (self->connection), NULL, NULL));
  g_object_unref (self->connection);
  g_atomic_int_set (&self->done, TRUE);
  return NULL;
}

static void
test_thread_closes (Fixture *self,
                    gconstpointer data)
{
  g_autoptr (GBytes) pattern = make_pattern (1000000);
  Worker writer = { .connection = g_steal_pointer (&self->near), .bytes = pattern };
  g_autofree guint8 *buffer = g_malloc (1000000);

  worker_start (&writer, run_writer_that_closes);
  connection_read (self->far, buffer, 1000000);
  test_pattern_check (buffer, 1000000, 0, 0);
  connection_expect_end (self->far, -1);
  worker_join (&writer);
  g_assert_no_error (writer.error);
}

static void
test_blocked_thread (Fixture *self,
                     gconstpointer how)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Worker reader = { .connection = self->near, .cancellable = cancellable };

  if (g_str_equal (how, "cancelled-before"))
    g_cancellable_cancel (cancellable);
  worker_start (&reader, run_reader);
  test_run_for (10);
  if (g_str_equal (how, "cancelled"))
    g_cancellable_cancel (cancellable);
  else if (g_str_equal (how, "closed"))
    g_io_stream_close (G_IO_STREAM (self->near), NULL, NULL);
  else if (g_str_equal (how, "reset"))
    connection_close (self->far);
  else if (g_str_equal (how, "lost"))
    lose_websocket (self);
  else if (g_str_equal (how, "tunnel-gone"))
    g_clear_object (&self->pair->source->tunnel);
  worker_join (&reader);

  g_assert_cmpint (reader.n, ==, 0);
  if (g_str_has_prefix (how, "cancelled"))
    g_assert_error (reader.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  else if (g_str_equal (how, "closed"))
    g_assert_error (reader.error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  else if (g_str_equal (how, "reset"))
    g_assert_no_error (reader.error);
  else if (g_str_equal (how, "lost"))
    connection_check_error (self->near, reader.error, IST_TUNNEL_ERROR_DISCONNECTED);
  else
    connection_check_error (self->near, reader.error, IST_TUNNEL_ERROR_STOPPED);
  g_clear_error (&reader.error);
}

static void
test_blocked_writer (Fixture *self,
                     gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GBytes) pattern = make_pattern (4 * BULK);
  Worker writer = { .connection = self->near, .cancellable = cancellable, .bytes = pattern };

  ist_emulator_tunnel_set_stalled (self->pair->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  worker_start (&writer, run_writer);
  test_run_for (20);
  g_cancellable_cancel (cancellable);
  worker_join (&writer);
  g_assert_error (writer.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (writer.n, <, 4 * BULK);
  g_clear_error (&writer.error);
}

/* Threads that read and write until the end, which comes from all sides. */

typedef struct
{
  GThread *thread;
  GObject *stream;
  int done;
} Stress;

static gpointer
run_stress_read (gpointer user_data)
{
  Stress *self = user_data;
  char buffer[3000];

  while (g_input_stream_read (G_INPUT_STREAM (self->stream), buffer, sizeof buffer, NULL, NULL) > 0)
    continue;
  g_object_unref (self->stream);
  g_atomic_int_set (&self->done, TRUE);
  return NULL;
}

static gpointer
run_stress_write (gpointer user_data)
{
  static const char zeros[10000];
  Stress *self = user_data;

  while (g_output_stream_write (G_OUTPUT_STREAM (self->stream), zeros, sizeof zeros, NULL, NULL) > 0)
    continue;
  g_object_unref (self->stream);
  g_atomic_int_set (&self->done, TRUE);
  return NULL;
}

static void
stress_start (Stress *self,
              gpointer stream)
{
  self->stream = g_object_ref (stream);
  self->thread = g_thread_new ("stress", G_IS_INPUT_STREAM (stream) ? run_stress_read : run_stress_write,
                               self);
}

static void
test_stress (Fixture *self,
             gconstpointer data)
{
  guint round;

  for (round = 0; round < 40; round++)
    {
      Stress stress[4] = { { NULL } };
      guint64 received = ist_connection_get_bytes_in (self->far);
      guint i;

      stress_start (&stress[0], connection_in (self->near));
      stress_start (&stress[1], connection_out (self->near));
      stress_start (&stress[2], connection_in (self->far));
      stress_start (&stress[3], connection_out (self->far));
      test_wait (ist_connection_get_bytes_in (self->far) - received >= round * 10000);

      if (round % 4 == 0)
        g_io_stream_close (G_IO_STREAM (self->near), NULL, NULL);
      else if (round % 4 == 1)
        g_clear_object (&self->far);
      else if (round % 4 == 2)
        ist_secure_tunnel_reset_stream (self->pair->source->tunnel, "SSH", NULL);
      else
        ist_emulator_tunnel_reset_session (self->pair->emulator->tunnel);
      for (i = 0; i < G_N_ELEMENTS (stress); i++)
        {
          test_wait (g_atomic_int_get (&stress[i].done));
          g_thread_join (stress[i].thread);
        }
      g_clear_object (&self->near);
      g_clear_object (&self->far);
      pair_open (self->pair, "SSH", &self->near, &self->far);
    }
}

/* In the thread of the tunnel a call that would wait fails instead. */
static void
test_own_thread (Fixture *self,
                 gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  GInputStream *in = G_INPUT_STREAM (connection_in (self->near));
  GOutputStream *out = G_OUTPUT_STREAM (connection_out (self->near));
  g_autofree char *zeros = g_malloc0 (300000);
  char buffer[16];
  gsize n;

  g_assert_cmpint (g_input_stream_read (in, buffer, sizeof buffer, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  g_assert_false (g_output_stream_write_all (out, zeros, 300000, &n, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  g_assert_cmpuint (n, <=, 262144);

  /* What needs no waiting works. */
  connection_say (self->far, "hello");
  test_wait (ist_connection_get_bytes_in (self->near) == 5);
  g_assert_cmpint (g_input_stream_read (in, buffer, sizeof buffer, NULL, &error), ==, 5);
  g_assert_no_error (error);
  test_wait (g_pollable_output_stream_is_writable (G_POLLABLE_OUTPUT_STREAM (out)));
  g_assert_cmpint (g_output_stream_write (out, "x", 1, NULL, &error), ==, 1);
  g_assert_no_error (error);
  g_assert_true (g_output_stream_flush (out, NULL, &error));
  g_assert_no_error (error);
}

int
main (int argc,
      char **argv)
{
  static const char *const ways[] = { "cancelled", "cancelled-before", "closed", "reset",
                                      "lost", "tunnel-gone" };
  guint i;

  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/layers/" path, Fixture, NULL, fixture_set_up, test, fixture_tear_down)
  ADD ("splice", test_splice);
  ADD ("splice-lost", test_splice_lost);
  ADD ("lines", test_lines);
  ADD ("tls", test_tls);
  ADD ("tls-lost", test_tls_lost);
  ADD ("dbus", test_dbus);
  ADD ("dbus-lost", test_dbus_lost);
  ADD ("threads", test_threads);
  ADD ("thread-closes", test_thread_closes);
  ADD ("blocked/writer", test_blocked_writer);
  ADD ("stress", test_stress);
  ADD ("own-thread", test_own_thread);
  for (i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *path = g_strconcat ("/layers/blocked/reader-", ways[i], NULL);

      g_test_add (path, Fixture, ways[i], fixture_set_up, test_blocked_thread, fixture_tear_down);
    }
  return g_test_run ();
}
