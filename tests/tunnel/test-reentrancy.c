/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls from inside handlers: whatever they do, what belonged to an old stream
 * does not reach the new one, everything is told once and in order, and the tunnel
 * works afterwards.
 */

#include <string.h>

#include "test-tunnel.h"

/* How the streams of a tunnel end. */
typedef enum
{
  REPLACED,
  RESET_BY_US,
  RESET_BY_PEER,
  CONNECTION_RESET_BY_PEER,
  SESSION_RESET,
  LOST,
  STOPPED,
  N_WAYS,
} Way;

static const char *const way_names[] = { "replaced", "reset-by-us", "reset-by-peer", "connection-reset-by-peer",
                                         "session-reset", "lost", "stopped" };

/* What a handler does. */
typedef enum
{
  START_STREAM,
  START_CONNECTION,
  RESET_STREAM,
  RESET_CONNECTION,
  SEND,
  SEND_ASYNC,
  OPEN,
  PAUSE_AND_RESUME,
  STOP,
  STOP_AND_START,
  AWAIT_STOP_AND_START,
  ITERATE,
  N_ACTIONS,
} Action;

static const char *const action_names[] = { "start-stream", "start-connection", "reset-stream", "reset-connection",
                                            "send", "send-async", "open", "pause",
                                            "stop", "restart", "await-restart", "iterate" };

static const char *const signals[] = {
  TEST_SIGNALS,
  "notify::state",
  "notify::queued-bytes",
};

typedef struct
{
  TestPair *pair;
  TestEnd *end; /* whose handler acts */
  const char *signal;
  Action action;
  gboolean done;
  guint opening; /* that have not come back */
  GPtrArray *connections;
  IstStreamInfo *kept; /* the first stream */
} Scene;

static void
on_opened (GObject *source,
           GAsyncResult *result,
           gpointer user_data)
{
  Scene *scene = user_data;
  IstConnection *connection;

  scene->opening--;
  connection = ist_secure_tunnel_open_connection_finish (IST_SECURE_TUNNEL (source), result, NULL);
  if (connection != NULL)
    g_ptr_array_add (scene->connections, connection);
}

static void
on_sent (GObject *source,
         GAsyncResult *result,
         gpointer user_data)
{
  Scene *scene = user_data;

  scene->opening--;
  ist_secure_tunnel_send_message_finish (IST_SECURE_TUNNEL (source), result, NULL);
}

static void
on_started (GObject *source,
            GAsyncResult *result,
            gpointer user_data)
{
  Scene *scene = user_data;

  scene->opening--;
  ist_secure_tunnel_start_finish (IST_SECURE_TUNNEL (source), result, NULL);
}

static void
on_stopped (GObject *source,
            GAsyncResult *result,
            gpointer user_data)
{
  Scene *scene = user_data;

  scene->opening--;
  g_assert_true (ist_secure_tunnel_stop_finish (IST_SECURE_TUNNEL (source), result, NULL));
}

static void
act (Scene *scene)
{
  IstSecureTunnel *tunnel = scene->end->tunnel;
  g_autoptr (GBytes) payload = g_bytes_new_static ("new", 3);
  g_autoptr (IstMessage) message = ist_message_new ("SSH", payload);
  g_autoptr (IstMessage) stale = NULL;
  IstStreamInfo *info = NULL;

  switch (scene->action)
    {
    case START_STREAM:
      info = ist_secure_tunnel_start_stream (tunnel, "SSH", NULL);
      break;
    case START_CONNECTION:
      info = ist_secure_tunnel_start_connection (tunnel, "SSH", NULL);
      break;
    case RESET_STREAM:
      ist_secure_tunnel_reset_stream (tunnel, "SSH", NULL);
      break;
    case RESET_CONNECTION:
      ist_secure_tunnel_reset_connection (tunnel, "SSH", 1, NULL);
      break;
    case SEND:
      ist_secure_tunnel_send_message (tunnel, message, NULL);
      stale = ist_message_new_for_stream (scene->kept, payload);
      ist_secure_tunnel_send_message (tunnel, stale, NULL);
      break;
    case SEND_ASYNC:
      scene->opening++;
      ist_secure_tunnel_send_message_async (tunnel, message, NULL, on_sent, scene);
      break;
    case OPEN:
      scene->opening++;
      ist_secure_tunnel_open_connection_async (tunnel, "SSH", NULL, on_opened, scene);
      break;
    case PAUSE_AND_RESUME:
      ist_secure_tunnel_pause (tunnel);
      ist_secure_tunnel_resume (tunnel);
      break;
    case STOP:
      ist_secure_tunnel_stop (tunnel);
      break;
    case STOP_AND_START:
      ist_secure_tunnel_stop (tunnel);
      ist_secure_tunnel_start (tunnel, NULL);
      break;
    case AWAIT_STOP_AND_START:
      scene->opening += 2;
      ist_secure_tunnel_stop_async (tunnel, NULL, on_stopped, scene);
      ist_secure_tunnel_start_async (tunnel, NULL, on_started, scene);
      break;
    case ITERATE:
      g_main_context_iteration (NULL, FALSE);
      break;
    case N_ACTIONS:
    default:
      g_assert_not_reached ();
    }
  g_clear_pointer (&info, ist_stream_info_unref);
}

