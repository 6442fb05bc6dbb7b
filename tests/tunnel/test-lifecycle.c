/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Starting, stopping and dropping a tunnel at every moment.
 */

#include <string.h>

#include "test-tunnel.h"

static IstTunnelState
get_state (TestEnd *end)
{
  return ist_secure_tunnel_get_state (end->tunnel);
}

static void
test_start_stop (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  g_autoptr (GError) error = NULL;
  guint i;

  g_assert_cmpint (get_state (end), ==, IST_TUNNEL_STATE_STOPPED);
  ist_secure_tunnel_stop (end->tunnel);
  test_settle ();
  g_assert_cmpuint (end->events->len, ==, 0);

  for (i = 1; i <= 3; i++)
    {
      test_end_start (end);
      g_assert_cmpint (get_state (end), ==, IST_TUNNEL_STATE_CONNECTING);
      g_assert_cmpuint (test_end_count (end, "success"), ==, i - 1);
      g_assert_false (ist_secure_tunnel_start (end->tunnel, &error));
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
      g_clear_error (&error);
      test_wait (test_end_count (end, "success SSH") == i);
      g_assert_cmpint (get_state (end), ==, IST_TUNNEL_STATE_CONNECTED);
      g_assert_cmpstr (ist_secure_tunnel_get_service_ids (end->tunnel)[0], ==, "SSH");
      g_assert_nonnull (ist_secure_tunnel_get_channel_id (end->tunnel));
      g_assert_false (ist_secure_tunnel_start (end->tunnel, &error));
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
      g_clear_error (&error);
      ist_secure_tunnel_stop (end->tunnel);
      ist_secure_tunnel_stop (end->tunnel);
      g_assert_cmpint (get_state (end), ==, IST_TUNNEL_STATE_STOPPING);
      g_assert_cmpuint (test_end_count (end, "stopped"), ==, i - 1);
      test_wait (test_end_count (end, "stopped") == i);
      g_assert_cmpuint (test_end_count (end, "shutdown none"), ==, i);
      g_assert_cmpint (get_state (end), ==, IST_TUNNEL_STATE_STOPPED);
    }
  g_assert_cmpuint (ist_secure_tunnel_get_n_reconnects (end->tunnel), ==, 0);
  g_assert_null (ist_secure_tunnel_get_last_error (end->tunnel));
}

/* At once, from each state, and start() again while it stops. */
static void
test_stop_from_every_state (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, "reconnect-delay-floor-ms", 20000,
                                               "reconnect-delay-base-ms", 20000, "reconnect-delay-cap-ms", 20000, NULL);
  guint i;

  for (i = 1; i <= 20; i++)
    {
      gint64 until = g_get_monotonic_time () + (i - 1) * 500;

      test_end_start (end);
      /* Somewhere in the connecting, other at each time. */
      while (i > 1 && g_get_monotonic_time () < until)
        g_main_context_iteration (NULL, FALSE);
      ist_secure_tunnel_stop (end->tunnel);
      test_wait (test_end_count (end, "stopped") == i);
      g_assert_cmpuint (test_end_count (end, "shutdown"), ==, test_end_count (end, "success"));
      g_assert_cmpuint (test_end_count (end, "failure"), ==, 0);
    }

  /* Waiting to reconnect. */
  ist_emulator_tunnel_refuse_handshakes (emulator->tunnel, IST_MODE_SOURCE, 1, 503, "busy");
  test_end_start (end);
  test_wait (get_state (end) == IST_TUNNEL_STATE_WAITING);
  ist_secure_tunnel_stop (end->tunnel);
  g_assert_cmpint (get_state (end), ==, IST_TUNNEL_STATE_STOPPING);
  test_wait (test_end_count (end, "stopped") == 21);

  /* Stopping: started again when it has stopped; a second start() is one too many. */
  test_end_start (end);
  test_wait (get_state (end) == IST_TUNNEL_STATE_CONNECTED);
  ist_secure_tunnel_stop (end->tunnel);
  test_end_start (end);
  {
    g_autoptr (GError) error = NULL;

    g_assert_false (ist_secure_tunnel_start (end->tunnel, &error));
    g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  }
  test_wait (test_end_count (end, "stopped") == 22);
  test_wait (get_state (end) == IST_TUNNEL_STATE_CONNECTED);
  /* Unless it is stopped once more. */
  ist_secure_tunnel_stop (end->tunnel);
  test_end_start (end);
  ist_secure_tunnel_stop (end->tunnel);
  test_wait (test_end_count (end, "stopped") == 23);
  test_run_for (50);
  g_assert_cmpint (get_state (end), ==, IST_TUNNEL_STATE_STOPPED);
}

