/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Never changes once it is in use. */
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

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstMqttSettings, ist_mqtt_settings_unref)

G_END_DECLS
