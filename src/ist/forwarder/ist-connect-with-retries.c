/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-connect-with-retries-private.h"

typedef struct
{
  GSocketConnectable *target;
  guint n_retries; /* that are left */
  guint retry_delay_ms;
} Connecting;

static void
connecting_free (gpointer data)
{
  Connecting *self = data;

  g_object_unref (self->target);
  g_free (self);
}

static void connecting_try (GTask *task);

/* Also when the task is cancelled: the next attempt says so. */
static gboolean
on_retry (gpointer user_data)
{
  connecting_try (user_data);
  return G_SOURCE_REMOVE;
}

static void
connecting_try_later (GTask *task)
{
  Connecting *self = g_task_get_task_data (task);
  g_autoptr (GSource) timer = g_timeout_source_new (self->retry_delay_ms);

  g_source_set_static_name (timer, "IstForwarder connects again");
  g_source_set_callback (timer, on_retry, task, NULL);
  if (g_task_get_cancellable (task) != NULL)
    {
      g_autoptr (GSource) cancelled = g_cancellable_source_new (g_task_get_cancellable (task));

      g_source_set_dummy_callback (cancelled);
      g_source_add_child_source (timer, cancelled);
    }
  g_source_attach (timer, g_task_get_context (task));
}

static void
on_connected (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Connecting *self = g_task_get_task_data (task);
  GError *error = NULL;
  GSocketConnection *connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (object), result, &error);

  if (connection != NULL)
    {
      g_task_return_pointer (task, connection, g_object_unref);
    }
  else if (self->n_retries > 0 && !g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    {
      g_debug ("Connecting again in %u ms: %s", self->retry_delay_ms, error->message);
      g_error_free (error);
      self->n_retries--;
      connecting_try_later (g_steal_pointer (&task));
    }
  else
    {
      g_autofree char *name = g_socket_connectable_to_string (self->target);

      g_prefix_error (&error, "Can't connect to %s: ", name);
      g_task_return_error (task, error);
    }
}

/* Takes the task. */
static void
connecting_try (GTask *task)
{
  Connecting *self = g_task_get_task_data (task);

  g_socket_client_connect_async (g_task_get_source_object (task), self->target, g_task_get_cancellable (task),
                                 on_connected, task);
}

void
ist_connect_with_retries_async (GSocketClient *client,
                                GSocketConnectable *target,
                                guint n_retries,
                                guint retry_delay_ms,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  GTask *task = g_task_new (client, cancellable, callback, user_data);
  Connecting *self = g_new0 (Connecting, 1);

  g_task_set_source_tag (task, ist_connect_with_retries_async);
  g_task_set_task_data (task, self, connecting_free);
  self->target = g_object_ref (target);
  self->n_retries = n_retries;
  self->retry_delay_ms = retry_delay_ms;
  connecting_try (task);
}

GSocketConnection *
ist_connect_with_retries_finish (GSocketClient *client,
                                 GAsyncResult *result,
                                 GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
