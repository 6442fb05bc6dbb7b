/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-tunnel-settings-private.h"

#include <string.h>

#include "ist-error.h"
#include "ist-loopback-private.h"

/* The service's path for both ends. */
#define TUNNEL_PATH "/tunnel"

#define OPEN (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | flags)
#define SECRET (G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | flags)

/**
 * IstSecureTunnel:mode:
 *
 * Which end of the tunnel to be. Must match the access token.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:access-token:
 *
 * The access token of this end of the tunnel, as OpenTunnel or the
 * notification to the device gave it. Required, and write-only: it is a secret.
 * Printable ASCII without spaces.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:client-token:
 *
 * Ties the access token to this client, so that it can be used again to
 * reconnect: 32 to 128 characters of `a-z`, `A-Z`, `0-9` and `-`. Write-only.
 *
 * If %NULL, a random UUID is made when the tunnel is constructed and kept for
 * the life of the object. A client token must not have been used with another
 * access token.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:region:
 *
 * The AWS region of the tunnel, for example `eu-central-1`: connects to
 * `data.tunneling.iot.REGION.amazonaws.com` (with `.cn` appended in China),
 * port 443.
 *
 * Exactly one of this and `endpoint` is required.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:endpoint:
 *
 * Where to connect to instead of the endpoint of a region: `HOST`,
 * `HOST:PORT`, `[ADDRESS]:PORT`, or a `wss:` URI. A `ws:` URI, without TLS, is
 * taken for loopback addresses only, unless `allow-plain` is set.
 *
 * Exactly one of this and `region` is required.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:allow-plain:
 *
 * Allow a `ws:` endpoint on any host. The tokens and all data are then
 * readable by whoever is in between.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:tls-database:
 *
 * The certificate authorities to trust. %NULL for those of the system.
 *
 * Not together with `ca-file`.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:ca-file:
 *
 * A PEM file with the certificate authorities to trust, instead of those of
 * the system. It is read when a connection is made.
 *
 * Not together with `tls-database`.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:verify-certificate:
 *
 * Whether the certificate of the service must be valid. Without it anybody
 * in between can read the tokens and all data: for tests only.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:proxy-resolver:
 *
 * Says which HTTP or SOCKS proxy to connect through.
 *
 * %NULL for what the environment says: the variable `https_proxy` or
 * `HTTPS_PROXY` (`http_proxy` for a `ws:` endpoint), with or without a scheme, and
 * the exceptions in `no_proxy` or `NO_PROXY`. Where it says nothing, the resolver
 * of the system knows the settings of the desktop; it is not asked about loopback
 * addresses.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:protocol-version:
 *
 * The version that a source starts its streams in.
 * %IST_PROTOCOL_VERSION_AUTO starts with version 3 and learns from what the
 * peer answers. A destination speaks what its peer speaks, whatever this is.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:ping-interval:
 *
 * Seconds between the WebSocket pings that keep an idle tunnel alive, 0 for
 * none. The service cuts a connection that is idle for about 60 seconds.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:pong-timeout:
 *
 * Seconds to wait for the answer to a ping before the connection counts as
 * lost, 0 for ever. Does not apply before the first answer has come: the
 * service may not answer while the peer is absent.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:connect-timeout:
 *
 * Seconds that one attempt to connect may take, from the look-up of the host
 * to the end of the WebSocket handshake, 0 for no limit.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:reconnect-policy:
 *
 * What to do when an attempt to connect fails or the connection is lost.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:reconnect-delay-floor:
 *
 * The least delay before an attempt to reconnect, in milliseconds.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:reconnect-delay-base:
 *
 * The delay before the n-th attempt to reconnect in a row is random between
 * `reconnect-delay-floor` and this times 2 to the power of n-1, at most
 * `reconnect-delay-cap`, in milliseconds.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:reconnect-delay-cap:
 *
 * The longest delay before an attempt to reconnect, in milliseconds.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:max-attempts:
 *
 * After so many failures in a row the tunnel stops, 0 for never. A connection
 * that was up for less than ten seconds counts as a failure.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:connection-wait-timeout:
 *
 * How long [method@Ist.SecureTunnel.open_connection_async] waits for a connection
 * that can't be had at once, in milliseconds; with 0 it fails at once. It waits
 *
 * - when a service has a connection already, and the other end has not shown yet
 *   whether it tells several apart, as version 3 of the protocol does. Its first
 *   answer shows it; where there is none, set `protocol-version`;
 * - when the other end speaks version 1 or 2, for the end of the connection that
 *   there is;
 * - for the service to name the services of the tunnel.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:connection-buffer-size:
 *
 * Bytes that each [class@Ist.Connection] keeps in each direction. What it has to
 * send is bounded by this, and does not count for `send-buffer-size`; it receives
 * a little more before the tunnel stops reading.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:total-buffer-size:
 *
 * Bytes that all [class@Ist.Connection]s of the tunnel together keep in each
 * direction. While it is less than the sum of their `connection-buffer-size`s, each
 * may keep an equal part of it, and 16 KiB at least.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:stall-timeout:
 *
 * Seconds for which nobody may read from an [class@Ist.Connection] whose
 * receive buffer is full before it is reset, 0 for ever. Until then the whole
 * tunnel does not read, for the protocol can not hold back one connection.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnel:send-buffer-size:
 *
 * Bytes that may be queued for sending, encoded, before messages are no longer
 * accepted.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:mode:
 *
 * Which end of the tunnel to be. Must match the access token.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:access-token:
 *
 * The access token of this end of the tunnel, as OpenTunnel or the
 * notification to the device gave it. Required, and write-only: it is a secret.
 * Printable ASCII without spaces.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:client-token:
 *
 * Ties the access token to this client, so that it can be used again to
 * reconnect: 32 to 128 characters of `a-z`, `A-Z`, `0-9` and `-`. Write-only.
 *
 * If %NULL, a random UUID is made when the tunnel is constructed and kept for
 * the life of the object. A client token must not have been used with another
 * access token.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:region:
 *
 * The AWS region of the tunnel, for example `eu-central-1`: connects to
 * `data.tunneling.iot.REGION.amazonaws.com` (with `.cn` appended in China),
 * port 443.
 *
 * Exactly one of this and `endpoint` is required.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:endpoint:
 *
 * Where to connect to instead of the endpoint of a region: `HOST`,
 * `HOST:PORT`, `[ADDRESS]:PORT`, or a `wss:` URI. A `ws:` URI, without TLS, is
 * taken for loopback addresses only, unless `allow-plain` is set.
 *
 * Exactly one of this and `region` is required.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:allow-plain:
 *
 * Allow a `ws:` endpoint on any host. The tokens and all data are then
 * readable by whoever is in between.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:tls-database:
 *
 * The certificate authorities to trust. %NULL for those of the system.
 *
 * Not together with `ca-file`.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:ca-file:
 *
 * A PEM file with the certificate authorities to trust, instead of those of
 * the system. It is read when a connection is made.
 *
 * Not together with `tls-database`.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:verify-certificate:
 *
 * Whether the certificate of the service must be valid. Without it anybody
 * in between can read the tokens and all data: for tests only.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:proxy-resolver:
 *
 * Says which HTTP or SOCKS proxy to connect through.
 *
 * %NULL for what the environment says: the variable `https_proxy` or
 * `HTTPS_PROXY` (`http_proxy` for a `ws:` endpoint), with or without a scheme, and
 * the exceptions in `no_proxy` or `NO_PROXY`. Where it says nothing, the resolver
 * of the system knows the settings of the desktop; it is not asked about loopback
 * addresses.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:protocol-version:
 *
 * The version that a source starts its streams in.
 * %IST_PROTOCOL_VERSION_AUTO starts with version 3 and learns from what the
 * peer answers. A destination speaks what its peer speaks, whatever this is.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:ping-interval:
 *
 * Seconds between the WebSocket pings that keep an idle tunnel alive, 0 for
 * none. The service cuts a connection that is idle for about 60 seconds.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:pong-timeout:
 *
 * Seconds to wait for the answer to a ping before the connection counts as
 * lost, 0 for ever. Does not apply before the first answer has come: the
 * service may not answer while the peer is absent.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:connect-timeout:
 *
 * Seconds that one attempt to connect may take, from the look-up of the host
 * to the end of the WebSocket handshake, 0 for no limit.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:reconnect-policy:
 *
 * What to do when an attempt to connect fails or the connection is lost.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:reconnect-delay-floor:
 *
 * The least delay before an attempt to reconnect, in milliseconds.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:reconnect-delay-base:
 *
 * The delay before the n-th attempt to reconnect in a row is random between
 * `reconnect-delay-floor` and this times 2 to the power of n-1, at most
 * `reconnect-delay-cap`, in milliseconds.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:reconnect-delay-cap:
 *
 * The longest delay before an attempt to reconnect, in milliseconds.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:max-attempts:
 *
 * After so many failures in a row the tunnel stops, 0 for never. A connection
 * that was up for less than ten seconds counts as a failure.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:connection-wait-timeout:
 *
 * How long [method@Ist.SecureTunnel.open_connection_async] waits for a connection
 * that can't be had at once, in milliseconds; with 0 it fails at once. It waits
 *
 * - when a service has a connection already, and the other end has not shown yet
 *   whether it tells several apart, as version 3 of the protocol does. Its first
 *   answer shows it; where there is none, set `protocol-version`;
 * - when the other end speaks version 1 or 2, for the end of the connection that
 *   there is;
 * - for the service to name the services of the tunnel.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:connection-buffer-size:
 *
 * Bytes that each [class@Ist.Connection] keeps in each direction. What it has to
 * send is bounded by this, and does not count for `send-buffer-size`; it receives
 * a little more before the tunnel stops reading.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:total-buffer-size:
 *
 * Bytes that all [class@Ist.Connection]s of the tunnel together keep in each
 * direction. While it is less than the sum of their `connection-buffer-size`s, each
 * may keep an equal part of it, and 16 KiB at least.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:stall-timeout:
 *
 * Seconds for which nobody may read from an [class@Ist.Connection] whose
 * receive buffer is full before it is reset, 0 for ever. Until then the whole
 * tunnel does not read, for the protocol can not hold back one connection.
 *
 * Since: 1.0
 */

