/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Servers that break the rules, or are slow to keep them.
 */

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#include "test-tunnel.h"

#define CLIENT_TOKEN "0123456789abcdefghijklmnopqrstuvwxyz"

/* Neither whole nor cut off anywhere but in its first few characters. */
static void
assert_no_token (const char *text)
{
  char beginning[9] = { 0 };

  memcpy (beginning, TEST_TOKEN, 8);
  g_assert_null (strstr (text, beginning));
  memcpy (beginning, CLIENT_TOKEN, 8);
  g_assert_null (strstr (text, beginning));
}

static const char *
get_message (TestEnd *end)
{
  const GError *error = ist_secure_tunnel_get_last_error (end->tunnel);

  g_assert_nonnull (error);
  assert_no_token (error->message);
  return error->message;
}

/* Answers to the handshake */

typedef struct
{
  const char *name;
  const char *answer; /* all of it */
  IstTunnelError error;
  gboolean final;
  const char *says; /* the message has it */
  const char *channel_id;
} Answer;

#define LONG_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define TEN(text) text text text text text text text text text text

static const Answer answers[] = {
  { "token",
    "HTTP/1.1 403 Forbidden\r\nX-Status-Reason: Invalid access token: used before\r\nContent-Length: 0\r\n\r\n",
    IST_TUNNEL_ERROR_TOKEN_REJECTED, TRUE, "403", NULL },
  { "token-in-body", "HTTP/1.1 400 Bad Request\r\nchannel-id: c-17\r\nContent-Length: 20\r\n\r\nInvalid access token",
    IST_TUNNEL_ERROR_TOKEN_REJECTED, TRUE, "Invalid access token", "c-17" },
  { "channel-id", "HTTP/1.1 400 Bad Request\r\nchannel-id: c-18\r\n\r\nno",
    IST_TUNNEL_ERROR_REFUSED, TRUE, "c-18", "c-18" },
  { "closed", "HTTP/1.1 400 Bad Request\r\nX-Status-Reason: Tunnel is closed\r\nContent-Length: 0\r\n\r\n",
    IST_TUNNEL_ERROR_TUNNEL_CLOSED, TRUE, "Tunnel is closed", NULL },
  { "expired", "HTTP/1.1 400 Bad Request\r\nX-Status-Reason: tunnel has expired\r\nContent-Length: 0\r\n\r\n",
    IST_TUNNEL_ERROR_TUNNEL_CLOSED, TRUE, "expired", NULL },
  { "not-found", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", IST_TUNNEL_ERROR_REFUSED, TRUE, "404", NULL },
  { "unauthorized", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
    IST_TUNNEL_ERROR_TOKEN_REJECTED, TRUE, "401",
    NULL },
  { "redirect", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    IST_TUNNEL_ERROR_REFUSED, TRUE, "302", NULL },
  { "too-many", "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
    IST_TUNNEL_ERROR_SERVICE_UNAVAILABLE, FALSE, "429", NULL },
  { "unavailable", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 6\r\n\r\nbroken",
    IST_TUNNEL_ERROR_SERVICE_UNAVAILABLE, FALSE, "broken", NULL },
  { "internal", "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
    IST_TUNNEL_ERROR_SERVICE_UNAVAILABLE, FALSE, "500", NULL },
  { "ok", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", IST_TUNNEL_ERROR_PROTOCOL, FALSE, "200", NULL },
  { "not-http", "SSH-2.0-OpenSSH_9.2\r\n\r\n", IST_TUNNEL_ERROR_PROTOCOL, FALSE, "not HTTP", NULL },
  { "empty-line", "\r\n\r\n", IST_TUNNEL_ERROR_PROTOCOL, FALSE, "not HTTP", NULL },
  { "no-accept", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    IST_TUNNEL_ERROR_PROTOCOL, FALSE, "Sec-WebSocket-Accept", NULL },
  { "wrong-accept",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    IST_TUNNEL_ERROR_PROTOCOL, FALSE, "Sec-WebSocket-Accept", NULL },
  { "no-upgrade", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n",
    IST_TUNNEL_ERROR_PROTOCOL, FALSE, "Upgrade",
    NULL },
  { "no-connection", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", IST_TUNNEL_ERROR_PROTOCOL, FALSE,
    "Connection", NULL },
  { "nothing", "", IST_TUNNEL_ERROR_DISCONNECTED, FALSE, "closed", NULL },
  { "half", "HTTP/1.1 101 Switching Pro", IST_TUNNEL_ERROR_DISCONNECTED, FALSE, "closed", NULL },
  { "quoted-token",
    "HTTP/1.1 400 Bad Request\r\nX-Status-Reason: Invalid access token: " TEST_TOKEN ", client " CLIENT_TOKEN
    "\r\nchannel-id: c-" TEST_TOKEN "\r\nContent-Length: 0\r\n\r\n",
    IST_TUNNEL_ERROR_TOKEN_REJECTED, TRUE, "[token]", "c-[token]" },
  { "quoted-token-late",
    "HTTP/1.1 400 " TEST_TOKEN "\r\nX-Status-Reason: token " LONG_A LONG_A LONG_A LONG_A LONG_A TEST_TOKEN
    "\r\nContent-Length: 0\r\n\r\n",
    IST_TUNNEL_ERROR_TOKEN_REJECTED, TRUE, "aaaa", NULL },
  { "quoted-token-cut",
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 600\r\n\r\ntoken " LONG_A LONG_A LONG_A LONG_A TEST_TOKEN
      TEST_TOKEN TEST_TOKEN TEST_TOKEN,
    IST_TUNNEL_ERROR_TOKEN_REJECTED, TRUE, "aaaa", NULL },
  { "quoted-token-status", "HTTP/1.1 400 token " TEST_TOKEN "\r\nContent-Length: 0\r\n\r\n",
    IST_TUNNEL_ERROR_TOKEN_REJECTED, TRUE, "[token]", NULL },
  { "chunked",
    "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n"
    "7\r\nTunnel \r\n9;name=value\r\nis closed\r\n0\r\n\r\n",
    IST_TUNNEL_ERROR_TUNNEL_CLOSED, TRUE, ": Tunnel is closed (", NULL },
  { "chunked-and-more",
    "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
    "010\nTunnel is closed\n0000\nX-Trailer: 1\r\n\r\n",
    IST_TUNNEL_ERROR_TUNNEL_CLOSED, TRUE, ": Tunnel is closed (", NULL },
  { "chunked-broken",
    "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nTunnel is closed\r\n",
    IST_TUNNEL_ERROR_TOKEN_REJECTED, TRUE, ": Forbidden (", NULL },
  { "chunked-huge",
    "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\nTunnel is closed",
    IST_TUNNEL_ERROR_TUNNEL_CLOSED, TRUE, ": Tunnel is closed (", NULL },
  { "until-close", "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\nTunnel has expired",
    IST_TUNNEL_ERROR_TUNNEL_CLOSED, TRUE, ": Tunnel has expired (", NULL },
  { "until-close-1.0", "HTTP/1.0 403 Forbidden\r\n\r\nTunnel is closed\r\n", IST_TUNNEL_ERROR_TUNNEL_CLOSED, TRUE,
    ": Tunnel is closed (", NULL },
  { "no-content", "HTTP/1.1 204 No Content\r\n\r\n", IST_TUNNEL_ERROR_PROTOCOL, FALSE, "204", NULL },
  { "interim",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\nX-Status-Reason: no\r\n\r\n"
    "HTTP/1.1 403 Forbidden\r\nX-Status-Reason: Invalid access token\r\nContent-Length: 0\r\n\r\n",
    IST_TUNNEL_ERROR_TOKEN_REJECTED, TRUE, ": Invalid access token (", NULL },
  { "interim-only", TEN ("HTTP/1.1 100 Continue\r\n\r\n") TEN ("HTTP/1.1 100 Continue\r\n\r\n"),
    IST_TUNNEL_ERROR_PROTOCOL, FALSE, "again and again", NULL },
  { "interim-and-end", "HTTP/1.1 100 Continue\r\n\r\n", IST_TUNNEL_ERROR_DISCONNECTED, FALSE, "closed", NULL },
  { "quoted-token-after-control",
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 200\r\n\r\ntoken \x01" TEST_TOKEN,
    IST_TUNNEL_ERROR_TOKEN_REJECTED, TRUE, "[token]", NULL },
  { "control-characters",
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 12\r\n\r\na\tb\nc\x1b[1m\x80\xff",
    IST_TUNNEL_ERROR_REFUSED, TRUE, "a\\tb\\nc\\u001b[1m\\x80\\xff", NULL },
};

static void
answer_script (TestServer *server,
               TestPeer *peer,
               gpointer user_data)
{
  const Answer *answer = user_data;

  if (!test_peer_read_request (peer))
    return;
  test_peer_say (peer, answer->answer);
}

static GLogWriterOutput
collect_log (GLogLevelFlags level,
             const GLogField *fields,
             gsize n_fields,
             gpointer user_data)
{
  GString *log = user_data;
  gsize i;

  for (i = 0; i < n_fields; i++)
    {
      if (fields[i].length < 0)
        g_string_append_printf (log, "%s=%s\n", fields[i].key, (const char *) fields[i].value);
    }
  return G_LOG_WRITER_HANDLED;
}

static void
collect_old_log (const char *domain,
                 GLogLevelFlags level,
                 const char *message,
                 gpointer user_data)
{
  g_string_append_printf (user_data, "%s: %s\n", domain != NULL ? domain : "", message);
}

static GString *all_logs;

static void
test_answer (gconstpointer data)
{
  const Answer *answer = data;
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_script, (gpointer) answer);
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 2, "client-token", CLIENT_TOKEN, NULL);
  g_autofree char *expected = NULL;

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_error (end->error, IST_TUNNEL_ERROR, (int) answer->error);
  g_assert_nonnull (strstr (get_message (end), answer->says));
  g_assert_cmpint (ist_tunnel_error_is_final (end->error), ==, answer->final);
  g_assert_cmpuint (test_server_get_connections (server), ==, answer->final ? 1 : 2);
  expected = g_strdup_printf ("failure %d retry", answer->error);
  g_assert_cmpuint (test_end_count (end, expected), ==, answer->final ? 0 : 1);
  g_assert_cmpuint (test_end_count (end, "success"), ==, 0);
  g_assert_cmpuint (test_end_count (end, "shutdown"), ==, 0);
  g_assert_cmpstr (ist_secure_tunnel_get_channel_id (end->tunnel), ==, answer->channel_id);
  g_assert_nonnull (strstr (get_message (end), "127.0.0.1"));
  g_assert_nonnull (strstr (all_logs->str, "libist"));
  assert_no_token (all_logs->str);
}

static void
flood_script (TestServer *server,
              TestPeer *peer,
              gpointer user_data)
{
  if (!test_peer_read_request (peer) || !test_peer_say (peer, "HTTP/1.1 101 Switching Protocols\r\n"))
    return;
  while (test_peer_say (peer, "X-Flood: " LONG_A "\r\n"))
    continue;
}

static void
test_header_flood (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, flood_script, NULL);
  g_autoptr (TestEnd) end = test_client_new (server, "reconnect-policy", IST_RECONNECT_POLICY_NEVER, NULL);

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL);
}

