/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The commands of istctl, and how one is found and run. */

typedef struct _CtlCommand CtlCommand;
typedef struct _CtlCall CtlCall;

/* The program's exit status. If @error is set, that says what it is instead. */
typedef int (*CtlRun) (CtlCall *call,
                       GError **error);

/* A command, or a group of commands, which has no @run. */
struct _CtlCommand
{
  const char *name;
  const char *parameters; /* after the options, for --help; or NULL */
  const char *summary;    /* a line, without a full stop */
  CtlRun run;
  const CtlCommand *commands; /* up to one without a name */
};

/* One use of a command. */
struct _CtlCall
{
  const CtlCommand *command;
  char **arguments; /* what is left after the options */
  guint n_arguments;
  gboolean json; /* --json was given */
};

/* Finds the command of @argv, and runs it; the program ends then. */
int ctl_command_run (const CtlCommand *commands,
                     const char *summary,
                     int argc,
                     char **argv,
                     GError **error);

/* The first thing that a command does: takes @entries, --json, --verbose and
 * --help, which ends the program, from its arguments. There must be so many left
 * then. @details: for --help, or NULL. */
gboolean ctl_call_parse (CtlCall *self,
                         const GOptionEntry *entries,
                         const char *details,
                         guint n_least,
                         guint n_most,
                         GError **error);

G_END_DECLS
