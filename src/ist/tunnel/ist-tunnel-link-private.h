/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist/protocol/ist-stream-table-private.h"
#include "ist/transport/ist-channel-private.h"

G_BEGIN_DECLS

/* What the parts of a tunnel share: where messages go, by which rules, and what
 * has gone. The tunnel keeps it; each part sees it as it is. */
typedef struct
{
  GMainContext *context;
  IstStreamTable *table;
  IstChannel *channel; /* NULL without a WebSocket */
  gboolean connected;  /* the service has named the tunnel's services, or is taken to have none */

  guint64 bytes_in;
  guint64 bytes_out;
  guint64 messages_in;
  guint64 messages_out;
} IstTunnelLink;

/* Whether messages can be sent; IST_TUNNEL_ERROR_NOT_CONNECTED otherwise. */
gboolean ist_tunnel_link_check (const IstTunnelLink *self,
                                GError **error);

/* The tag of each message that is given to the channel: who wants to know that it
 * is on the wire, or with @error never will be. The owner's struct begins with it. */
typedef struct _IstOutgoing IstOutgoing;

struct _IstOutgoing
{
  void (*done) (IstOutgoing *self,
                const GError *error,
                gpointer owner);
  gpointer owner;
};

G_END_DECLS
