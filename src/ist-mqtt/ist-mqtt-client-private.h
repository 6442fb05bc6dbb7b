/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist-mqtt/ist-mqtt-link-private.h"

G_BEGIN_DECLS

/* Keeps a connection with a broker, and a subscription if there is a topic, for
 * as long as it lives, over any loss of the broker and of the network. */
typedef struct _IstMqttClient IstMqttClient;

typedef struct
{
  /* Another attempt begins, after one that failed or was lost. NULL for those who
   * need not know. */
  void (*connecting) (gpointer user_data);
  void (*subscribed) (gpointer user_data);
  void (*message) (GBytes *payload,
                   gboolean retained,
                   gpointer user_data);
  /* As with links. What was under way when the broker was lost is lost too. */
  void (*published) (int id,
                     gpointer user_data);
  /* An attempt failed, or the broker was lost; the next attempt is @delay_ms
   * milliseconds away. */
  void (*lost) (const GError *error,
                guint delay_ms,
                gpointer user_data);
} IstMqttClientEvents;

/* Begins at once. @events, which come in @context, outlives the client. */
IstMqttClient *ist_mqtt_client_new (GMainContext *context,
                                    IstMqttSettings *settings,
                                    const IstMqttClientEvents *events,
                                    gpointer user_data);
/* FALSE while there is no connection. */
gboolean ist_mqtt_client_publish (IstMqttClient *self,
                                  const char *topic,
                                  GBytes *payload,
                                  int *id);
/* Allowed in all of its events. */
void ist_mqtt_client_free (IstMqttClient *self);

G_END_DECLS
