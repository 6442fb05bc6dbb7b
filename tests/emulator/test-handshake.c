/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include <glib/gstdio.h>

#include "client.h"

#define TOKEN_1 "12345678-abcd-1234-abcd-123456789012"
#define TOKEN_2 "12345678-abcd-1234-abcd-123456789013"

#define UPGRADE                                     \
  "Host: localhost\r\n"                             \
  "Upgrade: websocket\r\n"                          \
  "Connection: upgrade\r\n"                         \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
  "Sec-WebSocket-Version: 13\r\n"
#define PROTOCOL "Sec-WebSocket-Protocol: aws.iot.securetunneling-3.0\r\n"
#define SOURCE "GET /tunnel?local-proxy-mode=source HTTP/1.1\r\n"
#define ACCESS "access-token: TOKEN\r\n"
#define CHARS_32 "0123456789abcdefghijABCDEFGHIJ-_"
#define CHARS_64 CHARS_32 CHARS_32
#define CHARS_1024                                                        \
  CHARS_64 CHARS_64 CHARS_64 CHARS_64 CHARS_64 CHARS_64 CHARS_64 CHARS_64 \
    CHARS_64 CHARS_64 CHARS_64 CHARS_64 CHARS_64 CHARS_64 CHARS_64 CHARS_64

/* TOKEN stands for the source's access token. */
typedef struct
{
  const char *name;
  const char *request; /* without the empty line at the end */
  int status;
  const char *expected; /* X-Status-Reason of a refusal; a header of an answer with 101 */
} RequestCase;

