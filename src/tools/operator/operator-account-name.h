/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whose tunnels, and where: nothing of it is a secret. What is NULL is as the AWS
 * tools have it. */
typedef struct
{
  char *profile;
  char *region;
  char *endpoint_url;
  char *ca_file;
} OperatorAccountName;

void operator_account_name_clear (OperatorAccountName *self);
void operator_account_name_copy (OperatorAccountName *self,
                                 const OperatorAccountName *other);
gboolean operator_account_name_equal (const OperatorAccountName *a,
                                      const OperatorAccountName *b);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (OperatorAccountName, operator_account_name_clear)

G_END_DECLS
