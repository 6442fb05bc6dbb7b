/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-screen.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/ist-text-private.h"

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define TO_TOP "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

#define INTERVAL 1000 /* milliseconds */
#define PATIENCE 200  /* milliseconds, with a terminal that must not stay as it is */

struct _ToolScreen
{
  ToolOutput *output;
  ToolScreenDraw draw;
  gpointer user_data;
  guint timer;
  guint resized;
  struct sigaction suspended; /* what it was before */

  gboolean styled;
  guint columns;
  guint n_lines;
  guint n_used;
  GString *frame;
};

static void
screen_draw (ToolScreen *self)
{
  tool_terminal_get_size (STDOUT_FILENO, &self->columns, &self->n_lines);
  self->n_used = 0;
  g_string_assign (self->frame, TO_TOP);
  self->draw (self, self->user_data);
  g_string_append (self->frame, CLEAR_BELOW);
  /* The terminal may not have got all of the last one: then this one is left out. */
  tool_output_write (self->output, self->frame->str, self->frame->len);
}

static gboolean
on_tick (gpointer user_data)
{
  screen_draw (user_data);
  return G_SOURCE_CONTINUE;
}

/* Ctrl-Z: the shell gets its terminal back, and gives it back with SIGCONT, after which
 * the next tick draws. GLib watches no such signal; all that is called here may be. */
static void
on_suspend (int number)
{
  int saved = errno;
  gssize written;

  written = write (STDOUT_FILENO, LEAVE, strlen (LEAVE));
  raise (SIGSTOP);
  /* That a terminal has gone is noticed elsewhere. */
  written = write (STDOUT_FILENO, ENTER, strlen (ENTER));
  (void) written;
  errno = saved;
}

static void
screen_watch_suspension (ToolScreen *self)
{
  const struct sigaction action = { .sa_handler = on_suspend, .sa_flags = SA_RESTART };

  sigaction (SIGTSTP, NULL, &self->suspended);
  /* Who has started the program may want it to be ignored. */
  if (self->suspended.sa_handler != SIG_IGN)
    sigaction (SIGTSTP, &action, NULL);
}

ToolScreen *
tool_screen_new (ToolOutput *output,
                 ToolScreenDraw draw,
                 gpointer user_data)
{
  ToolScreen *self = g_new0 (ToolScreen, 1);

  self->output = output;
  self->draw = draw;
  self->user_data = user_data;
  self->styled = tool_terminal_is_styled (STDOUT_FILENO);
  self->frame = g_string_new (NULL);
  self->timer = g_timeout_add (INTERVAL, on_tick, self);
  self->resized = g_unix_signal_add (SIGWINCH, on_tick, self);

  tool_output_write (output, ENTER, strlen (ENTER));
  screen_watch_suspension (self);
  screen_draw (self);
  return self;
}

void
tool_screen_free (ToolScreen *self)
{
  sigaction (SIGTSTP, &self->suspended, NULL);
  tool_output_flush (self->output, PATIENCE);
  tool_output_write (self->output, LEAVE, strlen (LEAVE));
  tool_output_flush (self->output, PATIENCE);

  g_source_remove (self->timer);
  g_source_remove (self->resized);
  g_string_free (self->frame, TRUE);
  g_free (self);
}

guint
tool_screen_get_n_lines (ToolScreen *self)
{
  return self->n_lines;
}

/* @line: fits. No end of line comes after the last one: the terminal would scroll. */
static void
screen_add_line (ToolScreen *self,
                 ToolStyle style,
                 const char *line)
{
  if (self->n_used >= self->n_lines)
    return;
  g_string_append (self->frame, self->n_used > 0 ? "\r\n" CLEAR_LINE : CLEAR_LINE);
  tool_style_append (self->frame, style, line);
  self->n_used++;
}

void
tool_screen_add (ToolScreen *self,
                 ToolStyle style,
                 const char *format,
                 ...)
{
  g_autofree char *text = NULL;
  g_autofree char *harmless = NULL;
  g_autofree char *line = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  harmless = ist_text_make_safe (text, -1, G_MAXSIZE);
  line = tool_text_fit (harmless, self->columns);
  screen_add_line (self, self->styled ? style : TOOL_STYLE_PLAIN, line);
}

void
tool_screen_add_empty (ToolScreen *self)
{
  screen_add_line (self, TOOL_STYLE_PLAIN, "");
}

void
tool_screen_add_table (ToolScreen *self,
                       ToolTable *table,
                       guint n_lines)
{
  g_autoptr (GPtrArray) lines = tool_table_format (table, self->columns, self->styled);
  guint shown = lines->len <= n_lines ? lines->len : MAX (n_lines, 1) - 1;

  for (guint i = 0; i < shown; i++)
    screen_add_line (self, TOOL_STYLE_PLAIN, g_ptr_array_index (lines, i));
  if (shown < lines->len)
    tool_screen_add (self, TOOL_STYLE_FAINT, _ ("… and %u more"), lines->len - shown);
}
