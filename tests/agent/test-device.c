/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The agent without a broker: notifications, tunnels, services, limits. */

#include <string.h>

#include <ist-agent/ist-agent.h>
#include <ist-emulator/ist-emulator.h>

#include "test-util.h"

#define TOKEN "AQGAAXhMnk-token-of-a-tunnel-0123456789"

typedef struct
{
  IstEmulatorService *service;
  char *ca_file;
  IstAgentDevice *agent;
  GSocketService *echo;
  guint echo_port;
  guint opened;
  guint closed;
  GError *last_error; /* of the tunnel that closed last */
  GPtrArray *refused; /* services */
} Fixture;

static void
on_tunnel_opened (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->opened++;
}

static void
on_tunnel_closed (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  const GError *error,
                  gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->closed++;
  g_clear_error (&fixture->last_error);
  fixture->last_error = error != NULL ? g_error_copy (error) : NULL;
}

static void
on_service_refused (IstAgentDevice *agent,
                    const char *service_id,
                    gpointer user_data)
{
  Fixture *fixture = user_data;

  g_ptr_array_add (fixture->refused, g_strdup (service_id));
}

static void
on_echo_read (GObject *source_object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GSocketConnection) connection = user_data;
  GInputStream *in = G_INPUT_STREAM (source_object);
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (in, result, NULL);
  gsize size;
  const void *data;

  if (bytes == NULL || g_bytes_get_size (bytes) == 0)
    return;
  data = g_bytes_get_data (bytes, &size);
  g_output_stream_write_all (out, data, size, NULL, NULL, NULL);
  g_input_stream_read_bytes_async (in, 4096, 0, NULL, on_echo_read, g_object_ref (connection));
}

static gboolean
on_echo_incoming (GSocketService *service,
                  GSocketConnection *connection,
                  GObject *source_object,
                  gpointer user_data)
{
  g_input_stream_read_bytes_async (g_io_stream_get_input_stream (G_IO_STREAM (connection)), 4096, 0, NULL,
                                   on_echo_read, g_object_ref (connection));
  return TRUE;
}

/* Services as "NAME=ADDRESS" strings, up to NULL. */
G_GNUC_NULL_TERMINATED
static gboolean
set_services (Fixture *fixture,
              GError **error,
              ...)
{
  g_autoptr (GHashTable) services = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const char *text;
  va_list args;

  va_start (args, error);
  while ((text = va_arg (args, const char *)) != NULL)
    {
      const char *address = strchr (text, '=') + 1;

      g_hash_table_insert (services, g_strndup (text, address - text - 1), g_strdup (address));
    }
  va_end (args);
  return ist_agent_device_set_services (fixture->agent, services, error);
}

static void
make_agent (Fixture *fixture,
            guint max_lifetime)
{
  fixture->agent = g_object_new (IST_AGENT_TYPE_DEVICE,
                                 "thing-name", "pump-17",
                                 "endpoint", ist_emulator_service_get_endpoint (fixture->service),
                                 "endpoint-ca-file", fixture->ca_file,
                                 "max-lifetime", max_lifetime,
                                 NULL);
  g_signal_connect (fixture->agent, "tunnel-opened", G_CALLBACK (on_tunnel_opened), fixture);
  g_signal_connect (fixture->agent, "tunnel-closed", G_CALLBACK (on_tunnel_closed), fixture);
  g_signal_connect (fixture->agent, "service-refused", G_CALLBACK (on_service_refused), fixture);
}

static void
fixture_set_up (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = NULL;

  fixture->service = ist_emulator_service_new ();
  g_assert_true (ist_emulator_service_start (fixture->service, &error));
  fixture->ca_file = test_file_new (ist_emulator_service_get_ca_pem (fixture->service));

  fixture->echo = g_socket_service_new ();
  fixture->echo_port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (fixture->echo), NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (fixture->echo, "incoming", G_CALLBACK (on_echo_incoming), NULL);

  fixture->refused = g_ptr_array_new_with_free_func (g_free);
  make_agent (fixture, GPOINTER_TO_UINT (data));
  address = g_strdup_printf ("SSH=127.0.0.1:%u", fixture->echo_port);
  g_assert_true (set_services (fixture, &error, address, NULL));
  g_assert_true (ist_agent_device_start (fixture->agent, &error));
}