/* What only announces the answer is passed over, also before the upgrade. */
static void
interim_script (TestServer *server,
                TestPeer *peer,
                gpointer user_data)
{
  if (test_peer_read_request (peer) && test_peer_say (peer, "HTTP/1.1 102 Processing\r\n\r\n") &&
      test_peer_say (peer, "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n") && test_peer_accept (peer, NULL) &&
      test_peer_send_services (peer, test_ssh))
    test_peer_linger (peer);
}

static void
test_interim (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, interim_script, NULL);
  g_autoptr (TestEnd) end = test_client_new (server, NULL);

  test_end_start (end);
  test_wait (test_end_count (end, "success SSH") == 1);
}

/* A body that never ends and never begins: without a timeout, the status is told
 * after a few seconds. */
static void
endless_script (TestServer *server,
                TestPeer *peer,
                gpointer user_data)
{
  if (!test_peer_read_request (peer) || !test_peer_say (peer, user_data))
    return;
  while (!g_cancellable_is_cancelled (peer->cancellable) && g_socket_condition_check (peer->socket, G_IO_HUP) == 0)
    test_peer_sleep (peer, 50);
}

static void
test_endless_body (gconstpointer data)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, endless_script, (gpointer) data);
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 1, "connect-timeout", 0, NULL);

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED);
}

