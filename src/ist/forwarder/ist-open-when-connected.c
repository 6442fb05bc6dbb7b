/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-open-when-connected-private.h"

#include "common/ist-source-private.h"
#include "ist/ist-tunnel-error.h"

typedef struct
{
  char *service_id;
  guint timeout; /* seconds */
  gint64 deadline;
  IstSecureTunnel *tunnel;
  gulong state_handler; /* while it is waited for */
  GSource *timer;
} Opening;

static void
opening_stop_waiting (Opening *self)
{
  if (self->state_handler != 0)
    g_clear_signal_handler (&self->state_handler, self->tunnel);
  ist_clear_source (&self->timer);
}

static void
opening_free (gpointer data)
{
  Opening *self = data;

  opening_stop_waiting (self);
  g_object_unref (self->tunnel);
  g_free (self->service_id);
  g_free (self);
}

static gboolean
opening_has_to_wait (Opening *self)
{
  IstTunnelState state = ist_secure_tunnel_get_state (self->tunnel);

  return state == IST_TUNNEL_STATE_CONNECTING || state == IST_TUNNEL_STATE_WAITING;
}

static void opening_go_on (GTask *task);

/* Also when the task is cancelled. */
static gboolean
on_timeout (gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Opening *self = g_task_get_task_data (task);

  opening_stop_waiting (self);
  if (!g_task_return_error_if_cancelled (task))
    g_task_return_new_error (task, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED,
                             "The tunnel was not connected for %u s", self->timeout);
  return G_SOURCE_REMOVE;
}

static void
on_tunnel_state (IstSecureTunnel *tunnel,
                 GParamSpec *pspec,
                 gpointer user_data)
{
  GTask *task = user_data;
  Opening *self = g_task_get_task_data (task);

  if (opening_has_to_wait (self))
    return;
  opening_stop_waiting (self);
  opening_go_on (task);
}

static void
opening_wait (GTask *task)
{
  Opening *self = g_task_get_task_data (task);
  gint64 left_ms = (self->deadline - g_get_monotonic_time ()) / 1000;

  self->state_handler = g_signal_connect (self->tunnel, "notify::state", G_CALLBACK (on_tunnel_state), task);
  self->timer = g_timeout_source_new (MAX (left_ms, 0));
  g_source_set_static_name (self->timer, "IstForwarder awaits its tunnel");
  g_source_set_callback (self->timer, on_timeout, task, NULL);
  if (g_task_get_cancellable (task) != NULL)
    {
      g_autoptr (GSource) cancelled = g_cancellable_source_new (g_task_get_cancellable (task));

      g_source_set_dummy_callback (cancelled);
      g_source_add_child_source (self->timer, cancelled);
    }
  g_source_attach (self->timer, g_task_get_context (task));
}

static void
on_opened (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Opening *self = g_task_get_task_data (task);
  GError *error = NULL;
  IstConnection *connection = ist_secure_tunnel_open_connection_finish (self->tunnel, result, &error);

  if (connection != NULL)
    {
      g_task_return_pointer (task, connection, g_object_unref);
    }
  else if (ist_secure_tunnel_get_state (self->tunnel) != IST_TUNNEL_STATE_CONNECTED &&
           (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED) ||
            g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED)))
    {
      g_error_free (error);
      opening_go_on (g_steal_pointer (&task));
    }
  else
    {
      g_task_return_error (task, error);
    }
}

/* Takes the task. */
static void
opening_go_on (GTask *task)
{
  Opening *self = g_task_get_task_data (task);

  if (opening_has_to_wait (self))
    {
      opening_wait (task);
      return;
    }
  if (ist_secure_tunnel_get_state (self->tunnel) == IST_TUNNEL_STATE_CONNECTED)
    {
      ist_secure_tunnel_open_connection_async (self->tunnel, self->service_id, g_task_get_cancellable (task),
                                               on_opened, task);
      return;
    }
  g_task_return_new_error (task, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED, "The tunnel is stopped");
  g_object_unref (task);
}

void
ist_open_when_connected_async (IstSecureTunnel *tunnel,
                               const char *service_id,
                               guint timeout,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (tunnel, cancellable, callback, user_data);
  Opening *self = g_new0 (Opening, 1);

  g_task_set_source_tag (task, ist_open_when_connected_async);
  g_task_set_task_data (task, self, opening_free);
  self->tunnel = g_object_ref (tunnel);
  self->service_id = g_strdup (service_id);
  self->timeout = timeout;
  self->deadline = g_get_monotonic_time () + timeout * G_TIME_SPAN_SECOND;
  opening_go_on (task);
}

IstConnection *
ist_open_when_connected_finish (IstSecureTunnel *tunnel,
                                GAsyncResult *result,
                                GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, tunnel), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
