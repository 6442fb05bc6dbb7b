/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator-tunnel.h>

#include "ist-emulator/ist-emulator-record-private.h"
#include "ist-emulator/ist-emulator-things-private.h"

G_BEGIN_DECLS

/* The tunnels there are, open and closed, and their tokens. Knows nothing of
 * connections: whatever administers tunnels talks to this. */
typedef struct _IstEmulatorRegistry IstEmulatorRegistry;

/* How long, in microseconds, and how many closed tunnels are remembered, like
 * the service at least; the oldest ones go first. */
#define IST_EMULATOR_REGISTRY_MEMORY_TIME (3 * 60 * 60 * (gint64) G_USEC_PER_SEC)
#define IST_EMULATOR_REGISTRY_MAX_CLOSED 1000
#define IST_EMULATOR_REGISTRY_MAX_OPEN 10000

typedef struct
{
  /* Also for tunnels that are restored; those may be closed. */
  void (*opened) (IstEmulatorTunnel *tunnel,
                  gpointer user_data);
  void (*closed) (IstEmulatorTunnel *tunnel,
                  gpointer user_data);
  /* The tunnel's thing has to hear of its destination token. */
  void (*notify) (IstEmulatorTunnel *tunnel,
                  gpointer user_data);
} IstEmulatorRegistryDelegate;

/* What a tunnel is opened for. All members may be NULL or 0. */
typedef struct
{
  const char *const *services;
  const char *thing_name;
  guint lifetime_minutes;
  const char *description;
  JsonObject *tags; /* as in IstEmulatorRecord */
} IstEmulatorRegistryRequest;

/* @bandwidth: of each tunnel, in bytes per second, or 0. */
IstEmulatorRegistry *ist_emulator_registry_new (guint bandwidth,
                                                const IstEmulatorRegistryDelegate *delegate,
                                                gpointer user_data);
void ist_emulator_registry_free (IstEmulatorRegistry *self);

/* Restores the tunnels that are kept in a folder, and keeps all of them there
 * from now on. To be called before anything is opened. */
gboolean ist_emulator_registry_restore (IstEmulatorRegistry *self,
                                        const char *folder,
                                        GError **error);

/* G_IO_ERROR_NO_SPACE if there are too many. */
IstEmulatorTunnel *ist_emulator_registry_open (IstEmulatorRegistry *self,
                                               const IstEmulatorRegistryRequest *request,
                                               GError **error);

/* Closed tunnels are found too. (transfer none), G_IO_ERROR_NOT_FOUND. */
IstEmulatorRecord *ist_emulator_registry_lookup (IstEmulatorRegistry *self,
                                                 const char *tunnel_id,
                                                 GError **error);

/* Closes a tunnel; with @forget there is no such tunnel any more afterwards. */
gboolean ist_emulator_registry_close (IstEmulatorRegistry *self,
                                      const char *tunnel_id,
                                      gboolean forget,
                                      GError **error);

/* @destination: (nullable): gives the tunnel other services and another thing;
 * its other members are not looked at. */
gboolean ist_emulator_registry_rotate (IstEmulatorRegistry *self,
                                       const char *tunnel_id,
                                       IstEmulatorSides sides,
                                       const IstEmulatorRegistryRequest *destination,
                                       GError **error);

/* To be called when a record was changed; FALSE if the change can't be kept. */
gboolean ist_emulator_registry_touch (IstEmulatorRegistry *self,
                                      IstEmulatorRecord *record,
                                      GError **error);

/* All of them, the oldest first: (element-type IstEmulatorRecord) (transfer none). */
GPtrArray *ist_emulator_registry_list (IstEmulatorRegistry *self);

/* (transfer none) */
IstEmulatorThings *ist_emulator_registry_get_things (IstEmulatorRegistry *self);

/* Which tunnel and side an access token is for, valid or not; NULL if unknown.
 * (transfer none) */
IstEmulatorTunnel *ist_emulator_registry_find (IstEmulatorRegistry *self,
                                               const char *access_token,
                                               IstMode *side);

/* Uses the tokens for one connection: FALSE with IST_TUNNEL_ERROR_TOKEN_REJECTED or
 * IST_TUNNEL_ERROR_TUNNEL_CLOSED if they admit nobody. */
gboolean ist_emulator_registry_admit (IstEmulatorRegistry *self,
                                      IstMode mode,
                                      const char *access_token,
                                      const char *client_token,
                                      GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstEmulatorRegistry, ist_emulator_registry_free)

G_END_DECLS
