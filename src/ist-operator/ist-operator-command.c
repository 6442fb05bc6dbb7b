/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-command-private.h"

#include <string.h>

#include "common/ist-secret-private.h"
#include "common/ist-text-private.h"
#include "ist-operator/ist-operator-control-plane-error.h"
#include "ist-operator/ist-operator-wait-private.h"

/* Tokens have some thousand bytes. */
#define MAX_OUTPUT 65536
/* Of what it complains of; the last counts. */
#define MAX_COMPLAINT 500
/* The same, when no byte can be shown as it is. */
#define MAX_SHOWN (6 * MAX_COMPLAINT)

#define CHUNK 4096

typedef struct
{
  GInputStream *stream;
  GByteArray *bytes;
  gsize max;
  gboolean keeps_end; /* of what is too much, instead of failing */
  gboolean is_over;
  gboolean is_too_long;
  guint8 buffer[CHUNK];
} Output;

typedef struct
{
  GSubprocess *process;
  IstOperatorWait *wait;
  Output outputs[2];
  gboolean has_ended;
  GTask *task; /* when all is over */
} Command;

static void read_some (Command *self,
                       Output *output);

static void
command_check (Command *self)
{
  GTask *task;

  if (self->task == NULL || !self->has_ended || !self->outputs[0].is_over || !self->outputs[1].is_over)
    return;
  task = g_steal_pointer (&self->task);
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
output_take (Output *self,
             gsize length)
{
  g_byte_array_append (self->bytes, self->buffer, length);
  if (self->bytes->len <= self->max)
    return;
  if (self->keeps_end)
    g_byte_array_remove_range (self->bytes, 0, self->bytes->len - self->max);
  else
    self->is_too_long = TRUE;
}

static void
on_read (GObject *source,
         GAsyncResult *result,
         gpointer user_data)
{
  Command *self = user_data;
  Output *output = source == G_OBJECT (self->outputs[0].stream) ? &self->outputs[0] : &self->outputs[1];
  gssize length = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  if (length > 0)
    output_take (output, length);
  explicit_bzero (output->buffer, sizeof output->buffer);
  if (output->is_too_long)
    g_cancellable_cancel (ist_operator_wait_get_cancellable (self->wait));
  if (length > 0 && !output->is_too_long)
    {
      read_some (self, output);
      return;
    }
  output->is_over = TRUE;
  command_check (self);
}

static void
read_some (Command *self,
           Output *output)
{
  g_input_stream_read_async (output->stream, output->buffer, sizeof output->buffer, G_PRIORITY_DEFAULT,
                             ist_operator_wait_get_cancellable (self->wait), on_read, self);
}

static void
on_ended (GObject *source,
          GAsyncResult *result,
          gpointer user_data)
{
  Command *self = user_data;

  /* It is waited for again once it is killed, and then without an end. */
  if (!g_subprocess_wait_finish (self->process, result, NULL))
    {
      g_subprocess_force_exit (self->process);
      g_subprocess_wait_async (self->process, NULL, on_ended, self);
      return;
    }
  self->has_ended = TRUE;
  command_check (self);
}

static void
command_init_output (Output *output,
                     GInputStream *stream,
                     gsize max,
                     gboolean keeps_end)
{
  output->stream = stream;
  output->bytes = g_byte_array_new ();
  output->max = max;
  output->keeps_end = keeps_end;
}

static void
command_run (Command *self)
{
  g_autoptr (GAsyncResult) result = NULL;
  GCancellable *cancellable = ist_operator_wait_get_cancellable (self->wait);

  self->task = g_task_new (NULL, NULL, ist_operator_wait_on_ready, self->wait);
  command_init_output (&self->outputs[0], g_subprocess_get_stdout_pipe (self->process), MAX_OUTPUT, FALSE);
  command_init_output (&self->outputs[1], g_subprocess_get_stderr_pipe (self->process), MAX_COMPLAINT, TRUE);
  g_subprocess_wait_async (self->process, cancellable, on_ended, self);
  read_some (self, &self->outputs[0]);
  read_some (self, &self->outputs[1]);
  result = ist_operator_wait_for_result (self->wait);
}

static void
command_clear (Command *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->outputs); i++)
    {
      GByteArray *bytes = self->outputs[i].bytes;

      if (bytes->len > 0)
        explicit_bzero (bytes->data, bytes->len);
      g_byte_array_unref (bytes);
    }
}