static void
fixture_tear_down (Fixture *fixture,
                   gconstpointer data)
{
  ist_agent_device_stop (fixture->agent);
  test_wait (ist_agent_device_get_state (fixture->agent) == IST_AGENT_DEVICE_STATE_STOPPED);
  g_assert_cmpuint (fixture->opened, ==, fixture->closed);
  g_assert_finalize_object (fixture->agent);
  g_socket_service_stop (fixture->echo);
  g_socket_listener_close (G_SOCKET_LISTENER (fixture->echo));
  g_object_unref (fixture->echo);
  test_file_free (fixture->ca_file);
  ist_emulator_service_stop (fixture->service);
  test_settle ();
  g_object_unref (fixture->service);
  g_ptr_array_unref (fixture->refused);
  g_clear_error (&fixture->last_error);
}

static IstEmulatorTunnel *
open_tunnel (Fixture *fixture,
             const char *service)
{
  const char *services[] = { service, NULL };
  g_autoptr (GError) error = NULL;
  IstEmulatorTunnel *tunnel;

  tunnel = ist_emulator_service_open_tunnel (fixture->service, services, "pump-17", 0, &error);
  g_assert_no_error (error);
  return tunnel;
}

static IstAgentTunnel *
notify (Fixture *fixture,
        const char *json,
        GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (json, strlen (json));

  return ist_agent_device_handle_notification (fixture->agent, bytes, error);
}

static char *
notification_for (const char *token,
                  const char *services)
{
  return g_strdup_printf ("{\"clientAccessToken\": \"%s\", \"clientMode\": \"destination\", "
                          "\"region\": \"us-east-1\", \"services\": %s}",
                          token, services);
}

static IstAgentTunnel *
notify_of (Fixture *fixture,
           IstEmulatorTunnel *tunnel,
           GError **error)
{
  g_autofree char *json = notification_for (ist_emulator_tunnel_get_destination_access_token (tunnel),
                                            "[\"SSH\", \"VNC\"]");

  return notify (fixture, json, error);
}

/* The operator's end. */
static IstSecureTunnel *
start_source (Fixture *fixture,
              IstEmulatorTunnel *tunnel)
{
  g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
  g_autoptr (GError) error = NULL;
  IstSecureTunnel *source;

  ist_secure_tunnel_builder_set_mode (builder, IST_MODE_SOURCE);
  ist_secure_tunnel_builder_set_access_token (builder, ist_emulator_tunnel_get_source_access_token (tunnel));
  ist_secure_tunnel_builder_set_endpoint (builder, ist_emulator_service_get_endpoint (fixture->service));
  ist_secure_tunnel_builder_set_ca_file (builder, fixture->ca_file);
  source = ist_secure_tunnel_builder_build (builder, &error);
  g_assert_no_error (error);
  g_assert_true (ist_secure_tunnel_start (source, &error));
  test_wait (ist_secure_tunnel_get_state (source) == IST_TUNNEL_STATE_CONNECTED);
  return source;
}

static void
stop_source (IstSecureTunnel *source)
{
  ist_secure_tunnel_stop (source);
  test_wait (ist_secure_tunnel_get_state (source) == IST_TUNNEL_STATE_STOPPED);
  g_object_unref (source);
}

static IstConnection *
open_connection (IstSecureTunnel *source,
                 const char *service)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  IstConnection *connection;

  ist_secure_tunnel_open_connection_async (source, service, NULL, test_store_result, &result);
  test_wait (result != NULL);
  connection = ist_secure_tunnel_open_connection_finish (source, result, &error);
  g_assert_no_error (error);
  return connection;
}