static const RequestCase request_cases[] = {
  { "version-3", SOURCE UPGRADE PROTOCOL ACCESS, 101,
    "Sec-WebSocket-Protocol: aws.iot.securetunneling-3.0" },
  { "version-2", SOURCE UPGRADE ACCESS "Sec-WebSocket-Protocol: aws.iot.securetunneling-2.0\r\n", 101,
    "Sec-WebSocket-Protocol: aws.iot.securetunneling-2.0" },
  { "version-1", SOURCE UPGRADE ACCESS "Sec-WebSocket-Protocol: aws.iot.securetunneling-1.0\r\n", 101,
    "Sec-WebSocket-Protocol: aws.iot.securetunneling-1.0" },
  { "highest-version",
    SOURCE UPGRADE ACCESS
    "Sec-WebSocket-Protocol: aws.iot.securetunneling-1.0, other, aws.iot.securetunneling-2.0\r\n",
    101, "Sec-WebSocket-Protocol: aws.iot.securetunneling-2.0" },
  { "channel-id", SOURCE UPGRADE PROTOCOL ACCESS, 101, "channel-id: " },
  { "accept-key", SOURCE UPGRADE PROTOCOL ACCESS, 101, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" },
  { "cookie", SOURCE UPGRADE PROTOCOL "Cookie: a=b; awsiot-tunnel-token=TOKEN; c=d\r\n", 101,
    "channel-id: " },
  { "client-token", SOURCE UPGRADE PROTOCOL ACCESS "client-token: " TOKEN_1 "\r\n", 101, "channel-id: " },
  { "large", SOURCE UPGRADE PROTOCOL ACCESS "x: " CHARS_1024 CHARS_1024 CHARS_1024 "\r\n", 101,
    "channel-id: " },

  { "path", "GET /other?local-proxy-mode=source HTTP/1.1\r\n" UPGRADE PROTOCOL ACCESS, 400, "Invalid path" },
  { "sub-path", "GET /tunnel/x?local-proxy-mode=source HTTP/1.1\r\n" UPGRADE PROTOCOL ACCESS, 400,
    "Invalid path" },
  { "no-query", "GET /tunnel HTTP/1.1\r\n" UPGRADE PROTOCOL ACCESS, 400,
    "Missing query parameter: local-proxy-mode" },
  { "mode", "GET /tunnel?local-proxy-mode=Source HTTP/1.1\r\n" UPGRADE PROTOCOL ACCESS, 400,
    "Invalid query parameter: local-proxy-mode must be source or destination" },
  { "method", "HEAD /tunnel?local-proxy-mode=source HTTP/1.1\r\n" UPGRADE PROTOCOL ACCESS, 400,
    "WebSocket handshake expected" },
  { "no-upgrade", SOURCE "Host: localhost\r\n" PROTOCOL ACCESS, 400, "WebSocket handshake expected" },
  { "websocket-version",
    SOURCE "Host: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 12\r\n" PROTOCOL ACCESS,
    400, "Unsupported WebSocket version" },
  { "websocket-key",
    SOURCE "Host: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
           "Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n" PROTOCOL ACCESS,
    400, "Invalid WebSocket key" },
  { "no-subprotocol", SOURCE UPGRADE ACCESS, 400, "Missing WebSocket subprotocol" },
  { "subprotocol", SOURCE UPGRADE ACCESS "Sec-WebSocket-Protocol: aws.iot.securetunneling-4.0\r\n", 400,
    "Unsupported WebSocket subprotocol" },
  { "no-access-token", SOURCE UPGRADE PROTOCOL, 400, "Missing access token" },
  { "two-access-tokens", SOURCE UPGRADE PROTOCOL ACCESS ACCESS, 400,
    "Invalid access token: The request must have exactly one" },
  { "header-and-cookie", SOURCE UPGRADE PROTOCOL ACCESS "Cookie: awsiot-tunnel-token=TOKEN\r\n", 400,
    "Invalid access token: The request must have exactly one" },
  { "two-cookies",
    SOURCE UPGRADE PROTOCOL "Cookie: awsiot-tunnel-token=TOKEN; awsiot-tunnel-token=TOKEN\r\n", 400,
    "Invalid access token: The request must have exactly one" },
  { "two-client-tokens",
    SOURCE UPGRADE PROTOCOL ACCESS "client-token: " TOKEN_1 "\r\nclient-token: " TOKEN_1 "\r\n", 400,
    "Invalid client token: The request must have at most one" },
  { "short-client-token",
    SOURCE UPGRADE PROTOCOL ACCESS "client-token: 0123456789012345678901234567890\r\n", 400,
    "Invalid client token: It must match ^[a-zA-Z0-9-]{32,128}$" },
  { "long-client-token",
    SOURCE UPGRADE PROTOCOL ACCESS "client-token: " TOKEN_1 TOKEN_1 TOKEN_1 TOKEN_1 "\r\n", 400,
    "Invalid client token: It must match ^[a-zA-Z0-9-]{32,128}$" },
  { "bad-client-token", SOURCE UPGRADE PROTOCOL ACCESS "client-token: " CHARS_32 "\r\n", 400,
    "Invalid client token: It must match ^[a-zA-Z0-9-]{32,128}$" },
  { "too-large", SOURCE UPGRADE PROTOCOL ACCESS "x: " CHARS_1024 CHARS_1024 CHARS_1024 CHARS_1024 "\r\n", 400,
    "Request too large" },
  { "unknown-token", SOURCE UPGRADE PROTOCOL "access-token: nobody\r\n", 403, "Invalid access token" },
  { "other-mode", "GET /tunnel?local-proxy-mode=destination HTTP/1.1\r\n" UPGRADE PROTOCOL ACCESS, 403,
    "Invalid access token: The access token is not for this local-proxy-mode." },
};

typedef struct
{
  IstEmulatorService *service;
  IstEmulatorTunnel *tunnel;
} Fixture;

static void
set_up (Fixture *fixture,
        gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  fixture->service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE, NULL);
  ist_emulator_service_start (fixture->service, &error);
  g_assert_no_error (error);
  fixture->tunnel = ist_emulator_service_open_tunnel (fixture->service, NULL, NULL, 0, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture,
           gconstpointer user_data)
{
  g_object_unref (fixture->tunnel);
  g_object_unref (fixture->service);
  test_run_for (SETTLE_TIME);
}

static void
expect_answer (IstEmulatorService *service,
               const char *request,
               int status,
               const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) stream = client_connect (service, NULL, "127.0.0.1", &error);
  g_autofree char *answer = NULL;
  g_autofree char *start = g_strdup_printf ("HTTP/1.1 %d ", status);
  g_autofree char *line = NULL;

  g_assert_no_error (error);
  answer = client_exchange (stream, request);
  if (!g_str_has_prefix (answer, start))
    g_error ("Expected status %d, not:\n%s", status, answer);
  if (status == 101)
    {
      line = g_strdup_printf ("\r\n%s", expected);
    }
  else
    {
      g_autofree char *body = g_strdup_printf ("\r\n\r\n%s", expected);

      line = g_strdup_printf ("\r\nX-Status-Reason: %s\r\n", expected);
      if (!g_str_has_prefix (request, "HEAD"))
        g_assert_true (g_str_has_suffix (answer, body));
      g_assert_nonnull (strstr (answer, "\r\nchannel-id: "));
    }
  g_assert_nonnull (strstr (answer, line));
}

