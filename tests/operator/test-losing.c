/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a client makes of tunnels, devices and services that fail, and of callers who do.
 */

#include <string.h>
#include <sys/socket.h>

#include "operating.h"

/* The tunnel */

static void
test_closed_by_others (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) end = NULL;
  g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);
  g_autoptr (IstOperatorTunnel) tunnel = test_operating_get_tunnel (operating, 0);

  g_assert_no_error (error);
  g_assert_true (ist_emulator_service_close_tunnel (operating->service, ist_operator_tunnel_get_tunnel_id (tunnel),
                                                    &error));
  end = test_await_end (connection);
  g_assert_nonnull (end);
  test_wait (operating->n_closed == 1);
  g_assert_error (operating->closed_error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED);
  g_assert_error (ist_operator_tunnel_get_last_error (tunnel), IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED);

  g_clear_object (&connection);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "in a new one");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 2);
}

/* Closed in the background, while the client is about to use it. */
static void
test_closed_unnoticed (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);
  g_autoptr (IstOperatorTunnel) tunnel = test_operating_get_tunnel (operating, 0);

  g_clear_object (&connection);
  ist_emulator_service_close_tunnel (operating->service, ist_operator_tunnel_get_tunnel_id (tunnel), &error);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  if (ist_operator_tunnel_get_state (tunnel) == IST_OPERATOR_TUNNEL_STATE_CLOSED)
    {
      test_exchange (connection, "in a new one");
      return;
    }
  error = test_await_end (connection);
  g_assert_nonnull (error);
}

static void
test_expired (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;
  g_autoptr (IstOperatorTunnel) tunnel = NULL;
  g_autoptr (IstEmulatorTunnel) at_service = NULL;

  ist_operator_options_set_lifetime (ist_operator_client_get_options (operating->client), 60);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  tunnel = test_operating_get_tunnel (operating, 0);
  g_assert_cmpint (ist_operator_tunnel_get_expires_at (tunnel) - ist_operator_tunnel_get_opened_at (tunnel), ==,
                   G_TIME_SPAN_HOUR);
  at_service = test_operating_look_up (operating, tunnel);
  ist_emulator_tunnel_set_lifetime_ms (at_service, 1);
  test_wait (operating->n_closed == 1);
  g_assert_error (operating->closed_error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED);
  g_clear_object (&connection);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "in a new one");
}

/* Somebody has rotated the token: the tunnel is theirs now. */
static void
test_taken_away (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);
  g_autoptr (IstOperatorTunnel) tunnel = test_operating_get_tunnel (operating, 0);
  g_autoptr (IstEmulatorTunnel) at_service = test_operating_look_up (operating, tunnel);

  g_assert_true (ist_emulator_service_rotate_tokens (operating->service, ist_operator_tunnel_get_tunnel_id (tunnel),
                                                     IST_EMULATOR_SIDES_SOURCE, &error));
  test_wait (operating->n_closed == 1);
  g_assert_nonnull (operating->closed_error);
  g_assert_true (ist_emulator_tunnel_is_open (at_service));
  g_assert_cmpuint (test_operating_count (operating, "RotateTunnelAccessToken"), ==, 0);
  g_clear_object (&connection);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 2);
  g_assert_true (ist_emulator_tunnel_is_open (at_service));
}

/* The WebSocket alone: the tunnel comes back. */
static void
test_interrupted (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) end = NULL;
  g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);
  g_autoptr (IstOperatorTunnel) tunnel = test_operating_get_tunnel (operating, 0);
  g_autoptr (IstEmulatorTunnel) at_service = test_operating_look_up (operating, tunnel);

  ist_emulator_tunnel_drop_side (at_service, IST_MODE_SOURCE);
  end = test_await_end (connection);
  g_assert_nonnull (end);
  g_clear_object (&connection);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "hello");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
}

/* The device */