/* What comes back for a text; empty at the end of the stream, NULL for an error. */
static char *
exchange (IstConnection *connection,
          const char *text)
{
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_autoptr (GAsyncResult) written = NULL;
  g_autoptr (GAsyncResult) read = NULL;
  g_autoptr (GBytes) bytes = NULL;

  g_output_stream_write_all_async (out, text, strlen (text), 0, NULL, test_store_result, &written);
  test_wait (written != NULL);
  g_output_stream_write_all_finish (out, written, NULL, NULL);
  g_input_stream_read_bytes_async (in, strlen (text), 0, NULL, test_store_result, &read);
  test_wait (read != NULL);
  bytes = g_input_stream_read_bytes_finish (in, read, NULL);
  if (bytes == NULL)
    return NULL;
  return g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

static void
close_connection (IstConnection *connection)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_io_stream_close_async (G_IO_STREAM (connection), 0, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_object_unref (connection);
}

/* Tests */

static void
test_bytes_flow (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  g_autoptr (GError) error = NULL;
  IstAgentTunnel *agent_tunnel = notify_of (fixture, tunnel, &error);
  IstSecureTunnel *source;
  IstConnection *connection;
  g_autofree char *answer = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (ist_agent_tunnel_get_id (agent_tunnel), ==, 1);
  g_assert_cmpstr (ist_agent_tunnel_get_region (agent_tunnel), ==, "us-east-1");
  g_assert_cmpstr (ist_agent_tunnel_get_service_ids (agent_tunnel)[1], ==, "VNC");
  g_assert_cmpint (ist_agent_tunnel_get_opened_at (agent_tunnel), <=, g_get_real_time ());
  g_assert_cmpint (ist_agent_tunnel_get_opened_at (agent_tunnel), >, g_get_real_time () - G_TIME_SPAN_HOUR);
  /* The one that is not listed was told of, the other one is served. */
  g_assert_cmpuint (fixture->refused->len, ==, 1);
  g_assert_cmpstr (fixture->refused->pdata[0], ==, "VNC");

  source = start_source (fixture, tunnel);
  test_wait (ist_emulator_tunnel_is_connected (tunnel, IST_MODE_DESTINATION));
  connection = open_connection (source, "SSH");
  answer = exchange (connection, "hello");
  g_assert_cmpstr (answer, ==, "hello");
  g_assert_cmpuint (ist_agent_device_get_n_connections (fixture->agent), ==, 1);
  close_connection (connection);
  test_wait (ist_agent_device_get_n_connections (fixture->agent) == 0);
  stop_source (source);
}

static void
on_items_changed (GListModel *model,
                  guint position,
                  guint removed,
                  guint added,
                  gpointer user_data)
{
  GPtrArray *seen = user_data;

  if (removed > 0)
    g_ptr_array_remove_range (seen, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (seen, position + i, g_list_model_get_item (model, position + i));
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, seen->len);
}

static void
assert_listed (GListModel *model,
               GPtrArray *seen)
{
  guint n_tunnels;

  g_object_get (model, "n-tunnels", &n_tunnels, NULL);
  g_assert_cmpuint (n_tunnels, ==, seen->len);
  for (guint i = 0; i < seen->len; i++)
    {
      g_autoptr (IstAgentTunnel) tunnel = g_list_model_get_item (model, i);

      g_assert_true (tunnel == seen->pdata[i]);
    }
  g_assert_null (g_list_model_get_item (model, seen->len));
}

/* The agent as a list of its tunnels. */
static void
test_list (Fixture *fixture,
           gconstpointer data)
{
  GListModel *model = G_LIST_MODEL (fixture->agent);
  g_autoptr (IstEmulatorTunnel) first = open_tunnel (fixture, "SSH");
  g_autoptr (IstEmulatorTunnel) second = open_tunnel (fixture, "SSH");
  g_autoptr (GPtrArray) seen = g_ptr_array_new_with_free_func (g_object_unref);

  g_signal_connect (model, "items-changed", G_CALLBACK (on_items_changed), seen);
  g_assert_true (g_list_model_get_item_type (model) == IST_AGENT_TYPE_TUNNEL);
  assert_listed (model, seen);
  notify_of (fixture, first, NULL);
  notify_of (fixture, second, NULL);
  g_assert_cmpuint (seen->len, ==, 2);
  assert_listed (model, seen);
  g_assert_cmpuint (ist_agent_tunnel_get_id (seen->pdata[0]), ==, 1);

  ist_agent_tunnel_stop (seen->pdata[0]);
  test_wait (fixture->closed == 1);
  assert_listed (model, seen);
  g_assert_cmpuint (ist_agent_tunnel_get_id (seen->pdata[0]), ==, 2);
  g_signal_handlers_disconnect_by_data (model, seen);
}

typedef struct
{
  guint64 bytes_in;
  guint64 bytes_out;
  guint n_told;
} Counters;

static void
on_counter (IstAgentTunnel *tunnel,
            GParamSpec *pspec,
            gpointer user_data)
{
  Counters *counters = user_data;

  g_object_get (tunnel, "bytes-in", &counters->bytes_in, "bytes-out", &counters->bytes_out, NULL);
  counters->n_told++;
}

/* What a list of tunnels shows changes by itself, and not with every byte. */
static void
test_counters (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  IstAgentTunnel *agent_tunnel = notify_of (fixture, tunnel, NULL);
  IstSecureTunnel *source = start_source (fixture, tunnel);
  Counters counters = { 0 };
  IstConnection *connection;
  g_autoptr (GObject) label = g_object_new (IST_AGENT_TYPE_DEVICE, NULL);
  gint64 begun;
  guint n_exchanged = 0;

  g_object_bind_property (agent_tunnel, "n-connections", label, "max-connections", G_BINDING_SYNC_CREATE);
  g_signal_connect (agent_tunnel, "notify::bytes-in", G_CALLBACK (on_counter), &counters);
  g_signal_connect (agent_tunnel, "notify::bytes-out", G_CALLBACK (on_counter), &counters);
  test_wait (ist_agent_tunnel_get_state (agent_tunnel) == IST_TUNNEL_STATE_CONNECTED);
  connection = open_connection (source, "SSH");
  begun = g_get_monotonic_time ();
  while (counters.n_told == 0)
    {
      g_autofree char *answer = exchange (connection, "hello");

      g_assert_cmpstr (answer, ==, "hello");
      n_exchanged++;
    }
  g_assert_cmpint (g_get_monotonic_time () - begun, >, G_USEC_PER_SEC / 2);
  g_assert_cmpuint (ist_agent_device_get_max_connections (IST_AGENT_DEVICE (label)), ==, 1);
  test_wait (counters.bytes_in == 5 * n_exchanged && counters.bytes_out == 5 * n_exchanged);
  /* Both, each second and at last. */
  g_assert_cmpint (counters.n_told, <=, 2 * ((g_get_monotonic_time () - begun) / G_USEC_PER_SEC + 1));

  close_connection (connection);
  test_wait (ist_agent_device_get_max_connections (IST_AGENT_DEVICE (label)) == 0);
  stop_source (source);
}

static void
test_invalid (Fixture *fixture,
              gconstpointer data)
{
  const char *const texts[] = {
    "",
    "x",
    "{",
    "[]",
    "null",
    "{}",
    "\"" TOKEN "\"",
    "{\"clientAccessToken\": " TOKEN "}",
    "{\"clientAccessToken\": \"" TOKEN "\"}",
    "{\"clientAccessToken\": \"" TOKEN "\", \"clientMode\": \"source\", \"region\": \"us-east-1\", "
    "\"services\": [\"SSH\"]}",
    "{\"clientAccessToken\": \"" TOKEN "\", \"clientMode\": \"destination\", \"services\": [\"SSH\"]}",
    "{\"clientAccessToken\": \"" TOKEN "\", \"clientMode\": \"destination\", \"region\": \"a/b\", "
    "\"services\": [\"SSH\"]}",
    "{\"clientAccessToken\": \"" TOKEN "\", \"clientMode\": \"destination\", \"region\": \"us-east-\", "
    "\"services\": [\"SSH\"]}",
    "{\"clientAccessToken\": \"" TOKEN "\", \"clientMode\": \"destination\", \"region\": \"us-east-1\"}",
    "{\"clientAccessToken\": \"" TOKEN "\", \"clientMode\": \"destination\", \"region\": \"us-east-1\", "
    "\"services\": []}",
    "{\"clientAccessToken\": \"" TOKEN "\", \"clientMode\": \"destination\", \"region\": \"us-east-1\", "
    "\"services\": [\"" TOKEN " \"]}",
    "{\"clientAccessToken\": \"" TOKEN "\\n\", \"clientMode\": \"destination\", \"region\": \"us-east-1\", "
    "\"services\": [\"SSH\"]}",
  };
  g_autofree char *deep = g_strnfill (100000, '[');
  g_autofree char *large = g_strnfill (128 * 1024 + 1, ' ');
  g_autoptr (GBytes) binary = g_bytes_new_static ("{\0}\xff\xfe", 5);
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_assert_null (notify (fixture, texts[i], &error));
      g_assert_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION);
      g_assert_null (strstr (error->message, "AQGAA"));
      g_clear_error (&error);
    }
  g_assert_null (notify (fixture, deep, &error));
  g_assert_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION);
  g_clear_error (&error);
  g_assert_null (notify (fixture, large, &error));
  g_assert_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION);
  g_clear_error (&error);
  g_assert_null (ist_agent_device_handle_notification (fixture->agent, binary, &error));
  g_assert_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION);
  g_assert_cmpuint (ist_agent_device_get_n_tunnels (fixture->agent), ==, 0);
}