static void
hook (TestEnd *end,
      const char *signal)
{
  Scene *scene = end->hook_data;

  if (scene->done || !g_str_equal (signal, scene->signal))
    return;
  scene->done = TRUE;
  act (scene);
}

/* What a destination was told: each start once, then its end once, none in between. */
static void
check_events (TestEnd *end)
{
  guint i;
  gboolean stream = FALSE;

  for (i = 0; i < end->events->len; i++)
    {
      const char *event = end->events->pdata[i];

      if (g_str_has_prefix (event, "stream-started "))
        {
          g_assert_false (stream);
          stream = TRUE;
        }
      else if (g_str_has_prefix (event, "stream-stopped "))
        {
          g_assert_true (stream);
          stream = FALSE;
        }
      else if (g_str_has_prefix (event, "connection-started ") || g_str_has_prefix (event, "connection-reset "))
        {
          g_assert_true (stream);
        }
    }
}

static void
happen (Scene *scene,
        Way way)
{
  IstSecureTunnel *source = scene->pair->source->tunnel;
  IstStreamInfo *info = NULL;

  switch (way)
    {
    case REPLACED:
      info = ist_secure_tunnel_start_stream (source, "SSH", NULL);
      g_clear_pointer (&info, ist_stream_info_unref);
      info = ist_secure_tunnel_start_connection (source, "SSH", NULL);
      g_clear_pointer (&info, ist_stream_info_unref);
      break;
    case RESET_BY_US:
      ist_secure_tunnel_reset_stream (scene->end->tunnel, "SSH", NULL);
      break;
    case RESET_BY_PEER:
      ist_secure_tunnel_reset_stream (scene->end == scene->pair->source ? scene->pair->destination->tunnel : source,
                                      "SSH", NULL);
      break;
    case CONNECTION_RESET_BY_PEER:
      ist_secure_tunnel_reset_connection (
        scene->end == scene->pair->source ? scene->pair->destination->tunnel : source, "SSH", 1, NULL);
      break;
    case SESSION_RESET:
      ist_emulator_tunnel_reset_session (scene->pair->emulator->tunnel);
      break;
    case LOST:
      ist_emulator_tunnel_drop_side (scene->pair->emulator->tunnel,
                                     scene->end == scene->pair->source ? IST_MODE_SOURCE : IST_MODE_DESTINATION);
      break;
    case STOPPED:
      ist_secure_tunnel_stop (scene->end->tunnel);
      break;
    case N_WAYS:
    default:
      g_assert_not_reached ();
    }
}

/* A handler that stops the tunnel may come after a start, which it undoes. */
static gboolean
is_connected (TestEnd *end)
{
  IstTunnelState state = ist_secure_tunnel_get_state (end->tunnel);

  if (state == IST_TUNNEL_STATE_STOPPING || state == IST_TUNNEL_STATE_STOPPED)
    ist_secure_tunnel_start (end->tunnel, NULL);
  return state == IST_TUNNEL_STATE_CONNECTED;
}

