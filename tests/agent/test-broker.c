/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The agent and its broker, with brokers that are played by hand.
 */

#include <string.h>

#include "broker.h"

static void
on_broker_lost (IstAgentDevice *agent,
                const GError *error,
                guint delay_ms,
                gpointer user_data)
{
  GError **lost = user_data;

  g_clear_error (lost);
  *lost = g_error_copy (error);
  /* Allowed, as in all its signals. */
  ist_agent_device_stop (agent);
}

static void
test_unreachable (void)
{
  static const struct
  {
    const char *broker;
    const char *certificate;
    int code;
  } cases[] = {
    { "mqtt://127.0.0.1:1", NULL, IST_TUNNEL_ERROR_UNREACHABLE },
    { "127.0.0.1:1", "/nonexistent", IST_TUNNEL_ERROR_TLS },
    { "127.0.0.1:1", "/dev/zero", IST_TUNNEL_ERROR_TLS },
    { "mqtts://name.invalid", "/proc/self/status", IST_TUNNEL_ERROR_UNREACHABLE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) lost = NULL;
      g_autoptr (IstAgentDevice) agent = NULL;

      agent = g_object_new (IST_AGENT_TYPE_DEVICE,
                            "thing-name", "a",
                            "broker", cases[i].broker,
                            "certificate-file", cases[i].certificate,
                            NULL);
      g_signal_connect (agent, "broker-lost", G_CALLBACK (on_broker_lost), &lost);
      g_assert_true (ist_agent_device_start (agent, &error));
      test_wait (lost != NULL);
      g_test_message ("%s: %s", cases[i].broker, lost->message);
      g_assert_error (lost, IST_TUNNEL_ERROR, cases[i].code);
      g_assert_false (agent_is_subscribed (agent));
    }
}

static void
refuse_client (TestServer *server,
               TestPeer *peer,
               gpointer user_data)
{
  guint8 body[128];

  g_assert_true (broker_read_packet (peer, BROKER_CONNECT, body));
  test_peer_write (peer, "\x20\x02\x00\x05", 4);
}

static void
refuse_subscription (TestServer *server,
                     TestPeer *peer,
                     gpointer user_data)
{
  guint8 body[128];
  guint8 answer[] = { 0x90, 0x03, 0, 0, 0x80 };

  g_assert_true (broker_accept_client (peer));
  g_assert_true (broker_read_packet (peer, BROKER_SUBSCRIBE, body));
  memcpy (answer + 2, body, 2);
  test_peer_write (peer, answer, sizeof answer);
}

static void
close_at_once (TestServer *server,
               TestPeer *peer,
               gpointer user_data)
{
  guint8 body[128];

  g_assert_true (broker_read_packet (peer, BROKER_CONNECT, body));
}

static void
hang_up_on_subscription (TestServer *server,
                         TestPeer *peer,
                         gpointer user_data)
{
  guint8 body[128];

  g_assert_true (broker_accept_client (peer));
  g_assert_true (broker_read_packet (peer, BROKER_SUBSCRIBE, body));
}

static void
break_off (TestServer *server,
           TestPeer *peer,
           gpointer user_data)
{
  g_assert_true (broker_accept_client (peer));
  g_assert_true (broker_accept_subscription (peer));
  test_peer_abort (peer);
}

static void
say_nonsense (TestServer *server,
              TestPeer *peer,
              gpointer user_data)
{
  g_assert_true (broker_accept_client (peer));
  g_assert_true (broker_accept_subscription (peer));
  test_peer_write (peer, "\x00\x00", 2);
  test_peer_sleep (peer, G_MAXUINT);
}

/* Takes the ping, and says nothing any more. */
static void
fall_silent (TestServer *server,
             TestPeer *peer,
             gpointer user_data)
{
  guint8 body[128];

  g_assert_true (broker_accept_client (peer));
  g_assert_true (broker_accept_subscription (peer));
  g_assert_true (broker_read_packet (peer, BROKER_PINGREQ, body));
  test_peer_sleep (peer, G_MAXUINT);
}

typedef struct
{
  TestScript script;
  int code;
  const char *advice; /* NULL for any */
} BadBroker;