static void
test_largest (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  g_autofree char *json = notification_for (ist_emulator_tunnel_get_destination_access_token (tunnel),
                                            "[\"SSH\"]");
  g_autofree char *padding = g_strnfill (128 * 1024 - strlen (json), ' ');
  g_autofree char *whole = g_strconcat (json, padding, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (notify (fixture, whole, &error));
  g_assert_no_error (error);
}

static void
test_duplicate (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (notify_of (fixture, tunnel, &error));
  g_assert_null (notify_of (fixture, tunnel, &error));
  g_assert_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_DUPLICATE);
  g_assert_null (strstr (error->message, ist_emulator_tunnel_get_destination_access_token (tunnel)));
  g_assert_cmpuint (ist_agent_device_get_n_tunnels (fixture->agent), ==, 1);
}

/* What is remembered is bounded: far more tokens than fit, and the last is known. */
static void
test_many_tokens (Fixture *fixture,
                  gconstpointer data)
{
  g_autofree char *last = NULL;
  g_autoptr (GError) error = NULL;

  ist_agent_device_set_max_tunnels (fixture->agent, 0);
  for (guint i = 0; i < 2000; i++)
    {
      g_autofree char *token = g_strdup_printf ("%s-%u", TOKEN, i);

      g_free (last);
      last = notification_for (token, "[\"SSH\"]");
      ist_agent_tunnel_stop (notify (fixture, last, &error));
      g_assert_no_error (error);
    }
  g_assert_null (notify (fixture, last, &error));
  g_assert_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_DUPLICATE);
  test_wait (ist_agent_device_get_n_tunnels (fixture->agent) == 0);
}