/* Everything that can be heard, and a life in which all of it happens. */
static const char *const moments[] = {
  TEST_SIGNALS,
  "notify::state",
  "notify::service-ids",
  "notify::channel-id",
  "notify::bytes-in",
  "notify::bytes-out",
  "notify::messages-in",
  "notify::messages-out",
  "notify::queued-bytes",
  "notify::n-reconnects",
  "notify::last-error",
  "notify::round-trip-time-us",
};

typedef struct
{
  const char *moment;
  guint n; /* how often to act; each time if 0 */
  guint seen;
  void (*act) (TestEnd *end);
} Plan;

static void
hook (TestEnd *end,
      const char *signal)
{
  Plan *plan = end->hook_data;

  if (end->tunnel == NULL || !g_str_equal (signal, plan->moment))
    return;
  plan->seen++;
  if (plan->n == 0 || plan->seen <= plan->n)
    plan->act (end);
}

static void
act_stop (TestEnd *end)
{
  ist_secure_tunnel_stop (end->tunnel);
}

static void
act_stop_start (TestEnd *end)
{
  ist_secure_tunnel_stop (end->tunnel);
  ist_secure_tunnel_start (end->tunnel, NULL);
}

static void
act_unref (TestEnd *end)
{
  g_clear_object (&end->tunnel);
}

static void
act_everything (TestEnd *end)
{
  static const char *const services[] = { "SSH", "WEB", NULL };
  g_autoptr (GBytes) payload = g_bytes_new ("inside", 6);
  guint i;

  for (i = 0; i < 2; i++)
    {
      g_autoptr (IstMessage) message = ist_message_new (services[i], payload);

      ist_secure_tunnel_send_message (end->tunnel, message, NULL);
      ist_secure_tunnel_send_message_async (end->tunnel, message, NULL, NULL, NULL);
    }
  ist_secure_tunnel_reset_connection (end->tunnel, "SSH", 2, NULL);
  ist_secure_tunnel_pause (end->tunnel);
  ist_secure_tunnel_resume (end->tunnel);
}

static void
act_reset (TestEnd *end)
{
  ist_secure_tunnel_reset_stream (end->tunnel, "SSH", NULL);
}

static void
start_streams (TestEnd *source)
{
  static const char *const services[] = { "SSH", "WEB", NULL };
  g_autoptr (IstStreamInfo) info = NULL;
  guint i;

  for (i = 0; i < 2 && source->tunnel != NULL; i++)
    {
      g_clear_pointer (&info, ist_stream_info_unref);
      info = ist_secure_tunnel_start_stream (source->tunnel, services[i], NULL);
      if (source->tunnel == NULL)
        return;
      g_clear_pointer (&info, ist_stream_info_unref);
      info = ist_secure_tunnel_start_connection (source->tunnel, services[i], NULL);
    }
}

static void
send_from (TestEnd *end)
{
  g_autoptr (GBytes) payload = g_bytes_new ("hello", 5);
  g_autoptr (IstMessage) message = ist_message_new_for_connection ("SSH", 2, payload);

  if (end->tunnel != NULL)
    ist_secure_tunnel_send_message (end->tunnel, message, NULL);
  if (end->tunnel != NULL)
    ist_secure_tunnel_send_message_async (end->tunnel, message, NULL, NULL, NULL);
}

static void
reset_from (TestEnd *end)
{
  if (end->tunnel != NULL)
    ist_secure_tunnel_reset_connection (end->tunnel, "SSH", 2, NULL);
  if (end->tunnel != NULL)
    ist_secure_tunnel_reset_stream (end->tunnel, "SSH", NULL);
}

