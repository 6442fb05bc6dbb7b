/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist-mqtt/ist-mqtt-settings-private.h"

G_BEGIN_DECLS

/* One connection to a broker, on a main context. It is used from there only;
 * libmosquitto gets a thread for what it can't but block in: reading files and the
 * look-up of the broker's name. */
typedef struct _IstMqttLink IstMqttLink;

typedef struct
{
  /* The broker has acknowledged the subscription: after opening, and after each
   * probe. Without a topic: it has let the client in. */
  void (*subscribed) (gpointer user_data);
  void (*message) (GBytes *payload,
                   gboolean retained,
                   gpointer user_data);
  /* What ist_mqtt_link_publish() called @id has reached the broker. NULL for those
   * who never publish. */
  void (*published) (int id,
                     gpointer user_data);
  /* Once, and the last; not after ist_mqtt_link_close (). An IST_TUNNEL_ERROR. */
  void (*lost) (const GError *error,
                gpointer user_data);
} IstMqttLinkEvents;

/* @events, which come in @context, outlives the link. */
IstMqttLink *ist_mqtt_link_open (GMainContext *context,
                                 IstMqttSettings *settings,
                                 const IstMqttLinkEvents *events,
                                 gpointer user_data);
/* With QoS 1, once the broker has let the client in. FALSE if the link is about
 * to be lost. */
gboolean ist_mqtt_link_publish (IstMqttLink *self,
                                const char *topic,
                                GBytes *payload,
                                int *id);
/* Subscribes again, which shows whether anybody is there. There must be a
 * topic. */
void ist_mqtt_link_probe (IstMqttLink *self);
/* Ends and frees it; allowed in all of its events. */
void ist_mqtt_link_close (IstMqttLink *self);

G_END_DECLS
