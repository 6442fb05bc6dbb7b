/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-agent/ist-agent-settings-private.h"

#include "common/ist-names-private.h"
#include "ist-agent/ist-agent-device-private.h"

void
ist_agent_settings_specify (GParamSpec **properties)
{
  const GParamFlags fixed = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  const GParamFlags open =
    G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * IstAgentDevice:thing-name: (getter get_thing_name)
   *
   * The name of the device at AWS IoT: 1 to 128 characters of `a-z`, `A-Z`,
   * `0-9`, `:`, `_` and `-`. Required.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_THING_NAME] = g_param_spec_string ("thing-name", NULL, NULL, NULL, fixed);

  /**
   * IstAgentDevice:broker: (getter get_broker)
   *
   * The MQTT broker: `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`, or an `mqtts:` URI;
   * the port is 8883 if none is given. On port 443 the agent asks for MQTT as
   * AWS IoT Core serves it there. An `mqtt:` URI, without TLS, is taken for loopback
   * addresses only, unless `allow-plain` is set.
   *
   * %NULL if notifications come through
   * [method@IstAgent.Device.handle_notification] only.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_BROKER] = g_param_spec_string ("broker", NULL, NULL, NULL, fixed);

  /**
   * IstAgentDevice:client-id: (getter get_client_id)
   *
   * What the agent calls itself to the broker, %NULL for the name of the thing.
   * A broker lets one client at a time use a name: another one is needed where
   * other software of the device has taken it.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_CLIENT_ID] = g_param_spec_string ("client-id", NULL, NULL, NULL, fixed);

  /**
   * IstAgentDevice:certificate-file: (type filename) (getter get_certificate_file)
   *
   * A PEM file with the device's certificate. Required for TLS. This and the
   * other files of TLS are read each time the agent connects.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_CERTIFICATE_FILE] = g_param_spec_string ("certificate-file", NULL, NULL, NULL, fixed);

  /**
   * IstAgentDevice:key-file: (type filename) (getter get_key_file)
   *
   * A PEM file with the certificate's private key, %NULL if it is in the
   * certificate's file.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_KEY_FILE] = g_param_spec_string ("key-file", NULL, NULL, NULL, fixed);

  /**
   * IstAgentDevice:ca-file: (type filename) (getter get_ca_file)
   *
   * A PEM file with the certificate authorities that a broker's certificate may
   * be from, %NULL for those of the system.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_CA_FILE] = g_param_spec_string ("ca-file", NULL, NULL, NULL, fixed);

  /**
   * IstAgentDevice:endpoint: (getter get_endpoint)
   *
   * Where tunnels connect to, as [property@Ist.SecureTunnel:endpoint] has it;
   * %NULL for the endpoint of the region that the notification names.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_ENDPOINT] = g_param_spec_string ("endpoint", NULL, NULL, NULL, fixed);

  /**
   * IstAgentDevice:endpoint-ca-file: (type filename) (getter get_endpoint_ca_file)
   *
   * A PEM file with the certificate authorities that the endpoint's certificate
   * may be from, %NULL for those of the system.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_ENDPOINT_CA_FILE] = g_param_spec_string ("endpoint-ca-file", NULL, NULL, NULL, fixed);

  /**
   * IstAgentDevice:allow-plain: (getter get_allow_plain)
   *
   * Allow `mqtt:` and `ws:`, without TLS, on any host. Tokens and data are then
   * readable by whoever is in between.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_ALLOW_PLAIN] = g_param_spec_boolean ("allow-plain", NULL, NULL, FALSE, fixed);

  /**
   * IstAgentDevice:keepalive: (getter get_keepalive)
   *
   * Seconds of silence after which the agent asks whether the broker is there.
   * Twice as long, at most, may pass until a loss that nobody told of is seen.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_KEEPALIVE] = g_param_spec_uint ("keepalive", NULL, NULL, 5, 1200, 120, fixed);

  /**
   * IstAgentDevice:max-lifetime: (getter get_max_lifetime)
   *
   * Seconds after which a tunnel is left, 0 for never. At AWS they live for 12
   * hours at most, but a tunnel that is never reached can't tell that it is over.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_MAX_LIFETIME] =
    g_param_spec_uint ("max-lifetime", NULL, NULL, 0, G_MAXINT / 1000, 12 * 60 * 60, fixed);

  /**
   * IstAgentDevice:max-tunnels: (getter get_max_tunnels) (setter set_max_tunnels)
   *
   * How many tunnels may be open at once, 0 for any number. Notifications beyond
   * are refused; those that come by MQTT wait for up to a minute while some of the
   * tunnels have not connected yet, the newest first.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_MAX_TUNNELS] = g_param_spec_uint ("max-tunnels", NULL, NULL, 0, G_MAXUINT, 16, open);

  /**
   * IstAgentDevice:max-connections: (getter get_max_connections) (setter set_max_connections)
   *
   * How many connections may be open at once, in all tunnels together, 0 for any
   * number. Connections beyond are refused.
   *
   * Since: 1.0
   */
  properties[IST_AGENT_SETTING_MAX_CONNECTIONS] =
    g_param_spec_uint ("max-connections", NULL, NULL, 0, G_MAXUINT, 256, open);
}