/* Whatever can happen to an end, step by step; FALSE after the last. */
static gboolean
live (TestPair *pair,
      TestEnd *end,
      guint step)
{
  IstEmulatorTunnel *tunnel = pair->emulator->tunnel;
  IstMode mode = end == pair->source ? IST_MODE_SOURCE : IST_MODE_DESTINATION;
  TestEnd *peer = end == pair->source ? pair->destination : pair->source;

  switch (step)
    {
    case 0:
    case 3:
    case 6:
      start_streams (pair->source);
      break;
    case 1:
    case 4:
    case 7:
      send_from (pair->source);
      send_from (pair->destination);
      break;
    case 2:
      reset_from (peer);
      break;
    case 5:
      reset_from (end);
      break;
    case 8:
      ist_emulator_tunnel_reset_session (tunnel);
      break;
    case 9:
      ist_emulator_tunnel_refuse_handshakes (tunnel, mode, 1, 503, "busy");
      ist_emulator_tunnel_drop_side (tunnel, mode);
      break;
    case 10:
    case 12:
      /* It connects again. */
      break;
    case 11:
      ist_emulator_tunnel_close_side (tunnel, mode, 1001, "away");
      break;
    case 13:
      if (end->tunnel != NULL)
        ist_secure_tunnel_stop (end->tunnel);
      break;
    default:
      return FALSE;
    }
  return TRUE;
}

static gboolean
is_settled (TestEnd *end)
{
  return end->tunnel == NULL || get_state (end) == IST_TUNNEL_STATE_CONNECTED ||
         get_state (end) == IST_TUNNEL_STATE_STOPPED;
}

/* Until nobody is on the way to anywhere, and nothing is told for a while. */
static void
run_until_quiet (TestPair **pairs,
                 guint n)
{
  gint64 deadline = test_get_deadline ();
  gboolean settled;
  guint before;
  guint now = 0;
  guint i;

  do
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      before = now;
      settled = TRUE;
      test_run_for (60);
      for (now = 0, i = 0; i < n; i++)
        {
          settled = settled && is_settled (pairs[i]->source) && is_settled (pairs[i]->destination);
          now += pairs[i]->source->events->len + pairs[i]->destination->events->len;
        }
    }
  while (now != before || !settled);
}

static void
test_reentrancy (gconstpointer data)
{
  void (*act) (TestEnd *) = (void (*) (TestEnd *)) data;
  const guint n = 2 * G_N_ELEMENTS (moments);
  TestPair *pairs[2 * G_N_ELEMENTS (moments)];
  TestEnd *ends[2 * G_N_ELEMENTS (moments)];
  Plan plans[2 * G_N_ELEMENTS (moments)];
  gboolean more = TRUE;
  guint n_seen = 0;
  guint step;
  guint i;

  for (i = 0; i < n; i++)
    {
      pairs[i] = test_pair_new_on (test_emulator_new_plain (test_ssh_web));
      ends[i] = i % 2 ? pairs[i]->source : pairs[i]->destination;
      /* Who answers each completion with another message goes on for ever. */
      plans[i] = (Plan){ moments[i / 2], act == act_stop_start ? 1 : act == act_everything ? 3
                                                                                           : 0,
                         0, act };
      ends[i]->hook = hook;
      ends[i]->hook_data = &plans[i];
    }
  for (step = 0; more; step++)
    {
      for (i = 0; i < n; i++)
        more = live (pairs[i], ends[i], step);
      run_until_quiet (pairs, n);
      /* A stop() is not forgotten, whatever was under way. */
      for (i = 0; i < n && act == act_stop; i++)
        g_assert_true (plans[i].seen == 0 || get_state (ends[i]) == IST_TUNNEL_STATE_STOPPED);
    }
  for (i = 0; i < n; i++)
    {
      if (plans[i].seen > 0)
        n_seen++;
      else
        g_test_message ("%u has not heard %s", i % 2, plans[i].moment);
      ends[i]->hook = NULL;
      test_pair_free (pairs[i]);
    }
  /* Sources hear of no starts, services stay the same, pings are a matter of seconds. */
  g_assert_cmpuint (n_seen, >=, n - 6);
}

