/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "client.h"

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

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/emulator/tunnels/tunnel-with-nothing", test_tunnel_with_nothing);
  g_test_add_func ("/emulator/tunnels/service-with-nothing", test_service_with_nothing);

  return g_test_run ();
}
