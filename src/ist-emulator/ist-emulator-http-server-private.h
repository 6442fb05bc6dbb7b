/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "ist-emulator/ist-emulator-registry-private.h"

G_BEGIN_DECLS

/* The service as its clients see it, who speak HTTP: handshakes for WebSockets
 * under /tunnel, which are handed on to the tunnels, and the control plane. */
typedef struct _IstEmulatorHttpServer IstEmulatorHttpServer;

/* A request got another answer than 101. */
typedef void (*IstEmulatorHttpServerRefusedFunc) (guint status,
                                                  const char *reason,
                                                  gpointer owner);

/* @certificate: (nullable): NULL to do without TLS. @max_per_address: how many
 * connections one address may have, 0 for any number. @owner: a GObject to which
 * @registry belongs; it stays alive while a request is dealt with. */
IstEmulatorHttpServer *ist_emulator_http_server_new (GSocketAddress *address,
                                                     GTlsCertificate *certificate,
                                                     guint max_per_address,
                                                     IstEmulatorRegistry *registry,
                                                     IstEmulatorHttpServerRefusedFunc refused,
                                                     gpointer owner,
                                                     GError **error);
/* Disconnects clients, but for those that have become WebSockets: they are the
 * tunnels'. */
void ist_emulator_http_server_free (IstEmulatorHttpServer *self);

guint ist_emulator_http_server_get_port (IstEmulatorHttpServer *self);

G_END_DECLS
