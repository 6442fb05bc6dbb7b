/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define AGENT_BUS_NAME "io.github.libist.Agent"
#define AGENT_BUS_PATH "/io/github/libist/Agent"

/* Errors as they are on D-Bus, for the agent and for who asks it: the names are
 * in io.github.libist.Agent1.xml. */
#define AGENT_BUS_ERROR (agent_bus_error_quark ())

typedef enum
{
  AGENT_BUS_ERROR_NO_SUCH_TUNNEL,
  AGENT_BUS_ERROR_NOT_ALLOWED,
} AgentBusError;

GQuark agent_bus_error_quark (void);

G_END_DECLS
