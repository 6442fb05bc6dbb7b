/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-agent/ist-agent.h>

G_BEGIN_DECLS

/* A tunnel as an object on D-Bus, and its connections. */
typedef struct _AgentBusTunnel AgentBusTunnel;

AgentBusTunnel *agent_bus_tunnel_new (GDBusObjectManagerServer *manager,
                                      IstAgentTunnel *tunnel);
/* Tells how it is now, and why it has ended, before the object goes. */
void agent_bus_tunnel_free (AgentBusTunnel *self,
                            const GError *reason);

G_END_DECLS
