/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator-tunnel.h>

G_BEGIN_DECLS

IstEmulatorTunnel *ist_emulator_tunnel_new (const char *const *services,
                                            const char *thing_name);

/* NULL before the first one is set. */
const char *ist_emulator_tunnel_get_access_token (IstEmulatorTunnel *self,
                                                  IstMode mode);
/* Disconnects the client that came with the old one. */
void ist_emulator_tunnel_set_access_token (IstEmulatorTunnel *self,
                                           IstMode mode,
                                           const char *token);

/* For good. */
void ist_emulator_tunnel_close (IstEmulatorTunnel *self);
/* Says goodbye to both clients; they may come again. */
void ist_emulator_tunnel_disconnect (IstEmulatorTunnel *self,
                                     guint16 code,
                                     const char *reason);

/* TRUE, once for each, if a test wants the next handshake refused. */
gboolean ist_emulator_tunnel_take_refusal (IstEmulatorTunnel *self,
                                           IstMode mode,
                                           guint *status,
                                           char **reason);
gboolean ist_emulator_tunnel_get_omit_subprotocol (IstEmulatorTunnel *self,
                                                   IstMode mode);

/* A client whose handshake is done. @access_token is the one it came with. */
void ist_emulator_tunnel_attach (IstEmulatorTunnel *self,
                                 IstMode mode,
                                 const char *access_token,
                                 GIOStream *stream,
                                 GUri *uri);

G_END_DECLS
