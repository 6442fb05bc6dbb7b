/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "client.h"

#define CLIENT_TOKEN "12345678-abcd-1234-abcd-123456789012"

/* A type with nothing given, as bindings make it: whatever can be asked of it has
 * an answer. */
static void
read_all_properties (GObject *object)
{
  g_autofree GParamSpec **specs = NULL;
  guint n_specs;

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n_specs);
  for (guint i = 0; i < n_specs; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;
      g_autofree char *text = NULL;

      g_object_get_property (object, specs[i]->name, &value);
      text = g_strdup_value_contents (&value);
      g_test_message ("%s is %s", specs[i]->name, text);
    }
}

static void
test_tunnel_with_nothing (void)
{
  g_autoptr (IstEmulatorTunnel) tunnel = g_object_new (IST_EMULATOR_TYPE_TUNNEL, NULL);
  g_autoptr (IstMessage) message = ist_message_new ("SSH", NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  const char *const none[] = { NULL };

  read_all_properties (G_OBJECT (tunnel));
  g_assert_nonnull (ist_emulator_tunnel_get_id (tunnel));
  g_assert_true (g_str_has_suffix (ist_emulator_tunnel_get_arn (tunnel), ist_emulator_tunnel_get_id (tunnel)));
  g_assert_cmpstrv ((gpointer) ist_emulator_tunnel_get_service_ids (tunnel), (gpointer) none);
  g_assert_null (ist_emulator_tunnel_get_thing_name (tunnel));
  g_assert_null (ist_emulator_tunnel_get_source_access_token (tunnel));
  g_assert_null (ist_emulator_tunnel_get_destination_access_token (tunnel));
  g_assert_false (ist_emulator_tunnel_is_open (tunnel));
  ist_emulator_tunnel_set_lifetime_ms (tunnel, 1);
  ist_emulator_tunnel_reset_session (tunnel);

  for (int side = IST_MODE_SOURCE; side <= IST_MODE_DESTINATION; side++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (ist_emulator_tunnel_is_connected (tunnel, side));
      g_assert_cmpuint (ist_emulator_tunnel_get_queued_bytes (tunnel, side), ==, 0);
      g_assert_false (ist_emulator_tunnel_close_side (tunnel, side, 1000, NULL));
      g_assert_false (ist_emulator_tunnel_drop_side (tunnel, side));
      g_assert_false (ist_emulator_tunnel_send_message (tunnel, side, message, &error));
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED);
      g_clear_error (&error);
      g_assert_false (ist_emulator_tunnel_send_bytes (tunnel, side, bytes, &error));
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED);
      g_clear_error (&error);
      g_assert_false (ist_emulator_tunnel_send_text (tunnel, side, "x", &error));
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED);
      ist_emulator_tunnel_refuse_handshakes (tunnel, side, 1, 503, NULL);
      ist_emulator_tunnel_set_omit_subprotocol (tunnel, side, TRUE);
      ist_emulator_tunnel_set_omit_service_ids (tunnel, side, TRUE);
      ist_emulator_tunnel_set_stalled (tunnel, side, TRUE);
      ist_emulator_tunnel_set_delay_ms (tunnel, side, 1);
      ist_emulator_tunnel_set_frame_size (tunnel, side, 1);
    }
  test_settle ();
}

