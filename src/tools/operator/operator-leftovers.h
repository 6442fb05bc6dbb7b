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

/* @changed: there is one more or less, or one was tried. */
OperatorLeftovers *operator_leftovers_new (OperatorState *state,
                                           OperatorAccounts *accounts,
                                           void (*changed) (gpointer user_data),
                                           gpointer user_data);
void operator_leftovers_free (OperatorLeftovers *self);

/* @takes_up: whether it is taken up, not closed. */
void operator_leftovers_add (OperatorLeftovers *self,
                             OperatorRecord *record,
                             gboolean takes_up);

guint operator_leftovers_get_n (OperatorLeftovers *self);

/* That may be taken up at any moment: nobody has said anything of them yet. */
guint operator_leftovers_get_n_untried (OperatorLeftovers *self);

G_END_DECLS
