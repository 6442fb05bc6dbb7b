/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-secure-tunnel-builder.h"

#include "ist/tunnel/ist-tunnel-settings-private.h"

/**
 * IstSecureTunnelBuilder:
 *
 * Gathers the settings of an [class@Ist.SecureTunnel].
 *
 * The properties are those of the tunnel, but writable. Each setter returns the
 * builder, so that calls can be chained:
 *
 * ```c
 * g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
 * g_autoptr (IstSecureTunnel) tunnel = NULL;
 *
 * ist_secure_tunnel_builder_set_mode (builder, IST_MODE_DESTINATION);
 * ist_secure_tunnel_builder_set_region (builder, "eu-central-1");
 * ist_secure_tunnel_builder_set_access_token (builder, token);
 * tunnel = ist_secure_tunnel_builder_build (builder, &error);
 * ```
 *
 * A tunnel is made from a snapshot: what is set afterwards changes nothing in
 * the tunnels that were built, and a builder can build many.
 *
 * Since: 1.0
 */
struct _IstSecureTunnelBuilder
{
  GObject parent_instance;
  IstTunnelSettings settings;
};

G_DEFINE_FINAL_TYPE (IstSecureTunnelBuilder, ist_secure_tunnel_builder, G_TYPE_OBJECT)

static void
ist_secure_tunnel_builder_get_property (GObject *object,
                                        guint prop_id,
                                        GValue *value,
                                        GParamSpec *pspec)
{
  ist_tunnel_settings_get (&IST_SECURE_TUNNEL_BUILDER (object)->settings, prop_id, value);
}

static void
ist_secure_tunnel_builder_set_property (GObject *object,
                                        guint prop_id,
                                        const GValue *value,
                                        GParamSpec *pspec)
{
  ist_tunnel_settings_set (&IST_SECURE_TUNNEL_BUILDER (object)->settings, prop_id, value);
}

static void
ist_secure_tunnel_builder_finalize (GObject *object)
{
  ist_tunnel_settings_clear (&IST_SECURE_TUNNEL_BUILDER (object)->settings);
  G_OBJECT_CLASS (ist_secure_tunnel_builder_parent_class)->finalize (object);
}

static void
ist_secure_tunnel_builder_class_init (IstSecureTunnelBuilderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ist_secure_tunnel_builder_get_property;
  object_class->set_property = ist_secure_tunnel_builder_set_property;
  object_class->finalize = ist_secure_tunnel_builder_finalize;
  ist_tunnel_settings_install (object_class, 0);
}

static void
ist_secure_tunnel_builder_init (IstSecureTunnelBuilder *self)
{
  ist_tunnel_settings_init (&self->settings);
}

/**
 * ist_secure_tunnel_builder_new:
 *
 * Makes a builder with the default settings.
 *
 * Returns: (transfer full): a new builder
 *
 * Since: 1.0
 */
IstSecureTunnelBuilder *
ist_secure_tunnel_builder_new (void)
{
  return g_object_new (IST_TYPE_SECURE_TUNNEL_BUILDER, NULL);
}

/**
 * ist_secure_tunnel_builder_build:
 * @self: a builder
 * @error: return location for an error
 *
 * Makes a tunnel with the settings as they are now.
 *
 * The tunnel belongs to the thread-default main context of the caller, as
 * [class@Ist.SecureTunnel] says. %IST_TUNNEL_ERROR_INVALID_SETTING names the property
 * that has no value or one that can't work.
 *
 * Returns: (transfer full): a new tunnel, not started
 *
 * Since: 1.0
 */
IstSecureTunnel *
ist_secure_tunnel_builder_build (IstSecureTunnelBuilder *self,
                                 GError **error)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL_BUILDER (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ist_tunnel_settings_validate (&self->settings, error))
    return NULL;
  return IST_SECURE_TUNNEL (ist_tunnel_settings_construct (&self->settings, IST_TYPE_SECURE_TUNNEL));
}

