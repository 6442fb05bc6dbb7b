/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Mishaps at the worst moment: no call is without an end, and no tunnel without a use.
 */

#include <string.h>

#include "operating.h"
#include "test-server.h"

#define N_ABSENT 60

/* Its token is not taken, which is not the token's fault. */
static void
on_progress_refuse (IstOperatorClient *client,
                    IstOperatorTunnel *tunnel,
                    IstOperatorTunnelState state,
                    TestOperating *operating)
{
  g_autoptr (IstEmulatorTunnel) at_service = NULL;

  if (state != IST_OPERATOR_TUNNEL_STATE_WAITING)
    return;
  at_service = test_operating_look_up (operating, tunnel);
  ist_emulator_tunnel_refuse_handshakes (at_service, IST_MODE_SOURCE, G_MAXUINT, 403, "Forbidden");
}

static void
test_token_refused (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;

  g_signal_connect (operating->client, "progress", G_CALLBACK (on_progress_refuse), operating);
  g_assert_null (test_connect (operating, "SSH", &error));
  g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_TUNNEL_NOT_CONNECTED);
  test_wait (ist_operator_client_get_n_tunnels (operating->client) == 0);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
  g_assert_cmpuint (test_operating_count_open (operating), ==, 0);
}

/* Between the client and the service. Somebody else answers the first that is to close a
 * tunnel. */
typedef struct
{
  guint port; /* the service's */
  gboolean is_over;
} Portal;

/* A request or an answer, to the end of its body. */
static char *
read_message (TestPeer *peer,
              gsize *length)
{
  g_autofree char *field = NULL;
  g_autofree char *message = NULL;
  gsize head;
  gsize size;

  if (!test_peer_read_request (peer))
    return NULL;
  head = strlen (peer->request);
  field = test_peer_dup_header (peer, "Content-Length");
  size = field != NULL ? g_ascii_strtoull (field, NULL, 10) : 0;
  *length = head + size;
  message = g_malloc0 (*length + 1);
  memcpy (message, peer->request, head);
  return size == 0 || test_peer_read (peer, message + head, size) ? g_steal_pointer (&message) : NULL;
}

static char *
ask_service (Portal *portal,
             const char *request,
             gsize length,
             gsize *answer_length)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) stream = NULL;
  g_autoptr (TestPeer) peer = NULL;

  g_socket_client_set_enable_proxy (client, FALSE);
  stream = g_socket_client_connect_to_host (client, "127.0.0.1", portal->port, NULL, NULL);
  if (stream == NULL)
    return NULL;
  peer = test_peer_new (G_IO_STREAM (stream), g_socket_connection_get_socket (stream));
  return test_peer_write (peer, request, length) ? read_message (peer, answer_length) : NULL;
}

/* In a thread of its own. */
static void
relay (TestServer *server,
       TestPeer *peer,
       gpointer user_data)
{
  Portal *portal = user_data;
  g_autofree char *request = NULL;
  g_autofree char *answer = NULL;
  gsize length;
  gsize answer_length;

  request = read_message (peer, &length);
  if (request == NULL)
    return;
  if (strstr (request, "CloseTunnel") != NULL && !portal->is_over)
    {
      portal->is_over = TRUE;
      test_peer_say (peer, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nWelcome!");
      return;
    }
  answer = ask_service (portal, request, length, &answer_length);
  if (answer != NULL)
    test_peer_write (peer, answer, answer_length);
}

static IstOperatorClient *
make_client_behind (TestOperating *operating,
                    TestServer *server)
{
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u", test_server_get_port (server));
  g_autoptr (IstOperatorCredentials) credentials = ist_operator_credentials_new_for_keys ("AKID", "secret", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorControlPlane) control_plane =
    g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, &error, "credentials", credentials, "region", "us-east-1",
                    "endpoint-url", url, "tunnel-endpoint", ist_emulator_service_get_endpoint (operating->service),
                    NULL);

  g_assert_no_error (error);
  return ist_operator_client_new (control_plane);
}

