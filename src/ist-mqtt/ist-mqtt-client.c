/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-mqtt/ist-mqtt-client-private.h"

#include <ist/ist.h>

#include "common/ist-backoff-private.h"

/* How long the broker may take to acknowledge a subscription, in seconds. */
#define ANSWER_TIMEOUT 30

/* A subscription that lasted so long counts as a success, in microseconds. */
#define STABLE_AFTER (10 * G_USEC_PER_SEC)

/* Networks come in bursts of changes: no attempt follows another faster than
 * this because of them, in microseconds. */
#define LEAST_INTERVAL G_USEC_PER_SEC

struct _IstMqttClient
{
  IstMqttSettings *settings;
  const IstMqttClientEvents *events;
  gpointer user_data;

  IstMqttLink *link; /* NULL while waiting to try again */
  GSource *timer;    /* the next attempt, or the end of patience with the link */
  IstBackoff backoff;
  gint64 subscribed_at; /* 0 before */
  gint64 asked_at;      /* when the last attempt or probe began */
  GMainContext *context;
  GNetworkMonitor *monitor;
  gulong monitor_handler;
  GSource *network_source; /* made ready when the network has changed */
};

static void attempt (IstMqttClient *self);

static void
clear_timer (IstMqttClient *self)
{
  if (self->timer == NULL)
    return;

  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static void
set_timer (IstMqttClient *self,
           guint milliseconds,
           GSourceFunc callback)
{
  clear_timer (self);
  self->timer = g_timeout_source_new (milliseconds);
  g_source_set_static_name (self->timer, "IstMqttClient");
  g_source_set_callback (self->timer, callback, self, NULL);
  g_source_attach (self->timer, self->context);
}

static gboolean
on_retry (gpointer user_data)
{
  IstMqttClient *self = user_data;

  clear_timer (self);
  attempt (self);
  return G_SOURCE_REMOVE;
}

static void
on_lost (const GError *error,
         gpointer user_data)
{
  IstMqttClient *self = user_data;
  guint delay;

  self->link = NULL;
  if (self->subscribed_at != 0 && g_get_monotonic_time () - self->subscribed_at >= STABLE_AFTER)
    ist_backoff_reset (&self->backoff);
  self->subscribed_at = 0;
  delay = ist_backoff_fail (&self->backoff);
  set_timer (self, delay, on_retry);
  self->events->lost (error, delay, self->user_data);
}

static gboolean
on_no_answer (gpointer user_data)
{
  IstMqttClient *self = user_data;
  g_autoptr (GError) error = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT,
                                                  "The broker did not answer in time");

  g_clear_pointer (&self->link, ist_mqtt_link_close);
  on_lost (error, self);
  return G_SOURCE_REMOVE;
}

static void
on_subscribed (gpointer user_data)
{
  IstMqttClient *self = user_data;
  gboolean probed = self->subscribed_at != 0;

  clear_timer (self);
  if (probed)
    return;
  self->subscribed_at = g_get_monotonic_time ();
  self->events->subscribed (self->user_data);
}

static void
on_message (GBytes *payload,
            gboolean retained,
            gpointer user_data)
{
  IstMqttClient *self = user_data;

  self->events->message (payload, retained, self->user_data);
}

static void
on_published (int id,
              gpointer user_data)
{
  IstMqttClient *self = user_data;

  if (self->events->published != NULL)
    self->events->published (id, self->user_data);
}

static const IstMqttLinkEvents link_events = {
  .subscribed = on_subscribed,
  .message = on_message,
  .published = on_published,
  .lost = on_lost,
};

static void
expect_answer (IstMqttClient *self)
{
  self->asked_at = g_get_monotonic_time ();
  set_timer (self, ANSWER_TIMEOUT * 1000, on_no_answer);
}

static void
attempt (IstMqttClient *self)
{
  self->link = ist_mqtt_link_open (self->settings, &link_events, self);
  expect_answer (self);
}

/* With the network back there is no point in waiting; and with another
 * network, the connection may have died without a word. */
static gboolean
network_source_dispatch (GSource *source,
                         GSourceFunc callback,
                         gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return callback (user_data);
}

static GSourceFuncs network_source_funcs = {
  .dispatch = network_source_dispatch,
};

static gboolean
on_network (gpointer user_data)
{
  IstMqttClient *self = user_data;
  gint64 since = g_get_monotonic_time () - self->asked_at;

  if (!g_network_monitor_get_network_available (self->monitor))
    return G_SOURCE_CONTINUE;

  if (self->link == NULL)
    {
      gint64 delay = MAX (LEAST_INTERVAL - since, 0) / 1000;

      ist_backoff_reset (&self->backoff);
      set_timer (self, delay, on_retry);
    }
  else if (self->settings->topic != NULL && self->subscribed_at != 0 && since >= LEAST_INTERVAL)
    {
      ist_mqtt_link_probe (self->link);
      expect_answer (self);
    }
  return G_SOURCE_CONTINUE;
}

/* In the context in which the process first asked for the monitor, whichever that
 * was; the source is all of the client that may be touched there. */
static void
on_network_changed (GNetworkMonitor *monitor,
                    gboolean available,
                    gpointer source)
{
  g_source_set_ready_time (source, 0);
}

static void
forget_source (gpointer source,
               GClosure *closure)
{
  g_source_unref (source);
}

IstMqttClient *
ist_mqtt_client_new (IstMqttSettings *settings,
                     const IstMqttClientEvents *events,
                     gpointer user_data)
{
  IstMqttClient *self = g_new0 (IstMqttClient, 1);

  self->settings = ist_mqtt_settings_ref (settings);
  self->events = events;
  self->user_data = user_data;
  self->backoff.floor = 500;
  self->backoff.base = 1000;
  self->backoff.cap = 120000;
  self->context = g_main_context_ref_thread_default ();
  self->network_source = g_source_new (&network_source_funcs, sizeof (GSource));
  g_source_set_static_name (self->network_source, "IstMqttClient network");
  g_source_set_callback (self->network_source, on_network, self, NULL);
  g_source_attach (self->network_source, self->context);
  self->monitor = g_object_ref (g_network_monitor_get_default ());
  self->monitor_handler = g_signal_connect_data (self->monitor, "network-changed", G_CALLBACK (on_network_changed),
                                                 g_source_ref (self->network_source),
                                                 forget_source, 0);
  attempt (self);
  return self;
}

gboolean
ist_mqtt_client_publish (IstMqttClient *self,
                         const char *topic,
                         GBytes *payload,
                         int *id)
{
  return self->subscribed_at != 0 && ist_mqtt_link_publish (self->link, topic, payload, id);
}

void
ist_mqtt_client_free (IstMqttClient *self)
{
  clear_timer (self);
  g_clear_pointer (&self->link, ist_mqtt_link_close);
  g_clear_signal_handler (&self->monitor_handler, self->monitor);
  g_source_destroy (self->network_source);
  g_source_unref (self->network_source);
  g_object_unref (self->monitor);
  g_main_context_unref (self->context);
  ist_mqtt_settings_unref (self->settings);
  g_free (self);
}
