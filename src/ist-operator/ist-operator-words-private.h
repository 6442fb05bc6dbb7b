/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The words of a command or of a section's name, quoted as the AWS tools take it, which is
 * Python's shlex.split(): unlike a shell, and g_shell_parse_argv(), it knows no comments,
 * and in double quotes a backslash escapes itself and a double quote only.
 *
 * NULL if a quote is not closed, or if nothing follows a backslash. */
char **ist_operator_split_words (const char *text);

G_END_DECLS
