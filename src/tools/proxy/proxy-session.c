/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-session.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/common/tool-command.h"
#include "tools/common/tool-error.h"
#include "tools/common/tool-log.h"
#include "tools/common/tool-signals.h"
#include "tools/common/tool-stdio.h"
#include "tools/common/tool-systemd.h"
#include "tools/proxy/proxy-bindings.h"
#include "tools/proxy/proxy-command.h"
#include "tools/proxy/proxy-mapping.h"
#include "tools/proxy/proxy-ready.h"
#include "tools/proxy/proxy-status.h"

/* How long an orderly end may take, in milliseconds. */
#define STOP_TIMEOUT 1500

typedef struct
{
  ProxyConfig *config;
  GMainLoop *loop;
  IstSecureTunnel *tunnel;
  IstForwarder *forwarder;
  ProxyBindings *bindings;
  ToolOutput *output; /* standard output; NULL if nothing is told there */
  ProxyStatus *status;
  GIOStream *stdio;
  ToolCommand *command; /* NULL while none runs */
  GArray *sources;      /* ids */
  guint stop_timer;
  gboolean is_getting_ready; /* connected, and the bindings are being made */
  gboolean is_ready;
  gboolean waits_for_services; /* connected, before the service has named them */
  gboolean is_stopping;
  gboolean has_terminal;
  int exit_status;
} Session;

/* Ending */

static gboolean
on_stop_timeout (gpointer user_data)
{
  Session *self = user_data;

  self->stop_timer = 0;
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static void
session_stop (Session *self,
              int exit_status)
{
  if (self->is_stopping)
    return;
  self->is_stopping = TRUE;
  self->exit_status = exit_status;
  tool_systemd_notify_stopping ();
  proxy_bindings_cancel (self->bindings);
  ist_forwarder_close (self->forwarder);
  ist_secure_tunnel_stop (self->tunnel);
  if (self->command != NULL)
    tool_command_send_signal (self->command, SIGTERM);
  else if (ist_secure_tunnel_get_state (self->tunnel) == IST_TUNNEL_STATE_STOPPED)
    g_main_loop_quit (self->loop);
  else
    self->stop_timer = g_timeout_add (STOP_TIMEOUT, on_stop_timeout, self);
}

static void
session_fail (Session *self,
              const GError *error)
{
  if (self->is_stopping)
    return;
  tool_log_fatal ("%s", error->message);
  /* The tunnel was made with what the command line says; this is of its surroundings. */
  session_stop (self, g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING)
                        ? EX_CONFIG
                        : tool_error_get_exit_status (error));
}

/* The command */

static void
on_command_end (int exit_status,
                gpointer user_data)
{
  Session *self = user_data;

  g_clear_pointer (&self->command, tool_command_free);
  if (!self->is_stopping)
    session_stop (self, exit_status);
  else
    g_main_loop_quit (self->loop);
}

static gboolean
session_run_command (Session *self,
                     GError **error)
{
  const char *const *services = (const char *const *) self->config->open_request->services;
  g_auto (GStrv) command = proxy_command_expand ((const char *const *) self->config->command, services,
                                                 proxy_bindings_get_list (self->bindings), error);

  if (command == NULL)
    return FALSE;
  self->command = tool_command_start ((const char *const *) command, NULL, on_command_end, self, error);
  return self->command != NULL;
}

/* Getting ready */

static gboolean
session_carry_stdio (Session *self,
                     const char *const *services,
                     GError **error)
{
  const char *service;

  if (!proxy_config_choose_service (self->config, services, &service, error))
    return FALSE;
  self->stdio = tool_stdio_new (error);
  return self->stdio != NULL && ist_forwarder_forward (self->forwarder, service, self->stdio, error);
}

static gboolean
session_tell_ready (Session *self,
                    GError **error)
{
  return proxy_ready_tell (self->config, ist_secure_tunnel_get_service_ids (self->tunnel),
                           proxy_bindings_get_list (self->bindings), self->output, error);
}

/* All bindings are there. */
static gboolean
session_get_ready (Session *self,
                   GError **error)
{
  if (self->config->is_stdio)
    return session_carry_stdio (self, ist_secure_tunnel_get_service_ids (self->tunnel), error);

  if (!session_tell_ready (self, error))
    return FALSE;
  return self->config->command == NULL || session_run_command (self, error);
}

/* The tunnel */

static void
session_notify_connected (Session *self)
{
  proxy_ready_notify (self->config, ist_secure_tunnel_get_service_ids (self->tunnel),
                      proxy_bindings_get_list (self->bindings));
}

