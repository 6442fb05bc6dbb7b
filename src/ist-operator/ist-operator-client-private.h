/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator-client.h>

G_BEGIN_DECLS

/* Where all of its callbacks come. (transfer none) */
GMainContext *ist_operator_client_get_context (IstOperatorClient *self);

G_END_DECLS
