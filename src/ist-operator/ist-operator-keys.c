/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-keys-private.h"

#include "common/ist-secret-private.h"

IstOperatorKeys *
ist_operator_keys_new (const char *access_key_id,
                       const char *secret_access_key,
                       const char *session_token)
{
  IstOperatorKeys *self = g_new0 (IstOperatorKeys, 1);

  self->access_key_id = g_strdup (access_key_id);
  self->secret_access_key = g_strdup (secret_access_key);
  if (session_token != NULL && *session_token != '\0')
    self->session_token = g_strdup (session_token);
  return self;
}

IstOperatorKeys *
ist_operator_keys_copy (const IstOperatorKeys *self)
{
  return ist_operator_keys_new (self->access_key_id, self->secret_access_key, self->session_token);
}

void
ist_operator_keys_free (IstOperatorKeys *self)
{
  g_free (self->access_key_id);
  ist_secret_free (self->secret_access_key);
  ist_secret_free (self->session_token);
  g_free (self);
}