/* No stream that begins afterwards is meant by it. */
static gboolean
is_session_over (TestEnd *end)
{
  return test_end_count (end, "session-reset") > 0 || test_end_count (end, "shutdown") > 0;
}

/* What was under way before may still come, but nothing after the last that was sent. */
static gboolean
has_received (TestEnd *end,
              const char *text)
{
  gsize length = strlen (text);
  GByteArray *received = end->received;

  return received->len >= length && memcmp (received->data + received->len - length, text, length) == 0;
}

static gboolean
has_ended (gpointer connection)
{
  guint8 buffer[64];
  GPollableInputStream *in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (connection));
  gssize n;

  do
    n = g_pollable_input_stream_read_nonblocking (in, buffer, sizeof buffer, NULL, NULL);
  while (n > 0);
  return g_pollable_input_stream_is_readable (in);
}

/* One handler, one call, one way to end; then the tunnel has to work as ever.
 * Whether the signal came at all. */
static gboolean
play (IstMode side,
      const char *signal,
      Action action,
      Way way)
{
  g_autoptr (TestEmulator) emulator = test_emulator_new_plain (test_ssh);
  g_autoptr (TestPair) pair = test_pair_new_on (g_steal_pointer (&emulator));
  Scene scene = { pair, side == IST_MODE_SOURCE ? pair->source : pair->destination, signal, action };
  IstStreamInfo *info;
  guint i;

  scene.connections = g_ptr_array_new_with_free_func (g_object_unref);
  scene.kept = ist_secure_tunnel_start_stream (pair->source->tunnel, "SSH", NULL);
  for (i = 0; i < 2; i++)
    {
      info = ist_secure_tunnel_start_connection (pair->source->tunnel, "SSH", NULL);
      ist_stream_info_unref (info);
    }
  test_wait (test_end_count (pair->destination, "connection-started") == 2);
  test_end_send (pair->destination, "SSH", 1, "greeting");
  test_wait (pair->source->n_messages == 1);

  scene.end->hook = hook;
  scene.end->hook_data = &scene;
  test_end_send (scene.end, "SSH", 1, "one");
  test_end_send (scene.end, "SSH", 2, "two");
  test_end_send (scene.end == pair->source ? pair->destination : pair->source, "SSH", 3, "three");
  happen (&scene, way);
  if (way == LOST)
    test_wait (test_end_count (scene.end, "shutdown") > 0);
  if (way == SESSION_RESET)
    test_wait (is_session_over (pair->source) && is_session_over (pair->destination));
  test_run_for (5);
  test_wait (is_connected (pair->source) && is_connected (pair->destination));
  test_wait (scene.opening == 0);
  scene.end->hook = NULL;

  /* Whatever was said and done, it works; and each message of before has completed. */
  info = ist_secure_tunnel_start_stream (pair->source->tunnel, "SSH", NULL);
  g_assert_nonnull (info);
  test_end_send (pair->source, "SSH", 0, "after");
  test_wait (has_received (pair->destination, "after"));
  test_wait (ist_secure_tunnel_get_queued_bytes (pair->source->tunnel) == 0);
  test_end_send (pair->destination, "SSH", 0, "answer");
  test_wait (has_received (pair->source, "answer"));
  check_events (pair->destination);

  /* Connections that were opened in between ended with their stream. */
  for (i = 0; i < scene.connections->len; i++)
    test_wait (has_ended (scene.connections->pdata[i]));
  g_ptr_array_unref (scene.connections);
  ist_stream_info_unref (scene.kept);
  ist_stream_info_unref (info);
  return scene.done;
}

typedef struct
{
  IstMode side;
  Way way;
} Set;

/* Every signal and every call. */
static void
test_matrix (gconstpointer data)
{
  const Set *set = data;
  guint n_acted = 0;
  guint i;
  guint action;

  for (i = 0; i < G_N_ELEMENTS (signals); i++)
    for (action = 0; action < N_ACTIONS; action++)
      {
        gboolean acted = play (set->side, signals[i], action, set->way);

        g_test_message ("%s: %s%s", signals[i], action_names[action], acted ? "" : " (did not come)");
        if (acted)
          n_acted++;
      }
  /* Each way ends with some of them, whatever the timing. */
  g_assert_cmpuint (n_acted, >=, 3 * N_ACTIONS);
}

