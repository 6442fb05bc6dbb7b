/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/common/tool-terminal.h"

G_BEGIN_DECLS

typedef struct
{
  const char *title; /* to be translated */
  /* When the table is too wide for the terminal, the column with the highest one
   * is left out, then the next. The one with 0 always stays. */
  guint priority;
  /* As figures stand. */
  gboolean to_right;
  /* Before any is left out, this one is made that narrow, if it is not 0. */
  guint least_width;
} ToolColumn;

/* Text in columns, of other people's text: it is made harmless. */
typedef struct _ToolTable ToolTable;

/* @columns: must live as long as the table. */
ToolTable *tool_table_new (const ToolColumn *columns,
                           guint n_columns);
void tool_table_free (ToolTable *self);

/* The next cell of a row, or the first one of the next row. NULL is a dash. */
void tool_table_add (ToolTable *self,
                     ToolStyle style,
                     const char *text);
void tool_table_take (ToolTable *self,
                      ToolStyle style,
                      char *text);

guint tool_table_get_n_rows (ToolTable *self);

/* The title and the rows, a text each, without an end of line.
 * @width: of the terminal in cells, 0 for as much as it takes. */
GPtrArray *tool_table_format (ToolTable *self,
                              guint width,
                              gboolean styled);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolTable, tool_table_free)

G_END_DECLS