static void
test_device_late (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;
  g_autoptr (IstOperatorTunnel) tunnel = NULL;

  operating->is_online = FALSE;
  ist_operator_options_set_device_timeout (ist_operator_client_get_options (operating->client), 1);
  g_assert_null (test_connect (operating, "SSH", &error));
  g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED);
  g_assert_nonnull (strstr (error->message, TEST_THING));
  g_clear_error (&error);
  tunnel = test_operating_get_tunnel (operating, 0);
  g_assert_cmpint (ist_operator_tunnel_get_state (tunnel), ==, IST_OPERATOR_TUNNEL_STATE_WAITING);
  g_assert_error (ist_operator_tunnel_get_last_error (tunnel), IST_OPERATOR_CLIENT_ERROR,
                  IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED);

  /* It is paid for, and stays for the next attempt; the device is told of it again. */
  operating->is_online = TRUE;
  ist_operator_options_set_device_timeout (ist_operator_client_get_options (operating->client), 60);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "hello");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
  g_assert_cmpuint (operating->n_notifications, ==, 2);
  g_assert_null (ist_operator_tunnel_get_last_error (tunnel));
}

/* In mid-use, and without a word: its agent has to be notified. */
static void
test_device_returns (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) end = NULL;
  g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);

  g_assert_no_error (error);
  test_exchange (connection, "hello");
  test_operating_take_device_off (operating);
  end = test_await_end (connection);
  g_clear_object (&connection);
  operating->is_online = TRUE;
  g_string_truncate (operating->states, 0);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (operating->states->str, ==, "waiting connected ");
  test_exchange (connection, "hello again");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
}

static void
test_unknown_service (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;

  ist_operator_options_set_device_timeout (ist_operator_client_get_options (operating->client), 1);
  g_assert_null (test_connect (operating, "VNC", &error));
  g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED);
  g_assert_nonnull (strstr (error->message, "VNC"));
}

/* The service */

static void
check_error_of_opening (TestOperating *operating,
                        const char *error_type,
                        int code)
{
  g_autoptr (GError) error = NULL;

  test_operating_fail (operating, "OpenTunnel", error_type, G_MAXUINT);
  g_assert_null (test_connect (operating, "SSH", &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, code);
  g_assert_cmpuint (ist_operator_client_get_n_tunnels (operating->client), ==, 0);
  test_operating_fail (operating, "OpenTunnel", NULL, 0);
}

static void
test_not_opened (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;

  check_error_of_opening (operating, "LimitExceededException", IST_OPERATOR_CONTROL_PLANE_ERROR_LIMIT_EXCEEDED);
  check_error_of_opening (operating, "AccessDeniedException", IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED);

  test_operating_fail (operating, "OpenTunnel", "ThrottlingException", 1);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "after a while");
}

