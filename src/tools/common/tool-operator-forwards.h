/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/common/tool-operator-link.h"

G_BEGIN_DECLS

/* Addresses at which the session's ist-operator listens for this program, and connects
 * everybody who comes to services of a device. It forgets them when it ends, and is told
 * again by this. */
typedef struct _ToolOperatorForwards ToolOperatorForwards;

/* It could not be told. */
typedef void (*ToolOperatorForwardsLost) (const GError *error,
                                          gpointer user_data);

ToolOperatorForwards *tool_operator_forwards_new (ToolOperatorLink *link,
                                                  const ToolOperatorSettings *settings,
                                                  const char *thing,
                                                  ToolOperatorForwardsLost lost,
                                                  gpointer user_data);
void tool_operator_forwards_free (ToolOperatorForwards *self);

/* Returns the address with the port that it got. @keep: also when this program has
 * ended. */
const char *tool_operator_forwards_add (ToolOperatorForwards *self,
                                        const char *service,
                                        const char *address,
                                        gboolean keep,
                                        GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolOperatorForwards, tool_operator_forwards_free)

G_END_DECLS
