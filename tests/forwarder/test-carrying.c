/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "forwarding.h"

#include <string.h>

#define MIB (1024 * 1024)

static gpointer
say_hello (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));

  test_echo (connection, "hello");
  test_echo (connection, "again");
  return NULL;
}

static void
on_opened_check_address (IstForwarder *forwarder,
                         IstForwarderConnection *connection,
                         guint *port)
{
  GSocketAddress *address = ist_forwarder_connection_get_address (connection);

  g_assert_true (G_IS_INET_SOCKET_ADDRESS (address));
  *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
  g_assert_cmpstr (ist_forwarder_connection_get_service_id (connection), ==, "SSH");
}

static void
on_closed_check_bytes (IstForwarder *forwarder,
                       IstForwarderConnection *connection,
                       const GError *error,
                       guint *n)
{
  g_assert_no_error (error);
  g_assert_cmpuint (ist_forwarder_connection_get_bytes_in (connection), ==, 10);
  g_assert_cmpuint (ist_forwarder_connection_get_bytes_out (connection), ==, 10);
  (*n)++;
}

static void
test_small (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);
  guint source_port = 0;
  guint target_port = 0;
  guint n = 0;

  g_signal_connect (forwarding->source, "connection-opened", G_CALLBACK (on_opened_check_address),
                    &source_port);
  g_signal_connect (forwarding->destination, "connection-opened", G_CALLBACK (on_opened_check_address),
                    &target_port);
  g_signal_connect (forwarding->source, "connection-closed", G_CALLBACK (on_closed_check_bytes), &n);
  g_signal_connect (forwarding->destination, "connection-closed", G_CALLBACK (on_closed_check_bytes), &n);
  test_run (say_hello, GUINT_TO_POINTER (port));
  test_wait (n == 2);

  g_assert_cmpuint (source_port, !=, port);
  g_assert_cmpuint (target_port, ==, program->port);
  g_assert_cmpuint (forwarding->opened[IST_MODE_SOURCE], ==, 1);
  g_assert_cmpuint (forwarding->opened[IST_MODE_DESTINATION], ==, 1);
  g_assert_cmpuint (ist_forwarder_get_bytes_in (forwarding->source), ==, 10);
  g_assert_cmpuint (ist_forwarder_get_bytes_out (forwarding->source), ==, 10);
  g_assert_cmpuint (ist_forwarder_get_n_connections_total (forwarding->source), ==, 1);
  g_assert_cmpuint (ist_forwarder_get_n_connections (forwarding->source), ==, 0);
}

static void
test_without_services (void)
{
  const char *const none[] = { NULL };
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (none);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  guint port = test_forwarding_add (forwarding, NULL, program);

  test_run (say_hello, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
}

/* Much, both ways at the same time */

typedef struct
{
  guint port;
  gsize length;
  GSocketConnection *connection;
} Bulk;

static gpointer
bulk_write (gpointer data)
{
  Bulk *bulk = data;
  g_autofree guint8 *buffer = g_malloc (MIB);
  gsize sent;

  for (sent = 0; sent < bulk->length; sent += MIB)
    {
      test_pattern_fill (buffer, MIB, sent, 1);
      test_say (bulk->connection, buffer, MIB);
    }
  return NULL;
}

static gpointer
bulk_exchange (gpointer data)
{
  Bulk *bulk = data;
  g_autoptr (GSocketConnection) connection = test_dial_port (bulk->port);
  g_autofree guint8 *expected = g_malloc (MIB);
  g_autofree guint8 *buffer = g_malloc (MIB);
  GThread *writer;
  gsize received;

  bulk->connection = connection;
  writer = g_thread_new ("writer", bulk_write, bulk);
  for (received = 0; received < bulk->length; received += MIB)
    {
      test_hear (connection, buffer, MIB);
      test_pattern_fill (expected, MIB, received, 1);
      g_assert_cmpint (memcmp (buffer, expected, MIB), ==, 0);
    }
  g_thread_join (writer);
  return NULL;
}

static void
test_bulk (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  Bulk bulk = { .length = 100 * MIB };
  gint64 begun;

  bulk.port = test_forwarding_add (forwarding, "SSH", program);
  begun = g_get_monotonic_time ();
  test_run (bulk_exchange, &bulk);
  g_test_message ("%.0f MB/s each way, all ends and the service in one thread",
                  bulk.length / (double) (g_get_monotonic_time () - begun));
  test_forwarding_settle (forwarding);
  g_assert_cmpuint (ist_forwarder_get_bytes_in (forwarding->destination), ==, bulk.length);
  g_assert_cmpuint (ist_forwarder_get_bytes_out (forwarding->destination), ==, bulk.length);
}

/* Many at the same time, which must not get mixed up */

#define MANY 300

typedef struct
{
  guint port;
  guint number;
} One;

static gpointer
one_of_many (gpointer data)
{
  One *one = data;
  g_autoptr (GSocketConnection) connection = test_dial_port (one->port);
  guint8 said[5000];
  guint8 heard[sizeof said];

  test_pattern_fill (said, sizeof said, 0, one->number);
  test_say (connection, said, sizeof said);
  test_hear (connection, heard, sizeof heard);
  g_assert_cmpmem (said, sizeof said, heard, sizeof heard);
  return NULL;
}

static void
test_many (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh_web);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  const guint ports[] = { test_forwarding_add (forwarding, "SSH", program),
                          test_forwarding_add (forwarding, "WEB", program) };
  TestThread *threads[MANY];
  One ones[MANY];
  guint i;

  for (i = 0; i < MANY; i++)
    {
      ones[i].port = ports[i % 2];
      ones[i].number = i;
      threads[i] = test_thread_start (one_of_many, &ones[i]);
    }
  for (i = 0; i < MANY; i++)
    test_thread_finish (threads[i]);
  test_forwarding_settle (forwarding);
  g_assert_cmpuint (forwarding->closed[IST_MODE_DESTINATION], ==, MANY);
  g_assert_cmpuint (forwarding->failed[IST_MODE_SOURCE], ==, 0);
}

