/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a peer can cost a forwarder.
 */

#include "forwarding.h"

static gpointer
ask_echo (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));

  test_echo (connection, "hello");
  return NULL;
}

/* A port at which connecting takes for ever: nobody accepts, and what the kernel
 * keeps for it is full. */
typedef struct
{
  GSocket *listener;
  GPtrArray *fillers;
  char *address;
} DeadEnd;

static DeadEnd *
dead_end_new (void)
{
  DeadEnd *self = g_new0 (DeadEnd, 1);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any_port = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  guint i;

  self->listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_socket_set_listen_backlog (self->listener, 1);
  g_assert_true (g_socket_bind (self->listener, any_port, FALSE, NULL));
  g_assert_true (g_socket_listen (self->listener, NULL));
  address = g_socket_get_local_address (self->listener, NULL);
  self->address = g_strdup_printf ("127.0.0.1:%u",
                                   g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));
  self->fillers = g_ptr_array_new_with_free_func (g_object_unref);
  for (i = 0; i < 4; i++)
    {
      GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);

      g_socket_set_blocking (socket, FALSE);
      g_socket_connect (socket, address, NULL, NULL);
      g_ptr_array_add (self->fillers, socket);
    }
  return self;
}

static void
dead_end_free (DeadEnd *self)
{
  g_ptr_array_unref (self->fillers);
  g_object_unref (self->listener);
  g_free (self->address);
  g_free (self);
}

/* Many connections in the making take few descriptors, leave other services alone,
 * and are gone with their stream. */
static void
test_flood (void)
{
  const guint n = 300;
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh_web);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  DeadEnd *dead_end = dead_end_new ();
  IstSecureTunnel *source = forwarding->pair->source->tunnel;
  guint port = test_forwarding_add (forwarding, "SSH", program);
  guint before = test_count_fds ();
  guint i;

  ist_forwarder_set_target (forwarding->destination, "WEB", dead_end->address, NULL);
  g_object_set (forwarding->destination, "max-connections", n, "connect-retries", 1000, NULL);
  ist_stream_info_unref (ist_secure_tunnel_start_stream (source, "WEB", NULL));
  for (i = 1; i < n - 1; i++)
    ist_stream_info_unref (ist_secure_tunnel_start_connection (source, "WEB", NULL));
  test_wait (ist_forwarder_get_n_connections (forwarding->destination) == n - 1);
  test_settle ();
  g_assert_cmpuint (test_count_fds (), <=, before + 32 + 8);

  test_run (ask_echo, GUINT_TO_POINTER (port));
  test_wait (ist_forwarder_get_n_connections (forwarding->destination) == n - 1);

  /* One more than there may be is refused, and nothing is kept of it. */
  for (i = 0; i < 2; i++)
    ist_stream_info_unref (ist_secure_tunnel_start_connection (source, "WEB", NULL));
  test_wait (test_end_count (forwarding->pair->source, "connection-reset WEB") == 1);
  g_assert_error (forwarding->error[IST_MODE_DESTINATION], G_IO_ERROR, G_IO_ERROR_BUSY);

  ist_secure_tunnel_reset_stream (source, "WEB", NULL);
  test_wait (ist_forwarder_get_n_connections (forwarding->destination) == 0);
  g_assert_error (forwarding->error[IST_MODE_DESTINATION], IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CONNECTION_RESET);
  test_forwarding_settle (forwarding);
  test_wait (test_count_fds () <= before);

  /* Starts and resets in turn, and sessions. */
  for (i = 0; i < 200; i++)
    {
      ist_stream_info_unref (ist_secure_tunnel_start_stream (source, "WEB", NULL));
      if (i % 3 == 0)
        ist_secure_tunnel_reset_stream (source, "WEB", NULL);
      if (i % 50 == 49)
        ist_emulator_tunnel_reset_session (forwarding->pair->emulator->tunnel);
    }
  ist_secure_tunnel_reset_stream (source, "WEB", NULL);
  test_wait (test_end_count (forwarding->pair->destination, "stream-stopped WEB") >
             test_end_count (forwarding->pair->destination, "stream-started WEB") - 1);
  test_forwarding_settle (forwarding);
  test_wait (test_count_fds () <= before);
  dead_end_free (dead_end);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/forwarder/bounds/flood", test_flood);

  return g_test_run ();
}
