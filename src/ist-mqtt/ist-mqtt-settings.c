/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-mqtt/ist-mqtt-settings-private.h"

IstMqttSettings *
ist_mqtt_settings_new (void)
{
  return g_rc_box_new0 (IstMqttSettings);
}

IstMqttSettings *
ist_mqtt_settings_ref (IstMqttSettings *self)
{
  return g_rc_box_acquire (self);
}

static void
settings_clear (IstMqttSettings *self)
{
  g_free (self->host);
  g_free (self->client_id);
  g_free (self->user);
  g_free (self->password);
  g_free (self->certificate_file);
  g_free (self->key_file);
  g_free (self->ca_file);
  g_free (self->topic);
}

void
ist_mqtt_settings_unref (IstMqttSettings *self)
{
  g_rc_box_release_full (self, (GDestroyNotify) settings_clear);
}
