/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "forwarding.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>

#define MIB (1024 * 1024)

/* A grace that no test could wait for. */
#define FOREVER 3600

static void
shut_writing (GSocketConnection *connection)
{
  g_autoptr (GError) error = NULL;

  g_socket_shutdown (g_socket_connection_get_socket (connection), FALSE, TRUE, &error);
  g_assert_no_error (error);
}

static void
say_much (GSocketConnection *connection,
          gsize length)
{
  g_autofree guint8 *buffer = g_malloc (length);

  test_pattern_fill (buffer, length, 0, 3);
  test_say (connection, buffer, length);
}

static void
hear_much (GSocketConnection *connection,
           gsize length)
{
  g_autofree guint8 *buffer = g_malloc (length);
  g_autofree guint8 *expected = g_malloc (length);

  test_hear (connection, buffer, length);
  test_pattern_fill (expected, length, 0, 3);
  g_assert_cmpint (memcmp (buffer, expected, length), ==, 0);
}

/* A program that says all it has to say, ends its output and waits for the answer. */

static void
serve_answer (GSocketConnection *connection,
              gpointer user_data)
{
  hear_much (connection, MIB);
  g_usleep (300 * 1000);
  say_much (connection, MIB);
}

static gpointer
ask (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));
  g_autoptr (GError) error = NULL;

  say_much (connection, MIB);
  shut_writing (connection);
  hear_much (connection, MIB);
  g_assert_cmpuint (test_drain (connection, &error), ==, 0);
  g_assert_no_error (error);
  return NULL;
}

static void
test_half_close (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_answer, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);

  ist_forwarder_set_half_close_grace (forwarding->source, FOREVER);
  ist_forwarder_set_half_close_grace (forwarding->destination, FOREVER);
  test_run (ask, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
  g_assert_no_error (forwarding->error[IST_MODE_SOURCE]);
  g_assert_no_error (forwarding->error[IST_MODE_DESTINATION]);
}

/* Without a grace the end of the output is the end of the connection. */

static void
serve_silence (GSocketConnection *connection,
               gpointer user_data)
{
  test_drain (connection, NULL);
}

/* The greeting shows the source that it may have further connections. */
static void
serve_greeting (GSocketConnection *connection,
                gpointer user_data)
{
  test_say (connection, "hello", 5);
  test_drain (connection, NULL);
}

static gpointer
ask_in_vain (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));

  test_say (connection, "hello", 5);
  shut_writing (connection);
  g_assert_cmpuint (test_drain (connection, NULL), ==, 0);
  return NULL;
}

static void
test_no_grace (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_silence, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);

  ist_forwarder_set_half_close_grace (forwarding->source, 0);
  test_run (ask_in_vain, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
  g_assert_cmpuint (ist_forwarder_get_bytes_in (forwarding->destination), ==, 5);
}

/* The grace ends by itself, too, after the last byte. */
static void
test_grace_over (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_silence, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);
  gint64 begun = g_get_monotonic_time ();

  ist_forwarder_set_half_close_grace (forwarding->source, 1);
  test_run (ask_in_vain, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
  g_assert_cmpint (g_get_monotonic_time () - begun, >=, G_USEC_PER_SEC);
}

/* A program that closes its socket is not waited for. */

static gpointer
say_and_leave (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial (data);

  say_much (connection, MIB);
  return NULL;
}

static void
serve_end (GSocketConnection *connection,
           gpointer user_data)
{
  gint *heard = user_data;

  hear_much (connection, MIB);
  g_assert_cmpuint (test_drain (connection, NULL), ==, 0);
  g_atomic_int_inc (heard);
}

