/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator-tunnel.h>

G_BEGIN_DECLS

/* The tunnels there are, and whom their tokens admit. Knows nothing of
 * connections: whatever administers tunnels talks to this. */
typedef struct _IstEmulatorRegistry IstEmulatorRegistry;

IstEmulatorRegistry *ist_emulator_registry_new (void);
void ist_emulator_registry_free (IstEmulatorRegistry *self);

IstEmulatorTunnel *ist_emulator_registry_open (IstEmulatorRegistry *self,
                                               const char *const *services,
                                               const char *thing_name,
                                               guint lifetime_minutes,
                                               GError **error);

/* Closed tunnels are found too. (transfer none), G_IO_ERROR_NOT_FOUND. */
IstEmulatorTunnel *ist_emulator_registry_lookup (IstEmulatorRegistry *self,
                                                 const char *tunnel_id,
                                                 GError **error);

gboolean ist_emulator_registry_rotate (IstEmulatorRegistry *self,
                                       IstEmulatorTunnel *tunnel,
                                       IstEmulatorSides sides,
                                       GError **error);

/* All of them, in no particular order: (element-type IstEmulatorTunnel) (transfer full). */
GPtrArray *ist_emulator_registry_list (IstEmulatorRegistry *self);

/* Which tunnel and side an access token is for, valid or not; NULL if unknown.
 * (transfer none) */
IstEmulatorTunnel *ist_emulator_registry_find (IstEmulatorRegistry *self,
                                               const char *access_token,
                                               IstMode *side);

/* Uses the tokens for one connection: FALSE with IST_ERROR_TOKEN_REJECTED or
 * IST_ERROR_TUNNEL_CLOSED if they admit nobody. */
gboolean ist_emulator_registry_admit (IstEmulatorRegistry *self,
                                      IstMode mode,
                                      const char *access_token,
                                      const char *client_token,
                                      GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstEmulatorRegistry, ist_emulator_registry_free)

G_END_DECLS