/**
 * IstSecureTunnelBuilder:send-buffer-size:
 *
 * Bytes that may be queued for sending, encoded, before messages are no longer
 * accepted.
 *
 * Since: 1.0
 */

/* Fills an array indexed by IstSetting; the caller owns the new pspecs. */
static void
make_specs (GParamSpec **specs,
            GParamFlags flags)
{
  specs[0] = NULL;
  specs[IST_SETTING_MODE] = g_param_spec_enum ("mode", NULL, NULL, IST_TYPE_MODE, IST_MODE_SOURCE, OPEN);
  specs[IST_SETTING_ACCESS_TOKEN] = g_param_spec_string ("access-token", NULL, NULL, NULL, SECRET);
  specs[IST_SETTING_CLIENT_TOKEN] = g_param_spec_string ("client-token", NULL, NULL, NULL, SECRET);
  specs[IST_SETTING_REGION] = g_param_spec_string ("region", NULL, NULL, NULL, OPEN);
  specs[IST_SETTING_ENDPOINT] = g_param_spec_string ("endpoint", NULL, NULL, NULL, OPEN);
  specs[IST_SETTING_ALLOW_PLAIN] = g_param_spec_boolean ("allow-plain", NULL, NULL, FALSE, OPEN);
  specs[IST_SETTING_TLS_DATABASE] = g_param_spec_object ("tls-database", NULL, NULL, G_TYPE_TLS_DATABASE,
                                                         OPEN);
  specs[IST_SETTING_CA_FILE] = g_param_spec_string ("ca-file", NULL, NULL, NULL, OPEN);
  specs[IST_SETTING_VERIFY_CERTIFICATE] = g_param_spec_boolean ("verify-certificate", NULL, NULL, TRUE, OPEN);
  specs[IST_SETTING_PROXY_RESOLVER] = g_param_spec_object ("proxy-resolver", NULL, NULL,
                                                           G_TYPE_PROXY_RESOLVER, OPEN);
  specs[IST_SETTING_PROTOCOL_VERSION] = g_param_spec_enum ("protocol-version", NULL, NULL,
                                                           IST_TYPE_PROTOCOL_VERSION,
                                                           IST_PROTOCOL_VERSION_AUTO, OPEN);
  specs[IST_SETTING_PING_INTERVAL] = g_param_spec_uint ("ping-interval", NULL, NULL, 0, 86400, 20, OPEN);
  specs[IST_SETTING_PONG_TIMEOUT] = g_param_spec_uint ("pong-timeout", NULL, NULL, 0, 86400, 20, OPEN);
  specs[IST_SETTING_CONNECT_TIMEOUT] = g_param_spec_uint ("connect-timeout", NULL, NULL, 0, 86400, 30, OPEN);
  specs[IST_SETTING_RECONNECT_POLICY] = g_param_spec_enum ("reconnect-policy", NULL, NULL,
                                                           IST_TYPE_RECONNECT_POLICY,
                                                           IST_RECONNECT_POLICY_TRANSIENT, OPEN);
  specs[IST_SETTING_RECONNECT_DELAY_FLOOR] = g_param_spec_uint ("reconnect-delay-floor", NULL, NULL, 0,
                                                                86400000, 100, OPEN);
  specs[IST_SETTING_RECONNECT_DELAY_BASE] = g_param_spec_uint ("reconnect-delay-base", NULL, NULL, 1,
                                                               86400000, 1000, OPEN);
  specs[IST_SETTING_RECONNECT_DELAY_CAP] = g_param_spec_uint ("reconnect-delay-cap", NULL, NULL, 1, 86400000,
                                                              120000, OPEN);
  specs[IST_SETTING_MAX_ATTEMPTS] = g_param_spec_uint ("max-attempts", NULL, NULL, 0, G_MAXUINT, 0, OPEN);
  specs[IST_SETTING_CONNECTION_WAIT_TIMEOUT] = g_param_spec_uint ("connection-wait-timeout", NULL, NULL,
                                                                  0, 86400000, 5000, OPEN);
  specs[IST_SETTING_CONNECTION_BUFFER_SIZE] = g_param_spec_uint ("connection-buffer-size", NULL, NULL,
                                                                 65536, G_MAXINT, 262144, OPEN);
  specs[IST_SETTING_TOTAL_BUFFER_SIZE] = g_param_spec_uint ("total-buffer-size", NULL, NULL, 65536, G_MAXINT,
                                                            67108864, OPEN);
  specs[IST_SETTING_STALL_TIMEOUT] = g_param_spec_uint ("stall-timeout", NULL, NULL, 0, 86400, 0, OPEN);
  specs[IST_SETTING_SEND_BUFFER_SIZE] = g_param_spec_uint ("send-buffer-size", NULL, NULL, 65600, G_MAXINT,
                                                           1048576, OPEN);
}