static void
test_client_leaves (void)
{
  gint heard = 0;
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_end, &heard);
  g_autofree char *dir = test_folder_new ();
  g_autofree char *path = g_build_filename (dir, "socket", NULL);
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;

  ist_forwarder_set_half_close_grace (forwarding->source, FOREVER);
  ist_forwarder_set_half_close_grace (forwarding->destination, FOREVER);
  address = g_strdup_printf ("127.0.0.1:%u", test_forwarding_add (forwarding, "SSH", program));
  ist_forwarder_listen (forwarding->source, "SSH", path, NULL, &error);
  g_assert_no_error (error);

  test_run (say_and_leave, address);
  test_forwarding_settle (forwarding);
  test_run (say_and_leave, path);
  test_forwarding_settle (forwarding);
  test_wait (g_atomic_int_get (&heard) == 2);
  g_assert_no_error (forwarding->error[IST_MODE_SOURCE]);

  ist_forwarder_stop_listening (forwarding->source);
  g_assert_cmpint (g_remove (dir), ==, 0);
}

/* A server that marks the end of its answer by closing. */

static void
serve_and_leave (GSocketConnection *connection,
                 gpointer user_data)
{
  gsize *length = user_data;
  char request[6];

  test_hear (connection, request, sizeof request);
  say_much (connection, *length);
}

static gpointer
hear_out (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial (data);
  g_autoptr (GError) error = NULL;

  test_say (connection, "please", 6);
  hear_much (connection, 3 * MIB);
  g_assert_cmpuint (test_drain (connection, &error), ==, 0);
  g_assert_no_error (error);
  return NULL;
}

static void
test_server_leaves (void)
{
  gsize length = 3 * MIB;
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_and_leave, &length);
  g_autofree char *address = NULL;
  guint i;

  ist_forwarder_set_half_close_grace (forwarding->source, FOREVER);
  ist_forwarder_set_half_close_grace (forwarding->destination, FOREVER);
  address = g_strdup_printf ("127.0.0.1:%u", test_forwarding_add (forwarding, "SSH", program));
  for (i = 0; i < 10; i++)
    test_run (hear_out, address);
  test_forwarding_settle (forwarding);
  g_assert_no_error (forwarding->error[IST_MODE_SOURCE]);
}

/* What has arrived before the end is delivered, also to a program that has not
 * begun to read and still talks. */

#define LATE 100000

/* How long a program may take from the end on; a little less than it really is. */
#define LINGER (4 * G_USEC_PER_SEC)

typedef struct
{
  guint port;
  gint ended;
  gboolean is_in_time; /* if not, the machine was too busy for this test */
} Late;

static gpointer
hear_late (gpointer data)
{
  Late *late = data;
  g_autoptr (GSocketConnection) connection = test_dial_port (late->port);
  g_autoptr (GError) error = NULL;
  gint64 begun = g_get_monotonic_time ();

  test_say (connection, "please", 6);
  while (!g_atomic_int_get (&late->ended))
    g_usleep (1000);
  test_say (connection, "still here", 10);
  g_usleep (50 * 1000);
  late->is_in_time = g_get_monotonic_time () < begun + LINGER;
  hear_much (connection, LATE);
  g_assert_cmpuint (test_drain (connection, &error), ==, 0);
  if (late->is_in_time)
    g_assert_no_error (error);
  return NULL;
}

static void
test_late_reader (void)
{
  gsize length = LATE;
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_and_leave, &length);
  Late late = { .port = test_forwarding_add (forwarding, "SSH", program) };
  guint i;

  for (i = 1; !late.is_in_time && i <= 5; i++)
    {
      TestThread *client;

      late.ended = FALSE;
      client = test_thread_start (hear_late, &late);
      test_wait (ist_forwarder_get_bytes_in (forwarding->source) == i * LATE &&
                 forwarding->closed[IST_MODE_DESTINATION] == i);
      g_atomic_int_set (&late.ended, TRUE);
      test_thread_finish (client);
    }
  g_assert_true (late.is_in_time);
  test_forwarding_settle (forwarding);
  g_assert_no_error (forwarding->error[IST_MODE_SOURCE]);
}

/* Also to one that takes longer over it than is waited for one that takes nothing. It
 * talks only when nothing is left in the socket of the service's program: the kernel
 * throws that away when something comes for a program that has gone. */

#define SLOW (512 * 1024)
#define SLOW_PARTS 8

