/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The agent's life: starting it, stopping it, and waiting for both.
 */

#include <string.h>

#include "broker.h"

/* An agent, and what happens to it, in one line: its states, "stopped!" for the
 * signal, and what calls come to. */
typedef struct
{
  IstAgentDevice *agent;
  GMainContext *context; /* where all has to happen */
  GString *events;
  gboolean is_calling;
  /* Events whose handler stops or starts it; once. */
  const char *stop_at;
  const char *start_at;
  const char *start_and_stop_at;
} Life;

static void life_start (Life *self,
                        GCancellable *cancellable);
static void life_stop (Life *self,
                       GCancellable *cancellable);

static gboolean
take_event (const char **place,
            const char *event)
{
  if (g_strcmp0 (*place, event) != 0)
    return FALSE;
  *place = NULL;
  return TRUE;
}

static void
life_add (Life *self,
          const char *event)
{
  GSource *source = g_main_current_source ();

  if (source != NULL)
    g_assert_true (g_source_get_context (source) == self->context);
  g_string_append_printf (self->events, "%s%s", self->events->len > 0 ? " " : "", event);
  if (take_event (&self->stop_at, event))
    ist_agent_device_stop (self->agent);
  if (take_event (&self->start_at, event))
    life_start (self, NULL);
  if (take_event (&self->start_and_stop_at, event))
    {
      life_start (self, NULL);
      life_stop (self, NULL);
    }
}

static void
on_state_changed (IstAgentDevice *agent,
                  GParamSpec *pspec,
                  gpointer user_data)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (IST_AGENT_TYPE_DEVICE_STATE);

  life_add (user_data, g_enum_get_value (class, ist_agent_device_get_state (agent))->value_nick);
}

static void
on_stopped_signal (IstAgentDevice *agent,
                   gpointer user_data)
{
  g_assert_cmpint (ist_agent_device_get_state (agent), ==, IST_AGENT_DEVICE_STATE_STOPPED);
  life_add (user_data, "stopped!");
}

static void
on_broker_lost (IstAgentDevice *agent,
                const GError *error,
                guint delay_ms,
                gpointer user_data)
{
  g_test_message ("%s", error->message);
}

static void
on_tunnel_state_changed (IstAgentTunnel *tunnel,
                         GParamSpec *pspec,
                         gpointer user_data)
{
  if (ist_agent_tunnel_get_state (tunnel) == IST_TUNNEL_STATE_CONNECTED)
    life_add (user_data, "tunnel-connected");
}

static void
on_tunnel_opened (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  gpointer user_data)
{
  g_signal_connect (tunnel, "notify::state", G_CALLBACK (on_tunnel_state_changed), user_data);
  life_add (user_data, "tunnel-opened");
}

static void
on_tunnel_closed (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  const GError *error,
                  gpointer user_data)
{
  g_assert_no_error (error);
  life_add (user_data, "tunnel-closed");
}

/* Takes the agent, which belongs to the thread-default context. */
static Life *
life_new (IstAgentDevice *agent)
{
  Life *self = g_new0 (Life, 1);

  self->agent = agent;
  self->context = g_main_context_ref_thread_default ();
  self->events = g_string_new (NULL);
  g_signal_connect (agent, "notify::state", G_CALLBACK (on_state_changed), self);
  g_signal_connect (agent, "stopped", G_CALLBACK (on_stopped_signal), self);
  g_signal_connect (agent, "broker-lost", G_CALLBACK (on_broker_lost), NULL);
  g_signal_connect (agent, "tunnel-opened", G_CALLBACK (on_tunnel_opened), self);
  g_signal_connect (agent, "tunnel-closed", G_CALLBACK (on_tunnel_closed), self);
  return self;
}

static void
life_free (Life *self)
{
  g_assert_cmpstr (self->events->str, ==, "");
  g_assert_finalize_object (self->agent);
  g_string_free (self->events, TRUE);
  g_main_context_unref (self->context);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Life, life_free)

static void
life_add_result (Life *self,
                 const char *call,
                 gboolean succeeded,
                 const GError *error)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autofree char *event = NULL;
  const char *what = "done";

  g_assert_true (context == self->context);
  g_assert_false (self->is_calling);
  g_assert_true (succeeded == (error == NULL));
  if (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED))
    what = "stopped";
  else if (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE))
    what = "refused";
  else if (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING))
    what = "invalid";
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    what = "cancelled";
  else
    g_assert_no_error (error);
  event = g_strdup_printf ("%s:%s", call, what);
  life_add (self, event);
}

