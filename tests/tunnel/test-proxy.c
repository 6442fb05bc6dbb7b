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
  const char *first; /* what it says before its answer */
  const char *refusal;
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
  if (route->first != NULL)
    test_peer_say (peer, route->first);
  if (route->refuses)
    {
      test_peer_say (peer, route->refusal != NULL ? route->refusal : "HTTP/1.0 403 Forbidden\r\n\r\n");
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

  test_end_start (end);
  if (c->refuses)
    {
      test_wait (test_end_count (end, "stopped") == 1);
      g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_UNREACHABLE);
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

/* What the proxy was asked, one connection through it. */
static char *
connect_through (Route *route,
                 const char *host,
                 const char *user)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestServer) proxy = NULL;
  g_autoptr (GProxyResolver) resolver = NULL;
  g_autoptr (TestEnd) end = NULL;
  g_autofree char *endpoint = NULL;
  g_autofree char *uri = NULL;

  route->port = ist_emulator_service_get_port (emulator->service);
  route->wants = host;
  proxy = test_server_new (TEST_SERVER_PLAIN, http_script, route);
  uri = g_strdup_printf ("http://%s127.0.0.1:%u", user, test_server_get_port (proxy));
  resolver = g_simple_proxy_resolver_new (uri, NULL);
  endpoint = g_strdup_printf ("wss://%s:%u", host, route->port);
  end = test_emulator_add (emulator, IST_MODE_SOURCE, "proxy-resolver", resolver, "max-attempts", 1, "endpoint",
                           endpoint, "verify-certificate", FALSE, NULL);
  test_end_start (end);
  test_wait (test_end_count (end, "success SSH") == 1 || test_end_count (end, "stopped") == 1);
  if (!route->refuses)
    g_assert_no_error (end->error);
  else
    test_server_push (proxy, g_strdup (end->error->message));
  g_clear_pointer (&end, test_end_free);
  if (route->refuses)
    g_free (test_server_pop (proxy));
  return test_server_pop (proxy);
}

static void
test_ipv6 (void)
{
  Route route = { 0 };
  g_autofree char *asked = connect_through (&route, "[2001:db8::1]", "");

  g_assert_true (g_str_has_prefix (asked, "CONNECT [2001:db8::1]:"));
  g_assert_nonnull (strstr (asked, "\r\nHost: [2001:db8::1]:"));
  g_assert_null (strstr (asked, "Authorization"));
}

static void
test_user (void)
{
  Route route = { 0 };
  g_autofree char *asked = connect_through (&route, "service.invalid", "alice:p@ss%25w0rd@");
  g_autofree char *expected = g_base64_encode ((const guchar *) "alice:p@ss%w0rd", 15);

  g_assert_nonnull (strstr (asked, "Proxy-Authorization: Basic "));
  g_assert_nonnull (strstr (asked, expected));
}

static void
test_interim (void)
{
  Route route = { .first = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n" };
  g_autofree char *asked = connect_through (&route, "service.invalid", "");

  g_assert_true (g_str_has_prefix (asked, "CONNECT service.invalid:"));
}

/* What a proxy says is shown, but not what it says of the password, and not to the
 * terminal. */
static void
test_refusal (void)
{
  Route route = { .refuses = TRUE,
                  .refusal = "HTTP/1.1 407 No\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "1c\r\nWho is alice:s3cr3t?\x1b[2J\nX=1\r\n0\r\n\r\n" };
  g_autofree char *message = connect_through (&route, "service.invalid", "alice:s3cr3t@");

  g_assert_nonnull (strstr (message, "407"));
  g_assert_nonnull (strstr (message, "Who is [token]:[token]?\\u001b[2J\\nX=1"));
  g_assert_nonnull (strstr (message, "http://127.0.0.1:"));
  g_assert_null (strstr (message, "alice:s3cr3t"));
  g_assert_nonnull (strstr (message, "service.invalid"));
}

/* One that takes the connection and says nothing, at each step. */
static void
silent_script (TestServer *server,
               TestPeer *peer,
               gpointer user_data)
{
  if (test_peer_read_request (peer) && user_data != NULL)
    test_peer_say (peer, user_data);
  while (!g_cancellable_is_cancelled (peer->cancellable) && g_socket_condition_check (peer->socket, G_IO_HUP) == 0)
    test_peer_sleep (peer, 20);
}

static void
test_silent (gconstpointer said)
{
  g_autoptr (TestServer) proxy = test_server_new (TEST_SERVER_PLAIN, silent_script, (gpointer) said);
  g_autofree char *uri = g_strdup_printf ("http://127.0.0.1:%u", test_server_get_port (proxy));
  g_autoptr (GProxyResolver) resolver = g_simple_proxy_resolver_new (uri, NULL);
  g_autoptr (TestEnd) end = test_client_new (proxy, "endpoint", "service.invalid", "proxy-resolver", resolver,
                                             "max-attempts", 1, "connect-timeout", 1, NULL);

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT);
}

/* Resolvers name several ways: the next one is taken after one has failed. */
#define TEST_TYPE_RESOLVER (test_resolver_get_type ())
G_DECLARE_FINAL_TYPE (TestResolver, test_resolver, TEST, RESOLVER, GObject)

struct _TestResolver
{
  GObject parent_instance;
  char **routes;
};

static void test_resolver_iface_init (GProxyResolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TestResolver,
                               test_resolver,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_PROXY_RESOLVER, test_resolver_iface_init))

static void
test_resolver_lookup_async (GProxyResolver *resolver,
                            const char *uri,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);

  /* For the scheme that tells what is to be protected. */
  g_assert_true (g_str_has_prefix (uri, "https://localhost:"));
  g_task_return_pointer (task, g_strdupv (((TestResolver *) resolver)->routes), (GDestroyNotify) g_strfreev);
}

