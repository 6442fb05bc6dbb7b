/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "broker.h"

#include <string.h>

gboolean
broker_read_packet (TestPeer *peer,
                    guint8 type,
                    guint8 *body)
{
  guint8 head[2];

  if (!test_peer_read (peer, head, 2))
    return FALSE;
  g_assert_cmphex (head[0], ==, type);
  g_assert_cmpuint (head[1], <, 128);
  return test_peer_read (peer, body, head[1]);
}

gboolean
broker_accept_client (TestPeer *peer)
{
  guint8 body[128];

  if (!broker_read_packet (peer, BROKER_CONNECT, body))
    return FALSE;
  /* A session that is kept, and the name of the thing. */
  g_assert_cmphex (body[7], ==, 0);
  g_assert_cmpmem (body + 12, body[11], "a", 1);
  return test_peer_write (peer, "\x20\x02\x00\x00", 4);
}

gboolean
broker_accept_subscription (TestPeer *peer)
{
  guint8 body[128];
  guint8 answer[] = { 0x90, 0x03, 0, 0, 1 };
  const char *topic = "$aws/things/a/tunnels/notify";

  if (!broker_read_packet (peer, BROKER_SUBSCRIBE, body))
    return FALSE;
  g_assert_cmpmem (body + 4, body[3], topic, strlen (topic));
  g_assert_cmpuint (body[4 + body[3]], ==, 1);
  memcpy (answer + 2, body, 2);
  return test_peer_write (peer, answer, sizeof answer);
}

void
broker_linger (TestPeer *peer)
{
  guint8 head[2];
  guint8 body[128];

  while (test_peer_read (peer, head, 2))
    {
      g_assert_cmpuint (head[1], <, sizeof body);
      if (!test_peer_read (peer, body, head[1]))
        return;
      if (head[0] == BROKER_PINGREQ)
        test_peer_write (peer, "\xd0\x00", 2);
    }
}

IstAgentDevice *
broker_make_agent (TestServer *server)
{
  g_autofree char *broker = g_strdup_printf ("mqtt://127.0.0.1:%u", test_server_get_port (server));

  return g_object_new (IST_AGENT_TYPE_DEVICE, "thing-name", "a", "broker", broker, "keepalive", 5, NULL);
}

gboolean
agent_is_subscribed (IstAgentDevice *agent)
{
  return ist_agent_device_get_state (agent) == IST_AGENT_DEVICE_STATE_SUBSCRIBED;
}