static char **
settings_get_string_field (IstAgentSettings *self,
                           guint setting)
{
  switch (setting)
    {
    case IST_AGENT_SETTING_THING_NAME:
      return &self->thing_name;
    case IST_AGENT_SETTING_BROKER:
      return &self->broker;
    case IST_AGENT_SETTING_CLIENT_ID:
      return &self->client_id;
    case IST_AGENT_SETTING_CERTIFICATE_FILE:
      return &self->certificate_file;
    case IST_AGENT_SETTING_KEY_FILE:
      return &self->key_file;
    case IST_AGENT_SETTING_CA_FILE:
      return &self->ca_file;
    case IST_AGENT_SETTING_ENDPOINT:
      return &self->endpoint;
    case IST_AGENT_SETTING_ENDPOINT_CA_FILE:
      return &self->endpoint_ca_file;
    default:
      return NULL;
    }
}

void
ist_agent_settings_set (IstAgentSettings *self,
                        guint setting,
                        const GValue *value)
{
  char **field = settings_get_string_field (self, setting);

  if (field != NULL)
    *field = g_value_dup_string (value); /* once: they are construct-only */
  else if (setting == IST_AGENT_SETTING_ALLOW_PLAIN)
    self->allow_plain = g_value_get_boolean (value);
  else if (setting == IST_AGENT_SETTING_KEEPALIVE)
    self->keepalive = g_value_get_uint (value);
  else if (setting == IST_AGENT_SETTING_MAX_LIFETIME)
    self->max_lifetime = g_value_get_uint (value);
}

void
ist_agent_settings_get (const IstAgentSettings *self,
                        guint setting,
                        GValue *value)
{
  char **field = settings_get_string_field ((IstAgentSettings *) self, setting);

  if (field != NULL)
    g_value_set_string (value, *field);
  else if (setting == IST_AGENT_SETTING_ALLOW_PLAIN)
    g_value_set_boolean (value, self->allow_plain);
  else if (setting == IST_AGENT_SETTING_KEEPALIVE)
    g_value_set_uint (value, self->keepalive);
  else if (setting == IST_AGENT_SETTING_MAX_LIFETIME)
    g_value_set_uint (value, self->max_lifetime);
  else if (setting == IST_AGENT_SETTING_MAX_TUNNELS)
    g_value_set_uint (value, self->max_tunnels);
  else if (setting == IST_AGENT_SETTING_MAX_CONNECTIONS)
    g_value_set_uint (value, self->max_connections);
}

void
ist_agent_settings_clear (IstAgentSettings *self)
{
  g_free (self->thing_name);
  g_free (self->broker);
  g_free (self->client_id);
  g_free (self->certificate_file);
  g_free (self->key_file);
  g_free (self->ca_file);
  g_free (self->endpoint);
  g_free (self->endpoint_ca_file);
}

