/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-share.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/tool-command.h"
#include "tools/common/tool-log.h"
#include "tools/common/tool-operator-error.h"
#include "tools/common/tool-operator-forwards.h"
#include "tools/common/tool-signals.h"
#include "tools/common/tool-stdio.h"
#include "tools/common/tool-systemd.h"
#include "tools/proxy/proxy-bindings.h"
#include "tools/proxy/proxy-command.h"
#include "tools/proxy/proxy-ready.h"

typedef struct
{
  ProxyConfig *config;
  ProxyOpenRequest *request;
  GMainLoop *loop;
  ToolOperatorForwards *forwards;
  ProxyBindings *bindings;
  GAsyncResult *result; /* of the bindings that are being made */
  ToolOutput *output;
  ToolCommand *command; /* NULL while none runs */
  gboolean is_ready;
  gboolean is_over;
  int exit_status; /* once it is over */
} Share;

static void
share_end (Share *self,
           int exit_status)
{
  if (!self->is_over)
    self->exit_status = exit_status;
  self->is_over = TRUE;
  g_main_loop_quit (self->loop);
}

/* Takes @error. */
static void
share_fail (Share *self,
            GError *error)
{
  error = proxy_open_request_explain (self->request, error);
  if (!self->is_over)
    tool_log_fatal ("%s", error->message);
  share_end (self, tool_operator_error_get_exit_status (error));
  g_error_free (error);
}

/* Signals */

static void
on_signal (int number,
           gpointer user_data)
{
  Share *self = user_data;

  if (self->command != NULL)
    {
      tool_command_pass_on (self->command, number);
      return;
    }
  /* A command that has never run is no success. */
  share_end (self, self->is_ready ? EXIT_SUCCESS : TOOL_SIGNAL_EXIT_STATUS + number);
  tool_operator_link_cancel (self->request->link);
}

/* Listening */

static void
on_lost (const GError *error,
         gpointer user_data)
{
  Share *self = user_data;

  share_fail (self, g_error_copy (error));
}

/* ist-operator works in another folder. */
static char *
make_absolute (const char *address)
{
  const char *prefix = "unix:";

  return g_str_has_prefix (address, prefix) ? g_canonicalize_filename (address + strlen (prefix), NULL)
                                            : g_strdup (address);
}

static gboolean
share_listen (ProxyBinding *binding,
              gpointer user_data,
              GError **error)
{
  Share *self = user_data;
  const char *service = binding->service != NULL ? binding->service : self->request->services[0];
  g_autofree char *wanted = make_absolute (binding->address);
  const char *address = tool_operator_forwards_add (self->forwards, service, wanted, FALSE, error);

  if (address != NULL)
    proxy_binding_set_place (binding, address, NULL, 0);
  return address != NULL;
}

static void
on_bound (GObject *source,
          GAsyncResult *result,
          gpointer user_data)
{
  Share *self = user_data;

  self->result = g_object_ref (result);
  g_main_loop_quit (self->loop);
}

/* Of the bindings that were begun with on_bound(). */
static gboolean
share_await_bindings (Share *self,
                      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  while (self->result == NULL)
    g_main_loop_run (self->loop);
  result = g_steal_pointer (&self->result);
  return proxy_bindings_finish (result, error);
}

/* The tunnel */