#undef OPEN
#undef SECRET

void
ist_tunnel_settings_install (GObjectClass *klass,
                             GParamFlags flags)
{
  GParamSpec *specs[IST_N_SETTINGS];

  make_specs (specs, flags);
  g_object_class_install_properties (klass, IST_N_SETTINGS, specs);
}

/* The specs that say each setting's type, default and name. */
static GParamSpec **
get_specs (void)
{
  static GParamSpec *specs[IST_N_SETTINGS];
  static gsize once;

  if (g_once_init_enter (&once))
    {
      guint i;

      make_specs (specs, 0);
      for (i = 1; i < IST_N_SETTINGS; i++)
        g_param_spec_ref_sink (specs[i]);
      g_once_init_leave (&once, 1);
    }
  return specs;
}

void
ist_tunnel_settings_init (IstTunnelSettings *self)
{
  GParamSpec **specs = get_specs ();
  guint i;

  for (i = 1; i < IST_N_SETTINGS; i++)
    {
      g_value_init (&self->values[i], G_PARAM_SPEC_VALUE_TYPE (specs[i]));
      g_param_value_set_default (specs[i], &self->values[i]);
    }
}

void
ist_tunnel_settings_clear (IstTunnelSettings *self)
{
  guint i;

  for (i = 1; i < IST_N_SETTINGS; i++)
    g_value_unset (&self->values[i]);
}

