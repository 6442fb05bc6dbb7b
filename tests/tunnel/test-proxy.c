/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Through an HTTP or SOCKS proxy, which passes on everything that comes.
 */

#include <string.h>

#include "test-tunnel.h"

typedef struct
{
  guint port;        /* where it leads */
  const char *wants; /* the host that it must be asked for */
  gboolean refuses;
} Route;

static void
relay (TestPeer *client,
       guint port)
{
  g_autoptr (GSocketClient) connector = g_socket_client_new ();
  g_autoptr (GSocketConnection) server = NULL;
  GSocket *sockets[2];
  guint i;

  server = g_socket_client_connect_to_host (connector, "127.0.0.1", port, client->cancellable, NULL);
  g_assert_nonnull (server);
  sockets[0] = client->socket;
  sockets[1] = g_socket_connection_get_socket (server);
  g_socket_set_blocking (sockets[0], FALSE);
  g_socket_set_blocking (sockets[1], FALSE);
  while (!g_cancellable_is_cancelled (client->cancellable))
    {
      for (i = 0; i < 2; i++)
        {
          char buffer[4096];
          gssize n = g_socket_receive_with_blocking (sockets[i], buffer, sizeof buffer, FALSE, NULL, NULL);

          if (n == 0)
            return;
          if (n > 0 && g_socket_send_with_blocking (sockets[1 - i], buffer, n, TRUE, NULL, NULL) != n)
            return;
        }
      g_usleep (1000);
    }
}

static void
http_script (TestServer *server,
             TestPeer *peer,
             gpointer user_data)
{
  const Route *route = user_data;
  g_autofree char *expected = g_strdup_printf ("CONNECT %s:%u HTTP/1.", route->wants, route->port);

  if (!test_peer_read_request (peer))
    return;
  test_server_push (server, g_strdup (peer->request));
  if (route->refuses)
    {
      test_peer_say (peer, "HTTP/1.0 403 Forbidden\r\n\r\n");
      return;
    }
  if (!g_str_has_prefix (peer->request, expected))
    return;
  test_peer_say (peer, "HTTP/1.0 200 Connection established\r\n\r\n");
  relay (peer, route->port);
}

/* RFC 1928, without authentication. */
static void
socks_script (TestServer *server,
              TestPeer *peer,
              gpointer user_data)
{
  const Route *route = user_data;
  guint8 buffer[300] = { 0 };

  if (!test_peer_read (peer, buffer, 2) || !test_peer_read (peer, buffer + 2, buffer[1]))
    return;
  g_assert_cmpuint (buffer[0], ==, 5);
  test_peer_write (peer, "\5\0", 2);
  if (!test_peer_read (peer, buffer, 5))
    return;
  g_assert_cmpuint (buffer[1], ==, 1);
  g_assert_cmpuint (buffer[3], ==, 3);
  if (!test_peer_read (peer, buffer + 5, buffer[4] + 2))
    return;
  g_assert_cmpuint (buffer[5 + buffer[4]] << 8 | buffer[6 + buffer[4]], ==, route->port);
  buffer[5 + buffer[4]] = '\0';
  test_server_push (server, g_strdup ((const char *) buffer + 5));
  g_assert_cmpstr ((const char *) buffer + 5, ==, route->wants);
  test_peer_write (peer, route->refuses ? "\5\2\0\1\0\0\0\0\0\0" : "\5\0\0\1\0\0\0\0\0\0", 10);
  if (!route->refuses)
    relay (peer, route->port);
}

typedef struct
{
  const char *scheme;
  TestScript script;
  gboolean refuses;
} Case;

static const Case cases[] = {
  { "http", http_script, FALSE },
  { "socks5", socks_script, FALSE },
  { "http", http_script, TRUE },
  { "socks5", socks_script, TRUE },
};

static void
test_proxy (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  Route route = { ist_emulator_service_get_port (emulator->service), "localhost", c->refuses };
  g_autoptr (TestServer) proxy = test_server_new (TEST_SERVER_PLAIN, c->script, &route);
  g_autofree char *uri = g_strdup_printf ("%s://127.0.0.1:%u", c->scheme, test_server_get_port (proxy));
  g_autoptr (GProxyResolver) resolver = g_simple_proxy_resolver_new (uri, NULL);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, "proxy-resolver", resolver, "max-attempts", 1,
                                               NULL);
  g_autofree char *asked = NULL;

  g_assert_true (ist_secure_tunnel_start (end->tunnel, NULL));
  if (c->refuses)
    {
      test_wait (test_end_count (end, "stopped") == 1);
      g_assert_error (end->error, IST_ERROR, IST_ERROR_UNREACHABLE);
    }
  else
    {
      test_wait (test_end_count (end, "success SSH") == 1);
    }
  g_assert_cmpuint (test_server_get_connections (proxy), ==, 1);
  asked = test_server_pop (proxy);
  g_assert_nonnull (asked);
  /* The proxy sees where to, and no secret. */
  g_assert_null (strstr (asked, ist_emulator_tunnel_get_source_access_token (emulator->tunnel)));
  g_clear_pointer (&end, test_end_free);
}

int
main (int argc,
      char **argv)
{
  guint i;

  g_test_init (&argc, &argv, NULL);
  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/proxy/%s%s", cases[i].scheme, cases[i].refuses ? "/refuses" : "");

      g_test_add_data_func (path, &cases[i], test_proxy);
    }
  return g_test_run ();
}
