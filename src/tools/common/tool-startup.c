/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-startup.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <ist/ist.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/common/tool-log.h"

static void
take_closed_descriptors (void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    {
      if (fcntl (fd, F_GETFD) != -1 || errno != EBADF)
        continue;
      /* The lowest free number is this one, as those below are taken. */
      if (open ("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
        _exit (EX_OSERR);
    }
}

void
tool_startup_init (const char *name,
                   const char *log_prefix)
{
  take_closed_descriptors ();
  signal (SIGPIPE, SIG_IGN);
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_prgname (name);
  tool_log_init (log_prefix);
}

int
tool_startup_fail (const GError *error,
                   int exit_status)
{
  tool_log_fatal ("%s", error->message);
  if (exit_status == EX_USAGE)
    g_message (_ ("Try “%s --help”"), g_get_prgname ());
  return exit_status;
}

void
tool_startup_print_version (void)
{
  g_print ("%s %s\n", g_get_prgname (), IST_VERSION_S);
}

/* As GLib does for --help. */
static gboolean
on_version (const char *name,
            const char *value,
            gpointer user_data,
            GError **error)
{
  tool_startup_print_version ();
  exit (EXIT_SUCCESS);
}

int
tool_startup_find_command (int argc,
                           char **argv)
{
  int i = 1;

  while (i < argc && strcmp (argv[i], "--") != 0)
    i++;
  return i;
}

/* Its arguments are no options of ours. */
static void
take_command (char ***command,
              int *argc,
              char **argv)
{
  int i = tool_startup_find_command (*argc, argv);

  *command = i + 1 < *argc ? argv + i + 1 : NULL;
  *argc = i;
}

gboolean
tool_startup_parse_options (const char *summary,
                            const GOptionEntry *entries,
                            char ***command,
                            int *argc,
                            char ***argv,
                            GError **error)
{
  const GOptionEntry common[] = {
    { "version", 'V', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, on_version, N_ ("Show the version"), NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = NULL;

  if (command != NULL)
    take_command (command, argc, *argv);
  context = g_option_context_new (command != NULL ? _ ("[-- COMMAND [ARGUMENT…]]") : NULL);
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, common, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc == 1)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("Unexpected argument “%s”"), (*argv)[1]);
  return FALSE;
}