static void
test_no_service (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  g_autofree char *json = notification_for (ist_emulator_tunnel_get_destination_access_token (tunnel),
                                            "[\"VNC\"]");
  g_autoptr (GError) error = NULL;

  g_assert_null (notify (fixture, json, &error));
  g_assert_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_NO_SERVICE);
  g_clear_error (&error);
  /* What was refused is not a duplicate later. */
  g_assert_nonnull (notify_of (fixture, tunnel, &error));
  g_assert_no_error (error);
}

static void
test_limits (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) first = open_tunnel (fixture, "SSH");
  g_autoptr (IstEmulatorTunnel) second = open_tunnel (fixture, "SSH");
  g_autoptr (GError) error = NULL;
  IstSecureTunnel *source;
  IstConnection *connection;
  IstConnection *refused;
  g_autofree char *answer = NULL;
  g_autofree char *nothing = NULL;

  ist_agent_device_set_max_tunnels (fixture->agent, 1);
  ist_agent_device_set_max_connections (fixture->agent, 1);
  g_assert_nonnull (notify_of (fixture, first, &error));
  g_assert_null (notify_of (fixture, second, &error));
  g_assert_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_TOO_MANY_TUNNELS);
  g_clear_error (&error);

  test_wait (ist_emulator_tunnel_is_connected (first, IST_MODE_DESTINATION));
  source = start_source (fixture, first);
  connection = open_connection (source, "SSH");
  answer = exchange (connection, "one");
  g_assert_cmpstr (answer, ==, "one");
  refused = open_connection (source, "SSH");
  nothing = exchange (refused, "two");
  g_assert_true (nothing == NULL || *nothing == '\0');
  g_clear_pointer (&answer, g_free);
  answer = exchange (connection, "three");
  g_assert_cmpstr (answer, ==, "three");
  close_connection (refused);
  close_connection (connection);
  stop_source (source);

  ist_agent_device_set_max_tunnels (fixture->agent, 2);
  g_assert_nonnull (notify_of (fixture, second, &error));
  g_assert_no_error (error);
}

static void
test_services (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (set_services (fixture, &error, "S S=127.0.0.1:22", NULL));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_clear_error (&error);
  g_assert_false (set_services (fixture, &error, "VNC=127.0.0.1:1", "SSH=nonsense", NULL));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_clear_error (&error);
  g_assert_true (set_services (fixture, &error, "a:b_c-1=[::1]:22", "x=/run/x.sock", "y=unix:y", "z=5900",
                               NULL));
  g_assert_no_error (error);
}

