/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>
#include <ist/ist.h>

G_BEGIN_DECLS

/* A connection of a tunnel as an object on D-Bus. */
typedef struct _AgentBusConnection AgentBusConnection;

/* @tunnel: the id. */
AgentBusConnection *agent_bus_connection_new (GDBusObjectManagerServer *manager,
                                              guint tunnel,
                                              IstForwarderConnection *connection);
/* Tells how it is now, and why it has ended, before the object goes. */
void agent_bus_connection_free (AgentBusConnection *self,
                                const GError *reason);

G_END_DECLS
