/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Listens on all addresses of a host, or on a Unix socket, whose file it removes
 * in the end. */
typedef struct _IstListener IstListener;

/* A program has connected. */
typedef void (*IstListenerFunc) (IstListener *listener,
                                 GSocketConnection *connection,
                                 gpointer user_data);

/* @addresses: of GSocketAddress: those of one host, with the same port, or that of one
 *   Unix socket
 * @port: (out): where it listens, 0 for a Unix socket
 * @context: where its function is called */
IstListener *ist_listener_new (GPtrArray *addresses,
                               guint *port,
                               GMainContext *context,
                               GError **error);
/* @socket: listens already */
IstListener *ist_listener_new_for_socket (GSocket *socket,
                                          GMainContext *context,
                                          GError **error);
void ist_listener_start (IstListener *self,
                         IstListenerFunc func,
                         gpointer user_data,
                         GDestroyNotify destroy);
void ist_listener_free (IstListener *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstListener, ist_listener_free)

G_END_DECLS