const char *
ist_tunnel_settings_get_name (IstSetting setting)
{
  return g_param_spec_get_name (get_specs ()[setting]);
}

void
ist_tunnel_settings_set (IstTunnelSettings *self,
                         IstSetting setting,
                         const GValue *value)
{
  g_value_copy (value, &self->values[setting]);
}

void
ist_tunnel_settings_get (const IstTunnelSettings *self,
                         IstSetting setting,
                         GValue *value)
{
  g_value_copy (&self->values[setting], value);
}

GObject *
ist_tunnel_settings_construct (const IstTunnelSettings *self,
                               GType type)
{
  const char *names[IST_N_SETTINGS];
  guint i;

  for (i = 1; i < IST_N_SETTINGS; i++)
    names[i] = ist_tunnel_settings_get_name (i);
  return g_object_new_with_properties (type, IST_N_SETTINGS - 1, names + 1, self->values + 1);
}

/* Validation */

static gboolean
invalid (GError **error,
         IstSetting setting,
         const char *what)
{
  g_set_error (error, IST_ERROR, IST_ERROR_INVALID_SETTING, "%s: %s",
               ist_tunnel_settings_get_name (setting), what);
  return FALSE;
}

static gboolean
is_made_of (const char *string,
            const char *punctuation)
{
  const char *p;

  for (p = string; *p != '\0'; p++)
    {
      if (!g_ascii_isalnum (*p) && strchr (punctuation, *p) == NULL)
        return FALSE;
    }
  return TRUE;
}