static gpointer
hear_slowly (gpointer data)
{
  Late *late = data;
  g_autoptr (GSocketConnection) connection = test_dial_port (late->port);
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *buffer = g_malloc (SLOW);
  g_autofree guint8 *expected = g_malloc (SLOW);
  guint i;

  g_assert_true (g_socket_set_option (g_socket_connection_get_socket (connection), SOL_SOCKET, SO_RCVBUF,
                                      SLOW / SLOW_PARTS / 4, NULL));
  test_say (connection, "please", 6);
  while (!g_atomic_int_get (&late->ended))
    g_usleep (1000);
  for (i = 0; i < SLOW_PARTS; i++)
    {
      g_usleep (G_USEC_PER_SEC);
      test_say (connection, "still here", 10);
      test_hear (connection, buffer + i * (SLOW / SLOW_PARTS), SLOW / SLOW_PARTS);
    }
  g_assert_cmpuint (test_drain (connection, &error), ==, 0);
  g_assert_no_error (error);
  test_pattern_fill (expected, SLOW, 0, 3);
  g_assert_cmpint (memcmp (buffer, expected, SLOW), ==, 0);
  return NULL;
}

static void
test_slow_reader (void)
{
  gsize length = SLOW;
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_and_leave, &length);
  Late late = { .port = test_forwarding_add (forwarding, "SSH", program) };
  TestThread *client = test_thread_start (hear_slowly, &late);

  test_wait (forwarding->closed[IST_MODE_DESTINATION] == 1);
  g_atomic_int_set (&late.ended, TRUE);
  test_thread_finish (client);
  test_forwarding_settle (forwarding);
  g_assert_no_error (forwarding->error[IST_MODE_SOURCE]);
}

/* The service's program does not run */

static gpointer
say_something (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));
  guint i;

  for (i = 0; i < 5; i++)
    test_echo (connection, "hello");
  return NULL;
}

/* A port at which nobody listens. */
static char *
find_nobody (void)
{
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);

  return g_strdup (program->address);
}

static void
test_target_down (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh_web);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  guint port = test_forwarding_add (forwarding, "WEB", program);
  g_autofree char *nobody = find_nobody ();
  g_autoptr (GError) error = NULL;
  TestThread *living;
  guint down;

  ist_forwarder_set_target (forwarding->destination, "SSH", nobody, &error);
  g_assert_no_error (error);
  ist_forwarder_listen (forwarding->source, "SSH", "0", &down, &error);
  g_assert_no_error (error);

  living = test_thread_start (say_something, GUINT_TO_POINTER (port));
  test_run (test_find_closed, GUINT_TO_POINTER (down));
  test_run (say_something, GUINT_TO_POINTER (port));
  test_thread_finish (living);
  test_forwarding_settle (forwarding);
  g_assert_cmpuint (forwarding->failed[IST_MODE_DESTINATION], ==, 1);
  g_assert_cmpuint (forwarding->closed[IST_MODE_DESTINATION], ==, 2);
  g_assert_cmpuint (forwarding->closed[IST_MODE_SOURCE], ==, 3);
}

static void
on_failed_keep (IstForwarder *forwarder,
                IstForwarderConnection *connection,
                const GError *error,
                GError **kept)
{
  *kept = g_error_copy (error);
}

static void
test_target_named (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autofree char *nobody = find_nobody ();
  g_autoptr (GError) kept = NULL;
  guint port;

  ist_forwarder_set_target (forwarding->destination, "SSH", nobody, NULL);
  ist_forwarder_listen (forwarding->source, "SSH", "0", &port, NULL);
  g_signal_connect (forwarding->destination, "connection-failed", G_CALLBACK (on_failed_keep), &kept);
  test_run (test_find_closed, GUINT_TO_POINTER (port));
  test_wait (kept != NULL);
  g_assert_error (kept, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_nonnull (strstr (kept->message, nobody));
}

/* It starts a little later */

static void
test_retry (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autofree char *dir = test_folder_new ();
  g_autofree char *path = g_build_filename (dir, "socket", NULL);
  g_autoptr (TestProgram) program = NULL;
  TestThread *client;
  guint port;

  ist_forwarder_set_connect_retries (forwarding->destination, 100000);
  ist_forwarder_set_connect_retry_delay_ms (forwarding->destination, 10);
  ist_forwarder_set_target (forwarding->destination, "SSH", path, NULL);
  ist_forwarder_listen (forwarding->source, "SSH", "0", &port, NULL);

  client = test_thread_start (say_something, GUINT_TO_POINTER (port));
  test_wait (ist_forwarder_get_n_connections (forwarding->destination) == 1);
  test_run_for (100);
  program = test_program_new (path, test_serve_echo, NULL);
  test_thread_finish (client);
  test_forwarding_settle (forwarding);
  g_assert_cmpuint (forwarding->failed[IST_MODE_DESTINATION], ==, 0);
  g_remove (path);
  g_assert_cmpint (g_remove (dir), ==, 0);
}

/* The tunnel is lost */

static void
serve_for_ever (GSocketConnection *connection,
                gpointer user_data)
{
  g_autofree char *buffer = g_malloc0 (MIB);

  while (g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), buffer, MIB,
                                    NULL,
                                    NULL, NULL))
    continue;
}

