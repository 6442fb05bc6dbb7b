/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/emulator/emulator-notifier.h"

#include <string.h>

#include <glib/gi18n.h>

#define MAX_PASSWORD_FILE 65536
#define PASSWORD_VARIABLE "IST_EMULATOR_MQTT_PASSWORD"

#define PORT 1883
#define TLS_PORT 8883
#define KEEPALIVE 60 /* seconds */

void
emulator_broker_clear (EmulatorBroker *self)
{
  g_free (self->broker);
  g_free (self->ca_file);
  g_free (self->certificate_file);
  g_free (self->key_file);
  g_free (self->user);
  g_free (self->password_file);
}

#ifdef HAVE_MQTT

#include "common/ist-file-private.h"
#include "common/ist-loopback-private.h"
#include "common/ist-names-private.h"
#include "ist-mqtt/ist-mqtt-publisher-private.h"

struct _EmulatorNotifier
{
  IstEmulatorService *service;
  gulong handler;
  IstMqttPublisher *publisher;
};

static void
on_connected (gpointer user_data)
{
  g_message (_ ("connected to the MQTT broker"));
}

static void
on_published (const char *topic,
              gpointer user_data)
{
  g_message (_ ("published a notification to %s"), topic);
}

static void
on_dropped (const char *topic,
            gpointer user_data)
{
  g_message (_ ("dropped a notification to %s: too many wait for the MQTT broker"), topic);
}

static void
on_lost (const GError *error,
         guint delay_ms,
         gpointer user_data)
{
  g_message (_ ("no MQTT broker: %s; trying again in %.1f s"), error->message, delay_ms / 1000.0);
}

static const IstMqttPublisherEvents publisher_events = {
  .connected = on_connected,
  .published = on_published,
  .dropped = on_dropped,
  .lost = on_lost,
};

static void
on_notification (IstEmulatorService *service,
                 const char *thing_name,
                 GBytes *payload,
                 gpointer user_data)
{
  EmulatorNotifier *self = user_data;
  g_autofree char *topic = ist_thing_get_topic (thing_name);

  ist_mqtt_publisher_publish (self->publisher, topic, payload);
}

/* The first line of a file, or the environment: a command line is for all to see. */
static gboolean
broker_read_password (const EmulatorBroker *broker,
                      char **password,
                      GError **error)
{
  if (broker->password_file == NULL)
    {
      *password = g_strdup (g_getenv (PASSWORD_VARIABLE));
      return TRUE;
    }
  if (!ist_file_read (broker->password_file, MAX_PASSWORD_FILE, password, NULL, error))
    return FALSE;
  (*password)[strcspn (*password, "\r\n")] = '\0';
  return TRUE;
}

/* Without TLS, tokens go no further than this machine. */
static IstMqttSettings *
broker_make_settings (const EmulatorBroker *broker,
                      GError **error)
{
  g_autoptr (IstMqttSettings) settings = ist_mqtt_settings_new ();
  g_autoptr (GSocketConnectable) address = g_network_address_parse (broker->broker, 0, error);
  guint port;

  if (address == NULL)
    return NULL;

  settings->host = g_strdup (g_network_address_get_hostname (G_NETWORK_ADDRESS (address)));
  settings->tls = broker->ca_file != NULL || broker->certificate_file != NULL ||
                  !ist_host_is_loopback (settings->host);
  port = g_network_address_get_port (G_NETWORK_ADDRESS (address));
  settings->port = port != 0 ? port : (settings->tls ? TLS_PORT : PORT);
  settings->keepalive = KEEPALIVE;
  settings->ca_file = g_strdup (broker->ca_file);
  settings->certificate_file = g_strdup (broker->certificate_file);
  settings->key_file = g_strdup (broker->key_file != NULL ? broker->key_file : broker->certificate_file);
  settings->user = g_strdup (broker->user);
  if (broker->user != NULL && !broker_read_password (broker, &settings->password, error))
    return NULL;
  return g_steal_pointer (&settings);
}

EmulatorNotifier *
emulator_notifier_new (IstEmulatorService *service,
                       const EmulatorBroker *broker,
                       GError **error)
{
  g_autoptr (IstMqttSettings) settings = broker_make_settings (broker, error);
  EmulatorNotifier *self;

  if (settings == NULL)
    return NULL;

  self = g_new0 (EmulatorNotifier, 1);
  self->service = g_object_ref (service);
  self->publisher = ist_mqtt_publisher_new (g_main_context_default (), settings, &publisher_events, self);
  self->handler = g_signal_connect (service, "notification", G_CALLBACK (on_notification), self);
  return self;
}

void
emulator_notifier_free (EmulatorNotifier *self)
{
  g_signal_handler_disconnect (self->service, self->handler);
  g_object_unref (self->service);
  ist_mqtt_publisher_free (self->publisher);
  g_free (self);
}

#else

EmulatorNotifier *
emulator_notifier_new (IstEmulatorService *service,
                       const EmulatorBroker *broker,
                       GError **error)
{
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                       _ ("this ist-emulator was built without MQTT"));
  return NULL;
}

void
emulator_notifier_free (EmulatorNotifier *self)
{
}

#endif