static void
on_started (GObject *source,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean succeeded = ist_agent_device_start_finish (IST_AGENT_DEVICE (source), result, &error);

  life_add_result (user_data, "start", succeeded, error);
}

static void
on_stopped (GObject *source,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean succeeded = ist_agent_device_stop_finish (IST_AGENT_DEVICE (source), result, &error);

  life_add_result (user_data, "stop", succeeded, error);
}

static void
life_start (Life *self,
            GCancellable *cancellable)
{
  self->is_calling = TRUE;
  ist_agent_device_start_async (self->agent, cancellable, on_started, self);
  self->is_calling = FALSE;
}

static void
life_stop (Life *self,
           GCancellable *cancellable)
{
  self->is_calling = TRUE;
  ist_agent_device_stop_async (self->agent, cancellable, on_stopped, self);
  self->is_calling = FALSE;
}

/* Waits for what happens next. */
static void
life_expect (Life *self,
             const char *events)
{
  gint64 deadline = test_get_deadline ();

  while (self->events->len < strlen (events))
    test_iterate (self->context, deadline, events, self->events->str);
  g_assert_cmpstr (self->events->str, ==, events);
  g_string_truncate (self->events, 0);
}

static void
assert_refused (IstAgentDevice *agent)
{
  g_autoptr (GError) error = NULL;
  IstAgentDeviceState state = ist_agent_device_get_state (agent);

  g_assert_false (ist_agent_device_start (agent, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  g_assert_cmpint (ist_agent_device_get_state (agent), ==, state);
}

/* Brokers */

static void
accept_agent (TestServer *server,
              TestPeer *peer,
              gpointer user_data)
{
  if (broker_accept_client (peer) && broker_accept_subscription (peer))
    broker_linger (peer);
}

static void
break_off_once (TestServer *server,
                TestPeer *peer,
                gpointer user_data)
{
  g_assert_true (broker_accept_client (peer));
  g_assert_true (broker_accept_subscription (peer));
  if (peer->number > 0)
    broker_linger (peer);
}

static void
never_answer (TestServer *server,
              TestPeer *peer,
              gpointer user_data)
{
  guint8 body[128];

  g_assert_true (broker_read_packet (peer, BROKER_CONNECT, body));
  test_server_set_step (server, 1);
  broker_linger (peer);
}

/* Tests */

static void
test_start_and_stop (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, accept_agent, NULL);
  g_autoptr (Life) life = life_new (broker_make_agent (server));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  for (guint i = 0; i < 2; i++)
    {
      life_start (life, NULL);
      life_expect (life, "connecting subscribed start:done");
      life_stop (life, NULL);
      life_expect (life, "stopping stopped stopped! stop:done");
    }

  /* What has stopped already has stopped. */
  life_stop (life, NULL);
  life_expect (life, "stop:done");

  /* That nobody waits any more is no wish that it should stop. */
  life_start (life, cancellable);
  life_expect (life, "connecting subscribed start:done");
  g_cancellable_cancel (cancellable);
  test_settle ();
  g_assert_true (agent_is_subscribed (life->agent));
  g_string_truncate (life->events, 0);
}

static void
test_without_broker (void)
{
  g_autoptr (Life) life = life_new (ist_agent_device_new ("a", NULL));

  life_start (life, NULL);
  life_expect (life, "subscribed start:done");
  life_stop (life, NULL);
  life_expect (life, "stopping stopped stopped! stop:done");
}

static void
test_lost (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, break_off_once, NULL);
  g_autoptr (Life) life = life_new (broker_make_agent (server));

  life_start (life, NULL);
  life_expect (life, "connecting subscribed start:done waiting connecting subscribed");
}

/* What start() refuses start_async() does, and what runs is left alone. */
static void
test_refused (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, accept_agent, NULL);
  g_autoptr (Life) life = life_new (broker_make_agent (server));
  g_autoptr (Life) bare = life_new (g_object_new (IST_AGENT_TYPE_DEVICE, NULL));

  life_start (life, NULL);
  assert_refused (life->agent);
  life_start (life, NULL);
  life_expect (life, "connecting start:refused subscribed start:done");
  assert_refused (life->agent);

  life_start (bare, NULL);
  life_expect (bare, "start:invalid");
}

static gpointer
cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

/* There is no end to waiting for a broker but the one that somebody makes, from
 * whatever thread. */