/* Named: what was seen to go wrong */

typedef struct
{
  TestPair *pair;
  IstStreamInfo *started;
  guint n;
} Case;

static void
start_again (TestEnd *end,
             const char *signal)
{
  Case *c = end->hook_data;

  if (!g_str_equal (signal, "connection-reset") || c->n++ > 0)
    return;
  c->started = ist_secure_tunnel_start_stream (end->tunnel, "SSH", NULL);
}

/* The rest of the old stream's end must not end what its first event led to. */
static void
test_start_while_a_stream_ends (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  Case c = { pair };
  guint i;

  test_pair_start_stream (pair, "SSH");
  for (i = 0; i < 3; i++)
    ist_stream_info_unref (ist_secure_tunnel_start_connection (pair->source->tunnel, "SSH", NULL));
  test_wait (test_end_count (pair->destination, "connection-started") == 3);
  pair->source->hook = start_again;
  pair->source->hook_data = &c;
  ist_secure_tunnel_reset_stream (pair->destination->tunnel, "SSH", NULL);
  test_wait (test_end_count (pair->source, "stream-stopped") == 1);
  g_assert_nonnull (c.started);
  g_assert_cmpuint (test_end_count (pair->source, "connection-reset"), ==, 4);
  test_wait (test_end_count (pair->destination, "stream-started") == 2);
  test_end_send (pair->source, "SSH", 0, "alive");
  test_end_send (pair->destination, "SSH", 0, "alive");
  test_wait (pair->source->n_messages == 1 && pair->destination->n_messages == 1);
  ist_stream_info_unref (c.started);
}

static void
reset_the_new_one (TestEnd *end,
                   const char *signal)
{
  Case *c = end->hook_data;

  if (g_str_equal (signal, "stream-stopped") && c->n++ == 0)
    ist_secure_tunnel_reset_stream (end->tunnel, "SSH", NULL);
}

/* The one that replaced is told started first, then stopped, and is gone. */
static void
test_reset_of_the_stream_that_replaced (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  Case c = { pair };
  const char *order[4] = { NULL };
  guint n = 0;
  guint i;

  test_pair_start_stream (pair, "SSH");
  pair->destination->hook = reset_the_new_one;
  pair->destination->hook_data = &c;
  ist_stream_info_unref (ist_secure_tunnel_start_stream (pair->source->tunnel, "SSH", NULL));
  test_wait (test_end_count (pair->destination, "stream-stopped") == 2);
  test_wait (test_end_count (pair->source, "stream-stopped") == 2);
  for (i = 0; i < pair->destination->events->len && n < 4; i++)
    if (g_str_has_prefix (pair->destination->events->pdata[i], "stream-"))
      order[n++] = pair->destination->events->pdata[i];
  g_assert_cmpuint (n, ==, 4);
  g_assert_true (g_str_has_prefix (order[2], "stream-started"));
  g_assert_true (g_str_has_prefix (order[3], "stream-stopped"));
  g_assert_false (ist_secure_tunnel_reset_stream (pair->destination->tunnel, "SSH", NULL));
}