static void
test_close_in_vain (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  Portal portal = { .port = ist_emulator_service_get_port (operating->service) };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, relay, &portal);
  g_autoptr (IstOperatorClient) client = make_client_behind (operating, server);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autoptr (IstConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  ist_operator_client_connect_async (client, TEST_THING, "SSH", NULL, NULL, test_store_result, &result);
  test_wait (result != NULL);
  connection = ist_operator_client_connect_finish (client, result, &error);
  g_assert_no_error (error);
  ist_operator_client_close_async (client, NULL, test_store_result, &closed);
  test_wait (closed != NULL);
  g_assert_true (ist_operator_client_close_finish (client, closed, &error));
  g_assert_true (portal.is_over);
  g_assert_cmpuint (test_operating_count_open (operating), ==, 0);
}

/* Somebody else has it before the client is connected: that is to be left alone. */
static void
on_progress_take (IstOperatorClient *client,
                  IstOperatorTunnel *tunnel,
                  IstOperatorTunnelState state,
                  IstSecureTunnel **source)
{
  TestOperating *operating = g_object_get_data (G_OBJECT (client), "operating");
  g_autoptr (IstEmulatorTunnel) at_service = NULL;
  g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
  g_autoptr (GError) error = NULL;

  if (state != IST_OPERATOR_TUNNEL_STATE_WAITING || *source != NULL)
    return;
  at_service = test_operating_look_up (operating, tunnel);
  g_assert_true (ist_emulator_service_rotate_tokens (operating->service, ist_emulator_tunnel_get_id (at_service),
                                                     IST_EMULATOR_SIDES_SOURCE, &error));
  g_object_set (builder, "mode", IST_MODE_SOURCE, "access-token",
                ist_emulator_tunnel_get_source_access_token (at_service), "endpoint",
                ist_emulator_service_get_endpoint (operating->service), NULL);
  *source = ist_secure_tunnel_builder_build (builder, &error);
  g_assert_true (ist_secure_tunnel_start (*source, &error));
}

static void
test_taken_at_once (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (IstSecureTunnel) source = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;

  g_object_set_data (G_OBJECT (operating->client), "operating", operating);
  g_signal_connect (operating->client, "progress", G_CALLBACK (on_progress_take), &source);
  connection = test_connect (operating, "SSH", &error);
  g_signal_handlers_disconnect_by_data (operating->client, &source);
  /* Which of them is there when the client asks is a matter of moments. */
  if (connection != NULL)
    {
      test_exchange (connection, "in one of its own");
      g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 2);
      g_assert_cmpint (ist_secure_tunnel_get_state (source), ==, IST_TUNNEL_STATE_CONNECTED);
    }
  else
    {
      g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_TUNNEL_NOT_CONNECTED);
      g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
    }
  ist_secure_tunnel_stop (source);
  test_wait (ist_secure_tunnel_get_state (source) == IST_TUNNEL_STATE_STOPPED);
}

/* It has no token any more, and was told of the tunnel a moment ago. */
static void
test_agent_restarted (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) end = NULL;
  g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);
  gint64 start;

  g_assert_no_error (error);
  test_exchange (connection, "hello");
  test_operating_take_device_off (operating);
  end = test_await_end (connection);
  g_clear_object (&connection);
  operating->is_online = TRUE;
  start = g_get_monotonic_time ();
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 15 * G_TIME_SPAN_SECOND);
  test_exchange (connection, "hello again");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
  g_assert_cmpuint (operating->n_notifications, ==, 2);
}

/* Two that look find the same one. */
static void
test_any_two_services (void)
{
  static const char *const services[] = { "WEB", "SSH", NULL };
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstEmulatorTunnel) theirs =
    ist_emulator_service_open_tunnel (operating->service, services, TEST_THING, 0, &error);
  g_autoptr (GAsyncResult) ssh = NULL;
  g_autoptr (GAsyncResult) web = NULL;
  g_autoptr (IstConnection) first = NULL;
  g_autoptr (IstConnection) second = NULL;

  test_wait (ist_emulator_tunnel_is_connected (theirs, IST_MODE_DESTINATION));
  ist_operator_options_set_reuse (ist_operator_client_get_options (operating->client), IST_OPERATOR_REUSE_ANY);
  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, NULL, test_store_result, &ssh);
  ist_operator_client_connect_async (operating->client, TEST_THING, "WEB", NULL, NULL, test_store_result, &web);
  test_wait (ssh != NULL && web != NULL);
  first = ist_operator_client_connect_finish (operating->client, ssh, &error);
  g_assert_no_error (error);
  second = ist_operator_client_connect_finish (operating->client, web, &error);
  g_assert_no_error (error);
  test_exchange (second, "hello");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 0);
  test_wait (ist_operator_client_get_n_tunnels (operating->client) == 1);
}