/* What is only looked at may fail for a while. */
static void
test_not_described (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;

  test_operating_fail (operating, "DescribeTunnel", "InternalFailure", 2);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_operating_fail (operating, "DescribeTunnel", "AccessDeniedException", G_MAXUINT);
  g_clear_object (&connection);
  ist_operator_options_set_reuse (ist_operator_client_get_options (operating->client), IST_OPERATOR_REUSE_NEVER);
  g_assert_null (test_connect (operating, "SSH", &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED);
}

static void
test_not_closed (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);
  g_autoptr (IstOperatorTunnel) tunnel = test_operating_get_tunnel (operating, 0);
  g_autoptr (IstEmulatorTunnel) at_service = test_operating_look_up (operating, tunnel);
  g_autoptr (GAsyncResult) result = NULL;

  /* More often than a call is made again by itself. */
  test_operating_fail (operating, "CloseTunnel", "InternalFailure", 6);
  ist_operator_tunnel_close_async (tunnel, NULL, test_store_result, &result);
  g_assert_cmpint (ist_operator_tunnel_get_state (tunnel), ==, IST_OPERATOR_TUNNEL_STATE_CLOSING);
  test_wait (result != NULL);
  g_assert_true (ist_operator_tunnel_close_finish (tunnel, result, &error));
  g_assert_false (ist_emulator_tunnel_is_open (at_service));
  g_clear_object (&result);

  g_clear_object (&connection);
  connection = test_connect (operating, "SSH", &error);
  g_clear_object (&tunnel);
  tunnel = test_operating_get_tunnel (operating, 0);
  test_operating_fail (operating, "CloseTunnel", "AccessDeniedException", G_MAXUINT);
  ist_operator_tunnel_close_async (tunnel, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_false (ist_operator_tunnel_close_finish (tunnel, result, &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED);
  g_assert_error (operating->closed_error, IST_OPERATOR_CONTROL_PLANE_ERROR,
                  IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED);
  g_clear_error (&error);
  g_assert_false (test_close_client (operating, &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED);
}

/* Callers */

static void
test_bad_names (void)
{
  static const char *const none[] = { NULL };
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (test_connect (operating, "not a name", &error));
  g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  ist_operator_client_open_async (operating->client, TEST_THING, none, NULL, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_null (ist_operator_client_open_finish (operating->client, result, &error));
  g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 0);
}

/* In each state on the way, which "progress" tells. */
typedef struct
{
  IstOperatorTunnelState state;
  GCancellable *cancellable;
} Cancelling;

static void
on_progress_cancel (IstOperatorClient *client,
                    IstOperatorTunnel *tunnel,
                    IstOperatorTunnelState state,
                    Cancelling *cancelling)
{
  if (state == cancelling->state)
    g_cancellable_cancel (cancelling->cancellable);
}

static void
test_cancel (gconstpointer data)
{
  Cancelling cancelling = { .state = GPOINTER_TO_INT (data), .cancellable = g_cancellable_new () };
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  ist_operator_options_set_reuse (ist_operator_client_get_options (operating->client), IST_OPERATOR_REUSE_ANY);
  ist_operator_client_set_linger (operating->client, 1);
  g_signal_connect (operating->client, "progress", G_CALLBACK (on_progress_cancel), &cancelling);
  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, cancelling.cancellable,
                                     test_store_result,
                                     &result);
  test_wait (result != NULL);
  g_assert_null (ist_operator_client_connect_finish (operating->client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* Nothing that costs money stays: it waits for somebody else for a while. */
  test_wait (operating->n_closed == 1);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==,
                    cancelling.state == IST_OPERATOR_TUNNEL_STATE_LOOKING ? 0 : 1);
  g_assert_cmpuint (test_operating_count (operating, "CloseTunnel"), ==,
                    cancelling.state == IST_OPERATOR_TUNNEL_STATE_LOOKING ? 0 : 1);
  g_object_unref (cancelling.cancellable);
}

static void
test_cancel_one (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (IstConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, cancellable, test_store_result,
                                     &first);
  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, NULL, test_store_result, &second);
  g_cancellable_cancel (cancellable);
  test_wait (first != NULL && second != NULL);
  g_assert_null (ist_operator_client_connect_finish (operating->client, first, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  connection = ist_operator_client_connect_finish (operating->client, second, &error);
  g_assert_no_error (error);
  test_exchange (connection, "hello");
}

/* A handler of each state closes what there is. */
typedef struct
{
  IstOperatorTunnelState state;
  gboolean closes_client;
  gboolean done;
} Closing;

static void
on_progress_close (IstOperatorClient *client,
                   IstOperatorTunnel *tunnel,
                   IstOperatorTunnelState state,
                   Closing *closing)
{
  if (state != closing->state || closing->done)
    return;
  closing->done = TRUE;
  if (closing->closes_client)
    ist_operator_client_close_async (client, NULL, NULL, NULL);
  else
    ist_operator_tunnel_close_async (tunnel, NULL, NULL, NULL);
}

static void
check_close (IstOperatorTunnelState state,
             gboolean closes_client)
{
  Closing closing = { .state = state, .closes_client = closes_client };
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (IstConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  g_signal_connect (operating->client, "progress", G_CALLBACK (on_progress_close), &closing);
  connection = test_connect (operating, "SSH", &error);
  g_assert_null (connection);
  g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_CLOSED);
  test_wait (operating->n_closed == 1);
  g_assert_cmpuint (test_operating_count (operating, "CloseTunnel"), ==,
                    test_operating_count (operating, "OpenTunnel"));
}

static void
test_close_tunnel (gconstpointer data)
{
  check_close (GPOINTER_TO_INT (data), FALSE);
}

static void
test_close_client_then (gconstpointer data)
{
  check_close (GPOINTER_TO_INT (data), TRUE);
}

/* Dropped in use: what was opened is closed all the same. */
static void
test_dropped (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) end = NULL;
  g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);
  g_autoptr (IstOperatorTunnel) tunnel = test_operating_get_tunnel (operating, 0);
  g_autoptr (IstEmulatorTunnel) at_service = test_operating_look_up (operating, tunnel);

  g_clear_object (&operating->client);
  g_assert_null (operating->client_alive);
  end = test_await_end (connection);
  g_assert_nonnull (end);
  test_wait (!ist_emulator_tunnel_is_open (at_service));
  test_wait (ist_operator_tunnel_get_state (tunnel) == IST_OPERATOR_TUNNEL_STATE_CLOSED);
}

static void
test_dropped_while_opening (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, cancellable, test_store_result,
                                     &result);
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  g_clear_object (&result);
  g_clear_object (&operating->client);
  test_wait (test_operating_count (operating, "CloseTunnel") == test_operating_count (operating, "OpenTunnel"));
}

/* Streams */

static GSocketConnection *
make_pair (GSocket **other)
{
  g_autoptr (GSocket) socket = NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  socket = g_socket_new_from_fd (fds[0], NULL);
  *other = g_socket_new_from_fd (fds[1], NULL);
  g_socket_set_blocking (*other, FALSE);
  return g_socket_connection_factory_create_connection (socket);
}

static void
test_stream (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GSocket) other = NULL;
  g_autoptr (GSocketConnection) stream = make_pair (&other);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (IstForwarderConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  char answer[6] = "";

  ist_operator_client_forward_async (operating->client, TEST_THING, "SSH", G_IO_STREAM (stream), NULL, NULL,
                                     test_store_result, &result);
  test_wait (result != NULL);
  connection = ist_operator_client_forward_finish (operating->client, result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_socket_send (other, "hello", 5, NULL, NULL), ==, 5);
  test_wait (g_socket_receive (other, answer, 5, NULL, NULL) == 5);
  g_assert_cmpstr (answer, ==, "hello");
  g_assert_cmpuint (ist_forwarder_connection_get_bytes_in (connection), ==, 5);
}

static void
test_stream_fails (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GSocket) other = NULL;
  g_autoptr (GSocketConnection) stream = make_pair (&other);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  test_operating_fail (operating, "OpenTunnel", "LimitExceededException", 1);
  ist_operator_client_forward_async (operating->client, TEST_THING, "SSH", G_IO_STREAM (stream), NULL, NULL,
                                     test_store_result, &result);
  test_wait (result != NULL);
  g_assert_null (ist_operator_client_forward_finish (operating->client, result, &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_LIMIT_EXCEEDED);
  g_clear_object (&result);
  test_wait (g_io_stream_is_closed (G_IO_STREAM (stream)));
}

int
main (int argc,
      char *argv[])
{
  static const struct
  {
    const char *name;
    IstOperatorTunnelState state;
  } states[] = {
    { "looking", IST_OPERATOR_TUNNEL_STATE_LOOKING },
    { "opening", IST_OPERATOR_TUNNEL_STATE_OPENING },
    { "waiting", IST_OPERATOR_TUNNEL_STATE_WAITING },
  };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/operator/losing/closed-by-others", test_closed_by_others);
  g_test_add_func ("/operator/losing/closed-unnoticed", test_closed_unnoticed);
  g_test_add_func ("/operator/losing/expired", test_expired);
  g_test_add_func ("/operator/losing/taken-away", test_taken_away);
  g_test_add_func ("/operator/losing/interrupted", test_interrupted);
  g_test_add_func ("/operator/losing/device-late", test_device_late);
  g_test_add_func ("/operator/losing/device-returns", test_device_returns);
  g_test_add_func ("/operator/losing/unknown-service", test_unknown_service);
  g_test_add_func ("/operator/losing/not-opened", test_not_opened);
  g_test_add_func ("/operator/losing/not-described", test_not_described);
  g_test_add_func ("/operator/losing/not-closed", test_not_closed);
  g_test_add_func ("/operator/losing/bad-names", test_bad_names);
  for (gsize i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autofree char *cancel = g_strconcat ("/operator/losing/cancel/", states[i].name, NULL);
      g_autofree char *tunnel = g_strconcat ("/operator/losing/close-tunnel/", states[i].name, NULL);
      g_autofree char *client = g_strconcat ("/operator/losing/close-client/", states[i].name, NULL);

      g_test_add_data_func (cancel, GINT_TO_POINTER (states[i].state), test_cancel);
      g_test_add_data_func (tunnel, GINT_TO_POINTER (states[i].state), test_close_tunnel);
      g_test_add_data_func (client, GINT_TO_POINTER (states[i].state), test_close_client_then);
    }
  g_test_add_func ("/operator/losing/cancel/one", test_cancel_one);
  g_test_add_func ("/operator/losing/dropped", test_dropped);
  g_test_add_func ("/operator/losing/dropped-while-opening", test_dropped_while_opening);
  g_test_add_func ("/operator/losing/stream", test_stream);
  g_test_add_func ("/operator/losing/stream-fails", test_stream_fails);
  return g_test_run ();
}