/* A tunnel whose services come and go while it is open. */
static void
test_reload (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  g_autoptr (GError) error = NULL;
  g_autofree char *address = g_strdup_printf ("SSH=127.0.0.1:%u", fixture->echo_port);
  IstSecureTunnel *source;
  IstConnection *old;
  IstConnection *refused;
  IstConnection *again;
  g_autofree char *first = NULL;
  g_autofree char *answer = NULL;
  g_autofree char *nothing = NULL;
  g_autofree char *answer_again = NULL;

  g_assert_nonnull (notify_of (fixture, tunnel, &error));
  test_wait (ist_emulator_tunnel_is_connected (tunnel, IST_MODE_DESTINATION));
  source = start_source (fixture, tunnel);
  old = open_connection (source, "SSH");
  first = exchange (old, "first");
  g_assert_cmpstr (first, ==, "first");
  g_ptr_array_set_size (fixture->refused, 0);

  g_assert_true (set_services (fixture, &error, "VNC=1", NULL));
  refused = open_connection (source, "SSH");
  nothing = exchange (refused, "anybody?");
  g_assert_true (nothing == NULL || *nothing == '\0');
  g_assert_cmpuint (fixture->refused->len, ==, 1);
  g_assert_cmpstr (fixture->refused->pdata[0], ==, "SSH");
  answer = exchange (old, "still there");
  g_assert_cmpstr (answer, ==, "still there");

  g_assert_true (set_services (fixture, &error, address, NULL));
  again = open_connection (source, "SSH");
  answer_again = exchange (again, "again");
  g_assert_cmpstr (answer_again, ==, "again");

  close_connection (again);
  close_connection (refused);
  close_connection (old);
  stop_source (source);
}

static void
test_closed (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (notify_of (fixture, tunnel, &error));
  test_wait (ist_emulator_tunnel_is_connected (tunnel, IST_MODE_DESTINATION));
  g_assert_true (ist_emulator_service_close_tunnel (fixture->service, ist_emulator_tunnel_get_id (tunnel),
                                                    &error));
  test_wait (fixture->closed == 1);
  g_assert_nonnull (fixture->last_error);
  g_assert_true (ist_tunnel_error_is_final (fixture->last_error));
  g_assert_cmpuint (ist_agent_device_get_n_tunnels (fixture->agent), ==, 0);
}

/* A rotation: the old token is thrown out, the notification of the new one is a new tunnel. */
static void
test_rotated (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (notify_of (fixture, tunnel, &error));
  test_wait (ist_emulator_tunnel_is_connected (tunnel, IST_MODE_DESTINATION));
  g_assert_true (ist_emulator_service_rotate_tokens (fixture->service, ist_emulator_tunnel_get_id (tunnel),
                                                     IST_EMULATOR_SIDES_DESTINATION, &error));
  g_assert_nonnull (notify_of (fixture, tunnel, &error));
  g_assert_no_error (error);
  test_wait (fixture->closed == 1);
  test_wait (ist_emulator_tunnel_is_connected (tunnel, IST_MODE_DESTINATION));
  g_assert_cmpuint (ist_agent_device_get_n_tunnels (fixture->agent), ==, 1);
}

static void
test_stopped (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  g_autoptr (GError) error = NULL;
  g_autoptr (IstAgentTunnel) agent_tunnel = NULL;

  agent_tunnel = g_object_ref (notify_of (fixture, tunnel, &error));
  test_wait (ist_emulator_tunnel_is_connected (tunnel, IST_MODE_DESTINATION));
  ist_agent_tunnel_stop (agent_tunnel);
  ist_agent_tunnel_stop (agent_tunnel);
  test_wait (fixture->closed == 1);
  g_assert_no_error (fixture->last_error);
  test_wait (!ist_emulator_tunnel_is_connected (tunnel, IST_MODE_DESTINATION));
  ist_agent_tunnel_stop (agent_tunnel);
}

static void
test_lifetime (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  g_autoptr (GError) error = NULL;

  /* It would try for ever. */
  ist_emulator_tunnel_refuse_handshakes (tunnel, IST_MODE_DESTINATION, 1000, 503, "Busy");
  g_assert_nonnull (notify_of (fixture, tunnel, &error));
  test_wait (fixture->closed == 1);
  g_assert_error (fixture->last_error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT);
}

static void
on_opened_stop_all (IstAgentDevice *agent,
                    IstAgentTunnel *tunnel,
                    gpointer user_data)
{
  ist_agent_device_stop (agent);
}

