/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-command.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-signals.h"

/* As shells have it. */
#define EXIT_NOT_STARTED 126
#define EXIT_NOT_FOUND 127

struct _ToolCommand
{
  GPid pid;
  guint watch;
  guint n_requests; /* to end it */
  ToolCommandEnd end;
  gpointer user_data;
};

gboolean
tool_command_check (const char *program,
                    GError **error)
{
  g_autofree char *path = g_find_program_in_path (program);

  if (path == NULL)
    g_set_error (error, TOOL_ERROR, EXIT_NOT_FOUND, _ ("There is no program “%s”"), program);
  return path != NULL;
}

static void
on_child_exit (GPid pid,
               int status,
               gpointer user_data)
{
  ToolCommand *self = user_data;

  self->watch = 0;
  g_spawn_close_pid (pid);
  self->end (WIFEXITED (status) ? WEXITSTATUS (status) : TOOL_SIGNAL_EXIT_STATUS + WTERMSIG (status), self->user_data);
}

ToolCommand *
tool_command_start (const char *const *command,
                    char **environment,
                    ToolCommandEnd end,
                    gpointer user_data,
                    GError **error)
{
  g_autoptr (GError) local = NULL;
  ToolCommand *self;
  GPid pid;

  if (!g_spawn_async (NULL, (char **) command, environment,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL,
                      &pid, &local))
    {
      g_set_error_literal (error, TOOL_ERROR,
                           g_error_matches (local, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT) ? EXIT_NOT_FOUND
                                                                                       : EXIT_NOT_STARTED,
                           local->message);
      return NULL;
    }
  self = g_new0 (ToolCommand, 1);
  self->pid = pid;
  self->end = end;
  self->user_data = user_data;
  self->watch = g_child_watch_add (pid, on_child_exit, self);
  return self;
}

void
tool_command_free (ToolCommand *self)
{
  if (self->watch != 0)
    g_source_remove (self->watch);
  g_free (self);
}

void
tool_command_send_signal (ToolCommand *self,
                          int number)
{
  /* Once it is reaped, the number is another one's. */
  if (self->watch != 0)
    kill (self->pid, number);
}

/* Ctrl-C goes to all of the terminal's foreground. */
static gboolean
is_foreground (void)
{
  int fd = open ("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  gboolean result;

  if (fd == -1)
    return FALSE;
  result = tcgetpgrp (fd) == getpgrp ();
  close (fd);
  return result;
}

void
tool_command_pass_on (ToolCommand *self,
                      int number)
{
  if (number == SIGINT && is_foreground ())
    return;
  if (number != SIGINT && self->n_requests++ > 0)
    number = SIGKILL;
  tool_command_send_signal (self, number);
}
