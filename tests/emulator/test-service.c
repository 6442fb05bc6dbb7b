/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "client.h"

#define CLIENT_TOKEN "12345678-abcd-1234-abcd-123456789012"

#define STOPPED IST_EMULATOR_SERVICE_STATE_STOPPED
#define LISTENING IST_EMULATOR_SERVICE_STATE_LISTENING
#define STOPPING IST_EMULATOR_SERVICE_STATE_STOPPING

/* A service with an open tunnel, and what was heard of the service, in order. */
typedef struct
{
  IstEmulatorService *service;
  IstEmulatorTunnel *tunnel;
  GString *events;
  GError *error; /* of the last operation */
} Fixture;

static void
on_state (IstEmulatorService *service,
          GParamSpec *pspec,
          Fixture *fixture)
{
  static const char *const names[] = { "STOPPED ", "LISTENING ", "STOPPING " };

  g_string_append (fixture->events, names[ist_emulator_service_get_state (service)]);
}

static void
on_stopped (IstEmulatorService *service,
            Fixture *fixture)
{
  g_assert_cmpint (ist_emulator_service_get_state (service), ==, STOPPED);
  g_string_append (fixture->events, "stopped ");
}

static void
on_start_done (GObject *source,
               GAsyncResult *result,
               gpointer user_data)
{
  Fixture *fixture = user_data;

  g_clear_error (&fixture->error);
  if (ist_emulator_service_start_finish (IST_EMULATOR_SERVICE (source), result, &fixture->error))
    g_assert_cmpint (ist_emulator_service_get_state (IST_EMULATOR_SERVICE (source)), ==, LISTENING);
  g_string_append (fixture->events, fixture->error == NULL ? "start " : "no-start ");
}

static void
on_stop_done (GObject *source,
              GAsyncResult *result,
              gpointer user_data)
{
  Fixture *fixture = user_data;

  g_clear_error (&fixture->error);
  ist_emulator_service_stop_finish (IST_EMULATOR_SERVICE (source), result, &fixture->error);
  g_string_append (fixture->events, fixture->error == NULL ? "stop " : "no-stop ");
}

static void
set_up (Fixture *fixture,
        gconstpointer user_data)
{
  const char *const services[] = { "SSH", NULL };
  g_autoptr (GError) error = NULL;

  fixture->service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE, NULL);
  fixture->tunnel = ist_emulator_service_open_tunnel (fixture->service, services, NULL, 0, &error);
  g_assert_no_error (error);
  fixture->events = g_string_new (NULL);
  g_signal_connect (fixture->service, "notify::state", G_CALLBACK (on_state), fixture);
  g_signal_connect (fixture->service, "stopped", G_CALLBACK (on_stopped), fixture);
}

/* Nobody else may have kept the service. */
static void
tear_down (Fixture *fixture,
           gconstpointer user_data)
{
  g_clear_object (&fixture->tunnel);
  if (fixture->service != NULL)
    g_assert_finalize_object (fixture->service);
  g_string_free (fixture->events, TRUE);
  g_clear_error (&fixture->error);
  test_run_for (SETTLE_TIME);
}

static void
start (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  ist_emulator_service_start (fixture->service, &error);
  g_assert_no_error (error);
}

static Client *
connect_source (Fixture *fixture)
{
  return client_new (fixture->service, fixture->tunnel, IST_MODE_SOURCE, CLIENT_TOKEN);
}

static void
wait_for_event (Fixture *fixture,
                const char *event)
{
  test_wait (g_str_has_suffix (fixture->events->str, event));
}

