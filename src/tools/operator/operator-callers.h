/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Who calls the service, until they leave the bus. */
typedef struct _OperatorCallers OperatorCallers;

typedef struct
{
  char *name; /* its own on the bus */
  gboolean has_left;
  gboolean watches;
  guint n_calls; /* that were not answered yet */
  guint n_forwards;
  guint n_connections;
} OperatorCaller;

typedef void (*OperatorCallerFunc) (OperatorCaller *caller,
                                    gpointer user_data);
/* Has to answer @invocation. */
typedef void (*OperatorAdmittedFunc) (OperatorCaller *caller,
                                      GDBusMethodInvocation *invocation,
                                      gpointer user_data);

/* @left: a caller has left the bus. */
OperatorCallers *operator_callers_new (GDBusConnection *connection,
                                       OperatorCallerFunc left,
                                       gpointer user_data);
void operator_callers_free (OperatorCallers *self);

/* Takes @invocation, and hands it on if its sender is the user whose service this is;
 * anybody else is refused. */
void operator_callers_admit (OperatorCallers *self,
                             GDBusMethodInvocation *invocation,
                             OperatorAdmittedFunc admitted);

/* Of those who are there, and of calls that nobody was told of yet. */
gboolean operator_callers_is_anybody_watching (OperatorCallers *self);
guint operator_callers_get_n_waiting (OperatorCallers *self);

OperatorCaller *operator_caller_ref (OperatorCaller *self);
void operator_caller_unref (OperatorCaller *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (OperatorCaller, operator_caller_unref)

G_END_DECLS