/* The tokens themselves must not come into a message. */
static gboolean
validate_tokens (const IstTunnelSettings *self,
                 GError **error)
{
  const char *access = ist_tunnel_settings_get_string (self, IST_SETTING_ACCESS_TOKEN);
  const char *client = ist_tunnel_settings_get_string (self, IST_SETTING_CLIENT_TOKEN);
  const char *p;

  if (access == NULL || *access == '\0')
    return invalid (error, IST_SETTING_ACCESS_TOKEN,
                    "missing; OpenTunnel gives one for each end of the tunnel");
  for (p = access; *p != '\0'; p++)
    {
      if (!g_ascii_isgraph (*p))
        return invalid (error, IST_SETTING_ACCESS_TOKEN,
                        "has a space, a line end or another character that no token has");
    }
  if (client == NULL)
    return TRUE;
  if (strlen (client) < 32 || strlen (client) > 128 || !is_made_of (client, "-"))
    return invalid (error, IST_SETTING_CLIENT_TOKEN,
                    "must be 32 to 128 characters of a-z, A-Z, 0-9 and -; leave it out to have one made");
  return TRUE;
}

/* HOST, HOST:PORT or [ADDRESS]:PORT count as wss: URIs. */
static GUri *
parse_endpoint (const char *endpoint,
                GError **error)
{
  g_autofree char *with_scheme = NULL;

  if (strstr (endpoint, "://") == NULL)
    with_scheme = g_strconcat ("wss://", endpoint, NULL);
  /* The path goes into the request as it is written. */
  return g_uri_parse (with_scheme != NULL ? with_scheme : endpoint, G_URI_FLAGS_ENCODED, error);
}

static gboolean
validate_endpoint (const IstTunnelSettings *self,
                   const char *endpoint,
                   GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GUri) uri = parse_endpoint (endpoint, &local);
  const char *host;

  if (uri == NULL)
    {
      g_autofree char *what = g_strdup_printf ("“%s” is neither HOST[:PORT] nor a wss: URI: %s", endpoint,
                                               local->message);
      return invalid (error, IST_SETTING_ENDPOINT, what);
    }
  host = g_uri_get_host (uri);
  if (host == NULL || *host == '\0')
    return invalid (error, IST_SETTING_ENDPOINT, "names no host");
  if (g_uri_get_port (uri) == 0)
    return invalid (error, IST_SETTING_ENDPOINT, "port 0 can't be connected to");
  if (g_uri_get_userinfo (uri) != NULL || g_uri_get_fragment (uri) != NULL || g_uri_get_query (uri) != NULL)
    return invalid (error, IST_SETTING_ENDPOINT, "takes no user, query or fragment");
  if (strcmp (g_uri_get_scheme (uri), "ws") == 0)
    {
      if (!ist_host_is_loopback (host) &&
          !ist_tunnel_settings_get_boolean (self, IST_SETTING_ALLOW_PLAIN))
        return invalid (error, IST_SETTING_ENDPOINT,
                        "ws: has no encryption and is taken for loopback addresses only; use wss: "
                        "or set allow-plain");
    }
  else if (strcmp (g_uri_get_scheme (uri), "wss") != 0)
    {
      return invalid (error, IST_SETTING_ENDPOINT, "the scheme must be wss or ws");
    }
  return TRUE;
}

static gboolean
validate_place (const IstTunnelSettings *self,
                GError **error)
{
  const char *region = ist_tunnel_settings_get_string (self, IST_SETTING_REGION);
  const char *endpoint = ist_tunnel_settings_get_string (self, IST_SETTING_ENDPOINT);

  if (region == NULL && endpoint == NULL)
    return invalid (error, IST_SETTING_REGION, "missing; set the tunnel's AWS region, or endpoint");
  if (region != NULL && endpoint != NULL)
    return invalid (error, IST_SETTING_ENDPOINT, "set together with region; only one of them can apply");
  if (endpoint != NULL)
    return validate_endpoint (self, endpoint, error);
  if (*region == '\0' || strlen (region) > 63 || !is_made_of (region, "-"))
    return invalid (error, IST_SETTING_REGION, "not the name of a region, such as us-east-1");
  return TRUE;
}