/* Time */

typedef enum
{
  DRIP_NOTHING,
  DRIP_HEADERS,
  DRIP_BODY,
} Drip;

static void
drip_script (TestServer *server,
             TestPeer *peer,
             gpointer user_data)
{
  if (!test_peer_read_request (peer))
    return;
  if (GPOINTER_TO_UINT (user_data) == DRIP_BODY)
    test_peer_say (peer, "HTTP/1.1 403 Forbidden\r\nContent-Length: 500\r\n\r\n");
  else
    test_peer_say (peer, "HTTP/1.1 101 Switching Protocols\r\n");
  while (!g_cancellable_is_cancelled (peer->cancellable))
    {
      if (GPOINTER_TO_UINT (user_data) != DRIP_NOTHING && !test_peer_say (peer, "a"))
        return;
      test_peer_sleep (peer, 50);
      if (GPOINTER_TO_UINT (user_data) == DRIP_NOTHING && g_socket_condition_check (peer->socket, G_IO_HUP) != 0)
        return;
    }
}

/* The timeout is for the whole of it, however busy the server looks. */
static void
test_timeout (gconstpointer data)
{
  Drip drip = GPOINTER_TO_UINT (data);
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, drip_script, (gpointer) data);
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 1, "connect-timeout", 1, NULL);

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  if (drip == DRIP_BODY)
    g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOKEN_REJECTED);
  else
    g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT);
}

/* Accepts TCP only: TLS never answers. */
static void
test_timeout_tls (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_SILENT, NULL, NULL);
  g_autofree char *endpoint = g_strdup_printf ("localhost:%u", test_server_get_port (server));
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 1, "connect-timeout", 1, "endpoint", endpoint,
                                             NULL);

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (get_message (end), "TLS"));
}

/* stop() at each stage of connecting ends it at once, without a failure. */
static void
cancel_script (TestServer *server,
               TestPeer *peer,
               gpointer user_data)
{
  guint stage = GPOINTER_TO_UINT (user_data);

  if (stage >= 1 && !test_peer_read_request (peer))
    return;
  if (stage == 2)
    test_peer_say (peer, "HTTP/1.1 101 Switching Protocols\r\nUpgr");
  if (stage == 3)
    test_peer_say (peer, "HTTP/1.1 403 Forbidden\r\nContent-Length: 500\r\n\r\nhalf of");
  test_server_set_step (server, 1);
  while (!g_cancellable_is_cancelled (peer->cancellable) &&
         (g_socket_condition_check (peer->socket, G_IO_HUP) & G_IO_HUP) == 0)
    test_peer_sleep (peer, 20);
}

static void
test_cancel (gconstpointer data)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, cancel_script, (gpointer) data);
  g_autoptr (TestEnd) end = test_client_new (server, NULL);
  gint64 begun;

  test_end_start (end);
  test_wait (test_server_get_step (server) == 1);
  test_run_for (20);
  g_assert_cmpint (ist_secure_tunnel_get_state (end->tunnel), ==, IST_TUNNEL_STATE_CONNECTING);
  begun = g_get_monotonic_time ();
  ist_secure_tunnel_stop (end->tunnel);
  g_assert_cmpuint (test_end_count (end, "stopped"), ==, 0);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 20 * G_USEC_PER_SEC);
  g_assert_cmpuint (test_end_count (end, "failure"), ==, 0);
  g_assert_cmpuint (test_end_count (end, "shutdown"), ==, 0);
  g_assert_null (ist_secure_tunnel_get_last_error (end->tunnel));
}

static void
test_cancel_tls (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_SILENT, NULL, NULL);
  g_autofree char *endpoint = g_strdup_printf ("127.0.0.1:%u", test_server_get_port (server));
  g_autoptr (TestEnd) end = test_client_new (server, "endpoint", endpoint, NULL);

  test_end_start (end);
  test_run_for (100);
  ist_secure_tunnel_stop (end->tunnel);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_cmpuint (test_end_count (end, "failure"), ==, 0);
}

/* TLS */

static void
ignore_script (TestServer *server,
               TestPeer *peer,
               gpointer user_data)
{
  /* Nothing of the request may come. */
  if (test_peer_read_request (peer))
    test_server_set_step (server, 99);
}

static void
test_certificates (void)
{
  static const struct
  {
    TestServerKind kind;
    gboolean trusted;
    const char *host;
    const char *says;
  } cases[] = {
    { TEST_SERVER_TLS, FALSE, "localhost", "not trusted" },
    { TEST_SERVER_TLS_OTHER_HOST, TRUE, "127.0.0.2", "another host" },
    { TEST_SERVER_TLS, TRUE, "localhost", NULL },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TestServer) server = test_server_new (cases[i].kind, ignore_script, NULL);
      g_autoptr (TestServer) other = test_server_new (TEST_SERVER_TLS, ignore_script, NULL);
      TestServer *trusted = cases[i].trusted ? server : other;
      g_autofree char *endpoint = g_strdup_printf ("%s:%u", cases[i].host, test_server_get_port (server));
      g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 1, "endpoint", endpoint, "ca-file",
                                                 test_server_get_ca_file (trusted), NULL);

      test_end_start (end);
      test_wait (test_end_count (end, "stopped") == 1);
      if (cases[i].says == NULL)
        {
          g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED);
          g_assert_cmpuint (test_server_get_step (server), ==, 99);
          continue;
        }
      g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TLS);
      g_assert_nonnull (strstr (get_message (end), cases[i].says));
      g_assert_cmpuint (test_server_get_step (server), ==, 0);
    }
}

/* Certificates that GIO takes without a word. */
typedef struct
{
  const char *name;
  guint bits;    /* of the server's key, RSA; 0 for an elliptic curve */
  guint ca_bits; /* likewise */
  gnutls_digest_algorithm_t digest;
  const char *purposes[2];
  const char *says; /* NULL where all is well */
} Quality;