static gboolean G_GNUC_PRINTF (2, 3)
  fail (GError **error,
        const char *format,
        ...)
{
  va_list args;

  va_start (args, format);
  *error = g_error_new_valist (IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS,
                               format, args);
  va_end (args);
  return FALSE;
}

static char *
output_dup_text (const Output *self)
{
  return self->bytes->len > 0 ? g_strndup ((const char *) self->bytes->data, self->bytes->len) : g_strdup ("");
}

/* What it has said last, for who has to mend it. */
static gboolean
fail_with_words (const Command *self,
                 const char *name,
                 const char *what,
                 GError **error)
{
  g_autofree char *words = g_strstrip (output_dup_text (&self->outputs[1]));
  g_autofree char *shown = ist_text_make_safe (words, -1, MAX_SHOWN);

  if (*shown == '\0')
    return fail (error, "%s %s, and has not said why", name, what);
  return fail (error, "%s %s: %s", name, what, shown);
}

static gboolean
command_check_success (const Command *self,
                       const char *name,
                       guint seconds,
                       GCancellable *cancellable,
                       GError **error)
{
  const GByteArray *bytes = self->outputs[0].bytes;
  g_autofree char *what = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (self->outputs[0].is_too_long)
    return fail (error, "%s writes more than credentials have", name);
  if (ist_operator_wait_has_timed_out (self->wait))
    {
      what = g_strdup_printf ("has not ended within %u s", seconds);
      return fail_with_words (self, name, what, error);
    }
  if (g_subprocess_get_if_signaled (self->process))
    what = g_strdup_printf ("was ended by signal %d", g_subprocess_get_term_sig (self->process));
  else if (g_subprocess_get_exit_status (self->process) != 0)
    what = g_strdup_printf ("failed with exit code %d", g_subprocess_get_exit_status (self->process));
  if (what != NULL)
    return fail_with_words (self, name, what, error);
  if (bytes->len > 0 && memchr (bytes->data, '\0', bytes->len) != NULL)
    return fail (error, "%s writes something else than text", name);
  return TRUE;
}

static GSubprocess *
spawn (const char *const *argv,
       const char *const *environment,
       const char *name,
       gboolean *not_found,
       GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GError) local = NULL;
  GSubprocess *process;

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE |
                                        G_SUBPROCESS_FLAGS_SEARCH_PATH_FROM_ENVP);
  g_subprocess_launcher_set_environ (launcher, (char **) environment);
  process = g_subprocess_launcher_spawnv (launcher, argv, &local);
  *not_found = g_error_matches (local, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
  if (process == NULL)
    fail (error, "%s could not be started: %s", name, local->message);
  return process;
}

char *
ist_operator_run_command (const char *const *argv,
                          const char *const *environment,
                          const char *name,
                          guint seconds,
                          GCancellable *cancellable,
                          gboolean *not_found,
                          GError **error)
{
  g_autoptr (GSubprocess) process = spawn (argv, environment, name, not_found, error);
  g_autoptr (IstOperatorWait) wait = NULL;
  Command command = { process };
  char *text = NULL;

  if (process == NULL)
    return NULL;
  command.wait = wait = ist_operator_wait_new (cancellable, seconds * 1000);
  command_run (&command);
  if (command_check_success (&command, name, seconds, cancellable, error))
    text = output_dup_text (&command.outputs[0]);
  command_clear (&command);
  return text;
}