static void
test_bad_broker (gconstpointer data)
{
  const BadBroker *bad = data;
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, bad->script, NULL);
  g_autoptr (IstAgentDevice) agent = broker_make_agent (server);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) lost = NULL;

  g_signal_connect (agent, "broker-lost", G_CALLBACK (on_broker_lost), &lost);
  g_assert_true (ist_agent_device_start (agent, &error));
  test_wait (lost != NULL);
  g_test_message ("%s", lost->message);
  g_assert_error (lost, IST_TUNNEL_ERROR, bad->code);
  if (bad->advice != NULL)
    g_assert_nonnull (strstr (lost->message, bad->advice));
}

static void
on_broker_lost_again (IstAgentDevice *agent,
                      const GError *error,
                      guint delay_ms,
                      gpointer user_data)
{
  g_ptr_array_add (user_data, g_error_copy (error));
}

/* Another client with the same id is thrown out by this one, and comes back. */
static void
test_taken_over (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, break_off, NULL);
  g_autoptr (GPtrArray) lost = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_autoptr (IstAgentDevice) agent = broker_make_agent (server);
  g_autoptr (GError) error = NULL;

  g_signal_connect (agent, "broker-lost", G_CALLBACK (on_broker_lost_again), lost);
  g_assert_true (ist_agent_device_start (agent, &error));
  test_wait (lost->len == 3);
  for (guint i = 0; i < lost->len; i++)
    {
      const GError *one = g_ptr_array_index (lost, i);

      g_assert_error (one, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED);
      g_assert_cmpint (strstr (one->message, "the same id") != NULL, ==, i == 2);
    }
}

static void
serve_probes (TestServer *server,
              TestPeer *peer,
              gpointer user_data)
{
  g_assert_true (broker_accept_client (peer));
  g_assert_true (broker_accept_subscription (peer));
  g_assert_true (broker_accept_subscription (peer));
  test_server_set_step (server, 1);
  test_peer_sleep (peer, G_MAXUINT);
}

/* Another network may mean that the connection is dead: it is tried, and kept. */
static void
test_network_changes (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, serve_probes, NULL);
  g_autoptr (IstAgentDevice) agent = broker_make_agent (server);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) lost = NULL;

  g_signal_connect (agent, "broker-lost", G_CALLBACK (on_broker_lost), &lost);
  g_assert_true (ist_agent_device_start (agent, &error));
  test_wait (agent_is_subscribed (agent));
  while (test_server_get_step (server) == 0)
    {
      g_signal_emit_by_name (g_network_monitor_get_default (), "network-changed", TRUE);
      test_run_for (100);
      g_assert_no_error (lost);
    }
  g_assert_true (agent_is_subscribed (agent));
  g_assert_cmpuint (test_server_get_connections (server), ==, 1);
}

typedef struct
{
  TestServer *server;
  GMainContext *context;
  gint state; /* atomic: 1 when it is subscribed, 2 to end */
} AgentThread;

static void
on_broker_lost_anywhere (IstAgentDevice *agent,
                         const GError *error,
                         guint delay_ms,
                         gpointer user_data)
{
  g_assert_not_reached ();
}

static gpointer
run_agent (gpointer data)
{
  AgentThread *self = data;
  g_autoptr (IstAgentDevice) agent = NULL;

  g_main_context_push_thread_default (self->context);
  agent = broker_make_agent (self->server);
  g_signal_connect (agent, "broker-lost", G_CALLBACK (on_broker_lost_anywhere), NULL);
  g_assert_true (ist_agent_device_start (agent, NULL));
  while (g_atomic_int_get (&self->state) != 2)
    {
      g_main_context_iteration (self->context, TRUE);
      if (agent_is_subscribed (agent) && g_atomic_int_get (&self->state) == 0)
        g_atomic_int_set (&self->state, 1);
    }
  ist_agent_device_stop (agent);
  g_clear_object (&agent);
  while (g_main_context_iteration (self->context, FALSE))
    continue;
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

/* The monitor tells in the thread of whoever asked for it first; what the agent
 * does about it happens in the agent's own, also when its context is not the
 * default one of the moment. */
static void
test_network_changes_elsewhere (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, serve_probes, NULL);
  g_autoptr (GMainContext) context = g_main_context_new ();
  AgentThread self = { server, context };
  GThread *thread = g_thread_new ("agent", run_agent, &self);

  while (g_atomic_int_get (&self.state) != 1)
    g_usleep (1000);
  while (test_server_get_step (server) == 0)
    {
      g_signal_emit_by_name (g_network_monitor_get_default (), "network-changed", TRUE);
      test_run_for (100);
    }
  g_atomic_int_set (&self.state, 2);
  g_main_context_wakeup (context);
  /* While it goes, too. */
  g_signal_emit_by_name (g_network_monitor_get_default (), "network-changed", TRUE);
  g_thread_join (thread);
}