static const Quality qualities[] = {
  { "elliptic", 0, 0, GNUTLS_DIG_SHA256, { GNUTLS_KP_TLS_WWW_SERVER }, NULL },
  { "rsa-2048", 2048, 2048, GNUTLS_DIG_SHA256, { GNUTLS_KP_TLS_WWW_SERVER }, NULL },
  { "no-purpose", 0, 0, GNUTLS_DIG_SHA256, { NULL }, NULL },
  { "both-purposes", 0, 0, GNUTLS_DIG_SHA256, { GNUTLS_KP_TLS_WWW_CLIENT, GNUTLS_KP_TLS_WWW_SERVER }, NULL },
  { "client-only", 0, 0, GNUTLS_DIG_SHA256, { GNUTLS_KP_TLS_WWW_CLIENT }, "not meant for a server" },
  { "code-signing", 0, 0, GNUTLS_DIG_SHA256, { GNUTLS_KP_CODE_SIGNING }, "not meant for a server" },
  { "rsa-1024", 1024, 0, GNUTLS_DIG_SHA256, { GNUTLS_KP_TLS_WWW_SERVER }, "too short" },
  { "authority-rsa-1024", 0, 1024, GNUTLS_DIG_SHA256, { GNUTLS_KP_TLS_WWW_SERVER }, "too short" },
  { "sha1", 0, 0, GNUTLS_DIG_SHA1, { GNUTLS_KP_TLS_WWW_SERVER }, "certificate" },
};

static gnutls_x509_privkey_t
make_key (guint bits)
{
  gnutls_pk_algorithm_t algorithm = bits > 0 ? GNUTLS_PK_RSA : GNUTLS_PK_ECDSA;
  gnutls_x509_privkey_t key;

  if (bits == 0)
    bits = GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1);
  gnutls_x509_privkey_init (&key);
  g_assert_cmpint (gnutls_x509_privkey_generate (key, algorithm, bits, 0), >=, 0);
  return key;
}

static gnutls_x509_crt_t
begin_crt (gnutls_x509_privkey_t key,
           const char *name,
           gboolean is_ca)
{
  static guint8 serial = 1;
  gnutls_x509_crt_t crt;

  gnutls_x509_crt_init (&crt);
  gnutls_x509_crt_set_version (crt, 3);
  gnutls_x509_crt_set_serial (crt, &serial, 1);
  serial++;
  gnutls_x509_crt_set_activation_time (crt, time (NULL) - 3600);
  gnutls_x509_crt_set_expiration_time (crt, time (NULL) + 3600);
  gnutls_x509_crt_set_dn_by_oid (crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, strlen (name));
  gnutls_x509_crt_set_key (crt, key);
  gnutls_x509_crt_set_basic_constraints (crt, is_ca, is_ca ? 0 : -1);
  return crt;
}

static char *
export_crt (gnutls_x509_crt_t crt)
{
  gnutls_datum_t pem;
  char *text;

  g_assert_cmpint (gnutls_x509_crt_export2 (crt, GNUTLS_X509_FMT_PEM, &pem), >=, 0);
  text = g_strndup ((const char *) pem.data, pem.size);
  gnutls_free (pem.data);
  return text;
}

static GTlsCertificate *
make_certificate (const Quality *quality,
                  char **ca_pem)
{
  gnutls_x509_privkey_t ca_key = make_key (quality->ca_bits);
  gnutls_x509_privkey_t key = make_key (quality->bits);
  gnutls_x509_crt_t ca = begin_crt (ca_key, "an authority", TRUE);
  gnutls_x509_crt_t crt = begin_crt (key, "localhost", FALSE);
  g_autoptr (GError) error = NULL;
  g_autofree char *crt_pem = NULL;
  g_autofree char *key_pem = NULL;
  g_autofree char *pem = NULL;
  GTlsCertificate *certificate;
  gnutls_datum_t datum;
  guint i;

  gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_SET);
  for (i = 0; i < 2 && quality->purposes[i] != NULL; i++)
    gnutls_x509_crt_set_key_purpose_oid (crt, quality->purposes[i], 0);
  g_assert_cmpint (gnutls_x509_crt_sign2 (ca, ca, ca_key, GNUTLS_DIG_SHA256, 0), >=, 0);
  g_assert_cmpint (gnutls_x509_crt_sign2 (crt, ca, ca_key, quality->digest, 0), >=, 0);
  *ca_pem = export_crt (ca);
  crt_pem = export_crt (crt);
  g_assert_cmpint (gnutls_x509_privkey_export2 (key, GNUTLS_X509_FMT_PEM, &datum), >=, 0);
  key_pem = g_strndup ((const char *) datum.data, datum.size);
  gnutls_free (datum.data);
  pem = g_strconcat (crt_pem, key_pem, NULL);
  certificate = g_tls_certificate_new_from_pem (pem, -1, &error);
  g_assert_no_error (error);
  gnutls_x509_crt_deinit (crt);
  gnutls_x509_crt_deinit (ca);
  gnutls_x509_privkey_deinit (key);
  gnutls_x509_privkey_deinit (ca_key);
  return certificate;
}

/* Nothing of the request may come, whether the handshake is done by then or not. */
static void
tls_script (TestServer *server,
            TestPeer *peer,
            gpointer user_data)
{
  g_autoptr (GIOStream) tls = g_tls_server_connection_new (peer->stream, user_data, NULL);
  g_autoptr (TestPeer) secure = test_peer_new (tls, peer->socket);

  secure->cancellable = g_object_ref (peer->cancellable);
  g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (tls), FALSE);
  if (g_tls_connection_handshake (G_TLS_CONNECTION (tls), peer->cancellable, NULL) && test_peer_read_request (secure))
    test_server_set_step (server, 99);
  else
    test_server_set_step (server, 1);
}

