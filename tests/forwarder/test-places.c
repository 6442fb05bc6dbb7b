/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "forwarding.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static gpointer
find_closed (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial (data);

  g_assert_cmpuint (test_drain (connection, NULL), ==, 0);
  return NULL;
}

/* How addresses are written */

static void
test_bad_addresses (void)
{
  const char *const bad[] = {
    "",
    "localhost",
    "localhost:",
    "localhost:ssh",
    "localhost:65536",
    "localhost:-1",
    ":22",
    "::1:22",
    "[::1]",
    "[::1]22",
    "[::1]:",
    "[127.0.0.1]:22",
    "[localhost]:22",
    "1:2:3",
    "22 ",
    "+22",
    "unix:",
    NULL,
  };
  g_autofree char *long_path = g_strnfill (200, 'x');
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (GError) error = NULL;
  guint i;

  long_path[0] = '/';
  for (i = 0; bad[i] != NULL; i++)
    {
      g_autoptr (GError) target_error = NULL;
      g_autoptr (GError) listen_error = NULL;

      g_assert_false (ist_forwarder_set_target (forwarding->destination, "SSH", bad[i], &target_error));
      g_assert_error (target_error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
      g_assert_nonnull (strstr (target_error->message, bad[i]));
      g_assert_false (ist_forwarder_listen (forwarding->source, "SSH", bad[i], NULL, &listen_error));
      g_assert_error (listen_error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
    }
  g_assert_false (ist_forwarder_set_target (forwarding->destination, "SSH", long_path, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
}

static void
test_good_addresses (void)
{
  const char *const good[] = {
    "22",
    "localhost:22",
    "127.0.0.1:22",
    "[::1]:22",
    "[fe80::1%lo]:22",
    "example.com:65535",
    "/run/socket",
    "unix:/run/socket",
    "unix:socket",
    NULL,
  };
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  guint i;

  for (i = 0; good[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_true (ist_forwarder_set_target (forwarding->destination, "SSH", good[i], &error));
      g_assert_no_error (error);
    }
}

static void
test_wrong_side (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (GError) error = NULL;

  g_assert_false (ist_forwarder_listen (forwarding->destination, "SSH", "0", NULL, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
}

/* TCP */

static void
test_in_use (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (ist_forwarder_listen (forwarding->source, "SSH", program->address, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_nonnull (strstr (error->message, program->address));
}

static gboolean
has_ipv6 (void)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("::1", 0);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV6, G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_DEFAULT,
                                             NULL);

  return socket != NULL && g_socket_bind (socket, address, FALSE, NULL);
}

static void
test_ipv6 (void)
{
  g_autoptr (TestForwarding) forwarding = NULL;
  g_autoptr (TestProgram) program = NULL;
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;
  guint port;

  if (!has_ipv6 ())
    {
      g_test_skip ("no IPv6 here");
      return;
    }
  forwarding = test_forwarding_new (test_ssh);
  program = test_program_new ("::1", test_serve_echo, NULL);
  g_assert_true (g_str_has_prefix (program->address, "[::1]:"));
  ist_forwarder_set_target (forwarding->destination, "SSH", program->address, &error);
  g_assert_no_error (error);
  ist_forwarder_listen (forwarding->source, "SSH", "[::1]:0", &port, &error);
  g_assert_no_error (error);
  address = g_strdup_printf ("[::1]:%u", port);
  test_run (test_chat, address);
  test_forwarding_settle (forwarding);
  g_clear_pointer (&address, g_free);

  /* A port alone means both families. */
  ist_forwarder_listen (forwarding->source, "SSH", "0", &port, &error);
  g_assert_no_error (error);
  address = g_strdup_printf ("[::1]:%u", port);
  test_run (test_chat, address);
  g_clear_pointer (&address, g_free);
  address = test_make_address (port);
  test_run (test_chat, address);
}

static void
note_peer (GSocketConnection *connection,
           gpointer user_data)
{
  g_autoptr (GSocketAddress) address = g_socket_connection_get_remote_address (connection, NULL);
  char **host = user_data;

  *host = g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
  test_serve_echo (connection, NULL);
}

static void
test_bind_address (void)
{
  g_autofree char *peer = NULL;
  g_autofree char *address = NULL;
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, note_peer, &peer);
  guint port;

  ist_forwarder_set_local_bind_address (forwarding->source, "127.0.0.3");
  ist_forwarder_set_local_bind_address (forwarding->destination, "127.0.0.2");
  g_assert_cmpstr (ist_forwarder_get_local_bind_address (forwarding->source), ==, "127.0.0.3");
  port = test_forwarding_add (forwarding, "SSH", program);
  address = g_strdup_printf ("127.0.0.3:%u", port);
  test_run (test_chat, address);
  test_forwarding_settle (forwarding);
  g_assert_cmpstr (peer, ==, "127.0.0.2");

  ist_forwarder_set_local_bind_address (forwarding->destination, "localhost");
  test_run (find_closed, address);
  test_forwarding_settle (forwarding);
  g_assert_error (forwarding->error[IST_MODE_DESTINATION], IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
}

/* Anything that can be connected to */
static void
test_connectable (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (GSocketConnectable) connectable = g_network_address_new_loopback (program->port);
  g_autofree char *address = NULL;
  guint port;

  ist_forwarder_set_connectable (forwarding->destination, "SSH", connectable);
  g_assert_true (ist_forwarder_listen (forwarding->source, "SSH", "127.0.0.1:0", &port, NULL));
  address = test_make_address (port);
  test_run (test_chat, address);
}

/* A socket that somebody else has made */
static void
test_inherited (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GSocket) socket = NULL;
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;

  socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, &error);
  g_assert_no_error (error);
  g_socket_bind (socket, any, TRUE, &error);
  g_assert_no_error (error);
  g_assert_false (ist_forwarder_listen_socket (forwarding->source, "SSH", socket, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_clear_error (&error);

  g_socket_listen (socket, &error);
  g_assert_no_error (error);
  g_assert_true (ist_forwarder_listen_socket (forwarding->source, "SSH", socket, &error));
  ist_forwarder_set_target (forwarding->destination, "SSH", program->address, NULL);
  bound = g_socket_get_local_address (socket, NULL);
  address = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (bound));
  test_run (test_chat, address);
  ist_forwarder_stop_listening (forwarding->source);
  g_assert_true (g_socket_is_closed (socket));
}

/* Unix sockets */

typedef struct
{
  char *dir;
  char *service;
  char *local;
} Paths;

static void
paths_init (Paths *paths)
{
  paths->dir = test_folder_new ();
  paths->service = g_build_filename (paths->dir, "service", NULL);
  paths->local = g_build_filename (paths->dir, "local", NULL);
}

static void
paths_clear (Paths *paths)
{
  g_unlink (paths->service);
  g_unlink (paths->local);
  g_assert_cmpint (g_rmdir (paths->dir), ==, 0);
  g_free (paths->dir);
  g_free (paths->service);
  g_free (paths->local);
}

static void
test_unix (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = NULL;
  g_autoptr (GError) error = NULL;
  guint port = 1;
  Paths paths;

  paths_init (&paths);
  program = test_program_new (paths.service, test_serve_echo, NULL);
  ist_forwarder_set_target (forwarding->destination, "SSH", paths.service, &error);
  g_assert_no_error (error);
  ist_forwarder_listen (forwarding->source, "SSH", paths.local, &port, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (port, ==, 0);
  test_run (test_chat, paths.local);
  test_forwarding_settle (forwarding);

  ist_forwarder_stop_listening (forwarding->source);
  g_assert_false (g_file_test (paths.local, G_FILE_TEST_EXISTS));
  paths_clear (&paths);
}

static void
test_unix_files (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) error = NULL;
  Paths paths;

  paths_init (&paths);
  address = g_unix_socket_address_new (paths.local);
  socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_assert_true (g_socket_bind (socket, address, FALSE, NULL));
  g_assert_true (g_socket_listen (socket, NULL));

  /* Somebody listens there. */
  g_assert_false (ist_forwarder_listen (forwarding->source, "SSH", paths.local, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_nonnull (strstr (error->message, paths.local));
  g_assert_true (g_file_test (paths.local, G_FILE_TEST_EXISTS));
  g_clear_error (&error);

  /* Nobody does any more. */
  g_socket_close (socket, NULL);
  g_assert_true (ist_forwarder_listen (forwarding->source, "SSH", paths.local, NULL, &error));
  g_assert_no_error (error);

  /* What has taken its place is not ours to remove. */
  g_assert_cmpint (g_unlink (paths.local), ==, 0);
  g_assert_true (g_file_set_contents (paths.local, "precious", -1, NULL));
  ist_forwarder_stop_listening (forwarding->source);
  g_assert_true (g_file_test (paths.local, G_FILE_TEST_EXISTS));

  /* Nor is what is no socket. */
  g_assert_false (ist_forwarder_listen (forwarding->source, "SSH", paths.local, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_true (g_file_test (paths.local, G_FILE_TEST_IS_REGULAR));
  paths_clear (&paths);
}

/* Streams that are no sockets */

#define LENGTH 1000000

static gpointer
write_pipe (gpointer data)
{
  g_autofree guint8 *buffer = g_malloc (LENGTH);
  int fd = GPOINTER_TO_INT (data);
  gsize n = 0;

  test_pattern_fill (buffer, LENGTH, 0, 4);
  while (n < LENGTH)
    {
      gssize written = write (fd, buffer + n, LENGTH - n);

      g_assert_cmpint (written, >, 0);
      n += written;
    }
  return NULL;
}

static gpointer
read_pipe (gpointer data)
{
  g_autofree guint8 *buffer = g_malloc (LENGTH);
  g_autofree guint8 *expected = g_malloc (LENGTH);
  int fd = GPOINTER_TO_INT (data);
  gsize n = 0;

  while (n < LENGTH)
    {
      gssize got = read (fd, buffer + n, LENGTH - n);

      g_assert_cmpint (got, >, 0);
      n += got;
    }
  test_pattern_fill (expected, LENGTH, 0, 4);
  g_assert_cmpint (memcmp (buffer, expected, LENGTH), ==, 0);
  return NULL;
}

/* As standard input and output of a program that something else has started:
 * blocking, and shared with it, so that their mode is not ours to change. */
static void
test_pipes (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (GInputStream) input = NULL;
  g_autoptr (GOutputStream) output = NULL;
  g_autoptr (GIOStream) stream = NULL;
  g_autoptr (GError) error = NULL;
  TestThread *writer;
  int in[2];
  int out[2];

  g_assert_true (g_unix_open_pipe (in, FD_CLOEXEC, NULL));
  g_assert_true (g_unix_open_pipe (out, FD_CLOEXEC, NULL));
  input = g_unix_input_stream_new (in[0], TRUE);
  output = g_unix_output_stream_new (out[1], TRUE);
  stream = g_simple_io_stream_new (input, output);
  ist_forwarder_set_target (forwarding->destination, "SSH", program->address, NULL);
  ist_forwarder_forward (forwarding->source, "SSH", stream, &error);
  g_assert_no_error (error);

  writer = test_thread_start (write_pipe, GINT_TO_POINTER (in[1]));
  test_run (read_pipe, GINT_TO_POINTER (out[0]));
  test_thread_finish (writer);
  g_assert_cmpint (fcntl (out[1], F_GETFL) & O_NONBLOCK, ==, 0);

  /* It ends when nobody reads its output any more. */
  close (in[1]);
  test_wait (ist_forwarder_get_bytes_in (forwarding->source) == LENGTH);
  g_assert_cmpuint (ist_forwarder_get_n_connections (forwarding->source), ==, 1);
  close (out[0]);
  test_forwarding_settle (forwarding);
  test_wait (g_io_stream_is_closed (stream));
}

/* Files can't be polled */
static void
test_files (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (GFile) from = NULL;
  g_autoptr (GFile) to = NULL;
  g_autoptr (GInputStream) input = NULL;
  g_autoptr (GOutputStream) output = NULL;
  g_autoptr (GIOStream) stream = NULL;
  g_autofree char *contents = g_malloc (LENGTH);
  g_autofree char *copy = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;
  Paths paths;

  paths_init (&paths);
  test_pattern_fill ((guint8 *) contents, LENGTH, 0, 5);
  g_assert_true (g_file_set_contents (paths.local, contents, LENGTH, NULL));
  from = g_file_new_for_path (paths.local);
  to = g_file_new_for_path (paths.service);
  input = G_INPUT_STREAM (g_file_read (from, NULL, &error));
  g_assert_no_error (error);
  output = G_OUTPUT_STREAM (g_file_create (to, G_FILE_CREATE_NONE, NULL, &error));
  g_assert_no_error (error);
  stream = g_simple_io_stream_new (input, output);

  ist_forwarder_set_half_close_grace (forwarding->source, 1);
  ist_forwarder_set_target (forwarding->destination, "SSH", program->address, NULL);
  ist_forwarder_forward (forwarding->source, "SSH", stream, &error);
  g_assert_no_error (error);
  test_forwarding_settle (forwarding);
  test_wait (forwarding->closed[IST_MODE_SOURCE] == 1);
  g_assert_no_error (forwarding->error[IST_MODE_SOURCE]);
  g_assert_true (g_file_get_contents (paths.service, &copy, &length, NULL));
  g_assert_cmpuint (length, ==, LENGTH);
  g_assert_cmpint (memcmp (copy, contents, LENGTH), ==, 0);
  paths_clear (&paths);
}

/* Whether to take a connection */

static gboolean
on_authorize (IstForwarder *forwarder,
              IstForwarderConnection *connection,
              gboolean *answer)
{
  return *answer;
}

static void
test_authorize (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autofree char *address = test_make_address (test_forwarding_add (forwarding, "SSH", program));
  gboolean at_source = FALSE;
  gboolean at_destination = FALSE;
  gboolean ignored = FALSE;

  g_signal_connect (forwarding->source, "authorize-connection", G_CALLBACK (on_authorize), &at_source);
  g_signal_connect (forwarding->destination, "authorize-connection", G_CALLBACK (on_authorize),
                    &at_destination);
  /* The first decides. */
  g_signal_connect (forwarding->destination, "authorize-connection", G_CALLBACK (on_authorize), &ignored);

  test_run (find_closed, address);
  test_wait (forwarding->failed[IST_MODE_SOURCE] == 1);
  g_assert_error (forwarding->error[IST_MODE_SOURCE], G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_cmpuint (ist_forwarder_get_bytes_out (forwarding->source), ==, 0);
  g_assert_cmpuint (test_end_count (forwarding->pair->destination, "stream-started"), ==, 0);

  at_source = TRUE;
  test_run (find_closed, address);
  test_forwarding_settle (forwarding);
  g_assert_cmpuint (forwarding->failed[IST_MODE_DESTINATION], ==, 1);
  g_assert_error (forwarding->error[IST_MODE_DESTINATION], G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);

  at_destination = TRUE;
  test_run (test_chat, address);
}

static gpointer
stay (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial (data);

  test_echo (connection, "hello");
  g_assert_cmpuint (test_drain (connection, NULL), ==, 0);
  return NULL;
}

static void
check_max (IstMode mode)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autofree char *address = test_make_address (test_forwarding_add (forwarding, "SSH", program));
  IstForwarder *limited = mode == IST_MODE_SOURCE ? forwarding->source : forwarding->destination;
  TestThread *threads[2];

  ist_forwarder_set_max_connections (limited, 2);
  threads[0] = test_thread_start (stay, address);
  threads[1] = test_thread_start (stay, address);
  test_wait (ist_forwarder_get_bytes_in (forwarding->source) == 2 * strlen ("hello"));

  test_run (find_closed, address);
  test_wait (forwarding->failed[mode] == 1);
  g_assert_error (forwarding->error[mode], G_IO_ERROR, G_IO_ERROR_BUSY);
  test_wait (ist_forwarder_get_n_connections (limited) == 2);

  ist_forwarder_close (forwarding->destination);
  test_thread_finish (threads[0]);
  test_thread_finish (threads[1]);
  test_forwarding_settle (forwarding);
  ist_forwarder_set_target (forwarding->destination, "SSH", program->address, NULL);
  test_run (test_chat, address);
}

static void
test_max_connections (void)
{
  check_max (IST_MODE_SOURCE);
  check_max (IST_MODE_DESTINATION);
}

static void
test_properties (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (GProxyResolver) resolver = g_simple_proxy_resolver_new ("http://127.0.0.1:1", NULL);
  g_autoptr (GProxyResolver) got = NULL;
  g_autofree char *host = NULL;
  const char *const numbers[] = {
    "max-connections",
    "half-close-grace",
    "idle-timeout",
    "connect-timeout",
    "connect-retries",
    "connect-retry-delay-ms",
    "tunnel-timeout",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      guint value = 0;

      g_object_set (forwarding->source, numbers[i], 100 + i, NULL);
      g_object_get (forwarding->source, numbers[i], &value, NULL);
      g_assert_cmpuint (value, ==, 100 + i);
    }
  g_assert_cmpuint (ist_forwarder_get_max_connections (forwarding->source), ==, 100);
  g_assert_cmpuint (ist_forwarder_get_half_close_grace (forwarding->source), ==, 101);
  g_assert_cmpuint (ist_forwarder_get_idle_timeout (forwarding->source), ==, 102);
  g_assert_cmpuint (ist_forwarder_get_connect_timeout (forwarding->source), ==, 103);
  g_assert_cmpuint (ist_forwarder_get_connect_retries (forwarding->source), ==, 104);
  g_assert_cmpuint (ist_forwarder_get_connect_retry_delay_ms (forwarding->source), ==, 105);
  g_assert_cmpuint (ist_forwarder_get_tunnel_timeout (forwarding->source), ==, 106);

  g_object_set (forwarding->source, "local-bind-address", "::1", "proxy-resolver", resolver, NULL);
  g_object_get (forwarding->source, "local-bind-address", &host, "proxy-resolver", &got, NULL);
  g_assert_cmpstr (host, ==, "::1");
  g_assert_true (got == resolver);
  g_assert_true (ist_forwarder_get_proxy_resolver (forwarding->source) == resolver);
  g_assert_true (ist_forwarder_get_tunnel (forwarding->source) == forwarding->pair->source->tunnel);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/forwarder/places/bad-addresses", test_bad_addresses);
  g_test_add_func ("/forwarder/places/good-addresses", test_good_addresses);
  g_test_add_func ("/forwarder/places/wrong-side", test_wrong_side);
  g_test_add_func ("/forwarder/places/in-use", test_in_use);
  g_test_add_func ("/forwarder/places/ipv6", test_ipv6);
  g_test_add_func ("/forwarder/places/bind-address", test_bind_address);
  g_test_add_func ("/forwarder/places/connectable", test_connectable);
  g_test_add_func ("/forwarder/places/inherited", test_inherited);
  g_test_add_func ("/forwarder/places/unix", test_unix);
  g_test_add_func ("/forwarder/places/unix-files", test_unix_files);
  g_test_add_func ("/forwarder/places/pipes", test_pipes);
  g_test_add_func ("/forwarder/places/files", test_files);
  g_test_add_func ("/forwarder/places/authorize", test_authorize);
  g_test_add_func ("/forwarder/places/max-connections", test_max_connections);
  g_test_add_func ("/forwarder/places/properties", test_properties);
  return g_test_run ();
}
