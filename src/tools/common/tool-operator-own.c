/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-operator-own.h"

#include <glib/gi18n.h>
#include <signal.h>

#include "tools/common/tool-signals.h"

/* How long closing tunnels may take, in seconds. */
#define CLOSE_TIME 20

struct _ToolOperatorOwn
{
  IstOperatorClient *client;
  GMainLoop *loop;
  GCancellable *cancellable;
  ToolSignals *signals;
  guint n_signals;
  int signal;

  /* What the call under way has led to. */
  IstForwarderConnection *connection;
  IstOperatorTunnel *tunnel;
  GError *error;
};

/* Signals */

static void
on_signal (int number,
           gpointer user_data)
{
  ToolOperatorOwn *self = user_data;

  self->signal = number;
  g_cancellable_cancel (self->cancellable);
  if (self->n_signals++ == 0)
    {
      if (self->connection != NULL)
        ist_forwarder_connection_close (self->connection);
      g_main_loop_quit (self->loop);
      return;
    }
  /* Who asks twice wants it at once. */
  g_warning (_ ("The tunnel may stay open until its lifetime is over"));
  signal (number, SIG_DFL);
  raise (number);
}

/* Carrying */

static void
on_state_changed (IstForwarderConnection *connection,
                  GParamSpec *pspec,
                  gpointer user_data)
{
  ToolOperatorOwn *self = user_data;

  if (ist_forwarder_connection_get_state (connection) == IST_FORWARDER_CONNECTION_STATE_CLOSED)
    g_main_loop_quit (self->loop);
}

static void
on_connected (GObject *source_object,
              GAsyncResult *result,
              gpointer user_data)
{
  ToolOperatorOwn *self = user_data;

  self->connection =
    ist_operator_client_forward_finish (IST_OPERATOR_CLIENT (source_object), result, &self->error);
  g_main_loop_quit (self->loop);
}

static void
own_wait_for_end (ToolOperatorOwn *self)
{
  gulong id = g_signal_connect (self->connection, "notify::state", G_CALLBACK (on_state_changed), self);

  if (ist_forwarder_connection_get_state (self->connection) != IST_FORWARDER_CONNECTION_STATE_CLOSED)
    g_main_loop_run (self->loop);
  g_signal_handler_disconnect (self->connection, id);
}

static GError *
own_dup_connection_error (ToolOperatorOwn *self)
{
  IstConnection *connection = ist_forwarder_connection_get_connection (self->connection);
  GError *error = connection != NULL ? ist_connection_dup_error (connection) : NULL;

  /* So the device ends what is over. */
  if (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CONNECTION_RESET) ||
      g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STREAM_RESET))
    g_clear_error (&error);
  return error;
}

gboolean
tool_operator_own_carry (ToolOperatorOwn *self,
                         const char *thing,
                         const char *service,
                         GIOStream *stdio,
                         GError **error)
{
  ist_operator_client_forward_async (self->client, thing, service, stdio, NULL, self->cancellable, on_connected, self);
  /* A signal ends the loop, too. */
  while (self->connection == NULL && self->error == NULL)
    g_main_loop_run (self->loop);
  if (self->connection != NULL && self->signal == 0)
    own_wait_for_end (self);
  if (self->connection != NULL)
    self->error = own_dup_connection_error (self);
  g_clear_object (&self->connection);
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}

/* Opening */

static void
on_opened (GObject *source_object,
           GAsyncResult *result,
           gpointer user_data)
{
  ToolOperatorOwn *self = user_data;

  self->tunnel = ist_operator_client_open_finish (IST_OPERATOR_CLIENT (source_object), result, &self->error);
  g_main_loop_quit (self->loop);
}

IstOperatorTunnel *
tool_operator_own_open (ToolOperatorOwn *self,
                        const char *thing,
                        const char *const *services,
                        GError **error)
{
  ist_operator_client_open_async (self->client, thing, services, NULL, self->cancellable, on_opened, self);
  while (self->tunnel == NULL && self->error == NULL)
    g_main_loop_run (self->loop);
  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  return g_steal_pointer (&self->tunnel);
}

void
tool_operator_own_wait (ToolOperatorOwn *self)
{
  while (self->signal == 0)
    g_main_loop_run (self->loop);
}

/* From the beginning to the end */

IstOperatorClient *
tool_operator_own_get_client (ToolOperatorOwn *self)
{
  return self->client;
}

int
tool_operator_own_get_signal (ToolOperatorOwn *self)
{
  return self->signal;
}

static void
on_progress (IstOperatorClient *client,
             IstOperatorTunnel *tunnel,
             IstOperatorTunnelState state,
             gpointer user_data)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (IST_OPERATOR_TYPE_TUNNEL_STATE);

  g_info (_ ("Tunnel to “%s”: %s"), ist_operator_tunnel_get_thing_name (tunnel),
          g_enum_get_value (class, state)->value_nick);
}

ToolOperatorOwn *
tool_operator_own_new (const ToolOperatorSettings *settings,
                       GError **error)
{
  IstOperatorClient *client = tool_operator_settings_make_client (settings, error);
  ToolOperatorOwn *self;

  if (client == NULL)
    return NULL;
  self = g_new0 (ToolOperatorOwn, 1);
  self->client = client;
  self->loop = g_main_loop_new (NULL, FALSE);
  self->cancellable = g_cancellable_new ();
  self->signals = tool_signals_new (on_signal, self);
  g_signal_connect (client, "progress", G_CALLBACK (on_progress), NULL);
  return self;
}

static void
on_closed (GObject *source_object,
           GAsyncResult *result,
           gpointer user_data)
{
  ToolOperatorOwn *self = user_data;

  ist_operator_client_close_finish (IST_OPERATOR_CLIENT (source_object), result, &self->error);
  g_clear_object (&self->cancellable);
}

static gboolean
on_close_time_over (gpointer user_data)
{
  ToolOperatorOwn *self = user_data;

  self->error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, _ ("The service does not answer"));
  return G_SOURCE_CONTINUE;
}

static void
own_close (ToolOperatorOwn *self)
{
  guint timeout = g_timeout_add_seconds (CLOSE_TIME, on_close_time_over, self);

  self->n_signals = 0;
  ist_operator_client_close_async (self->client, NULL, on_closed, self);
  while (self->cancellable != NULL && self->error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timeout);
  if (self->error != NULL)
    g_warning (_ ("Could not close all tunnels: %s. They stay open until their lifetime is over, or until somebody "
                  "closes them: aws iotsecuretunneling list-tunnels"),
               self->error->message);
}

void
tool_operator_own_free (ToolOperatorOwn *self)
{
  own_close (self);
  g_clear_pointer (&self->signals, tool_signals_free);
  g_clear_object (&self->cancellable);
  g_clear_error (&self->error);
  g_main_loop_unref (self->loop);
  g_object_unref (self->client);
  g_free (self);
}
