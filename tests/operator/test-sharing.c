/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One tunnel for all connections to a device: when it is opened, kept, reused and closed.
 */

#include <string.h>

#include "operating.h"

#define N_AT_ONCE 20

static void
check_not_open (TestOperating *operating,
                IstOperatorTunnel *tunnel)
{
  g_autoptr (IstEmulatorTunnel) at_service = test_operating_look_up (operating, tunnel);

  g_assert_null (at_service);
}

static void
test_second (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) first = test_connect (operating, "SSH", &error);
  g_autoptr (IstConnection) second = NULL;
  g_autoptr (IstOperatorTunnel) tunnel = NULL;
  g_autoptr (IstForwarderConnection) listed = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (operating->states->str, ==, "looking opening waiting connected ");
  test_exchange (first, "first");
  second = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (first, "one");
  test_exchange (second, "two");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
  g_assert_cmpuint (ist_operator_client_get_n_tunnels (operating->client), ==, 1);

  tunnel = test_operating_get_tunnel (operating, 0);
  g_assert_cmpstr (ist_operator_tunnel_get_thing_name (tunnel), ==, TEST_THING);
  g_assert_cmpstr (ist_operator_tunnel_get_service_ids (tunnel)[0], ==, "SSH");
  g_assert_false (ist_operator_tunnel_get_reused (tunnel));
  g_assert_cmpint (ist_operator_tunnel_get_expires_at (tunnel) - ist_operator_tunnel_get_opened_at (tunnel), ==,
                   12 * G_TIME_SPAN_HOUR);
  g_assert_cmpuint (ist_operator_tunnel_get_n_connections (tunnel), ==, 2);
  g_assert_cmpuint (ist_operator_tunnel_get_bytes_in (tunnel), ==, 11);
  listed = g_list_model_get_item (G_LIST_MODEL (tunnel), 1);
  g_assert_cmpuint (ist_forwarder_connection_get_bytes_out (listed), ==, 3);
  g_assert_nonnull (ist_operator_tunnel_get_secure_tunnel (tunnel));
  g_assert_null (ist_operator_tunnel_get_last_error (tunnel));
  test_wait (ist_operator_tunnel_get_rate_in (tunnel) > 0);

  g_assert_true (test_close_client (operating, &error));
  check_not_open (operating, tunnel);
}

static void
test_at_once (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  GAsyncResult *results[N_AT_ONCE] = { NULL };
  IstConnection *connections[N_AT_ONCE];
  g_autoptr (GError) error = NULL;

  /* Nobody speaks before all are there. */
  ist_operator_client_set_protocol_version (operating->client, IST_PROTOCOL_VERSION_V3);
  for (guint i = 0; i < N_AT_ONCE; i++)
    ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, NULL, test_store_result,
                                       &results[i]);
  for (guint i = 0; i < N_AT_ONCE; i++)
    {
      test_wait (results[i] != NULL);
      connections[i] = ist_operator_client_connect_finish (operating->client, results[i], &error);
      g_assert_no_error (error);
      test_exchange (connections[i], "hello");
      g_object_unref (results[i]);
    }
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
  for (guint i = 0; i < N_AT_ONCE; i++)
    g_object_unref (connections[i]);
}

static void
test_linger (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;
  g_autoptr (IstOperatorTunnel) tunnel = NULL;

  ist_operator_client_set_linger (operating->client, 1);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  tunnel = test_operating_get_tunnel (operating, 0);
  test_run_for (1500);
  test_exchange (connection, "in use");
  g_clear_object (&connection);
  test_wait (operating->n_closed == 1);
  g_assert_no_error (operating->closed_error);
  g_assert_cmpuint (ist_operator_client_get_n_tunnels (operating->client), ==, 0);
  check_not_open (operating, tunnel);

  /* The next one begins anew. */
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "again");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 2);
}

static void
test_linger_changes (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);

  g_clear_object (&connection);
  test_run_for (200);
  g_assert_cmpuint (operating->n_closed, ==, 0);
  ist_operator_client_set_linger (operating->client, 0);
  test_wait (operating->n_closed == 1);
}

