/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/operator/operator-callers.h"

G_BEGIN_DECLS

/* Calls that come before it is known which tunnels there are: begun at once, they would
 * open others beside them. */
typedef struct _OperatorHeldCalls OperatorHeldCalls;

OperatorHeldCalls *operator_held_calls_new (OperatorAdmittedFunc begin,
                                            gpointer user_data);
void operator_held_calls_free (OperatorHeldCalls *self);

/* Begins to hold calls, until they are released, but not for long. */
void operator_held_calls_start (OperatorHeldCalls *self);
void operator_held_calls_release (OperatorHeldCalls *self);

/* Takes @invocation, and hands it on: now, or when calls are released. */
void operator_held_calls_pass (OperatorHeldCalls *self,
                               OperatorCaller *caller,
                               GDBusMethodInvocation *invocation);

/* Drops those of a caller who has left. */
void operator_held_calls_drop (OperatorHeldCalls *self,
                               OperatorCaller *caller);

G_END_DECLS