gboolean
ist_tunnel_settings_validate (const IstTunnelSettings *self,
                              GError **error)
{
  guint floor = ist_tunnel_settings_get_uint (self, IST_SETTING_RECONNECT_DELAY_FLOOR);
  guint base = ist_tunnel_settings_get_uint (self, IST_SETTING_RECONNECT_DELAY_BASE);
  guint cap = ist_tunnel_settings_get_uint (self, IST_SETTING_RECONNECT_DELAY_CAP);
  const char *ca_file = ist_tunnel_settings_get_string (self, IST_SETTING_CA_FILE);

  if (!validate_tokens (self, error) || !validate_place (self, error))
    return FALSE;
  if (ca_file != NULL && ist_tunnel_settings_get_object (self, IST_SETTING_TLS_DATABASE) != NULL)
    return invalid (error, IST_SETTING_CA_FILE, "set together with tls-database; only one of them can apply");
  if (ca_file != NULL)
    {
      g_autoptr (GTlsDatabase) database = ist_tunnel_settings_make_tls_database (self, error);

      if (database == NULL)
        return FALSE;
    }
  if (floor > cap)
    return invalid (error, IST_SETTING_RECONNECT_DELAY_FLOOR, "larger than reconnect-delay-cap");
  if (base > cap)
    return invalid (error, IST_SETTING_RECONNECT_DELAY_BASE, "larger than reconnect-delay-cap");
  return TRUE;
}

/* What follows */

GUri *
ist_tunnel_settings_make_uri (const IstTunnelSettings *self)
{
  const char *region = ist_tunnel_settings_get_string (self, IST_SETTING_REGION);
  const char *endpoint = ist_tunnel_settings_get_string (self, IST_SETTING_ENDPOINT);
  gboolean is_source = ist_tunnel_settings_get_enum (self, IST_SETTING_MODE) == IST_MODE_SOURCE;
  g_autofree char *host = NULL;
  g_autoptr (GUri) uri = NULL;
  const char *path;

  if (region != NULL)
    host = g_strdup_printf ("data.tunneling.iot.%s.amazonaws.com%s", region,
                            g_str_has_prefix (region, "cn-") ? ".cn" : "");
  uri = parse_endpoint (endpoint != NULL ? endpoint : host, NULL);
  path = g_uri_get_path (uri);
  if (*path == '\0' || strcmp (path, "/") == 0)
    path = TUNNEL_PATH;
  return g_uri_build (G_URI_FLAGS_ENCODED, g_uri_get_scheme (uri), NULL, g_uri_get_host (uri),
                      g_uri_get_port (uri),
                      path, is_source ? "local-proxy-mode=source" : "local-proxy-mode=destination", NULL);
}

GTlsDatabase *
ist_tunnel_settings_make_tls_database (const IstTunnelSettings *self,
                                       GError **error)
{
  GTlsDatabase *database = ist_tunnel_settings_get_object (self, IST_SETTING_TLS_DATABASE);
  const char *ca_file = ist_tunnel_settings_get_string (self, IST_SETTING_CA_FILE);
  g_autofree char *absolute = NULL;
  g_autofree char *what = NULL;
  g_autoptr (GError) local = NULL;

  if (database != NULL)
    return g_object_ref (database);
  if (ca_file == NULL)
    return NULL;

  absolute = g_canonicalize_filename (ca_file, NULL);
  database = g_tls_file_database_new (absolute, &local);
  if (database != NULL)
    return database;
  what = g_strdup_printf ("can't read certificates from “%s”: %s", ca_file, local->message);
  invalid (error, IST_SETTING_CA_FILE, what);
  return NULL;
}

const char *
ist_tunnel_settings_get_string (const IstTunnelSettings *self,
                                IstSetting setting)
{
  return g_value_get_string (&self->values[setting]);
}

guint
ist_tunnel_settings_get_uint (const IstTunnelSettings *self,
                              IstSetting setting)
{
  return g_value_get_uint (&self->values[setting]);
}

int
ist_tunnel_settings_get_enum (const IstTunnelSettings *self,
                              IstSetting setting)
{
  return g_value_get_enum (&self->values[setting]);
}

gboolean
ist_tunnel_settings_get_boolean (const IstTunnelSettings *self,
                                 IstSetting setting)
{
  return g_value_get_boolean (&self->values[setting]);
}

gpointer
ist_tunnel_settings_get_object (const IstTunnelSettings *self,
                                IstSetting setting)
{
  return g_value_get_object (&self->values[setting]);
}
