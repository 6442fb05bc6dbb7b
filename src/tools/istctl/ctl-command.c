/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/istctl/ctl-command.h"

#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>

#include "common/ist-text-private.h"
#include "tools/common/tool-log.h"
#include "tools/common/tool-startup.h"

/* So many letters may be wrong for a name to be what was meant. */
#define MAX_DISTANCE 2

/* Bytes of a name that is none. */
#define MAX_SHOWN 64

#define PROGRAM "istctl"

/* Names */

/* How many letters have to be put in, left out or changed. */
static guint
get_distance (const char *a,
              const char *b)
{
  gsize n = strlen (b);
  g_autofree guint *row = g_new (guint, n + 1);

  for (gsize j = 0; j <= n; j++)
    row[j] = j;
  for (gsize i = 1; a[i - 1] != '\0'; i++)
    {
      guint diagonal = row[0];

      row[0] = i;
      for (gsize j = 1; j <= n; j++)
        {
          guint changed = diagonal + (a[i - 1] != b[j - 1]);

          diagonal = row[j];
          row[j] = MIN (changed, MIN (row[j], row[j - 1]) + 1);
        }
    }
  return row[n];
}

/* What may have been meant, or NULL. */
static const CtlCommand *
find_similar (const CtlCommand *commands,
              const char *name)
{
  const CtlCommand *best = NULL;
  guint least = MAX_DISTANCE + 1;

  /* Neither nothing nor something so long is similar to any. */
  if (*name == '\0' || strlen (name) > MAX_SHOWN)
    return NULL;
  for (const CtlCommand *command = commands; command->name != NULL; command++)
    {
      guint distance = g_str_has_prefix (command->name, name) ? 0 : get_distance (name, command->name);

      if (distance < MIN (least, strlen (command->name)))
        {
          best = command;
          least = distance;
        }
    }
  return best;
}

static const CtlCommand *
find_command (const CtlCommand *commands,
              const char *name,
              GError **error)
{
  const CtlCommand *similar;
  g_autofree char *shown = NULL;

  for (const CtlCommand *command = commands; command->name != NULL; command++)
    {
      if (g_str_equal (command->name, name))
        return command;
    }

  similar = find_similar (commands, name);
  shown = ist_text_make_safe (name, -1, MAX_SHOWN);
  if (*name == '-')
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
                 _ ("Unknown option %s: options of a command come after it"), shown);
  else if (similar != NULL)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("There is no command “%s %s”; is it “%s”?"),
                 g_get_prgname (), shown, similar->name);
  else
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("There is no command “%s %s”"),
                 g_get_prgname (), shown);
  return NULL;
}

/* Help */

static void
help_add_commands (GString *help,
                   const CtlCommand *commands,
                   const char *group)
{
  for (const CtlCommand *command = commands; command->name != NULL; command++)
    {
      g_autofree char *name = g_strconcat (group, command->name, NULL);

      if (command->commands != NULL)
        {
          g_autofree char *next = g_strconcat (name, " ", NULL);

          help_add_commands (help, command->commands, next);
        }
      else
        g_string_append_printf (help, "  %-16s %s\n", name, _ (command->summary));
    }
}

static void
print_help (const CtlCommand *commands,
            const char *summary,
            gboolean is_program)
{
  g_autoptr (GString) help = g_string_new (NULL);

  g_string_append_printf (help, _ ("Usage:\n  %s COMMAND [OPTION…]\n\n%s\n\nCommands:\n"), g_get_prgname (), summary);
  help_add_commands (help, commands, "");
  g_string_append_printf (help, _ ("\n“%s COMMAND --help” tells the options of one.\n"), g_get_prgname ());
  if (is_program)
    g_string_append (help, _ ("\nOptions:\n  -h, --help       Show this\n  -V, --version    Show the version\n"));
  g_print ("%s", help->str);
}

/* Running */

static int
run_command (const CtlCommand *command,
             int argc,
             char **argv,
             GError **error)
{
  /* What --help calls it. */
  g_autofree char *name = g_strdup_printf ("%s %s", g_get_prgname (), command->name);
  CtlCall call = { .command = command, .arguments = argv, .n_arguments = argc };

  g_set_prgname (name);
  if (command->commands != NULL)
    return ctl_command_run (command->commands, _ (command->summary), argc, argv, error);
  return command->run (&call, error);
}

int
ctl_command_run (const CtlCommand *commands,
                 const char *summary,
                 int argc,
                 char **argv,
                 GError **error)
{
  gboolean is_program = g_str_equal (g_get_prgname (), PROGRAM);
  const CtlCommand *command;

  if (argc < 2)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("Which command?"));
      return EXIT_FAILURE;
    }
  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h"))
    {
      print_help (commands, summary, is_program);
      return EXIT_SUCCESS;
    }
  if (is_program && (g_str_equal (argv[1], "--version") || g_str_equal (argv[1], "-V")))
    {
      tool_startup_print_version ();
      return EXIT_SUCCESS;
    }
  command = find_command (commands, argv[1], error);
  return command != NULL ? run_command (command, argc - 1, argv + 1, error) : EXIT_FAILURE;
}

static gboolean
on_verbose (const char *name,
            const char *value,
            gpointer user_data,
            GError **error)
{
  static guint level = TOOL_LOG_DEFAULT;

  tool_log_set_level (++level);
  return TRUE;
}

static GOptionContext *
call_make_context (CtlCall *self,
                   const GOptionEntry *entries,
                   const char *details)
{
  const GOptionEntry common[] = {
    { "json", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &self->json, N_ ("Write JSON, for programs"), NULL },
    { "verbose", 'v', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, on_verbose,
      N_ ("Tell what is done; twice for all of it"), NULL },
    { NULL },
  };
  g_autofree char *parameters = self->command->parameters != NULL ? g_strdup (_ (self->command->parameters)) : NULL;
  /* TRANSLATORS: what a command does, as a sentence */
  g_autofree char *summary = g_strdup_printf (_ ("%s."), _ (self->command->summary));
  GOptionContext *context = g_option_context_new (parameters);

  g_option_context_set_summary (context, summary);
  if (details != NULL)
    g_option_context_set_description (context, details);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, common, GETTEXT_PACKAGE);
  return context;
}

gboolean
ctl_call_parse (CtlCall *self,
                const GOptionEntry *entries,
                const char *details,
                guint n_least,
                guint n_most,
                GError **error)
{
  g_autoptr (GOptionContext) context = call_make_context (self, entries, details);
  int argc = self->n_arguments;

  if (!g_option_context_parse (context, &argc, &self->arguments, error))
    return FALSE;
  /* The first one is the command. */
  self->arguments++;
  self->n_arguments = argc - 1;
  if (self->n_arguments > 0 && g_str_equal (self->arguments[0], "--"))
    {
      self->arguments++;
      self->n_arguments--;
    }

  if (self->n_arguments > n_most)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("Unexpected argument “%s”"),
                 self->arguments[n_most]);
  else if (self->n_arguments < n_least)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("Something is missing: %s %s"), g_get_prgname (),
                 self->command->parameters != NULL ? _ (self->command->parameters) : "");
  else
    return TRUE;
  return FALSE;
}
