/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_OPERATOR_INSIDE) && !defined (IST_OPERATOR_COMPILATION)
#error "Only <ist-operator/ist-operator.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

#include <ist-operator/ist-operator-control-plane.h>
#include <ist-operator/ist-operator-options.h>
#include <ist-operator/ist-operator-tunnel.h>

G_BEGIN_DECLS

#define IST_OPERATOR_TYPE_CLIENT (ist_operator_client_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstOperatorClient, ist_operator_client, IST_OPERATOR, CLIENT, GObject)

IST_AVAILABLE_IN_1_0
IstOperatorClient *ist_operator_client_new (IstOperatorControlPlane *control_plane) G_GNUC_WARN_UNUSED_RESULT;

IST_AVAILABLE_IN_1_0
void ist_operator_client_connect_async (IstOperatorClient *self,
                                        const char *thing_name,
                                        const char *service_id,
                                        IstOperatorOptions *options,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
IST_AVAILABLE_IN_1_0
IstConnection *ist_operator_client_connect_finish (IstOperatorClient *self,
                                                   GAsyncResult *result,
                                                   GError **error);

IST_AVAILABLE_IN_1_0
IstConnection *ist_operator_client_connect_sync (IstOperatorClient *self,
                                                 const char *thing_name,
                                                 const char *service_id,
                                                 IstOperatorOptions *options,
                                                 GCancellable *cancellable,
                                                 GError **error);

IST_AVAILABLE_IN_1_0
void ist_operator_client_forward_async (IstOperatorClient *self,
                                        const char *thing_name,
                                        const char *service_id,
                                        GIOStream *stream,
                                        IstOperatorOptions *options,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
IST_AVAILABLE_IN_1_0
IstForwarderConnection *ist_operator_client_forward_finish (IstOperatorClient *self,
                                                            GAsyncResult *result,
                                                            GError **error);

IST_AVAILABLE_IN_1_0
void ist_operator_client_open_async (IstOperatorClient *self,
                                     const char *thing_name,
                                     const char *const *service_ids,
                                     IstOperatorOptions *options,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
IST_AVAILABLE_IN_1_0
IstOperatorTunnel *ist_operator_client_open_finish (IstOperatorClient *self,
                                                    GAsyncResult *result,
                                                    GError **error);

IST_AVAILABLE_IN_1_0
IstOperatorTunnel *ist_operator_client_open_sync (IstOperatorClient *self,
                                                  const char *thing_name,
                                                  const char *const *service_ids,
                                                  IstOperatorOptions *options,
                                                  GCancellable *cancellable,
                                                  GError **error);

IST_AVAILABLE_IN_1_0
void ist_operator_client_adopt_async (IstOperatorClient *self,
                                      const char *tunnel_id,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
IST_AVAILABLE_IN_1_0
IstOperatorTunnel *ist_operator_client_adopt_finish (IstOperatorClient *self,
                                                     GAsyncResult *result,
                                                     GError **error);

IST_AVAILABLE_IN_1_0
void ist_operator_client_close_async (IstOperatorClient *self,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_client_close_finish (IstOperatorClient *self,
                                           GAsyncResult *result,
                                           GError **error);

IST_AVAILABLE_IN_1_0
gboolean ist_operator_client_close_sync (IstOperatorClient *self,
                                         GCancellable *cancellable,
                                         GError **error);

IST_AVAILABLE_IN_1_0
IstOperatorControlPlane *ist_operator_client_get_control_plane (IstOperatorClient *self);
IST_AVAILABLE_IN_1_0
IstOperatorOptions *ist_operator_client_get_options (IstOperatorClient *self);
IST_AVAILABLE_IN_1_0
guint ist_operator_client_get_linger (IstOperatorClient *self);
IST_AVAILABLE_IN_1_0
void ist_operator_client_set_linger (IstOperatorClient *self,
                                     guint seconds);
IST_AVAILABLE_IN_1_0
IstProtocolVersion ist_operator_client_get_protocol_version (IstOperatorClient *self);
IST_AVAILABLE_IN_1_0
void ist_operator_client_set_protocol_version (IstOperatorClient *self,
                                               IstProtocolVersion protocol_version);
IST_AVAILABLE_IN_1_0
const char *ist_operator_client_get_description (IstOperatorClient *self);
IST_AVAILABLE_IN_1_0
void ist_operator_client_set_description (IstOperatorClient *self,
                                          const char *description);
IST_AVAILABLE_IN_1_0
const char *const *ist_operator_client_get_services (IstOperatorClient *self);
IST_AVAILABLE_IN_1_0
void ist_operator_client_set_services (IstOperatorClient *self,
                                       const char *const *service_ids);
IST_AVAILABLE_IN_1_0
guint ist_operator_client_get_n_tunnels (IstOperatorClient *self);

G_END_DECLS
