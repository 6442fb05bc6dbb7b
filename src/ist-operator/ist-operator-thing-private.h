/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator-thing.h>

G_BEGIN_DECLS

/* NULL if it is not the name of a thing. @type_name: (nullable): left out if it is no name */
IstOperatorThing *ist_operator_thing_new (const char *name,
                                          const char *type_name);

G_END_DECLS
