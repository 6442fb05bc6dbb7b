/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-run.h"

#include <glib/gi18n.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-log.h"
#include "tools/common/tool-signals.h"
#include "tools/proxy/proxy-control.h"
#include "tools/proxy/proxy-credentials.h"
#include "tools/proxy/proxy-session.h"

/* Milliseconds; between two looks at the tunnel, and two attempts to close it. */
#define PAUSE 1000

#define CLOSE_ATTEMPTS 3

typedef struct
{
  ProxyConfig *config;
  ProxyControl *control;
  GMainLoop *loop;
  GCancellable *cancellable; /* of the wait for the device */
  char *tunnel_id;           /* NULL while there is no tunnel */
  gboolean has_session;      /* which minds the signals */
  guint n_signals;
  int signal;
} ProxyRun;

/* Signals: they must not end the program while there is a tunnel to close. */

static gboolean
run_on_signal (ProxyRun *self,
               int number)
{
  if (self->has_session)
    return G_SOURCE_CONTINUE;
  self->signal = number;
  g_cancellable_cancel (self->cancellable);
  if (self->n_signals++ == 0)
    return G_SOURCE_CONTINUE;
  /* Who asks twice wants it at once. */
  g_warning (_ ("The tunnel may stay open until its lifetime is over"));
  signal (number, SIG_DFL);
  raise (number);
  return G_SOURCE_REMOVE;
}

static gboolean
on_interrupt (gpointer user_data)
{
  return run_on_signal (user_data, SIGINT);
}

static gboolean
on_terminate (gpointer user_data)
{
  return run_on_signal (user_data, SIGTERM);
}

static gboolean
on_hangup (gpointer user_data)
{
  return run_on_signal (user_data, SIGHUP);
}

/* Calls */

typedef struct
{
  GMainLoop *loop;
  JsonNode *answer;
  GError *error;
} Call;

static void
on_answer (GObject *source,
           GAsyncResult *result,
           gpointer user_data)
{
  Call *call = user_data;

  call->answer = proxy_control_call_finish (result, &call->error);
  g_main_loop_quit (call->loop);
}

static JsonNode *
run_call (ProxyRun *self,
          const char *operation,
          JsonBuilder *request,
          GCancellable *cancellable,
          GError **error)
{
  g_autoptr (JsonNode) root = json_builder_get_root (request);
  Call call = { .loop = self->loop };

  proxy_control_call (self->control, operation, root, cancellable, on_answer, &call);
  g_main_loop_run (self->loop);
  if (call.error != NULL)
    g_propagate_error (error, call.error);
  return call.answer;
}

static gboolean
on_pause_over (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_CONTINUE;
}

static void
on_cancelled (GCancellable *cancellable,
              gpointer loop)
{
  g_main_loop_quit (loop);
}

static void
run_pause (ProxyRun *self,
           GCancellable *cancellable)
{
  guint timeout = g_timeout_add (PAUSE, on_pause_over, self->loop);
  gulong id = 0;

  if (cancellable != NULL)
    id = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_cancelled), self->loop);
  if (!g_cancellable_is_cancelled (cancellable))
    g_main_loop_run (self->loop);
  g_source_remove (timeout);
  if (cancellable != NULL)
    g_signal_handler_disconnect (cancellable, id);
}

/* Opening */

static JsonBuilder *
make_open_tunnel (const ProxyOpenRequest *request)
{
  JsonBuilder *builder = json_builder_new_immutable ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "description");
  json_builder_add_string_value (builder, "ist-proxy");
  json_builder_set_member_name (builder, "destinationConfig");
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "thingName");
  json_builder_add_string_value (builder, request->thing);
  json_builder_set_member_name (builder, "services");
  json_builder_begin_array (builder);
  for (gsize i = 0; request->services[i] != NULL; i++)
    json_builder_add_string_value (builder, request->services[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  if (request->lifetime != 0)
    {
      json_builder_set_member_name (builder, "timeoutConfig");
      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "maxLifetimeTimeoutMinutes");
      json_builder_add_int_value (builder, request->lifetime);
      json_builder_end_object (builder);
    }
  json_builder_end_object (builder);
  return builder;
}

static gboolean
run_open (ProxyRun *self,
          GError **error)
{
  const ProxyOpenRequest *request = self->config->open_request;
  g_autoptr (JsonBuilder) builder = make_open_tunnel (request);
  g_autoptr (JsonNode) answer = NULL;

  g_message (_ ("Opening a tunnel to “%s” at %s"), request->thing, request->url);
  /* Not to be cancelled: a tunnel that nobody knows of could not be closed. */
  answer = run_call (self, "OpenTunnel", builder, NULL, error);
  if (answer == NULL)
    return FALSE;
  self->tunnel_id = g_strdup (proxy_control_get_string (answer, "tunnelId"));
  self->config->access_token = g_strdup (proxy_control_get_string (answer, "sourceAccessToken"));
  if (self->tunnel_id == NULL || self->config->access_token == NULL)
    {
      g_set_error (error, TOOL_ERROR, EX_PROTOCOL, _ ("%s: %s does not answer like the service"), "OpenTunnel",
                   request->url);
      return FALSE;
    }
  g_message (_ ("Tunnel %s is open"), self->tunnel_id);
  return TRUE;
}

/* Waiting */

