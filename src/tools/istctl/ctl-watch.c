/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/istctl/ctl-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/ist-text-private.h"
#include "tools/common/tool-error.h"
#include "tools/common/tool-signals.h"
#include "tools/common/tool-units.h"
#include "tools/istctl/ctl-print.h"

#define MAX_WAITING (1 << 20) /* bytes of lines */
#define PATIENCE 200          /* milliseconds, for the last lines */

/* What was told of an object last. */
#define TOLD "ctl-watch-told"

struct _CtlWatch
{
  gboolean as_lines;
  ToolScreenDraw draw;
  gpointer user_data;
  GMainLoop *loop;
  ToolOutput *output;
  GString *waiting; /* lines that the output has not taken yet */
  gboolean ended;
  GError *error;
  guint interrupt;
  guint terminate;
  guint hangup;
};

/* Also before it runs. */
static void
watch_end (CtlWatch *self)
{
  self->ended = TRUE;
  g_main_loop_quit (self->loop);
}

void
ctl_watch_fail (CtlWatch *self,
                const GError *error)
{
  if (self->error == NULL)
    self->error = g_error_copy (error);
  watch_end (self);
}

static void
watch_fail_to_write (CtlWatch *self,
                     const char *reason)
{
  g_autoptr (GError) error = g_error_new (TOOL_ERROR, EX_IOERR, _ ("Could not write to standard output: %s"), reason);

  ctl_watch_fail (self, error);
}

/* Lines */

static void
watch_write (CtlWatch *self)
{
  if (self->waiting->len == 0)
    return;
  if (tool_output_write (self->output, self->waiting->str, self->waiting->len))
    g_string_truncate (self->waiting, 0);
  else if (errno == EPIPE)
    watch_end (self);
  else if (errno != EAGAIN)
    watch_fail_to_write (self, g_strerror (errno));
  else if (self->waiting->len > MAX_WAITING)
    watch_fail_to_write (self, _ ("nobody reads what is there"));
}

static void
on_drained (gpointer user_data)
{
  watch_write (user_data);
}

gboolean
ctl_watch_is_lines (CtlWatch *self)
{
  return self->as_lines;
}

void
ctl_watch_tell (CtlWatch *self,
                const char *line)
{
  if (!self->as_lines)
    return;
  g_string_append (self->waiting, line);
  watch_write (self);
}

void
ctl_watch_tell_json (CtlWatch *self,
                     const char *event,
                     const char *type,
                     GDBusProxy *proxy)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *line = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "event");
  json_builder_add_string_value (builder, event);
  json_builder_set_member_name (builder, "type");
  json_builder_add_string_value (builder, type);
  ctl_json_add_properties (builder, proxy);
  json_builder_end_object (builder);
  line = ctl_json_to_line (builder);
  ctl_watch_tell (self, line);
}

void
ctl_watch_tell_text (CtlWatch *self,
                     gpointer proxy,
                     const char *text)
{
  g_autofree char *time = NULL;
  g_autofree char *harmless = NULL;
  g_autofree char *line = NULL;

  if (g_strcmp0 (g_object_get_data (proxy, TOLD), text) == 0)
    return;
  g_object_set_data_full (proxy, TOLD, g_strdup (text), g_free);
  time = tool_format_time (g_get_real_time ());
  harmless = ist_text_make_safe (text, -1, G_MAXSIZE);
  line = g_strdup_printf ("%s  %s\n", time, harmless);
  ctl_watch_tell (self, line);
}

gboolean
ctl_watch_is_of_interest (GVariant *changed)
{
  static const char *const counters[] = { "BytesIn", "BytesOut", "RateIn", "RateOut",
                                          "Tunnels", "RoundTrip", "Connections", NULL };
  GVariantIter iter;
  const char *name;

  g_variant_iter_init (&iter, changed);
  while (g_variant_iter_next (&iter, "{&sv}", &name, NULL))
    {
      if (!g_strv_contains (counters, name))
        return TRUE;
    }
  return FALSE;
}

/* The end */

static gboolean
on_signal (gpointer user_data)
{
  watch_end (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_closed (int fd,
           GIOCondition condition,
           gpointer user_data)
{
  CtlWatch *self = user_data;

  watch_end (self);
  self->hangup = 0;
  return G_SOURCE_REMOVE;
}

CtlWatch *
ctl_watch_new (gboolean as_lines,
               ToolScreenDraw draw,
               gpointer user_data)
{
  CtlWatch *self = g_new0 (CtlWatch, 1);

  self->as_lines = as_lines || !isatty (STDOUT_FILENO);
  self->draw = draw;
  self->user_data = user_data;
  self->loop = g_main_loop_new (NULL, FALSE);
  self->output = tool_output_new (STDOUT_FILENO, on_drained, self);
  self->waiting = g_string_new (NULL);
  self->interrupt = tool_signal_watch (SIGINT, on_signal, self);
  self->terminate = tool_signal_watch (SIGTERM, on_signal, self);
  /* Told whether it is asked for or not; nothing else is of interest. */
  self->hangup = g_unix_fd_add (STDOUT_FILENO, G_IO_ERR | G_IO_HUP, on_closed, self);
  return self;
}

void
ctl_watch_free (CtlWatch *self)
{
  tool_signal_unwatch (self->interrupt);
  tool_signal_unwatch (self->terminate);
  if (self->hangup != 0)
    g_source_remove (self->hangup);
  tool_output_flush (self->output, PATIENCE);
  tool_output_free (self->output);
  g_main_loop_unref (self->loop);
  g_string_free (self->waiting, TRUE);
  g_clear_error (&self->error);
  g_free (self);
}

gboolean
ctl_watch_run (CtlWatch *self,
               GError **error)
{
  g_autoptr (ToolScreen) screen = NULL;

  if (!self->as_lines)
    screen = tool_screen_new (self->output, self->draw, self->user_data);
  if (!self->ended)
    g_main_loop_run (self->loop);
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}
