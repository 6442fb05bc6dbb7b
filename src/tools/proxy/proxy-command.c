/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-command.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-signals.h"
#include "tools/proxy/proxy-bindings.h"

/* As shells have it. */
#define EXIT_NOT_STARTED 126
#define EXIT_NOT_FOUND 127

struct _ProxyCommand
{
  GPid pid;
  guint watch;
  guint n_requests; /* to end it */
  ProxyCommandEnd end;
  gpointer user_data;
};

/* Ports */

typedef struct
{
  const char *const *services;
  GPtrArray *bindings;
  GError *error;
} Expansion;

static guint
expansion_find_port (Expansion *self,
                     const char *service)
{
  for (guint i = 0; i < self->bindings->len; i++)
    {
      const ProxyBinding *binding = g_ptr_array_index (self->bindings, i);

      if (binding->port != 0 && (binding->service == NULL || g_str_equal (binding->service, service)))
        return binding->port;
    }
  return 0;
}

static gboolean
replace (const GMatchInfo *match,
         GString *result,
         gpointer user_data)
{
  Expansion *self = user_data;
  g_autofree char *named = g_match_info_fetch (match, 1);
  const char *service = named != NULL && *named != '\0' ? named : self->services[0];
  guint port;

  if (!g_strv_contains (self->services, service))
    {
      g_set_error (&self->error, TOOL_ERROR, EX_USAGE,
                   _ ("{port:%s} in the command is of no --service of the tunnel"), service);
      return TRUE;
    }
  if (self->bindings == NULL)
    return FALSE;
  port = expansion_find_port (self, service);
  if (port == 0)
    {
      g_set_error (&self->error, TOOL_ERROR, EX_USAGE,
                   _ ("The command wants the port of “%s”, which has none: it is not listened for, or on a "
                      "Unix socket"),
                   service);
      return TRUE;
    }
  g_string_append_printf (result, "%u", port);
  return FALSE;
}

char **
proxy_command_expand (const char *const *command,
                      const char *const *services,
                      GPtrArray *bindings,
                      GError **error)
{
  g_autoptr (GRegex) regex = g_regex_new ("\\{port(?::([^{}]+))?\\}", G_REGEX_RAW, 0, NULL);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  Expansion expansion = { .services = services, .bindings = bindings };

  for (gsize i = 0; command[i] != NULL; i++)
    {
      g_autofree char *argument = g_regex_replace_eval (regex, command[i], -1, 0, 0, replace, &expansion, NULL);

      if (expansion.error != NULL)
        {
          g_propagate_error (error, expansion.error);
          return NULL;
        }
      g_strv_builder_add (builder, bindings != NULL ? argument : command[i]);
    }
  return g_strv_builder_end (builder);
}

/* The process */

gboolean
proxy_command_check (const char *program,
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
  ProxyCommand *self = user_data;

  self->watch = 0;
  g_spawn_close_pid (pid);
  self->end (WIFEXITED (status) ? WEXITSTATUS (status) : TOOL_SIGNAL_EXIT_STATUS + WTERMSIG (status), self->user_data);
}

ProxyCommand *
proxy_command_start (const char *const *command,
                     ProxyCommandEnd end,
                     gpointer user_data,
                     GError **error)
{
  g_autoptr (GError) local = NULL;
  ProxyCommand *self;
  GPid pid;

  if (!g_spawn_async (NULL, (char **) command, NULL,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL,
                      &pid, &local))
    {
      g_set_error_literal (error, TOOL_ERROR,
                           g_error_matches (local, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT) ? EXIT_NOT_FOUND
                                                                                       : EXIT_NOT_STARTED,
                           local->message);
      return NULL;
    }
  self = g_new0 (ProxyCommand, 1);
  self->pid = pid;
  self->end = end;
  self->user_data = user_data;
  self->watch = g_child_watch_add (pid, on_child_exit, self);
  return self;
}

void
proxy_command_free (ProxyCommand *self)
{
  if (self->watch != 0)
    g_source_remove (self->watch);
  g_free (self);
}

void
proxy_command_send_signal (ProxyCommand *self,
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
proxy_command_pass_on (ProxyCommand *self,
                       int number)
{
  if (number == SIGINT && is_foreground ())
    return;
  if (number != SIGINT && self->n_requests++ > 0)
    number = SIGKILL;
  proxy_command_send_signal (self, number);
}
