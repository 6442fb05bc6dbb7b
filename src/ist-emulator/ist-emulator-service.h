/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_EMULATOR_INSIDE) && !defined (IST_EMULATOR_COMPILATION)
#error "Only <ist-emulator/ist-emulator.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

#include <ist-emulator/ist-emulator-tunnel.h>

G_BEGIN_DECLS

/**
 * IstEmulatorServiceState:
 * @IST_EMULATOR_SERVICE_STATE_STOPPED: nobody can connect, and nobody is connected
 * @IST_EMULATOR_SERVICE_STATE_LISTENING: clients can connect
 * @IST_EMULATOR_SERVICE_STATE_STOPPING: it says goodbye to the clients there were
 *
 * Where in its life a service is.
 *
 * Since: 1.0
 */
typedef enum {
  IST_EMULATOR_SERVICE_STATE_STOPPED,
  IST_EMULATOR_SERVICE_STATE_LISTENING,
  IST_EMULATOR_SERVICE_STATE_STOPPING,
} IstEmulatorServiceState;

#define IST_EMULATOR_TYPE_SERVICE_STATE (ist_emulator_service_state_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_emulator_service_state_get_type (void) G_GNUC_CONST;

#define IST_EMULATOR_TYPE_SERVICE (ist_emulator_service_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstEmulatorService, ist_emulator_service, IST_EMULATOR, SERVICE, GObject)

IST_AVAILABLE_IN_1_0
IstEmulatorService *ist_emulator_service_new (void) G_GNUC_WARN_UNUSED_RESULT;

IST_AVAILABLE_IN_1_0
gboolean ist_emulator_service_start (IstEmulatorService *self,
                                     GError **error);
IST_AVAILABLE_IN_1_0
void ist_emulator_service_start_async (IstEmulatorService *self,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_service_start_finish (IstEmulatorService *self,
                                            GAsyncResult *result,
                                            GError **error);
IST_AVAILABLE_IN_1_0
void ist_emulator_service_stop (IstEmulatorService *self);
IST_AVAILABLE_IN_1_0
void ist_emulator_service_stop_async (IstEmulatorService *self,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_service_stop_finish (IstEmulatorService *self,
                                           GAsyncResult *result,
                                           GError **error);

IST_AVAILABLE_IN_1_0
const char *ist_emulator_service_get_address (IstEmulatorService *self);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_service_get_plain (IstEmulatorService *self);
IST_AVAILABLE_IN_1_0
GTlsCertificate *ist_emulator_service_get_certificate (IstEmulatorService *self);
IST_AVAILABLE_IN_1_0
const char *ist_emulator_service_get_state_dir (IstEmulatorService *self);
IST_AVAILABLE_IN_1_0
guint ist_emulator_service_get_bandwidth (IstEmulatorService *self);
IST_AVAILABLE_IN_1_0
guint ist_emulator_service_get_max_connections_per_address (IstEmulatorService *self);

IST_AVAILABLE_IN_1_0
IstEmulatorServiceState ist_emulator_service_get_state (IstEmulatorService *self);

IST_AVAILABLE_IN_1_0
const char *ist_emulator_service_get_endpoint (IstEmulatorService *self);
IST_AVAILABLE_IN_1_0
guint ist_emulator_service_get_port (IstEmulatorService *self);
IST_AVAILABLE_IN_1_0
const char *ist_emulator_service_get_ca_pem (IstEmulatorService *self);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_service_write_ca_file (IstEmulatorService *self,
                                             const char *path,
                                             GError **error);

IST_AVAILABLE_IN_1_0
IstEmulatorTunnel *ist_emulator_service_open_tunnel (IstEmulatorService *self,
                                                     const char *const *service_ids,
                                                     const char *thing_name,
                                                     guint lifetime_minutes,
                                                     GError **error);
IST_AVAILABLE_IN_1_0
IstEmulatorTunnel *ist_emulator_service_lookup_tunnel (IstEmulatorService *self,
                                                       const char *tunnel_id);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_service_close_tunnel (IstEmulatorService *self,
                                            const char *tunnel_id,
                                            GError **error);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_service_rotate_tokens (IstEmulatorService *self,
                                             const char *tunnel_id,
                                             IstEmulatorSides sides,
                                             GError **error);

IST_AVAILABLE_IN_1_0
gboolean ist_emulator_service_add_thing (IstEmulatorService *self,
                                         const char *thing_name,
                                         const char *type_name,
                                         GError **error);

IST_AVAILABLE_IN_1_0
gboolean ist_emulator_service_fail_operations (IstEmulatorService *self,
                                               const char *operation,
                                               const char *error_type,
                                               guint count,
                                               GError **error);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_service_lose_answers (IstEmulatorService *self,
                                            const char *operation,
                                            const char *error_type,
                                            guint count,
                                            GError **error);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_service_delay_answers (IstEmulatorService *self,
                                             const char *operation,
                                             guint milliseconds,
                                             guint count,
                                             GError **error);
IST_AVAILABLE_IN_1_0
guint64 ist_emulator_service_count_operations (IstEmulatorService *self,
                                               const char *operation);

G_END_DECLS
