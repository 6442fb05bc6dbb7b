/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "tools/common/tool-table.h"

G_BEGIN_DECLS

/* What an operator has open, as tables. */

ToolTable *ctl_list_make_tunnel_table (GDBusObjectManager *manager);
ToolTable *ctl_list_make_forward_table (GDBusObjectManager *manager);

/* A state of a tunnel or a connection, in the user's language. */
const char *ctl_list_describe_state (const char *state,
                                     ToolStyle *style);

G_END_DECLS
