/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/common/tool-table.h"
#include "tools/istctl/ctl-agent.h"

G_BEGIN_DECLS

int ctl_agent_list (CtlCall *call,
                    GError **error);
int ctl_agent_stop (CtlCall *call,
                    GError **error);
int ctl_agent_watch (CtlCall *call,
                     GError **error);
int ctl_agent_check (CtlCall *call,
                     GError **error);

/* What list and watch show. */
ToolTable *ctl_agent_make_tunnel_table (GDBusObjectManager *manager);
ToolTable *ctl_agent_make_connection_table (GDBusObjectManager *manager);

/* The word for a state that D-Bus has, and how it looks. */
const char *ctl_agent_describe_state (const char *state,
                                      ToolStyle *style);

G_END_DECLS
