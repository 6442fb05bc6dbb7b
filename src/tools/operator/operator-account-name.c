/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-account-name.h"

void
operator_account_name_clear (OperatorAccountName *self)
{
  g_clear_pointer (&self->profile, g_free);
  g_clear_pointer (&self->region, g_free);
  g_clear_pointer (&self->endpoint_url, g_free);
  g_clear_pointer (&self->ca_file, g_free);
}

void
operator_account_name_copy (OperatorAccountName *self,
                            const OperatorAccountName *other)
{
  self->profile = g_strdup (other->profile);
  self->region = g_strdup (other->region);
  self->endpoint_url = g_strdup (other->endpoint_url);
  self->ca_file = g_strdup (other->ca_file);
}

gboolean
operator_account_name_equal (const OperatorAccountName *a,
                             const OperatorAccountName *b)
{
  return g_strcmp0 (a->profile, b->profile) == 0 && g_strcmp0 (a->region, b->region) == 0 &&
         g_strcmp0 (a->endpoint_url, b->endpoint_url) == 0 && g_strcmp0 (a->ca_file, b->ca_file) == 0;
}
