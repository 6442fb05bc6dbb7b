/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_EMULATOR_INSIDE) && !defined (IST_EMULATOR_COMPILATION)
#error "Only <ist-emulator/ist-emulator.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

G_BEGIN_DECLS

/**
 * IstEmulatorSides:
 * @IST_EMULATOR_SIDES_NONE: neither
 * @IST_EMULATOR_SIDES_SOURCE: the source
 * @IST_EMULATOR_SIDES_DESTINATION: the destination
 * @IST_EMULATOR_SIDES_ALL: both
 *
 * Ends of a tunnel.
 *
 * Since: 1.0
 */
typedef enum /*< flags >*/
{
  IST_EMULATOR_SIDES_NONE = 0,
  IST_EMULATOR_SIDES_SOURCE = 1 << 0,
  IST_EMULATOR_SIDES_DESTINATION = 1 << 1,
  IST_EMULATOR_SIDES_ALL = IST_EMULATOR_SIDES_SOURCE | IST_EMULATOR_SIDES_DESTINATION,
} IstEmulatorSides;

#define IST_EMULATOR_TYPE_SIDES (ist_emulator_sides_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_emulator_sides_get_type (void) G_GNUC_CONST;

#define IST_EMULATOR_TYPE_TUNNEL (ist_emulator_tunnel_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstEmulatorTunnel, ist_emulator_tunnel, IST_EMULATOR, TUNNEL, GObject)

IST_AVAILABLE_IN_1_0
const char *ist_emulator_tunnel_get_id (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_emulator_tunnel_get_arn (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
const char *const *ist_emulator_tunnel_get_service_ids (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_emulator_tunnel_get_thing_name (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_emulator_tunnel_get_source_access_token (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
const char *ist_emulator_tunnel_get_destination_access_token (IstEmulatorTunnel *self);

IST_AVAILABLE_IN_1_0
gboolean ist_emulator_tunnel_is_open (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
gint64 ist_emulator_tunnel_get_opened_at (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
gint64 ist_emulator_tunnel_get_expires_at (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
IstEmulatorSides ist_emulator_tunnel_get_connected_sides (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
guint64 ist_emulator_tunnel_get_bytes_from_source (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
guint64 ist_emulator_tunnel_get_bytes_from_destination (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_tunnel_is_connected (IstEmulatorTunnel *self,
                                           IstMode side);
IST_AVAILABLE_IN_1_0
guint64 ist_emulator_tunnel_get_queued_bytes (IstEmulatorTunnel *self,
                                              IstMode side);

IST_AVAILABLE_IN_1_0
void ist_emulator_tunnel_set_lifetime_ms (IstEmulatorTunnel *self,
                                          guint milliseconds);

IST_AVAILABLE_IN_1_0
gboolean ist_emulator_tunnel_close_side (IstEmulatorTunnel *self,
                                         IstMode side,
                                         guint code,
                                         const char *reason);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_tunnel_drop_side (IstEmulatorTunnel *self,
                                        IstMode side);
IST_AVAILABLE_IN_1_0
void ist_emulator_tunnel_reset_session (IstEmulatorTunnel *self);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_tunnel_send_message (IstEmulatorTunnel *self,
                                           IstMode side,
                                           IstMessage *message,
                                           GError **error);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_tunnel_send_bytes (IstEmulatorTunnel *self,
                                         IstMode side,
                                         GBytes *bytes,
                                         GError **error);
IST_AVAILABLE_IN_1_0
gboolean ist_emulator_tunnel_send_text (IstEmulatorTunnel *self,
                                        IstMode side,
                                        const char *text,
                                        GError **error);

IST_AVAILABLE_IN_1_0
void ist_emulator_tunnel_refuse_handshakes (IstEmulatorTunnel *self,
                                            IstMode side,
                                            guint count,
                                            guint status,
                                            const char *reason);
IST_AVAILABLE_IN_1_0
void ist_emulator_tunnel_set_omit_subprotocol (IstEmulatorTunnel *self,
                                               IstMode side,
                                               gboolean omit);
IST_AVAILABLE_IN_1_0
void ist_emulator_tunnel_set_omit_service_ids (IstEmulatorTunnel *self,
                                               IstMode side,
                                               gboolean omit);
IST_AVAILABLE_IN_1_0
void ist_emulator_tunnel_set_stalled (IstEmulatorTunnel *self,
                                      IstMode side,
                                      gboolean stalled);
IST_AVAILABLE_IN_1_0
void ist_emulator_tunnel_set_delay_ms (IstEmulatorTunnel *self,
                                       IstMode side,
                                       guint milliseconds);
IST_AVAILABLE_IN_1_0
void ist_emulator_tunnel_set_frame_size (IstEmulatorTunnel *self,
                                         IstMode side,
                                         guint size);

G_END_DECLS
