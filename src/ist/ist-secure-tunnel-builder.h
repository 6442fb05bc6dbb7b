/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_INSIDE) && !defined (IST_COMPILATION)
#error "Only <ist/ist.h> can be included directly."
#endif

#include <ist/ist-secure-tunnel.h>

G_BEGIN_DECLS

#define IST_TYPE_SECURE_TUNNEL_BUILDER (ist_secure_tunnel_builder_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstSecureTunnelBuilder, ist_secure_tunnel_builder, IST, SECURE_TUNNEL_BUILDER, GObject)

IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_new (void) G_GNUC_WARN_UNUSED_RESULT;

IST_AVAILABLE_IN_1_0
IstSecureTunnel *ist_secure_tunnel_builder_build (IstSecureTunnelBuilder *self,
                                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

IST_AVAILABLE_IN_1_0
IstMode ist_secure_tunnel_builder_get_mode (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_mode (IstSecureTunnelBuilder *self,
                                                            IstMode mode);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_access_token (IstSecureTunnelBuilder *self,
                                                                    const char *access_token);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_client_token (IstSecureTunnelBuilder *self,
                                                                    const char *client_token);
IST_AVAILABLE_IN_1_0
const char *ist_secure_tunnel_builder_get_region (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_region (IstSecureTunnelBuilder *self,
                                                              const char *region);
IST_AVAILABLE_IN_1_0
const char *ist_secure_tunnel_builder_get_endpoint (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_endpoint (IstSecureTunnelBuilder *self,
                                                                const char *endpoint);
IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_builder_get_allow_plain (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_allow_plain (IstSecureTunnelBuilder *self,
                                                                   gboolean allow_plain);
IST_AVAILABLE_IN_1_0
GTlsDatabase *ist_secure_tunnel_builder_get_tls_database (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_tls_database (IstSecureTunnelBuilder *self,
                                                                    GTlsDatabase *tls_database);
IST_AVAILABLE_IN_1_0
const char *ist_secure_tunnel_builder_get_ca_file (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_ca_file (IstSecureTunnelBuilder *self,
                                                               const char *ca_file);
IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_builder_get_verify_certificate (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_verify_certificate (IstSecureTunnelBuilder *self,
                                                                          gboolean verify_certificate);
IST_AVAILABLE_IN_1_0
GProxyResolver *ist_secure_tunnel_builder_get_proxy_resolver (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_proxy_resolver (IstSecureTunnelBuilder *self,
                                                                      GProxyResolver *proxy_resolver);
IST_AVAILABLE_IN_1_0
IstProtocolVersion ist_secure_tunnel_builder_get_protocol_version (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_protocol_version (IstSecureTunnelBuilder *self,
                                                                        IstProtocolVersion protocol_version);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_ping_interval (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_ping_interval (IstSecureTunnelBuilder *self,
                                                                     guint ping_interval);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_pong_timeout (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_pong_timeout (IstSecureTunnelBuilder *self,
                                                                    guint pong_timeout);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_connect_timeout (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_connect_timeout (IstSecureTunnelBuilder *self,
                                                                       guint connect_timeout);
IST_AVAILABLE_IN_1_0
IstReconnectPolicy ist_secure_tunnel_builder_get_reconnect_policy (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_reconnect_policy (IstSecureTunnelBuilder *self,
                                                                        IstReconnectPolicy reconnect_policy);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_reconnect_delay_floor_ms (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_reconnect_delay_floor_ms (IstSecureTunnelBuilder *self,
                                                                             guint reconnect_delay_floor_ms);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_reconnect_delay_base_ms (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_reconnect_delay_base_ms (IstSecureTunnelBuilder *self,
                                                                            guint reconnect_delay_base_ms);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_reconnect_delay_cap_ms (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_reconnect_delay_cap_ms (IstSecureTunnelBuilder *self,
                                                                           guint reconnect_delay_cap_ms);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_max_attempts (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_max_attempts (IstSecureTunnelBuilder *self,
                                                                    guint max_attempts);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_connection_wait_timeout_ms (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_connection_wait_timeout_ms (IstSecureTunnelBuilder *self,
                                                                               guint connection_wait_timeout_ms);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_connection_buffer_size (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_connection_buffer_size (IstSecureTunnelBuilder *self,
                                                                              guint connection_buffer_size);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_total_buffer_size (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_total_buffer_size (IstSecureTunnelBuilder *self,
                                                                         guint total_buffer_size);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_stall_timeout (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_stall_timeout (IstSecureTunnelBuilder *self,
                                                                     guint stall_timeout);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_builder_get_send_buffer_size (IstSecureTunnelBuilder *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnelBuilder *ist_secure_tunnel_builder_set_send_buffer_size (IstSecureTunnelBuilder *self,
                                                                        guint send_buffer_size);

G_END_DECLS
