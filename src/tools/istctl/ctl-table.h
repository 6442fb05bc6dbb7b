/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/common/tool-table.h"

G_BEGIN_DECLS

/* Cells that tables of tunnels and of connections have, whoever's they are. */

/* Takes the text, which may be NULL. */
void ctl_table_take (ToolTable *table,
                     char *text);
void ctl_table_add_number (ToolTable *table,
                           guint64 number);
/* Four cells: what a tunnel or a connection has received, at which rate, and has sent. */
void ctl_table_add_counters (ToolTable *table,
                             gpointer proxy);

G_END_DECLS
