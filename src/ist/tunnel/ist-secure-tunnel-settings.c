/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The getters of a tunnel's settings. What each setting means, its property says. */

#include "ist/ist-secure-tunnel.h"

#include "ist/tunnel/ist-secure-tunnel-private.h"
#include "ist/tunnel/ist-tunnel-settings-private.h"

#define DEFINE_GETTER(name, c_type, value_type, setting)                                          \
  c_type ist_secure_tunnel_get_##name (IstSecureTunnel *self)                                     \
  {                                                                                               \
    g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), (c_type) 0);                               \
                                                                                                  \
    return ist_tunnel_settings_get_##value_type (ist_secure_tunnel_get_settings (self), setting); \
  }

/**
 * ist_secure_tunnel_get_mode: (get-property mode)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:mode].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (mode, IstMode, enum, IST_SETTING_MODE)

/**
 * ist_secure_tunnel_get_region: (get-property region)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:region].
 *
 * Returns: (transfer none) (nullable): the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (region, const char *, string, IST_SETTING_REGION)

/**
 * ist_secure_tunnel_get_endpoint: (get-property endpoint)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:endpoint].
 *
 * Returns: (transfer none) (nullable): the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (endpoint, const char *, string, IST_SETTING_ENDPOINT)

/**
 * ist_secure_tunnel_get_allow_plain: (get-property allow-plain)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:allow-plain].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (allow_plain, gboolean, boolean, IST_SETTING_ALLOW_PLAIN)

/**
 * ist_secure_tunnel_get_tls_database: (get-property tls-database)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:tls-database].
 *
 * Returns: (transfer none) (nullable): the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (tls_database, GTlsDatabase *, object, IST_SETTING_TLS_DATABASE)

/**
 * ist_secure_tunnel_get_ca_file: (get-property ca-file)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:ca-file].
 *
 * Returns: (transfer none) (type filename) (nullable): the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (ca_file, const char *, string, IST_SETTING_CA_FILE)

/**
 * ist_secure_tunnel_get_verify_certificate: (get-property verify-certificate)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:verify-certificate].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (verify_certificate, gboolean, boolean, IST_SETTING_VERIFY_CERTIFICATE)

/**
 * ist_secure_tunnel_get_proxy_resolver: (get-property proxy-resolver)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:proxy-resolver].
 *
 * Returns: (transfer none) (nullable): the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (proxy_resolver, GProxyResolver *, object, IST_SETTING_PROXY_RESOLVER)

/**
 * ist_secure_tunnel_get_protocol_version: (get-property protocol-version)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:protocol-version].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (protocol_version, IstProtocolVersion, enum, IST_SETTING_PROTOCOL_VERSION)

/**
 * ist_secure_tunnel_get_ping_interval: (get-property ping-interval)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:ping-interval].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (ping_interval, guint, uint, IST_SETTING_PING_INTERVAL)

/**
 * ist_secure_tunnel_get_pong_timeout: (get-property pong-timeout)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:pong-timeout].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (pong_timeout, guint, uint, IST_SETTING_PONG_TIMEOUT)

/**
 * ist_secure_tunnel_get_connect_timeout: (get-property connect-timeout)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:connect-timeout].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (connect_timeout, guint, uint, IST_SETTING_CONNECT_TIMEOUT)

/**
 * ist_secure_tunnel_get_reconnect_policy: (get-property reconnect-policy)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:reconnect-policy].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (reconnect_policy, IstReconnectPolicy, enum, IST_SETTING_RECONNECT_POLICY)

/**
 * ist_secure_tunnel_get_reconnect_delay_floor_ms: (get-property reconnect-delay-floor-ms)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:reconnect-delay-floor-ms].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (reconnect_delay_floor_ms, guint, uint, IST_SETTING_RECONNECT_DELAY_FLOOR_MS)

/**
 * ist_secure_tunnel_get_reconnect_delay_base_ms: (get-property reconnect-delay-base-ms)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:reconnect-delay-base-ms].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (reconnect_delay_base_ms, guint, uint, IST_SETTING_RECONNECT_DELAY_BASE_MS)

/**
 * ist_secure_tunnel_get_reconnect_delay_cap_ms: (get-property reconnect-delay-cap-ms)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:reconnect-delay-cap-ms].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (reconnect_delay_cap_ms, guint, uint, IST_SETTING_RECONNECT_DELAY_CAP_MS)

/**
 * ist_secure_tunnel_get_max_attempts: (get-property max-attempts)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:max-attempts].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (max_attempts, guint, uint, IST_SETTING_MAX_ATTEMPTS)

/**
 * ist_secure_tunnel_get_connection_wait_timeout_ms: (get-property connection-wait-timeout-ms)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:connection-wait-timeout-ms].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (connection_wait_timeout_ms, guint, uint, IST_SETTING_CONNECTION_WAIT_TIMEOUT_MS)

/**
 * ist_secure_tunnel_get_connection_buffer_size: (get-property connection-buffer-size)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:connection-buffer-size].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (connection_buffer_size, guint, uint, IST_SETTING_CONNECTION_BUFFER_SIZE)

/**
 * ist_secure_tunnel_get_total_buffer_size: (get-property total-buffer-size)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:total-buffer-size].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (total_buffer_size, guint, uint, IST_SETTING_TOTAL_BUFFER_SIZE)

/**
 * ist_secure_tunnel_get_stall_timeout: (get-property stall-timeout)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:stall-timeout].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (stall_timeout, guint, uint, IST_SETTING_STALL_TIMEOUT)

/**
 * ist_secure_tunnel_get_send_buffer_size: (get-property send-buffer-size)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:send-buffer-size].
 *
 * Returns: the value
 *
 * Since: 1.0
 */
DEFINE_GETTER (send_buffer_size, guint, uint, IST_SETTING_SEND_BUFFER_SIZE)
