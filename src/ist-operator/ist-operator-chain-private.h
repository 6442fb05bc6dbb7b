/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist-operator/ist-operator-found-private.h"
#include "ist-operator/ist-operator-profile-private.h"

G_BEGIN_DECLS

/* Where the AWS tools look for credentials, and in that order. */

/* Takes @profile. @is_explicit: it was asked for in words, and comes before variables with
 * keys. @environment: the variables, which are only read here, and what children get but for
 * secrets that are none of theirs. @process_timeout: in seconds. */
void ist_operator_chain_run_async (IstOperatorProfile *profile,
                                   gboolean is_explicit,
                                   const char *const *environment,
                                   guint process_timeout,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
IstOperatorFound *ist_operator_chain_run_finish (GAsyncResult *result,
                                                 GError **error);

G_END_DECLS
