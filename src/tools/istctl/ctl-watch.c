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
#include "tools/istctl/ctl-objects.h"
#include "tools/istctl/ctl-print.h"

#define MAX_WAITING (1 << 20) /* bytes of lines */
#define PATIENCE 200          /* milliseconds, for the last lines */

/* What was told of an object last. */
#define TOLD "ctl-watch-told"

/* So many lines of a table are drawn, however small the screen is. */
#define LEAST_LINES 2

struct _CtlWatch
{
  gboolean json;
  gboolean as_lines;
  ToolScreenDraw draw;
  CtlWatchDescribe describe;
  gpointer user_data;
  GMainLoop *loop;
  ToolOutput *output;
  GString *waiting; /* lines that the output has not taken yet */
  gboolean ended;
  GError *error;
  guint interrupt;
  guint terminate;
  guint hangup;
  GDBusConnection *connection;
  GDBusObjectManager *manager;
  CtlWatchKind *kinds;
  gsize n_kinds;
};

/* Also before it runs. */
static void
watch_end (CtlWatch *self)
{
  self->ended = TRUE;
  g_main_loop_quit (self->loop);
}

/* Takes the error. */
static void
watch_fail (CtlWatch *self,
            GError *error)
{
  if (self->error == NULL)
    self->error = error;
  else
    g_error_free (error);
  watch_end (self);
}

