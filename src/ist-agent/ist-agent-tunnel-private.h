/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-agent/ist-agent-tunnel.h>

G_BEGIN_DECLS

/* @secure_tunnel is not started yet. @max_lifetime: seconds, 0 for no limit */
IstAgentTunnel *ist_agent_tunnel_new (GMainContext *context,
                                      guint id,
                                      const char *region,
                                      const char *const *service_ids,
                                      guint max_lifetime,
                                      IstSecureTunnel *secure_tunnel);

/* Says where connections go from now on: of those that the tunnel was opened
 * for, the services that are among the @targets, a GSocketConnectable each. */
void ist_agent_tunnel_set_targets (IstAgentTunnel *self,
                                   GHashTable *targets);

/* Ends it, with @reason if it was not the user who wanted that. */
void ist_agent_tunnel_end (IstAgentTunnel *self,
                           const GError *reason);

/* (transfer full) (nullable): why it has ended */
GError *ist_agent_tunnel_dup_error (IstAgentTunnel *self);

G_END_DECLS