/* Whatever a handler does. */
static void
test_stop_in_handler (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  g_autoptr (GError) error = NULL;

  g_signal_connect (fixture->agent, "tunnel-opened", G_CALLBACK (on_opened_stop_all), NULL);
  notify_of (fixture, tunnel, &error);
  test_wait (fixture->closed == 1);
  g_assert_no_error (fixture->last_error);
}

static void
on_refused_stop_all (IstAgentDevice *agent,
                     const char *service_id,
                     gpointer user_data)
{
  ist_agent_device_stop (agent);
}

static void
test_not_running (Fixture *fixture,
                  gconstpointer data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture, "SSH");
  g_autoptr (GError) error = NULL;

  /* Told of VNC, which is not listed. */
  g_signal_connect (fixture->agent, "service-refused", G_CALLBACK (on_refused_stop_all), NULL);
  g_assert_null (notify_of (fixture, tunnel, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  g_assert_cmpuint (fixture->opened, ==, 0);
  g_clear_error (&error);
  g_assert_null (notify_of (fixture, tunnel, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
}

static void
test_settings (void)
{
  static const struct
  {
    const char *thing;
    const char *broker;
    const char *certificate;
    const char *endpoint;
    gboolean allow_plain;
    gboolean good;
  } cases[] = {
    { "a", NULL, NULL, NULL, FALSE, TRUE },
    { "", NULL, NULL, NULL, FALSE, FALSE },
    { "a/b", NULL, NULL, NULL, FALSE, FALSE },
    { "#", NULL, NULL, NULL, FALSE, FALSE },
    { "a", NULL, NULL, "ws://example.com", FALSE, FALSE },
    { "a", NULL, NULL, "ws://example.com", TRUE, TRUE },
    { "a", "example.com", NULL, NULL, FALSE, FALSE },
    { "a", "mqtt://example.com", NULL, NULL, FALSE, FALSE },
    { "a", "mqtt://localhost:1", NULL, NULL, FALSE, TRUE },
    { "a", "mqtt://[::1]:1", NULL, NULL, FALSE, TRUE },
    { "a", "mqtts://localhost:1", "/nonexistent", NULL, FALSE, TRUE },
    { "a", "localhost:1", "/nonexistent", NULL, FALSE, TRUE },
    { "a", "localhost:x", "/nonexistent", NULL, FALSE, FALSE },
    { "a", "localhost:0", "/nonexistent", NULL, FALSE, FALSE },
    { "a", "https://localhost", "/nonexistent", NULL, FALSE, FALSE },
    { "a", "mqtts://localhost/path", "/nonexistent", NULL, FALSE, FALSE },
    { "a", "mqtts://user@localhost", "/nonexistent", NULL, FALSE, FALSE },
    { "a", "", "/nonexistent", NULL, FALSE, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (IstAgentDevice) agent = NULL;

      agent = g_object_new (IST_AGENT_TYPE_DEVICE,
                            "thing-name", cases[i].thing,
                            "broker", cases[i].broker,
                            "certificate-file", cases[i].certificate,
                            "endpoint", cases[i].endpoint,
                            "allow-plain", cases[i].allow_plain,
                            NULL);
      g_test_message ("%s, %s, %s", cases[i].thing, cases[i].broker, cases[i].endpoint);
      g_assert_cmpstr (ist_agent_device_get_thing_name (agent), ==, cases[i].thing);
      g_assert_cmpstr (ist_agent_device_get_broker (agent), ==, cases[i].broker);
      g_assert_cmpstr (ist_agent_device_get_certificate_file (agent), ==, cases[i].certificate);
      g_assert_cmpstr (ist_agent_device_get_endpoint (agent), ==, cases[i].endpoint);
      g_assert_cmpint (ist_agent_device_get_allow_plain (agent), ==, cases[i].allow_plain);
      g_assert_cmpint (ist_agent_device_check_settings (agent, NULL), ==, cases[i].good);
      g_assert_cmpint (ist_agent_device_get_state (agent), ==, IST_AGENT_DEVICE_STATE_STOPPED);
      g_assert_cmpint (ist_agent_device_start (agent, &error), ==, cases[i].good);
      if (!cases[i].good)
        g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
    }
  /* Attempts to connect that were under way end by themselves. */
  test_run_for (100);
}

static void
read_properties (gpointer object)
{
  g_autofree GParamSpec **properties = NULL;
  guint n;

  properties = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n);
  g_assert_cmpuint (n, >, 0);
  for (guint i = 0; i < n; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_object_get_property (object, properties[i]->name, &value);
    }
}

/* As bindings make them, with nothing given. */
static void
test_bare (void)
{
  g_autoptr (IstAgentDevice) agent = g_object_new (IST_AGENT_TYPE_DEVICE, NULL);
  g_autoptr (IstAgentTunnel) tunnel = g_object_new (IST_AGENT_TYPE_TUNNEL, NULL);
  g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
  g_autoptr (GError) error = NULL;

  read_properties (agent);
  g_assert_null (ist_agent_device_get_thing_name (agent));
  g_assert_null (ist_agent_device_get_broker (agent));
  g_assert_null (ist_agent_device_get_client_id (agent));
  g_assert_null (ist_agent_device_get_certificate_file (agent));
  g_assert_null (ist_agent_device_get_key_file (agent));
  g_assert_null (ist_agent_device_get_ca_file (agent));
  g_assert_null (ist_agent_device_get_endpoint (agent));
  g_assert_null (ist_agent_device_get_endpoint_ca_file (agent));
  g_assert_false (ist_agent_device_get_allow_plain (agent));
  g_assert_cmpuint (ist_agent_device_get_keepalive (agent), ==, 120);
  g_assert_cmpuint (ist_agent_device_get_max_lifetime (agent), ==, 12 * 60 * 60);
  g_assert_cmpuint (ist_agent_device_get_max_tunnels (agent), ==, 16);
  g_assert_cmpuint (ist_agent_device_get_max_connections (agent), ==, 256);
  g_assert_cmpint (ist_agent_device_get_state (agent), ==, IST_AGENT_DEVICE_STATE_STOPPED);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (agent)), ==, 0);
  g_assert_false (ist_agent_device_start (agent, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_assert_nonnull (strstr (error->message, "thing-name"));
  g_clear_error (&error);
  g_assert_null (ist_agent_device_handle_notification (agent, nothing, &error));
  g_assert_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION);
  ist_agent_device_stop (agent);

  read_properties (tunnel);
  g_assert_cmpuint (ist_agent_tunnel_get_id (tunnel), ==, 0);
  g_assert_null (ist_agent_tunnel_get_region (tunnel));
  g_assert_cmpuint (g_strv_length ((char **) ist_agent_tunnel_get_service_ids (tunnel)), ==, 0);
  g_assert_cmpint (ist_agent_tunnel_get_opened_at (tunnel), ==, 0);
  g_assert_cmpint (ist_agent_tunnel_get_state (tunnel), ==, IST_TUNNEL_STATE_STOPPED);
  g_assert_cmpuint (ist_agent_tunnel_get_n_connections (tunnel), ==, 0);
  g_assert_cmpuint (ist_agent_tunnel_get_bytes_in (tunnel), ==, 0);
  g_assert_cmpuint (ist_agent_tunnel_get_bytes_out (tunnel), ==, 0);
  g_assert_null (ist_agent_tunnel_get_secure_tunnel (tunnel));
  g_assert_null (ist_agent_tunnel_get_forwarder (tunnel));
  ist_agent_tunnel_stop (tunnel);
}

#define ADD(name, lifetime, function)                                                         \
  g_test_add ("/agent/" name, Fixture, GUINT_TO_POINTER (lifetime), fixture_set_up, function, \
              fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("bytes-flow", 0, test_bytes_flow);
  ADD ("list", 0, test_list);
  ADD ("counters", 0, test_counters);
  ADD ("invalid", 0, test_invalid);
  ADD ("largest", 0, test_largest);
  ADD ("duplicate", 0, test_duplicate);
  ADD ("many-tokens", 0, test_many_tokens);
  ADD ("no-service", 0, test_no_service);
  ADD ("limits", 0, test_limits);
  ADD ("services", 0, test_services);
  ADD ("reload", 0, test_reload);
  ADD ("closed", 0, test_closed);
  ADD ("rotated", 0, test_rotated);
  ADD ("stopped", 0, test_stopped);
  ADD ("lifetime", 1, test_lifetime);
  ADD ("stop-in-handler", 0, test_stop_in_handler);
  ADD ("not-running", 0, test_not_running);
  g_test_add_func ("/agent/settings", test_settings);
  g_test_add_func ("/agent/bare", test_bare);

  return g_test_run ();
}
