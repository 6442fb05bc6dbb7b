/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "proxy-log.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct
{
  guint level;
  gboolean to_journal;
  ProxyLogSink sink;
  gpointer sink_data;
} state = { .level = PROXY_LOG_DEFAULT };

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

static char *
get_field (const GLogField *fields,
           gsize n_fields,
           const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    {
      if (strcmp (fields[i].key, key) != 0)
        continue;
      if (fields[i].length < 0)
        return g_utf8_make_valid (fields[i].value, -1);
      return g_utf8_make_valid (fields[i].value, fields[i].length);
    }
  return g_strdup ("");
}

/* What the peer or the service has said can be in it; it must not drive the terminal. */
static char *
without_controls (const char *text)
{
  GString *result = g_string_sized_new (strlen (text));

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar character = g_utf8_get_char (p);

      g_string_append_unichar (result, g_unichar_iscntrl (character) ? ' ' : character);
    }
  return g_string_free (result, FALSE);
}

static GLogWriterOutput
write_log (GLogLevelFlags flags,
           const GLogField *fields,
           gsize n_fields,
           gpointer user_data)
{
  guint level = get_level (flags);
  g_autoptr (GDateTime) now = NULL;
  g_autofree char *time = NULL;
  g_autofree char *message = NULL;
  g_autofree char *clean = NULL;
  g_autofree char *line = NULL;

  if (level > state.level)
    return G_LOG_WRITER_HANDLED;
  if (state.to_journal && g_log_writer_journald (flags, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;

  now = g_date_time_new_now_local ();
  time = g_date_time_format (now, "%F %T");
  message = get_field (fields, n_fields, "MESSAGE");
  clean = without_controls (message);
  line = g_strdup_printf ("%s.%03d %s%s", time, g_date_time_get_microsecond (now) / 1000, get_word (level),
                          clean);
  if (state.sink != NULL)
    state.sink (line, state.sink_data);
  else
    fprintf (stderr, "%s\n", line);
  return G_LOG_WRITER_HANDLED;
}

void
proxy_log_init (void)
{
  state.to_journal = g_log_writer_is_journald (STDERR_FILENO);
  g_log_set_writer_func (write_log, NULL, NULL);
}

void
proxy_log_set_level (guint level)
{
  state.level = level;
}

void
proxy_log_set_sink (ProxyLogSink sink,
                    gpointer user_data)
{
  state.sink = sink;
  state.sink_data = user_data;
}

void
proxy_log_fatal (const char *format,
                 ...)
{
  g_autofree char *message = NULL;
  GLogField fields[] = {
    { "PRIORITY", "3", -1 },
    { "GLIB_DOMAIN", G_LOG_DOMAIN, -1 },
    { "MESSAGE", NULL, -1 },
  };
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  fields[2].value = message;
  /* Not through g_log(), which would end the program with a core dump. */
  write_log (G_LOG_LEVEL_ERROR, fields, G_N_ELEMENTS (fields), NULL);
}
