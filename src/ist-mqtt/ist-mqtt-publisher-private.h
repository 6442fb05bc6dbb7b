/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist-mqtt/ist-mqtt-client-private.h"

G_BEGIN_DECLS

/* Publishes messages at least once each, in order, over any loss of the broker.
 * While it is away messages wait, the newest of them if there are too many. */
typedef struct _IstMqttPublisher IstMqttPublisher;

#define IST_MQTT_PUBLISHER_MAX_WAITING 256

typedef struct
{
  void (*connected) (gpointer user_data);
  /* The broker has acknowledged it. */
  void (*published) (const char *topic,
                     gpointer user_data);
  /* It waited too long behind too many others. */
  void (*dropped) (const char *topic,
                   gpointer user_data);
  /* As with clients. */
  void (*lost) (const GError *error,
                guint delay_ms,
                gpointer user_data);
} IstMqttPublisherEvents;

/* @settings: without a topic. Begins at once. @events, which come in @context,
 * outlives the publisher. */
IstMqttPublisher *ist_mqtt_publisher_new (GMainContext *context,
                                          IstMqttSettings *settings,
                                          const IstMqttPublisherEvents *events,
                                          gpointer user_data);
/* Not allowed in its events. */
void ist_mqtt_publisher_free (IstMqttPublisher *self);

void ist_mqtt_publisher_publish (IstMqttPublisher *self,
                                 const char *topic,
                                 GBytes *payload);

G_END_DECLS