static gboolean
share_open (Share *self,
            GError **error)
{
  const char *const *services = (const char *const *) self->request->services;
  g_autoptr (GError) local = NULL;
  g_autofree char *path = NULL;

  g_message (_ ("Sharing the tunnels to “%s” with other programs"), self->request->thing);
  path = tool_operator_link_open (self->request->link, &self->request->settings, self->request->thing, services, FALSE,
                                  &local);
  if (path != NULL)
    return TRUE;
  /* It may come before somebody connects. */
  if (self->config->command == NULL && !self->config->is_stdio &&
      g_error_matches (local, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED))
    {
      g_warning ("%s", local->message);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Standard input and output */

static gboolean
share_carry_stdio (Share *self,
                   GError **error)
{
  const char *const *services = (const char *const *) self->request->services;
  g_autoptr (GIOStream) stdio = NULL;
  const char *service;

  if (!proxy_config_choose_service (self->config, services, &service, error) || !share_open (self, error))
    return FALSE;
  stdio = tool_stdio_new (error);
  if (stdio == NULL)
    return FALSE;
  self->is_ready = TRUE;
  return tool_operator_link_carry (self->request->link, &self->request->settings, self->request->thing, service, stdio,
                                   error);
}

/* Ports, and a command */

static void
on_command_end (int exit_status,
                gpointer user_data)
{
  Share *self = user_data;

  g_clear_pointer (&self->command, tool_command_free);
  share_end (self, exit_status);
}

static gboolean
share_run_command (Share *self,
                   GError **error)
{
  const char *const *services = (const char *const *) self->request->services;
  g_auto (GStrv) command = proxy_command_expand ((const char *const *) self->config->command, services,
                                                 proxy_bindings_get_list (self->bindings), error);

  if (command == NULL)
    return FALSE;
  self->command = tool_command_start ((const char *const *) command, NULL, on_command_end, self, error);
  return self->command != NULL;
}

/* In the order in which nothing is paid for in vain: an address may be taken. */
static gboolean
share_get_ready (Share *self,
                 GError **error)
{
  const char *const *services = (const char *const *) self->request->services;

  proxy_bindings_add_named_async (self->bindings, on_bound, self);
  if (!share_await_bindings (self, error) || !share_open (self, error))
    return FALSE;
  if (self->is_over)
    return TRUE;
  proxy_bindings_add_rest_async (self->bindings, services, on_bound, self);
  if (!share_await_bindings (self, error) ||
      !proxy_ready_tell (self->config, services, proxy_bindings_get_list (self->bindings), self->output, error))
    return FALSE;
  self->is_ready = TRUE;
  proxy_ready_notify (self->config, services, proxy_bindings_get_list (self->bindings));
  return self->config->command == NULL || share_run_command (self, error);
}

/* A command is left to its end, whatever else has ended. */
static gboolean
share_serve (Share *self,
             GError **error)
{
  if (!share_get_ready (self, error))
    return FALSE;
  while (!self->is_over)
    g_main_loop_run (self->loop);
  if (self->command != NULL)
    tool_command_send_signal (self->command, SIGTERM);
  while (self->command != NULL)
    g_main_loop_run (self->loop);
  return TRUE;
}

/* From the beginning to the end */

static void
share_run (Share *self)
{
  g_autoptr (GError) error = NULL;
  gboolean is_good;

  if (self->config->is_stdio)
    {
      is_good = share_carry_stdio (self, &error);
    }
  else
    {
      self->forwards = tool_operator_forwards_new (self->request->link, &self->request->settings, self->request->thing,
                                                   on_lost, self);
      self->bindings = proxy_bindings_new_with_listen (self->config, share_listen, self);
      is_good = share_serve (self, &error);
    }
  if (is_good)
    share_end (self, EXIT_SUCCESS);
  else
    share_fail (self, g_steal_pointer (&error));
}

static void
share_clear (Share *self)
{
  if (self->config->port_file != NULL && self->is_ready)
    g_unlink (self->config->port_file);
  g_clear_pointer (&self->bindings, proxy_bindings_free);
  g_clear_pointer (&self->forwards, tool_operator_forwards_free);
  g_clear_pointer (&self->output, tool_output_free);
  g_clear_pointer (&self->command, tool_command_free);
  g_main_loop_unref (self->loop);
}

int
proxy_share_run (ProxyConfig *config)
{
  Share self = { .config = config, .request = config->open_request, .loop = g_main_loop_new (NULL, FALSE) };
  guint watchdog = tool_systemd_start_watchdog ();
  ToolSignals *signals;

  if (config->tells_json)
    self.output = tool_output_new (STDOUT_FILENO, NULL, NULL);
  signals = tool_signals_new (on_signal, &self);
  share_run (&self);
  tool_systemd_notify_stopping ();
  tool_signals_free (signals);
  if (watchdog != 0)
    g_source_remove (watchdog);
  share_clear (&self);
  return self.exit_status;
}
