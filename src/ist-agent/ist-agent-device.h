/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_AGENT_INSIDE) && !defined (IST_AGENT_COMPILATION)
#error "Only <ist-agent/ist-agent.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

#include <ist-agent/ist-agent-tunnel.h>

G_BEGIN_DECLS

#define IST_TYPE_AGENT (ist_agent_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstAgent, ist_agent, IST, AGENT, GObject)

IST_AVAILABLE_IN_1_0
IstAgent *ist_agent_new (const char *thing_name,
                         const char *broker) G_GNUC_WARN_UNUSED_RESULT;

IST_AVAILABLE_IN_1_0
gboolean ist_agent_start (IstAgent *self,
                          GError **error);
IST_AVAILABLE_IN_1_0
void ist_agent_stop (IstAgent *self);

IST_AVAILABLE_IN_1_0
gboolean ist_agent_set_services (IstAgent *self,
                                 GHashTable *services,
                                 GError **error);
IST_AVAILABLE_IN_1_0
IstAgentTunnel *ist_agent_handle_notification (IstAgent *self,
                                               GBytes *notification,
                                               GError **error);

IST_AVAILABLE_IN_1_0
gboolean ist_agent_is_subscribed (IstAgent *self);
IST_AVAILABLE_IN_1_0
GPtrArray *ist_agent_get_tunnels (IstAgent *self) G_GNUC_WARN_UNUSED_RESULT;
IST_AVAILABLE_IN_1_0
guint ist_agent_get_n_tunnels (IstAgent *self);
IST_AVAILABLE_IN_1_0
guint ist_agent_get_n_connections (IstAgent *self);

IST_AVAILABLE_IN_1_0
guint ist_agent_get_max_tunnels (IstAgent *self);
IST_AVAILABLE_IN_1_0
void ist_agent_set_max_tunnels (IstAgent *self,
                                guint max_tunnels);
IST_AVAILABLE_IN_1_0
guint ist_agent_get_max_connections (IstAgent *self);
IST_AVAILABLE_IN_1_0
void ist_agent_set_max_connections (IstAgent *self,
                                    guint max_connections);

G_END_DECLS