static void
test_cancelled_start (gconstpointer data)
{
  TestServerKind kind = GPOINTER_TO_UINT (data);
  g_autoptr (TestServer) server = test_server_new (kind, never_answer, NULL);
  g_autoptr (Life) life = life_new (broker_make_agent (server));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  life_start (life, cancellable);
  test_wait (kind == TEST_SERVER_SILENT || test_server_get_step (server) == 1);
  g_thread_join (g_thread_new ("cancel", cancel, cancellable));
  life_expect (life, "connecting stopping stopped stopped! start:cancelled");

  /* One that was cancelled before it begins. */
  life_start (life, cancellable);
  life_expect (life, "start:cancelled");
}

static void
test_stop_during_start (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, accept_agent, NULL);
  g_autoptr (Life) life = life_new (broker_make_agent (server));

  life_start (life, NULL);
  life_stop (life, NULL);
  life_expect (life, "connecting stopping stopped stopped! start:stopped stop:done");

  /* From a handler that is called before start_async() has returned. */
  life->stop_at = "connecting";
  life_start (life, NULL);
  life_expect (life, "connecting stopping stopped stopped! start:stopped");
}

static void
test_start_while_stopping (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, accept_agent, NULL);
  g_autoptr (Life) life = life_new (broker_make_agent (server));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  life_start (life, NULL);
  life_expect (life, "connecting subscribed start:done");
  life_stop (life, NULL);
  life_start (life, NULL);
  assert_refused (life->agent);
  life_expect (life, "stopping stopped stopped! connecting stop:done subscribed start:done");

  ist_agent_device_stop (life->agent);
  g_assert_true (ist_agent_device_start (life->agent, NULL));
  assert_refused (life->agent);
  life_expect (life, "stopping stopped stopped! connecting subscribed");

  /* One that is stopped, or cancelled, before it has begun. */
  ist_agent_device_stop (life->agent);
  life_start (life, NULL);
  life_stop (life, NULL);
  life_expect (life, "stopping stopped stopped! start:stopped stop:done");
  life_start (life, NULL);
  life_expect (life, "connecting subscribed start:done");
  ist_agent_device_stop (life->agent);
  life_start (life, cancellable);
  g_cancellable_cancel (cancellable);
  life_expect (life, "stopping stopped stopped! connecting stopping stopped stopped! start:cancelled");
}

static void
test_start_in_handler (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, accept_agent, NULL);
  g_autoptr (Life) life = life_new (broker_make_agent (server));

  life_start (life, NULL);
  life_expect (life, "connecting subscribed start:done");
  life->start_at = "stopped!";
  life_stop (life, NULL);
  life_expect (life, "stopping stopped stopped! connecting stop:done subscribed start:done");

  /* Who waits for the second end does not hear of the first. */
  life->start_and_stop_at = "stopped!";
  life_stop (life, NULL);
  life_expect (life, "stopping stopped stopped! connecting stopping stop:done "
                     "stopped stopped! stop:done start:stopped");

  life_start (life, NULL);
  life_expect (life, "connecting subscribed start:done");
  life->start_at = "stop:done";
  life_stop (life, NULL);
  life_expect (life, "stopping stopped stopped! stop:done connecting subscribed start:done");

  life->stop_at = "subscribed";
  ist_agent_device_stop (life->agent);
  life_start (life, NULL);
  life_expect (life, "stopping stopped stopped! connecting subscribed stopping stopped stopped! start:stopped");
}

static void
test_cancelled_stop (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, accept_agent, NULL);
  g_autoptr (Life) life = life_new (broker_make_agent (server));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  life_start (life, NULL);
  life_expect (life, "connecting subscribed start:done");
  life_stop (life, cancellable);
  g_cancellable_cancel (cancellable);
  /* Either may come first. */
  test_wait (strstr (life->events->str, "stop:") != NULL && strstr (life->events->str, "stopped!") != NULL);
  g_assert_cmpint (ist_agent_device_get_state (life->agent), ==, IST_AGENT_DEVICE_STATE_STOPPED);
  g_string_truncate (life->events, 0);
}

/* Who waits for an agent keeps it alive, and no longer than that. */
static void
test_dropped (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, never_answer, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Life *life = life_new (broker_make_agent (server));
  gpointer agent = life->agent;

  g_object_add_weak_pointer (agent, &agent);
  life_start (life, cancellable);
  g_object_unref (agent);
  test_wait (test_server_get_step (server) == 1);
  g_assert_nonnull (agent);
  g_cancellable_cancel (cancellable);
  test_wait (agent == NULL);
  life_expect (life, "connecting stopping stopped stopped! start:cancelled");
  g_string_free (life->events, TRUE);
  g_main_context_unref (life->context);
  g_free (life);
}

