/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-mqtt/ist-mqtt-publisher-private.h"

/* libmosquitto never calls a message so. */
#define NOT_SENT 0

typedef struct
{
  char *topic;
  GBytes *payload;
  int id; /* NOT_SENT, or what the link of the moment calls it */
} Waiting;

struct _IstMqttPublisher
{
  IstMqttClient *client;
  const IstMqttPublisherEvents *events;
  gpointer user_data;
  GQueue waiting; /* for the broker's acknowledgement, the oldest first */
};

static void
waiting_free (Waiting *waiting)
{
  g_free (waiting->topic);
  g_bytes_unref (waiting->payload);
  g_free (waiting);
}

static void
publisher_send_waiting (IstMqttPublisher *self)
{
  for (GList *link = self->waiting.head; link != NULL; link = link->next)
    {
      Waiting *waiting = link->data;

      if (waiting->id == NOT_SENT &&
          !ist_mqtt_client_publish (self->client, waiting->topic, waiting->payload, &waiting->id))
        {
          waiting->id = NOT_SENT;
          return;
        }
    }
}

static void
on_connected (gpointer user_data)
{
  IstMqttPublisher *self = user_data;

  self->events->connected (self->user_data);
  publisher_send_waiting (self);
}

static void
on_message (GBytes *payload,
            gboolean retained,
            gpointer user_data)
{
  g_assert_not_reached ();
}

static void
on_published (int id,
              gpointer user_data)
{
  IstMqttPublisher *self = user_data;

  for (GList *link = self->waiting.head; link != NULL; link = link->next)
    {
      Waiting *waiting = link->data;

      if (waiting->id != id)
        continue;
      g_queue_delete_link (&self->waiting, link);
      self->events->published (waiting->topic, self->user_data);
      waiting_free (waiting);
      return;
    }
}

static void
on_lost (const GError *error,
         guint delay_ms,
         gpointer user_data)
{
  IstMqttPublisher *self = user_data;

  for (GList *link = self->waiting.head; link != NULL; link = link->next)
    {
      Waiting *waiting = link->data;

      waiting->id = NOT_SENT;
    }
  self->events->lost (error, delay_ms, self->user_data);
}

static const IstMqttClientEvents client_events = {
  .subscribed = on_connected,
  .message = on_message,
  .published = on_published,
  .lost = on_lost,
};

IstMqttPublisher *
ist_mqtt_publisher_new (GMainContext *context,
                        IstMqttSettings *settings,
                        const IstMqttPublisherEvents *events,
                        gpointer user_data)
{
  IstMqttPublisher *self = g_new0 (IstMqttPublisher, 1);

  self->events = events;
  self->user_data = user_data;
  g_queue_init (&self->waiting);
  self->client = ist_mqtt_client_new (context, settings, &client_events, self);
  return self;
}

void
ist_mqtt_publisher_free (IstMqttPublisher *self)
{
  ist_mqtt_client_free (self->client);
  g_queue_clear_full (&self->waiting, (GDestroyNotify) waiting_free);
  g_free (self);
}

void
ist_mqtt_publisher_publish (IstMqttPublisher *self,
                            const char *topic,
                            GBytes *payload)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  if (self->waiting.length >= IST_MQTT_PUBLISHER_MAX_WAITING)
    {
      Waiting *oldest = g_queue_pop_head (&self->waiting);

      self->events->dropped (oldest->topic, self->user_data);
      waiting_free (oldest);
    }
  waiting->topic = g_strdup (topic);
  waiting->payload = g_bytes_ref (payload);
  waiting->id = NOT_SENT;
  g_queue_push_tail (&self->waiting, waiting);
  publisher_send_waiting (self);
}