static void
test_kept (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorTunnel) tunnel = NULL;
  g_autoptr (IstOperatorTunnel) same = NULL;
  g_autoptr (IstConnection) connection = NULL;

  ist_operator_client_set_linger (operating->client, 0);
  tunnel = test_open (operating, "SSH", &error);
  g_assert_no_error (error);
  g_assert_true (ist_operator_tunnel_get_kept (tunnel));
  g_assert_cmpint (ist_operator_tunnel_get_state (tunnel), ==, IST_OPERATOR_TUNNEL_STATE_CONNECTED);
  same = test_open (operating, "SSH", &error);
  g_assert_true (same == tunnel);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "hello");
  g_clear_object (&connection);
  test_wait (ist_operator_tunnel_get_n_connections (tunnel) == 0);
  test_run_for (300);
  g_assert_cmpuint (operating->n_closed, ==, 0);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);

  ist_operator_tunnel_set_kept (tunnel, FALSE);
  test_wait (operating->n_closed == 1);
}

static void
test_services (void)
{
  static const char *const both[] = { "SSH", "WEB", NULL };
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) ssh = test_connect (operating, "SSH", &error);
  g_autoptr (IstConnection) web = test_connect (operating, "WEB", &error);

  g_assert_no_error (error);
  test_exchange (web, "of its own");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 2);
  g_clear_object (&ssh);
  g_clear_object (&web);
  ist_operator_client_set_linger (operating->client, 0);
  test_wait (operating->n_closed == 2);

  ist_operator_client_set_services (operating->client, both);
  g_assert_true (g_strv_equal (ist_operator_client_get_services (operating->client), both));
  ssh = test_connect (operating, "SSH", &error);
  web = test_connect (operating, "WEB", &error);
  g_assert_no_error (error);
  test_exchange (ssh, "together");
  test_exchange (web, "together");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 3);
}

static void
test_never (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) first = NULL;
  g_autoptr (IstConnection) second = NULL;

  ist_operator_options_set_reuse (ist_operator_client_get_options (operating->client), IST_OPERATOR_REUSE_NEVER);
  first = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  second = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ist_operator_client_get_n_tunnels (operating->client), ==, 2);
  test_exchange (first, "hello");
  g_clear_object (&first);
  test_wait (operating->n_closed == 1);
  test_exchange (second, "hello");
}

/* Of each call */

static void
connect_with (TestOperating *operating,
              IstOperatorOptions *options,
              GCancellable *cancellable,
              GAsyncResult **result)
{
  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", options, cancellable, test_store_result,
                                     result);
}

static void
test_options (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (IstOperatorOptions) options = ist_operator_options_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) alone = NULL;
  g_autoptr (IstConnection) first = NULL;
  g_autoptr (IstConnection) second = NULL;
  g_autoptr (IstOperatorTunnel) exclusive = NULL;
  g_autoptr (IstOperatorTunnel) shared = NULL;

  ist_operator_options_set_reuse (options, IST_OPERATOR_REUSE_NEVER);
  ist_operator_options_set_lifetime (options, 60);
  connect_with (operating, options, NULL, &result);
  /* That was read. */
  ist_operator_options_set_lifetime (options, 1);
  test_wait (result != NULL);
  alone = ist_operator_client_connect_finish (operating->client, result, &error);
  g_assert_no_error (error);
  first = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (first, "hello");
  second = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ist_operator_client_get_n_tunnels (operating->client), ==, 2);
  exclusive = test_operating_get_tunnel (operating, 0);
  shared = test_operating_get_tunnel (operating, 1);
  g_assert_cmpint (ist_operator_tunnel_get_expires_at (exclusive) - ist_operator_tunnel_get_opened_at (exclusive), ==,
                   G_TIME_SPAN_HOUR);
  g_assert_cmpint (ist_operator_tunnel_get_expires_at (shared) - ist_operator_tunnel_get_opened_at (shared), ==,
                   12 * G_TIME_SPAN_HOUR);
  g_assert_cmpuint (ist_operator_tunnel_get_n_connections (shared), ==, 2);
}