/* Whether something was said of services that the tunnel has to have. */
static gboolean
session_names_services (Session *self)
{
  if (self->config->is_stdio)
    return self->config->stdio_service != NULL;
  for (guint i = 0; i < self->config->mappings->len; i++)
    {
      if (((ProxyMapping *) g_ptr_array_index (self->config->mappings, i))->service != NULL)
        return TRUE;
    }
  return FALSE;
}

static void
session_become_ready (Session *self)
{
  g_autoptr (GError) error = NULL;

  if (!self->is_ready && !session_get_ready (self, &error))
    {
      session_fail (self, error);
      return;
    }
  self->is_ready = TRUE;
  session_notify_connected (self);
}

static void
on_rest_added (GObject *source,
               GAsyncResult *result,
               gpointer user_data)
{
  Session *self = user_data;
  g_autoptr (GError) error = NULL;

  self->is_getting_ready = FALSE;
  if (proxy_bindings_finish (result, &error))
    session_become_ready (self);
  else
    session_fail (self, error);
}

/* Connected, and the services are known. */
static void
session_use_tunnel (Session *self)
{
  if (self->is_ready || self->config->is_stdio)
    {
      session_become_ready (self);
      return;
    }
  /* It has connected again meanwhile. */
  if (self->is_getting_ready)
    return;
  self->is_getting_ready = TRUE;
  proxy_bindings_add_rest_async (self->bindings, ist_secure_tunnel_get_service_ids (self->tunnel), on_rest_added, self);
}

static void
on_services_known (IstSecureTunnel *tunnel,
                   GParamSpec *pspec,
                   Session *self)
{
  if (!self->waits_for_services || !ist_secure_tunnel_get_service_ids_known (tunnel))
    return;
  self->waits_for_services = FALSE;
  session_use_tunnel (self);
}

static void
on_connection_success (IstSecureTunnel *tunnel,
                       const char *const *services,
                       Session *self)
{
  g_message ("Successfully established websocket connection to %s",
             proxy_config_get_endpoint (self->config));
  /* It is for the service to say that it has none of those that are wanted. */
  self->waits_for_services = !self->is_ready && !ist_secure_tunnel_get_service_ids_known (tunnel) &&
                             session_names_services (self);
  if (self->waits_for_services)
    {
      g_warning (_ ("The service has not named the services of the tunnel; waiting until it does"));
      return;
    }
  session_use_tunnel (self);
}

/* A failure that the tunnel wants to get over. */
static void
session_handle_failure (Session *self,
                        const char *what,
                        const GError *error)
{
  if (!self->config->settings.reconnect_on_data_error &&
      g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL))
    {
      session_fail (self, error);
      return;
    }
  g_warning ("%s: %s", what, error->message);
  tool_systemd_notify_status (error->message);
}

static void
on_connection_failure (IstSecureTunnel *tunnel,
                       const GError *error,
                       gboolean will_retry,
                       Session *self)
{
  if (will_retry)
    session_handle_failure (self, _ ("Can't connect, trying again"), error);
}

static void
on_connection_shutdown (IstSecureTunnel *tunnel,
                        const GError *error,
                        Session *self)
{
  self->waits_for_services = FALSE;
  if (error != NULL && ist_secure_tunnel_get_state (tunnel) == IST_TUNNEL_STATE_WAITING)
    session_handle_failure (self, _ ("The connection is lost, reconnecting"), error);
}

static void
on_stopped (IstSecureTunnel *tunnel,
            Session *self)
{
  const GError *error = ist_secure_tunnel_get_last_error (tunnel);

  if (!self->is_stopping && error != NULL)
    session_fail (self, error);
  /* Who waits for the tunnel's end must not be left behind. */
  if (self->command == NULL)
    g_main_loop_quit (self->loop);
}

/* Connections */

/* In the reference proxy's words, which scripts wait for. */
static void
session_tell_target (IstForwarderConnection *connection)
{
  GSocketAddress *address = ist_forwarder_connection_get_address (connection);
  g_autofree char *text = NULL;

  if (address == NULL)
    return;
  text = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
  g_message ("Connected to %s", text);
}

static void
on_connection_opened (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      Session *self)
{
  g_autofree char *text = proxy_describe_connection (connection);

  g_info (_ ("Connection opened: %s"), text);
  if (self->config->mode == IST_MODE_DESTINATION)
    session_tell_target (connection);
}

