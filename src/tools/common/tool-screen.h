/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/common/tool-output.h"
#include "tools/common/tool-table.h"

G_BEGIN_DECLS

/* The whole terminal that standard output is, drawn anew every second and when
 * its size changes. It is as it was before when the screen is freed, and while Ctrl-Z
 * suspends the program. There can be one at a time. */
typedef struct _ToolScreen ToolScreen;

/* Adds what is to be seen, from the top. */
typedef void (*ToolScreenDraw) (ToolScreen *screen,
                                gpointer user_data);

ToolScreen *tool_screen_new (ToolOutput *output,
                             ToolScreenDraw draw,
                             gpointer user_data);
void tool_screen_free (ToolScreen *self);

guint tool_screen_get_n_lines (ToolScreen *self);

/* What does not go onto the line is cut, what does not go onto the screen is left
 * out, and other people's text is made harmless. */
void tool_screen_add (ToolScreen *self,
                      ToolStyle style,
                      const char *format,
                      ...) G_GNUC_PRINTF (3, 4);
void tool_screen_add_empty (ToolScreen *self);

/* With a line that says how many rows are left out, if there are more than
 * @n_lines lines in all. */
void tool_screen_add_table (ToolScreen *self,
                            ToolTable *table,
                            guint n_lines);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolScreen, tool_screen_free)

G_END_DECLS