static JsonBuilder *
make_tunnel_request (const char *tunnel_id,
                     gboolean deletes)
{
  JsonBuilder *builder = json_builder_new_immutable ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "tunnelId");
  json_builder_add_string_value (builder, tunnel_id);
  if (deletes)
    {
      json_builder_set_member_name (builder, "delete");
      json_builder_add_boolean_value (builder, TRUE);
    }
  json_builder_end_object (builder);
  return builder;
}

/* A look that fails may be better the next time, unless it says that it won't. */
static gboolean
run_check_device (ProxyRun *self,
                  gboolean *connected,
                  GError **error)
{
  g_autoptr (JsonBuilder) request = make_tunnel_request (self->tunnel_id, FALSE);
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) local = NULL;
  JsonNode *tunnel;
  JsonNode *state;

  answer = run_call (self, "DescribeTunnel", request, self->cancellable, &local);
  if (answer == NULL && !g_error_matches (local, TOOL_ERROR, EX_TEMPFAIL) &&
      !g_error_matches (local, TOOL_ERROR, EX_UNAVAILABLE))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (answer == NULL)
    {
      g_warning ("%s", local->message);
      return TRUE;
    }
  tunnel = proxy_control_get_member (answer, "tunnel");
  if (g_strcmp0 (proxy_control_get_string (tunnel, "status"), "CLOSED") == 0)
    {
      g_set_error_literal (error, TOOL_ERROR, EX_NOPERM, _ ("Somebody has closed the tunnel"));
      return FALSE;
    }
  state = proxy_control_get_member (tunnel, "destinationConnectionState");
  *connected = g_strcmp0 (proxy_control_get_string (state, "status"), "CONNECTED") == 0;
  return TRUE;
}

/* A command connects at once, and most give up at once. */
static gboolean
run_wait_for_device (ProxyRun *self,
                     GError **error)
{
  gint64 end = g_get_monotonic_time () + self->config->open_request->wait * G_USEC_PER_SEC;
  gboolean connected = FALSE;

  g_message (_ ("Waiting for the device to connect"));
  while (run_check_device (self, &connected, error))
    {
      if (connected)
        return TRUE;
      if (g_get_monotonic_time () >= end)
        {
          g_set_error (error, TOOL_ERROR, EX_TEMPFAIL,
                       _ ("“%s” has not connected to the tunnel within %u seconds: is it online, and does an "
                          "agent run there? (--wait)"),
                       self->config->open_request->thing, self->config->open_request->wait);
          return FALSE;
        }
      run_pause (self, self->cancellable);
    }
  return FALSE;
}

/* Closing */

static void
run_close (ProxyRun *self)
{
  g_autoptr (JsonBuilder) request = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) error = NULL;
  int i;

  if (self->tunnel_id == NULL)
    return;
  self->n_signals = 0;
  request = make_tunnel_request (self->tunnel_id, TRUE);
  for (i = 0; i < CLOSE_ATTEMPTS && answer == NULL; i++)
    {
      if (i > 0)
        run_pause (self, NULL);
      g_clear_error (&error);
      answer = run_call (self, "CloseTunnel", request, NULL, &error);
    }
  if (answer != NULL)
    g_message (_ ("Tunnel %s is closed"), self->tunnel_id);
  else
    g_warning (_ ("%s. Tunnel %s stays open until its lifetime is over, or until somebody closes it: aws "
                  "iotsecuretunneling close-tunnel --delete --tunnel-id %s"),
               error->message, self->tunnel_id, self->tunnel_id);
}

/* From the beginning to the end */

static ProxyControl *
make_control (const ProxyConfig *config,
              GError **error)
{
  g_auto (ProxyCredentials) credentials = { 0 };

  if (!proxy_credentials_load (&credentials, error))
    return NULL;
  return proxy_control_new (config->open_request->url, config->open_request->region, &credentials, config->ca_path,
                            config->skip_verification, error);
}

static int
run_session (ProxyRun *self)
{
  int exit_status;

  self->has_session = TRUE;
  exit_status = proxy_session_run (self->config);
  self->has_session = FALSE;
  return exit_status;
}

static int
run_fail (ProxyRun *self,
          const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return TOOL_SIGNAL_EXIT_STATUS + self->signal;
  tool_log_fatal ("%s", error->message);
  return tool_error_get_exit_status (error);
}

static int
run_to_end (ProxyRun *self)
{
  gboolean must_wait = self->config->command != NULL || self->config->is_stdio;
  g_autoptr (GError) error = NULL;

  if (!run_open (self, &error))
    return run_fail (self, error);
  if (!g_cancellable_set_error_if_cancelled (self->cancellable, &error) &&
      (!must_wait || run_wait_for_device (self, &error)))
    return run_session (self);
  return run_fail (self, error);
}

int
proxy_run (ProxyConfig *config)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ProxyControl) control = make_control (config, &error);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  ProxyRun self = { .config = config, .control = control, .loop = loop, .cancellable = cancellable };
  guint sources[3];
  int exit_status;

  if (control == NULL)
    return run_fail (&self, error);
  sources[0] = tool_signal_watch (SIGINT, on_interrupt, &self);
  sources[1] = tool_signal_watch (SIGTERM, on_terminate, &self);
  sources[2] = tool_signal_watch (SIGHUP, on_hangup, &self);
  exit_status = run_to_end (&self);
  run_close (&self);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    tool_signal_unwatch (sources[i]);
  g_free (self.tunnel_id);
  return exit_status;
}