static void
watch_fail_to_write (CtlWatch *self,
                     const char *reason)
{
  watch_fail (self, g_error_new (TOOL_ERROR, EX_IOERR, _ ("Could not write to standard output: %s"), reason));
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

static void
watch_tell_json (CtlWatch *self,
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
  g_string_append (self->waiting, line);
}

static void
watch_tell_text (CtlWatch *self,
                 const char *event,
                 GDBusProxy *proxy)
{
  g_autofree char *text = self->describe (proxy, !g_str_equal (event, "removed"));
  g_autofree char *time = NULL;
  g_autofree char *harmless = NULL;

  if (text == NULL || g_strcmp0 (g_object_get_data (G_OBJECT (proxy), TOLD), text) == 0)
    return;
  time = tool_format_time (g_get_real_time ());
  harmless = ist_text_make_safe (text, -1, G_MAXSIZE);
  g_string_append_printf (self->waiting, "%s  %s\n", time, harmless);
  g_object_set_data_full (G_OBJECT (proxy), TOLD, g_steal_pointer (&text), g_free);
}

void
ctl_watch_tell (CtlWatch *self,
                const char *event,
                const char *type,
                GDBusProxy *proxy)
{
  if (!self->as_lines)
    return;
  if (self->json)
    watch_tell_json (self, event, type, proxy);
  else
    watch_tell_text (self, event, proxy);
  watch_write (self);
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

/* Objects */

/* What is of no kind is not told of. */
static void
watch_tell_proxy (CtlWatch *self,
                  const char *event,
                  GDBusProxy *proxy)
{
  for (gsize i = 0; i < self->n_kinds; i++)
    {
      if (G_TYPE_CHECK_INSTANCE_TYPE (proxy, self->kinds[i].type))
        ctl_watch_tell (self, event, self->kinds[i].name, proxy);
    }
}

static void
watch_tell_object (CtlWatch *self,
                   const char *event,
                   GDBusObject *object)
{
  GList *interfaces = g_dbus_object_get_interfaces (object);

  for (GList *l = interfaces; l != NULL; l = l->next)
    watch_tell_proxy (self, event, l->data);
  g_list_free_full (interfaces, g_object_unref);
}

static void
on_object_changed (GDBusObjectManagerClient *manager,
                   GDBusObjectProxy *object,
                   GDBusProxy *proxy,
                   GVariant *changed,
                   const char *const *invalidated,
                   gpointer user_data)
{
  if (ctl_watch_is_of_interest (changed))
    watch_tell_proxy (user_data, "changed", proxy);
}

static void
on_object_added (GDBusObjectManager *manager,
                 GDBusObject *object,
                 gpointer user_data)
{
  watch_tell_object (user_data, "added", object);
}

static void
on_object_removed (GDBusObjectManager *manager,
                   GDBusObject *object,
                   gpointer user_data)
{
  watch_tell_object (user_data, "removed", object);
}

static void
on_bus_closed (GDBusConnection *connection,
               gboolean vanished,
               GError *reason,
               gpointer user_data)
{
  watch_fail (user_data, g_error_new (TOOL_ERROR, EX_UNAVAILABLE, _ ("The bus has ended: %s"),
                                      reason != NULL ? reason->message : "-"));
}

void
ctl_watch_follow (CtlWatch *self,
                  GDBusConnection *connection,
                  GDBusObjectManager *manager,
                  const CtlWatchKind *kinds,
                  gsize n_kinds)
{
  self->connection = g_object_ref (connection);
  self->manager = g_object_ref (manager);
  self->kinds = g_memdup2 (kinds, n_kinds * sizeof *kinds);
  self->n_kinds = n_kinds;
  for (gsize i = 0; i < n_kinds; i++)
    {
      g_autoptr (GPtrArray) proxies = ctl_objects_list (manager, kinds[i].type);

      for (guint j = 0; j < proxies->len; j++)
        ctl_watch_tell (self, "added", kinds[i].name, g_ptr_array_index (proxies, j));
    }
  g_signal_connect (connection, "closed", G_CALLBACK (on_bus_closed), self);
  g_signal_connect (manager, "object-added", G_CALLBACK (on_object_added), self);
  g_signal_connect (manager, "object-removed", G_CALLBACK (on_object_removed), self);
  g_signal_connect (manager, "interface-proxy-properties-changed", G_CALLBACK (on_object_changed), self);
}

static void
watch_unfollow (CtlWatch *self)
{
  if (self->manager == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->connection, self);
  g_signal_handlers_disconnect_by_data (self->manager, self);
  g_clear_object (&self->connection);
  g_clear_object (&self->manager);
}

/* The screen */

/* With its title. */
static guint
count_lines (ToolTable *table)
{
  return tool_table_get_n_rows (table) + 1;
}

void
ctl_watch_draw_tables (ToolScreen *screen,
                       guint n_head,
                       ToolTable *first,
                       ToolTable *second)
{
  /* Beside the tables: the head, and one before each of them. */
  guint n_others = n_head + 2;
  guint n_lines = MAX (tool_screen_get_n_lines (screen), n_others + 2 * LEAST_LINES) - n_others;
  guint n_second = tool_table_get_n_rows (second) > 0 ? count_lines (second) : 0;
  /* Each gets half, and what the other one leaves. */
  guint n_first = MIN (count_lines (first), MAX (n_lines / 2, n_lines - MIN (n_lines, n_second)));

  tool_screen_add_empty (screen);
  tool_screen_add_table (screen, first, n_first);
  if (n_second == 0)
    return;
  tool_screen_add_empty (screen);
  tool_screen_add_table (screen, second, n_lines - n_first);
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
ctl_watch_new (gboolean json,
               ToolScreenDraw draw,
               CtlWatchDescribe describe,
               gpointer user_data)
{
  CtlWatch *self = g_new0 (CtlWatch, 1);

  self->json = json;
  self->as_lines = json || !isatty (STDOUT_FILENO);
  self->draw = draw;
  self->describe = describe;
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
  watch_unfollow (self);
  tool_signal_unwatch (self->interrupt);
  tool_signal_unwatch (self->terminate);
  if (self->hangup != 0)
    g_source_remove (self->hangup);
  tool_output_flush (self->output, PATIENCE);
  tool_output_free (self->output);
  g_main_loop_unref (self->loop);
  g_string_free (self->waiting, TRUE);
  g_clear_error (&self->error);
  g_free (self->kinds);
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
