/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <ist-agent/ist-agent.h>

#include "tools/agent/agent-bus.h"
#include "tools/agent/agent-config.h"
#include "tools/common/tool-error.h"
#include "tools/common/tool-log.h"
#include "tools/common/tool-signals.h"
#include "tools/common/tool-startup.h"
#include "tools/common/tool-systemd.h"

#define DEFAULT_CONFIG "/etc/ist-agent.conf"

/* How long tunnels may take to say goodbye, in seconds. */
#define FAREWELL_TIME 3

typedef struct
{
  char *config;
  char *bus;
  int verbose;
  gboolean check;
} Options;

typedef struct
{
  const char *config;
  GMainLoop *loop;
  IstAgentDevice *agent;
  AgentBus *bus;
  gboolean stopping;
} Program;

static void
options_clear (Options *options)
{
  g_free (options->config);
  g_free (options->bus);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
options_parse (Options *options,
               int *argc,
               char ***argv,
               GError **error)
{
  const GOptionEntry entries[] = {
    { "config", 'c', G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options->config,
      N_ ("Read this file (default: /etc/ist-agent.conf)"), N_ ("FILE") },
    { "check", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options->check,
      N_ ("Say what is wrong with the configuration and the files that it names, and end"), NULL },
    { "bus", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options->bus,
      N_ ("Go on this D-Bus: “system” (the default), “session”, an address or “none”"), N_ ("BUS") },
    { "verbose", 'v', G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &options->verbose,
      N_ ("Log this much, from 0 (nothing) to 6 (default: 4)"), N_ ("LEVEL") },
    { NULL },
  };

  options->verbose = TOOL_LOG_DEFAULT;
  if (!tool_startup_parse_options (_ ("Connects this device to the tunnels of AWS IoT Secure Tunneling that are\n"
                                      "opened to it, so that operators reach the services in the configuration."),
                                   entries, NULL, argc, argv, error))
    return FALSE;

  if (options->config == NULL)
    options->config = g_strdup (DEFAULT_CONFIG);
  if (options->verbose >= 0 && options->verbose <= TOOL_LOG_MAX)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%d is no level of --verbose"), options->verbose);
  return FALSE;
}

/* What happens */

static gboolean
program_is_subscribed (Program *self)
{
  return ist_agent_device_get_state (self->agent) == IST_AGENT_DEVICE_STATE_SUBSCRIBED;
}

static void
program_tell_status (Program *self)
{
  g_autofree char *status = NULL;

  status = g_strdup_printf (_ ("%s; tunnels: %u, connections: %u"),
                            program_is_subscribed (self) ? _ ("Subscribed") : _ ("No broker"),
                            ist_agent_device_get_n_tunnels (self->agent),
                            ist_agent_device_get_n_connections (self->agent));
  tool_systemd_notify_status (status);
}

static void
on_counter_changed (IstAgentDevice *agent,
                    GParamSpec *pspec,
                    gpointer user_data)
{
  program_tell_status (user_data);
}

static void
on_state_changed (IstAgentDevice *agent,
                  GParamSpec *pspec,
                  gpointer user_data)
{
  Program *self = user_data;

  if (program_is_subscribed (self))
    g_message (_ ("Subscribed: waiting for notifications"));
  program_tell_status (self);
}

static void
on_broker_lost (IstAgentDevice *agent,
                const GError *error,
                guint delay_ms,
                gpointer user_data)
{
  g_warning (_ ("%s; trying again in %.1f s"), error->message, delay_ms / 1000.0);
}

static void
on_notification_refused (IstAgentDevice *agent,
                         const GError *error,
                         gpointer user_data)
{
  g_warning (_ ("Refused a notification: %s"), error->message);
}

static void
on_service_refused (IstAgentDevice *agent,
                    const char *service_id,
                    gpointer user_data)
{
  if (service_id != NULL)
    g_warning (_ ("Refused the service %s: it is not listed"), service_id);
  else
    g_warning (_ ("Refused a connection without a service"));
}

static void
on_connection_opened (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      gpointer user_data)
{
  g_message (_ ("Tunnel %u: connection of %s opened"), GPOINTER_TO_UINT (user_data),
             ist_forwarder_connection_get_service_id (connection));
}

static void
on_connection_closed (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      const GError *error,
                      gpointer user_data)
{
  g_autofree char *in = g_strdup_printf ("%" G_GUINT64_FORMAT,
                                         ist_forwarder_connection_get_bytes_in (connection));
  g_autofree char *out = g_strdup_printf ("%" G_GUINT64_FORMAT,
                                          ist_forwarder_connection_get_bytes_out (connection));

  g_message (_ ("Tunnel %u: connection of %s closed, %s bytes in, %s bytes out%s%s"),
             GPOINTER_TO_UINT (user_data), ist_forwarder_connection_get_service_id (connection), in, out,
             error != NULL ? ": " : "", error != NULL ? error->message : "");
}

static void
on_connection_failed (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      const GError *error,
                      gpointer user_data)
{
  g_warning (_ ("Tunnel %u: connection of %s failed: %s"), GPOINTER_TO_UINT (user_data),
             ist_forwarder_connection_get_service_id (connection), error->message);
}

static void
on_tunnel_connected (IstSecureTunnel *tunnel,
                     const char *const *service_ids,
                     gpointer user_data)
{
  g_message (_ ("Tunnel %u: connected"), GPOINTER_TO_UINT (user_data));
}

static void
on_tunnel_failure (IstSecureTunnel *tunnel,
                   const GError *error,
                   gboolean will_retry,
                   gpointer user_data)
{
  if (will_retry)
    g_warning (_ ("Tunnel %u: %s; trying again"), GPOINTER_TO_UINT (user_data), error->message);
}

static void
on_tunnel_opened (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  gpointer user_data)
{
  g_autofree char *services = g_strjoinv (", ", (char **) ist_agent_tunnel_get_service_ids (tunnel));
  IstSecureTunnel *secure_tunnel = ist_agent_tunnel_get_secure_tunnel (tunnel);
  IstForwarder *forwarder = ist_agent_tunnel_get_forwarder (tunnel);
  gpointer id = GUINT_TO_POINTER (ist_agent_tunnel_get_id (tunnel));

  g_message (_ ("Tunnel %u: opened for %s"), ist_agent_tunnel_get_id (tunnel), services);
  g_signal_connect (secure_tunnel, "connection-success", G_CALLBACK (on_tunnel_connected), id);
  g_signal_connect (secure_tunnel, "connection-failure", G_CALLBACK (on_tunnel_failure), id);
  g_signal_connect (forwarder, "connection-opened", G_CALLBACK (on_connection_opened), id);
  g_signal_connect (forwarder, "connection-closed", G_CALLBACK (on_connection_closed), id);
  g_signal_connect (forwarder, "connection-failed", G_CALLBACK (on_connection_failed), id);
}

static void
on_tunnel_closed (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  const GError *error,
                  gpointer user_data)
{
  g_message (_ ("Tunnel %u: %s"), ist_agent_tunnel_get_id (tunnel),
             error != NULL ? error->message : _ ("stopped"));
}

static void
on_stopped (IstAgentDevice *agent,
            gpointer user_data)
{
  Program *self = user_data;

  g_main_loop_quit (self->loop);
}

/* What the outside wants */

static gboolean
on_farewell_over (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_stop (gpointer user_data)
{
  Program *self = user_data;

  if (self->stopping)
    {
      g_main_loop_quit (self->loop);
      return G_SOURCE_CONTINUE;
    }

  self->stopping = TRUE;
  tool_systemd_notify_stopping ();
  ist_agent_device_stop (self->agent);
  g_timeout_add_seconds (FAREWELL_TIME, on_farewell_over, self->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_reload (gpointer user_data)
{
  Program *self = user_data;
  g_autoptr (AgentConfig) config = NULL;
  g_autoptr (GError) error = NULL;
  gboolean needs_restart = FALSE;

  tool_systemd_notify_reloading ();
  config = agent_config_load (self->config, &error);
  if (config != NULL && agent_config_reload (config, self->agent, &needs_restart, &error))
    g_message (_ ("The configuration was read again"));
  else
    g_warning (_ ("The configuration stays as it was: %s"), error->message);
  if (needs_restart)
    g_warning (_ ("Some of what is new takes a restart: all but services, max-tunnels and max-connections"));
  tool_systemd_notify_ready (_ ("Running"));
  program_tell_status (self);
  return G_SOURCE_CONTINUE;
}

static void
program_connect_signals (Program *self)
{
  IstAgentDevice *agent = self->agent;

  g_signal_connect (agent, "notify::state", G_CALLBACK (on_state_changed), self);
  g_signal_connect (agent, "notify::n-tunnels", G_CALLBACK (on_counter_changed), self);
  g_signal_connect (agent, "notify::n-connections", G_CALLBACK (on_counter_changed), self);
  g_signal_connect (agent, "broker-lost", G_CALLBACK (on_broker_lost), self);
  g_signal_connect (agent, "notification-refused", G_CALLBACK (on_notification_refused), self);
  g_signal_connect (agent, "service-refused", G_CALLBACK (on_service_refused), self);
  g_signal_connect (agent, "tunnel-opened", G_CALLBACK (on_tunnel_opened), self);
  g_signal_connect (agent, "tunnel-closed", G_CALLBACK (on_tunnel_closed), self);
  g_signal_connect (agent, "stopped", G_CALLBACK (on_stopped), self);
}

static gboolean
program_set_up (Program *self,
                GError **error)
{
  g_autoptr (AgentConfig) config = agent_config_load (self->config, error);

  if (config == NULL)
    return FALSE;
  self->agent = agent_config_make_agent (config);
  program_connect_signals (self);
  return ist_agent_device_start (self->agent, error);
}

static int
check_config (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) faults = agent_config_check (path, &error);

  if (faults == NULL)
    {
      tool_log_fatal ("%s", error->message);
      return tool_error_get_exit_status (error);
    }
  for (guint i = 0; i < faults->len; i++)
    g_printerr ("%s\n", (const char *) g_ptr_array_index (faults, i));
  if (faults->len > 0)
    return EX_CONFIG;
  g_print (_ ("%s: nothing is wrong\n"), path);
  return EXIT_SUCCESS;
}

static int
program_run (const Options *options)
{
  Program program = { .config = options->config };
  const char *bus = options->bus != NULL ? options->bus : "system";
  g_autoptr (GError) error = NULL;
  guint interrupt;
  guint terminate;
  guint hangup;
  guint watchdog;

  if (!program_set_up (&program, &error))
    {
      tool_log_fatal ("%s", error->message);
      g_clear_object (&program.agent);
      return tool_error_get_exit_status (error);
    }

  program.loop = g_main_loop_new (NULL, FALSE);
  if (!g_str_equal (bus, "none"))
    program.bus = agent_bus_new (program.agent, bus);
  interrupt = tool_signal_watch (SIGINT, on_stop, &program);
  terminate = tool_signal_watch (SIGTERM, on_stop, &program);
  hangup = g_unix_signal_add (SIGHUP, on_reload, &program);
  watchdog = tool_systemd_start_watchdog ();
  tool_systemd_notify_ready (_ ("Running"));
  g_main_loop_run (program.loop);

  tool_signal_unwatch (interrupt);
  tool_signal_unwatch (terminate);
  g_source_remove (hangup);
  if (watchdog != 0)
    g_source_remove (watchdog);
  g_clear_pointer (&program.bus, agent_bus_free);
  g_signal_handlers_disconnect_by_data (program.agent, &program);
  g_clear_object (&program.agent);
  g_main_loop_unref (program.loop);
  return EXIT_SUCCESS;
}

int
main (int argc,
      char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GError) error = NULL;

  tool_startup_init ("ist-agent", NULL);
  if (!options_parse (&options, &argc, &argv, &error))
    return tool_startup_fail (error, tool_error_get_exit_status (error));
  tool_log_set_level (options.verbose);
  return options.check ? check_config (options.config) : program_run (&options);
}
