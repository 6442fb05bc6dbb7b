/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist-forwarder-connection.h>

G_BEGIN_DECLS

/* Connections to services in the making. Those of one service take turns: a
 * flood of them is not to cost other services their turn, nor the process its
 * descriptors. */
typedef struct _IstConnectQueue IstConnectQueue;

IstConnectQueue *ist_connect_queue_new (void);
void ist_connect_queue_free (IstConnectQueue *self);

/* Connects when its turn comes. @max: how many of a service may be connecting at
 * a time; 0 for any number */
void ist_connect_queue_add (IstConnectQueue *self,
                            IstForwarderConnection *connection,
                            guint max);
/* It is not in the making any more, if it was: then it is another one's turn. */
void ist_connect_queue_remove (IstConnectQueue *self,
                               IstForwarderConnection *connection,
                               guint max);

G_END_DECLS