static void
send_notifications (TestServer *server,
                    TestPeer *peer,
                    gpointer user_data)
{
  const char *topic = "$aws/things/a/tunnels/notify";
  guint8 body[128];

  g_assert_true (broker_accept_client (peer));
  g_assert_true (broker_accept_subscription (peer));
  for (guint8 i = 1; i <= 3; i++)
    {
      g_autoptr (GByteArray) packet = g_byte_array_new ();
      const guint8 head[] = { 0x32, 2 + strlen (topic) + 2 + 3, 0, strlen (topic) };
      const guint8 id[] = { 0, i };

      g_byte_array_append (packet, head, sizeof head);
      g_byte_array_append (packet, (const guint8 *) topic, strlen (topic));
      g_byte_array_append (packet, id, sizeof id);
      g_byte_array_append (packet, (const guint8 *) "bad", 3);
      g_assert_true (test_peer_write (peer, packet->data, packet->len));
    }
  test_server_set_step (server, broker_read_packet (peer, BROKER_PUBACK, body) ? 1 : 2);
  test_peer_sleep (peer, G_MAXUINT);
}

static void
on_refused_stop (IstAgentDevice *agent,
                 const GError *error,
                 gpointer user_data)
{
  guint *refused = user_data;

  (*refused)++;
  ist_agent_device_stop (agent);
}

/* Notifications that came with one read, and an agent that is stopped by the first. */
static void
test_stop_between_notifications (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, send_notifications, NULL);
  g_autoptr (IstAgentDevice) agent = broker_make_agent (server);
  g_autoptr (GError) error = NULL;
  guint refused = 0;

  g_signal_connect (agent, "notification-refused", G_CALLBACK (on_refused_stop), &refused);
  g_assert_true (ist_agent_device_start (agent, &error));
  test_wait (refused > 0);
  test_wait (test_server_get_step (server) > 0);
  g_assert_cmpuint (test_server_get_step (server), ==, 1);
  test_settle ();
  g_assert_cmpuint (refused, ==, 1);
}

#define ADD_BAD_BROKER(name, ...)                                         \
  G_STMT_START                                                            \
  {                                                                       \
    static const BadBroker bad_ = { __VA_ARGS__ };                        \
    g_test_add_data_func ("/agent/broker/" name, &bad_, test_bad_broker); \
  }                                                                       \
  G_STMT_END

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/agent/broker/unreachable", test_unreachable);

  ADD_BAD_BROKER ("refuses-client", refuse_client, IST_TUNNEL_ERROR_REFUSED);
  ADD_BAD_BROKER ("refuses-subscription", refuse_subscription, IST_TUNNEL_ERROR_REFUSED,
                  "/tunnels/notify”: look whether the policy");
  ADD_BAD_BROKER ("closes-at-once", close_at_once, IST_TUNNEL_ERROR_REFUSED, "to connect with that id");
  ADD_BAD_BROKER ("hangs-up-on-subscription", hang_up_on_subscription, IST_TUNNEL_ERROR_REFUSED,
                  "/tunnels/notify”: look whether the policy");
  ADD_BAD_BROKER ("breaks-off", break_off, IST_TUNNEL_ERROR_DISCONNECTED);
  ADD_BAD_BROKER ("says-nonsense", say_nonsense, IST_TUNNEL_ERROR_DISCONNECTED);
  ADD_BAD_BROKER ("falls-silent", fall_silent, IST_TUNNEL_ERROR_TIMED_OUT);
  g_test_add_func ("/agent/broker/taken-over", test_taken_over);
  g_test_add_func ("/agent/broker/network-changes", test_network_changes);
  g_test_add_func ("/agent/broker/network-changes-elsewhere", test_network_changes_elsewhere);
  g_test_add_func ("/agent/broker/stop-between-notifications", test_stop_between_notifications);

  return g_test_run ();
}