/* The settings */

#define DEFINE_GETTER(name, c_type, value_type, setting)                     \
  c_type ist_secure_tunnel_builder_get_##name (IstSecureTunnelBuilder *self) \
  {                                                                          \
    g_return_val_if_fail (IST_IS_SECURE_TUNNEL_BUILDER (self), (c_type) 0);  \
                                                                             \
    return ist_tunnel_settings_get_##value_type (&self->settings, setting);  \
  }

/* Not through GObject, which warns of a value that is none and takes another one:
 * build() says what is wrong. */
#define DEFINE_SETTER(name, c_type, value_type, setting)                             \
  IstSecureTunnelBuilder *                                                           \
    ist_secure_tunnel_builder_set_##name (IstSecureTunnelBuilder *self, c_type name) \
  {                                                                                  \
    g_return_val_if_fail (IST_IS_SECURE_TUNNEL_BUILDER (self), self);                \
                                                                                     \
    g_value_set_##value_type (&self->settings.values[setting], name);                \
    g_object_notify (G_OBJECT (self), ist_tunnel_settings_get_name (setting));       \
    return self;                                                                     \
  }

/**
 * IstSecureTunnelBuilder:mode:
 *
 * See [property@Ist.SecureTunnel:mode].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_mode: (get-property mode)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:mode].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (mode, IstMode, enum, IST_SETTING_MODE)

/**
 * ist_secure_tunnel_builder_set_mode: (set-property mode)
 * @self: a builder
 * @mode: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:mode].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (mode, IstMode, enum, IST_SETTING_MODE)

/**
 * IstSecureTunnelBuilder:access-token:
 *
 * See [property@Ist.SecureTunnel:access-token].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_set_access_token: (set-property access-token)
 * @self: a builder
 * @access_token: (nullable): the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:access-token].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (access_token, const char *, string, IST_SETTING_ACCESS_TOKEN)

/**
 * IstSecureTunnelBuilder:client-token:
 *
 * See [property@Ist.SecureTunnel:client-token].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_set_client_token: (set-property client-token)
 * @self: a builder
 * @client_token: (nullable): the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:client-token].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (client_token, const char *, string, IST_SETTING_CLIENT_TOKEN)

/**
 * IstSecureTunnelBuilder:region:
 *
 * See [property@Ist.SecureTunnel:region].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_region: (get-property region)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:region].
 *
 * Returns: (transfer none) (nullable): the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (region, const char *, string, IST_SETTING_REGION)

/**
 * ist_secure_tunnel_builder_set_region: (set-property region)
 * @self: a builder
 * @region: (nullable): the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:region].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (region, const char *, string, IST_SETTING_REGION)

/**
 * IstSecureTunnelBuilder:endpoint:
 *
 * See [property@Ist.SecureTunnel:endpoint].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_endpoint: (get-property endpoint)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:endpoint].
 *
 * Returns: (transfer none) (nullable): the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (endpoint, const char *, string, IST_SETTING_ENDPOINT)

/**
 * ist_secure_tunnel_builder_set_endpoint: (set-property endpoint)
 * @self: a builder
 * @endpoint: (nullable): the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:endpoint].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (endpoint, const char *, string, IST_SETTING_ENDPOINT)

/**
 * IstSecureTunnelBuilder:allow-plain:
 *
 * See [property@Ist.SecureTunnel:allow-plain].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_allow_plain: (get-property allow-plain)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:allow-plain].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (allow_plain, gboolean, boolean, IST_SETTING_ALLOW_PLAIN)

/**
 * ist_secure_tunnel_builder_set_allow_plain: (set-property allow-plain)
 * @self: a builder
 * @allow_plain: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:allow-plain].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (allow_plain, gboolean, boolean, IST_SETTING_ALLOW_PLAIN)

/**
 * IstSecureTunnelBuilder:tls-database:
 *
 * See [property@Ist.SecureTunnel:tls-database].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_tls_database: (get-property tls-database)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:tls-database].
 *
 * Returns: (transfer none) (nullable): the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (tls_database, GTlsDatabase *, object, IST_SETTING_TLS_DATABASE)

/**
 * ist_secure_tunnel_builder_set_tls_database: (set-property tls-database)
 * @self: a builder
 * @tls_database: (nullable): the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:tls-database].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (tls_database, GTlsDatabase *, object, IST_SETTING_TLS_DATABASE)

/**
 * IstSecureTunnelBuilder:ca-file: (type filename)
 *
 * See [property@Ist.SecureTunnel:ca-file].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_ca_file: (get-property ca-file)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:ca-file].
 *
 * Returns: (transfer none) (type filename) (nullable): the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (ca_file, const char *, string, IST_SETTING_CA_FILE)

/**
 * ist_secure_tunnel_builder_set_ca_file: (set-property ca-file)
 * @self: a builder
 * @ca_file: (type filename) (nullable): the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:ca-file].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (ca_file, const char *, string, IST_SETTING_CA_FILE)

/**
 * IstSecureTunnelBuilder:verify-certificate:
 *
 * See [property@Ist.SecureTunnel:verify-certificate].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_verify_certificate: (get-property verify-certificate)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:verify-certificate].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (verify_certificate, gboolean, boolean, IST_SETTING_VERIFY_CERTIFICATE)

/**
 * ist_secure_tunnel_builder_set_verify_certificate: (set-property verify-certificate)
 * @self: a builder
 * @verify_certificate: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:verify-certificate].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (verify_certificate, gboolean, boolean, IST_SETTING_VERIFY_CERTIFICATE)

/**
 * IstSecureTunnelBuilder:proxy-resolver:
 *
 * See [property@Ist.SecureTunnel:proxy-resolver].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_proxy_resolver: (get-property proxy-resolver)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:proxy-resolver].
 *
 * Returns: (transfer none) (nullable): the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (proxy_resolver, GProxyResolver *, object, IST_SETTING_PROXY_RESOLVER)

/**
 * ist_secure_tunnel_builder_set_proxy_resolver: (set-property proxy-resolver)
 * @self: a builder
 * @proxy_resolver: (nullable): the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:proxy-resolver].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (proxy_resolver, GProxyResolver *, object, IST_SETTING_PROXY_RESOLVER)

/**
 * IstSecureTunnelBuilder:protocol-version:
 *
 * See [property@Ist.SecureTunnel:protocol-version].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_protocol_version: (get-property protocol-version)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:protocol-version].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (protocol_version, IstProtocolVersion, enum, IST_SETTING_PROTOCOL_VERSION)

/**
 * ist_secure_tunnel_builder_set_protocol_version: (set-property protocol-version)
 * @self: a builder
 * @protocol_version: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:protocol-version].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (protocol_version, IstProtocolVersion, enum, IST_SETTING_PROTOCOL_VERSION)

/**
 * IstSecureTunnelBuilder:ping-interval:
 *
 * See [property@Ist.SecureTunnel:ping-interval].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_ping_interval: (get-property ping-interval)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:ping-interval].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (ping_interval, guint, uint, IST_SETTING_PING_INTERVAL)

/**
 * ist_secure_tunnel_builder_set_ping_interval: (set-property ping-interval)
 * @self: a builder
 * @ping_interval: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:ping-interval].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (ping_interval, guint, uint, IST_SETTING_PING_INTERVAL)

/**
 * IstSecureTunnelBuilder:pong-timeout:
 *
 * See [property@Ist.SecureTunnel:pong-timeout].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_pong_timeout: (get-property pong-timeout)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:pong-timeout].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (pong_timeout, guint, uint, IST_SETTING_PONG_TIMEOUT)

/**
 * ist_secure_tunnel_builder_set_pong_timeout: (set-property pong-timeout)
 * @self: a builder
 * @pong_timeout: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:pong-timeout].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (pong_timeout, guint, uint, IST_SETTING_PONG_TIMEOUT)

/**
 * IstSecureTunnelBuilder:connect-timeout:
 *
 * See [property@Ist.SecureTunnel:connect-timeout].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_connect_timeout: (get-property connect-timeout)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:connect-timeout].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (connect_timeout, guint, uint, IST_SETTING_CONNECT_TIMEOUT)

/**
 * ist_secure_tunnel_builder_set_connect_timeout: (set-property connect-timeout)
 * @self: a builder
 * @connect_timeout: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:connect-timeout].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (connect_timeout, guint, uint, IST_SETTING_CONNECT_TIMEOUT)

/**
 * IstSecureTunnelBuilder:reconnect-policy:
 *
 * See [property@Ist.SecureTunnel:reconnect-policy].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_reconnect_policy: (get-property reconnect-policy)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:reconnect-policy].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (reconnect_policy, IstReconnectPolicy, enum, IST_SETTING_RECONNECT_POLICY)

/**
 * ist_secure_tunnel_builder_set_reconnect_policy: (set-property reconnect-policy)
 * @self: a builder
 * @reconnect_policy: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:reconnect-policy].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (reconnect_policy, IstReconnectPolicy, enum, IST_SETTING_RECONNECT_POLICY)

/**
 * IstSecureTunnelBuilder:reconnect-delay-floor-ms:
 *
 * See [property@Ist.SecureTunnel:reconnect-delay-floor-ms].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_reconnect_delay_floor_ms: (get-property reconnect-delay-floor-ms)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:reconnect-delay-floor-ms].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (reconnect_delay_floor_ms, guint, uint, IST_SETTING_RECONNECT_DELAY_FLOOR_MS)

/**
 * ist_secure_tunnel_builder_set_reconnect_delay_floor_ms: (set-property reconnect-delay-floor-ms)
 * @self: a builder
 * @reconnect_delay_floor_ms: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:reconnect-delay-floor-ms].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (reconnect_delay_floor_ms, guint, uint, IST_SETTING_RECONNECT_DELAY_FLOOR_MS)

/**
 * IstSecureTunnelBuilder:reconnect-delay-base-ms:
 *
 * See [property@Ist.SecureTunnel:reconnect-delay-base-ms].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_reconnect_delay_base_ms: (get-property reconnect-delay-base-ms)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:reconnect-delay-base-ms].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (reconnect_delay_base_ms, guint, uint, IST_SETTING_RECONNECT_DELAY_BASE_MS)

/**
 * ist_secure_tunnel_builder_set_reconnect_delay_base_ms: (set-property reconnect-delay-base-ms)
 * @self: a builder
 * @reconnect_delay_base_ms: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:reconnect-delay-base-ms].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (reconnect_delay_base_ms, guint, uint, IST_SETTING_RECONNECT_DELAY_BASE_MS)

/**
 * IstSecureTunnelBuilder:reconnect-delay-cap-ms:
 *
 * See [property@Ist.SecureTunnel:reconnect-delay-cap-ms].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_reconnect_delay_cap_ms: (get-property reconnect-delay-cap-ms)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:reconnect-delay-cap-ms].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (reconnect_delay_cap_ms, guint, uint, IST_SETTING_RECONNECT_DELAY_CAP_MS)

/**
 * ist_secure_tunnel_builder_set_reconnect_delay_cap_ms: (set-property reconnect-delay-cap-ms)
 * @self: a builder
 * @reconnect_delay_cap_ms: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:reconnect-delay-cap-ms].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (reconnect_delay_cap_ms, guint, uint, IST_SETTING_RECONNECT_DELAY_CAP_MS)

/**
 * IstSecureTunnelBuilder:max-attempts:
 *
 * See [property@Ist.SecureTunnel:max-attempts].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_max_attempts: (get-property max-attempts)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:max-attempts].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (max_attempts, guint, uint, IST_SETTING_MAX_ATTEMPTS)

/**
 * ist_secure_tunnel_builder_set_max_attempts: (set-property max-attempts)
 * @self: a builder
 * @max_attempts: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:max-attempts].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (max_attempts, guint, uint, IST_SETTING_MAX_ATTEMPTS)

/**
 * IstSecureTunnelBuilder:connection-wait-timeout-ms:
 *
 * See [property@Ist.SecureTunnel:connection-wait-timeout-ms].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_connection_wait_timeout_ms: (get-property connection-wait-timeout-ms)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:connection-wait-timeout-ms].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (connection_wait_timeout_ms, guint, uint, IST_SETTING_CONNECTION_WAIT_TIMEOUT_MS)

/**
 * ist_secure_tunnel_builder_set_connection_wait_timeout_ms: (set-property connection-wait-timeout-ms)
 * @self: a builder
 * @connection_wait_timeout_ms: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:connection-wait-timeout-ms].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (connection_wait_timeout_ms, guint, uint, IST_SETTING_CONNECTION_WAIT_TIMEOUT_MS)

/**
 * IstSecureTunnelBuilder:connection-buffer-size:
 *
 * See [property@Ist.SecureTunnel:connection-buffer-size].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_connection_buffer_size: (get-property connection-buffer-size)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:connection-buffer-size].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (connection_buffer_size, guint, uint, IST_SETTING_CONNECTION_BUFFER_SIZE)

/**
 * ist_secure_tunnel_builder_set_connection_buffer_size: (set-property connection-buffer-size)
 * @self: a builder
 * @connection_buffer_size: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:connection-buffer-size].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (connection_buffer_size, guint, uint, IST_SETTING_CONNECTION_BUFFER_SIZE)

/**
 * IstSecureTunnelBuilder:total-buffer-size:
 *
 * See [property@Ist.SecureTunnel:total-buffer-size].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_total_buffer_size: (get-property total-buffer-size)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:total-buffer-size].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (total_buffer_size, guint, uint, IST_SETTING_TOTAL_BUFFER_SIZE)

/**
 * ist_secure_tunnel_builder_set_total_buffer_size: (set-property total-buffer-size)
 * @self: a builder
 * @total_buffer_size: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:total-buffer-size].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (total_buffer_size, guint, uint, IST_SETTING_TOTAL_BUFFER_SIZE)

/**
 * IstSecureTunnelBuilder:stall-timeout:
 *
 * See [property@Ist.SecureTunnel:stall-timeout].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_stall_timeout: (get-property stall-timeout)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:stall-timeout].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (stall_timeout, guint, uint, IST_SETTING_STALL_TIMEOUT)

/**
 * ist_secure_tunnel_builder_set_stall_timeout: (set-property stall-timeout)
 * @self: a builder
 * @stall_timeout: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:stall-timeout].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (stall_timeout, guint, uint, IST_SETTING_STALL_TIMEOUT)

/**
 * IstSecureTunnelBuilder:send-buffer-size:
 *
 * See [property@Ist.SecureTunnel:send-buffer-size].
 *
 * Since: 1.0
 */

/**
 * ist_secure_tunnel_builder_get_send_buffer_size: (get-property send-buffer-size)
 * @self: a builder
 *
 * Gets [property@Ist.SecureTunnelBuilder:send-buffer-size].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (send_buffer_size, guint, uint, IST_SETTING_SEND_BUFFER_SIZE)

/**
 * ist_secure_tunnel_builder_set_send_buffer_size: (set-property send-buffer-size)
 * @self: a builder
 * @send_buffer_size: the value
 *
 * Sets [property@Ist.SecureTunnelBuilder:send-buffer-size].
 *
 * Returns: (transfer none): @self
 *
 * Since: 1.0
 */
DEFINE_SETTER (send_buffer_size, guint, uint, IST_SETTING_SEND_BUFFER_SIZE)
