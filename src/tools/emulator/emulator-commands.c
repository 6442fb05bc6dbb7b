/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/emulator/emulator-commands.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include "common/ist-source-private.h"
#include "common/ist-text-private.h"

#define MAX_LINE 4096
#define MAX_QUOTED 100

struct _EmulatorCommands
{
  IstEmulatorService *service;
  ToolOutput *output;
  GSource *readable; /* NULL once there is nothing more to read */
  GString *line;     /* as far as it has come */
  gboolean too_long; /* what is left of the line is dropped */
};

static const char *const operations[] = {
  "OpenTunnel",
  "DescribeTunnel",
  "ListTunnels",
  "CloseTunnel",
  "RotateTunnelAccessToken",
  "TagResource",
  "UntagResource",
  "ListTagsForResource",
  "ListThings",
};

const char *const emulator_upset_verbs[] = { "fail", "lose", "delay", NULL };

/* What [OPERATION=]WHAT[:COUNT] asks for. */
typedef struct
{
  char *operation; /* NULL for any */
  char *what;      /* NULL for "none" */
  guint64 count;
} Request;

static void
request_clear (Request *self)
{
  g_free (self->operation);
  g_free (self->what);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Request, request_clear)

static gboolean
request_parse (Request *self,
               const char *text,
               GError **error)
{
  const char *equals = strchr (text, '=');
  const char *what = equals != NULL ? equals + 1 : text;
  const char *colon = strchr (what, ':');

  self->operation = equals != NULL ? g_strndup (text, equals - text) : NULL;
  self->what = colon != NULL ? g_strndup (what, colon - what) : g_strdup (what);
  self->count = G_MAXUINT;
  if (strcmp (self->what, "none") == 0)
    g_clear_pointer (&self->what, g_free);
  return colon == NULL || g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT - 1, &self->count, error);
}

static gboolean
delay_answers (IstEmulatorService *service,
               const Request *request,
               GError **error)
{
  guint64 milliseconds = 0;

  return (request->what == NULL ||
          g_ascii_string_to_unsigned (request->what, 10, 1, G_MAXUINT, &milliseconds, error)) &&
         ist_emulator_service_delay_answers (service, request->operation, milliseconds, request->count, error);
}

gboolean
emulator_upset (IstEmulatorService *service,
                const char *verb,
                const char *text,
                GError **error)
{
  g_auto (Request) request = { NULL };

  if (!request_parse (&request, text, error))
    return FALSE;
  if (strcmp (verb, "fail") == 0)
    return ist_emulator_service_fail_operations (service, request.operation, request.what, request.count, error);
  if (strcmp (verb, "lose") == 0)
    return ist_emulator_service_lose_answers (service, request.operation, request.what, request.count, error);
  return delay_answers (service, &request, error);
}

static void
commands_count_calls (EmulatorCommands *self,
                      JsonBuilder *answer)
{
  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      json_builder_set_member_name (answer, operations[i]);
      json_builder_add_int_value (answer, ist_emulator_service_count_operations (self->service, operations[i]));
    }
}

static gboolean
commands_run (EmulatorCommands *self,
              const char *line,
              JsonBuilder *answer,
              GError **error)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 2);
  const char *name = words[0] != NULL ? words[0] : "";
  const char *argument = words[0] != NULL ? words[1] : NULL;
  g_autofree char *quoted = NULL;

  if (g_strv_contains (emulator_upset_verbs, name) && argument != NULL)
    return emulator_upset (self->service, name, argument, error);
  if (strcmp (name, "calls") == 0 && argument == NULL)
    {
      commands_count_calls (self, answer);
      return TRUE;
    }

  quoted = ist_text_make_safe (line, -1, MAX_QUOTED);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("“%s” is no command; there are “fail [OPERATION=]ERROR[:COUNT]”, “lose [OPERATION=]ERROR[:COUNT]”, "
                  "“delay [OPERATION=]MILLISECONDS[:COUNT]” and “calls”"),
               quoted);
  return FALSE;
}

static void
commands_answer (EmulatorCommands *self,
                 const char *line,
                 gboolean too_long)
{
  g_autoptr (JsonBuilder) answer = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *json = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (answer);
  if (too_long)
    g_set_error (&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("A command has at most %d bytes"), MAX_LINE);
  else
    commands_run (self, line, answer, &error);
  if (error != NULL)
    {
      g_autofree char *message = ist_text_make_safe (error->message, -1, MAX_LINE);

      json_builder_set_member_name (answer, "error");
      json_builder_add_string_value (answer, message);
    }
  json_builder_end_object (answer);

  root = json_builder_get_root (answer);
  json = json_to_string (root, FALSE);
  text = g_strconcat (json, "\n", NULL);
  if (!tool_output_write (self->output, text, strlen (text)))
    g_message (_ ("could not answer a command: %s"), g_strerror (errno));
}

static void
commands_end_line (EmulatorCommands *self)
{
  g_autofree char *line = g_strndup (self->line->str, strcspn (self->line->str, "\r"));
  gboolean too_long = self->too_long;

  g_string_truncate (self->line, 0);
  self->too_long = FALSE;
  if (too_long || *line != '\0')
    commands_answer (self, line, too_long);
}

static void
commands_take (EmulatorCommands *self,
               const char *data,
               gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      if (data[i] == '\n')
        commands_end_line (self);
      else if (self->line->len < MAX_LINE)
        g_string_append_c (self->line, data[i]);
      else
        self->too_long = TRUE;
    }
}

/* One read of what can be read does not wait, whoever else has the file open. */
static gboolean
on_readable (int fd,
             GIOCondition condition,
             gpointer user_data)
{
  EmulatorCommands *self = user_data;
  char data[1024];
  gssize n = read (fd, data, sizeof data);

  if (n > 0)
    commands_take (self, data, n);
  else if (n == 0 || (errno != EAGAIN && errno != EINTR))
    ist_clear_source (&self->readable);
  return self->readable != NULL ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

EmulatorCommands *
emulator_commands_new (IstEmulatorService *service,
                       int fd,
                       ToolOutput *output)
{
  EmulatorCommands *self = g_new0 (EmulatorCommands, 1);

  self->service = g_object_ref (service);
  self->output = output;
  self->line = g_string_new (NULL);
  self->readable = g_unix_fd_source_new (fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_source_set_callback (self->readable, G_SOURCE_FUNC (on_readable), self, NULL);
  g_source_attach (self->readable, NULL);
  return self;
}

void
emulator_commands_free (EmulatorCommands *self)
{
  ist_clear_source (&self->readable);
  g_string_free (self->line, TRUE);
  g_object_unref (self->service);
  g_free (self);
}
