/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Connections that a program asks for one by one: for a stream that it has, and for itself.
 */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forwarding.h"

/* One end of a socket pair as a stream; *@other is the other one. */
static GSocketConnection *
make_pair (GSocketConnection **other)
{
  GSocketConnection *ends[2];
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GSocket) socket = g_socket_new_from_fd (fds[i], &error);

      g_assert_no_error (error);
      ends[i] = g_socket_connection_factory_create_connection (socket);
    }
  *other = ends[1];
  return ends[0];
}

static IstForwarderConnection *
forward (IstForwarder *forwarder,
         const char *service,
         GIOStream *stream,
         GCancellable *cancellable,
         GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ist_forwarder_forward_async (forwarder, service, stream, cancellable, test_store_result, &result);
  g_assert_null (result);
  test_wait (result != NULL);
  return ist_forwarder_forward_finish (forwarder, result, error);
}

static IstConnection *
open_connection (IstForwarder *forwarder,
                 const char *service,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ist_forwarder_open_connection_async (forwarder, service, cancellable, test_store_result, &result);
  g_assert_null (result);
  test_wait (result != NULL);
  return ist_forwarder_open_connection_finish (forwarder, result, error);
}

static gpointer
chat (gpointer data)
{
  test_echo (data, "hello");
  return NULL;
}

static void
exchange (IstConnection *connection,
          const char *text)
{
  g_autoptr (GAsyncResult) written = NULL;
  g_autoptr (GAsyncResult) read = NULL;
  g_autofree char *answer = g_malloc0 (strlen (text) + 1);

  g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (connection)), text, strlen (text), 0,
                                   NULL, test_store_result, &written);
  g_input_stream_read_all_async (g_io_stream_get_input_stream (G_IO_STREAM (connection)), answer, strlen (text), 0,
                                 NULL, test_store_result, &read);
  test_wait (written != NULL && read != NULL);
  g_assert_cmpstr (answer, ==, text);
}

static void
on_notify_bytes (GObject *object,
                 GParamSpec *pspec,
                 guint *count)
{
  (*count)++;
}

static void
test_forward (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (GSocketConnection) other = NULL;
  g_autoptr (GSocketConnection) stream = make_pair (&other);
  g_autoptr (IstForwarderConnection) connection = NULL;
  g_autoptr (IstForwarderConnection) listed = NULL;
  g_autoptr (GError) error = NULL;

  test_forwarding_add (forwarding, "SSH", program);
  connection = forward (forwarding->source, "SSH", G_IO_STREAM (stream), NULL, &error);
  g_assert_no_error (error);
  listed = g_list_model_get_item (G_LIST_MODEL (forwarding->source), 0);
  g_assert_true (listed == connection);
  g_assert_cmpint (ist_forwarder_connection_get_state (connection), ==, IST_FORWARDER_CONNECTION_STATE_OPEN);
  g_assert_nonnull (ist_forwarder_connection_get_connection (connection));
  test_run (chat, other);
  g_assert_cmpuint (ist_forwarder_connection_get_bytes_in (connection), ==, 5);

  g_io_stream_close (G_IO_STREAM (other), NULL, NULL);
  test_forwarding_settle (forwarding);
  g_assert_cmpuint (forwarding->closed[IST_MODE_SOURCE], ==, 1);
}