/* Of two that wait for the same device. */
static void
test_patience (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (IstOperatorOptions) options = ist_operator_options_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) patient = NULL;
  g_autoptr (GAsyncResult) impatient = NULL;
  g_autoptr (GError) error = NULL;

  operating->is_online = FALSE;
  connect_with (operating, NULL, cancellable, &patient);
  ist_operator_options_set_device_timeout (options, 1);
  connect_with (operating, options, NULL, &impatient);
  test_wait (impatient != NULL);
  g_assert_null (ist_operator_client_connect_finish (operating->client, impatient, &error));
  g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED);
  g_assert_nonnull (strstr (error->message, "within 1 seconds"));
  g_clear_error (&error);
  g_assert_cmpuint (ist_operator_client_get_n_tunnels (operating->client), ==, 1);
  g_assert_null (patient);

  g_cancellable_cancel (cancellable);
  test_wait (patient != NULL);
  g_assert_null (ist_operator_client_connect_finish (operating->client, patient, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Tunnels of others */

static IstEmulatorTunnel *
open_at_service (TestOperating *operating)
{
  static const char *const services[] = { "WEB", "SSH", NULL };
  g_autoptr (GError) error = NULL;
  IstEmulatorTunnel *tunnel =
    ist_emulator_service_open_tunnel (operating->service, services, TEST_THING, 0, &error);

  g_assert_no_error (error);
  return tunnel;
}

static void
test_any (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (IstEmulatorTunnel) theirs = open_at_service (operating);
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;
  g_autoptr (IstOperatorTunnel) tunnel = NULL;

  test_wait (ist_emulator_tunnel_is_connected (theirs, IST_MODE_DESTINATION));
  ist_operator_options_set_reuse (ist_operator_client_get_options (operating->client), IST_OPERATOR_REUSE_ANY);
  ist_operator_client_set_linger (operating->client, 0);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "hello");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 0);
  g_assert_cmpuint (operating->n_notifications, ==, 1);
  tunnel = test_operating_get_tunnel (operating, 0);
  g_assert_true (ist_operator_tunnel_get_reused (tunnel));
  g_assert_cmpstr (ist_operator_tunnel_get_tunnel_id (tunnel), ==, ist_emulator_tunnel_get_id (theirs));

  /* It is theirs. */
  g_clear_object (&connection);
  test_wait (operating->n_closed == 1);
  g_assert_true (ist_emulator_tunnel_is_open (theirs));
}

/* Who has it in mind is told by its id. */
static void
test_any_adopted (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (IstEmulatorTunnel) theirs = open_at_service (operating);
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;
  g_autoptr (IstOperatorTunnel) adopted = NULL;

  ist_operator_options_set_reuse (ist_operator_client_get_options (operating->client), IST_OPERATOR_REUSE_ANY);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  adopted = test_adopt (operating, ist_emulator_tunnel_get_id (theirs), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ist_operator_client_get_n_tunnels (operating->client), ==, 1);
  g_assert_true (test_close_client (operating, &error));
  check_not_open (operating, adopted);
}

/* The device has to be told as well. */
static void
test_any_without_device (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (IstEmulatorTunnel) theirs = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;

  operating->is_online = FALSE;
  theirs = open_at_service (operating);
  operating->is_online = TRUE;
  ist_operator_options_set_reuse (ist_operator_client_get_options (operating->client), IST_OPERATOR_REUSE_ANY);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "hello");
  g_assert_cmpuint (operating->n_notifications, ==, 2);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 0);
  g_assert_cmpuint (test_operating_count (operating, "RotateTunnelAccessToken"), ==, 1);
}