static char **
test_resolver_lookup_finish (GProxyResolver *resolver,
                             GAsyncResult *result,
                             GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
test_resolver_iface_init (GProxyResolverInterface *iface)
{
  iface->lookup_async = test_resolver_lookup_async;
  iface->lookup_finish = test_resolver_lookup_finish;
}

static void
test_resolver_finalize (GObject *object)
{
  g_strfreev (TEST_RESOLVER (object)->routes);
  G_OBJECT_CLASS (test_resolver_parent_class)->finalize (object);
}

static void
test_resolver_class_init (TestResolverClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_resolver_finalize;
}

static void
test_resolver_init (TestResolver *self)
{
}

static void
test_several (void)
{
  static const struct
  {
    const char *routes; /* separated by spaces; @ is the working proxy */
    const char *says;   /* NULL where it works */
  } ways[] = {
    { "http://127.0.0.1:1 @", NULL },
    { "http://127.0.0.1:1 direct://", NULL },
    { "what://ever http://: @", NULL },
    { "http://u:secret@127.0.0.1:1", "through the proxy http://127.0.0.1:1: " },
    { "what://secret", "scheme" },
    { "", "no way" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
      Route route = { ist_emulator_service_get_port (emulator->service), "localhost" };
      g_autoptr (TestServer) proxy = test_server_new (TEST_SERVER_PLAIN, http_script, &route);
      g_autoptr (TestResolver) resolver = g_object_new (TEST_TYPE_RESOLVER, NULL);
      g_autofree char *working = g_strdup_printf ("http://127.0.0.1:%u", test_server_get_port (proxy));
      g_autoptr (GString) routes = g_string_new (ways[i].routes);
      g_autoptr (TestEnd) end = NULL;

      if (g_str_has_suffix (routes->str, "@"))
        {
          g_string_truncate (routes, routes->len - 1);
          g_string_append (routes, working);
        }
      resolver->routes = g_strsplit (routes->str, " ", -1);
      end = test_emulator_add (emulator, IST_MODE_SOURCE, "proxy-resolver", resolver, "max-attempts", 1, NULL);
      test_end_start (end);
      test_wait (test_end_count (end, "success SSH") == 1 || test_end_count (end, "stopped") == 1);
      if (ways[i].says == NULL)
        {
          g_assert_no_error (end->error);
        }
      else
        {
          g_assert_nonnull (strstr (end->error->message, ways[i].says));
          g_assert_null (strstr (end->error->message, "secret"));
        }
      g_free (test_server_pop (proxy));
      g_clear_pointer (&end, test_end_free);
    }
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
  g_test_add_func ("/proxy/http/ipv6", test_ipv6);
  g_test_add_func ("/proxy/http/user", test_user);
  g_test_add_func ("/proxy/http/interim", test_interim);
  g_test_add_func ("/proxy/http/refusal", test_refusal);
  g_test_add_data_func ("/proxy/http/silent", NULL, test_silent);
  g_test_add_data_func ("/proxy/http/silent-later", "HTTP/1.1 200 OK\r\n", test_silent);
  g_test_add_data_func ("/proxy/http/silent-behind", "HTTP/1.1 200 OK\r\n\r\n", test_silent);
  g_test_add_func ("/proxy/several", test_several);
  return g_test_run ();
}
