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

/**
 * IstAgentDeviceState:
 * @IST_AGENT_DEVICE_STATE_STOPPED: nothing is running
 * @IST_AGENT_DEVICE_STATE_CONNECTING: an attempt to connect to the broker, and to subscribe there, is under way
 * @IST_AGENT_DEVICE_STATE_SUBSCRIBED: the broker would tell of a notification now; or the agent runs without one
 * @IST_AGENT_DEVICE_STATE_WAITING: waiting to connect again after a failure
 * @IST_AGENT_DEVICE_STATE_STOPPING: tunnels are being left
 *
 * What an [class@IstAgent.Device] is doing.
 *
 * Since: 1.0
 */
typedef enum {
  IST_AGENT_DEVICE_STATE_STOPPED,
  IST_AGENT_DEVICE_STATE_CONNECTING,
  IST_AGENT_DEVICE_STATE_SUBSCRIBED,
  IST_AGENT_DEVICE_STATE_WAITING,
  IST_AGENT_DEVICE_STATE_STOPPING,
} IstAgentDeviceState;

#define IST_AGENT_TYPE_DEVICE_STATE (ist_agent_device_state_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_agent_device_state_get_type (void) G_GNUC_CONST;

#define IST_AGENT_TYPE_DEVICE (ist_agent_device_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstAgentDevice, ist_agent_device, IST_AGENT, DEVICE, GObject)

IST_AVAILABLE_IN_1_0
IstAgentDevice *ist_agent_device_new (const char *thing_name,
                                      const char *broker) G_GNUC_WARN_UNUSED_RESULT;

IST_AVAILABLE_IN_1_0
gboolean ist_agent_device_check_settings (IstAgentDevice *self,
                                          GError **error);

IST_AVAILABLE_IN_1_0
gboolean ist_agent_device_start (IstAgentDevice *self,
                                 GError **error);
IST_AVAILABLE_IN_1_0
void ist_agent_device_start_async (IstAgentDevice *self,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_agent_device_start_finish (IstAgentDevice *self,
                                        GAsyncResult *result,
                                        GError **error);
IST_AVAILABLE_IN_1_0
void ist_agent_device_stop (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
void ist_agent_device_stop_async (IstAgentDevice *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_agent_device_stop_finish (IstAgentDevice *self,
                                       GAsyncResult *result,
                                       GError **error);

IST_AVAILABLE_IN_1_0
gboolean ist_agent_device_set_services (IstAgentDevice *self,
                                        GHashTable *services,
                                        GError **error);
IST_AVAILABLE_IN_1_0
IstAgentTunnel *ist_agent_device_handle_notification (IstAgentDevice *self,
                                                      GBytes *notification,
                                                      GError **error);

IST_AVAILABLE_IN_1_0
const char *ist_agent_device_get_thing_name (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
const char *ist_agent_device_get_broker (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
const char *ist_agent_device_get_client_id (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
const char *ist_agent_device_get_certificate_file (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
const char *ist_agent_device_get_key_file (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
const char *ist_agent_device_get_ca_file (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
const char *ist_agent_device_get_endpoint (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
const char *ist_agent_device_get_endpoint_ca_file (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
gboolean ist_agent_device_get_allow_plain (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
guint ist_agent_device_get_keepalive (IstAgentDevice *self);
IST_AVAILABLE_IN_1_0
guint ist_agent_device_get_max_lifetime (IstAgentDevice *self);

IST_AVAILABLE_IN_1_0
IstAgentDeviceState ist_agent_device_get_state (IstAgentDevice *self);
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
