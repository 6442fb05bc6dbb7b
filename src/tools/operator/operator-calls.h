/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "tools/operator/operator-account.h"
#include "tools/operator/operator-callers.h"
#include "tools/operator/operator-objects.h"

G_BEGIN_DECLS

/* The calls that take their time, Connect, Open and ListThings, until they are answered. */
typedef struct _OperatorCalls OperatorCalls;

/* @changed: there are more or fewer. */
OperatorCalls *operator_calls_new (GDBusConnection *connection,
                                   OperatorAccounts *accounts,
                                   OperatorObjects *objects,
                                   void (*changed) (gpointer user_data),
                                   gpointer user_data);
void operator_calls_free (OperatorCalls *self);

/* These take @invocation. */
void operator_calls_connect (OperatorCalls *self,
                             OperatorCaller *caller,
                             GDBusMethodInvocation *invocation);
void operator_calls_open (OperatorCalls *self,
                          OperatorCaller *caller,
                          GDBusMethodInvocation *invocation);
void operator_calls_list_things (OperatorCalls *self,
                                 OperatorCaller *caller,
                                 GDBusMethodInvocation *invocation);

/* Tells those who wait for @tunnel. */
void operator_calls_tell_progress (OperatorCalls *self,
                                   OperatorAccount *account,
                                   IstOperatorTunnel *tunnel);
void operator_calls_cancel (OperatorCalls *self,
                            OperatorCaller *caller);

guint operator_calls_get_n (OperatorCalls *self);

G_END_DECLS
