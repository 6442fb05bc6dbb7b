/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When a tunnel connects again, and how long it waits before.
 */

#include <string.h>

#include "test-tunnel.h"

static void
wait_stopped (TestEnd *end)
{
  test_wait (test_end_count (end, "stopped") == 1);
}

/* Each policy, for a passing and for a final refusal. */
static void
test_policies (void)
{
  static const struct
  {
    IstReconnectPolicy policy;
    guint status;
    guint failures; /* with at most three attempts */
  } cases[] = {
    { IST_RECONNECT_POLICY_TRANSIENT, 503, 3 },
    { IST_RECONNECT_POLICY_TRANSIENT, 403, 1 },
    { IST_RECONNECT_POLICY_TRANSIENT, 429, 3 },
    { IST_RECONNECT_POLICY_ALWAYS, 403, 3 },
    { IST_RECONNECT_POLICY_ALWAYS, 500, 3 },
    { IST_RECONNECT_POLICY_NEVER, 503, 1 },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
      g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, "reconnect-policy", cases[i].policy,
                                                   "max-attempts", 3, NULL);

      ist_emulator_tunnel_refuse_handshakes (emulator->tunnel, IST_MODE_SOURCE, 100, cases[i].status, "go away");
      test_end_start (end);
      wait_stopped (end);
      g_assert_cmpuint (test_end_count (end, "failure"), ==, cases[i].failures);
      g_assert_true (g_str_has_suffix (test_end_last (end, "failure"), "final"));
      g_assert_nonnull (strstr (end->error->message, "go away"));
      g_assert_cmpuint (test_end_count (end, "notify::last-error"), ==, cases[i].failures);
    }
}

/* The attempts begin anew with each start(). */
static void
test_attempts (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, "max-attempts", 2, NULL);
  guint i;

  ist_emulator_tunnel_refuse_handshakes (emulator->tunnel, IST_MODE_SOURCE, 100, 503, "busy");
  for (i = 1; i <= 3; i++)
    {
      test_end_start (end);
      test_wait (test_end_count (end, "stopped") == i);
      g_assert_cmpuint (test_end_count (end, "failure"), ==, 2 * i);
    }
}

/* Then it succeeds: with the same tokens, as a reconnect. */
static void
test_recovery (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  g_autofree char *channel_id = NULL;

  ist_emulator_tunnel_refuse_handshakes (emulator->tunnel, IST_MODE_SOURCE, 3, 503, "busy");
  test_end_start (end);
  test_wait (test_end_count (end, "success SSH") == 1);
  g_assert_cmpuint (test_end_count (end, "failure"), ==, 3);
  g_assert_cmpuint (ist_secure_tunnel_get_n_reconnects (end->tunnel), ==, 0);
  channel_id = g_strdup (ist_secure_tunnel_get_channel_id (end->tunnel));
  ist_emulator_tunnel_close_side (emulator->tunnel, IST_MODE_SOURCE, 1001, "moving");
  test_wait (test_end_count (end, "success SSH") == 2);
  g_assert_nonnull (strstr (end->error->message, "moving"));
  ist_emulator_tunnel_drop_side (emulator->tunnel, IST_MODE_SOURCE);
  test_wait (test_end_count (end, "success SSH") == 3);
  g_assert_cmpuint (ist_secure_tunnel_get_n_reconnects (end->tunnel), ==, 2);
  g_assert_cmpstr (ist_secure_tunnel_get_channel_id (end->tunnel), !=, channel_id);
  g_assert_cmpuint (test_end_count (end, "shutdown 18"), ==, 2);
}

static void
test_final (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) first = test_emulator_add (emulator, IST_MODE_SOURCE, "client-token",
                                                 "11111111111111111111111111111111", NULL);
  g_autoptr (TestEnd) second = test_emulator_add (emulator, IST_MODE_SOURCE, "client-token",
                                                  "11111111111111111111111111111111", NULL);
  g_autoptr (TestEnd) stranger = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  g_autoptr (TestEnd) wrong = test_emulator_add (emulator, IST_MODE_DESTINATION, "mode", IST_MODE_SOURCE, NULL);

  /* Two clients with one token do not throw each other out for ever. */
  test_end_start (first);
  test_wait (test_end_count (first, "success") == 1);
  test_end_start (second);
  test_wait (test_end_count (second, "success") == 1);
  wait_stopped (first);
  g_assert_error (first->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CLIENT_REPLACED);
  test_run_for (60);
  g_assert_cmpuint (test_end_count (first, "success"), ==, 1);
  g_assert_cmpuint (test_end_count (second, "shutdown"), ==, 0);

  test_end_start (stranger);
  test_end_start (wrong);
  wait_stopped (stranger);
  wait_stopped (wrong);
  g_assert_error (stranger->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOKEN_REJECTED);
  g_assert_error (wrong->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOKEN_REJECTED);
  g_assert_cmpuint (test_end_count (stranger, "failure") + test_end_count (wrong, "failure"), ==, 2);

  /* A closed tunnel is closed for good. */
  g_assert_true (ist_emulator_service_close_tunnel (emulator->service,
                                                    ist_emulator_tunnel_get_id (emulator->tunnel), NULL));
  wait_stopped (second);
  g_assert_true (g_error_matches (second->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED) ||
                 g_error_matches (second->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CLIENT_REPLACED));
  g_assert_true (ist_tunnel_error_is_final (second->error));
}