/* Somebody is connected to the one, and the other lacks the service. */
static void
test_any_finds_none (void)
{
  static const char *const other[] = { "VNC", NULL };
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (IstEmulatorTunnel) theirs = open_at_service (operating);
  g_autoptr (IstEmulatorTunnel) lacking G_GNUC_UNUSED =
    ist_emulator_service_open_tunnel (operating->service, other, TEST_THING, 0, NULL);
  g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
  g_autoptr (IstSecureTunnel) source = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;

  g_object_set (builder, "mode", IST_MODE_SOURCE, "access-token", ist_emulator_tunnel_get_source_access_token (theirs),
                "endpoint", ist_emulator_service_get_endpoint (operating->service), NULL);
  source = ist_secure_tunnel_builder_build (builder, &error);
  g_assert_true (ist_secure_tunnel_start (source, &error));
  test_wait (ist_emulator_tunnel_is_connected (theirs, IST_MODE_SOURCE));

  ist_operator_options_set_reuse (ist_operator_client_get_options (operating->client), IST_OPERATOR_REUSE_ANY);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
  g_assert_cmpuint (test_operating_count (operating, "RotateTunnelAccessToken"), ==, 0);
  g_assert_cmpint (ist_secure_tunnel_get_state (source), ==, IST_TUNNEL_STATE_CONNECTED);
  ist_secure_tunnel_stop (source);
  test_wait (ist_secure_tunnel_get_state (source) == IST_TUNNEL_STATE_STOPPED);
}

/* Whoever may only open tunnels is not kept from it. */
static void
test_any_denied (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;

  test_operating_fail (operating, "ListTunnels", "AccessDeniedException", 1);
  ist_operator_options_set_reuse (ist_operator_client_get_options (operating->client), IST_OPERATOR_REUSE_ANY);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
}

static void
test_adopting (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (IstEmulatorTunnel) left = open_at_service (operating);
  g_autofree char *id = g_strdup (ist_emulator_tunnel_get_id (left));
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorTunnel) tunnel = test_adopt (operating, id, &error);
  g_autoptr (IstOperatorTunnel) same = NULL;
  g_autoptr (IstConnection) connection = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (ist_operator_tunnel_get_thing_name (tunnel), ==, TEST_THING);
  g_assert_true (ist_operator_tunnel_get_reused (tunnel));
  g_assert_false (ist_operator_tunnel_get_kept (tunnel));
  same = test_adopt (operating, id, &error);
  g_assert_true (same == tunnel);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "hello");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 0);

  /* It is the client's now. */
  g_assert_true (test_close_client (operating, &error));
  g_assert_null (test_adopt (operating, id, &error));
  g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_CLOSED);
  check_not_open (operating, tunnel);
}

static void
test_adopting_in_vain (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (IstEmulatorTunnel) left = open_at_service (operating);
  g_autofree char *id = g_strdup (ist_emulator_tunnel_get_id (left));
  g_autoptr (GError) error = NULL;

  g_assert_null (test_adopt (operating, "0123456789", &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  ist_emulator_tunnel_set_lifetime_ms (left, 1);
  test_wait (!ist_emulator_tunnel_is_open (left));
  g_assert_null (test_adopt (operating, id, &error));
  g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_CLOSED);
  g_assert_cmpuint (ist_operator_client_get_n_tunnels (operating->client), ==, 0);
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/operator/sharing/second", test_second);
  g_test_add_func ("/operator/sharing/at-once", test_at_once);
  g_test_add_func ("/operator/sharing/linger", test_linger);
  g_test_add_func ("/operator/sharing/linger-changes", test_linger_changes);
  g_test_add_func ("/operator/sharing/kept", test_kept);
  g_test_add_func ("/operator/sharing/services", test_services);
  g_test_add_func ("/operator/sharing/never", test_never);
  g_test_add_func ("/operator/sharing/options", test_options);
  g_test_add_func ("/operator/sharing/patience", test_patience);
  g_test_add_func ("/operator/sharing/any", test_any);
  g_test_add_func ("/operator/sharing/any-adopted", test_any_adopted);
  g_test_add_func ("/operator/sharing/any-without-device", test_any_without_device);
  g_test_add_func ("/operator/sharing/any-finds-none", test_any_finds_none);
  g_test_add_func ("/operator/sharing/any-denied", test_any_denied);
  g_test_add_func ("/operator/sharing/adopting", test_adopting);
  g_test_add_func ("/operator/sharing/adopting-in-vain", test_adopting_in_vain);
  return g_test_run ();
}
