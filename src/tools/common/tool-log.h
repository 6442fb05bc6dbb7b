/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define TOOL_LOG_QUIET 3
#define TOOL_LOG_DEFAULT 4
#define TOOL_LOG_MAX 255

/* Takes one line, without its end. */
typedef void (*ToolLogSink) (const char *line,
                              gpointer user_data);

/* Everything that GLib logs or prints as an error goes to standard error, or to
 * the journal if that is where it leads, as far as the level lets it: 0 nothing,
 * 1 what ends the program, 2 errors, 3 warnings, 4 messages, 5 information, 6
 * all. Lines begin with @prefix, or with the time if it is NULL.
 *
 * Nobody ever waits for whoever reads them: lines that there is no room for are
 * dropped, and how many were is told once there is. */
void tool_log_init (const char *prefix);
void tool_log_set_level (guint level);

/* Lines go to @sink instead, until it is NULL. */
void tool_log_set_sink (ToolLogSink sink,
                        gpointer user_data);

/* What ends the program. */
void tool_log_fatal (const char *format,
                     ...) G_GNUC_PRINTF (1, 2);

/* For a person to read or copy, several lines as they are: nothing of it may be
 * somebody else's. */
void tool_log_text (const char *text);

G_END_DECLS
