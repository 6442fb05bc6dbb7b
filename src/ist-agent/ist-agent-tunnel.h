/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_AGENT_INSIDE) && !defined (IST_AGENT_COMPILATION)
#error "Only <ist-agent/ist-agent.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

G_BEGIN_DECLS

#define IST_AGENT_TYPE_TUNNEL (ist_agent_tunnel_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstAgentTunnel, ist_agent_tunnel, IST_AGENT, TUNNEL, GObject)

IST_AVAILABLE_IN_1_0
guint ist_agent_tunnel_get_id (IstAgentTunnel *self);
IST_AVAILABLE_IN_1_0
const char *const *ist_agent_tunnel_get_service_ids (IstAgentTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_agent_tunnel_get_region (IstAgentTunnel *self);
IST_AVAILABLE_IN_1_0
gint64 ist_agent_tunnel_get_opened_at (IstAgentTunnel *self);
IST_AVAILABLE_IN_1_0
IstTunnelState ist_agent_tunnel_get_state (IstAgentTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_agent_tunnel_get_n_connections (IstAgentTunnel *self);
IST_AVAILABLE_IN_1_0
guint64 ist_agent_tunnel_get_bytes_in (IstAgentTunnel *self);
IST_AVAILABLE_IN_1_0
guint64 ist_agent_tunnel_get_bytes_out (IstAgentTunnel *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnel *ist_agent_tunnel_get_secure_tunnel (IstAgentTunnel *self);
IST_AVAILABLE_IN_1_0
IstForwarder *ist_agent_tunnel_get_forwarder (IstAgentTunnel *self);

IST_AVAILABLE_IN_1_0
void ist_agent_tunnel_stop (IstAgentTunnel *self);

G_END_DECLS