gboolean
ist_agent_settings_fail (GError **error,
                         const char *property,
                         const char *what)
{
  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING, "%s: %s", property, what);
  return FALSE;
}

IstSecureTunnel *
ist_agent_settings_make_tunnel (const IstAgentSettings *self,
                                const char *access_token,
                                const char *region,
                                GError **error)
{
  g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
  IstSecureTunnel *tunnel;

  ist_secure_tunnel_builder_set_mode (builder, IST_MODE_DESTINATION);
  ist_secure_tunnel_builder_set_access_token (builder, access_token);
  ist_secure_tunnel_builder_set_allow_plain (builder, self->allow_plain);
  ist_secure_tunnel_builder_set_ca_file (builder, self->endpoint_ca_file);
  if (self->endpoint != NULL)
    ist_secure_tunnel_builder_set_endpoint (builder, self->endpoint);
  else
    ist_secure_tunnel_builder_set_region (builder, region);
  tunnel = ist_secure_tunnel_builder_build (builder, error);
  /* The agent's own ca-file is the broker's. */
  if (tunnel == NULL && error != NULL && g_str_has_prefix ((*error)->message, "ca-file:"))
    g_prefix_error_literal (error, "endpoint-");
  return tunnel;
}

gboolean
ist_agent_settings_check (const IstAgentSettings *self,
                          GError **error)
{
  g_autoptr (IstSecureTunnel) probe = NULL;

  if (self->thing_name == NULL || !ist_name_is_valid (self->thing_name))
    return ist_agent_settings_fail (error, "thing-name", "must be " IST_NAME_RULE);
  /* The endpoint's rules are those of a tunnel, so a tunnel checks them. */
  probe = ist_agent_settings_make_tunnel (self, "none", "us-east-1", error);
  return probe != NULL;
}

/**
 * ist_agent_device_get_thing_name: (get-property thing-name)
 * @self: an agent
 *
 * Gets the name of the device at AWS IoT.
 *
 * Returns: (transfer none) (nullable): the name, %NULL if none was given
 *
 * Since: 1.0
 */
const char *
ist_agent_device_get_thing_name (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), NULL);

  return self->settings.thing_name;
}

/**
 * ist_agent_device_get_broker: (get-property broker)
 * @self: an agent
 *
 * Gets the MQTT broker.
 *
 * Returns: (transfer none) (nullable): the broker, as it was given, or %NULL
 *
 * Since: 1.0
 */
const char *
ist_agent_device_get_broker (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), NULL);

  return self->settings.broker;
}

/**
 * ist_agent_device_get_client_id: (get-property client-id)
 * @self: an agent
 *
 * Gets what the agent calls itself to the broker.
 *
 * Returns: (transfer none) (nullable): the client id, %NULL for the name of the thing
 *
 * Since: 1.0
 */
const char *
ist_agent_device_get_client_id (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), NULL);

  return self->settings.client_id;
}

/**
 * ist_agent_device_get_certificate_file: (get-property certificate-file)
 * @self: an agent
 *
 * Gets the file with the device's certificate.
 *
 * Returns: (type filename) (transfer none) (nullable): the path, or %NULL
 *
 * Since: 1.0
 */
const char *
ist_agent_device_get_certificate_file (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), NULL);

  return self->settings.certificate_file;
}

/**
 * ist_agent_device_get_key_file: (get-property key-file)
 * @self: an agent
 *
 * Gets the file with the certificate's private key.
 *
 * Returns: (type filename) (transfer none) (nullable): the path, %NULL if the key is in the certificate's file
 *
 * Since: 1.0
 */
const char *
ist_agent_device_get_key_file (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), NULL);

  return self->settings.key_file;
}

/**
 * ist_agent_device_get_ca_file: (get-property ca-file)
 * @self: an agent
 *
 * Gets the file with the authorities that the broker's certificate may be from.
 *
 * Returns: (type filename) (transfer none) (nullable): the path, %NULL for the authorities of the system
 *
 * Since: 1.0
 */