static void
expect_tokens (IstEmulatorService *service,
               IstEmulatorTunnel *tunnel,
               const char *client_token,
               const char *refusal)
{
  g_autofree char *header = NULL;
  g_autofree char *request = NULL;

  if (client_token != NULL)
    header = g_strdup_printf ("client-token: %s\r\n", client_token);
  request = client_make_request (tunnel, IST_MODE_SOURCE, header);
  if (refusal == NULL)
    expect_answer (service, request, 101, "channel-id: ");
  else
    expect_answer (service, request, 403, refusal);
}

static void
test_request (Fixture *fixture,
              gconstpointer user_data)
{
  const RequestCase *test_case = user_data;
  g_autoptr (GString) request = g_string_new (test_case->request);

  g_string_append (request, "\r\n");
  g_string_replace (request, "TOKEN", ist_emulator_tunnel_get_source_access_token (fixture->tunnel), 0);
  expect_answer (fixture->service, request->str, test_case->status, test_case->expected);
  test_run_for (SETTLE_TIME);
  g_assert_cmpint (ist_emulator_tunnel_is_connected (fixture->tunnel, IST_MODE_SOURCE), ==, FALSE);
}

/* A request just as large as is allowed, and one byte larger. */
static void
test_size (Fixture *fixture,
           gconstpointer user_data)
{
  g_autofree char *request = client_make_request (fixture->tunnel, IST_MODE_SOURCE, NULL);
  gsize padding = 4096 - strlen (request) - strlen ("x: \r\n");
  g_autofree char *fill = g_strnfill (padding + 1, 'x');
  g_autofree char *too_large = g_strdup_printf ("x: %s\r\n", fill);
  g_autofree char *large = g_strdup_printf ("x: %s\r\n", fill + 1);
  g_autofree char *first = client_make_request (fixture->tunnel, IST_MODE_SOURCE, too_large);
  g_autofree char *second = client_make_request (fixture->tunnel, IST_MODE_SOURCE, large);

  expect_answer (fixture->service, first, 400, "Request too large");
  expect_answer (fixture->service, second, 101, "channel-id: ");
}

static void
test_single_use (Fixture *fixture,
                 gconstpointer user_data)
{
  const char *used = "Invalid access token: The access token was previously used and can not be used again.";

  expect_tokens (fixture->service, fixture->tunnel, NULL, NULL);
  expect_tokens (fixture->service, fixture->tunnel, NULL, used);
  expect_tokens (fixture->service, fixture->tunnel, TOKEN_1, used);
}

static void
test_client_token (Fixture *fixture,
                   gconstpointer user_data)
{
  g_autoptr (IstEmulatorTunnel) other = NULL;

  other = ist_emulator_service_open_tunnel (fixture->service, NULL, NULL, 0, NULL);
  expect_tokens (fixture->service, fixture->tunnel, TOKEN_1, NULL);
  expect_tokens (fixture->service, fixture->tunnel, TOKEN_1, NULL);
  expect_tokens (fixture->service, fixture->tunnel, NULL,
                 "Invalid client token: The access token is tied to a client token.");
  expect_tokens (fixture->service, fixture->tunnel, TOKEN_2,
                 "Invalid client token: The access token is tied to another client token.");
  expect_tokens (fixture->service, other, TOKEN_1,
                 "Invalid client token: The client token is tied to another access token.");
  expect_tokens (fixture->service, fixture->tunnel, TOKEN_1, NULL);

  /* A client token is taken as long as its tunnel is open. */
  ist_emulator_service_close_tunnel (fixture->service, ist_emulator_tunnel_get_id (fixture->tunnel), NULL);
  expect_tokens (fixture->service, other, TOKEN_1, NULL);
}

