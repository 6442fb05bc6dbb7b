/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waiting for a tunnel to be connected and to have stopped.
 */

#include "test-tunnel.h"

/* What a call came to, and how many events the end had heard of by then. */
typedef struct
{
  TestEnd *end;
  gboolean is_done;
  gboolean succeeded;
  GError *error;
  guint n_events;
  IstTunnelState state;
} Outcome;

static void
outcome_clear (Outcome *self)
{
  g_clear_error (&self->error);
  *self = (Outcome){ .end = self->end };
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static void
outcome_set (Outcome *self,
             gboolean succeeded)
{
  g_assert_false (self->is_done);
  g_assert_true (succeeded == (self->error == NULL));
  self->is_done = TRUE;
  self->succeeded = succeeded;
  self->n_events = self->end->events->len;
  self->state = ist_secure_tunnel_get_state (self->end->tunnel);
}

static void
on_started (GObject *source,
            GAsyncResult *result,
            gpointer user_data)
{
  Outcome *outcome = user_data;

  outcome_set (outcome, ist_secure_tunnel_start_finish (IST_SECURE_TUNNEL (source), result, &outcome->error));
}

static void
on_stopped (GObject *source,
            GAsyncResult *result,
            gpointer user_data)
{
  Outcome *outcome = user_data;

  outcome_set (outcome, ist_secure_tunnel_stop_finish (IST_SECURE_TUNNEL (source), result, &outcome->error));
}

static void
begin_start (Outcome *outcome,
             GCancellable *cancellable)
{
  outcome_clear (outcome);
  ist_secure_tunnel_start_async (outcome->end->tunnel, cancellable, on_started, outcome);
  g_assert_false (outcome->is_done);
}

static void
begin_stop (Outcome *outcome,
            GCancellable *cancellable)
{
  outcome_clear (outcome);
  ist_secure_tunnel_stop_async (outcome->end->tunnel, cancellable, on_stopped, outcome);
  g_assert_false (outcome->is_done);
}

static void
await (Outcome *outcome)
{
  test_wait (outcome->is_done);
}

/* The event that was the last before the callback. */
static const char *
last_event (Outcome *outcome)
{
  g_assert_cmpuint (outcome->n_events, >, 0);
  return outcome->end->events->pdata[outcome->n_events - 1];
}

static void
test_start_and_stop (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  g_auto (Outcome) started = { .end = end };
  g_auto (Outcome) stopped = { .end = end };
  guint i;

  for (i = 0; i < 3; i++)
    {
      begin_start (&started, NULL);
      g_assert_cmpint (ist_secure_tunnel_get_state (end->tunnel), ==, IST_TUNNEL_STATE_CONNECTING);
      await (&started);
      g_assert_no_error (started.error);
      g_assert_cmpstr (last_event (&started), ==, "success SSH");
      g_assert_cmpint (started.state, ==, IST_TUNNEL_STATE_CONNECTED);

      begin_stop (&stopped, NULL);
      g_assert_cmpint (ist_secure_tunnel_get_state (end->tunnel), ==, IST_TUNNEL_STATE_STOPPING);
      await (&stopped);
      g_assert_no_error (stopped.error);
      g_assert_cmpstr (last_event (&stopped), ==, "stopped");
      g_assert_cmpint (stopped.state, ==, IST_TUNNEL_STATE_STOPPED);
    }

  /* What has stopped already has stopped. */
  begin_stop (&stopped, NULL);
  await (&stopped);
  g_assert_no_error (stopped.error);
}

/* What start() refuses, start_async() does, and what runs is left alone. */
static void
test_refused (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  g_autoptr (TestEnd) bare = test_end_new (g_object_new (IST_TYPE_SECURE_TUNNEL, NULL));
  g_auto (Outcome) first = { .end = end };
  g_auto (Outcome) second = { .end = end };
  g_auto (Outcome) invalid = { .end = bare };

  begin_start (&first, NULL);
  begin_start (&second, NULL);
  await (&second);
  g_assert_error (second.error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  await (&first);
  g_assert_no_error (first.error);
  begin_start (&second, NULL);
  await (&second);
  g_assert_error (second.error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  g_assert_cmpint (ist_secure_tunnel_get_state (end->tunnel), ==, IST_TUNNEL_STATE_CONNECTED);

  begin_start (&invalid, NULL);
  await (&invalid);
  g_assert_error (invalid.error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_assert_cmpint (invalid.state, ==, IST_TUNNEL_STATE_STOPPED);
}

/* Failures that are tried again are no end; the last one is. */
static void
test_failures (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, "max-attempts", 3, NULL);
  g_auto (Outcome) started = { .end = end };

  ist_emulator_tunnel_refuse_handshakes (emulator->tunnel, IST_MODE_SOURCE, 2, 503, "busy");
  begin_start (&started, NULL);
  await (&started);
  g_assert_no_error (started.error);
  g_assert_cmpuint (test_end_count (end, "failure"), ==, 2);
  ist_secure_tunnel_stop (end->tunnel);
  test_wait (test_end_count (end, "stopped") == 1);

  ist_emulator_tunnel_refuse_handshakes (emulator->tunnel, IST_MODE_SOURCE, 3, 503, "busy");
  begin_start (&started, NULL);
  await (&started);
  g_assert_error (started.error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_SERVICE_UNAVAILABLE);
  g_assert_cmpstr (last_event (&started), ==, "stopped");
  g_assert_cmpint (started.state, ==, IST_TUNNEL_STATE_STOPPED);
}

/* Whoever waits hears that somebody else has stopped it. */
static void
test_stopped_meanwhile (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  g_auto (Outcome) started = { .end = end };
  g_auto (Outcome) again = { .end = end };
  g_auto (Outcome) stopped = { .end = end };

  begin_start (&started, NULL);
  begin_stop (&stopped, NULL);
  /* The one that follows waits for its own start. */
  begin_start (&again, NULL);
  await (&started);
  g_assert_error (started.error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED);
  g_assert_cmpstr (last_event (&started), ==, "stopped");
  await (&stopped);
  g_assert_no_error (stopped.error);
  await (&again);
  g_assert_no_error (again.error);
  g_assert_cmpint (again.state, ==, IST_TUNNEL_STATE_CONNECTED);

  /* Unless it is stopped before it has begun. */
  ist_secure_tunnel_stop (end->tunnel);
  begin_start (&again, NULL);
  begin_stop (&stopped, NULL);
  await (&again);
  g_assert_error (again.error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED);
  await (&stopped);
  g_assert_no_error (stopped.error);
  g_assert_cmpint (stopped.state, ==, IST_TUNNEL_STATE_STOPPED);
}

static void
stop_at_state (TestEnd *end,
               const char *signal)
{
  if (g_str_equal (signal, "notify::state") &&
      ist_secure_tunnel_get_state (end->tunnel) == IST_TUNNEL_STATE_CONNECTING)
    ist_secure_tunnel_stop (end->tunnel);
}

/* From a handler that is called before start_async() has returned. */
static void
test_stopped_inside (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  g_auto (Outcome) started = { .end = end };

  end->hook = stop_at_state;
  begin_start (&started, NULL);
  await (&started);
  g_assert_error (started.error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED);
  test_wait (test_end_count (end, "stopped") == 1);
}

/* Cancelling a start stops the tunnel; cancelling a stop does not start it. */
static void
test_cancelled (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, "reconnect-delay-floor-ms", 20000,
                                               "reconnect-delay-base-ms", 20000, "reconnect-delay-cap-ms", 20000, NULL);
  g_auto (Outcome) started = { .end = end };
  g_auto (Outcome) stopped = { .end = end };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  /* Before, at once, and while it waits to try again. */
  g_cancellable_cancel (cancellable);
  begin_start (&started, cancellable);
  await (&started);
  g_assert_error (started.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (started.state, ==, IST_TUNNEL_STATE_STOPPED);
  g_assert_cmpuint (end->events->len, ==, 0);

  g_cancellable_reset (cancellable);
  begin_start (&started, cancellable);
  g_cancellable_cancel (cancellable);
  await (&started);
  g_assert_error (started.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  test_wait (test_end_count (end, "stopped") == 1);

  g_cancellable_reset (cancellable);
  ist_emulator_tunnel_refuse_handshakes (emulator->tunnel, IST_MODE_SOURCE, 1, 503, "busy");
  begin_start (&started, cancellable);
  test_wait (ist_secure_tunnel_get_state (end->tunnel) == IST_TUNNEL_STATE_WAITING);
  g_cancellable_cancel (cancellable);
  await (&started);
  g_assert_error (started.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (started.state, !=, IST_TUNNEL_STATE_WAITING);
  test_wait (test_end_count (end, "stopped") == 2);

  /* Once it is connected, it stays so. */
  g_cancellable_reset (cancellable);
  begin_start (&started, cancellable);
  await (&started);
  g_assert_no_error (started.error);
  g_cancellable_cancel (cancellable);
  test_settle ();
  g_assert_cmpint (ist_secure_tunnel_get_state (end->tunnel), ==, IST_TUNNEL_STATE_CONNECTED);

  g_cancellable_reset (cancellable);
  begin_stop (&stopped, cancellable);
  g_cancellable_cancel (cancellable);
  await (&stopped);
  g_assert_error (stopped.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  test_wait (test_end_count (end, "stopped") == 3);
}

/* Who awaits keeps the tunnel; it goes with the last who does. */
static void
test_dropped (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gpointer tunnel = end->tunnel;

  g_object_add_weak_pointer (tunnel, &tunnel);
  ist_secure_tunnel_start_async (end->tunnel, cancellable, NULL, NULL);
  g_clear_object (&end->tunnel);
  g_assert_nonnull (tunnel);
  g_cancellable_cancel (cancellable);
  test_wait (tunnel == NULL);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/awaiting/start-and-stop", test_start_and_stop);
  g_test_add_func ("/awaiting/refused", test_refused);
  g_test_add_func ("/awaiting/failures", test_failures);
  g_test_add_func ("/awaiting/stopped-meanwhile", test_stopped_meanwhile);
  g_test_add_func ("/awaiting/stopped-inside", test_stopped_inside);
  g_test_add_func ("/awaiting/cancelled", test_cancelled);
  g_test_add_func ("/awaiting/dropped", test_dropped);
  return g_test_run ();
}
