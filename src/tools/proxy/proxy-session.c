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

#include "tools/common/tool-error.h"
#include "tools/common/tool-log.h"
#include "tools/common/tool-signals.h"
#include "tools/common/tool-systemd.h"
#include "tools/proxy/proxy-command.h"
#include "tools/proxy/proxy-mapping.h"
#include "tools/proxy/proxy-ready.h"
#include "tools/proxy/proxy-status.h"
#include "tools/proxy/proxy-stdio.h"

/* How long an orderly end may take, in milliseconds. */
#define STOP_TIMEOUT 1500

typedef struct
{
  ProxyConfig *config;
  GMainLoop *loop;
  IstSecureTunnel *tunnel;
  IstForwarder *forwarder;
  GPtrArray *bindings; /* ProxyBinding */
  GPtrArray *sockets;  /* ToolSystemdSocket */
  ToolOutput *output;  /* standard output; NULL if nothing is told there */
  ProxyStatus *status;
  GIOStream *stdio;
  ProxyCommand *command; /* NULL while none runs */
  guint n_requests;      /* to end the command */
  GArray *sources;       /* ids */
  guint stop_timer;
  gboolean is_ready;
  gboolean waits_for_services; /* connected, before the service has named them */
  gboolean listens_anywhere;   /* nobody said where */
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
  ist_forwarder_close (self->forwarder);
  ist_secure_tunnel_stop (self->tunnel);
  if (self->command != NULL)
    proxy_command_send_signal (self->command, SIGTERM);
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

/* Services and where they are on this machine */

static void
session_add_binding (Session *self,
                     const char *service,
                     const char *address,
                     guint port)
{
  ProxyBinding *binding = g_new (ProxyBinding, 1);

  binding->service = g_strdup (service);
  binding->address = g_strdup (address);
  binding->port = port;
  g_ptr_array_add (self->bindings, binding);
  if (self->config->mode == IST_MODE_DESTINATION)
    g_message (_ ("Service %s: connecting to %s"), service != NULL ? service : "-", address);
  else if (port != 0)
    g_message (_ ("Service %s: listening on port %u"), service != NULL ? service : "-", port);
  else
    g_message (_ ("Service %s: listening on %s"), service != NULL ? service : "-", address);
}

static gboolean
session_listen (Session *self,
                const char *service,
                const char *address,
                GError **error)
{
  g_autoptr (GError) local = NULL;
  guint port;

  if (ist_forwarder_listen (self->forwarder, service, address, &port, &local))
    {
      session_add_binding (self, service, address, port);
      return TRUE;
    }
  g_set_error_literal (error, TOOL_ERROR, local->domain == IST_TUNNEL_ERROR ? EX_USAGE : EX_UNAVAILABLE,
                       local->message);
  return FALSE;
}

static gboolean
session_add_mapping (Session *self,
                     const ProxyMapping *mapping,
                     GError **error)
{
  if (self->config->mode == IST_MODE_SOURCE)
    return session_listen (self, mapping->service, mapping->address, error);
  if (!ist_forwarder_add_target (self->forwarder, mapping->service, mapping->address, error))
    return FALSE;
  session_add_binding (self, mapping->service, mapping->address, 0);
  return TRUE;
}

/* What was named on the command line is tried before the tunnel is: a token
 * may be good for one connection only. */
static gboolean
session_add_named (Session *self,
                   GError **error)
{
  GPtrArray *mappings = self->config->mappings;

  for (guint i = 0; i < mappings->len; i++)
    {
      const ProxyMapping *mapping = g_ptr_array_index (mappings, i);

      if (!mapping->from_folder && !session_add_mapping (self, mapping, error))
        return FALSE;
    }
  return TRUE;
}

/* A folder may have services of many tunnels. */
static gboolean
session_add_from_folder (Session *self,
                         const char *const *services,
                         GError **error)
{
  GPtrArray *mappings = self->config->mappings;

  for (guint i = 0; i < mappings->len; i++)
    {
      const ProxyMapping *mapping = g_ptr_array_index (mappings, i);

      if (mapping->from_folder && g_strv_contains (services, mapping->service) &&
          !session_add_mapping (self, mapping, error))
        return FALSE;
    }
  return TRUE;
}

/* A source to which nobody said where to listen. */
static gboolean
session_listen_anywhere (Session *self,
                         const char *const *services,
                         GError **error)
{
  if (services[0] == NULL)
    return session_listen (self, NULL, "0", error);
  for (gsize i = 0; services[i] != NULL; i++)
    {
      if (!session_listen (self, services[i], "0", error))
        return FALSE;
    }
  return TRUE;
}

/* The sockets' names are those of the services; the name of the only one doesn't matter. */
static gboolean
session_use_sockets (Session *self,
                     const char *const *services,
                     GError **error)
{
  for (guint i = 0; i < self->sockets->len; i++)
    {
      const ToolSystemdSocket *socket = g_ptr_array_index (self->sockets, i);
      const char *service = g_strv_contains (services, socket->name) ? socket->name : NULL;
      g_autoptr (GSocketAddress) address = g_socket_get_local_address (socket->socket, error);
      g_autofree char *text = NULL;

      if (address == NULL)
        return FALSE;
      if (service == NULL && (self->sockets->len > 1 || g_strv_length ((char **) services) > 1))
        {
          g_warning (_ ("The tunnel has no service “%s”, which is the name of a socket"), socket->name);
          continue;
        }
      if (!ist_forwarder_listen_socket (self->forwarder, service, socket->socket, error))
        return FALSE;
      text = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
      session_add_binding (self, service, text,
                           G_IS_INET_SOCKET_ADDRESS (address)
                             ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address))
                             : 0);
    }
  return TRUE;
}

