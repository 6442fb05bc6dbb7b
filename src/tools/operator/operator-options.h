/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator.h>

#include "tools/operator/operator-account-name.h"

G_BEGIN_DECLS

/* The options of a call on the bus. */
typedef struct
{
  OperatorAccountName account;
  IstOperatorOptions *tunnel;
  gboolean keep;
  char *progress; /* NULL if it is not asked for */
} OperatorOptions;

typedef enum
{
  OPERATOR_OPTIONS_OF_CONNECT,
  OPERATOR_OPTIONS_OF_OPEN,
  OPERATOR_OPTIONS_OF_FORWARD,
  OPERATOR_OPTIONS_OF_THINGS, /* of the account alone */
} OperatorOptionsKind;

gboolean operator_options_parse (OperatorOptions *self,
                                 OperatorOptionsKind kind,
                                 GVariant *dictionary,
                                 GError **error);
void operator_options_clear (OperatorOptions *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (OperatorOptions, operator_options_clear)

G_END_DECLS
