/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "tools/operator/operator-account.h"
#include "tools/operator/operator-callers.h"
#include "tools/operator/operator-objects.h"

G_BEGIN_DECLS

/* Local addresses at which services of devices are reached. */
typedef struct _OperatorForwards OperatorForwards;

/* @changed: there are more or fewer. */
OperatorForwards *operator_forwards_new (OperatorAccounts *accounts,
                                         OperatorObjects *objects,
                                         void (*changed) (gpointer user_data),
                                         gpointer user_data);
void operator_forwards_free (OperatorForwards *self);

/* These take @invocation. */
void operator_forwards_add (OperatorForwards *self,
                            OperatorCaller *caller,
                            GDBusMethodInvocation *invocation);
void operator_forwards_remove (OperatorForwards *self,
                               OperatorCaller *caller,
                               GDBusMethodInvocation *invocation);

/* Ends those that do not outlive @caller. */
void operator_forwards_remove_caller (OperatorForwards *self,
                                      OperatorCaller *caller);

G_END_DECLS
