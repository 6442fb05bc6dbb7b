/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An MQTT broker that is played by hand, in the scripts of a test's server.
 */

#pragma once

#include <ist-agent/ist-agent.h>

#include "test-server.h"

G_BEGIN_DECLS

/* Types of packets (MQTT 3.1.1, 2.2.1), with the flags that they have. */
#define BROKER_CONNECT 0x10
#define BROKER_SUBSCRIBE 0x82
#define BROKER_PUBACK 0x40
#define BROKER_PINGREQ 0xc0

/* These return FALSE when the client has gone. */

/* Of less than 128 bytes. */
gboolean broker_read_packet (TestPeer *peer,
                             guint8 type,
                             guint8 *body);
gboolean broker_accept_client (TestPeer *peer);
gboolean broker_accept_subscription (TestPeer *peer);
/* Answers pings, until the client has gone. */
void broker_linger (TestPeer *peer);

/* Of the thing "a". */
IstAgentDevice *broker_make_agent (TestServer *server);
gboolean agent_is_subscribed (IstAgentDevice *agent);

G_END_DECLS
