/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_OPERATOR_INSIDE) && !defined (IST_OPERATOR_COMPILATION)
#error "Only <ist-operator/ist-operator.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

#include <ist-operator/ist-operator-control-plane-error.h>
#include <ist-operator/ist-operator-credentials.h>
#include <ist-operator/ist-operator-thing.h>
#include <ist-operator/ist-operator-tunnel-access.h>
#include <ist-operator/ist-operator-tunnel-description.h>

G_BEGIN_DECLS

/**
 * IstOperatorClientMode:
 * @IST_OPERATOR_CLIENT_MODE_SOURCE: the operator's side
 * @IST_OPERATOR_CLIENT_MODE_DESTINATION: the device's side
 *
 * Sides of a tunnel.
 *
 * Since: 1.0
 */
typedef enum {
  IST_OPERATOR_CLIENT_MODE_SOURCE = 1 << 0,
  IST_OPERATOR_CLIENT_MODE_DESTINATION = 1 << 1,
} IstOperatorClientMode;

#define IST_OPERATOR_TYPE_CLIENT_MODE (ist_operator_client_mode_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_operator_client_mode_get_type (void) G_GNUC_CONST;

/**
 * IstOperatorChoice:
 * @IST_OPERATOR_CHOICE_AS_CONFIGURED: as the environment and the files of the AWS tools say
 * @IST_OPERATOR_CHOICE_NO: no, whatever they say
 * @IST_OPERATOR_CHOICE_YES: yes, whatever they say
 *
 * What is to be done about a setting that the AWS tools have, too.
 *
 * Since: 1.0
 */
typedef enum {
  IST_OPERATOR_CHOICE_AS_CONFIGURED,
  IST_OPERATOR_CHOICE_NO,
  IST_OPERATOR_CHOICE_YES,
} IstOperatorChoice;

#define IST_OPERATOR_TYPE_CHOICE (ist_operator_choice_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_operator_choice_get_type (void) G_GNUC_CONST;

#define IST_OPERATOR_TYPE_CONTROL_PLANE (ist_operator_control_plane_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstOperatorControlPlane, ist_operator_control_plane, IST_OPERATOR, CONTROL_PLANE, GObject)