static void
test_rotated (Fixture *fixture,
              gconstpointer user_data)
{
  const char *id = ist_emulator_tunnel_get_id (fixture->tunnel);
  g_autofree char *old = client_make_request (fixture->tunnel, IST_MODE_SOURCE, NULL);
  g_autofree char *destination = NULL;

  destination = g_strdup (ist_emulator_tunnel_get_destination_access_token (fixture->tunnel));
  g_assert_true (ist_emulator_service_rotate_tokens (fixture->service, id, IST_EMULATOR_SIDES_SOURCE, NULL));
  g_assert_cmpstr (ist_emulator_tunnel_get_destination_access_token (fixture->tunnel), ==, destination);
  expect_answer (fixture->service, old, 403, "Invalid access token: The access token was rotated.");
  expect_tokens (fixture->service, fixture->tunnel, TOKEN_1, NULL);

  g_assert_true (ist_emulator_service_rotate_tokens (fixture->service, id, IST_EMULATOR_SIDES_ALL, NULL));
  g_assert_cmpstr (ist_emulator_tunnel_get_destination_access_token (fixture->tunnel), !=, destination);
  expect_tokens (fixture->service, fixture->tunnel, TOKEN_1,
                 "Invalid client token: The client token is tied to another access token.");
  expect_tokens (fixture->service, fixture->tunnel, TOKEN_2, NULL);
}

