/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "test-tunnel.h"

#define SECRET "SecretSecretSecretSecretSecretSecret"

/* What is wrong, which property the error names, and the rest of the settings. */
typedef struct
{
  const char *names;         /* in the error: "name: ..." */
  const char *properties[8]; /* pairs of name and value */
} Wrong;

static const Wrong wrong[] = {
  { "access-token", { "region", "us-east-1" } },
  { "access-token", { "region", "us-east-1", "access-token", "" } },
  { "access-token", { "region", "us-east-1", "access-token", SECRET " x" } },
  { "access-token", { "region", "us-east-1", "access-token", SECRET "\r\nX-Evil: 1" } },
  { "access-token", { "region", "us-east-1", "access-token", SECRET "\xc3\xa4" } },
  { "client-token", { "region", "us-east-1", "access-token", SECRET, "client-token", "tooshort-" } },
  { "client-token",
    { "region", "us-east-1", "access-token", SECRET, "client-token", "1234567890123456789012345678901" } },
  { "client-token", { "region", "us-east-1", "access-token", SECRET, "client-token", SECRET "_" } },
  { "client-token", { "region", "us-east-1", "access-token", SECRET, "client-token", SECRET SECRET SECRET SECRET } },
  { "region", { "access-token", SECRET } },
  { "region", { "access-token", SECRET, "region", "" } },
  { "region", { "access-token", SECRET, "region", "us-east-1.evil.example" } },
  { "region", { "access-token", SECRET, "region", "us east" } },
  { "endpoint", { "access-token", SECRET, "region", "us-east-1", "endpoint", "localhost:1" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "http://localhost/" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "localhost:0" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "localhost:65536" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "localhost:x" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://user:" SECRET "@localhost/" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://localhost/?local-proxy-mode=source" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://localhost/#x" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "ws://example.com/" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "ws://192.0.2.1/" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "ws://127.0.0.1.example.com/" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "ws://localhost.example.com/" } },
  { "endpoint", { "access-token", SECRET, "endpoint", " localhost" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "localhost " } },
  { "endpoint", { "access-token", SECRET, "endpoint", "local host" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "localhost\n" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "localhost\r\nX-Evil: 1" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "\tlocalhost" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "local\x01host" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "localhost\xc2\xa0" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "localhost\xe2\x80\xa8" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "localhost\xff" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "localhost%0a" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://localhost%0A:1/" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://local%20host/" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://localh%6fst/" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://localhost/a b" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://localhost/a%0d%0aX-Evil:%201" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://localhost/a%00" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://localhost/a%7f" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://localhost/a%zz" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://localhost/a%" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss:// localhost" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://user:" SECRET "@local host" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "wss://user:" SECRET "@localhost:x" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "local<host>" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "local..host" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "." } },
  { "endpoint", { "access-token", SECRET, "endpoint", "[::1" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "[localhost]" } },
  { "endpoint", { "access-token", SECRET, "endpoint", "[::g]:1" } },
  { "region", { "access-token", SECRET, "region", "-" } },
  { "region", { "access-token", SECRET, "region", "us-east-1\n" } },
  { "region", { "access-token", SECRET, "region", " us-east-1" } },
  { "region", { "access-token", SECRET, "region", "us-east-1%0a" } },
  { "client-token", { "region", "us-east-1", "access-token", SECRET, "client-token", SECRET "\n" } },
  { "client-token", { "region", "us-east-1", "access-token", SECRET, "client-token", " " SECRET } },
  { "ca-file", { "access-token", SECRET, "region", "us-east-1", "ca-file", "" } },
  { "ca-file", { "access-token", SECRET, "region", "us-east-1", "ca-file", "/" } },
  { "ca-file", { "access-token", SECRET, "region", "us-east-1", "ca-file", "/dev/zero" } },
  { "ca-file", { "access-token", SECRET, "region", "us-east-1", "ca-file", "/does/not/exist.pem" } },
  { "ca-file", { "access-token", SECRET, "region", "us-east-1", "ca-file", "/dev/null" } },
};

static const char *const right[][2] = {
  { "region", "us-east-1" },
  { "region", "cn-north-1" },
  { "endpoint", "localhost" },
  { "endpoint", "data.tunneling.iot.eu-central-1.amazonaws.com:443" },
  { "endpoint", "[::1]:8443" },
  { "endpoint", "wss://localhost:1/path/of/it" },
  { "endpoint", "WSS://localhost" },
  { "endpoint", "wss://localhost/a%20b/%C3%A4" },
  { "endpoint", "my_host.example." },
  { "endpoint", "b\xc3\xbc"
                "cher.example:1" },
  { "endpoint", "192.0.2.1:1" },
  { "endpoint", "[fe80::1%25eth0]:1" },
  { "endpoint", "ws://localhost:80" },
  { "endpoint", "ws://127.3.4.5" },
  { "endpoint", "ws://[::1]:9" },
  { "access-token", "!~+/=_-." },
  { "client-token", "12345678901234567890123456789012" },
  { "client-token", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789-"
                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-012345678" },
};

static void
assert_names (const GError *error,
              const char *property)
{
  g_autofree char *prefix = g_strdup_printf ("%s: ", property);

  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_assert_true (g_str_has_prefix (error->message, prefix));
  /* With enough after it to act on, but no secret. */
  g_assert_cmpuint (strlen (error->message), >, strlen (prefix) + 10);
  g_assert_null (strstr (error->message, "SecretSecret"));
}

/* In all three ways to make a tunnel. */
static void
test_wrong (void)
{
  guint i;
  guint j;

  for (i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
      g_autoptr (IstSecureTunnel) tunnel = NULL;
      g_autoptr (GError) error = NULL;
      const char *names[8];
      GValue values[8] = { G_VALUE_INIT };

      for (j = 0; j < G_N_ELEMENTS (wrong[i].properties) / 2 && wrong[i].properties[2 * j] != NULL; j++)
        {
          g_object_set (builder, wrong[i].properties[2 * j], wrong[i].properties[2 * j + 1], NULL);
          names[j] = wrong[i].properties[2 * j];
          g_value_init (&values[j], G_TYPE_STRING);
          g_value_set_static_string (&values[j], wrong[i].properties[2 * j + 1]);
        }
      g_assert_null (ist_secure_tunnel_builder_build (builder, &error));
      assert_names (error, wrong[i].names);
      g_clear_error (&error);

      tunnel = IST_SECURE_TUNNEL (g_object_new_with_properties (IST_TYPE_SECURE_TUNNEL, j, names, values));
      g_assert_false (ist_secure_tunnel_start (tunnel, &error));
      assert_names (error, wrong[i].names);
      g_assert_cmpint (ist_secure_tunnel_get_state (tunnel), ==, IST_TUNNEL_STATE_STOPPED);
    }
}

static void
test_right (void)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (right); i++)
    {
      g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
      g_autoptr (IstSecureTunnel) tunnel = NULL;
      g_autoptr (GError) error = NULL;

      g_object_set (builder, "access-token", SECRET, NULL);
      if (!g_str_equal (right[i][0], "region") && !g_str_equal (right[i][0], "endpoint"))
        g_object_set (builder, "region", "us-east-1", NULL);
      g_object_set (builder, right[i][0], right[i][1], NULL);
      tunnel = ist_secure_tunnel_builder_build (builder, &error);
      g_assert_no_error (error);
      g_assert_nonnull (tunnel);
    }
}

/* Kept as they are, without a warning, and told by all three ways. */
static void
test_ranges (void)
{
  static const struct
  {
    const char *name;
    guint minimum;
    guint maximum;
  } ranges[] = {
    { "ping-interval", 0, 86400 },
    { "pong-timeout", 0, 86400 },
    { "connect-timeout", 0, 86400 },
    { "reconnect-delay-floor-ms", 0, 86400000 },
    { "reconnect-delay-base-ms", 1, 86400000 },
    { "reconnect-delay-cap-ms", 1, 86400000 },
    { "connection-wait-timeout-ms", 0, 86400000 },
    { "connection-buffer-size", 65536, G_MAXINT },
    { "total-buffer-size", 65536, G_MAXINT },
    { "stall-timeout", 0, 86400 },
    { "send-buffer-size", 65600, G_MAXINT },
  };
  guint i;
  guint j;

  for (i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      const guint values[] = { ranges[i].minimum - 1, ranges[i].maximum + 1, G_MAXUINT, ranges[i].minimum,
                               ranges[i].maximum };

      for (j = 0; j < G_N_ELEMENTS (values); j++)
        {
          gboolean fits = values[j] >= ranges[i].minimum && values[j] <= ranges[i].maximum;
          g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
          g_autoptr (IstSecureTunnel) built = NULL;
          g_autoptr (IstSecureTunnel) tunnel = NULL;
          g_autoptr (GError) error = NULL;
          guint value;

          g_object_set (builder, "access-token", SECRET, "region", "us-east-1", "reconnect-delay-floor-ms", 0,
                        "reconnect-delay-base-ms", 1, "reconnect-delay-cap-ms", 86400000, NULL);
          g_object_set (builder, ranges[i].name, values[j], NULL);
          g_object_get (builder, ranges[i].name, &value, NULL);
          g_assert_cmpuint (value, ==, values[j]);
          built = ist_secure_tunnel_builder_build (builder, &error);
          if (fits)
            {
              g_assert_no_error (error);
              continue;
            }
          g_assert_null (built);
          assert_names (error, ranges[i].name);
          g_clear_error (&error);
          tunnel = g_object_new (IST_TYPE_SECURE_TUNNEL, "access-token", SECRET, "region", "us-east-1",
                                 ranges[i].name, values[j], NULL);
          g_assert_false (ist_secure_tunnel_start (tunnel, &error));
          assert_names (error, ranges[i].name);
        }
    }
}

static void
test_enumerations (void)
{
  g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
  g_autoptr (GError) error = NULL;

  g_object_set (builder, "access-token", SECRET, "region", "us-east-1", NULL);
  ist_secure_tunnel_builder_set_mode (builder, (IstMode) 77);
  g_assert_null (ist_secure_tunnel_builder_build (builder, &error));
  assert_names (error, "mode");
  g_clear_error (&error);
  ist_secure_tunnel_builder_set_mode (builder, IST_MODE_SOURCE);
  ist_secure_tunnel_builder_set_protocol_version (builder, (IstProtocolVersion) -1);
  g_assert_null (ist_secure_tunnel_builder_build (builder, &error));
  assert_names (error, "protocol-version");
  g_clear_error (&error);
  ist_secure_tunnel_builder_set_protocol_version (builder, IST_PROTOCOL_VERSION_V1);
  ist_secure_tunnel_builder_set_reconnect_policy (builder, (IstReconnectPolicy) 77);
  g_assert_null (ist_secure_tunnel_builder_build (builder, &error));
  assert_names (error, "reconnect-policy");
}

static void
test_combinations (void)
{
  g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
  g_autoptr (GTlsDatabase) database = g_tls_backend_get_default_database (g_tls_backend_get_default ());
  g_autoptr (IstSecureTunnel) tunnel = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (builder, "access-token", SECRET, "endpoint", "ws://example.com", "allow-plain", TRUE, NULL);
  tunnel = ist_secure_tunnel_builder_build (builder, &error);
  g_assert_no_error (error);

  g_object_set (builder, "tls-database", database, "ca-file", "/etc/ssl/certs/ca-certificates.crt", NULL);
  g_assert_null (ist_secure_tunnel_builder_build (builder, &error));
  assert_names (error, "ca-file");
  g_clear_error (&error);
  g_object_set (builder, "ca-file", NULL, NULL);

  g_object_set (builder, "reconnect-delay-floor-ms", 200, "reconnect-delay-base-ms", 50,
                "reconnect-delay-cap-ms", 100, NULL);
  g_assert_null (ist_secure_tunnel_builder_build (builder, &error));
  assert_names (error, "reconnect-delay-floor-ms");
  g_clear_error (&error);
  g_object_set (builder, "reconnect-delay-floor-ms", 50, "reconnect-delay-base-ms", 200, NULL);
  g_assert_null (ist_secure_tunnel_builder_build (builder, &error));
  assert_names (error, "reconnect-delay-base-ms");
  g_clear_error (&error);

  g_assert_null (ist_secure_tunnel_new (IST_MODE_SOURCE, SECRET, "not a region", &error));
  assert_names (error, "region");
  g_clear_error (&error);
  g_clear_object (&tunnel);
  tunnel = ist_secure_tunnel_new (IST_MODE_DESTINATION, SECRET, "us-east-1", &error);
  g_assert_no_error (error);
  g_assert_nonnull (tunnel);
}

/* The handshake takes no more than 4 KiB, so no longer token can ever work. */
static void
test_long_token (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_SILENT, NULL, NULL);
  g_autofree char *token = g_strnfill (4000, 'S');
  g_autoptr (TestEnd) end = test_client_new (server, "access-token", token, "connect-timeout", 5, NULL);

  test_end_start (end);
  test_wait (test_end_count (end, "stopped") == 1);
  g_assert_error (end->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_assert_nonnull (strstr (end->error->message, "access-token"));
  g_assert_null (strstr (end->error->message, "SSSS"));
}

/* Tokens go in and never come out; settings are frozen in a tunnel; the builder
 * has the same ones, with the same defaults, and keeps a snapshot. */
static void
test_properties (void)
{
  g_autoptr (GTypeClass) tunnel_class = g_type_class_ref (IST_TYPE_SECURE_TUNNEL);
  g_autoptr (GTypeClass) builder_class = g_type_class_ref (IST_TYPE_SECURE_TUNNEL_BUILDER);
  g_autofree GParamSpec **specs = NULL;
  guint n;
  guint n_settings = 0;
  guint i;

  specs = g_object_class_list_properties (G_OBJECT_CLASS (tunnel_class), &n);
  for (i = 0; i < n; i++)
    {
      GParamSpec *spec = specs[i];
      GParamSpec *other = g_object_class_find_property (G_OBJECT_CLASS (builder_class), spec->name);
      gboolean secret = strstr (spec->name, "token") != NULL;

      if (!(spec->flags & G_PARAM_WRITABLE))
        {
          g_assert_null (other);
          continue;
        }
      n_settings++;
      g_assert_true (spec->flags & G_PARAM_CONSTRUCT_ONLY);
      g_assert_cmpint ((spec->flags & G_PARAM_READABLE) != 0, ==, !secret);
      g_assert_nonnull (other);
      g_assert_false (other->flags & G_PARAM_CONSTRUCT_ONLY);
      g_assert_cmpint ((other->flags & G_PARAM_READABLE) != 0, ==, !secret);
      g_assert_cmpint (other->value_type, ==, spec->value_type);
      g_assert_cmpint (g_param_values_cmp (spec, g_param_spec_get_default_value (spec),
                                           g_param_spec_get_default_value (other)),
                       ==, 0);
    }
  g_assert_cmpuint (n_settings, >=, 20);
}

/* One value for each setting that can be read, other than its default. */
static void
test_builder (void)
{
  g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
  g_autoptr (GTlsDatabase) database = g_tls_backend_get_default_database (g_tls_backend_get_default ());
  g_autoptr (GProxyResolver) resolver = g_simple_proxy_resolver_new (NULL, NULL);
  g_autoptr (IstSecureTunnel) tunnel = NULL;
  g_autoptr (GError) error = NULL;

#define set(name, value) g_assert_true (ist_secure_tunnel_builder_set_##name (builder, value) == builder)
  set (mode, IST_MODE_DESTINATION);
  set (access_token, SECRET);
  set (client_token, SECRET);
  set (region, NULL);
  set (endpoint, "ws://example.com");
  set (allow_plain, TRUE);
  set (tls_database, database);
  set (ca_file, NULL);
  set (verify_certificate, FALSE);
  set (proxy_resolver, resolver);
  set (protocol_version, IST_PROTOCOL_VERSION_V2);
  set (ping_interval, 1);
  set (pong_timeout, 2);
  set (connect_timeout, 3);
  set (reconnect_policy, IST_RECONNECT_POLICY_ALWAYS);
  set (reconnect_delay_floor_ms, 4);
  set (reconnect_delay_base_ms, 5);
  set (reconnect_delay_cap_ms, 6);
  set (max_attempts, 7);
  set (connection_wait_timeout_ms, 8);
  set (connection_buffer_size, 70000);
  set (total_buffer_size, 80000);
  set (stall_timeout, 9);
  set (send_buffer_size, 90000);
#undef set
  tunnel = ist_secure_tunnel_builder_build (builder, &error);
  g_assert_no_error (error);

#define same(compare, name, value)                                       \
  compare (ist_secure_tunnel_builder_get_##name (builder), ==, (value)); \
  compare (ist_secure_tunnel_get_##name (tunnel), ==, (value))
  same (g_assert_cmpint, mode, IST_MODE_DESTINATION);
  same (g_assert_cmpstr, region, NULL);
  same (g_assert_cmpstr, endpoint, "ws://example.com");
  same (g_assert_cmpint, allow_plain, TRUE);
  g_assert_true (ist_secure_tunnel_builder_get_tls_database (builder) == database);
  g_assert_true (ist_secure_tunnel_get_tls_database (tunnel) == database);
  same (g_assert_cmpstr, ca_file, NULL);
  same (g_assert_cmpint, verify_certificate, FALSE);
  g_assert_true (ist_secure_tunnel_builder_get_proxy_resolver (builder) == resolver);
  g_assert_true (ist_secure_tunnel_get_proxy_resolver (tunnel) == resolver);
  same (g_assert_cmpint, protocol_version, IST_PROTOCOL_VERSION_V2);
  same (g_assert_cmpuint, ping_interval, 1);
  same (g_assert_cmpuint, pong_timeout, 2);
  same (g_assert_cmpuint, connect_timeout, 3);
  same (g_assert_cmpint, reconnect_policy, IST_RECONNECT_POLICY_ALWAYS);
  same (g_assert_cmpuint, reconnect_delay_floor_ms, 4);
  same (g_assert_cmpuint, reconnect_delay_base_ms, 5);
  same (g_assert_cmpuint, reconnect_delay_cap_ms, 6);
  same (g_assert_cmpuint, max_attempts, 7);
  same (g_assert_cmpuint, connection_wait_timeout_ms, 8);
  same (g_assert_cmpuint, connection_buffer_size, 70000);
  same (g_assert_cmpuint, total_buffer_size, 80000);
  same (g_assert_cmpuint, stall_timeout, 9);
  same (g_assert_cmpuint, send_buffer_size, 90000);
#undef same

  /* What is set afterwards changes nothing. */
  g_object_set (builder, "endpoint", "elsewhere", "max-attempts", 99, NULL);
  g_assert_cmpstr (ist_secure_tunnel_builder_get_endpoint (builder), ==, "elsewhere");
  g_assert_cmpstr (ist_secure_tunnel_get_endpoint (tunnel), ==, "ws://example.com");
  g_assert_cmpuint (ist_secure_tunnel_get_max_attempts (tunnel), ==, 7);
  ist_secure_tunnel_builder_set_ca_file (builder, "/nowhere");
  ist_secure_tunnel_builder_set_region (builder, "us-east-1");
  g_assert_cmpstr (ist_secure_tunnel_builder_get_ca_file (builder), ==, "/nowhere");
  g_assert_cmpstr (ist_secure_tunnel_builder_get_region (builder), ==, "us-east-1");
}

static void
store_result (GObject *source,
              GAsyncResult *result,
              gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

/* Made with nothing given, as a binding can: whatever can be called says what is missing. */
static void
test_bare (void)
{
  g_autoptr (IstSecureTunnelBuilder) builder = g_object_new (IST_TYPE_SECURE_TUNNEL_BUILDER, NULL);
  g_autoptr (IstSecureTunnel) tunnel = g_object_new (IST_TYPE_SECURE_TUNNEL, NULL);
  g_autoptr (IstMessage) message = ist_message_new (NULL, NULL);
  g_autoptr (GAsyncResult) sent = NULL;
  g_autoptr (GAsyncResult) opened = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (ist_secure_tunnel_builder_build (builder, &error));
  assert_names (error, "access-token");
  g_clear_error (&error);
  g_assert_false (ist_secure_tunnel_start (tunnel, &error));
  assert_names (error, "access-token");
  g_clear_error (&error);

  g_assert_cmpint (ist_secure_tunnel_get_state (tunnel), ==, IST_TUNNEL_STATE_STOPPED);
  g_assert_null (ist_secure_tunnel_get_service_ids (tunnel));
  g_assert_false (ist_secure_tunnel_get_service_ids_known (tunnel));
  g_assert_null (ist_secure_tunnel_get_channel_id (tunnel));
  g_assert_null (ist_secure_tunnel_get_last_error (tunnel));
  g_assert_cmpint (ist_secure_tunnel_get_round_trip_time_us (tunnel), ==, -1);
  g_assert_cmpuint (ist_secure_tunnel_get_queued_bytes (tunnel), ==, 0);
  g_assert_cmpint (ist_secure_tunnel_get_mode (tunnel), ==, IST_MODE_SOURCE);
  g_assert_null (ist_secure_tunnel_get_region (tunnel));

#define assert_not_connected()                                              \
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED); \
  g_clear_error (&error)
  g_assert_false (ist_secure_tunnel_send_message (tunnel, message, &error));
  assert_not_connected ();
  g_assert_null (ist_secure_tunnel_start_stream (tunnel, NULL, &error));
  assert_not_connected ();
  g_assert_null (ist_secure_tunnel_start_connection (tunnel, NULL, &error));
  assert_not_connected ();
  g_assert_false (ist_secure_tunnel_reset_stream (tunnel, NULL, &error));
  assert_not_connected ();
  g_assert_false (ist_secure_tunnel_reset_connection (tunnel, NULL, 1, &error));
  assert_not_connected ();
  ist_secure_tunnel_send_message_async (tunnel, message, NULL, store_result, &sent);
  ist_secure_tunnel_open_connection_async (tunnel, NULL, NULL, store_result, &opened);
  test_wait (sent != NULL && opened != NULL);
  g_assert_false (ist_secure_tunnel_send_message_finish (tunnel, sent, &error));
  assert_not_connected ();
  g_assert_null (ist_secure_tunnel_open_connection_finish (tunnel, opened, &error));
  assert_not_connected ();
#undef assert_not_connected

  ist_secure_tunnel_pause (tunnel);
  ist_secure_tunnel_resume (tunnel);
  ist_secure_tunnel_stop (tunnel);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/settings/wrong", test_wrong);
  g_test_add_func ("/settings/right", test_right);
  g_test_add_func ("/settings/ranges", test_ranges);
  g_test_add_func ("/settings/enumerations", test_enumerations);
  g_test_add_func ("/settings/combinations", test_combinations);
  g_test_add_func ("/settings/long-token", test_long_token);
  g_test_add_func ("/settings/properties", test_properties);
  g_test_add_func ("/settings/builder", test_builder);
  g_test_add_func ("/settings/bare", test_bare);

  return g_test_run ();
}
