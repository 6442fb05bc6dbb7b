/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Writes to a descriptor without ever waiting for whoever reads it, be it a
 * pipe that is full, a terminal that was stopped or a socket. Of the open file
 * itself, which other programs may share, nothing is changed. */
typedef struct _ToolOutput ToolOutput;

/* Called in the default main context when nothing waits any more. */
typedef void (*ToolOutputDrained) (gpointer user_data);

ToolOutput *tool_output_new (int fd,
                             ToolOutputDrained drained,
                             gpointer user_data);
void tool_output_free (ToolOutput *self);

/* Takes all of @text or nothing. What can't be written now waits, and as long
 * as it does no other text is taken: FALSE, with EAGAIN in errno. With another
 * error there, it could not be written at all. From any thread. */
gboolean tool_output_write (ToolOutput *self,
                            const char *text,
                            gsize length);

/* Gives what waits so many milliseconds to be written. */
void tool_output_flush (ToolOutput *self,
                        guint milliseconds);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolOutput, tool_output_free)

G_END_DECLS
