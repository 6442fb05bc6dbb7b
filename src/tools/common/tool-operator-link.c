/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-operator-link.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-operator-bus.h"
#include "tools/common/tool-pump.h"

/* Milliseconds: one that ends closes its tunnels first, for a few seconds. */
#define RETRY_PAUSE 100
#define MAX_RETRIES 150

/* One that has died over a call may do so again. */
#define MAX_DEATHS 2

/* What it calls the calls whose progress it hears of. */
#define PROGRESS_NAME "call"

/* Milliseconds: how a connection has ended is told just after it has. */
#define END_PATIENCE 2000

struct _ToolOperatorLink
{
  GDBusConnection *connection;
  guint progress;
  GMainLoop *loop;
  GCancellable *cancellable;
};

typedef struct
{
  GMainLoop *loop;
  GVariant *answer;
  GUnixFDList *fds;
  GError *error;
  gboolean has_ended;
} Call;

/* Of a connection, what the service tells. */
typedef struct
{
  ToolOperatorLink *link;
  gboolean is_told;
  GError *error; /* NULL of a good one */
} End;

/* The bus */

/* GLib would start a bus of its own where there is a display. */
static gboolean
has_bus (void)
{
  g_autofree char *path = g_build_filename (g_get_user_runtime_dir (), "bus", NULL);
  const char *address = g_getenv ("DBUS_SESSION_BUS_ADDRESS");

  return address != NULL ? *address != '\0' : g_file_test (path, G_FILE_TEST_EXISTS);
}

static GDBusConnection *
connect_to_bus (GError **error)
{
  GDBusConnection *connection;

  if (!has_bus ())
    {
      g_set_error_literal (error, TOOL_ERROR, EX_UNAVAILABLE, _ ("there is no session bus here"));
      return NULL;
    }
  connection = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, error);
  if (connection != NULL)
    g_dbus_connection_set_exit_on_close (connection, FALSE);
  return connection;
}

static gboolean
start_service (GDBusConnection *connection,
               GError **error)
{
  g_autoptr (GVariant) answer = NULL;

  answer = g_dbus_connection_call_sync (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                        "org.freedesktop.DBus", "StartServiceByName",
                                        g_variant_new ("(su)", TOOL_OPERATOR_NAME, 0), G_VARIANT_TYPE ("(u)"),
                                        G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);
  if (answer == NULL && error != NULL)
    g_dbus_error_strip_remote_error (*error);
  return answer != NULL;
}

/* Progress */

static void
on_progress (GDBusConnection *connection,
             const char *sender,
             const char *path,
             const char *interface,
             const char *signal,
             GVariant *parameters,
             gpointer user_data)
{
  const char *state;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sso)")))
    return;
  g_variant_get (parameters, "(&s&s&o)", NULL, &state, NULL);
  g_info (_ ("Tunnel: %s"), state);
}

static ToolOperatorLink *
link_new (GDBusConnection *connection)
{
  ToolOperatorLink *self = g_new0 (ToolOperatorLink, 1);

  tool_operator_bus_init ();
  self->connection = g_object_ref (connection);
  self->loop = g_main_loop_new (NULL, FALSE);
  self->cancellable = g_cancellable_new ();
  self->progress = g_dbus_connection_signal_subscribe (connection, TOOL_OPERATOR_NAME, TOOL_OPERATOR_INTERFACE,
                                                       "Progress", TOOL_OPERATOR_PATH, NULL,
                                                       G_DBUS_SIGNAL_FLAGS_NONE, on_progress, NULL, NULL);
  return self;
}

ToolOperatorLink *
tool_operator_link_new (const ToolOperatorSettings *settings)
{
  g_autofree char *obstacle = tool_operator_settings_get_obstacle (settings);
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GError) local = NULL;

  if (obstacle == NULL)
    {
      connection = connect_to_bus (&local);
      if (connection == NULL || !start_service (connection, &local))
        obstacle = g_strdup (local->message);
    }
  if (obstacle == NULL)
    return link_new (connection);
  g_info (_ ("Tunnels are not shared with other programs: %s"), obstacle);
  return NULL;
}

ToolOperatorLink *
tool_operator_link_new_passive (GError **error)
{
  g_autoptr (GDBusConnection) connection = connect_to_bus (error);

  if (connection != NULL)
    return link_new (connection);
  g_prefix_error (error, _ ("ist-operator can't be asked: "));
  return NULL;
}

