/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_OPERATOR_INSIDE) && !defined (IST_OPERATOR_COMPILATION)
#error "Only <ist-operator/ist-operator.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

G_BEGIN_DECLS

/**
 * IstOperatorTunnelState:
 * @IST_OPERATOR_TUNNEL_STATE_LOOKING: for a tunnel that is open and can be used
 * @IST_OPERATOR_TUNNEL_STATE_OPENING: the service was asked to open one
 * @IST_OPERATOR_TUNNEL_STATE_WAITING: for the device, which was not connected when last looked for
 * @IST_OPERATOR_TUNNEL_STATE_CONNECTING: to the tunnel, for the first time or again
 * @IST_OPERATOR_TUNNEL_STATE_CONNECTED: connections can be opened
 * @IST_OPERATOR_TUNNEL_STATE_CLOSING: the service was asked to close it
 * @IST_OPERATOR_TUNNEL_STATE_CLOSED: it has ended, as far as this client is concerned
 *
 * What an [class@IstOperator.Tunnel] is doing. New states may be added at the end.
 *
 * Since: 1.0
 */
typedef enum {
  IST_OPERATOR_TUNNEL_STATE_LOOKING,
  IST_OPERATOR_TUNNEL_STATE_OPENING,
  IST_OPERATOR_TUNNEL_STATE_WAITING,
  IST_OPERATOR_TUNNEL_STATE_CONNECTING,
  IST_OPERATOR_TUNNEL_STATE_CONNECTED,
  IST_OPERATOR_TUNNEL_STATE_CLOSING,
  IST_OPERATOR_TUNNEL_STATE_CLOSED,
} IstOperatorTunnelState;

#define IST_OPERATOR_TYPE_TUNNEL_STATE (ist_operator_tunnel_state_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_operator_tunnel_state_get_type (void) G_GNUC_CONST;

#define IST_OPERATOR_TYPE_TUNNEL (ist_operator_tunnel_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstOperatorTunnel, ist_operator_tunnel, IST_OPERATOR, TUNNEL, GObject)

IST_AVAILABLE_IN_1_0
void ist_operator_tunnel_close_async (IstOperatorTunnel *self,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_tunnel_close_finish (IstOperatorTunnel *self,
                                           GAsyncResult *result,
                                           GError **error);

IST_AVAILABLE_IN_1_0
IstOperatorTunnelState ist_operator_tunnel_get_state (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_tunnel_get_thing_name (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_tunnel_get_tunnel_id (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_tunnel_get_description (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
const char *const *ist_operator_tunnel_get_service_ids (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
gint64 ist_operator_tunnel_get_opened_at (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
gint64 ist_operator_tunnel_get_expires_at (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_tunnel_get_reused (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_tunnel_get_kept (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
void ist_operator_tunnel_set_kept (IstOperatorTunnel *self,
                                   gboolean kept);
IST_AVAILABLE_IN_1_0
guint ist_operator_tunnel_get_n_connections (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
guint64 ist_operator_tunnel_get_bytes_in (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
guint64 ist_operator_tunnel_get_bytes_out (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
double ist_operator_tunnel_get_rate_in (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
double ist_operator_tunnel_get_rate_out (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
gint64 ist_operator_tunnel_get_round_trip_time_us (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
const GError *ist_operator_tunnel_get_last_error (IstOperatorTunnel *self);
IST_AVAILABLE_IN_1_0
IstSecureTunnel *ist_operator_tunnel_get_secure_tunnel (IstOperatorTunnel *self);

G_END_DECLS