/* What is told on the way to the first success. */
static void
test_first_connection (gconstpointer data)
{
  void (*act) (TestEnd *) = (void (*) (TestEnd *)) data;
  static const char *const first[] = { "notify::state", "notify::service-ids", "notify::channel-id",
                                       "connection-success" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (first); i++)
    {
      g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
      g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
      Plan plan = { first[i], 1, 0, act };

      end->hook = hook;
      end->hook_data = &plan;
      ist_secure_tunnel_start (end->tunnel, NULL);
      test_wait (plan.seen > 0);
      if (act == act_stop)
        {
          test_wait (test_end_count (end, "stopped") == 1);
          g_assert_cmpuint (test_end_count (end, "shutdown"), ==, test_end_count (end, "success"));
        }
      else if (act == act_stop_start)
        {
          test_wait (test_end_count (end, "stopped") == 1);
          test_wait (get_state (end) == IST_TUNNEL_STATE_CONNECTED);
          g_assert_cmpuint (test_end_count (end, "stopped"), ==, 1);
        }
      end->hook = NULL;
    }
}

/* A restart that was asked for is not done twice: stop() and start(), then
 * start() in "stopped", then a final failure. */
static void
act_start (TestEnd *end)
{
  ist_secure_tunnel_start (end->tunnel, NULL);
}

static void
test_start_in_stopped (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (TestEnd) end = test_emulator_add (emulator, IST_MODE_SOURCE, NULL);
  Plan plan = { "stopped", 1, 0, act_start };

  end->hook = hook;
  end->hook_data = &plan;
  test_end_start (end);
  test_wait (test_end_count (end, "success") == 1);
  ist_secure_tunnel_stop (end->tunnel);
  test_end_start (end);
  test_wait (test_end_count (end, "success") == 2);
  g_assert_cmpuint (test_end_count (end, "stopped"), ==, 1);
  ist_emulator_tunnel_close_side (emulator->tunnel, IST_MODE_SOURCE, 1008, "replaced");
  test_wait (test_end_count (end, "stopped") == 2);
  test_run_for (50);
  g_assert_cmpint (get_state (end), ==, IST_TUNNEL_STATE_STOPPED);
  g_assert_cmpuint (test_end_count (end, "success"), ==, 2);
}

/* Who tries again at once what could not be sent does not do so for ever. */
static void
act_send_again (TestEnd *end)
{
  g_autoptr (GBytes) payload = g_bytes_new ("again", 5);
  g_autoptr (IstMessage) message = ist_message_new ("SSH", payload);

  ist_secure_tunnel_send_message (end->tunnel, message, NULL);
}

static void
test_send_again (gconstpointer data)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  Plan plan = { data, 0, 0, act_send_again };
  guint i;

  test_pair_start_stream (pair, "SSH");
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  for (i = 0; i < 10; i++)
    test_end_send (pair->source, "SSH", 0, "hello");
  pair->source->hook = hook;
  pair->source->hook_data = &plan;
  ist_emulator_tunnel_drop_side (pair->emulator->tunnel, IST_MODE_SOURCE);
  test_wait (test_end_count (pair->source, "success") == 2);
  g_assert_cmpuint (plan.seen, >, 0);
  g_assert_cmpuint (plan.seen, <, 10000);
}

static void
count_up (guint *count)
{
  (*count)++;
}

/* Services are read although the tunnel is paused, data is not. */
static void
test_paused (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  g_autoptr (IstStreamInfo) info = NULL;
  guint notified = 0;

  ist_secure_tunnel_stop (pair->destination->tunnel);
  test_wait (test_end_count (pair->destination, "stopped") == 1);
  g_signal_connect_swapped (pair->destination->tunnel, "notify::paused", G_CALLBACK (count_up), &notified);
  ist_secure_tunnel_pause (pair->destination->tunnel);
  ist_secure_tunnel_pause (pair->destination->tunnel);
  g_assert_true (ist_secure_tunnel_get_paused (pair->destination->tunnel));
  g_assert_cmpuint (notified, ==, 1);
  test_end_start (pair->destination);
  test_wait (test_end_count (pair->destination, "success") == 2);
  g_assert_cmpstr (test_end_last (pair->destination, "success"), ==, "success SSH");

  info = ist_secure_tunnel_start_stream (pair->source->tunnel, "SSH", NULL);
  g_assert_nonnull (info);
  test_end_send (pair->source, "SSH", 0, "hello");
  test_wait (pair->source->n_completed == 1);
  test_run_for (50);
  g_assert_cmpuint (pair->destination->n_messages, ==, 0);
  g_assert_cmpuint (test_end_count (pair->destination, "stream-started"), ==, 0);
  ist_secure_tunnel_resume (pair->destination->tunnel);
  g_assert_false (ist_secure_tunnel_get_paused (pair->destination->tunnel));
  g_assert_cmpuint (notified, ==, 2);
  test_wait (pair->destination->n_messages == 1);
}