void
tool_operator_link_free (ToolOperatorLink *self)
{
  g_dbus_connection_signal_unsubscribe (self->connection, self->progress);
  g_main_loop_unref (self->loop);
  g_object_unref (self->cancellable);
  g_object_unref (self->connection);
  g_free (self);
}

GDBusConnection *
tool_operator_link_get_connection (ToolOperatorLink *self)
{
  return self->connection;
}

void
tool_operator_link_cancel (ToolOperatorLink *self)
{
  g_cancellable_cancel (self->cancellable);
}

/* Calls */

static void
on_answer (GObject *source_object,
           GAsyncResult *result,
           gpointer user_data)
{
  Call *call = user_data;

  call->answer = g_dbus_connection_call_with_unix_fd_list_finish (G_DBUS_CONNECTION (source_object), &call->fds,
                                                                  result, &call->error);
  g_main_loop_quit (call->loop);
}

static gboolean
on_pause_over (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

static void
link_pause (ToolOperatorLink *self)
{
  g_timeout_add (RETRY_PAUSE, on_pause_over, self->loop);
  g_main_loop_run (self->loop);
}

/* The service bounds what takes time by itself. */
static void
link_call_once (ToolOperatorLink *self,
                const char *method,
                GVariant *parameters,
                const char *type,
                Call *call)
{
  g_clear_error (&call->error);
  call->loop = self->loop;
  g_dbus_connection_call_with_unix_fd_list (self->connection, TOOL_OPERATOR_NAME, TOOL_OPERATOR_PATH,
                                            TOOL_OPERATOR_INTERFACE, method, parameters, G_VARIANT_TYPE (type),
                                            G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, self->cancellable, on_answer,
                                            call);
  /* The end of a call that is made meanwhile ends the loop, too. */
  while (call->answer == NULL && call->error == NULL)
    g_main_loop_run (self->loop);
}

gboolean
tool_operator_link_check_bus (ToolOperatorLink *self,
                              GError **error)
{
  if (!g_dbus_connection_is_closed (self->connection))
    return TRUE;
  g_set_error_literal (error, TOOL_ERROR, EX_UNAVAILABLE, _ ("The session bus is gone"));
  return FALSE;
}

GVariant *
tool_operator_link_call (ToolOperatorLink *self,
                         const char *method,
                         GVariant *parameters,
                         const char *type,
                         GUnixFDList **fds,
                         GError **error)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (parameters);
  guint n_retries = 0;
  guint n_deaths = 0;
  Call call = { 0 };

  link_call_once (self, method, owned, type, &call);
  while ((g_error_matches (call.error, TOOL_OPERATOR_ERROR, TOOL_OPERATOR_ERROR_LEAVING) &&
          n_retries++ < MAX_RETRIES) ||
         (g_error_matches (call.error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) && n_deaths++ < MAX_DEATHS))
    {
      link_pause (self);
      link_call_once (self, method, owned, type, &call);
    }
  if (call.error != NULL && !tool_operator_link_check_bus (self, error))
    {
      /* GIO speaks of a connection, and there are others here. */
      g_error_free (call.error);
    }
  else if (call.error != NULL)
    {
      g_dbus_error_strip_remote_error (call.error);
      g_propagate_error (error, call.error);
    }
  if (fds != NULL)
    *fds = call.fds;
  else
    g_clear_object (&call.fds);
  return call.answer;
}

/* Opening */

char *
tool_operator_link_open (ToolOperatorLink *self,
                         const ToolOperatorSettings *settings,
                         const char *thing,
                         const char *const *services,
                         gboolean keep,
                         GError **error)
{
  g_autoptr (GVariantDict) options = tool_operator_settings_to_options (settings);
  g_autoptr (GVariant) answer = NULL;
  char *path;

  g_variant_dict_insert (options, "progress", "s", PROGRESS_NAME);
  g_variant_dict_insert (options, "keep", "b", keep);
  answer = tool_operator_link_call (
    self, "Open", g_variant_new ("(s^as@a{sv})", thing, services, g_variant_dict_end (options)), "(o)", NULL, error);
  if (answer == NULL)
    return NULL;
  g_variant_get (answer, "(o)", &path);
  return path;
}

/* Carrying */

