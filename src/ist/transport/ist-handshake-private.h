/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "ist/transport/ist-metered-stream-private.h"

G_BEGIN_DECLS

/* The client's half of the WebSocket handshake with the service: TCP, proxies,
 * TLS, the upgrade. */

typedef struct
{
  GUri *uri; /* ws: or wss:, with path and query */
  const char *access_token;
  const char *client_token;
  GTlsDatabase *tls_database;      /* nullable: the system's */
  gboolean skip_verification;      /* accept any certificate */
  GProxyResolver *proxy_resolver;  /* nullable: IstProxyResolver */
  guint timeout;                   /* seconds for the whole of it, 0 for none */
} IstHandshakeParams;

/* Whoever gets the stream makes a channel of it. The parameters are copied. */
void ist_handshake_async (const IstHandshakeParams *params,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data);

/* @channel_id: (out) (nullable): what the service calls this connection; set
 * also with an error if the service sent one. Errors are of IST_TUNNEL_ERROR. */
IstMeteredStream *ist_handshake_finish (GAsyncResult *result,
                                        char **channel_id,
                                        GError **error);

G_END_DECLS
