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

#define IST_AGENT_TYPE_DEVICE (ist_agent_device_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstAgentDevice, ist_agent_device, IST_AGENT, DEVICE, GObject)

IST_AVAILABLE_IN_1_0
IstAgentDevice *ist_agent_device_new (const char *thing_name,
                                      const char *broker) G_GNUC_WARN_UNUSED_RESULT;

IST_AVAILABLE_IN_1_0
gboolean ist_agent_device_start (IstAgentDevice *self,
                                 GError **error);
IST_AVAILABLE_IN_1_0
void ist_agent_device_stop (IstAgentDevice *self);

IST_AVAILABLE_IN_1_0
gboolean ist_agent_device_set_services (IstAgentDevice *self,
                                        GHashTable *services,
                                        GError **error);
IST_AVAILABLE_IN_1_0
IstAgentTunnel *ist_agent_device_handle_notification (IstAgentDevice *self,
                                                      GBytes *notification,
                                                      GError **error);

IST_AVAILABLE_IN_1_0
gboolean ist_agent_device_is_subscribed (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
guint ist_agent_device_get_n_tunnels (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
guint ist_agent_device_get_n_connections (IstAgentDevice *self);

IST_AVAILABLE_IN_1_0
guint ist_agent_device_get_max_tunnels (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
void ist_agent_device_set_max_tunnels (IstAgentDevice *self,
                                       guint max_tunnels);
IST_AVAILABLE_IN_1_0
guint ist_agent_device_get_max_connections (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
void ist_agent_device_set_max_connections (IstAgentDevice *self,
                                           guint max_connections);

G_END_DECLS