static void
test_quality (gconstpointer data)
{
  const Quality *quality = data;
  g_autofree char *ca_pem = NULL;
  g_autoptr (GTlsCertificate) certificate = make_certificate (quality, &ca_pem);
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, tls_script, certificate);
  g_autofree char *endpoint = g_strdup_printf ("localhost:%u", test_server_get_port (server));
  char *ca_file = test_file_new (ca_pem);
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 1, "endpoint", endpoint, "ca-file", ca_file, NULL);

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  test_wait (test_server_get_step (server) != 0);
  g_assert_cmpuint (test_server_get_step (server), ==, quality->says == NULL ? 99 : 1);
  if (quality->says == NULL)
    {
      g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED);
    }
  else
    {
      g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TLS);
      g_assert_nonnull (strstr (get_message (end), quality->says));
    }
  test_file_free (ca_file);
}

/* By its address: the certificate must be for that, and the name in the handshake
 * is none, which servers refuse. */
static void
test_address (gconstpointer data)
{
  const char *text = data;
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  g_autoptr (GSocketAddress) any_port = g_inet_socket_address_new (address, 0);
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (TestEmulator) emulator = NULL;
  g_autoptr (TestEnd) end = NULL;
  g_autofree char *endpoint = NULL;

  socket = g_socket_new (g_inet_address_get_family (address), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  if (socket == NULL || !g_socket_bind (socket, any_port, FALSE, NULL))
    {
      g_test_skip ("this machine has no such address");
      return;
    }
  emulator = test_emulator_new_at (test_ssh, text);
  endpoint = g_strdup_printf (strchr (text, ':') != NULL ? "wss://[%s]:%u" : "wss://%s:%u", text,
                              ist_emulator_service_get_port (emulator->service));
  end = test_emulator_add (emulator, IST_MODE_SOURCE, "endpoint", endpoint, NULL);
  test_end_start (end);
  test_wait (test_end_count (end, "success SSH") == 1 || test_end_count (end, "failure") == 3);
  g_assert_no_error (end->error);
  g_clear_pointer (&end, test_end_free);
}

static void
test_no_verification (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_TLS, ignore_script, NULL);
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 1, "ca-file", NULL, "verify-certificate", FALSE,
                                             NULL);

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_cmpuint (test_server_get_step (server), ==, 99);
}

/* GIO's servers can't be told to be old. */
static void
old_tls_script (TestServer *server,
                TestPeer *peer,
                gpointer user_data)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autofree char *ca = NULL;
  g_autoptr (GTlsCertificate) certificate = test_certificate_new (address, &ca);
  g_autofree char *crt_pem = NULL;
  g_autofree char *key_pem = NULL;
  gnutls_certificate_credentials_t credentials;
  gnutls_session_t session;
  gnutls_datum_t crt;
  gnutls_datum_t key;
  char byte;

  g_object_get (certificate, "certificate-pem", &crt_pem, "private-key-pem", &key_pem, NULL);
  crt = (gnutls_datum_t){ (guchar *) crt_pem, strlen (crt_pem) };
  key = (gnutls_datum_t){ (guchar *) key_pem, strlen (key_pem) };
  gnutls_certificate_allocate_credentials (&credentials);
  g_assert_cmpint (gnutls_certificate_set_x509_key_mem (credentials, &crt, &key, GNUTLS_X509_FMT_PEM), >=, 0);
  gnutls_init (&session, GNUTLS_SERVER);
  g_assert_cmpint (gnutls_priority_set_direct (session, "NORMAL:-VERS-ALL:+VERS-TLS1.1", NULL), ==, 0);
  gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, credentials);
  g_socket_set_blocking (peer->socket, TRUE);
  gnutls_transport_set_int (session, g_socket_get_fd (peer->socket));
  gnutls_handshake_set_timeout (session, GNUTLS_DEFAULT_HANDSHAKE_TIMEOUT);
  /* Whether the client refuses now or later: not a byte of the request may come. */
  if (gnutls_handshake (session) == GNUTLS_E_SUCCESS && gnutls_record_recv (session, &byte, 1) > 0)
    test_server_set_step (server, 99);
  else
    test_server_set_step (server, 1);
  gnutls_deinit (session);
  gnutls_certificate_free_credentials (credentials);
}

static void
test_old_tls (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, old_tls_script, NULL);
  g_autofree char *endpoint = g_strdup_printf ("localhost:%u", test_server_get_port (server));
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 1, "endpoint", endpoint, "verify-certificate",
                                             FALSE, NULL);

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TLS);
  test_wait (test_server_get_step (server) != 0);
  g_assert_cmpuint (test_server_get_step (server), ==, 1);
}

static void
test_not_tls (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, flood_script, NULL);
  g_autofree char *endpoint = g_strdup_printf ("localhost:%u", test_server_get_port (server));
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 1, "endpoint", endpoint, "connect-timeout", 2,
                                             NULL);

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_cmpuint (test_end_count (end, "success"), ==, 0);
}

static void
test_unreachable (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, ignore_script, NULL);
  g_autofree char *endpoint = g_strdup_printf ("127.0.0.1:%u", test_server_get_port (server));
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 2, "endpoint", endpoint, NULL);
  g_autoptr (TestEnd) nowhere = test_client_new (server, "max-attempts", 1, "endpoint", "does-not-exist.invalid", NULL);

  g_clear_pointer (&server, test_server_free);
  test_end_start (end);
  test_end_start (nowhere);
  test_wait (test_end_count (end, "stopped") == 1 && test_end_count (nowhere, "stopped") == 1);
  g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_UNREACHABLE);
  g_assert_nonnull (strstr (get_message (end), endpoint));
  g_assert_cmpuint (test_end_count (end, "failure"), ==, 2);
  g_assert_error (nowhere->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_UNREACHABLE);
  g_assert_nonnull (strstr (get_message (nowhere), "does-not-exist.invalid"));
}

/* Names: a resolver that says what the test wants, or nothing at all. */
#define TEST_TYPE_NAMES (test_names_get_type ())
G_DECLARE_FINAL_TYPE (TestNames, test_names, TEST, NAMES, GResolver)

struct _TestNames
{
  GResolver parent_instance;
  const char *const *addresses; /* NULL: it never answers */
  guint n_asked;
};

G_DEFINE_FINAL_TYPE (TestNames, test_names, G_TYPE_RESOLVER)

static void
on_lookup_cancelled (GCancellable *cancellable,
                     gpointer task)
{
  g_task_return_error_if_cancelled (task);
}

