/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-device-watch-private.h"

#include <ist-operator/ist-operator-client-error.h>
#include <ist-operator/ist-operator-control-plane-error.h>

#include "common/ist-source-private.h"
#include "ist-operator/ist-operator-closing-private.h"

/* Between two looks, in milliseconds: the first, how it grows (in percent), and the last. */
#define FIRST_DELAY 100
#define GROWTH 150
#define LAST_DELAY 3000

/* The service answers ten of these calls a second, for a whole account. */
#define DELAY_PER_WATCH 200

/* But each is asked for in time, so that a device that has come is not missed: what the
 * service refuses then is asked for again. In milliseconds, and of the patience. */
#define MAX_SHARED_DELAY 10000
#define LOOKS_AT_LEAST 4

/* How long a device that was connected has to come back by itself, for a new token puts
 * an end to its attempts; and how long any has after it was notified. Microseconds. */
#define RETURN_GRACE (5 * G_TIME_SPAN_SECOND)
#define NOTIFY_INTERVAL (10 * G_TIME_SPAN_SECOND)

struct _IstOperatorDeviceWatch
{
  IstOperatorControlPlane *control_plane;
  GMainContext *context;
  char *tunnel_id;
  char *thing_name;
  char **service_ids;
  gint64 notified_at;
  gint64 notifies_after;
  guint delay;
  guint max_shared_delay;
  gboolean told;                   /* that it is not there */
  IstOperatorDeviceWatchFunc func; /* NULL once it was freed */
  gpointer user_data;
  GCancellable *cancellable;
  GSource *timer;
};

/* In this process. */
static int n_watches;

static gboolean on_look (gpointer user_data);

static void
watch_clear (gpointer data)
{
  IstOperatorDeviceWatch *self = data;

  g_object_unref (self->cancellable);
  g_object_unref (self->control_plane);
  g_main_context_unref (self->context);
  g_free (self->tunnel_id);
  g_free (self->thing_name);
  g_strfreev (self->service_ids);
}

static void
watch_look_after (IstOperatorDeviceWatch *self,
                  guint delay)
{
  guint n = g_atomic_int_get (&n_watches);

  guint shared = n > 1 ? MIN (n * DELAY_PER_WATCH, self->max_shared_delay) : 0;

  self->timer = g_timeout_source_new (MAX (delay, shared));
  g_source_set_static_name (self->timer, "IstOperator awaits a device");
  g_source_set_callback (self->timer, on_look, self, NULL);
  g_source_attach (self->timer, self->context);
}

static void
watch_look_later (IstOperatorDeviceWatch *self)
{
  watch_look_after (self, self->delay);
  self->delay = MIN (self->delay * GROWTH / 100, LAST_DELAY);
}

