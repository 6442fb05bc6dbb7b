/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "ist-operator/ist-operator-keys-private.h"

G_BEGIN_DECLS

/* Keys, from where they are, and until when they hold. */
typedef struct
{
  IstOperatorKeys *keys;
  const char *origin;
  gint64 expires_at; /* in microseconds since 1970; 0 for never */
} IstOperatorFound;

/* How the keys are told in JSON. */
typedef enum {
  IST_OPERATOR_ANSWER_OF_PROCESS,  /* SessionToken and Expiration may be missing; a Version */
  IST_OPERATOR_ANSWER_OF_METADATA, /* Token and Expiration are there */
} IstOperatorAnswer;

/* @where: what has them, for errors. %IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING if one
 * of the two is missing, or if they can't be sent. @token and @expiration: NULL for none. */
IstOperatorFound *ist_operator_found_new (const char *origin,
                                          const char *where,
                                          const char *access_key_id,
                                          const char *secret_access_key,
                                          const char *token,
                                          const char *expiration,
                                          GError **error);
/* %IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS if it is not such an answer. */
IstOperatorFound *ist_operator_found_parse (const char *origin,
                                            const char *where,
                                            const char *text,
                                            IstOperatorAnswer kind,
                                            GError **error);
void ist_operator_found_free (IstOperatorFound *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstOperatorFound, ist_operator_found_free)

G_END_DECLS