/* Closed by the program, whose next descriptor has the number of the one before. */
static void
test_close_forwarded (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (GSocketConnection) other = NULL;
  g_autoptr (GSocketConnection) stream = make_pair (&other);
  g_autoptr (IstForwarderConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  int fd = g_socket_get_fd (g_socket_connection_get_socket (stream));
  int fds[2];

  test_forwarding_add (forwarding, "SSH", program);
  connection = forward (forwarding->source, "SSH", G_IO_STREAM (stream), NULL, &error);
  g_assert_no_error (error);
  test_run (chat, other);

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  g_io_stream_close (G_IO_STREAM (stream), NULL, NULL);
  g_assert_cmpint (dup2 (fds[0], fd), ==, fd);
  test_wait (forwarding->closed[IST_MODE_SOURCE] == 1);
  test_forwarding_settle (forwarding);
  close (fd);
  close (fds[0]);
  close (fds[1]);
}

static gboolean
on_refuse (IstForwarder *forwarder,
           IstForwarderConnection *connection,
           gpointer user_data)
{
  return FALSE;
}

static void
test_forward_fails (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (GSocketConnection) other = NULL;
  g_autoptr (GSocketConnection) stream = make_pair (&other);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  /* On the destination the stream is not touched. */
  g_assert_null (forward (forwarding->destination, "SSH", G_IO_STREAM (stream), NULL, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  g_assert_false (g_io_stream_is_closed (G_IO_STREAM (stream)));
  g_clear_error (&error);

  g_cancellable_cancel (cancellable);
  ist_secure_tunnel_stop (forwarding->pair->source->tunnel);
  g_assert_null (forward (forwarding->source, "SSH", G_IO_STREAM (stream), cancellable, &error));
  g_assert_true (error->domain == G_IO_ERROR || error->domain == IST_TUNNEL_ERROR);
  test_wait (g_io_stream_is_closed (G_IO_STREAM (stream)));
  g_clear_error (&error);
  g_clear_object (&stream);
  g_clear_object (&other);

  stream = make_pair (&other);
  g_signal_connect (forwarding->source, "authorize-connection", G_CALLBACK (on_refuse), NULL);
  g_assert_null (forward (forwarding->source, "SSH", G_IO_STREAM (stream), NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  test_wait (g_io_stream_is_closed (G_IO_STREAM (stream)));
  test_forwarding_settle (forwarding);
}

/* While it is being opened: nobody answers, so the second one waits. */
static void
test_cancel (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (GSocketConnection) other = NULL;
  g_autoptr (GSocketConnection) stream = make_pair (&other);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) opened = NULL;
  g_autoptr (GAsyncResult) carried = NULL;
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (IstConnection) first = NULL;
  g_autoptr (GError) error = NULL;

  test_forwarding_add (forwarding, "SSH", program);
  first = open_connection (forwarding->source, "SSH", NULL, &error);
  g_assert_no_error (error);
  ist_forwarder_open_connection_async (forwarding->source, "SSH", cancellable, test_store_result, &opened);
  ist_forwarder_forward_async (forwarding->source, "SSH", G_IO_STREAM (stream), cancellable, test_store_result,
                               &carried);
  g_assert_cmpuint (ist_forwarder_get_n_connections (forwarding->source), ==, 3);
  g_cancellable_cancel (cancellable);
  test_wait (opened != NULL && carried != NULL);
  g_assert_null (ist_forwarder_open_connection_finish (forwarding->source, opened, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (ist_forwarder_forward_finish (forwarding->source, carried, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (ist_forwarder_get_n_connections (forwarding->source), ==, 1);
  test_wait (g_io_stream_is_closed (G_IO_STREAM (stream)));
  exchange (first, "still there");

  g_clear_object (&first);
  test_forwarding_settle (forwarding);
}

static void
test_own (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (IstForwarderConnection) listed = NULL;
  g_autoptr (IstConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  guint n_notified = 0;

  test_forwarding_add (forwarding, "SSH", program);
  connection = open_connection (forwarding->source, "SSH", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (forwarding->opened[IST_MODE_SOURCE], ==, 1);
  listed = g_list_model_get_item (G_LIST_MODEL (forwarding->source), 0);
  g_assert_cmpstr (ist_forwarder_connection_get_service_id (listed), ==, "SSH");
  g_assert_cmpint (ist_forwarder_connection_get_state (listed), ==, IST_FORWARDER_CONNECTION_STATE_OPEN);
  g_assert_null (ist_forwarder_connection_get_connection (listed));
  g_signal_connect (listed, "notify::bytes-in", G_CALLBACK (on_notify_bytes), &n_notified);
  exchange (connection, "counted");
  test_wait (n_notified == 1);
  g_assert_cmpuint (ist_forwarder_connection_get_bytes_in (listed), ==, 7);
  g_assert_cmpuint (ist_forwarder_get_bytes_out (forwarding->source), ==, 7);

  /* It ends with its last reference, and its bytes go on counting. */
  g_clear_object (&connection);
  test_wait (ist_forwarder_get_n_connections (forwarding->source) == 0);
  g_assert_cmpint (ist_forwarder_connection_get_state (listed), ==, IST_FORWARDER_CONNECTION_STATE_CLOSED);
  g_assert_no_error (forwarding->error[IST_MODE_SOURCE]);
  g_assert_cmpuint (forwarding->closed[IST_MODE_SOURCE], ==, 1);
  g_assert_cmpuint (ist_forwarder_get_bytes_in (forwarding->source), ==, 7);
  test_forwarding_settle (forwarding);
}

/* From the other side, with the tunnel, and through the list. */
static void
test_own_ends (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (IstForwarderConnection) listed = NULL;
  IstConnection *connections[3];
  g_autoptr (GError) error = NULL;

  test_forwarding_add (forwarding, "SSH", program);
  for (guint i = 0; i < 3; i++)
    {
      connections[i] = open_connection (forwarding->source, "SSH", NULL, &error);
      g_assert_no_error (error);
      exchange (connections[i], "hello");
    }
  listed = g_list_model_get_item (G_LIST_MODEL (forwarding->source), 1);
  ist_forwarder_connection_close (listed);
  g_assert_cmpuint (forwarding->closed[IST_MODE_SOURCE], ==, 1);
  g_assert_error (forwarding->error[IST_MODE_SOURCE], IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED);
  test_wait (ist_forwarder_get_n_connections (forwarding->destination) == 2);
  g_clear_object (&listed);
  g_clear_error (&forwarding->error[IST_MODE_SOURCE]);

  listed = g_list_model_get_item (G_LIST_MODEL (forwarding->destination), 0);
  ist_forwarder_connection_close (listed);
  test_wait (forwarding->closed[IST_MODE_SOURCE] == 2);
  g_assert_no_error (forwarding->error[IST_MODE_SOURCE]);

  ist_emulator_tunnel_drop_side (forwarding->pair->emulator->tunnel, IST_MODE_SOURCE);
  test_wait (forwarding->closed[IST_MODE_SOURCE] == 3);
  g_assert_error (forwarding->error[IST_MODE_SOURCE], IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED);
  for (guint i = 0; i < 3; i++)
    g_object_unref (connections[i]);
  test_forwarding_settle (forwarding);
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/forwarder/streams/forward", test_forward);
  g_test_add_func ("/forwarder/streams/close-forwarded", test_close_forwarded);
  g_test_add_func ("/forwarder/streams/forward-fails", test_forward_fails);
  g_test_add_func ("/forwarder/streams/cancel", test_cancel);
  g_test_add_func ("/forwarder/streams/own", test_own);
  g_test_add_func ("/forwarder/streams/own-ends", test_own_ends);
  return g_test_run ();
}
