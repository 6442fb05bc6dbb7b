/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Accepts connections, and keeps those from costing anything that say nothing:
 * GIO shakes hands for TLS in a pool of few threads, which idle clients would
 * occupy, and neither it nor libsoup bounds how many there are, or for how long. */
typedef struct _IstEmulatorListener IstEmulatorListener;

/* A client has connected and begun to speak. */
typedef void (*IstEmulatorListenerFunc) (GSocketConnection *connection,
                                         GSocketAddress *local,
                                         GSocketAddress *remote,
                                         gpointer user_data);

/* Has the port from now on; clients have to wait until they are accepted.
 * @waits_for_tls: clients begin with a TLS handshake. @max_per_address: how many
 * connections one address may have, 0 for any number. */
IstEmulatorListener *ist_emulator_listener_new (GSocketAddress *address,
                                                gboolean waits_for_tls,
                                                guint max_per_address,
                                                IstEmulatorListenerFunc func,
                                                gpointer user_data,
                                                GError **error);
void ist_emulator_listener_free (IstEmulatorListener *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstEmulatorListener, ist_emulator_listener_free)

void ist_emulator_listener_accept (IstEmulatorListener *self);

guint ist_emulator_listener_get_port (IstEmulatorListener *self);

/* The client has sent a whole request: it is our turn. */
void ist_emulator_listener_note_request (IstEmulatorListener *self,
                                         GSocketAddress *remote);
/* It was answered: there is as much time for the next one as for the first. */
void ist_emulator_listener_note_answer (IstEmulatorListener *self,
                                        GSocketAddress *remote);
/* The connection has become a WebSocket, which may be idle. */
void ist_emulator_listener_note_upgrade (IstEmulatorListener *self,
                                         GSocketAddress *remote);

G_END_DECLS
