/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_OPERATOR_INSIDE) && !defined (IST_OPERATOR_COMPILATION)
#error "Only <ist-operator/ist-operator.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

G_BEGIN_DECLS

#define IST_OPERATOR_TYPE_THING (ist_operator_thing_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstOperatorThing, ist_operator_thing, IST_OPERATOR, THING, GObject)

IST_AVAILABLE_IN_1_0
const char *ist_operator_thing_get_name (IstOperatorThing *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_thing_get_type_name (IstOperatorThing *self);

G_END_DECLS