static void
test_service_with_nothing (void)
{
  g_autoptr (IstEmulatorService) service = g_object_new (IST_EMULATOR_TYPE_SERVICE, NULL);
  g_autoptr (IstEmulatorService) nowhere = g_object_new (IST_EMULATOR_TYPE_SERVICE, "address", NULL, NULL);
  g_autoptr (GError) error = NULL;

  read_all_properties (G_OBJECT (service));
  g_assert_null (ist_emulator_service_lookup_tunnel (service, ""));
  g_assert_false (ist_emulator_service_close_tunnel (service, "", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (ist_emulator_service_rotate_tokens (service, "", IST_EMULATOR_SIDES_ALL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (ist_emulator_service_write_ca_file (service, "/nowhere", &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  g_clear_error (&error);
  ist_emulator_service_stop (service);

  read_all_properties (G_OBJECT (nowhere));
  g_assert_false (ist_emulator_service_start (nowhere, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
}

/* A service, and what was heard of its list, in order. */
typedef struct
{
  IstEmulatorService *service;
  GListModel *model;
  GString *changes;
} Fixture;

static void
on_items_changed (GListModel *model,
                  guint position,
                  guint removed,
                  guint added,
                  Fixture *fixture)
{
  g_string_append_printf (fixture->changes, "%u-%u+%u=%u ", position, removed, added,
                          g_list_model_get_n_items (model));
  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (IstEmulatorTunnel) tunnel = g_list_model_get_item (model, i);

      g_assert_true (ist_emulator_tunnel_is_open (tunnel));
    }
}

static void
set_up (Fixture *fixture,
        gconstpointer user_data)
{
  fixture->service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE, NULL);
  fixture->model = G_LIST_MODEL (fixture->service);
  fixture->changes = g_string_new (NULL);
  g_signal_connect (fixture->model, "items-changed", G_CALLBACK (on_items_changed), fixture);
}

static void
tear_down (Fixture *fixture,
           gconstpointer user_data)
{
  g_assert_finalize_object (fixture->service);
  g_string_free (fixture->changes, TRUE);
  test_run_for (SETTLE_TIME);
}

static IstEmulatorTunnel *
open_tunnel (Fixture *fixture)
{
  const char *const services[] = { "SSH", NULL };
  g_autoptr (GError) error = NULL;
  IstEmulatorTunnel *tunnel;

  tunnel = ist_emulator_service_open_tunnel (fixture->service, services, NULL, 0, &error);
  g_assert_no_error (error);
  return tunnel;
}

static void
start (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  ist_emulator_service_start (fixture->service, &error);
  g_assert_no_error (error);
}

static void
assert_item (Fixture *fixture,
             guint position,
             IstEmulatorTunnel *expected)
{
  g_autoptr (IstEmulatorTunnel) tunnel = g_list_model_get_item (fixture->model, position);

  g_assert_true (tunnel == expected);
}

static void
test_list (Fixture *fixture,
           gconstpointer user_data)
{
  g_autoptr (IstEmulatorTunnel) first = open_tunnel (fixture);
  g_autoptr (IstEmulatorTunnel) second = open_tunnel (fixture);
  g_autoptr (IstEmulatorTunnel) third = open_tunnel (fixture);
  const char *id = ist_emulator_tunnel_get_id (second);

  g_assert_true (g_list_model_get_item_type (fixture->model) == IST_EMULATOR_TYPE_TUNNEL);
  assert_item (fixture, 0, first);
  assert_item (fixture, 1, second);
  assert_item (fixture, 2, third);
  assert_item (fixture, 3, NULL);

  /* Whoever closes it or lets it expire: it leaves, and is still known. */
  ist_emulator_service_close_tunnel (fixture->service, id, NULL);
  assert_item (fixture, 0, first);
  assert_item (fixture, 1, third);
  g_assert_true (ist_emulator_service_lookup_tunnel (fixture->service, id) == second);
  ist_emulator_tunnel_set_lifetime_ms (first, 1);
  test_wait (!ist_emulator_tunnel_is_open (first));
  assert_item (fixture, 0, third);
  assert_item (fixture, 1, NULL);

  /* A stop closes no tunnel. */
  start (fixture);
  ist_emulator_service_stop (fixture->service);
  assert_item (fixture, 0, third);
  g_assert_cmpstr (fixture->changes->str, ==, "0-0+1=1 1-0+1=2 2-0+1=3 1-1+0=2 0-1+0=1 ");
}

static void
on_notified (IstEmulatorTunnel *tunnel,
             GParamSpec *pspec,
             guint *n_notified)
{
  (*n_notified)++;
}

static void
test_times (Fixture *fixture,
            gconstpointer user_data)
{
  gint64 before = g_get_real_time ();
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture);
  gint64 opened_at = ist_emulator_tunnel_get_opened_at (tunnel);
  guint n_notified = 0;

  g_assert_cmpint (opened_at, >=, before);
  g_assert_cmpint (opened_at, <=, g_get_real_time ());
  g_assert_cmpint (ist_emulator_tunnel_get_expires_at (tunnel), >=, opened_at + 720 * 60 * (gint64) G_USEC_PER_SEC);
  g_signal_connect (tunnel, "notify::expires-at", G_CALLBACK (on_notified), &n_notified);
  ist_emulator_tunnel_set_lifetime_ms (tunnel, 60000);
  g_assert_cmpuint (n_notified, ==, 1);
  g_assert_cmpint (ist_emulator_tunnel_get_expires_at (tunnel), <=, g_get_real_time () + 60 * G_USEC_PER_SEC);
}

static void
on_connected_sides (IstEmulatorTunnel *tunnel,
                    GParamSpec *pspec,
                    GString *sides)
{
  g_string_append_printf (sides, "%u ", ist_emulator_tunnel_get_connected_sides (tunnel));
}

static void
test_connected_sides (Fixture *fixture,
                      gconstpointer user_data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture);
  g_autoptr (GString) sides = g_string_new (NULL);
  g_autoptr (Client) source = NULL;
  g_autoptr (Client) destination = NULL;

  start (fixture);
  g_signal_connect (tunnel, "notify::connected-sides", G_CALLBACK (on_connected_sides), sides);
  source = client_new (fixture->service, tunnel, IST_MODE_SOURCE, CLIENT_TOKEN);
  destination = client_new (fixture->service, tunnel, IST_MODE_DESTINATION, "x" CLIENT_TOKEN);
  ist_emulator_tunnel_drop_side (tunnel, IST_MODE_SOURCE);
  ist_emulator_tunnel_drop_side (tunnel, IST_MODE_DESTINATION);
  g_assert_cmpstr (sides->str, ==, "1 3 2 0 ");
  g_signal_handlers_disconnect_by_data (tunnel, sides);
}

static void
on_bytes_from_source (IstEmulatorTunnel *tunnel,
                      GParamSpec *pspec,
                      gint64 *notified_at)
{
  /* A slow machine may notify later than that, never earlier. */
  g_assert_cmpint (g_get_monotonic_time (), >=, *notified_at + G_USEC_PER_SEC * 9 / 10);
  *notified_at = g_get_monotonic_time ();
}

static void
test_counters (Fixture *fixture,
               gconstpointer user_data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture);
  g_autoptr (GObject) label = g_object_new (G_TYPE_SOCKET_CLIENT, NULL);
  g_autoptr (Client) source = NULL;
  g_autoptr (Client) destination = NULL;
  gint64 notified_at = 0;
  guint64 expected = 0;

  start (fixture);
  source = client_new (fixture->service, tunnel, IST_MODE_SOURCE, CLIENT_TOKEN);
  destination = client_new (fixture->service, tunnel, IST_MODE_DESTINATION, "x" CLIENT_TOKEN);
  g_signal_connect (tunnel, "notify::bytes-from-source", G_CALLBACK (on_bytes_from_source), &notified_at);
  /* Any property of a number will do in the place of a label's text. */
  g_object_bind_property (tunnel, "bytes-from-source", label, "timeout", G_BINDING_DEFAULT);

  for (int round = 0; round < 2; round++)
    {
      guint bound;

      for (int i = 1; i <= 10; i++)
        {
          g_autoptr (GBytes) bytes = client_encode (IST_MESSAGE_TYPE_STREAM_START, "SSH", i, 1, NULL);

          client_send_bytes (source, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
          expected += g_bytes_get_size (bytes);
        }
      test_wait (ist_emulator_tunnel_get_bytes_from_source (tunnel) == expected);
      test_wait ((g_object_get (label, "timeout", &bound, NULL), bound == expected));
    }
  g_assert_cmpuint (ist_emulator_tunnel_get_bytes_from_destination (tunnel), ==, 0);
}

/* Counters that are still to be notified keep nobody. */
static void
test_counters_dropped (Fixture *fixture,
                       gconstpointer user_data)
{
  g_autoptr (IstEmulatorTunnel) tunnel = open_tunnel (fixture);
  g_autoptr (Client) source = NULL;

  start (fixture);
  source = client_new (fixture->service, tunnel, IST_MODE_SOURCE, CLIENT_TOKEN);
  client_send (source, IST_MESSAGE_TYPE_STREAM_START, "SSH", 1, 1, NULL);
  test_wait (ist_emulator_tunnel_get_bytes_from_source (tunnel) > 0);
}

/* Everything happens in the context of the service's construction, whichever is
 * the thread-default when it is used. */
static void
test_contexts (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (IstEmulatorService) service = NULL;
  g_autoptr (IstEmulatorTunnel) tunnel = NULL;
  g_autoptr (GSocketClient) socket_client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *request = NULL;
  gint64 deadline = test_get_deadline ();
  char answer[4096];

  g_main_context_push_thread_default (context);
  service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE, NULL);
  g_main_context_pop_thread_default (context);

  ist_emulator_service_start (service, &error);
  g_assert_no_error (error);
  tunnel = ist_emulator_service_open_tunnel (service, NULL, NULL, 0, &error);
  g_assert_no_error (error);
  request = client_make_request (tunnel, IST_MODE_SOURCE, NULL);
  connection = g_socket_client_connect_to_host (socket_client, "127.0.0.1",
                                                ist_emulator_service_get_port (service), NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
                                            request, strlen (request), NULL, NULL, NULL));

  test_run_for (SETTLE_TIME);
  g_assert_false (ist_emulator_tunnel_is_connected (tunnel, IST_MODE_SOURCE));
  while (!ist_emulator_tunnel_is_connected (tunnel, IST_MODE_SOURCE))
    test_iterate (context, deadline, "connected", G_STRLOC);
  g_assert_cmpint (g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), answer,
                                        sizeof answer, NULL, NULL),
                   >, 0);

  ist_emulator_tunnel_set_lifetime_ms (tunnel, 1);
  test_run_for (SETTLE_TIME);
  g_assert_true (ist_emulator_tunnel_is_open (tunnel));
  while (ist_emulator_tunnel_is_open (tunnel))
    test_iterate (context, deadline, "expired", G_STRLOC);

  ist_emulator_service_stop (service);
  test_run_for (SETTLE_TIME);
  g_assert_cmpint (ist_emulator_service_get_state (service), ==, IST_EMULATOR_SERVICE_STATE_STOPPING);
  while (ist_emulator_service_get_state (service) != IST_EMULATOR_SERVICE_STATE_STOPPED)
    test_iterate (context, deadline, "stopped", G_STRLOC);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/emulator/tunnels/tunnel-with-nothing", test_tunnel_with_nothing);
  g_test_add_func ("/emulator/tunnels/service-with-nothing", test_service_with_nothing);
#define ADD(name, function) g_test_add ("/emulator/tunnels/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("list", test_list);
  ADD ("times", test_times);
  ADD ("connected-sides", test_connected_sides);
  ADD ("counters", test_counters);
  ADD ("counters/dropped", test_counters_dropped);
  g_test_add_func ("/emulator/tunnels/contexts", test_contexts);

  return g_test_run ();
}
