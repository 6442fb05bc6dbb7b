/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How a program of ours begins. */

/* Before anything else: the user's language, and a log, see tool_log_init().
 *
 * The numbers of standard input, output and error are taken if they were closed,
 * so that no socket can get one of them and, with it, what is meant for a
 * terminal. Reading from one of these or writing to it fails as before, and so
 * does writing to whoever has gone: it ends nothing by a signal. */
void tool_startup_init (const char *name,
                        const char *log_prefix);

/* Takes @entries and --help and --version, which end the program, from the
 * command line. There must be nothing else in it, but what may follow “--” for
 * @command: that, or NULL; borrowed. */
gboolean tool_startup_parse_options (const char *summary,
                                     const GOptionEntry *entries,
                                     char ***command,
                                     int *argc,
                                     char ***argv,
                                     GError **error);

/* Where in @argv a command follows: the “--”, or the end. */
int tool_startup_find_command (int argc,
                               char **argv);

void tool_startup_print_version (void);

/* Logs what ends the program; where the command line is at fault, by
 * @exit_status, with where to look. Returns @exit_status. */
int tool_startup_fail (const GError *error,
                       int exit_status);

G_END_DECLS