static void
test_names_lookup_async (GResolver *resolver,
                         const char *name,
                         GResolverNameLookupFlags flags,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  TestNames *self = TEST_NAMES (resolver);
  GTask *task = g_task_new (resolver, cancellable, callback, user_data);
  GList *list = NULL;
  guint i;

  self->n_asked++;
  if (self->addresses == NULL)
    {
      g_assert_nonnull (cancellable);
      g_cancellable_connect (cancellable, G_CALLBACK (on_lookup_cancelled), task, g_object_unref);
      return;
    }
  for (i = 0; !(flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY) && self->addresses[i] != NULL; i++)
    list = g_list_append (list, g_inet_address_new_from_string (self->addresses[i]));
  if (list != NULL)
    g_task_return_pointer (task, list, (GDestroyNotify) g_resolver_free_addresses);
  else
    g_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "nothing");
  g_object_unref (task);
}

static GList *
test_names_lookup_finish (GResolver *resolver,
                          GAsyncResult *result,
                          GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
test_names_class_init (TestNamesClass *klass)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (klass);

  resolver_class->lookup_by_name_with_flags_async = test_names_lookup_async;
  resolver_class->lookup_by_name_with_flags_finish = test_names_lookup_finish;
}

static void
test_names_init (TestNames *self)
{
}

static void
test_silent_dns (gconstpointer stops)
{
  g_autoptr (GResolver) before = g_resolver_get_default ();
  g_autoptr (TestNames) names = g_object_new (TEST_TYPE_NAMES, NULL);
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, ignore_script, NULL);
  g_autoptr (TestEnd) end = test_client_new (server, "endpoint", "service.example", "max-attempts", 1,
                                             "connect-timeout", stops != NULL ? 0 : 1, NULL);

  g_resolver_set_default (G_RESOLVER (names));
  test_end_start (end);
  test_wait (names->n_asked > 0);
  if (stops != NULL)
    ist_secure_tunnel_stop (end->tunnel);
  test_wait (test_end_count (end, "stopped") == 1);
  if (stops != NULL)
    g_assert_no_error (end->error);
  else
    g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT);
  g_resolver_set_default (before);
}

/* An address whose packets vanish: a listener with a full backlog drops what comes. */
static GPtrArray *
make_black_hole (const char *host,
                 guint port)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (host, port);
  g_autoptr (GPtrArray) sockets = g_ptr_array_new_with_free_func (g_object_unref);
  GSocket *listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  guint i;

  g_ptr_array_add (sockets, listener);
  if (!g_socket_bind (listener, address, TRUE, NULL))
    return NULL;
  g_socket_set_listen_backlog (listener, 0);
  g_assert_true (g_socket_listen (listener, NULL));
  for (i = 0; i < 4; i++)
    {
      GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);

      g_socket_set_blocking (socket, FALSE);
      g_socket_connect (socket, address, NULL, NULL);
      g_ptr_array_add (sockets, socket);
    }
  return g_steal_pointer (&sockets);
}

/* It takes from the other addresses little of the time that there is, and has an
 * end where it is the only one. */
static void
test_black_hole (gconstpointer alone)
{
  static const char *const both[] = { "127.0.0.2", "127.0.0.1", NULL };
  static const char *const only[] = { "127.0.0.2", NULL };
  g_autoptr (GResolver) before = g_resolver_get_default ();
  g_autoptr (TestNames) names = g_object_new (TEST_TYPE_NAMES, NULL);
  g_autoptr (TestEmulator) emulator = test_emulator_new_plain (test_ssh);
  guint port = ist_emulator_service_get_port (emulator->service);
  g_autofree char *endpoint = g_strdup_printf ("ws://service.example:%u", port);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, "endpoint", endpoint, "allow-plain", TRUE,
                                               "max-attempts", 1, "connect-timeout", 0, NULL);
  g_autoptr (GPtrArray) hole = make_black_hole ("127.0.0.2", port);

  if (hole == NULL)
    {
      g_test_skip ("the port is taken");
      return;
    }
  names->addresses = alone != NULL ? only : both;
  g_resolver_set_default (G_RESOLVER (names));
  test_end_start (end);
  test_wait (test_end_count (end, "success") + test_end_count (end, "failure") == 1);
  g_resolver_set_default (before);
  if (alone != NULL)
    g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_UNREACHABLE);
  else
    g_assert_no_error (end->error);
  g_clear_pointer (&end, test_end_free);
}

/* After the handshake */

typedef enum
{
  AFTER_NOTHING, /* closes at once */
  AFTER_GARBAGE, /* bytes that are no message */
  AFTER_TEXT,
  AFTER_TOO_LARGE, /* a frame larger than any */
  AFTER_CLOSE_1001,
  AFTER_CLOSE_1008,
  AFTER_CLOSE_TOKEN,  /* quotes it */
  AFTER_HALF_AND_RST, /* half a frame, then a reset of TCP */
  AFTER_HALF_MESSAGE, /* half a message in a whole frame, then the end */
} After;

