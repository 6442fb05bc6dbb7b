/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include <glib/gi18n.h>
#include <ist-operator/ist-operator.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-log.h"
#include "tools/common/tool-operator-bus.h"
#include "tools/common/tool-operator-error.h"
#include "tools/common/tool-signals.h"
#include "tools/common/tool-startup.h"
#include "tools/common/tool-systemd.h"
#include "tools/operator/operator-objects.h"
#include "tools/operator/operator-service.h"

/* Seconds. */
#define DEFAULT_LINGER 300
#define DEFAULT_IDLE_TIMEOUT 60
#define MAX_SECONDS (24 * 60 * 60)

/* How long closing the tunnels may take at the end, in seconds. */
#define FAREWELL_TIME 8

typedef struct
{
  int linger;
  int idle_timeout;
  int verbose;
} Options;

typedef struct
{
  const Options *options;
  GMainLoop *loop;
  GDBusConnection *connection;
  guint name;
  OperatorState *state;
  OperatorService *service;
  guint idle;
  gboolean is_stopping;
  int exit_status;
} Program;

static gboolean
check_seconds (const char *option,
               int seconds,
               GError **error)
{
  if (seconds >= 0 && seconds <= MAX_SECONDS)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%s: %d is not a number from 0 to %d"), option,
               seconds, MAX_SECONDS);
  return FALSE;
}

static gboolean
options_parse (Options *options,
               int *argc,
               char ***argv,
               GError **error)
{
  const GOptionEntry entries[] = {
    { "linger", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &options->linger,
      N_ ("Close a tunnel when nothing has used it for so long (default: 300)"), N_ ("SECONDS") },
    { "idle-timeout", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &options->idle_timeout,
      N_ ("End when there has been nothing to do for so long, 0 for never (default: 60)"), N_ ("SECONDS") },
    { "verbose", 'v', G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &options->verbose,
      N_ ("Log this much, from 0 (nothing) to 6 (default: 4)"), N_ ("LEVEL") },
    { NULL },
  };

  options->linger = DEFAULT_LINGER;
  options->idle_timeout = DEFAULT_IDLE_TIMEOUT;
  options->verbose = TOOL_LOG_DEFAULT;
  if (!tool_startup_parse_options (_ ("Connects the programs of this session to services of devices, through tunnels\n"
                                      "of AWS IoT Secure Tunneling that they share. Started by D-Bus; istctl is the\n"
                                      "command for people."),
                                   entries, NULL, argc, argv, error) ||
      !check_seconds ("--linger", options->linger, error) ||
      !check_seconds ("--idle-timeout", options->idle_timeout, error))
    return FALSE;
  if (options->verbose >= 0 && options->verbose <= TOOL_LOG_MAX)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%d is no level of --verbose"), options->verbose);
  return FALSE;
}

/* The end */

