/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator.h>

#include "tools/operator/operator-account-name.h"
#include "tools/operator/operator-callers.h"
#include "tools/operator/operator-objects.h"
#include "tools/operator/operator-state.h"

G_BEGIN_DECLS

/* What the bus shows of a tunnel and its connections, and the state file has of it. */
typedef struct _OperatorTunnel OperatorTunnel;

/* Is on the bus, and in the file as soon as there is something to close at AWS. */
OperatorTunnel *operator_tunnel_new (IstOperatorTunnel *tunnel,
                                     const OperatorAccountName *account,
                                     OperatorObjects *objects,
                                     OperatorState *state);

/* Leaves the bus, and frees it. Returns (transfer full) what is still to be closed, or
 * looked for, at AWS; NULL if nothing is. */
OperatorRecord *operator_tunnel_end (OperatorTunnel *self);

/* It stays though nothing uses it: until it is closed, or, for @holder, as long as that
 * is on the bus. */
void operator_tunnel_keep (OperatorTunnel *self,
                           OperatorCaller *holder);
/* @holder has left. */
void operator_tunnel_let_go (OperatorTunnel *self,
                             OperatorCaller *holder);

/* It is for @name, which is on the bus. */
void operator_tunnel_set_client (IstForwarderConnection *connection,
                                 const char *name);

IstOperatorTunnel *operator_tunnel_get_tunnel (OperatorTunnel *self);
const char *operator_tunnel_get_path (OperatorTunnel *self);

G_END_DECLS