static void
test_start (Fixture *fixture,
            gconstpointer user_data)
{
  g_autofree char *endpoint = NULL;
  g_autoptr (Client) client = NULL;

  g_assert_cmpint (ist_emulator_service_get_state (fixture->service), ==, STOPPED);
  start (fixture);
  g_assert_cmpint (ist_emulator_service_get_state (fixture->service), ==, LISTENING);
  endpoint = g_strdup (ist_emulator_service_get_endpoint (fixture->service));
  client = connect_source (fixture);

  g_assert_false (ist_emulator_service_start (fixture->service, &fixture->error));
  g_assert_error (fixture->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  ist_emulator_service_start_async (fixture->service, NULL, on_start_done, fixture);
  wait_for_event (fixture, "no-start ");
  g_assert_error (fixture->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  g_assert_cmpstr (ist_emulator_service_get_endpoint (fixture->service), ==, endpoint);
  g_assert_true (ist_emulator_tunnel_is_connected (fixture->tunnel, IST_MODE_SOURCE));
  g_assert_cmpstr (fixture->events->str, ==, "LISTENING no-start ");
}

static void
test_start_async (Fixture *fixture,
                  gconstpointer user_data)
{
  g_autoptr (Client) client = NULL;

  ist_emulator_service_start_async (fixture->service, NULL, on_start_done, fixture);
  g_assert_cmpstr (fixture->events->str, ==, "LISTENING ");
  wait_for_event (fixture, "start ");
  g_assert_cmpstr (fixture->events->str, ==, "LISTENING start ");
  client = connect_source (fixture);
}

static void
test_start_async_fails (Fixture *fixture,
                        gconstpointer user_data)
{
  g_autoptr (IstEmulatorService) other = NULL;

  start (fixture);
  other = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE,
                        "port", ist_emulator_service_get_port (fixture->service), NULL);
  ist_emulator_service_start_async (other, NULL, on_start_done, fixture);
  g_assert_no_error (fixture->error);
  wait_for_event (fixture, "no-start ");
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_cmpint (ist_emulator_service_get_state (other), ==, STOPPED);
}

static void
test_start_async_stopped (Fixture *fixture,
                          gconstpointer user_data)
{
  ist_emulator_service_start_async (fixture->service, NULL, on_start_done, fixture);
  ist_emulator_service_stop (fixture->service);
  wait_for_event (fixture, "no-start ");
  g_assert_error (fixture->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED);
  g_assert_cmpstr (fixture->events->str, ==, "LISTENING STOPPING STOPPED stopped no-start ");
}

static void
test_start_async_cancelled (Fixture *fixture,
                            gconstpointer user_data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  ist_emulator_service_start_async (fixture->service, cancellable, on_start_done, fixture);
  g_cancellable_cancel (cancellable);
  wait_for_event (fixture, "no-start ");
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpstr (fixture->events->str, ==, "LISTENING STOPPING STOPPED stopped no-start ");

  /* One that was cancelled before does nothing. */
  g_string_truncate (fixture->events, 0);
  ist_emulator_service_start_async (fixture->service, cancellable, on_start_done, fixture);
  wait_for_event (fixture, "no-start ");
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpstr (fixture->events->str, ==, "no-start ");

  /* One that comes too late, too. */
  g_cancellable_reset (cancellable);
  ist_emulator_service_start_async (fixture->service, cancellable, on_start_done, fixture);
  wait_for_event (fixture, " start ");
  g_cancellable_cancel (cancellable);
  test_settle ();
  g_assert_cmpint (ist_emulator_service_get_state (fixture->service), ==, LISTENING);
}

static void
test_stop_async (Fixture *fixture,
                 gconstpointer user_data)
{
  g_autoptr (Client) client = NULL;

  start (fixture);
  client = connect_source (fixture);
  ist_emulator_service_stop_async (fixture->service, NULL, on_stop_done, fixture);
  g_assert_cmpstr (fixture->events->str, ==, "LISTENING STOPPING ");
  g_assert_false (ist_emulator_tunnel_is_connected (fixture->tunnel, IST_MODE_SOURCE));
  wait_for_event (fixture, "stop ");
  g_assert_no_error (fixture->error);
  g_assert_cmpstr (fixture->events->str, ==, "LISTENING STOPPING STOPPED stopped stop ");
  client_expect_closed (client, 1001, "Service is going away");

  /* What has stopped has stopped. */
  ist_emulator_service_stop_async (fixture->service, NULL, on_stop_done, fixture);
  g_assert_false (g_str_has_suffix (fixture->events->str, "stop stop "));
  wait_for_event (fixture, "stop stop ");
  g_assert_no_error (fixture->error);
}

/* A client that does not answer is waited for, but not for ever. */
static void
test_stop_async_silent_client (Fixture *fixture,
                               gconstpointer user_data)
{
  g_autofree char *request = client_make_request (fixture->tunnel, IST_MODE_SOURCE, NULL);
  g_autofree char *answer = NULL;
  g_autoptr (GIOStream) stream = NULL;

  start (fixture);
  stream = client_connect (fixture->service, NULL, "127.0.0.1", NULL);
  answer = client_exchange (stream, request);
  test_wait (ist_emulator_tunnel_is_connected (fixture->tunnel, IST_MODE_SOURCE));
  ist_emulator_service_stop_async (fixture->service, NULL, on_stop_done, fixture);
  test_settle ();
  g_assert_cmpint (ist_emulator_service_get_state (fixture->service), ==, STOPPING);
  wait_for_event (fixture, "STOPPED stopped stop ");
  g_assert_no_error (fixture->error);
}

/* Only the waiting ends. */
static void
test_stop_async_cancelled (Fixture *fixture,
                           gconstpointer user_data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  start (fixture);
  ist_emulator_service_stop_async (fixture->service, cancellable, on_stop_done, fixture);
  g_cancellable_cancel (cancellable);
  test_wait (fixture->error != NULL && strstr (fixture->events->str, "stopped ") != NULL);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* What is started while it stops has its port at once, and clients when others
 * have gone. */
static void
test_start_again (Fixture *fixture,
                  gconstpointer user_data)
{
  g_autoptr (Client) old = NULL;
  g_autoptr (Client) client = NULL;
  guint port;

  start (fixture);
  port = ist_emulator_service_get_port (fixture->service);
  old = connect_source (fixture);
  ist_emulator_service_stop_async (fixture->service, NULL, on_stop_done, fixture);
  ist_emulator_service_start_async (fixture->service, NULL, on_start_done, fixture);
  g_assert_cmpint (ist_emulator_service_get_state (fixture->service), ==, STOPPING);
  g_assert_false (ist_emulator_service_start (fixture->service, &fixture->error));
  g_assert_error (fixture->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  client = connect_source (fixture);
  g_assert_cmpuint (ist_emulator_service_get_port (fixture->service), ==, port);
  g_assert_cmpstr (fixture->events->str, ==, "LISTENING STOPPING STOPPED stopped stop LISTENING start ");
}

static void
test_start_again_fails (Fixture *fixture,
                        gconstpointer user_data)
{
  g_autoptr (IstEmulatorService) other = NULL;

  start (fixture);
  ist_emulator_service_stop (fixture->service);
  other = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE,
                        "port", ist_emulator_service_get_port (fixture->service), NULL);
  g_assert_true (ist_emulator_service_start (other, NULL));
  g_assert_false (ist_emulator_service_start (fixture->service, &fixture->error));
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  wait_for_event (fixture, "stopped ");
}

static void
test_start_again_stopped (Fixture *fixture,
                          gconstpointer user_data)
{
  start (fixture);
  ist_emulator_service_stop (fixture->service);
  ist_emulator_service_start_async (fixture->service, NULL, on_start_done, fixture);
  ist_emulator_service_stop (fixture->service);
  wait_for_event (fixture, "no-start ");
  g_assert_error (fixture->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED);
  g_assert_cmpstr (fixture->events->str, ==, "LISTENING STOPPING STOPPED stopped no-start ");
  test_settle ();
  g_assert_cmpint (ist_emulator_service_get_state (fixture->service), ==, STOPPED);
}

static void
on_stopped_start (IstEmulatorService *service,
                  Fixture *fixture)
{
  g_signal_handlers_disconnect_by_func (service, on_stopped_start, fixture);
  start (fixture);
}

static void
test_start_in_handler (Fixture *fixture,
                       gconstpointer user_data)
{
  g_autoptr (Client) client = NULL;

  start (fixture);
  g_signal_connect (fixture->service, "stopped", G_CALLBACK (on_stopped_start), fixture);
  ist_emulator_service_stop_async (fixture->service, NULL, on_stop_done, fixture);
  wait_for_event (fixture, "stop ");
  g_assert_cmpstr (fixture->events->str, ==, "LISTENING STOPPING STOPPED stopped LISTENING stop ");
  client = connect_source (fixture);
}

/* The operation keeps the service until it is told, and no longer. */
static void
test_dropped (Fixture *fixture,
              gconstpointer user_data)
{
  gpointer alive = fixture->service;
  g_autoptr (Client) client = NULL;

  start (fixture);
  client = connect_source (fixture);
  g_object_add_weak_pointer (alive, &alive);
  ist_emulator_service_stop_async (fixture->service, NULL, on_stop_done, fixture);
  g_clear_object (&fixture->service);
  g_assert_nonnull (alive);
  wait_for_event (fixture, "stop ");
  test_wait (alive == NULL);
}

static void
on_opened_drop (IstEmulatorService *service,
                IstEmulatorTunnel *tunnel,
                Fixture *fixture)
{
  g_clear_object (&fixture->service);
}

/* Whoever hears what a request has done may drop the service. */
static void
test_dropped_by_request (Fixture *fixture,
                         gconstpointer user_data)
{
  static const char request[] =
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n"
    "X-Amz-Target: IoTSecuredTunneling.OpenTunnel\r\nX-Amz-Date: 20260101T000000Z\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/IoTSecuredTunneling/aws4_request, "
    "SignedHeaders=host, Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n"
    "Content-Length: 56\r\n\r\n"
    "{\"destinationConfig\":{\"thingName\":\"t\",\"services\":[\"S\"]}}";
  gsize first = user_data != NULL ? 10 : strlen (request);
  g_autoptr (GIOStream) stream = NULL;
  GOutputStream *output;

  start (fixture);
  g_signal_connect (fixture->service, "tunnel-opened", G_CALLBACK (on_opened_drop), fixture);
  stream = client_connect (fixture->service, NULL, "127.0.0.1", NULL);
  output = g_io_stream_get_output_stream (stream);
  g_output_stream_write_all (output, request, first, NULL, NULL, NULL);
  test_run_for (SETTLE_TIME);
  g_output_stream_write_all (output, request + first, strlen (request) - first, NULL, NULL, NULL);
  test_wait (fixture->service == NULL);
  test_settle ();
}

static void
on_disconnected_stop (IstEmulatorTunnel *tunnel,
                      IstMode side,
                      const GError *error,
                      Fixture *fixture)
{
  ist_emulator_service_stop (fixture->service);
}

/* A client that comes while the service is being stopped does not stay. */
static void
test_stopped_by_replacement (Fixture *fixture,
                             gconstpointer user_data)
{
  g_autofree char *request = client_make_request (fixture->tunnel, IST_MODE_SOURCE,
                                                  "client-token: " CLIENT_TOKEN "\r\n");
  g_autofree char *answer = NULL;
  g_autoptr (Client) old = NULL;
  g_autoptr (GIOStream) stream = NULL;

  start (fixture);
  old = connect_source (fixture);
  g_signal_connect (fixture->tunnel, "client-disconnected", G_CALLBACK (on_disconnected_stop), fixture);
  stream = client_connect (fixture->service, NULL, "127.0.0.1", NULL);
  answer = client_exchange (stream, request);
  wait_for_event (fixture, "stopped ");
  g_assert_false (ist_emulator_tunnel_is_connected (fixture->tunnel, IST_MODE_SOURCE));
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function) g_test_add ("/emulator/service/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("start", test_start);
  ADD ("start-async", test_start_async);
  ADD ("start-async/fails", test_start_async_fails);
  ADD ("start-async/stopped", test_start_async_stopped);
  ADD ("start-async/cancelled", test_start_async_cancelled);
  ADD ("stop-async", test_stop_async);
  ADD ("stop-async/silent-client", test_stop_async_silent_client);
  ADD ("stop-async/cancelled", test_stop_async_cancelled);
  ADD ("start-again", test_start_again);
  ADD ("start-again/fails", test_start_again_fails);
  ADD ("start-again/stopped", test_start_again_stopped);
  ADD ("start-again/in-handler", test_start_in_handler);
  ADD ("dropped", test_dropped);
  ADD ("dropped-by-request", test_dropped_by_request);
  g_test_add ("/emulator/service/dropped-by-request/in-pieces", Fixture, "in pieces", set_up,
              test_dropped_by_request, tear_down);
  ADD ("stopped-by-replacement", test_stopped_by_replacement);

  return g_test_run ();
}