/* Calls that are under way keep it, and find that it was freed. */
static void
watch_release (gpointer self)
{
  g_rc_box_release_full (self, watch_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstOperatorDeviceWatch, watch_release)

static void
on_notified (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  g_autoptr (IstOperatorDeviceWatch) self = user_data;
  g_autoptr (IstOperatorTunnelAccess) access = NULL;
  g_autoptr (GError) error = NULL;

  access = ist_operator_control_plane_rotate_tunnel_access_token_finish (IST_OPERATOR_CONTROL_PLANE (object), result,
                                                                         &error);
  if (self->func == NULL)
    return;
  if (access != NULL)
    {
      self->notified_at = g_get_monotonic_time ();
      self->delay = FIRST_DELAY;
    }
  else
    {
      g_info ("The device can't be notified of tunnel %s again: %s", self->tunnel_id, error->message);
      /* Whoever may not do it will not be allowed to in a while, either. */
      if (!ist_operator_error_is_transient (error))
        g_clear_pointer (&self->thing_name, g_free);
    }
  watch_look_later (self);
}

static void
watch_notify (IstOperatorDeviceWatch *self)
{
  g_main_context_push_thread_default (self->context);
  ist_operator_control_plane_rotate_tunnel_access_token_async (self->control_plane, self->tunnel_id,
                                                               IST_OPERATOR_CLIENT_MODE_DESTINATION,
                                                               self->thing_name,
                                                               (const char *const *) self->service_ids,
                                                               self->cancellable, on_notified, g_rc_box_acquire (self));
  g_main_context_pop_thread_default (self->context);
}

static gboolean
watch_has_to_notify (IstOperatorDeviceWatch *self)
{
  gint64 now = g_get_monotonic_time ();

  return self->thing_name != NULL && self->service_ids[0] != NULL && now >= self->notifies_after &&
         (self->notified_at == 0 || now - self->notified_at >= NOTIFY_INTERVAL);
}

static void
on_described (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (IstOperatorDeviceWatch) self = user_data;
  g_autoptr (IstOperatorTunnelDescription) description = NULL;
  g_autoptr (GError) error = NULL;

  description = ist_operator_control_plane_describe_tunnel_finish (IST_OPERATOR_CONTROL_PLANE (object), result, &error);
  if (self->func == NULL)
    return;
  if (description == NULL && ist_operator_error_is_transient (error))
    {
      watch_look_later (self);
      return;
    }
  if (description != NULL && !ist_operator_tunnel_description_get_is_open (description))
    g_set_error (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED,
                 "Tunnel %s was closed by somebody else, or has expired", self->tunnel_id);

  if (error != NULL || ist_operator_tunnel_description_get_destination_connected (description))
    {
      self->func (error == NULL, error, self->user_data);
      return;
    }
  if (!self->told)
    {
      self->told = TRUE;
      self->func (FALSE, NULL, self->user_data);
    }
  if (self->func == NULL)
    return;
  if (watch_has_to_notify (self))
    watch_notify (self);
  else
    watch_look_later (self);
}

static gboolean
on_look (gpointer user_data)
{
  IstOperatorDeviceWatch *self = user_data;

  ist_clear_source (&self->timer);
  g_main_context_push_thread_default (self->context);
  ist_operator_control_plane_describe_tunnel_async (self->control_plane, self->tunnel_id, self->cancellable,
                                                    on_described, g_rc_box_acquire (self));
  g_main_context_pop_thread_default (self->context);
  return G_SOURCE_REMOVE;
}

static guint
get_max_shared_delay (guint patience)
{
  return MIN (MAX_SHARED_DELAY, patience * 1000 / LOOKS_AT_LEAST);
}

IstOperatorDeviceWatch *
ist_operator_device_watch_new (IstOperatorControlPlane *control_plane,
                               GMainContext *context,
                               const IstOperatorDeviceWatchSettings *settings,
                               IstOperatorDeviceWatchFunc func,
                               gpointer user_data)
{
  IstOperatorDeviceWatch *self = g_rc_box_new0 (IstOperatorDeviceWatch);

  g_atomic_int_inc (&n_watches);
  self->control_plane = g_object_ref (control_plane);
  self->context = g_main_context_ref (context);
  self->tunnel_id = g_strdup (settings->tunnel_id);
  self->thing_name = g_strdup (settings->thing_name);
  self->service_ids = g_strdupv ((char **) settings->service_ids);
  self->notified_at = settings->notified_at;
  self->notifies_after = g_get_monotonic_time () + (settings->was_connected ? RETURN_GRACE : 0);
  self->delay = FIRST_DELAY;
  self->max_shared_delay = get_max_shared_delay (settings->patience);
  self->func = func;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  watch_look_after (self, settings->is_new ? FIRST_DELAY : 0);
  return self;
}

void
ist_operator_device_watch_set_patience (IstOperatorDeviceWatch *self,
                                        guint seconds)
{
  guint max_shared_delay = get_max_shared_delay (seconds);
  gboolean has_to_hurry = max_shared_delay < self->max_shared_delay;

  self->max_shared_delay = max_shared_delay;
  if (!has_to_hurry || self->timer == NULL)
    return;
  ist_clear_source (&self->timer);
  watch_look_later (self);
}

void
ist_operator_device_watch_free (IstOperatorDeviceWatch *self)
{
  ist_clear_source (&self->timer);
  self->func = NULL;
  g_cancellable_cancel (self->cancellable);
  g_atomic_int_add (&n_watches, -1);
  watch_release (self);
}

gint64
ist_operator_device_watch_get_notified_at (IstOperatorDeviceWatch *self)
{
  return self->notified_at;
}
