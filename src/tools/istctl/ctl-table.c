/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/istctl/ctl-table.h"

#include <glib-object.h>

#include "tools/common/tool-units.h"

void
ctl_table_take (ToolTable *table,
                char *text)
{
  tool_table_take (table, TOOL_STYLE_PLAIN, text);
}

void
ctl_table_add_number (ToolTable *table,
                      guint64 number)
{
  ctl_table_take (table, g_strdup_printf ("%" G_GUINT64_FORMAT, number));
}

void
ctl_table_add_counters (ToolTable *table,
                        gpointer proxy)
{
  guint64 bytes_in;
  guint64 bytes_out;
  double rate_in;
  double rate_out;

  g_object_get (proxy, "bytes-in", &bytes_in, "bytes-out", &bytes_out, "rate-in", &rate_in, "rate-out", &rate_out,
                NULL);
  ctl_table_take (table, tool_format_bytes (bytes_in));
  ctl_table_take (table, tool_format_rate (rate_in));
  ctl_table_take (table, tool_format_bytes (bytes_out));
  ctl_table_take (table, tool_format_rate (rate_out));
}