/* Whether any service of the tunnel has an address here at all. */
static gboolean
session_check_services (Session *self,
                        const char *const *services,
                        GError **error)
{
  g_autofree char *names = g_strjoinv (", ", (char **) services);
  gboolean has_any = FALSE;
  guint i;

  for (i = 0; i < self->bindings->len; i++)
    {
      const ProxyBinding *binding = g_ptr_array_index (self->bindings, i);

      if (binding->service == NULL && g_strv_length ((char **) services) > 1)
        {
          g_set_error (error, TOOL_ERROR, EX_CONFIG,
                       _ ("The tunnel has several services, %s: say which one is meant, as in %s=%s"), names,
                       services[0], binding->address);
          return FALSE;
        }
      if (binding->service == NULL || g_strv_contains (services, binding->service))
        has_any = TRUE;
      else if (services[0] == NULL)
        g_warning (_ ("The tunnel has no services, so none is called “%s”"), binding->service);
      else
        g_warning (_ ("The tunnel has no service “%s”; it has: %s"), binding->service, names);
    }
  if (has_any)
    return TRUE;
  if (services[0] == NULL)
    g_set_error_literal (error, TOOL_ERROR, EX_CONFIG,
                         _ ("The tunnel has no services: give an address without the name of one"));
  else
    g_set_error (error, TOOL_ERROR, EX_CONFIG,
                 _ ("No address is given for any service of the tunnel; it has: %s"), names);
  return FALSE;
}

static void
session_warn_of_others (Session *self,
                        const char *const *services)
{
  for (gsize i = 0; services[i] != NULL; i++)
    {
      gboolean found = FALSE;

      for (guint j = 0; j < self->bindings->len && !found; j++)
        {
          const ProxyBinding *binding = g_ptr_array_index (self->bindings, j);

          found = binding->service == NULL || g_str_equal (binding->service, services[i]);
        }
      if (!found)
        g_warning (_ ("No address is given for the tunnel's service “%s”: its connections are refused"),
                   services[i]);
    }
}

static gboolean
session_carry_stdio (Session *self,
                     const char *const *services,
                     GError **error)
{
  const char *service = self->config->stdio_service;

  if (service == NULL && g_strv_length ((char **) services) > 1)
    {
      g_autofree char *names = g_strjoinv (", ", (char **) services);

      g_set_error (error, TOOL_ERROR, EX_CONFIG,
                   _ ("The tunnel has several services, %s: say which one is meant, as in --stdio=%s"), names,
                   services[0]);
      return FALSE;
    }
  self->stdio = proxy_stdio_new (error);
  return self->stdio != NULL && ist_forwarder_forward (self->forwarder, service, self->stdio, error);
}

static gboolean
session_tell_ready (Session *self,
                    GError **error)
{
  if (self->config->port_file != NULL &&
      !proxy_ready_port_file (self->config->port_file, self->tunnel, self->bindings, error))
    return FALSE;
  return !self->config->tells_json ||
         proxy_ready_json (self->tunnel, self->bindings, self->output, error);
}

/* The command */

static void
on_command_end (int exit_status,
                gpointer user_data)
{
  Session *self = user_data;

  g_clear_pointer (&self->command, proxy_command_free);
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
                                                 self->bindings, error);

  if (command == NULL)
    return FALSE;
  self->command = proxy_command_start ((const char *const *) command, on_command_end, self, error);
  return self->command != NULL;
}

/* What the folder has for this tunnel, or else whatever there is. */
static gboolean
session_add_others (Session *self,
                    const char *const *services,
                    GError **error)
{
  if (!session_add_from_folder (self, services, error))
    return FALSE;
  self->listens_anywhere = self->config->mode == IST_MODE_SOURCE && self->bindings->len == 0 &&
                           self->sockets->len == 0 && self->config->list == NULL;
  return !self->listens_anywhere || session_listen_anywhere (self, services, error);
}

/* The reference proxy's words, which scripts wait for: they are not translated. */
static void
session_tell_ports (Session *self)
{
  for (guint i = 0; i < self->bindings->len; i++)
    {
      const ProxyBinding *binding = g_ptr_array_index (self->bindings, i);

      if (self->config->mode == IST_MODE_SOURCE && binding->port != 0)
        g_message ("Listening for new connection on port %u", binding->port);
    }
}

