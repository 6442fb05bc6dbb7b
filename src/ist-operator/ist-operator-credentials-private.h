/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist-operator/ist-operator-credentials.h"
#include "ist-operator/ist-operator-keys-private.h"

G_BEGIN_DECLS

/* (transfer full): what requests are signed with, once ist_operator_credentials_load_finish()
 * has returned TRUE; NULL before, and after ist_operator_credentials_forget(). */
IstOperatorKeys *ist_operator_credentials_dup_keys (IstOperatorCredentials *self);

/* How long a program may take that has the credentials, in seconds. */
void ist_operator_credentials_set_process_timeout (IstOperatorCredentials *self,
                                                   guint seconds);

G_END_DECLS
