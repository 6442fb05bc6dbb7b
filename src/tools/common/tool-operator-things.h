/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Things as ListThings answers: the name of each, and of its type or "", and whether there
 * are more. */
#define TOOL_OPERATOR_THINGS_TYPE "(a(ss)b)"

/* @things: of IstOperatorThing. Returns a floating one. */
GVariant *tool_operator_things_new (GListModel *things,
                                    gboolean is_cut);

G_END_DECLS