static void
after_script (TestServer *server,
              TestPeer *peer,
              gpointer user_data)
{
  static const guint8 half[] = { TEST_FIN | TEST_BINARY, 126, 1, 0, 'h', 'a', 'l', 'f' };
  g_autofree guint8 *large = g_malloc0 (TEST_MAX_FRAME + 1);
  g_autoptr (GBytes) services = test_services_encode (test_ssh);
  guint what = GPOINTER_TO_UINT (user_data);

  if (!test_peer_upgrade (peer, what & 1 ? "Sec-WebSocket-Protocol: aws.iot.securetunneling-2.0\r\n" : NULL))
    return;
  if (what >= 100)
    {
      test_peer_send_services (peer, test_ssh);
      /* A reset of TCP takes away what was not read yet. */
      test_server_await_step (server, peer->number + 1);
    }
  switch (what % 100)
    {
    case AFTER_NOTHING:
      break;
    case AFTER_GARBAGE:
      test_peer_send_frame (peer, TEST_FIN | TEST_BINARY, "\0\4\377\377\377\377", 6);
      test_peer_linger (peer);
      break;
    case AFTER_TEXT:
      test_peer_send_frame (peer, TEST_FIN | TEST_TEXT, "hello", 5);
      test_peer_linger (peer);
      break;
    case AFTER_TOO_LARGE:
      test_peer_send_frame (peer, TEST_FIN | TEST_BINARY, large, TEST_MAX_FRAME + 1);
      test_peer_linger (peer);
      break;
    case AFTER_CLOSE_1001:
      test_peer_send_close (peer, 1001, "going away");
      test_peer_linger (peer);
      break;
    case AFTER_CLOSE_1008:
      test_peer_send_close (peer, 1008, "replaced");
      test_peer_linger (peer);
      break;
    case AFTER_CLOSE_TOKEN:
      test_peer_send_close (peer, 1011, "Not you: " TEST_TOKEN);
      test_peer_linger (peer);
      break;
    case AFTER_HALF_AND_RST:
      test_peer_write (peer, half, sizeof half);
      test_peer_abort (peer);
      break;
    case AFTER_HALF_MESSAGE:
      test_peer_send_frame (peer, TEST_FIN | TEST_BINARY, g_bytes_get_data (services, NULL), 3);
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
report_success (TestEnd *end,
                const char *signal)
{
  if (g_str_equal (signal, "connection-success"))
    test_server_set_step (end->hook_data, test_end_count (end, "success"));
}

static void
test_after (gconstpointer data)
{
  static const int errors[] = {
    [AFTER_NOTHING] = IST_TUNNEL_ERROR_DISCONNECTED,
    [AFTER_GARBAGE] = IST_TUNNEL_ERROR_PROTOCOL,
    [AFTER_TEXT] = IST_TUNNEL_ERROR_PROTOCOL,
    [AFTER_TOO_LARGE] = IST_TUNNEL_ERROR_PROTOCOL,
    [AFTER_CLOSE_1001] = IST_TUNNEL_ERROR_DISCONNECTED,
    [AFTER_CLOSE_1008] = IST_TUNNEL_ERROR_CLIENT_REPLACED,
    [AFTER_CLOSE_TOKEN] = IST_TUNNEL_ERROR_DISCONNECTED,
    [AFTER_HALF_AND_RST] = IST_TUNNEL_ERROR_DISCONNECTED,
    [AFTER_HALF_MESSAGE] = IST_TUNNEL_ERROR_DISCONNECTED,
  };
  guint what = GPOINTER_TO_UINT (data);
  gboolean connects = what >= 100;
  gboolean final = what % 100 == AFTER_CLOSE_1008;
  guint attempts = final ? 1 : 3;
  /* GIO's TLS leaks an error when a blocking write fails, as one to a client that leaves does. */
  gboolean writes_late = what % 100 >= AFTER_GARBAGE && what % 100 <= AFTER_TOO_LARGE;
  g_autoptr (TestServer) server = test_server_new (writes_late ? TEST_SERVER_PLAIN : TEST_SERVER_TLS, after_script,
                                                   (gpointer) data);
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 3, NULL);

  end->hook = report_success;
  end->hook_data = server;
  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_error (end->error, IST_TUNNEL_ERROR, errors[what % 100]);
  get_message (end);
  assert_no_token (all_logs->str);
  /* A success that breaks at once counts as a failure for max-attempts. */
  g_assert_cmpuint (test_server_get_connections (server), ==, attempts);
  g_assert_cmpuint (test_end_count (end, "success SSH"), ==, connects ? attempts : 0);
  g_assert_cmpuint (test_end_count (end, "shutdown"), ==, connects ? attempts : 0);
  g_assert_cmpuint (test_end_count (end, "failure"), ==, connects ? 0 : attempts);
  g_assert_cmpuint (ist_secure_tunnel_get_n_reconnects (end->tunnel), ==, connects ? attempts - 1 : 0);
  g_assert_cmpuint (end->n_messages, ==, 0);
}

/* Any other first message stands for an empty list of services, and counts itself. */
static void
no_services_script (TestServer *server,
                    TestPeer *peer,
                    gpointer user_data)
{
  if (test_peer_upgrade (peer, NULL) && test_peer_send_message (peer, 2, 1, NULL, 0, NULL) &&
      test_peer_send_message (peer, 1, 1, NULL, 0, "hello"))
    test_peer_linger (peer);
}

static void
test_no_services (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, no_services_script, NULL);
  g_autoptr (TestEnd) end = test_client_new (server, NULL);
  const char *const *services;

  test_end_start (end);
  test_wait (end->n_messages == 1);
  g_assert_cmpuint (test_end_count (end, "success"), ==, 1);
  g_assert_cmpstr (test_end_last (end, "success"), ==, "success");
  g_assert_cmpstr (test_end_last (end, "stream-started"), ==, "stream-started - 0 V1");
  services = ist_secure_tunnel_get_service_ids (end->tunnel);
  g_assert_nonnull (services);
  g_assert_null (services[0]);
}

/* The request, to the letter. */
static void
request_script (TestServer *server,
                TestPeer *peer,
                gpointer user_data)
{
  if (!test_peer_upgrade (peer, NULL))
    return;
  test_server_push (server, g_strdup (peer->request));
  test_server_push (server, test_peer_dup_header (peer, "client-token"));
  test_peer_send_services (peer, test_ssh);
  test_peer_send_close (peer, 1001, NULL);
  test_peer_linger (peer);
}

static guint
count_lines (const char *request,
             const char *prefix)
{
  g_auto (GStrv) lines = g_strsplit (request, "\r\n", -1);
  guint n = 0;
  guint i;

  for (i = 0; lines[i] != NULL; i++)
    n += g_ascii_strncasecmp (lines[i], prefix, strlen (prefix)) == 0;
  return n;
}