static void
test_closed (Fixture *fixture,
             gconstpointer user_data)
{
  const char *id = ist_emulator_tunnel_get_id (fixture->tunnel);
  g_autoptr (GError) error = NULL;

  g_assert_true (ist_emulator_service_close_tunnel (fixture->service, id, &error));
  g_assert_no_error (error);
  g_assert_false (ist_emulator_tunnel_is_open (fixture->tunnel));
  expect_tokens (fixture->service, fixture->tunnel, NULL, "Tunnel is closed");
  g_assert_true (ist_emulator_service_close_tunnel (fixture->service, id, &error));
  g_assert_no_error (error);

  g_assert_false (ist_emulator_service_rotate_tokens (fixture->service, id, IST_EMULATOR_SIDES_ALL, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED);
  g_clear_error (&error);
  g_assert_false (ist_emulator_service_close_tunnel (fixture->service, "nobody", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_expired (Fixture *fixture,
              gconstpointer user_data)
{
  ist_emulator_tunnel_set_lifetime_ms (fixture->tunnel, 1);
  test_wait (!ist_emulator_tunnel_is_open (fixture->tunnel));
  expect_tokens (fixture->service, fixture->tunnel, NULL, "Tunnel is closed");
}

static void
test_refusals (Fixture *fixture,
               gconstpointer user_data)
{
  g_autofree char *request = client_make_request (fixture->tunnel, IST_MODE_SOURCE, NULL);
  g_autofree char *other = client_make_request (fixture->tunnel, IST_MODE_DESTINATION, NULL);

  ist_emulator_tunnel_refuse_handshakes (fixture->tunnel, IST_MODE_SOURCE, 2, 503, "Out for lunch");
  expect_answer (fixture->service, other, 101, "channel-id: ");
  expect_answer (fixture->service, request, 503, "Out for lunch");
  expect_answer (fixture->service, request, 503, "Out for lunch");
  expect_answer (fixture->service, request, 101, "channel-id: ");
}

static void
test_omit_subprotocol (Fixture *fixture,
                       gconstpointer user_data)
{
  g_autoptr (GIOStream) stream = client_connect (fixture->service, NULL, "127.0.0.1", NULL);
  g_autofree char *request = client_make_request (fixture->tunnel, IST_MODE_SOURCE, NULL);
  g_autofree char *answer = NULL;

  ist_emulator_tunnel_set_omit_subprotocol (fixture->tunnel, IST_MODE_SOURCE, TRUE);
  answer = client_exchange (stream, request);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 101 "));
  g_assert_null (strstr (answer, "Sec-WebSocket-Protocol"));
}

/* As AWS's sample for browsers spells it. */
static void
test_misspelt_subprotocol (Fixture *fixture,
                           gconstpointer user_data)
{
  g_autoptr (GIOStream) stream = client_connect (fixture->service, NULL, "127.0.0.1", NULL);
  g_autofree char *request = client_make_request (fixture->tunnel, IST_MODE_SOURCE, NULL);
  g_autoptr (GString) misspelt = g_string_new (request);
  g_autofree char *answer = NULL;

  g_assert_cmpuint (g_string_replace (misspelt, "aws.iot.securetunneling-3.0", "aws.iot.securedtunneling-1.0", 0), ==,
                    1);
  answer = client_exchange (stream, misspelt->str);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 101 "));
  g_assert_nonnull (strstr (answer, "aws.iot.securedtunneling-1.0"));
}

static void
test_refused_signal (Fixture *fixture,
                     gconstpointer user_data)
{
  guint count = 0;

  g_signal_connect_swapped (fixture->service, "handshake-refused", G_CALLBACK (g_atomic_int_inc), &count);
  expect_answer (fixture->service, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "Invalid path");
  g_assert_cmpuint (count, ==, 1);
}

/* Neither the state of a tunnel nor its tokens may be guessed or confused. */
static void
test_tunnels (Fixture *fixture,
              gconstpointer user_data)
{
  const char *bad[][3] = { { "a b" }, { "" }, { "A", "A" } };
  const char *good[] = { "A:b_c-9", "x", NULL };
  g_autoptr (IstEmulatorTunnel) tunnel = NULL;
  g_autoptr (GHashTable) tokens = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *long_name = g_strnfill (129, 'a');
  const char *id;

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_null (ist_emulator_service_open_tunnel (fixture->service, bad[i], NULL, 0, &error));
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
      g_clear_error (&error);
    }
  g_assert_null (ist_emulator_service_open_tunnel (fixture->service, NULL, long_name, 0, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_clear_error (&error);
  g_assert_null (ist_emulator_service_open_tunnel (fixture->service, NULL, NULL, 721, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_clear_error (&error);

  tunnel = ist_emulator_service_open_tunnel (fixture->service, good, long_name + 1, 720, &error);
  g_assert_no_error (error);
  g_assert_cmpstrv ((gpointer) ist_emulator_tunnel_get_service_ids (tunnel), (gpointer) good);
  g_assert_cmpstr (ist_emulator_tunnel_get_thing_name (tunnel), ==, long_name + 1);
  id = ist_emulator_tunnel_get_id (tunnel);
  g_assert_true (ist_emulator_service_lookup_tunnel (fixture->service, id) == tunnel);
  g_assert_true (g_str_has_suffix (ist_emulator_tunnel_get_arn (tunnel), id));

  for (int i = 0; i < 100; i++)
    {
      const char *token = ist_emulator_tunnel_get_source_access_token (tunnel);

      g_assert_cmpuint (strlen (token), ==, 64);
      g_assert_true (g_hash_table_add (tokens, g_strdup (token)));
      ist_emulator_service_rotate_tokens (fixture->service, id, IST_EMULATOR_SIDES_SOURCE, NULL);
    }
}

static void
check_tls (IstEmulatorService *service,
           const char *ca_file,
           const char *host)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsDatabase) database = g_tls_file_database_new (ca_file, &error);
  g_autoptr (GIOStream) stream = NULL;
  g_autofree char *answer = NULL;

  g_assert_no_error (error);
  stream = client_connect (service, database, host, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_tls_connection_get_protocol_version (G_TLS_CONNECTION (stream)), >=,
                   G_TLS_PROTOCOL_VERSION_TLS_1_2);
  answer = client_exchange (stream, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 400 "));
}

static void
test_tls (void)
{
  g_autoptr (IstEmulatorService) service = ist_emulator_service_new ();
  g_autoptr (IstEmulatorService) other = ist_emulator_service_new ();
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GIOStream) stream = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *endpoint = NULL;
  const char *ca_pem;
  char *ca_file;

  g_assert_null (ist_emulator_service_get_endpoint (service));

  ist_emulator_service_start (service, &error);
  g_assert_no_error (error);
  ist_emulator_service_start (other, &error);
  g_assert_no_error (error);
  endpoint = g_strdup_printf ("wss://localhost:%u", ist_emulator_service_get_port (service));
  g_assert_cmpstr (ist_emulator_service_get_endpoint (service), ==, endpoint);

  ca_pem = ist_emulator_service_get_ca_pem (service);
  g_assert_true (g_str_has_prefix (ca_pem, "-----BEGIN CERTIFICATE-----\n"));
  g_assert_null (strstr (ca_pem, "PRIVATE"));
  ca_file = test_file_new (ca_pem);
  check_tls (service, ca_file, "127.0.0.1");
  check_tls (service, ca_file, "localhost");

  /* Each service has an authority of its own. */
  database = g_tls_file_database_new (ca_file, NULL);
  stream = client_connect (other, database, "localhost", &error);
  g_assert_null (stream);
  g_assert_error (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE);
  test_file_free (ca_file);
}

/* For others to read, who have to trust it. */
static void
test_ca_file (void)
{
  g_autoptr (IstEmulatorService) service = ist_emulator_service_new ();
  g_autofree char *folder = test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "ca.pem", NULL);
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf info;

  g_assert_false (ist_emulator_service_write_ca_file (service, path, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  g_clear_error (&error);

  ist_emulator_service_start (service, &error);
  g_assert_no_error (error);
  ist_emulator_service_write_ca_file (service, path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0444, ==, 0444);
  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_unlink (path);
  g_rmdir (folder);
  g_assert_cmpstr (contents, ==, ist_emulator_service_get_ca_pem (service));
}

static void
test_start (void)
{
  g_autoptr (IstEmulatorService) service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE, NULL);
  g_autoptr (IstEmulatorService) same = NULL;
  g_autoptr (IstEmulatorService) bad = g_object_new (IST_EMULATOR_TYPE_SERVICE, "address", "nowhere", NULL);
  g_autoptr (GError) error = NULL;
  guint port;

  g_assert_false (ist_emulator_service_start (bad, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_clear_error (&error);

  ist_emulator_service_start (service, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (ist_emulator_service_get_endpoint (service), "ws://localhost:"));
  g_assert_null (ist_emulator_service_get_ca_pem (service));
  port = ist_emulator_service_get_port (service);

  same = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE, "port", port, NULL);
  g_assert_false (ist_emulator_service_start (same, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_clear_error (&error);

  ist_emulator_service_stop (service);
  ist_emulator_service_stop (service);
  ist_emulator_service_start (service, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ist_emulator_service_get_port (service), ==, port);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (request_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/emulator/request/%s", request_cases[i].name);

      g_test_add (path, Fixture, &request_cases[i], set_up, test_request, tear_down);
    }
  g_test_add ("/emulator/request/size", Fixture, NULL, set_up, test_size, tear_down);
  g_test_add ("/emulator/tokens/single-use", Fixture, NULL, set_up, test_single_use, tear_down);
  g_test_add ("/emulator/tokens/client-token", Fixture, NULL, set_up, test_client_token, tear_down);
  g_test_add ("/emulator/tokens/rotated", Fixture, NULL, set_up, test_rotated, tear_down);
  g_test_add ("/emulator/tokens/closed", Fixture, NULL, set_up, test_closed, tear_down);
  g_test_add ("/emulator/tokens/expired", Fixture, NULL, set_up, test_expired, tear_down);
  g_test_add ("/emulator/refusals", Fixture, NULL, set_up, test_refusals, tear_down);
  g_test_add ("/emulator/refused-signal", Fixture, NULL, set_up, test_refused_signal, tear_down);
  g_test_add ("/emulator/misspelt-subprotocol", Fixture, NULL, set_up, test_misspelt_subprotocol, tear_down);
  g_test_add ("/emulator/omit-subprotocol", Fixture, NULL, set_up, test_omit_subprotocol, tear_down);
  g_test_add ("/emulator/tunnels", Fixture, NULL, set_up, test_tunnels, tear_down);
  g_test_add_func ("/emulator/tls", test_tls);
  g_test_add_func ("/emulator/ca-file", test_ca_file);
  g_test_add_func ("/emulator/start", test_start);

  return g_test_run ();
}