static void
send_for_the_old_one (TestEnd *end,
                      const char *signal)
{
  Case *c = end->hook_data;
  g_autoptr (GBytes) payload = g_bytes_new_static ("old", 3);
  g_autoptr (IstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_str_equal (signal, "stream-stopped") || c->n++ > 0)
    return;
  message = ist_message_new_for_stream (c->started, payload);
  g_assert_false (ist_secure_tunnel_send_message (end->tunnel, message, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_STREAM);
  /* The start is on its way before anything that follows. */
  test_end_send (end, "SSH", 0, "new");
}

static void
test_messages_for_the_old_stream (void)
{
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  Case c = { pair };

  c.started = ist_secure_tunnel_start_stream (pair->source->tunnel, "SSH", NULL);
  test_wait (test_end_count (pair->destination, "stream-started") == 1);
  pair->source->hook = send_for_the_old_one;
  pair->source->hook_data = &c;
  ist_stream_info_unref (ist_secure_tunnel_start_stream (pair->source->tunnel, "SSH", NULL));
  g_assert_cmpuint (c.n, ==, 1);
  test_wait (pair->destination->received->len == 3);
  g_assert_cmpmem (pair->destination->received->data, 3, "new", 3);
  ist_stream_info_unref (c.started);
}

static void
note_state (TestEnd *end,
            const char *signal)
{
  Case *c = end->hook_data;

  if (!g_str_equal (signal, "send-data-complete") || end->n_failed == 0)
    return;
  c->n++;
  g_assert_cmpint (ist_secure_tunnel_get_state (end->tunnel), !=, IST_TUNNEL_STATE_CONNECTED);
}

static void
note_message (IstSecureTunnel *tunnel,
              IstMessage *message,
              const GError *error,
              GPtrArray *messages)
{
  g_ptr_array_add (messages, ist_message_ref (message));
}

/* Failed messages are told of in the order in which they were accepted, and by
 * then the tunnel is not connected. */
static void
test_failures_in_order (gconstpointer data)
{
  gboolean stops = GPOINTER_TO_INT (data);
  g_autoptr (TestPair) pair = test_pair_new (test_ssh);
  g_autoptr (GPtrArray) sent = g_ptr_array_new_with_free_func ((GDestroyNotify) ist_message_unref);
  Case c = { pair };
  guint i;

  test_pair_start_stream (pair, "SSH");
  ist_stream_info_unref (ist_secure_tunnel_start_connection (pair->source->tunnel, "SSH", NULL));
  ist_emulator_tunnel_set_stalled (pair->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  g_signal_connect (pair->source->tunnel, "send-data-complete", G_CALLBACK (note_message), sent);
  pair->source->hook = note_state;
  pair->source->hook_data = &c;
  for (i = 0; i < 100000; i++)
    {
      guint32 *data_of_message = g_malloc0 (20000);
      g_autoptr (GBytes) payload = g_bytes_new_take (data_of_message, 20000);
      g_autoptr (IstMessage) message = NULL;

      data_of_message[0] = i;
      message = ist_message_new_for_connection ("SSH", 1 + i % 2, payload);
      if (!ist_secure_tunnel_send_message (pair->source->tunnel, message, NULL))
        break;
      test_settle ();
    }
  g_assert_cmpuint (i, >, 10);
  if (stops)
    ist_secure_tunnel_stop (pair->source->tunnel);
  else
    ist_emulator_tunnel_drop_side (pair->emulator->tunnel, IST_MODE_SOURCE);
  test_wait (sent->len == i);
  g_assert_cmpuint (c.n, >, 0);
  for (i = 0; i < sent->len; i++)
    {
      const guint32 *number = g_bytes_get_data (ist_message_get_payload (sent->pdata[i]), NULL);

      g_assert_cmpuint (*number, ==, i);
    }
}

int
main (int argc,
      char **argv)
{
  static Set sets[2 * N_WAYS];
  guint i;

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reentrancy/start-while-a-stream-ends", test_start_while_a_stream_ends);
  g_test_add_func ("/reentrancy/reset-of-the-stream-that-replaced", test_reset_of_the_stream_that_replaced);
  g_test_add_func ("/reentrancy/messages-for-the-old-stream", test_messages_for_the_old_stream);
  g_test_add_data_func ("/reentrancy/failures-in-order/stopped", GINT_TO_POINTER (TRUE), test_failures_in_order);
  g_test_add_data_func ("/reentrancy/failures-in-order/lost", GINT_TO_POINTER (FALSE), test_failures_in_order);
  for (i = 0; i < G_N_ELEMENTS (sets); i++)
    {
      g_autofree char *path = NULL;

      sets[i].side = i % 2 ? IST_MODE_DESTINATION : IST_MODE_SOURCE;
      sets[i].way = i / 2;
      path = g_strdup_printf ("/reentrancy/%s/%s", i % 2 ? "destination" : "source", way_names[sets[i].way]);
      g_test_add_data_func (path, &sets[i], test_matrix);
    }

  return g_test_run ();
}