/* A forward that nobody has any more */
static void
test_forward_dropped (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (IstOperatorForward) forward = ist_operator_forward_new (operating->client, TEST_THING, "SSH", "0", NULL);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) waiting = NULL;
  g_autoptr (GError) error = NULL;
  guint port;

  operating->is_online = FALSE;
  g_socket_client_set_enable_proxy (client, FALSE);
  g_assert_true (ist_operator_forward_start (forward, &error));
  port = ist_operator_forward_get_port (forward);
  waiting = g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, &error);
  g_assert_no_error (error);
  test_wait (ist_operator_forward_get_n_connections (forward) == 1);
  g_assert_finalize_object (g_steal_pointer (&forward));
  g_assert_null (g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
}

/* Somebody who tries forever keeps nobody else waiting forever. */
static void
on_failed_try_again (GObject *source,
                     GAsyncResult *result,
                     gpointer user_data)
{
  TestOperating *operating = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_null (ist_operator_client_connect_finish (IST_OPERATOR_CLIENT (source), result, &error));
  if (!g_error_matches (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_CLOSED))
    ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, NULL, on_failed_try_again,
                                       operating);
}

static void
test_insistent (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GAsyncResult) result = NULL;

  test_operating_fail (operating, "OpenTunnel", "LimitExceededException", G_MAXUINT);
  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, NULL, on_failed_try_again, operating);
  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), <=, 10);
  test_close_client (operating, NULL);
}

/* The more devices are awaited, the less often each is asked for, but in time. */
static void
test_many_absent (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;
  guint n_pending = 0;

  ist_operator_options_set_device_timeout (ist_operator_client_get_options (operating->client), 6);
  for (guint i = 0; i < N_ABSENT; i++)
    {
      g_autofree char *name = g_strdup_printf ("absent-%u", i);

      n_pending++;
      ist_operator_client_connect_async (operating->client, name, "SSH", NULL, NULL, test_count_down, &n_pending);
    }
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "hello");
  test_wait (n_pending == 0);
}

/* Nothing grows with what has ended. */
static void
check_growth (IstOperatorReuse reuse,
              guint count)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  guint n_fds = 0;

  ist_operator_options_set_reuse (ist_operator_client_get_options (operating->client), reuse);
  for (guint i = 0; i < count; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);

      g_assert_no_error (error);
      test_exchange (connection, "hello");
      if (i == count / 4)
        n_fds = test_count_fds ();
    }
  test_wait (test_count_fds () <= n_fds);
  test_wait (ist_operator_client_get_n_tunnels (operating->client) == (reuse == IST_OPERATOR_REUSE_NEVER ? 0 : 1));
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, reuse == IST_OPERATOR_REUSE_NEVER ? count : 1);
  test_wait (test_operating_count_open (operating) == ist_operator_client_get_n_tunnels (operating->client));
}

static void
test_many_connections (void)
{
  check_growth (IST_OPERATOR_REUSE_OWN, 200);
}

static void
test_many_tunnels (void)
{
  check_growth (IST_OPERATOR_REUSE_NEVER, 20);
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/operator/mishaps/token-refused", test_token_refused);
  g_test_add_func ("/operator/mishaps/close-in-vain", test_close_in_vain);
  g_test_add_func ("/operator/mishaps/taken-at-once", test_taken_at_once);
  g_test_add_func ("/operator/mishaps/agent-restarted", test_agent_restarted);
  g_test_add_func ("/operator/mishaps/any-two-services", test_any_two_services);
  g_test_add_func ("/operator/mishaps/forward-dropped", test_forward_dropped);
  g_test_add_func ("/operator/mishaps/insistent", test_insistent);
  g_test_add_func ("/operator/mishaps/many-absent", test_many_absent);
  g_test_add_func ("/operator/mishaps/many-connections", test_many_connections);
  g_test_add_func ("/operator/mishaps/many-tunnels", test_many_tunnels);
  return g_test_run ();
}