/* One after another: nothing is left behind */

static gpointer
sequence (gpointer data)
{
  guint port = GPOINTER_TO_UINT (data);
  guint i;

  for (i = 0; i < 1000; i++)
    {
      g_autoptr (GSocketConnection) connection = test_dial_port (port);

      test_echo (connection, "hello");
    }
  return NULL;
}

static void
test_sequence (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);
  guint fds;
  guint rss;

  ist_forwarder_set_half_close_grace (forwarding->source, 3600);
  test_run (sequence, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
  fds = test_count_fds ();
  rss = test_get_rss ();
  test_run (sequence, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
  test_wait (test_count_fds () <= fds);
  g_test_message ("RSS after 1,000 connections %u kB, after 2,000 %u kB", rss, test_get_rss ());
}

/* A peer that reads slowly, beside one that wants answers */

typedef struct
{
  guint port;
  gint ready;
  gint done;
} Slow;

static void
serve_flood (GSocketConnection *connection,
             gpointer user_data)
{
  gsize *length = user_data;
  g_autofree guint8 *buffer = g_malloc (MIB);
  gsize sent;

  for (sent = 0; sent < *length; sent += MIB)
    {
      test_pattern_fill (buffer, MIB, sent, 2);
      if (!g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), buffer, MIB,
                                      NULL,
                                      NULL, NULL))
        break;
    }
}

static gpointer
read_slowly (gpointer data)
{
  Slow *slow = data;
  g_autoptr (GSocketConnection) connection = test_dial_port (slow->port);
  g_autofree guint8 *buffer = g_malloc (MIB);
  g_autofree guint8 *expected = g_malloc (MIB);
  gsize i;

  for (i = 0; i < 32; i++)
    {
      test_hear (connection, buffer, MIB);
      test_pattern_fill (expected, MIB, i * MIB, 2);
      g_assert_cmpint (memcmp (buffer, expected, MIB), ==, 0);
      g_atomic_int_set (&slow->ready, TRUE);
      g_usleep (20000);
    }
  g_atomic_int_set (&slow->done, TRUE);
  g_assert_cmpuint (test_drain (connection, NULL), ==, 0);
  return NULL;
}

static gpointer
chat (gpointer data)
{
  Slow *slow = data;
  g_autoptr (GSocketConnection) connection = test_dial_port (slow->port);
  guint i;

  for (i = 0; i < 10; i++)
    test_echo (connection, "x");
  return NULL;
}

static void
test_slow_reader (void)
{
  gsize length = 32 * MIB;
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh_web);
  g_autoptr (TestProgram) flood = test_program_new (NULL, serve_flood, &length);
  g_autoptr (TestProgram) echo = test_program_new (NULL, test_serve_echo, NULL);
  Slow slow = { .port = test_forwarding_add (forwarding, "WEB", flood) };
  Slow quick = { .port = test_forwarding_add (forwarding, "SSH", echo) };
  TestThread *slow_thread = test_thread_start (read_slowly, &slow);

  test_wait (g_atomic_int_get (&slow.ready));
  test_run (chat, &quick);
  /* It did not have to wait for all of the other's data. */
  g_assert_false (g_atomic_int_get (&slow.done));
  test_thread_finish (slow_thread);
  test_forwarding_settle (forwarding);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/forwarder/carrying/small", test_small);
  g_test_add_func ("/forwarder/carrying/without-services", test_without_services);
  g_test_add_func ("/forwarder/carrying/bulk", test_bulk);
  g_test_add_func ("/forwarder/carrying/many", test_many);
  g_test_add_func ("/forwarder/carrying/sequence", test_sequence);
  g_test_add_func ("/forwarder/carrying/slow-reader", test_slow_reader);
  return g_test_run ();
}