static gboolean
on_farewell_over (gpointer user_data)
{
  Program *self = user_data;

  g_warning (_ ("Not all tunnels could be closed in time; the next start of ist-operator does it"));
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static void
on_closed (gpointer user_data)
{
  Program *self = user_data;

  g_main_loop_quit (self->loop);
}

static void
program_stop (Program *self)
{
  if (self->is_stopping)
    {
      g_main_loop_quit (self->loop);
      return;
    }
  self->is_stopping = TRUE;
  tool_systemd_notify_stopping ();
  g_timeout_add_seconds (FAREWELL_TIME, on_farewell_over, self);
  operator_service_close (self->service, on_closed);
}

static gboolean
on_stop (gpointer user_data)
{
  program_stop (user_data);
  return G_SOURCE_CONTINUE;
}

static void
on_connection_closed (GDBusConnection *connection,
                      gboolean remote_peer_vanished,
                      GError *error,
                      gpointer user_data)
{
  Program *self = user_data;

  if (!self->is_stopping)
    {
      g_message (_ ("The session bus is gone"));
      program_stop (self);
    }
}

/* Idleness */

/* A call that comes while the name is given back is answered, and told to come again:
 * what it then starts is another run. systemd has to know that this one ends before
 * it hears of that. */
static void
program_leave (Program *self)
{
  g_message (_ ("There is nothing to do"));
  self->is_stopping = TRUE;
  tool_systemd_notify_stopping ();
  operator_service_leave (self->service);
  g_bus_unown_name (self->name);
  self->name = 0;
  while (g_main_context_pending (NULL) || !operator_service_is_idle (self->service))
    g_main_context_iteration (NULL, TRUE);
  g_main_loop_quit (self->loop);
}

static gboolean
on_idle_over (gpointer user_data)
{
  Program *self = user_data;

  self->idle = 0;
  program_leave (self);
  return G_SOURCE_REMOVE;
}

static void
program_tell_status (Program *self)
{
  g_autofree char *status = NULL;

  status = g_strdup_printf (_ ("Tunnels: %u, connections: %u"), operator_service_get_n_tunnels (self->service),
                            operator_service_get_n_connections (self->service));
  tool_systemd_notify_status (status);
}

static void
on_changed (gpointer user_data)
{
  Program *self = user_data;

  if (self->service == NULL || self->is_stopping)
    return;
  program_tell_status (self);
  g_clear_handle_id (&self->idle, g_source_remove);
  if (self->options->idle_timeout != 0 && operator_service_is_idle (self->service))
    self->idle = g_timeout_add_seconds (self->options->idle_timeout, on_idle_over, self);
}

/* The beginning */

static void
on_name_acquired (GDBusConnection *connection,
                  const char *name,
                  gpointer user_data)
{
  Program *self = user_data;

  tool_systemd_notify_ready (_ ("Running"));
  operator_service_take_up (self->service);
}

static void
on_name_lost (GDBusConnection *connection,
              const char *name,
              gpointer user_data)
{
  Program *self = user_data;

  if (self->is_stopping)
    return;
  tool_log_fatal (_ ("The name %s is not to be had on D-Bus: another ist-operator has it"), name);
  self->exit_status = EX_UNAVAILABLE;
  program_stop (self);
}

static gboolean
program_set_up (Program *self,
                GError **error)
{
  g_autofree char *folder = g_build_filename (g_get_user_state_dir (), "libist", NULL);

  self->connection = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, error);
  if (self->connection == NULL)
    {
      g_prefix_error (error, _ ("There is no session bus: "));
      if (error != NULL)
        {
          (*error)->domain = TOOL_ERROR;
          (*error)->code = EX_UNAVAILABLE;
        }
      return FALSE;
    }
  g_dbus_connection_set_exit_on_close (self->connection, FALSE);
  self->state = operator_state_new (folder, error);
  if (self->state == NULL)
    return FALSE;
  self->service = operator_service_new (self->connection, self->state, self->options->linger, on_changed, self, error);
  return self->service != NULL;
}

static void
program_clear (Program *self)
{
  if (self->idle != 0)
    g_source_remove (self->idle);
  if (self->name != 0)
    g_bus_unown_name (self->name);
  if (self->service != NULL)
    operator_service_free (self->service);
  if (self->state != NULL)
    operator_state_free (self->state);
  if (self->connection != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->connection, self);
      g_dbus_connection_flush_sync (self->connection, NULL, NULL);
      g_object_unref (self->connection);
    }
  g_main_loop_unref (self->loop);
}

static int
program_run (Program *self)
{
  g_autoptr (GError) error = NULL;
  guint signals[3];
  guint watchdog;

  if (!program_set_up (self, &error))
    {
      tool_log_fatal ("%s", error->message);
      return tool_operator_error_get_exit_status (error);
    }
  g_signal_connect (self->connection, "closed", G_CALLBACK (on_connection_closed), self);
  self->name = g_bus_own_name_on_connection (self->connection, TOOL_OPERATOR_NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
                                             on_name_acquired, on_name_lost, self, NULL);
  signals[0] = tool_signal_watch (SIGINT, on_stop, self);
  signals[1] = tool_signal_watch (SIGTERM, on_stop, self);
  signals[2] = tool_signal_watch (SIGHUP, on_stop, self);
  watchdog = tool_systemd_start_watchdog ();
  on_changed (self);
  g_main_loop_run (self->loop);
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    tool_signal_unwatch (signals[i]);
  if (watchdog != 0)
    g_source_remove (watchdog);
  return self->exit_status;
}

int
main (int argc,
      char **argv)
{
  Options options;
  Program program = { .options = &options };
  g_autoptr (GError) error = NULL;
  int exit_status;

  tool_startup_init ("ist-operator", NULL);
  if (!options_parse (&options, &argc, &argv, &error))
    return tool_startup_fail (error, tool_error_get_exit_status (error));
  tool_log_set_level (options.verbose);
  tool_operator_bus_init ();
  program.loop = g_main_loop_new (NULL, FALSE);
  exit_status = program_run (&program);
  program_clear (&program);
  return exit_status;
}