static gboolean
session_get_ready (Session *self,
                   const char *const *services,
                   GError **error)
{
  if (self->config->is_stdio)
    return session_carry_stdio (self, services, error);

  if (!session_use_sockets (self, services, error) || !session_add_others (self, services, error))
    return FALSE;
  if (!session_check_services (self, services, error))
    return FALSE;
  if (self->config->mode == IST_MODE_DESTINATION)
    session_warn_of_others (self, services);
  if (!session_tell_ready (self, error))
    return FALSE;
  return self->config->command == NULL || session_run_command (self, error);
}

/* The tunnel */

static void
session_notify_connected (Session *self)
{
  g_autofree char *names = g_strjoinv (", ", (char **) ist_secure_tunnel_get_service_ids (self->tunnel));
  g_autofree char *status = g_strdup_printf (_ ("Connected; services: %s"), *names != '\0' ? names : "-");

  g_message ("%s", status);
  session_tell_ports (self);
  tool_systemd_notify_ready (status);
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

  if (!self->is_ready && !session_get_ready (self, ist_secure_tunnel_get_service_ids (self->tunnel), &error))
    {
      session_fail (self, error);
      return;
    }
  self->is_ready = TRUE;
  session_notify_connected (self);
}

static void
on_services_known (IstSecureTunnel *tunnel,
                   GParamSpec *pspec,
                   Session *self)
{
  if (!self->waits_for_services || !ist_secure_tunnel_get_service_ids_known (tunnel))
    return;
  self->waits_for_services = FALSE;
  session_become_ready (self);
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
  session_become_ready (self);
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

/* Ctrl-C goes to all of the terminal's foreground. */
static gboolean
is_foreground (void)
{
  int fd = open ("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  gboolean result;

  if (fd == -1)
    return FALSE;
  result = tcgetpgrp (fd) == getpgrp ();
  close (fd);
  return result;
}

/* It is the command's to end, and the session ends with it. */
static void
session_pass_on (Session *self,
                 int number)
{
  if (number == SIGINT && is_foreground ())
    return;
  if (number != SIGINT && self->n_requests++ > 0)
    number = SIGKILL;
  proxy_command_send_signal (self->command, number);
}

static gboolean
session_on_end (Session *self,
                int number)
{
  if (self->command != NULL)
    {
      session_pass_on (self, number);
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
session_reload (Session *self)
{
  const char *const *services = ist_secure_tunnel_get_service_ids (self->tunnel);
  g_autoptr (GPtrArray) mappings = NULL;
  g_autoptr (GError) error = NULL;

  mappings = proxy_config_load_mappings (self->config, &error);
  if (mappings == NULL)
    {
      g_warning (_ ("Nothing is changed: %s"), error->message);
      return;
    }
  g_ptr_array_unref (self->config->mappings);
  self->config->mappings = g_steal_pointer (&mappings);
  ist_forwarder_stop_listening (self->forwarder);
  g_ptr_array_set_size (self->bindings, 0);
  if (!session_add_named (self, &error) || !session_add_others (self, services, &error) ||
      !session_tell_ready (self, &error))
    g_warning (_ ("Not all could be reloaded: %s"), error->message);
}

/* To a program on a terminal this signal says that the terminal is gone, to
 * any other one that its configuration has changed. */
static gboolean
on_hangup (gpointer user_data)
{
  Session *self = user_data;

  if (self->has_terminal || self->config->is_stdio || self->config->open_request != NULL)
    return session_on_end (self, SIGHUP);

  if (!self->is_ready)
    return G_SOURCE_CONTINUE;
  tool_systemd_notify_reloading ();
  if (self->config->folder != NULL && self->sockets->len == 0)
    session_reload (self);
  else
    g_message (_ ("There is nothing to reload"));
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
  self->sockets = tool_systemd_take_sockets (error);
  if (self->sockets == NULL)
    return FALSE;
  self->forwarder = proxy_config_make_forwarder (self->config, self->tunnel);
  self->bindings = g_ptr_array_new_with_free_func ((GDestroyNotify) proxy_binding_free);
  return session_add_named (self, error);
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
session_begin (Session *self)
{
  const char *endpoint = proxy_config_get_endpoint (self->config);
  g_autoptr (GError) error = NULL;
  guint watchdog = tool_systemd_start_watchdog ();

  if (watchdog != 0)
    g_array_append_val (self->sources, watchdog);
  session_watch_signals (self);
  session_connect_signals (self);
  if (self->config->shows_status)
    self->status = proxy_status_new (self->forwarder, endpoint, self->output);
  g_message (_ ("Connecting to %s as %s"), endpoint,
             self->config->mode == IST_MODE_SOURCE ? _ ("source") : _ ("destination"));
  if (!ist_secure_tunnel_start (self->tunnel, &error))
    session_fail (self, error);
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
  g_clear_object (&self->forwarder);
  g_clear_object (&self->tunnel);
  g_clear_object (&self->stdio);
  g_clear_pointer (&self->output, tool_output_free);
  g_clear_pointer (&self->command, proxy_command_free);
  g_clear_pointer (&self->bindings, g_ptr_array_unref);
  g_clear_pointer (&self->sockets, g_ptr_array_unref);
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
