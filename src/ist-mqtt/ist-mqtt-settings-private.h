/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>
#include <mosquitto.h>

G_BEGIN_DECLS

/* Where a broker is, and who comes to it. Never changes once it is in use. */
typedef struct
{
  char *host;
  guint port;
  gboolean tls;
  char *client_id; /* NULL for any, if there is no topic */
  char *user;      /* NULL for none */
  char *password;  /* NULL for none */
  char *certificate_file;
  char *key_file;
  char *ca_file;   /* NULL for the authorities of the system */
  guint keepalive; /* seconds */
  char *topic;     /* subscribed with QoS 1; NULL for clients that only publish */
} IstMqttSettings;

IstMqttSettings *ist_mqtt_settings_new (void);
IstMqttSettings *ist_mqtt_settings_ref (IstMqttSettings *self);
void ist_mqtt_settings_unref (IstMqttSettings *self);

/* Whether the files of TLS can be read: libmosquitto's errors don't say which can't,
 * and it waits for what is no file. IST_TUNNEL_ERROR_TLS. May block, as the next. */
gboolean ist_mqtt_settings_check_files (const IstMqttSettings *self,
                                        GError **error);

/* Tells libmosquitto who the client is, and how to use TLS; returns what it says. */
int ist_mqtt_settings_apply (const IstMqttSettings *self,
                             struct mosquitto *mosquitto);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstMqttSettings, ist_mqtt_settings_unref)

G_END_DECLS
