/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A terminal, and what text takes up there. */

/* How text looks. */
typedef enum
{
  TOOL_STYLE_PLAIN,
  TOOL_STYLE_TITLE,
  TOOL_STYLE_GOOD,
  TOOL_STYLE_WARNING,
  TOOL_STYLE_BAD,
  TOOL_STYLE_FAINT,
} ToolStyle;

/* The size of the terminal at @fd, or a common one if it tells none. */
void tool_terminal_get_size (int fd,
                             guint *columns,
                             guint *lines);

/* Whether @fd is a terminal that may get styles: see https://no-color.org. */
gboolean tool_terminal_is_styled (int fd);

/* How many cells of a terminal @text takes. It has to be harmless: see
 * ist_text_make_safe(). */
guint tool_text_get_width (const char *text);

/* @text, with an ellipsis for what does not go into @width cells. */
char *tool_text_fit (const char *text,
                     guint width);

void tool_style_append (GString *out,
                        ToolStyle style,
                        const char *text);

G_END_DECLS
