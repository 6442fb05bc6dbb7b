/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_INSIDE) && !defined (IST_COMPILATION)
#error "Only <ist/ist.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist-connection.h>
#include <ist/ist-enums.h>
#include <ist/ist-message.h>
#include <ist/ist-stream-info.h>
#include <ist/ist-version-macros.h>

G_BEGIN_DECLS

#define IST_TYPE_SECURE_TUNNEL (ist_secure_tunnel_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstSecureTunnel, ist_secure_tunnel, IST, SECURE_TUNNEL, GObject)

IST_AVAILABLE_IN_1_0
IstSecureTunnel *ist_secure_tunnel_new (IstMode mode,
                                        const char *access_token,
                                        const char *region,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_start (IstSecureTunnel *self,
                                  GError **error);
IST_AVAILABLE_IN_1_0
void ist_secure_tunnel_start_async (IstSecureTunnel *self,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_start_finish (IstSecureTunnel *self,
                                         GAsyncResult *result,
                                         GError **error);
IST_AVAILABLE_IN_1_0
void ist_secure_tunnel_stop (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
void ist_secure_tunnel_stop_async (IstSecureTunnel *self,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_stop_finish (IstSecureTunnel *self,
                                        GAsyncResult *result,
                                        GError **error);

IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_send_message (IstSecureTunnel *self,
                                         IstMessage *message,
                                         GError **error);
IST_AVAILABLE_IN_1_0
void ist_secure_tunnel_send_message_async (IstSecureTunnel *self,
                                           IstMessage *message,
                                           GCancellable *cancellable,
                                           GAsyncReadyCallback callback,
                                           gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_send_message_finish (IstSecureTunnel *self,
                                                GAsyncResult *result,
                                                GError **error);

IST_AVAILABLE_IN_1_0
IstStreamInfo *ist_secure_tunnel_start_stream (IstSecureTunnel *self,
                                               const char *service_id,
                                               GError **error);
IST_AVAILABLE_IN_1_0
IstStreamInfo *ist_secure_tunnel_start_connection (IstSecureTunnel *self,
                                                   const char *service_id,
                                                   GError **error);
IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_reset_stream (IstSecureTunnel *self,
                                         const char *service_id,
                                         GError **error);
IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_reset_connection (IstSecureTunnel *self,
                                             const char *service_id,
                                             guint connection_id,
                                             GError **error);

IST_AVAILABLE_IN_1_0
void ist_secure_tunnel_open_connection_async (IstSecureTunnel *self,
                                              const char *service_id,
                                              GCancellable *cancellable,
                                              GAsyncReadyCallback callback,
                                              gpointer user_data);
IST_AVAILABLE_IN_1_0
IstConnection *ist_secure_tunnel_open_connection_finish (IstSecureTunnel *self,
                                                         GAsyncResult *result,
                                                         GError **error);

IST_AVAILABLE_IN_1_0
void ist_secure_tunnel_pause (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
void ist_secure_tunnel_resume (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_get_paused (IstSecureTunnel *self);

IST_AVAILABLE_IN_1_0
IstTunnelState ist_secure_tunnel_get_state (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
const char *const *ist_secure_tunnel_get_service_ids (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_get_service_ids_known (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_secure_tunnel_get_channel_id (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint64 ist_secure_tunnel_get_bytes_in (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint64 ist_secure_tunnel_get_bytes_out (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint64 ist_secure_tunnel_get_messages_in (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint64 ist_secure_tunnel_get_messages_out (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint64 ist_secure_tunnel_get_queued_bytes (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
gint64 ist_secure_tunnel_get_round_trip_time_us (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_n_reconnects (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
const GError *ist_secure_tunnel_get_last_error (IstSecureTunnel *self);

IST_AVAILABLE_IN_1_0
IstMode ist_secure_tunnel_get_mode (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_secure_tunnel_get_region (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_secure_tunnel_get_endpoint (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_get_allow_plain (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
GTlsDatabase *ist_secure_tunnel_get_tls_database (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_secure_tunnel_get_ca_file (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
gboolean ist_secure_tunnel_get_verify_certificate (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
GProxyResolver *ist_secure_tunnel_get_proxy_resolver (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
IstProtocolVersion ist_secure_tunnel_get_protocol_version (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_ping_interval (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_pong_timeout (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_connect_timeout (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
IstReconnectPolicy ist_secure_tunnel_get_reconnect_policy (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_reconnect_delay_floor_ms (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_reconnect_delay_base_ms (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_reconnect_delay_cap_ms (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_max_attempts (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_connection_wait_timeout_ms (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_connection_buffer_size (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_total_buffer_size (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_stall_timeout (IstSecureTunnel *self);
IST_AVAILABLE_IN_1_0
guint ist_secure_tunnel_get_send_buffer_size (IstSecureTunnel *self);

G_END_DECLS