const char *
ist_agent_device_get_ca_file (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), NULL);

  return self->settings.ca_file;
}

/**
 * ist_agent_device_get_endpoint: (get-property endpoint)
 * @self: an agent
 *
 * Gets where tunnels connect to.
 *
 * Returns: (transfer none) (nullable): the endpoint, %NULL for that of each tunnel's region
 *
 * Since: 1.0
 */
const char *
ist_agent_device_get_endpoint (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), NULL);

  return self->settings.endpoint;
}

/**
 * ist_agent_device_get_endpoint_ca_file: (get-property endpoint-ca-file)
 * @self: an agent
 *
 * Gets the file with the authorities that the endpoint's certificate may be from.
 *
 * Returns: (type filename) (transfer none) (nullable): the path, %NULL for the authorities of the system
 *
 * Since: 1.0
 */
const char *
ist_agent_device_get_endpoint_ca_file (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), NULL);

  return self->settings.endpoint_ca_file;
}

/**
 * ist_agent_device_get_allow_plain: (get-property allow-plain)
 * @self: an agent
 *
 * Gets whether connections without TLS are allowed on any host.
 *
 * Returns: %TRUE if so
 *
 * Since: 1.0
 */
gboolean
ist_agent_device_get_allow_plain (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), FALSE);

  return self->settings.allow_plain;
}

/**
 * ist_agent_device_get_keepalive: (get-property keepalive)
 * @self: an agent
 *
 * Gets after how much silence the agent asks whether the broker is there.
 *
 * Returns: the time in seconds
 *
 * Since: 1.0
 */
guint
ist_agent_device_get_keepalive (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), 0);

  return self->settings.keepalive;
}

/**
 * ist_agent_device_get_max_lifetime: (get-property max-lifetime)
 * @self: an agent
 *
 * Gets after how long a tunnel is left.
 *
 * Returns: the time in seconds, 0 for never
 *
 * Since: 1.0
 */
guint
ist_agent_device_get_max_lifetime (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), 0);

  return self->settings.max_lifetime;
}

/**
 * ist_agent_device_get_max_tunnels: (get-property max-tunnels)
 * @self: an agent
 *
 * Gets how many tunnels may be open at once.
 *
 * Returns: the number, 0 for any
 *
 * Since: 1.0
 */
guint
ist_agent_device_get_max_tunnels (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), 0);

  return self->settings.max_tunnels;
}

/**
 * ist_agent_device_set_max_tunnels: (set-property max-tunnels)
 * @self: an agent
 * @max_tunnels: the number, 0 for any
 *
 * Says how many tunnels may be open at once. More than that stay open if they
 * are.
 *
 * Since: 1.0
 */
void
ist_agent_device_set_max_tunnels (IstAgentDevice *self,
                                  guint max_tunnels)
{
  g_return_if_fail (IST_AGENT_IS_DEVICE (self));

  if (self->settings.max_tunnels == max_tunnels)
    return;
  self->settings.max_tunnels = max_tunnels;
  g_object_notify (G_OBJECT (self), "max-tunnels");
}

/**
 * ist_agent_device_get_max_connections: (get-property max-connections)
 * @self: an agent
 *
 * Gets how many connections may be open at once, in all tunnels together.
 *
 * Returns: the number, 0 for any
 *
 * Since: 1.0
 */
guint
ist_agent_device_get_max_connections (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), 0);

  return self->settings.max_connections;
}

/**
 * ist_agent_device_set_max_connections: (set-property max-connections)
 * @self: an agent
 * @max_connections: the number, 0 for any
 *
 * Says how many connections may be open at once, in all tunnels together. More
 * than that stay open if they are.
 *
 * Since: 1.0
 */
void
ist_agent_device_set_max_connections (IstAgentDevice *self,
                                      guint max_connections)
{
  g_return_if_fail (IST_AGENT_IS_DEVICE (self));

  if (self->settings.max_connections == max_connections)
    return;
  self->settings.max_connections = max_connections;
  g_object_notify (G_OBJECT (self), "max-connections");
}