static void
on_connection_closed (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      const GError *error,
                      Session *self)
{
  g_autofree char *text = proxy_describe_connection (connection);
  g_autofree char *in = NULL;
  g_autofree char *out = NULL;

  in = g_format_size_full (ist_forwarder_connection_get_bytes_in (connection), G_FORMAT_SIZE_LONG_FORMAT);
  out = g_format_size_full (ist_forwarder_connection_get_bytes_out (connection), G_FORMAT_SIZE_LONG_FORMAT);
  g_info (_ ("Connection closed: %s: %s received, %s sent%s%s"), text, in, out, error != NULL ? ": " : "",
          error != NULL ? error->message : "");
  if (!self->config->is_stdio)
    return;
  if (error != NULL)
    session_fail (self, error);
  else
    session_stop (self, EXIT_SUCCESS);
}

static void
on_connection_failed (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      const GError *error,
                      Session *self)
{
  g_autofree char *text = proxy_describe_connection (connection);

  if (self->config->is_stdio)
    session_fail (self, error);
  else if (!self->is_stopping)
    g_warning (_ ("Connection failed: %s: %s"), text, error->message);
}

/* Signals */

static void
session_free_status (Session *self)
{
  g_clear_pointer (&self->status, proxy_status_free);
}

static gboolean
session_on_end (Session *self,
                int number)
{
  if (self->command != NULL)
    {
      tool_command_pass_on (self->command, number);
      return G_SOURCE_CONTINUE;
    }
  if (!self->is_stopping)
    {
      /* A command that has never run is no success. */
      session_stop (self, self->config->command != NULL ? TOOL_SIGNAL_EXIT_STATUS + number : EXIT_SUCCESS);
      return G_SOURCE_CONTINUE;
    }
  /* Who asks twice wants it at once; but the tunnel is to be closed. */
  if (self->config->open_request != NULL)
    {
      g_main_loop_quit (self->loop);
      return G_SOURCE_CONTINUE;
    }
  session_free_status (self);
  g_clear_object (&self->stdio);
  g_clear_pointer (&self->output, tool_output_free);
  if (self->config->port_file != NULL && self->is_ready)
    g_unlink (self->config->port_file);
  signal (number, SIG_DFL);
  raise (number);
  return G_SOURCE_REMOVE;
}

static gboolean
on_interrupt (gpointer user_data)
{
  return session_on_end (user_data, SIGINT);
}

static gboolean
on_terminate (gpointer user_data)
{
  return session_on_end (user_data, SIGTERM);
}