static void
test_request (gconstpointer data)
{
  IstMode mode = GPOINTER_TO_INT (data);
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, request_script, NULL);
  g_autofree char *endpoint = g_strconcat (test_server_get_endpoint (server), "/a%20b/%C3%A4", NULL);
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 3, "mode", mode, "endpoint",
                                             mode == IST_MODE_SOURCE ? test_server_get_endpoint (server) : endpoint,
                                             NULL);
  g_autoptr (TestEnd) other = test_client_new (server, "max-attempts", 1, NULL);
  g_autofree char *host = g_strdup_printf ("Host: 127.0.0.1:%u", test_server_get_port (server));
  g_autofree char *first_token = NULL;
  guint i;

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  for (i = 0; i < 3; i++)
    {
      g_autofree char *request = test_server_pop (server);
      g_autofree char *token = test_server_pop (server);
      const char *line = mode == IST_MODE_SOURCE
                           ? "GET /tunnel?local-proxy-mode=source HTTP/1.1\r\n"
                           : "GET /a%20b/%C3%A4?local-proxy-mode=destination HTTP/1.1\r\n";

      g_assert_nonnull (request);
      g_assert_cmpuint (g_ascii_strncasecmp (request, line, strlen (line)), ==, 0);
      g_assert_cmpuint (strlen (request), <=, 4096);
      g_assert_cmpuint (count_lines (request, "access-token:"), ==, 1);
      g_assert_cmpuint (count_lines (request, "access-token: " TEST_TOKEN), ==, 1);
      g_assert_cmpuint (count_lines (request, "client-token:"), ==, 1);
      g_assert_cmpuint (count_lines (request, "Sec-WebSocket-Version: 13"), ==, 1);
      g_assert_cmpuint (count_lines (request, "Sec-WebSocket-Extensions"), ==, 0);
      g_assert_cmpuint (count_lines (request, "Upgrade: websocket"), ==, 1);
      g_assert_cmpuint (count_lines (request, host), ==, 1);
      g_assert_nonnull (strstr (request, "aws.iot.securetunneling-3.0"));
      /* A UUID, the same at each attempt. */
      g_assert_true (g_uuid_string_is_valid (token));
      if (first_token == NULL)
        first_token = g_steal_pointer (&token);
      else
        g_assert_cmpstr (token, ==, first_token);
    }
  /* Another object has another one, and the same after stop() and start(). */
  for (i = 0; i < 2; i++)
    {
      g_autofree char *request = NULL;
      g_autofree char *token = NULL;

      test_end_start (i == 0 ? other : end);
      test_wait (test_end_count (i == 0 ? other : end, "stopped") == i + 1);
      request = test_server_pop (server);
      token = test_server_pop (server);
      if (i == 0)
        g_assert_cmpstr (token, !=, first_token);
      else
        g_assert_cmpstr (token, ==, first_token);
      while (i == 1 && (request = (g_free (request), test_server_pop (server))) != NULL)
        continue;
    }
}

int
main (int argc,
      char **argv)
{
  guint i;

  g_setenv ("G_MESSAGES_DEBUG", "all", TRUE);
  g_test_init (&argc, &argv, NULL);
  all_logs = g_string_new (NULL);
  g_log_set_writer_func (collect_log, all_logs, NULL);
  g_log_set_default_handler (collect_old_log, all_logs);

  for (i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *path = g_strdup_printf ("/hostile/answer/%s", answers[i].name);

      g_test_add_data_func (path, &answers[i], test_answer);
    }
  g_test_add_func ("/hostile/interim", test_interim);
  g_test_add_data_func ("/hostile/endless-body/length",
                        "HTTP/1.1 403 Forbidden\r\nContent-Length: 500\r\n\r\nTunnel is closed", test_endless_body);
  g_test_add_data_func ("/hostile/endless-body/chunked",
                        "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nTunnel is closed\r\n",
                        test_endless_body);
  g_test_add_data_func ("/hostile/endless-body/until-close", "HTTP/1.1 403 Forbidden\r\n\r\nTunnel is closed",
                        test_endless_body);
  g_test_add_func ("/hostile/header-flood", test_header_flood);
  g_test_add_data_func ("/hostile/timeout/nothing", GUINT_TO_POINTER (DRIP_NOTHING), test_timeout);
  g_test_add_data_func ("/hostile/timeout/headers", GUINT_TO_POINTER (DRIP_HEADERS), test_timeout);
  g_test_add_data_func ("/hostile/timeout/body", GUINT_TO_POINTER (DRIP_BODY), test_timeout);
  g_test_add_func ("/hostile/timeout/tls", test_timeout_tls);
  for (i = 0; i < 4; i++)
    {
      g_autofree char *path = g_strdup_printf ("/hostile/cancel/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_cancel);
    }
  g_test_add_func ("/hostile/cancel/tls", test_cancel_tls);
  g_test_add_func ("/hostile/certificates", test_certificates);
  for (i = 0; i < G_N_ELEMENTS (qualities); i++)
    {
      g_autofree char *path = g_strdup_printf ("/hostile/quality/%s", qualities[i].name);

      g_test_add_data_func (path, &qualities[i], test_quality);
    }
  g_test_add_data_func ("/hostile/address/ipv4", "127.0.0.1", test_address);
  g_test_add_data_func ("/hostile/address/ipv6", "::1", test_address);
  g_test_add_func ("/hostile/no-verification", test_no_verification);
  g_test_add_func ("/hostile/old-tls", test_old_tls);
  g_test_add_func ("/hostile/not-tls", test_not_tls);
  g_test_add_func ("/hostile/unreachable", test_unreachable);
  g_test_add_data_func ("/hostile/silent-dns", NULL, test_silent_dns);
  g_test_add_data_func ("/hostile/silent-dns/stop", "stop", test_silent_dns);
  g_test_add_data_func ("/hostile/black-hole", NULL, test_black_hole);
  g_test_add_data_func ("/hostile/black-hole/alone", "alone", test_black_hole);
  for (i = 0; i < 2 * (AFTER_HALF_MESSAGE + 1); i++)
    {
      guint what = i / 2 + (i % 2) * 100;
      g_autofree char *path = g_strdup_printf ("/hostile/after/%u%s", i / 2, i % 2 ? "/connected" : "");

      g_test_add_data_func (path, GUINT_TO_POINTER (what), test_after);
    }
  g_test_add_func ("/hostile/no-services", test_no_services);
  g_test_add_data_func ("/hostile/request/source", GINT_TO_POINTER (IST_MODE_SOURCE), test_request);
  g_test_add_data_func ("/hostile/request/destination", GINT_TO_POINTER (IST_MODE_DESTINATION), test_request);

  return g_test_run ();
}
