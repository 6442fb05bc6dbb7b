/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "operating.h"

#include <string.h>

/* The device's services */

static void
on_echoed (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GSocketConnection) connection G_GNUC_UNUSED = user_data;

  g_output_stream_splice_finish (G_OUTPUT_STREAM (object), result, NULL);
}

static gboolean
on_echo_incoming (GSocketService *service,
                  GSocketConnection *connection,
                  GObject *source_object,
                  gpointer user_data)
{
  GIOStream *stream = G_IO_STREAM (connection);

  g_output_stream_splice_async (g_io_stream_get_output_stream (stream), g_io_stream_get_input_stream (stream),
                                G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
                                G_PRIORITY_DEFAULT, NULL, on_echoed, g_object_ref (connection));
  return TRUE;
}

static GSocketService *
make_echo (guint *port)
{
  GSocketService *echo = g_socket_service_new ();
  g_autoptr (GError) error = NULL;

  *port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (echo), NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (echo, "incoming", G_CALLBACK (on_echo_incoming), NULL);
  return echo;
}

static void
on_notification (IstEmulatorService *service,
                 const char *thing_name,
                 GBytes *notification,
                 TestOperating *self)
{
  self->n_notifications++;
  if (self->is_online && strcmp (thing_name, TEST_THING) == 0)
    ist_agent_device_handle_notification (self->device, notification, NULL);
}

static void
make_device (TestOperating *self)
{
  g_autoptr (GHashTable) services = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GError) error = NULL;
  guint port;

  self->echo = make_echo (&port);
  g_hash_table_insert (services, g_strdup ("SSH"), g_strdup_printf ("127.0.0.1:%u", port));
  g_hash_table_insert (services, g_strdup ("WEB"), g_strdup_printf ("127.0.0.1:%u", port));
  self->device = g_object_new (IST_AGENT_TYPE_DEVICE, "thing-name", TEST_THING, "endpoint",
                               ist_emulator_service_get_endpoint (self->service), "endpoint-ca-file", self->ca_file,
                               NULL);
  g_assert_true (ist_agent_device_set_services (self->device, services, &error));
  g_assert_true (ist_agent_device_start (self->device, &error));
  self->is_online = TRUE;
  g_signal_connect (self->service, "notification", G_CALLBACK (on_notification), self);
}

/* The client */

static void
on_progress (IstOperatorClient *client,
             IstOperatorTunnel *tunnel,
             IstOperatorTunnelState state,
             TestOperating *self)
{
  g_autoptr (GEnumClass) names = g_type_class_ref (IST_OPERATOR_TYPE_TUNNEL_STATE);

  g_assert_cmpint (ist_operator_tunnel_get_state (tunnel), ==, state);
  g_string_append_printf (self->states, "%s ", g_enum_get_value (names, state)->value_nick);
}

static void
on_tunnel_closed (IstOperatorClient *client,
                  IstOperatorTunnel *tunnel,
                  const GError *error,
                  TestOperating *self)
{
  g_assert_cmpint (ist_operator_tunnel_get_state (tunnel), ==, IST_OPERATOR_TUNNEL_STATE_CLOSED);
  for (guint i = 0; i < ist_operator_client_get_n_tunnels (client); i++)
    {
      g_autoptr (IstOperatorTunnel) other = g_list_model_get_item (G_LIST_MODEL (client), i);

      g_assert_true (other != tunnel);
    }
  self->n_closed++;
  g_clear_error (&self->closed_error);
  self->closed_error = error != NULL ? g_error_copy (error) : NULL;
}

char *
test_operating_make_url (TestOperating *self)
{
  const char *endpoint = ist_emulator_service_get_endpoint (self->service);

  /* "https" for "wss", "http" for "ws" */
  return g_strconcat ("http", endpoint + strlen ("ws"), NULL);
}

