/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-mqtt/ist-mqtt-client-private.h"

#include <ist/ist.h>

#include "common/ist-backoff-private.h"
#include "common/ist-network-watch-private.h"
#include "common/ist-source-private.h"

/* How long the broker may take to acknowledge a subscription, in seconds. */
#define ANSWER_TIMEOUT 30

/* A subscription that lasted so long counts as a success, in microseconds. */
#define STABLE_AFTER (10 * G_USEC_PER_SEC)

/* A client that is hung up on so often, each time within so many microseconds, shares its
 * id with another one. */
#define TAKEN_OVER 3
#define TAKEN_OVER_AFTER (60 * G_USEC_PER_SEC)

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
  guint n_hang_ups;     /* soon after the subscription, in a row */
  gint64 asked_at;      /* when the last attempt or probe began */
  GMainContext *context;
  IstNetworkWatch *network;
};

static void client_attempt (IstMqttClient *self);

static void
client_set_timer (IstMqttClient *self,
                  guint milliseconds,
                  GSourceFunc callback)
{
  ist_clear_source (&self->timer);
  self->timer = g_timeout_source_new (milliseconds);
  g_source_set_static_name (self->timer, "IstMqttClient");
  g_source_set_callback (self->timer, callback, self, NULL);
  g_source_attach (self->timer, self->context);
}

static gboolean
on_retry (gpointer user_data)
{
  IstMqttClient *self = user_data;

  ist_clear_source (&self->timer);
  client_attempt (self);
  if (self->events->connecting != NULL)
    self->events->connecting (self->user_data);
  return G_SOURCE_REMOVE;
}

/* Two with one id throw each other out, each time that one comes back. */
static gboolean
client_is_taken_over (IstMqttClient *self,
                      const GError *error)
{
  if (self->subscribed_at == 0 || !g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED))
    return FALSE;
  if (g_get_monotonic_time () - self->subscribed_at >= TAKEN_OVER_AFTER)
    self->n_hang_ups = 0;
  return ++self->n_hang_ups >= TAKEN_OVER;
}

static void
on_lost (const GError *error,
         gpointer user_data)
{
  IstMqttClient *self = user_data;
  g_autoptr (GError) taken = NULL;
  guint delay_ms;

  self->link = NULL;
  if (client_is_taken_over (self, error))
    {
      taken = g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED,
                           "The broker hangs up on the client “%s” again and again, as it does when another client has "
                           "the same id: look whether there is one, and give each its own",
                           self->settings->client_id);
      error = taken;
    }
  if (self->subscribed_at != 0 && g_get_monotonic_time () - self->subscribed_at >= STABLE_AFTER)
    ist_backoff_reset (&self->backoff);
  self->subscribed_at = 0;
  delay_ms = ist_backoff_fail (&self->backoff);
  client_set_timer (self, delay_ms, on_retry);
  self->events->lost (error, delay_ms, self->user_data);
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

  ist_clear_source (&self->timer);
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
client_expect_answer (IstMqttClient *self)
{
  self->asked_at = g_get_monotonic_time ();
  client_set_timer (self, ANSWER_TIMEOUT * 1000, on_no_answer);
}

static void
client_attempt (IstMqttClient *self)
{
  self->link = ist_mqtt_link_open (self->context, self->settings, &link_events, self);
  client_expect_answer (self);
}

/* With the network back there is no point in waiting; and with another
 * network, the connection may have died without a word. */
static void
on_network_changed (gpointer user_data)
{
  IstMqttClient *self = user_data;
  gint64 since = g_get_monotonic_time () - self->asked_at;

  if (!g_network_monitor_get_network_available (g_network_monitor_get_default ()))
    return;

  if (self->link == NULL)
    {
      gint64 delay_ms = MAX (LEAST_INTERVAL - since, 0) / 1000;

      ist_backoff_reset (&self->backoff);
      client_set_timer (self, delay_ms, on_retry);
    }
  else if (self->settings->topic != NULL && self->subscribed_at != 0 && since >= LEAST_INTERVAL)
    {
      ist_mqtt_link_probe (self->link);
      client_expect_answer (self);
    }
}

IstMqttClient *
ist_mqtt_client_new (GMainContext *context,
                     IstMqttSettings *settings,
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
  self->context = g_main_context_ref (context);
  self->network = ist_network_watch_new (context, on_network_changed, self);
  client_attempt (self);
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
  ist_clear_source (&self->timer);
  g_clear_pointer (&self->link, ist_mqtt_link_close);
  ist_network_watch_free (self->network);
  g_main_context_unref (self->context);
  ist_mqtt_settings_unref (self->settings);
  g_free (self);
}