static gpointer
hear_until_broken (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (test_drain (connection, &error), >, 0);
  /* It can tell this from the end of the answer. */
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  return NULL;
}

static void
test_reconnect (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh_web);
  g_autoptr (TestProgram) endless = test_program_new (NULL, serve_for_ever, NULL);
  g_autoptr (TestProgram) echo = test_program_new (NULL, test_serve_echo, NULL);
  guint endless_port = test_forwarding_add (forwarding, "SSH", endless);
  guint echo_port = test_forwarding_add (forwarding, "WEB", echo);
  TestThread *client;

  client = test_thread_start (hear_until_broken, GUINT_TO_POINTER (endless_port));
  test_wait (ist_forwarder_get_bytes_in (forwarding->source) > MIB);
  g_assert_true (ist_emulator_tunnel_drop_side (forwarding->pair->emulator->tunnel, IST_MODE_SOURCE));
  test_wait (forwarding->closed[IST_MODE_SOURCE] == 1);
  g_assert_error (forwarding->error[IST_MODE_SOURCE], IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED);
  /* At once: it waits until the tunnel is connected. */
  test_run (say_something, GUINT_TO_POINTER (echo_port));
  test_thread_finish (client);

  g_assert_true (ist_emulator_tunnel_drop_side (forwarding->pair->emulator->tunnel, IST_MODE_DESTINATION));
  test_wait (test_end_count (forwarding->pair->destination, "success") == 2);
  test_run (say_something, GUINT_TO_POINTER (echo_port));
}

/* Timeouts */

static void
test_idle (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_silence, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);

  ist_forwarder_set_idle_timeout (forwarding->source, 1);
  test_run (test_find_closed, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
  g_assert_error (forwarding->error[IST_MODE_SOURCE], IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT);
  g_assert_no_error (forwarding->error[IST_MODE_DESTINATION]);
}

static gpointer
say_often (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));
  guint i;

  for (i = 0; i < 15; i++)
    {
      test_echo (connection, "hello");
      g_usleep (100 * 1000);
    }
  return NULL;
}

static void
test_not_idle (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);

  ist_forwarder_set_idle_timeout (forwarding->source, 1);
  test_run (say_often, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
}

static void
test_no_tunnel (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);
  IstEmulatorTunnel *tunnel = forwarding->pair->emulator->tunnel;

  ist_emulator_tunnel_refuse_handshakes (tunnel, IST_MODE_SOURCE, 100000, 503, "busy");
  g_assert_true (ist_emulator_tunnel_drop_side (tunnel, IST_MODE_SOURCE));
  test_wait (test_end_count (forwarding->pair->source, "failure") > 0);
  ist_forwarder_set_tunnel_timeout (forwarding->source, 1);
  test_run (test_find_closed, GUINT_TO_POINTER (port));
  test_wait (forwarding->failed[IST_MODE_SOURCE] == 1);
  g_assert_error (forwarding->error[IST_MODE_SOURCE], IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED);

  /* One that waits learns at once that it is in vain. */
  ist_forwarder_set_tunnel_timeout (forwarding->source, FOREVER);
  {
    TestThread *client = test_thread_start (test_find_closed, GUINT_TO_POINTER (port));

    test_wait (ist_forwarder_get_n_connections (forwarding->source) == 1);
    ist_secure_tunnel_stop (forwarding->pair->source->tunnel);
    test_thread_finish (client);
  }
  test_run (test_find_closed, GUINT_TO_POINTER (port));
  test_wait (forwarding->failed[IST_MODE_SOURCE] == 3);
}

