/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "ist-emulator/ist-emulator-control-private.h"
#include "ist-emulator/ist-emulator-registry-private.h"

G_BEGIN_DECLS

/* The service as its clients see it, who speak HTTP: handshakes for WebSockets
 * under /tunnel, which are handed on to the tunnels, and the control plane. */
typedef struct _IstEmulatorHttpServer IstEmulatorHttpServer;

typedef struct
{
  /* A request got another answer than 101. */
  void (*refused) (guint status,
                   const char *reason,
                   gpointer owner);
  /* The last WebSocket is closed; there may be others by and by. */
  void (*emptied) (gpointer owner);
} IstEmulatorHttpServerDelegate;

/* Has the port from now on; clients have to wait until they are accepted.
 * @certificate: (nullable): NULL to do without TLS. @max_per_address: how many
 * connections one address may have, 0 for any number. @owner: a GObject to which
 * @registry and @control belong; it stays alive while a request is dealt with. */
IstEmulatorHttpServer *ist_emulator_http_server_new (GSocketAddress *address,
                                                     GTlsCertificate *certificate,
                                                     guint max_per_address,
                                                     IstEmulatorRegistry *registry,
                                                     IstEmulatorControl *control,
                                                     const IstEmulatorHttpServerDelegate *delegate,
                                                     gpointer owner,
                                                     GError **error);
void ist_emulator_http_server_accept (IstEmulatorHttpServer *self);

/* Gives the port back and disconnects clients, but for those that have become
 * WebSockets: they are the tunnels'. */
void ist_emulator_http_server_close (IstEmulatorHttpServer *self);
/* Whether no WebSocket is left. */
gboolean ist_emulator_http_server_is_empty (IstEmulatorHttpServer *self);

/* Closes it; the owner hears of nothing any more. */
void ist_emulator_http_server_free (IstEmulatorHttpServer *self);

guint ist_emulator_http_server_get_port (IstEmulatorHttpServer *self);

G_END_DECLS
