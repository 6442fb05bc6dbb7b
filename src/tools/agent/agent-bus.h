/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-agent/ist-agent.h>

G_BEGIN_DECLS

/* The agent on D-Bus, as io.github.libist.Agent1.xml describes it. */
typedef struct _AgentBus AgentBus;

/* @bus: its address, or "system" or "session". An agent does its work without
 * a bus too: failures are logged. */
AgentBus *agent_bus_new (IstAgentDevice *agent,
                         const char *bus);
void agent_bus_free (AgentBus *self);

G_END_DECLS
