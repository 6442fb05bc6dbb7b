/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What requests are signed with. Not seen outside the library; wiped when it is freed. */
typedef struct
{
  char *access_key_id;
  char *secret_access_key;
  char *session_token; /* or NULL */
} IstOperatorKeys;

/* An empty @session_token is none. */
IstOperatorKeys *ist_operator_keys_new (const char *access_key_id,
                                        const char *secret_access_key,
                                        const char *session_token);
IstOperatorKeys *ist_operator_keys_copy (const IstOperatorKeys *self);
void ist_operator_keys_free (IstOperatorKeys *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstOperatorKeys, ist_operator_keys_free)

G_END_DECLS