static void
test_rotation (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  g_autoptr (TestEnd) next = NULL;

  test_end_start (end);
  test_wait (test_end_count (end, "success") == 1);
  g_assert_true (ist_emulator_service_rotate_tokens (emulator->service,
                                                     ist_emulator_tunnel_get_id (emulator->tunnel),
                                                     IST_EMULATOR_SIDES_SOURCE, NULL));
  wait_stopped (end);
  g_assert_true (ist_tunnel_error_is_final (end->error));
  next = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  test_end_start (next);
  test_wait (test_end_count (next, "success") == 1);
}

/* Never before the floor, and not much after the cap: the times between a
 * failure and the next attempt as the server sees them. */
static void
refuse_script (TestServer *server,
               TestPeer *peer,
               gpointer user_data)
{
  gint64 *now;

  if (!test_peer_read_request (peer))
    return;
  now = g_new (gint64, 1);
  *now = g_get_monotonic_time ();
  test_server_push (server, now);
  test_peer_say (peer, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
}

static void
test_floor (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, refuse_script, NULL);
  g_autoptr (TestEnd) end = test_client_new (server, "max-attempts", 6, "reconnect-delay-floor-ms", 80,
                                             "reconnect-delay-base-ms", 1, "reconnect-delay-cap-ms", 80, NULL);
  gint64 before = 0;
  gint64 *now;
  guint n = 0;

  test_end_start (end);
  wait_stopped (end);
  while ((now = test_server_pop (server)) != NULL)
    {
      if (n++ > 0)
        g_assert_cmpint (*now - before, >=, 80 * 1000);
      before = *now;
      g_free (now);
    }
  g_assert_cmpuint (n, ==, 6);
}

/* A connection that was up for ten seconds makes good for the failures before
 * it, a shorter one does not; a server that names no services has none; pings
 * are answered. All at once, since all of it takes its time. */
static void
test_time (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEmulator) silent = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, "max-attempts", 2, NULL);
  g_autoptr (TestEnd) brief = test_emulator_add (emulator, IST_MODE_DESTINATION, "max-attempts", 2, NULL);
  g_autoptr (TestEnd) none = test_emulator_add (silent, IST_MODE_SOURCE, "ping-interval", 1, "pong-timeout", 1, NULL);
  gint64 until;

  ist_emulator_tunnel_set_omit_service_ids (silent->tunnel, IST_MODE_SOURCE, TRUE);
  test_end_start (end);
  test_end_start (brief);
  test_end_start (none);
  test_wait (test_end_count (end, "success") == 1 && test_end_count (brief, "success") == 1);
  ist_emulator_tunnel_drop_side (emulator->tunnel, IST_MODE_SOURCE);
  ist_emulator_tunnel_drop_side (emulator->tunnel, IST_MODE_DESTINATION);
  test_wait (test_end_count (end, "success") == 2 && test_end_count (brief, "success") == 2);
  until = g_get_monotonic_time () + 10500 * 1000;

  ist_emulator_tunnel_drop_side (emulator->tunnel, IST_MODE_DESTINATION);
  wait_stopped (brief);

  test_wait (test_end_count (none, "success") == 1);
  g_assert_cmpstr (test_end_last (none, "success"), ==, "success");
  test_wait (test_end_count (none, "notify::round-trip-time-us") >= 2);
  g_assert_cmpint (ist_secure_tunnel_get_round_trip_time_us (none->tunnel), >=, 0);

  test_wait (g_get_monotonic_time () >= until);
  g_assert_cmpuint (test_end_count (none, "shutdown"), ==, 0);
  ist_emulator_tunnel_drop_side (emulator->tunnel, IST_MODE_SOURCE);
  test_wait (test_end_count (end, "success") == 3);
  ist_emulator_tunnel_drop_side (emulator->tunnel, IST_MODE_SOURCE);
  wait_stopped (end);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/reconnect/policies", test_policies);
  g_test_add_func ("/reconnect/attempts", test_attempts);
  g_test_add_func ("/reconnect/recovery", test_recovery);
  g_test_add_func ("/reconnect/final", test_final);
  g_test_add_func ("/reconnect/rotation", test_rotation);
  g_test_add_func ("/reconnect/floor", test_floor);
  g_test_add_func ("/reconnect/time", test_time);

  return g_test_run ();
}