/* In a thread with a context of its own, which the rest of the process has no part in. */
typedef struct
{
  TestEmulator *emulator;
  gboolean dropped; /* atomic */
  gboolean quit;    /* atomic */
} Job;

static gpointer
run_in_thread (gpointer user_data)
{
  Job *job = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  gint64 deadline = test_get_deadline ();
  TestEnd *end;
  gpointer tunnel;

  g_main_context_push_thread_default (context);
  end = test_emulator_add (job->emulator, IST_MODE_SOURCE, NULL);
  test_end_start (end);
  while (test_end_count (end, "success SSH") < 1)
    test_iterate (context, deadline, "connected in a thread", G_STRLOC);
  ist_secure_tunnel_stop (end->tunnel);
  while (test_end_count (end, "stopped") < 1)
    test_iterate (context, deadline, "stopped in a thread", G_STRLOC);
  test_end_start (end);
  while (test_end_count (end, "success SSH") < 2)
    test_iterate (context, deadline, "connected again in a thread", G_STRLOC);
  /* Dropped while it is connected: the loop that goes on closes what is left. */
  tunnel = end->tunnel;
  g_clear_object (&end->tunnel);
  g_assert_null (end->alive);
  g_assert_nonnull (tunnel);
  g_atomic_int_set (&job->dropped, TRUE);
  while (!g_atomic_int_get (&job->quit))
    test_iterate (context, deadline, "told to quit a thread", G_STRLOC);
  g_main_context_pop_thread_default (context);
  g_ptr_array_unref (end->events);
  g_byte_array_unref (end->received);
  g_free (end);
  return NULL;
}

static void
test_thread (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  Job job = { emulator, FALSE, FALSE };
  GThread *thread;
  guint before;

  test_settle ();
  before = test_count_fds ();
  thread = g_thread_new ("tunnel", run_in_thread, &job);
  test_wait (g_atomic_int_get (&job.dropped));
  /* All but what wakes the thread's context. */
  test_wait (test_count_fds () <= before + 1);
  g_atomic_int_set (&job.quit, TRUE);
  g_thread_join (thread);
}

/* Hundreds at once, and nothing is left of them. */
#define MANY 200

static void
test_many (void)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new (test_ssh);
  g_autoptr (GPtrArray) tunnels = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) ends = g_ptr_array_new_with_free_func ((GDestroyNotify) test_end_free);
  guint before;
  guint i;

  test_settle ();
  before = test_count_fds ();
  for (i = 0; i < MANY; i++)
    {
      g_autoptr (GError) error = NULL;
      IstEmulatorTunnel *tunnel = ist_emulator_service_open_tunnel (emulator->service, test_ssh, NULL, 0, &error);
      g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
      TestEnd *end;

      g_assert_no_error (error);
      g_ptr_array_add (tunnels, tunnel);
      g_object_set (builder, "endpoint", ist_emulator_service_get_endpoint (emulator->service), "ca-file",
                    emulator->ca_file, "access-token", ist_emulator_tunnel_get_source_access_token (tunnel),
                    "connect-timeout", 0, NULL);
      end = test_end_new (ist_secure_tunnel_builder_build (builder, &error));
      g_assert_no_error (error);
      g_ptr_array_add (ends, end);
      test_end_start (end);
      /* GIO shakes hands in a pool of threads, where clients and servers of one
       * process would wait for each other. */
      test_wait (test_end_count (end, "success SSH") == 1);
    }
  g_assert_cmpuint (test_count_fds (), >=, before + 2 * MANY);

  /* Half of them are stopped, half dropped. */
  for (i = 0; i < MANY; i++)
    {
      TestEnd *end = ends->pdata[i];

      if (i % 2)
        g_clear_object (&end->tunnel);
      else
        ist_secure_tunnel_stop (end->tunnel);
    }
  g_ptr_array_set_size (ends, 0);
  test_wait (test_count_fds () <= before);
}