static void
notify_agent (TestServer *server,
              TestPeer *peer,
              gpointer user_data)
{
  const char *topic = "$aws/things/a/tunnels/notify";
  const char *payload = "{\"clientAccessToken\": \"one-of-a-tunnel\", \"clientMode\": \"destination\", "
                        "\"region\": \"us-east-1\", \"services\": [\"SSH\"]}";
  g_autoptr (GByteArray) packet = g_byte_array_new ();
  gsize size = 2 + strlen (topic) + strlen (payload);
  const guint8 head[] = { 0x30, (size & 127) | 128, size >> 7, 0, strlen (topic) };

  g_assert_true (broker_accept_client (peer));
  g_assert_true (broker_accept_subscription (peer));
  g_byte_array_append (packet, head, sizeof head);
  g_byte_array_append (packet, (const guint8 *) topic, strlen (topic));
  g_byte_array_append (packet, (const guint8 *) payload, strlen (payload));
  g_assert_true (test_peer_write (peer, packet->data, packet->len));
  broker_linger (peer);
}

static void
accept_tunnel (TestServer *server,
               TestPeer *peer,
               gpointer user_data)
{
  const char *const service_ids[] = { "SSH", NULL };

  g_assert_true (test_peer_upgrade (peer, NULL));
  g_assert_true (test_peer_send_services (peer, service_ids));
  test_peer_linger (peer);
}

/* Whatever is thread-default while it is used, or while its context runs. */
static void
test_contexts (void)
{
  g_autoptr (TestServer) broker = test_server_new (TEST_SERVER_PLAIN, notify_agent, NULL);
  g_autoptr (TestServer) service = test_server_new (TEST_SERVER_PLAIN, accept_tunnel, NULL);
  g_autoptr (GMainContext) own = g_main_context_new ();
  g_autoptr (GMainContext) other = g_main_context_new ();
  g_autoptr (GHashTable) services = g_hash_table_new (NULL, NULL);
  g_autofree char *uri = g_strdup_printf ("mqtt://127.0.0.1:%u", test_server_get_port (broker));
  g_autoptr (Life) life = NULL;

  g_main_context_push_thread_default (own);
  life = life_new (g_object_new (IST_AGENT_TYPE_DEVICE,
                                 "thing-name", "a",
                                 "broker", uri,
                                 "endpoint", test_server_get_endpoint (service),
                                 NULL));
  g_main_context_pop_thread_default (own);

  g_main_context_push_thread_default (other);
  g_hash_table_insert (services, (char *) "SSH", (char *) "127.0.0.1:9");
  g_assert_true (ist_agent_device_set_services (life->agent, services, NULL));
  life_start (life, NULL);
  life_expect (life, "connecting subscribed start:done tunnel-opened tunnel-connected");
  life_stop (life, NULL);
  life_expect (life, "stopping tunnel-closed stopped stopped! stop:done");
  /* A second time, and away in the middle of it. */
  life_start (life, NULL);
  life_expect (life, "connecting subscribed start:done");
  g_assert_false (g_main_context_iteration (other, FALSE));
  g_main_context_pop_thread_default (other);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/agent/awaiting/start-and-stop", test_start_and_stop);
  g_test_add_func ("/agent/awaiting/without-broker", test_without_broker);
  g_test_add_func ("/agent/awaiting/lost", test_lost);
  g_test_add_func ("/agent/awaiting/refused", test_refused);
  g_test_add_data_func ("/agent/awaiting/cancelled-start/no-answer", GUINT_TO_POINTER (TEST_SERVER_PLAIN),
                        test_cancelled_start);
  g_test_add_data_func ("/agent/awaiting/cancelled-start/not-accepted", GUINT_TO_POINTER (TEST_SERVER_SILENT),
                        test_cancelled_start);
  g_test_add_func ("/agent/awaiting/stop-during-start", test_stop_during_start);
  g_test_add_func ("/agent/awaiting/start-while-stopping", test_start_while_stopping);
  g_test_add_func ("/agent/awaiting/start-in-handler", test_start_in_handler);
  g_test_add_func ("/agent/awaiting/cancelled-stop", test_cancelled_stop);
  g_test_add_func ("/agent/awaiting/dropped", test_dropped);
  g_test_add_func ("/agent/awaiting/contexts", test_contexts);

  return g_test_run ();
}
