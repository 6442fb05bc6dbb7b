/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_INSIDE) && !defined (IST_COMPILATION)
#error "Only <ist/ist.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist-forwarder-connection.h>
#include <ist/ist-secure-tunnel.h>
#include <ist/ist-version-macros.h>

G_BEGIN_DECLS

#define IST_TYPE_FORWARDER (ist_forwarder_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstForwarder, ist_forwarder, IST, FORWARDER, GObject)

IST_AVAILABLE_IN_1_0
IstForwarder *ist_forwarder_new (IstSecureTunnel *tunnel) G_GNUC_WARN_UNUSED_RESULT;

/* Destination: what to connect to when the peer opens a connection of a service. */
IST_AVAILABLE_IN_1_0
gboolean ist_forwarder_set_target (IstForwarder *self,
                                   const char *service_id,
                                   const char *address,
                                   GError **error);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_connectable (IstForwarder *self,
                                    const char *service_id,
                                    GSocketConnectable *connectable);
IST_AVAILABLE_IN_1_0
gboolean ist_forwarder_remove_target (IstForwarder *self,
                                      const char *service_id);

/* Source: where to listen for connections to carry to a service. */
IST_AVAILABLE_IN_1_0
guint ist_forwarder_listen (IstForwarder *self,
                            const char *service_id,
                            const char *address,
                            guint *port,
                            GError **error);
IST_AVAILABLE_IN_1_0
void ist_forwarder_listen_async (IstForwarder *self,
                                 const char *service_id,
                                 const char *address,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
IST_AVAILABLE_IN_1_0
guint ist_forwarder_listen_finish (IstForwarder *self,
                                   GAsyncResult *result,
                                   guint *port,
                                   GError **error);
IST_AVAILABLE_IN_1_0
guint ist_forwarder_listen_socket (IstForwarder *self,
                                   const char *service_id,
                                   GSocket *socket,
                                   GError **error);
IST_AVAILABLE_IN_1_0
gboolean ist_forwarder_unlisten (IstForwarder *self,
                                 guint listener_id);

/* Source: carry one existing stream, such as standard input and output. */
IST_AVAILABLE_IN_1_0
gboolean ist_forwarder_forward (IstForwarder *self,
                                const char *service_id,
                                GIOStream *stream,
                                GError **error);
IST_AVAILABLE_IN_1_0
void ist_forwarder_forward_async (IstForwarder *self,
                                  const char *service_id,
                                  GIOStream *stream,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
IST_AVAILABLE_IN_1_0
IstForwarderConnection *ist_forwarder_forward_finish (IstForwarder *self,
                                                      GAsyncResult *result,
                                                      GError **error);

/* Source: open a connection that the program uses itself. */
IST_AVAILABLE_IN_1_0
void ist_forwarder_open_connection_async (IstForwarder *self,
                                          const char *service_id,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
IST_AVAILABLE_IN_1_0
IstConnection *ist_forwarder_open_connection_finish (IstForwarder *self,
                                                     GAsyncResult *result,
                                                     GError **error);

/* Nothing is listened for; connections that are open go on. */
IST_AVAILABLE_IN_1_0
void ist_forwarder_stop_listening (IstForwarder *self);
/* Ends everything, and forgets the targets. */
IST_AVAILABLE_IN_1_0
void ist_forwarder_close (IstForwarder *self);

IST_AVAILABLE_IN_1_0
IstSecureTunnel *ist_forwarder_get_tunnel (IstForwarder *self);
IST_AVAILABLE_IN_1_0
guint ist_forwarder_get_n_connections (IstForwarder *self);
IST_AVAILABLE_IN_1_0
guint64 ist_forwarder_get_n_connections_total (IstForwarder *self);
IST_AVAILABLE_IN_1_0
guint64 ist_forwarder_get_bytes_in (IstForwarder *self);
IST_AVAILABLE_IN_1_0
guint64 ist_forwarder_get_bytes_out (IstForwarder *self);

IST_AVAILABLE_IN_1_0
guint ist_forwarder_get_max_connections (IstForwarder *self);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_max_connections (IstForwarder *self,
                                        guint number);
IST_AVAILABLE_IN_1_0
guint ist_forwarder_get_max_connecting (IstForwarder *self);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_max_connecting (IstForwarder *self,
                                       guint number);
IST_AVAILABLE_IN_1_0
guint ist_forwarder_get_half_close_grace (IstForwarder *self);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_half_close_grace (IstForwarder *self,
                                         guint seconds);
IST_AVAILABLE_IN_1_0
guint ist_forwarder_get_idle_timeout (IstForwarder *self);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_idle_timeout (IstForwarder *self,
                                     guint seconds);
IST_AVAILABLE_IN_1_0
guint ist_forwarder_get_connect_timeout (IstForwarder *self);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_connect_timeout (IstForwarder *self,
                                        guint seconds);
IST_AVAILABLE_IN_1_0
guint ist_forwarder_get_connect_retries (IstForwarder *self);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_connect_retries (IstForwarder *self,
                                        guint number);
IST_AVAILABLE_IN_1_0
guint ist_forwarder_get_connect_retry_delay_ms (IstForwarder *self);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_connect_retry_delay_ms (IstForwarder *self,
                                               guint milliseconds);
IST_AVAILABLE_IN_1_0
guint ist_forwarder_get_tunnel_timeout (IstForwarder *self);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_tunnel_timeout (IstForwarder *self,
                                       guint seconds);
IST_AVAILABLE_IN_1_0
const char *ist_forwarder_get_local_bind_address (IstForwarder *self);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_local_bind_address (IstForwarder *self,
                                           const char *host);
IST_AVAILABLE_IN_1_0
GProxyResolver *ist_forwarder_get_proxy_resolver (IstForwarder *self);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_proxy_resolver (IstForwarder *self,
                                       GProxyResolver *proxy_resolver);
IST_AVAILABLE_IN_1_0
gboolean ist_forwarder_get_refuse_unmapped (IstForwarder *self);
IST_AVAILABLE_IN_1_0
void ist_forwarder_set_refuse_unmapped (IstForwarder *self,
                                        gboolean refuse_unmapped);

G_END_DECLS
