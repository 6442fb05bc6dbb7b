/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator.h>

#include "tools/common/tool-operator-settings.h"

G_BEGIN_DECLS

/* Tunnels of this process, which nobody shares. What it opens it closes: signals do
 * not end the program before that, unless they come twice. */
typedef struct _ToolOperatorOwn ToolOperatorOwn;

ToolOperatorOwn *tool_operator_own_new (const ToolOperatorSettings *settings,
                                        GError **error);
/* Closes the tunnels, if nobody has. */
void tool_operator_own_free (ToolOperatorOwn *self);

/* Connects, and carries @stdio to the end of the connection. */
gboolean tool_operator_own_carry (ToolOperatorOwn *self,
                                  const char *thing,
                                  const char *service,
                                  GIOStream *stdio,
                                  GError **error);
IstOperatorTunnel *tool_operator_own_open (ToolOperatorOwn *self,
                                           const char *thing,
                                           const char *const *services,
                                           GError **error);
IstOperatorClient *tool_operator_own_get_client (ToolOperatorOwn *self);

/* Until a signal comes. */
void tool_operator_own_wait (ToolOperatorOwn *self);

/* The one that has come, or 0. */
int tool_operator_own_get_signal (ToolOperatorOwn *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolOperatorOwn, tool_operator_own_free)

G_END_DECLS