/* Names the services only after the time that the tunnel waits for them. */
static void
name_late (TestServer *server,
           TestPeer *peer,
           gpointer user_data)
{
  if (!test_peer_upgrade (peer, NULL) || !test_server_await_step (server, 1))
    return;
  test_peer_send_services (peer, test_ssh);
  test_peer_linger (peer);
}

static void
on_opened (GObject *source,
           GAsyncResult *result,
           gpointer user_data)
{
  *(IstConnection **) user_data =
    ist_secure_tunnel_open_connection_finish (IST_SECURE_TUNNEL (source), result, NULL);
}

static void
test_late_services (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, name_late, NULL);
  g_autoptr (TestEnd) end = test_client_new (server, "mode", IST_MODE_SOURCE, "connection-wait-timeout-ms", 60000,
                                             NULL);
  g_autoptr (IstConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  test_end_start (end);
  test_wait (test_end_count (end, "success") == 1);
  g_assert_cmpuint (g_strv_length ((GStrv) ist_secure_tunnel_get_service_ids (end->tunnel)), ==, 0);
  g_assert_false (ist_secure_tunnel_get_service_ids_known (end->tunnel));
  g_assert_null (ist_secure_tunnel_start_stream (end->tunnel, "SSH", &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE);
  ist_secure_tunnel_open_connection_async (end->tunnel, "SSH", NULL, on_opened, &connection);

  test_server_set_step (server, 1);
  test_wait (connection != NULL);
  g_assert_cmpstr (ist_connection_get_service_id (connection), ==, "SSH");
  g_assert_true (ist_secure_tunnel_get_service_ids_known (end->tunnel));
  g_assert_cmpstr (ist_secure_tunnel_get_service_ids (end->tunnel)[0], ==, "SSH");
  g_assert_cmpuint (test_end_count (end, "success"), ==, 1);
  g_assert_cmpuint (test_end_count (end, "notify::service-ids-known"), ==, 1);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/lifecycle/start-stop", test_start_stop);
  g_test_add_func ("/lifecycle/late-services", test_late_services);
  g_test_add_func ("/lifecycle/stop-from-every-state", test_stop_from_every_state);
  g_test_add_data_func ("/lifecycle/inside/stop", (gconstpointer) act_stop, test_reentrancy);
  g_test_add_data_func ("/lifecycle/inside/stop-start", (gconstpointer) act_stop_start, test_reentrancy);
  g_test_add_data_func ("/lifecycle/inside/unref", (gconstpointer) act_unref, test_reentrancy);
  g_test_add_data_func ("/lifecycle/inside/everything", (gconstpointer) act_everything, test_reentrancy);
  g_test_add_data_func ("/lifecycle/inside/reset", (gconstpointer) act_reset, test_reentrancy);
  g_test_add_data_func ("/lifecycle/first/stop", (gconstpointer) act_stop, test_first_connection);
  g_test_add_data_func ("/lifecycle/first/stop-start", (gconstpointer) act_stop_start, test_first_connection);
  g_test_add_data_func ("/lifecycle/first/unref", (gconstpointer) act_unref, test_first_connection);
  g_test_add_func ("/lifecycle/start-in-stopped", test_start_in_stopped);
  g_test_add_data_func ("/lifecycle/send-again/complete", "send-data-complete", test_send_again);
  g_test_add_data_func ("/lifecycle/send-again/queued", "notify::queued-bytes", test_send_again);
  g_test_add_func ("/lifecycle/paused", test_paused);
  g_test_add_func ("/lifecycle/thread", test_thread);
  g_test_add_func ("/lifecycle/many", test_many);

  return g_test_run ();
}