static void
make_client (TestOperating *self,
             IstOperatorCredentials *credentials)
{
  g_autofree char *url = test_operating_make_url (self);
  g_autoptr (GError) error = NULL;

  self->control_plane = g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, &error, "credentials", credentials,
                                        "region", "us-east-1", "endpoint-url", url, "ca-file", self->ca_file, NULL);
  g_assert_no_error (error);
  self->client = ist_operator_client_new (self->control_plane);
  self->client_alive = self->client;
  g_object_add_weak_pointer (G_OBJECT (self->client), &self->client_alive);
  self->states = g_string_new (NULL);
  g_signal_connect (self->client, "progress", G_CALLBACK (on_progress), self);
  g_signal_connect (self->client, "tunnel-closed", G_CALLBACK (on_tunnel_closed), self);
}

static TestOperating *
operating_new (gboolean plain,
               IstOperatorCredentials *credentials)
{
  TestOperating *self = g_new0 (TestOperating, 1);
  g_autoptr (GError) error = NULL;

  self->service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", plain, NULL);
  g_assert_true (ist_emulator_service_start (self->service, &error));
  if (!plain)
    self->ca_file = test_file_new (ist_emulator_service_get_ca_pem (self->service));
  make_device (self);
  make_client (self, credentials);
  return self;
}

TestOperating *
test_operating_new (void)
{
  g_autoptr (IstOperatorCredentials) credentials = ist_operator_credentials_new_for_keys ("AKID", "secret", NULL);

  return operating_new (TRUE, credentials);
}

TestOperating *
test_operating_new_secured (void)
{
  g_autoptr (IstOperatorCredentials) credentials = ist_operator_credentials_new_for_keys ("AKID", "secret", NULL);

  return operating_new (FALSE, credentials);
}

TestOperating *
test_operating_new_for (IstOperatorCredentials *credentials)
{
  return operating_new (TRUE, credentials);
}

/* What the first one leaves is GLib's, which keeps it. */
static void
check_fds (void)
{
  static guint n_fds;

  if (n_fds == 0)
    n_fds = test_count_fds ();
  test_wait (test_count_fds () <= n_fds);
}

void
test_operating_free (TestOperating *self)
{
  if (self->client != NULL)
    {
      test_close_client (self, NULL);
      g_assert_cmpuint (ist_operator_client_get_n_tunnels (self->client), ==, 0);
      g_clear_object (&self->client);
    }
  test_wait (self->client_alive == NULL);
  test_wait (ist_operator_control_plane_get_n_calls (self->control_plane) == 0);
  test_settle ();
  g_assert_finalize_object (self->control_plane);

  ist_agent_device_stop (self->device);
  test_wait (ist_agent_device_get_state (self->device) == IST_AGENT_DEVICE_STATE_STOPPED);
  g_assert_finalize_object (self->device);
  g_socket_service_stop (self->echo);
  g_socket_listener_close (G_SOCKET_LISTENER (self->echo));
  g_object_unref (self->echo);
  ist_emulator_service_stop (self->service);
  test_settle ();
  g_object_unref (self->service);
  test_settle ();
  test_file_free (self->ca_file);
  check_fds ();
  g_string_free (self->states, TRUE);
  g_clear_error (&self->closed_error);
  g_free (self);
}

/* What tests look at */

guint
test_operating_count (TestOperating *self,
                      const char *operation)
{
  return ist_emulator_service_count_operations (self->service, operation);
}

guint
test_operating_count_open (TestOperating *self)
{
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->service)); i++)
    {
      g_autoptr (IstEmulatorTunnel) tunnel = g_list_model_get_item (G_LIST_MODEL (self->service), i);

      n += ist_emulator_tunnel_is_open (tunnel) ? 1 : 0;
    }
  return n;
}

void
test_operating_fail (TestOperating *self,
                     const char *operation,
                     const char *error_type,
                     guint count)
{
  g_autoptr (GError) error = NULL;

  ist_emulator_service_fail_operations (self->service, operation, error_type, count, &error);
  g_assert_no_error (error);
}