/* Asked for */

static gpointer
wait_for_end (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));

  test_drain (connection, NULL);
  return NULL;
}

static void
test_close (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_greeting, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);
  IstForwarderConnection *connections[3];
  TestThread *clients[G_N_ELEMENTS (connections)];
  guint i;

  for (i = 0; i < G_N_ELEMENTS (clients); i++)
    clients[i] = test_thread_start (wait_for_end, GUINT_TO_POINTER (port));
  test_wait (forwarding->opened[IST_MODE_DESTINATION] == 3);

  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (forwarding->source)), ==, G_N_ELEMENTS (connections));
  /* What the other end would have in hand would be lost, which is an error there. */
  for (i = 0; i < G_N_ELEMENTS (connections); i++)
    {
      connections[i] = g_list_model_get_item (G_LIST_MODEL (forwarding->source), i);
      test_wait (ist_forwarder_connection_get_bytes_in (connections[i]) > 0);
    }
  ist_forwarder_connection_close (connections[0]);
  test_wait (forwarding->closed[IST_MODE_SOURCE] == 1 && forwarding->closed[IST_MODE_DESTINATION] == 1);
  g_assert_error (forwarding->error[IST_MODE_SOURCE], IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED);
  g_assert_no_error (forwarding->error[IST_MODE_DESTINATION]);
  g_assert_cmpuint (ist_forwarder_get_n_connections (forwarding->source), ==, 2);
  ist_forwarder_connection_close (connections[0]);

  ist_forwarder_close (forwarding->source);
  g_assert_cmpuint (forwarding->closed[IST_MODE_SOURCE], ==, 3);
  g_assert_cmpuint (ist_forwarder_get_n_connections (forwarding->source), ==, 0);
  for (i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      test_thread_finish (clients[i]);
      g_object_unref (connections[i]);
    }
  test_forwarding_settle (forwarding);
  g_assert_cmpuint (forwarding->closed[IST_MODE_DESTINATION], ==, 3);
}

static void
on_opened_close_all (IstForwarder *forwarder,
                     IstForwarderConnection *connection,
                     gpointer user_data)
{
  ist_forwarder_connection_close (connection);
  ist_forwarder_close (forwarder);
}

static void
test_close_in_handler (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_silence, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);

  g_signal_connect (forwarding->source, "connection-opened", G_CALLBACK (on_opened_close_all), NULL);
  test_run (test_find_closed, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
  g_assert_cmpuint (forwarding->closed[IST_MODE_SOURCE], ==, 1);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/forwarder/ends/half-close", test_half_close);
  g_test_add_func ("/forwarder/ends/no-grace", test_no_grace);
  g_test_add_func ("/forwarder/ends/grace-over", test_grace_over);
  g_test_add_func ("/forwarder/ends/client-leaves", test_client_leaves);
  g_test_add_func ("/forwarder/ends/server-leaves", test_server_leaves);
  g_test_add_func ("/forwarder/ends/late-reader", test_late_reader);
  g_test_add_func ("/forwarder/ends/slow-reader", test_slow_reader);
  g_test_add_func ("/forwarder/ends/target-down", test_target_down);
  g_test_add_func ("/forwarder/ends/target-named", test_target_named);
  g_test_add_func ("/forwarder/ends/retry", test_retry);
  g_test_add_func ("/forwarder/ends/reconnect", test_reconnect);
  g_test_add_func ("/forwarder/ends/idle", test_idle);
  g_test_add_func ("/forwarder/ends/not-idle", test_not_idle);
  g_test_add_func ("/forwarder/ends/no-tunnel", test_no_tunnel);
  g_test_add_func ("/forwarder/ends/close", test_close);
  g_test_add_func ("/forwarder/ends/close-in-handler", test_close_in_handler);
  return g_test_run ();
}
