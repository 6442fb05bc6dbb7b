/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-mqtt/ist-mqtt-settings-private.h"

#include <ist/ist.h>

#include "common/ist-file-private.h"

/* AWS serves MQTT on the port of HTTPS too, to clients that ask for it by this name. */
#define HTTPS_PORT 443
#define HTTPS_PORT_ALPN "x-amzn-mqtt-ca"

/* A certificate or a key is smaller by far. */
#define MAX_FILE (1024 * 1024)

/* libmosquitto takes no certificate of ours unless it is also told of a place
 * of authorities; this one is theirs anyway, where it exists. */
#define SYSTEM_AUTHORITIES "/etc/ssl/certs"

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

gboolean
ist_mqtt_settings_check_files (const IstMqttSettings *self,
                               GError **error)
{
  const char *const files[] = { self->ca_file, self->certificate_file, self->key_file };

  for (gsize i = 0; self->tls && i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *contents = NULL;
      g_autoptr (GError) local = NULL;

      if (files[i] == NULL || ist_file_read (files[i], MAX_FILE, &contents, NULL, &local))
        continue;
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TLS, local->message);
      return FALSE;
    }
  return TRUE;
}

static int
settings_apply_tls (const IstMqttSettings *self,
                    struct mosquitto *mosquitto)
{
  int result = MOSQ_ERR_SUCCESS;

  if (self->ca_file == NULL)
    result = mosquitto_int_option (mosquitto, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
  if (result == MOSQ_ERR_SUCCESS)
    result = mosquitto_tls_set (mosquitto, self->ca_file, self->ca_file == NULL ? SYSTEM_AUTHORITIES : NULL,
                                self->certificate_file, self->key_file, NULL);
  if (result == MOSQ_ERR_SUCCESS && self->port == HTTPS_PORT)
    result = mosquitto_string_option (mosquitto, MOSQ_OPT_TLS_ALPN, HTTPS_PORT_ALPN);
  return result;
}

int
ist_mqtt_settings_apply (const IstMqttSettings *self,
                         struct mosquitto *mosquitto)
{
  int result = mosquitto_username_pw_set (mosquitto, self->user, self->password);

  if (result == MOSQ_ERR_SUCCESS && self->tls)
    result = settings_apply_tls (self, mosquitto);
  return result;
}
