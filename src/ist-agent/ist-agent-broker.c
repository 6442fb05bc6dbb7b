/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-agent/ist-agent-broker-private.h"

#include <string.h>

#include "common/ist-loopback-private.h"
#include "common/ist-names-private.h"

#define DEFAULT_PORT_TLS 8883
#define DEFAULT_PORT_PLAIN 1883

/* HOST and HOST:PORT count as mqtts: URIs. */
static gboolean
broker_parse (const IstAgentSettings *settings,
              IstMqttSettings *mqtt,
              GError **error)
{
  g_autofree char *with_scheme = NULL;
  g_autoptr (GUri) uri = NULL;
  const char *scheme;
  const char *host;

  if (strstr (settings->broker, "://") == NULL)
    with_scheme = g_strconcat ("mqtts://", settings->broker, NULL);
  uri = g_uri_parse (with_scheme != NULL ? with_scheme : settings->broker, G_URI_FLAGS_NONE, NULL);
  host = uri != NULL ? g_uri_get_host (uri) : NULL;
  if (host == NULL || *host == '\0' || g_uri_get_port (uri) == 0)
    return ist_agent_settings_fail (error, "broker", "neither HOST[:PORT] nor an mqtts: URI");
  if (*g_uri_get_path (uri) != '\0' || g_uri_get_userinfo (uri) != NULL || g_uri_get_query (uri) != NULL ||
      g_uri_get_fragment (uri) != NULL)
    return ist_agent_settings_fail (error, "broker", "takes no path, user, query or fragment");

  scheme = g_uri_get_scheme (uri);
  mqtt->tls = strcmp (scheme, "mqtts") == 0;
  if (!mqtt->tls && strcmp (scheme, "mqtt") != 0)
    return ist_agent_settings_fail (error, "broker", "the scheme must be mqtts or mqtt");
  if (!mqtt->tls && !settings->allow_plain && !ist_host_is_loopback (host))
    return ist_agent_settings_fail (error, "broker",
                                    "mqtt: has no encryption and is taken for loopback addresses only; use mqtts: "
                                    "or set allow-plain");

  mqtt->host = g_strdup (host);
  if (g_uri_get_port (uri) > 0)
    mqtt->port = g_uri_get_port (uri);
  else
    mqtt->port = mqtt->tls ? DEFAULT_PORT_TLS : DEFAULT_PORT_PLAIN;
  return TRUE;
}

IstMqttSettings *
ist_agent_broker_make_settings (const IstAgentSettings *settings,
                                GError **error)
{
  g_autoptr (IstMqttSettings) mqtt = ist_mqtt_settings_new ();

  if (!broker_parse (settings, mqtt, error))
    return NULL;
  if (mqtt->tls && settings->certificate_file == NULL)
    {
      ist_agent_settings_fail (error, "certificate-file", "missing; the broker knows a device by its certificate");
      return NULL;
    }

  mqtt->client_id = g_strdup (settings->client_id != NULL ? settings->client_id : settings->thing_name);
  mqtt->certificate_file = g_strdup (settings->certificate_file);
  mqtt->key_file = g_strdup (settings->key_file != NULL ? settings->key_file : settings->certificate_file);
  mqtt->ca_file = g_strdup (settings->ca_file);
  mqtt->keepalive = settings->keepalive;
  mqtt->topic = ist_thing_get_topic (settings->thing_name);
  return g_steal_pointer (&mqtt);
}
