/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Runs a program that tells something, in a thread with a context of its own, and returns
 * what it writes to its standard output. @environment: its own; @argv[0] is looked up in the
 * PATH of that. It may ask at a terminal, but its standard input is empty.
 *
 * %IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS if it can't be run, fails, writes too
 * much, or does not end in time; then it is killed. *@not_found: it isn't there. @name: what
 * errors call it. */
char *ist_operator_run_command (const char *const *argv,
                                const char *const *environment,
                                const char *name,
                                guint seconds,
                                GCancellable *cancellable,
                                gboolean *not_found,
                                GError **error);

G_END_DECLS
