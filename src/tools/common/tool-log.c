/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-log.h"

#include <glib/gi18n.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "common/ist-text-private.h"
#include "tools/common/tool-output.h"

/* A pipe takes so much at once or nothing, so that the lines of all programs
 * that write to it stay whole. */
#define MAX_LINE (PIPE_BUF - 1)

/* What ends the program is worth waiting for a little, in milliseconds. */
#define PATIENCE 200

static struct
{
  guint level;
  const char *prefix;
  gboolean to_journal;
  ToolOutput *output;
  guint n_dropped;
  GMutex mutex; /* of what follows, and of the order of lines */
  ToolLogSink sink;
  gpointer sink_data;
} state = { .level = TOOL_LOG_DEFAULT };

static guint
get_level (GLogLevelFlags flags)
{
  if (flags & G_LOG_LEVEL_ERROR)
    return 1;
  if (flags & G_LOG_LEVEL_CRITICAL)
    return 2;
  if (flags & G_LOG_LEVEL_WARNING)
    return 3;
  if (flags & G_LOG_LEVEL_MESSAGE)
    return 4;
  if (flags & G_LOG_LEVEL_INFO)
    return 5;
  return 6;
}

static const char *
get_word (guint level)
{
  switch (level)
    {
    case 1:
    case 2:
      return _ ("error: ");
    case 3:
      return _ ("warning: ");
    default:
      return "";
    }
}

/* The journal takes the level from the beginning of a line, see sd-daemon(3). */
static const char *
get_journal_word (guint level)
{
  static const char *const words[] = { "<3>", "<3>", "<4>", "<4>", "<5>", "<6>", "<7>" };

  return words[level];
}

static char *
get_message (const GLogField *fields,
             gsize n_fields)
{
  for (gsize i = 0; i < n_fields; i++)
    {
      if (strcmp (fields[i].key, "MESSAGE") != 0)
        continue;
      if (fields[i].length < 0)
        return g_strdup (fields[i].value);
      return g_strndup (fields[i].value, fields[i].length);
    }
  return g_strdup ("");
}

static char *
make_beginning (guint level)
{
  g_autoptr (GDateTime) now = NULL;
  g_autofree char *time = NULL;

  if (state.to_journal && state.sink == NULL)
    return g_strdup (get_journal_word (level));
  if (state.prefix != NULL)
    return g_strconcat (state.prefix, get_word (level), NULL);
  now = g_date_time_new_now_local ();
  time = g_date_time_format (now, "%F %T");
  return g_strdup_printf ("%s.%03d %s", time, g_date_time_get_microsecond (now) / 1000, get_word (level));
}

/* Others may have written what is in @message. */
static char *
make_line (guint level,
           const char *message)
{
  g_autofree char *beginning = make_beginning (level);
  g_autofree char *safe = ist_text_make_safe (message, -1, MAX_LINE - strlen (beginning));

  return g_strconcat (beginning, safe, NULL);
}

/* The mutex is held. */
static gboolean
put (const char *line)
{
  g_autofree char *text = g_strconcat (line, "\n", NULL);

  return tool_output_write (state.output, text, strlen (text));
}

/* The mutex is held. */
static void
tell_of_dropped (void)
{
  g_autofree char *message = NULL;
  g_autofree char *line = NULL;

  if (state.n_dropped == 0)
    return;
  message = g_strdup_printf (ngettext ("%u line was dropped here: nobody has read this log",
                                       "%u lines were dropped here: nobody has read this log",
                                       state.n_dropped),
                             state.n_dropped);
  line = make_line (3, message);
  if (put (line))
    state.n_dropped = 0;
}

static void
on_drained (gpointer user_data)
{
  g_mutex_lock (&state.mutex);
  tell_of_dropped ();
  g_mutex_unlock (&state.mutex);
}

static void
write_message (guint level,
               const char *message)
{
  g_autofree char *line = NULL;

  if (level > state.level)
    return;
  g_mutex_lock (&state.mutex);
  line = make_line (level, message);
  if (state.sink != NULL)
    {
      state.sink (line, state.sink_data);
    }
  else
    {
      tell_of_dropped ();
      if (!put (line))
        state.n_dropped++;
    }
  g_mutex_unlock (&state.mutex);
}

static GLogWriterOutput
on_log (GLogLevelFlags flags,
        const GLogField *fields,
        gsize n_fields,
        gpointer user_data)
{
  guint level = get_level (flags);
  g_autofree char *message = NULL;

  if (level > state.level)
    return G_LOG_WRITER_HANDLED;
  message = get_message (fields, n_fields);
  write_message (level, message);
  /* GLib ends the program now. */
  if (flags & G_LOG_FLAG_FATAL)
    tool_output_flush (state.output, PATIENCE);
  return G_LOG_WRITER_HANDLED;
}

/* What GLib says before it gives up, for one. */
static void
on_printerr (const char *text)
{
  g_autofree char *line = g_strdup (text);

  write_message (2, g_strchomp (line));
}

void
tool_log_init (const char *prefix)
{
  state.prefix = prefix;
  state.to_journal = g_log_writer_is_journald (STDERR_FILENO);
  state.output = tool_output_new (STDERR_FILENO, on_drained, NULL);
  g_log_set_writer_func (on_log, NULL, NULL);
  g_set_printerr_handler (on_printerr);
}

void
tool_log_set_level (guint level)
{
  state.level = level;
}

void
tool_log_set_sink (ToolLogSink sink,
                   gpointer user_data)
{
  g_mutex_lock (&state.mutex);
  state.sink = sink;
  state.sink_data = user_data;
  g_mutex_unlock (&state.mutex);
}

void
tool_log_fatal (const char *format,
                ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  /* Not through g_log(), which would end the program with a core dump. */
  tool_output_flush (state.output, PATIENCE);
  write_message (1, message);
  tool_output_flush (state.output, PATIENCE);
}

void
tool_log_text (const char *text)
{
  if (state.level < TOOL_LOG_DEFAULT)
    return;
  g_mutex_lock (&state.mutex);
  if (state.sink == NULL && !put (text))
    state.n_dropped++;
  g_mutex_unlock (&state.mutex);
}