static gboolean
has_terminal (void)
{
  int fd = open ("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

  if (fd == -1)
    return FALSE;
  close (fd);
  return TRUE;
}

static void
on_reloaded (GObject *source,
             GAsyncResult *result,
             gpointer user_data)
{
  Session *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!proxy_bindings_finish (result, &error) && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (error != NULL || !session_tell_ready (self, &error))
    g_warning (_ ("Not all could be reloaded: %s"), error->message);
  session_notify_connected (self);
}

static gboolean
session_reload (Session *self,
                GError **error)
{
  GPtrArray *mappings = proxy_config_load_mappings (self->config, error);

  if (mappings == NULL)
    return FALSE;
  g_ptr_array_unref (self->config->mappings);
  self->config->mappings = mappings;
  proxy_bindings_reload_async (self->bindings, ist_secure_tunnel_get_service_ids (self->tunnel), on_reloaded, self);
  return TRUE;
}

/* To a program on a terminal this signal says that the terminal is gone, to
 * any other one that its configuration has changed. */
static gboolean
on_hangup (gpointer user_data)
{
  Session *self = user_data;
  g_autoptr (GError) error = NULL;

  if (self->has_terminal || self->config->is_stdio || self->config->open_request != NULL)
    return session_on_end (self, SIGHUP);

  if (!self->is_ready)
    return G_SOURCE_CONTINUE;
  tool_systemd_notify_reloading ();
  if (self->config->folder == NULL || proxy_bindings_are_from_systemd (self->bindings))
    g_message (_ ("There is nothing to reload"));
  else if (session_reload (self, &error))
    return G_SOURCE_CONTINUE;
  else
    g_warning (_ ("Nothing is changed: %s"), error->message);
  session_notify_connected (self);
  return G_SOURCE_CONTINUE;
}

static void
session_watch_signals (Session *self)
{
  static const struct
  {
    int number;
    GSourceFunc func;
  } watched[] = {
    { SIGINT, on_interrupt },
    { SIGTERM, on_terminate },
    { SIGHUP, on_hangup },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (watched); i++)
    {
      guint id = tool_signal_watch (watched[i].number, watched[i].func, self);

      if (id != 0)
        g_array_append_val (self->sources, id);
    }
}

/* From the beginning to the end */

static gboolean
session_prepare (Session *self,
                 GError **error)
{
  self->tunnel = proxy_config_make_tunnel (self->config, error);
  if (self->tunnel == NULL)
    return FALSE;
  self->forwarder = proxy_config_make_forwarder (self->config, self->tunnel);
  self->bindings = proxy_bindings_new (self->config, self->forwarder, error);
  return self->bindings != NULL;
}

static void
session_connect_signals (Session *self)
{
  g_signal_connect (self->tunnel, "connection-success", G_CALLBACK (on_connection_success), self);
  g_signal_connect (self->tunnel, "notify::service-ids-known", G_CALLBACK (on_services_known), self);
  g_signal_connect (self->tunnel, "connection-failure", G_CALLBACK (on_connection_failure), self);
  g_signal_connect (self->tunnel, "connection-shutdown", G_CALLBACK (on_connection_shutdown), self);
  g_signal_connect (self->tunnel, "stopped", G_CALLBACK (on_stopped), self);
  g_signal_connect (self->forwarder, "connection-opened", G_CALLBACK (on_connection_opened), self);
  g_signal_connect (self->forwarder, "connection-closed", G_CALLBACK (on_connection_closed), self);
  g_signal_connect (self->forwarder, "connection-failed", G_CALLBACK (on_connection_failed), self);
}

static void
session_start_tunnel (Session *self)
{
  const char *endpoint = proxy_config_get_endpoint (self->config);
  g_autoptr (GError) error = NULL;

  if (self->config->shows_status)
    self->status = proxy_status_new (self->forwarder, endpoint, self->output);
  g_message (_ ("Connecting to %s as %s"), endpoint,
             self->config->mode == IST_MODE_SOURCE ? _ ("source") : _ ("destination"));
  if (!ist_secure_tunnel_start (self->tunnel, &error))
    session_fail (self, error);
}

static void
on_named_added (GObject *source,
                GAsyncResult *result,
                gpointer user_data)
{
  Session *self = user_data;
  g_autoptr (GError) error = NULL;

  if (proxy_bindings_finish (result, &error))
    {
      session_start_tunnel (self);
    }
  else if (!self->is_stopping)
    {
      tool_log_fatal ("%s", error->message);
      session_stop (self, tool_error_get_exit_status (error));
    }
}

static void
session_begin (Session *self)
{
  guint watchdog = tool_systemd_start_watchdog ();

  if (watchdog != 0)
    g_array_append_val (self->sources, watchdog);
  session_watch_signals (self);
  session_connect_signals (self);
  proxy_bindings_add_named_async (self->bindings, on_named_added, self);
}

static void
session_clear (Session *self)
{
  session_free_status (self);
  for (guint i = 0; i < self->sources->len; i++)
    g_source_remove (g_array_index (self->sources, guint, i));
  g_array_unref (self->sources);
  if (self->stop_timer != 0)
    g_source_remove (self->stop_timer);
  if (self->config->port_file != NULL && self->is_ready)
    g_unlink (self->config->port_file);
  if (self->tunnel != NULL)
    g_signal_handlers_disconnect_by_data (self->tunnel, self);
  if (self->forwarder != NULL)
    g_signal_handlers_disconnect_by_data (self->forwarder, self);
  g_clear_pointer (&self->bindings, proxy_bindings_free);
  g_clear_object (&self->forwarder);
  g_clear_object (&self->tunnel);
  g_clear_object (&self->stdio);
  g_clear_pointer (&self->output, tool_output_free);
  g_clear_pointer (&self->command, tool_command_free);
  g_main_loop_unref (self->loop);
}

int
proxy_session_run (ProxyConfig *config)
{
  g_autoptr (GError) error = NULL;
  Session self = {
    .config = config,
    .loop = g_main_loop_new (NULL, FALSE),
    .sources = g_array_new (FALSE, FALSE, sizeof (guint)),
    .has_terminal = has_terminal (),
  };

  if (config->tells_json || config->shows_status)
    self.output = tool_output_new (STDOUT_FILENO, NULL, NULL);
  if (session_prepare (&self, &error))
    {
      session_begin (&self);
      g_main_loop_run (self.loop);
    }
  else
    {
      tool_log_fatal ("%s", error->message);
      self.exit_status = tool_error_get_exit_status (error);
    }
  session_clear (&self);
  return self.exit_status;
}