static GSocketConnection *
link_connect (ToolOperatorLink *self,
              const ToolOperatorSettings *settings,
              const char *thing,
              const char *service,
              GError **error)
{
  g_autoptr (GVariantDict) options = tool_operator_settings_to_options (settings);
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GSocket) socket = NULL;
  gint32 index;
  int fd;

  g_variant_dict_insert (options, "progress", "s", PROGRESS_NAME);
  answer = tool_operator_link_call (
    self, "Connect", g_variant_new ("(ss@a{sv})", thing, service, g_variant_dict_end (options)), "(h)", &fds, error);
  if (answer == NULL)
    return NULL;
  if (fds == NULL)
    {
      g_set_error_literal (error, TOOL_ERROR, EX_PROTOCOL, _ ("ist-operator has given no connection"));
      return NULL;
    }
  g_variant_get (answer, "(h)", &index);
  fd = g_unix_fd_list_get (fds, index, error);
  if (fd == -1)
    return NULL;
  socket = g_socket_new_from_fd (fd, error);
  if (socket == NULL)
    g_close (fd, NULL);
  return socket != NULL ? g_socket_connection_factory_create_connection (socket) : NULL;
}

static void
on_carried (GObject *source_object,
            GAsyncResult *result,
            gpointer user_data)
{
  Call *call = user_data;

  tool_pump_finish (result, &call->error);
  call->has_ended = TRUE;
  g_main_loop_quit (call->loop);
}

/* How it ends */

static void
end_tell (End *self,
          GError *error)
{
  if (self->is_told)
    {
      g_clear_error (&error);
      return;
    }
  self->is_told = TRUE;
  self->error = error;
  g_main_loop_quit (self->link->loop);
}

static void
on_ended (GDBusConnection *connection,
          const char *sender,
          const char *path,
          const char *interface,
          const char *signal,
          GVariant *parameters,
          gpointer user_data)
{
  GError *error = NULL;
  const char *name;
  const char *message;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sss)")))
    return;
  g_variant_get (parameters, "(&s&s&s)", NULL, &name, &message);
  if (*name != '\0')
    {
      error = g_dbus_error_new_for_dbus_error (name, message);
      g_dbus_error_strip_remote_error (error);
    }
  end_tell (user_data, error);
}

static void
on_vanished (GDBusConnection *connection,
             const char *name,
             gpointer user_data)
{
  End *self = user_data;
  GError *error = NULL;

  if (tool_operator_link_check_bus (self->link, &error))
    g_set_error_literal (&error, TOOL_ERROR, EX_UNAVAILABLE,
                         _ ("ist-operator has ended, and the connection with it"));
  end_tell (self, error);
}

static gboolean
on_end_late (gpointer user_data)
{
  end_tell (user_data, NULL);
  return G_SOURCE_CONTINUE;
}

static void
end_await (End *self)
{
  guint timeout = g_timeout_add (END_PATIENCE, on_end_late, self);

  while (!self->is_told)
    g_main_loop_run (self->link->loop);
  g_source_remove (timeout);
}

static void
link_carry (ToolOperatorLink *self,
            GSocketConnection *connection,
            GIOStream *stdio,
            End *end,
            Call *call)
{
  guint watch = g_bus_watch_name_on_connection (self->connection, TOOL_OPERATOR_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                NULL, on_vanished, end, NULL);

  tool_pump_async (connection, stdio, self->cancellable, on_carried, call);
  while (!call->has_ended)
    g_main_loop_run (self->loop);
  if (call->error == NULL)
    {
      /* The service may wait for that. */
      g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
      end_await (end);
    }
  g_bus_unwatch_name (watch);
}

gboolean
tool_operator_link_carry (ToolOperatorLink *self,
                          const ToolOperatorSettings *settings,
                          const char *thing,
                          const char *service,
                          GIOStream *stdio,
                          GError **error)
{
  Call call = { .loop = self->loop };
  End end = { .link = self };
  g_autoptr (GSocketConnection) connection = NULL;
  guint ended;

  ended = g_dbus_connection_signal_subscribe (self->connection, TOOL_OPERATOR_NAME, TOOL_OPERATOR_INTERFACE, "Ended",
                                              TOOL_OPERATOR_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_ended, &end, NULL);
  connection = link_connect (self, settings, thing, service, error);
  if (connection != NULL)
    link_carry (self, connection, stdio, &end, &call);
  g_dbus_connection_signal_unsubscribe (self->connection, ended);
  if (connection != NULL && call.error == NULL && end.error == NULL)
    return TRUE;
  /* What went wrong here comes first. */
  if (call.error != NULL)
    g_propagate_error (error, g_steal_pointer (&call.error));
  else if (end.error != NULL)
    g_propagate_error (error, g_steal_pointer (&end.error));
  g_clear_error (&end.error);
  return FALSE;
}
