/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-closing-private.h"

#include <ist-operator/ist-operator-control-plane-error.h>

#include "common/ist-backoff-private.h"

/* No attempt begins later than this after the first, in microseconds; nor without
 * credentials. */
#define GIVE_UP_AFTER (5 * G_TIME_SPAN_MINUTE)
#define GIVE_UP_CREDENTIALS_AFTER (30 * G_TIME_SPAN_SECOND)

/* Milliseconds */
#define DELAY_FLOOR 200
#define DELAY_BASE 1000
#define DELAY_CAP 30000

typedef struct
{
  char *tunnel_id;
  IstBackoff backoff;
  gint64 begin;
} Closing;

static void
closing_free (gpointer data)
{
  Closing *closing = data;

  g_free (closing->tunnel_id);
  g_free (closing);
}

gboolean
ist_operator_error_is_transient (const GError *error)
{
  return g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_THROTTLED) ||
         g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_SERVICE_FAILURE) ||
         g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_UNREACHABLE);
}

/* On a train it is the train's portal that answers, for a while. */
static gboolean
may_pass (const GError *error)
{
  return ist_operator_error_is_transient (error) ||
         g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_THE_SERVICE);
}

/* There are none at the moment where they are found; given ones come from nowhere else. */
static gboolean
credentials_may_come (IstOperatorControlPlane *control_plane,
                      const GError *error)
{
  IstOperatorCredentials *credentials = ist_operator_control_plane_get_credentials (control_plane);

  return (g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS) ||
          g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR,
                           IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED)) &&
         ist_operator_credentials_get_profile (credentials) != NULL;
}

static gboolean
closing_may_go_on (Closing *closing,
                   IstOperatorControlPlane *control_plane,
                   const GError *error)
{
  gint64 elapsed = g_get_monotonic_time () - closing->begin;

  return (may_pass (error) && elapsed < GIVE_UP_AFTER) ||
         (credentials_may_come (control_plane, error) && elapsed < GIVE_UP_CREDENTIALS_AFTER);
}

static void closing_try (GTask *task);

static gboolean
on_retry (gpointer user_data)
{
  closing_try (user_data);
  return G_SOURCE_REMOVE;
}

/* Takes the task. */
static void
closing_retry_later (GTask *task)
{
  Closing *closing = g_task_get_task_data (task);
  g_autoptr (GSource) source = g_timeout_source_new (ist_backoff_fail (&closing->backoff));

  g_source_set_static_name (source, "IstOperator closes a tunnel");
  g_source_set_callback (source, on_retry, task, NULL);
  g_source_attach (source, g_task_get_context (task));
}

static void
on_closed (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Closing *closing = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (ist_operator_control_plane_close_tunnel_finish (IST_OPERATOR_CONTROL_PLANE (object), result, &error) ||
      g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND))
    g_task_return_boolean (task, TRUE);
  else if (closing_may_go_on (closing, IST_OPERATOR_CONTROL_PLANE (object), error))
    closing_retry_later (g_steal_pointer (&task));
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/* Takes the task. */
static void
closing_try (GTask *task)
{
  Closing *closing = g_task_get_task_data (task);
  GMainContext *context = g_task_get_context (task);

  g_main_context_push_thread_default (context);
  ist_operator_control_plane_close_tunnel_async (g_task_get_source_object (task), closing->tunnel_id, TRUE, NULL,
                                                 on_closed, task);
  g_main_context_pop_thread_default (context);
}

void
ist_operator_close_at_service_async (IstOperatorControlPlane *control_plane,
                                     const char *tunnel_id,
                                     GMainContext *context,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  Closing *closing = g_new0 (Closing, 1);
  GTask *task;

  g_main_context_push_thread_default (context);
  task = g_task_new (control_plane, NULL, callback, user_data);
  g_main_context_pop_thread_default (context);
  g_task_set_source_tag (task, ist_operator_close_at_service_async);
  closing->tunnel_id = g_strdup (tunnel_id);
  closing->backoff = (IstBackoff){ .floor = DELAY_FLOOR, .base = DELAY_BASE, .cap = DELAY_CAP };
  closing->begin = g_get_monotonic_time ();
  g_task_set_task_data (task, closing, closing_free);
  closing_try (task);
}

gboolean
ist_operator_close_at_service_finish (GAsyncResult *result,
                                      GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