IstOperatorTunnel *
test_operating_get_tunnel (TestOperating *self,
                           guint position)
{
  IstOperatorTunnel *tunnel = g_list_model_get_item (G_LIST_MODEL (self->client), position);

  g_assert_nonnull (tunnel);
  return tunnel;
}

IstEmulatorTunnel *
test_operating_look_up (TestOperating *self,
                        IstOperatorTunnel *tunnel)
{
  IstEmulatorTunnel *found;

  g_assert_nonnull (ist_operator_tunnel_get_tunnel_id (tunnel));
  found = ist_emulator_service_lookup_tunnel (self->service, ist_operator_tunnel_get_tunnel_id (tunnel));
  return found != NULL ? g_object_ref (found) : NULL;
}

void
test_operating_take_device_off (TestOperating *self)
{
  self->is_online = FALSE;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->device)); i++)
    {
      g_autoptr (IstAgentTunnel) tunnel = g_list_model_get_item (G_LIST_MODEL (self->device), i);

      ist_agent_tunnel_stop (tunnel);
    }
  test_wait (ist_agent_device_get_n_tunnels (self->device) == 0);
}

/* Calls */

IstConnection *
test_connect (TestOperating *self,
              const char *service,
              GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_client_connect_async (self->client, TEST_THING, service, NULL, NULL, test_store_result, &result);
  g_assert_null (result);
  test_wait (result != NULL);
  return ist_operator_client_connect_finish (self->client, result, error);
}

void
test_count_down (GObject *source,
                 GAsyncResult *result,
                 gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection =
    ist_operator_client_connect_finish (IST_OPERATOR_CLIENT (source), result, &error);
  guint *n = user_data;

  g_assert_true ((connection != NULL) != (error != NULL));
  (*n)--;
}

void
test_exchange (IstConnection *connection,
               const char *text)
{
  g_autoptr (GAsyncResult) written = NULL;
  g_autoptr (GAsyncResult) read = NULL;
  g_autofree char *answer = g_malloc0 (strlen (text) + 1);
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (connection)), text, strlen (text), 0,
                                   NULL, test_store_result, &written);
  g_input_stream_read_all_async (g_io_stream_get_input_stream (G_IO_STREAM (connection)), answer, strlen (text), 0,
                                 NULL, test_store_result, &read);
  test_wait (written != NULL && read != NULL);
  g_output_stream_write_all_finish (g_io_stream_get_output_stream (G_IO_STREAM (connection)), written, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (answer, ==, text);
}

GError *
test_await_end (IstConnection *connection)
{
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) bytes = NULL;
  GError *error = NULL;

  g_input_stream_read_bytes_async (in, 1, 0, NULL, test_store_result, &result);
  test_wait (result != NULL);
  bytes = g_input_stream_read_bytes_finish (in, result, &error);
  g_assert_true (bytes == NULL || g_bytes_get_size (bytes) == 0);
  return error;
}

IstOperatorTunnel *
test_open (TestOperating *self,
           const char *service,
           GError **error)
{
  const char *const services[] = { service, NULL };
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_client_open_async (self->client, TEST_THING, services, NULL, NULL, test_store_result, &result);
  test_wait (result != NULL);
  return ist_operator_client_open_finish (self->client, result, error);
}

IstOperatorTunnel *
test_adopt (TestOperating *self,
            const char *tunnel_id,
            GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_client_adopt_async (self->client, tunnel_id, NULL, test_store_result, &result);
  test_wait (result != NULL);
  return ist_operator_client_adopt_finish (self->client, result, error);
}

gboolean
test_close_client (TestOperating *self,
                   GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_client_close_async (self->client, NULL, test_store_result, &result);
  g_assert_null (result);
  test_wait (result != NULL);
  return ist_operator_client_close_finish (self->client, result, error);
}