IST_AVAILABLE_IN_1_0
IstOperatorControlPlane *ist_operator_control_plane_new (IstOperatorCredentials *credentials,
                                                         const char *region,
                                                         const char *endpoint_url,
                                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

IST_AVAILABLE_IN_1_0
void ist_operator_control_plane_open_tunnel_async (IstOperatorControlPlane *self,
                                                   const char *thing_name,
                                                   const char *const *service_ids,
                                                   const char *description,
                                                   guint lifetime,
                                                   GHashTable *tags,
                                                   GCancellable *cancellable,
                                                   GAsyncReadyCallback callback,
                                                   gpointer user_data);
IST_AVAILABLE_IN_1_0
IstOperatorTunnelAccess *ist_operator_control_plane_open_tunnel_finish (IstOperatorControlPlane *self,
                                                                        GAsyncResult *result,
                                                                        GError **error);
IST_AVAILABLE_IN_1_0
void ist_operator_control_plane_describe_tunnel_async (IstOperatorControlPlane *self,
                                                       const char *tunnel_id,
                                                       GCancellable *cancellable,
                                                       GAsyncReadyCallback callback,
                                                       gpointer user_data);
IST_AVAILABLE_IN_1_0
IstOperatorTunnelDescription *ist_operator_control_plane_describe_tunnel_finish (IstOperatorControlPlane *self,
                                                                                 GAsyncResult *result,
                                                                                 GError **error);
IST_AVAILABLE_IN_1_0
void ist_operator_control_plane_list_tunnels_async (IstOperatorControlPlane *self,
                                                    const char *thing_name,
                                                    GCancellable *cancellable,
                                                    GAsyncReadyCallback callback,
                                                    gpointer user_data);
IST_AVAILABLE_IN_1_0
GListModel *ist_operator_control_plane_list_tunnels_finish (IstOperatorControlPlane *self,
                                                            GAsyncResult *result,
                                                            GError **error);
IST_AVAILABLE_IN_1_0
void ist_operator_control_plane_close_tunnel_async (IstOperatorControlPlane *self,
                                                    const char *tunnel_id,
                                                    gboolean delete_it,
                                                    GCancellable *cancellable,
                                                    GAsyncReadyCallback callback,
                                                    gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_control_plane_close_tunnel_finish (IstOperatorControlPlane *self,
                                                         GAsyncResult *result,
                                                         GError **error);
IST_AVAILABLE_IN_1_0
void ist_operator_control_plane_rotate_tunnel_access_token_async (IstOperatorControlPlane *self,
                                                                  const char *tunnel_id,
                                                                  IstOperatorClientMode modes,
                                                                  const char *thing_name,
                                                                  const char *const *service_ids,
                                                                  GCancellable *cancellable,
                                                                  GAsyncReadyCallback callback,
                                                                  gpointer user_data);
IST_AVAILABLE_IN_1_0
IstOperatorTunnelAccess *ist_operator_control_plane_rotate_tunnel_access_token_finish (IstOperatorControlPlane *self,
                                                                                       GAsyncResult *result,
                                                                                       GError **error);
IST_AVAILABLE_IN_1_0
void ist_operator_control_plane_tag_resource_async (IstOperatorControlPlane *self,
                                                    const char *arn,
                                                    GHashTable *tags,
                                                    GCancellable *cancellable,
                                                    GAsyncReadyCallback callback,
                                                    gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_control_plane_tag_resource_finish (IstOperatorControlPlane *self,
                                                         GAsyncResult *result,
                                                         GError **error);
IST_AVAILABLE_IN_1_0
void ist_operator_control_plane_untag_resource_async (IstOperatorControlPlane *self,
                                                      const char *arn,
                                                      const char *const *tag_keys,
                                                      GCancellable *cancellable,
                                                      GAsyncReadyCallback callback,
                                                      gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_control_plane_untag_resource_finish (IstOperatorControlPlane *self,
                                                           GAsyncResult *result,
                                                           GError **error);
IST_AVAILABLE_IN_1_0
void ist_operator_control_plane_list_tags_for_resource_async (IstOperatorControlPlane *self,
                                                              const char *arn,
                                                              GCancellable *cancellable,
                                                              GAsyncReadyCallback callback,
                                                              gpointer user_data);
IST_AVAILABLE_IN_1_0
GHashTable *ist_operator_control_plane_list_tags_for_resource_finish (IstOperatorControlPlane *self,
                                                                      GAsyncResult *result,
                                                                      GError **error);
IST_AVAILABLE_IN_1_0
void ist_operator_control_plane_list_things_async (IstOperatorControlPlane *self,
                                                   GCancellable *cancellable,
                                                   GAsyncReadyCallback callback,
                                                   gpointer user_data);
IST_AVAILABLE_IN_1_0
GListModel *ist_operator_control_plane_list_things_finish (IstOperatorControlPlane *self,
                                                           GAsyncResult *result,
                                                           gboolean *is_cut,
                                                           GError **error);

IST_AVAILABLE_IN_1_0
IstOperatorCredentials *ist_operator_control_plane_get_credentials (IstOperatorControlPlane *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_control_plane_get_region (IstOperatorControlPlane *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_control_plane_get_endpoint_url (IstOperatorControlPlane *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_control_plane_get_tunnel_endpoint (IstOperatorControlPlane *self);
IST_AVAILABLE_IN_1_0
GTlsDatabase *ist_operator_control_plane_get_tls_database (IstOperatorControlPlane *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_control_plane_get_ca_file (IstOperatorControlPlane *self);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_control_plane_get_verify_certificate (IstOperatorControlPlane *self);
IST_AVAILABLE_IN_1_0
GProxyResolver *ist_operator_control_plane_get_proxy_resolver (IstOperatorControlPlane *self);
IST_AVAILABLE_IN_1_0
guint ist_operator_control_plane_get_n_calls (IstOperatorControlPlane *self);

G_END_DECLS
