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
#include "tools/common/tool-operator-error.h"
#include "tools/common/tool-signals.h"
#include "tools/proxy/proxy-session.h"

/* Between two looks at the tunnel, in milliseconds. */
#define PAUSE 1000

typedef struct
{
  ProxyConfig *config;
  GMainLoop *loop;
  GCancellable *cancellable; /* of opening, and of the wait for the device */
  GAsyncResult *result;      /* of the call that is awaited */
  char *tunnel_id;           /* NULL while there is no tunnel */
  gboolean has_session;      /* which minds the signals */
  guint n_signals;
  int signal;
} ProxyRun;

/* Signals: they must not end the program while there is a tunnel to close. */

static void
on_signal (int number,
           gpointer user_data)
{
  ProxyRun *self = user_data;

  if (self->has_session)
    return;
  self->signal = number;
  g_cancellable_cancel (self->cancellable);
  if (self->n_signals++ == 0)
    return;
  /* Who asks twice wants it at once. */
  g_warning (_ ("The tunnel may stay open until its lifetime is over"));
  signal (number, SIG_DFL);
  raise (number);
}

/* Calls */

static void
on_answer (GObject *source,
           GAsyncResult *result,
           gpointer user_data)
{
  ProxyRun *self = user_data;

  self->result = g_object_ref (result);
  g_main_loop_quit (self->loop);
}

/* The result of the call that was begun with on_answer(). */
static GAsyncResult *
run_await (ProxyRun *self)
{
  g_main_loop_run (self->loop);
  return g_steal_pointer (&self->result);
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
run_pause (ProxyRun *self)
{
  guint timeout = g_timeout_add (PAUSE, on_pause_over, self->loop);
  gulong id = g_signal_connect (self->cancellable, "cancelled", G_CALLBACK (on_cancelled), self->loop);

  if (!g_cancellable_is_cancelled (self->cancellable))
    g_main_loop_run (self->loop);
  g_source_remove (timeout);
  g_signal_handler_disconnect (self->cancellable, id);
}

/* Opening */

static gboolean
run_open (ProxyRun *self,
          GError **error)
{
  const ProxyOpenRequest *request = self->config->open_request;
  IstOperatorControlPlane *plane = request->control_plane;
  g_autoptr (IstOperatorTunnelAccess) access = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  GError *local = NULL;

  g_message (_ ("Opening a tunnel to “%s” at %s"), request->thing, ist_operator_control_plane_get_endpoint_url (plane));
  ist_operator_control_plane_open_tunnel_async (plane, request->thing, (const char *const *) request->services,
                                                "ist-proxy", request->lifetime, NULL, self->cancellable, on_answer,
                                                self);
  result = run_await (self);
  access = ist_operator_control_plane_open_tunnel_finish (plane, result, &local);
  if (access == NULL)
    {
      g_propagate_error (error, proxy_open_request_explain (request, local));
      return FALSE;
    }
  self->tunnel_id = g_strdup (ist_operator_tunnel_access_get_tunnel_id (access));
  self->config->access_token = g_strdup (ist_operator_tunnel_access_get_source_access_token (access));
  g_message (_ ("Tunnel %s is open"), self->tunnel_id);
  return TRUE;
}

/* Waiting */

/* A look that fails may be better the next time, unless it says that it won't. */
static gboolean
run_check_device (ProxyRun *self,
                  gboolean *connected,
                  GError **error)
{
  IstOperatorControlPlane *plane = self->config->open_request->control_plane;
  g_autoptr (IstOperatorTunnelDescription) tunnel = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  GError *local = NULL;

  ist_operator_control_plane_describe_tunnel_async (plane, self->tunnel_id, self->cancellable, on_answer, self);
  result = run_await (self);
  tunnel = ist_operator_control_plane_describe_tunnel_finish (plane, result, &local);
  if (tunnel == NULL)
    {
      int status = tool_operator_error_get_exit_status (local);

      if (local->domain != IST_OPERATOR_CONTROL_PLANE_ERROR || (status != EX_TEMPFAIL && status != EX_UNAVAILABLE))
        {
          g_propagate_error (error, local);
          return FALSE;
        }
      g_warning ("%s", local->message);
      g_error_free (local);
      return TRUE;
    }
  if (!ist_operator_tunnel_description_get_is_open (tunnel))
    {
      g_set_error_literal (error, TOOL_ERROR, EX_NOPERM, _ ("Somebody has closed the tunnel"));
      return FALSE;
    }
  *connected = ist_operator_tunnel_description_get_destination_connected (tunnel);
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
      run_pause (self);
    }
  return FALSE;
}

/* Closing */

static void
on_n_calls_changed (IstOperatorControlPlane *plane,
                    GParamSpec *pspec,
                    GMainLoop *loop)
{
  if (ist_operator_control_plane_get_n_calls (plane) == 0)
    g_main_loop_quit (loop);
}

/* Of an opening that was cancelled, the tunnel is yet to come. */
static void
run_finish_calls (ProxyRun *self)
{
  IstOperatorControlPlane *plane = self->config->open_request->control_plane;
  gulong id = g_signal_connect (plane, "notify::n-calls", G_CALLBACK (on_n_calls_changed), self->loop);

  if (ist_operator_control_plane_get_n_calls (plane) > 0)
    g_main_loop_run (self->loop);
  g_signal_handler_disconnect (plane, id);
}

static void
run_close (ProxyRun *self)
{
  IstOperatorControlPlane *plane = self->config->open_request->control_plane;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (self->tunnel_id == NULL)
    {
      run_finish_calls (self);
      return;
    }
  self->n_signals = 0;
  ist_operator_control_plane_close_tunnel_async (plane, self->tunnel_id, TRUE, NULL, on_answer, self);
  result = run_await (self);
  if (ist_operator_control_plane_close_tunnel_finish (plane, result, &error))
    g_message (_ ("Tunnel %s is closed"), self->tunnel_id);
  else
    g_warning (_ ("%s. Tunnel %s stays open until its lifetime is over, or until somebody closes it: aws "
                  "iotsecuretunneling close-tunnel --delete --tunnel-id %s"),
               error->message, self->tunnel_id, self->tunnel_id);
}

/* From the beginning to the end */

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
  return tool_operator_error_get_exit_status (error);
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
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  ProxyRun self = { .config = config, .loop = loop, .cancellable = cancellable };
  ToolSignals *signals;
  int exit_status;

  signals = tool_signals_new (on_signal, &self);
  exit_status = run_to_end (&self);
  run_close (&self);
  tool_signals_free (signals);
  g_free (self.tunnel_id);
  return exit_status;
}
