/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/operator/operator-account.h"
#include "tools/operator/operator-state.h"

G_BEGIN_DECLS

/* Tunnels that may be open at AWS though nothing here holds them: those of an earlier
 * run are taken up again, others are closed. What fails is tried again, as long as
 * such a tunnel can live. */
typedef struct _OperatorLeftovers OperatorLeftovers;

/* @emptied: there are none any more. */
OperatorLeftovers *operator_leftovers_new (OperatorState *state,
                                           OperatorAccounts *accounts,
                                           void (*emptied) (gpointer user_data),
                                           gpointer user_data);
void operator_leftovers_free (OperatorLeftovers *self);

/* @takes_up: whether one that is known by its id is taken up, not closed. */
void operator_leftovers_add (OperatorLeftovers *self,
                             OperatorRecord *record,
                             gboolean takes_up);

guint operator_leftovers_get_n (OperatorLeftovers *self);

G_END_DECLS
