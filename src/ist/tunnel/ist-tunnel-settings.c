/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/tunnel/ist-tunnel-settings-private.h"

#include <string.h>

#include "common/ist-authorities-private.h"
#include "common/ist-loopback-private.h"
#include "common/ist-names-private.h"
#include "common/ist-text-private.h"
#include "ist/ist-tunnel-error.h"

/* Of a name and of each of its parts (RFC 1035, section 2.3.4). */
#define MAX_HOST 253
#define MAX_LABEL 63

/* A setting: what its properties are made from, and which numbers a tunnel can
 * work with. */
typedef struct
{
  const char *name;
  GType type;               /* of a text, a flag or a number */
  GType (*get_type) (void); /* of a choice or an object */
  gboolean is_secret;       /* goes in, and never comes out */
  guint by_default;
  guint minimum;
  guint maximum;
} Setting;

/* The formatter breaks what is in braces. */
/* clang-format off */
#define TEXT(n) { .name = n, .type = G_TYPE_STRING }
#define SECRET(n) { .name = n, .type = G_TYPE_STRING, .is_secret = TRUE }
#define FLAG(n, value) { .name = n, .type = G_TYPE_BOOLEAN, .by_default = value }
#define NUMBER(n, value, from, to) \
  { .name = n, .type = G_TYPE_UINT, .by_default = value, .minimum = from, .maximum = to }
#define CHOICE(n, type, value) { .name = n, .get_type = type##_get_type, .by_default = value }
#define OBJECT(n, type) { .name = n, .get_type = type##_get_type }
/* clang-format on */

/* All of them, documented as properties of the tunnel; those of the builder refer to these. */
static const Setting settings[IST_N_SETTINGS] = {
  /**
   * IstSecureTunnel:mode: (getter get_mode)
   *
   * Which end of the tunnel to be. Must match the access token.
   *
   * Since: 1.0
   */
  [IST_SETTING_MODE] = CHOICE ("mode", ist_mode, IST_MODE_SOURCE),

  /**
   * IstSecureTunnel:access-token:
   *
   * The access token of this end of the tunnel, as OpenTunnel or the
   * notification to the device gave it. Required, and write-only: it is a secret.
   * Printable ASCII without spaces.
   *
   * Since: 1.0
   */
  [IST_SETTING_ACCESS_TOKEN] = SECRET ("access-token"),

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
  [IST_SETTING_CLIENT_TOKEN] = SECRET ("client-token"),

  /**
   * IstSecureTunnel:region: (getter get_region)
   *
   * The AWS region of the tunnel, for example `eu-central-1`: connects to
   * `data.tunneling.iot.REGION.amazonaws.com` (with `.cn` appended in China),
   * port 443.
   *
   * Exactly one of this and `endpoint` is required.
   *
   * Since: 1.0
   */
  [IST_SETTING_REGION] = TEXT ("region"),

  /**
   * IstSecureTunnel:endpoint: (getter get_endpoint)
   *
   * Where to connect to instead of the endpoint of a region: `HOST`,
   * `HOST:PORT`, `[ADDRESS]:PORT`, or a `wss:` URI. A `ws:` URI, without TLS, is
   * taken for loopback addresses only, unless `allow-plain` is set.
   *
   * Exactly one of this and `region` is required.
   *
   * Since: 1.0
   */
  [IST_SETTING_ENDPOINT] = TEXT ("endpoint"),

  /**
   * IstSecureTunnel:allow-plain: (getter get_allow_plain)
   *
   * Allow a `ws:` endpoint on any host. The tokens and all data are then
   * readable by whoever is in between.
   *
   * Since: 1.0
   */
  [IST_SETTING_ALLOW_PLAIN] = FLAG ("allow-plain", FALSE),

  /**
   * IstSecureTunnel:tls-database: (getter get_tls_database)
   *
   * The certificate authorities to trust. %NULL for those of the system.
   *
   * Not together with `ca-file`.
   *
   * Since: 1.0
   */
  [IST_SETTING_TLS_DATABASE] = OBJECT ("tls-database", g_tls_database),

  /**
   * IstSecureTunnel:ca-file: (type filename) (getter get_ca_file)
   *
   * A PEM file with the certificate authorities to trust, instead of those of
   * the system. It is read when a connection is made.
   *
   * Not together with `tls-database`.
   *
   * Since: 1.0
   */
  [IST_SETTING_CA_FILE] = TEXT ("ca-file"),

  /**
   * IstSecureTunnel:verify-certificate: (getter get_verify_certificate)
   *
   * Whether the certificate of the service must be valid. Without it anybody
   * in between can read the tokens and all data: for tests only.
   *
   * Since: 1.0
   */
  [IST_SETTING_VERIFY_CERTIFICATE] = FLAG ("verify-certificate", TRUE),

  /**
   * IstSecureTunnel:proxy-resolver: (getter get_proxy_resolver)
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
  [IST_SETTING_PROXY_RESOLVER] = OBJECT ("proxy-resolver", g_proxy_resolver),

  /**
   * IstSecureTunnel:protocol-version: (getter get_protocol_version)
   *
   * The version that a source starts its streams in.
   * %IST_PROTOCOL_VERSION_AUTO starts with version 3 and learns from what the
   * peer answers. A destination speaks what its peer speaks, whatever this is.
   *
   * Since: 1.0
   */
  [IST_SETTING_PROTOCOL_VERSION] = CHOICE ("protocol-version", ist_protocol_version, IST_PROTOCOL_VERSION_AUTO),

  /**
   * IstSecureTunnel:ping-interval: (getter get_ping_interval)
   *
   * Seconds between the WebSocket pings that keep an idle tunnel alive, 0 for
   * none; the first one is sent at once. The service cuts a connection that is idle
   * for about 60 seconds.
   *
   * From 0 to 86400, by default 20.
   *
   * Since: 1.0
   */
  [IST_SETTING_PING_INTERVAL] = NUMBER ("ping-interval", 20, 0, 86400),

  /**
   * IstSecureTunnel:pong-timeout: (getter get_pong_timeout)
   *
   * Seconds to wait for the answer to a ping before the connection counts as
   * lost, 0 for ever; whatever else is received counts as an answer. They run from
   * when the ping is due, also if it can't be sent since the service takes nothing.
   *
   * Before the first answer has come, a missing one does not count: the service may
   * not answer while the peer is absent. The connection is then lost when not even
   * the service's operating system acknowledges what it is sent.
   *
   * From 0 to 86400, by default 20.
   *
   * Since: 1.0
   */
  [IST_SETTING_PONG_TIMEOUT] = NUMBER ("pong-timeout", 20, 0, 86400),

  /**
   * IstSecureTunnel:connect-timeout: (getter get_connect_timeout)
   *
   * Seconds that one attempt to connect may take, from the look-up of the host
   * to the end of the WebSocket handshake, 0 for no limit.
   *
   * From 0 to 86400, by default 30.
   *
   * Since: 1.0
   */
  [IST_SETTING_CONNECT_TIMEOUT] = NUMBER ("connect-timeout", 30, 0, 86400),

  /**
   * IstSecureTunnel:reconnect-policy: (getter get_reconnect_policy)
   *
   * What to do when an attempt to connect fails or the connection is lost.
   *
   * Since: 1.0
   */
  [IST_SETTING_RECONNECT_POLICY] = CHOICE ("reconnect-policy", ist_reconnect_policy, IST_RECONNECT_POLICY_TRANSIENT),

  /**
   * IstSecureTunnel:reconnect-delay-floor-ms: (getter get_reconnect_delay_floor_ms)
   *
   * The least delay before an attempt to reconnect, in milliseconds.
   *
   * From 0 to 86400000, by default 100.
   *
   * Since: 1.0
   */
  [IST_SETTING_RECONNECT_DELAY_FLOOR_MS] = NUMBER ("reconnect-delay-floor-ms", 100, 0, 86400000),

  /**
   * IstSecureTunnel:reconnect-delay-base-ms: (getter get_reconnect_delay_base_ms)
   *
   * The delay before the n-th attempt to reconnect in a row is random between
   * `reconnect-delay-floor-ms` and this times 2 to the power of n-1, at most
   * `reconnect-delay-cap-ms`, in milliseconds.
   *
   * From 1 to 86400000, by default 1000.
   *
   * Since: 1.0
   */
  [IST_SETTING_RECONNECT_DELAY_BASE_MS] = NUMBER ("reconnect-delay-base-ms", 1000, 1, 86400000),

  /**
   * IstSecureTunnel:reconnect-delay-cap-ms: (getter get_reconnect_delay_cap_ms)
   *
   * The longest delay before an attempt to reconnect, in milliseconds.
   *
   * From 1 to 86400000, by default 120000.
   *
   * Since: 1.0
   */
  [IST_SETTING_RECONNECT_DELAY_CAP_MS] = NUMBER ("reconnect-delay-cap-ms", 120000, 1, 86400000),

  /**
   * IstSecureTunnel:max-attempts: (getter get_max_attempts)
   *
   * After so many failures in a row the tunnel stops, 0 for never. A connection
   * that was up for less than ten seconds counts as a failure.
   *
   * By default 0.
   *
   * Since: 1.0
   */
  [IST_SETTING_MAX_ATTEMPTS] = NUMBER ("max-attempts", 0, 0, G_MAXUINT),

  /**
   * IstSecureTunnel:connection-wait-timeout-ms: (getter get_connection_wait_timeout_ms)
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
   * From 0 to 86400000, by default 5000.
   *
   * Since: 1.0
   */
  [IST_SETTING_CONNECTION_WAIT_TIMEOUT_MS] = NUMBER ("connection-wait-timeout-ms", 5000, 0, 86400000),

  /**
   * IstSecureTunnel:connection-buffer-size: (getter get_connection_buffer_size)
   *
   * Bytes that each [class@Ist.Connection] keeps in each direction. What it has to
   * send is bounded by this, and does not count for `send-buffer-size`; it receives
   * a little more before the tunnel stops reading.
   *
   * From 65536 to 2147483647, by default 262144.
   *
   * Since: 1.0
   */
  [IST_SETTING_CONNECTION_BUFFER_SIZE] = NUMBER ("connection-buffer-size", 262144, 65536, G_MAXINT),

  /**
   * IstSecureTunnel:total-buffer-size: (getter get_total_buffer_size)
   *
   * Bytes that all [class@Ist.Connection]s of the tunnel together keep in each
   * direction. While it is less than the sum of their `connection-buffer-size`s, each
   * may keep an equal part of it, and 16 KiB at least.
   *
   * From 65536 to 2147483647, by default 67108864.
   *
   * Since: 1.0
   */
  [IST_SETTING_TOTAL_BUFFER_SIZE] = NUMBER ("total-buffer-size", 67108864, 65536, G_MAXINT),

  /**
   * IstSecureTunnel:stall-timeout: (getter get_stall_timeout)
   *
   * Seconds for which nobody may read from an [class@Ist.Connection] whose
   * receive buffer is full before it is reset, 0 for ever. Until then the whole
   * tunnel does not read, for the protocol can not hold back one connection.
   *
   * From 0 to 86400, by default 0.
   *
   * Since: 1.0
   */
  [IST_SETTING_STALL_TIMEOUT] = NUMBER ("stall-timeout", 0, 0, 86400),

  /**
   * IstSecureTunnel:send-buffer-size: (getter get_send_buffer_size)
   *
   * Bytes that may be queued for sending, encoded and with 1 KiB for each message,
   * before messages are no longer accepted.
   *
   * From 65600 to 2147483647, by default 1048576.
   *
   * Since: 1.0
   */
  [IST_SETTING_SEND_BUFFER_SIZE] = NUMBER ("send-buffer-size", 1048576, 65600, G_MAXINT),
};

#undef TEXT
#undef SECRET
#undef FLAG
#undef NUMBER
#undef CHOICE
#undef OBJECT

static GType
setting_get_value_type (const Setting *self)
{
  return self->get_type != NULL ? self->get_type () : self->type;
}

static GParamSpec *
setting_make_spec (const Setting *self,
                   GParamFlags flags)
{
  GType type = setting_get_value_type (self);

  flags |= G_PARAM_STATIC_STRINGS | (self->is_secret ? G_PARAM_WRITABLE : G_PARAM_READWRITE);
  switch (G_TYPE_FUNDAMENTAL (type))
    {
    case G_TYPE_STRING:
      return g_param_spec_string (self->name, NULL, NULL, NULL, flags);
    case G_TYPE_BOOLEAN:
      return g_param_spec_boolean (self->name, NULL, NULL, self->by_default, flags);
    case G_TYPE_UINT:
      /* GObject would only warn of a value that is out of range, and take another
       * one: validation says what is wrong. */
      return g_param_spec_uint (self->name, NULL, NULL, 0, G_MAXUINT, self->by_default, flags);
    case G_TYPE_ENUM:
      return g_param_spec_enum (self->name, NULL, NULL, type, self->by_default, flags);
    default:
      return g_param_spec_object (self->name, NULL, NULL, type, flags);
    }
}

void
ist_tunnel_settings_install (GObjectClass *klass,
                             GParamFlags flags)
{
  guint i;

  for (i = 1; i < IST_N_SETTINGS; i++)
    g_object_class_install_property (klass, i, setting_make_spec (&settings[i], flags));
}

void
ist_tunnel_settings_init (IstTunnelSettings *self)
{
  guint i;

  for (i = 1; i < IST_N_SETTINGS; i++)
    {
      GValue *value = &self->values[i];

      g_value_init (value, setting_get_value_type (&settings[i]));
      if (G_VALUE_HOLDS_BOOLEAN (value))
        g_value_set_boolean (value, settings[i].by_default);
      else if (G_VALUE_HOLDS_UINT (value))
        g_value_set_uint (value, settings[i].by_default);
      else if (G_VALUE_HOLDS_ENUM (value))
        g_value_set_enum (value, settings[i].by_default);
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
  return settings[setting].name;
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
  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING, "%s: %s",
               ist_tunnel_settings_get_name (setting), what);
  return FALSE;
}

static gboolean
validate_number (IstSetting setting,
                 guint value,
                 GError **error)
{
  guint minimum = settings[setting].minimum;
  guint maximum = settings[setting].maximum;
  g_autofree char *what = NULL;

  if (value >= minimum && value <= maximum)
    return TRUE;
  what = g_strdup_printf ("%u is out of range, it must be from %u to %u", value, minimum, maximum);
  return invalid (error, setting, what);
}

static gboolean
is_choice (const GValue *value)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (G_VALUE_TYPE (value));

  return g_enum_get_value (G_ENUM_CLASS (klass), g_value_get_enum (value)) != NULL;
}

static gboolean
validate_values (const IstTunnelSettings *self,
                 GError **error)
{
  guint i;

  for (i = 1; i < IST_N_SETTINGS; i++)
    {
      const GValue *value = &self->values[i];

      if (G_VALUE_HOLDS_UINT (value) && !validate_number (i, g_value_get_uint (value), error))
        return FALSE;
      if (G_VALUE_HOLDS_ENUM (value) && !is_choice (value))
        return invalid (error, i, "is none of the values that there are");
    }
  return TRUE;
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

  if (access == NULL || *access == '\0')
    return invalid (error, IST_SETTING_ACCESS_TOKEN,
                    "missing; OpenTunnel gives one for each end of the tunnel");
  if (!ist_access_token_is_valid (access))
    return invalid (error, IST_SETTING_ACCESS_TOKEN,
                    "has a space, a line end or another character that no token has");
  if (client != NULL && !ist_client_token_is_valid (client))
    return invalid (error, IST_SETTING_CLIENT_TOKEN,
                    "must be " IST_CLIENT_TOKEN_RULE "; leave it out to have one made");
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

/* No blank, nothing that ends a line, not even behind a %. */
static gboolean
is_clean (const char *text)
{
  const char *p;

  if (!g_utf8_validate (text, -1, NULL))
    return FALSE;
  for (p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      int decoded = *p == '%' && g_ascii_isxdigit (p[1]) && g_ascii_isxdigit (p[2])
                      ? g_ascii_xdigit_value (p[1]) * 16 + g_ascii_xdigit_value (p[2])
                      : -1;

      if (!g_unichar_isgraph (g_utf8_get_char (p)) || (*p == '%' && decoded == -1) ||
          (decoded >= 0 && g_ascii_iscntrl (decoded)))
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_host (const char *host)
{
  g_autofree char *without_scope = g_strndup (host, strcspn (host, "%"));
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (without_scope);
  g_autofree char *ascii = NULL;
  g_auto (GStrv) labels = NULL;
  guint n_labels;
  guint i;

  if (address != NULL)
    return strlen (without_scope) == strlen (host) ||
           (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6 && is_made_of (host, ".:%_-"));

  ascii = g_hostname_to_ascii (host);
  if (ascii == NULL || strlen (ascii) > MAX_HOST)
    return FALSE;
  labels = g_strsplit (ascii, ".", -1);
  n_labels = g_strv_length (labels);
  /* The last one may be empty: the root. */
  for (i = 0; i < n_labels; i++)
    {
      if ((*labels[i] == '\0' && (i == 0 || i < n_labels - 1)) || strlen (labels[i]) > MAX_LABEL ||
          !is_made_of (labels[i], "-_"))
        return FALSE;
    }
  return TRUE;
}

/* Parsing decodes it. */
static gboolean
has_encoded_host (const char *endpoint)
{
  const char *separator = strstr (endpoint, "://");
  const char *host = separator != NULL ? separator + 3 : endpoint;

  return *host != '[' && memchr (host, '%', strcspn (host, "/?#")) != NULL;
}

static gboolean
validate_host (const char *endpoint,
               GUri *uri,
               GError **error)
{
  const char *host = g_uri_get_host (uri);

  if (host == NULL || *host == '\0')
    return invalid (error, IST_SETTING_ENDPOINT, "names no host");
  if (has_encoded_host (endpoint) || !is_host (host))
    return invalid (error, IST_SETTING_ENDPOINT, "what stands for the host is neither a name nor an address");
  if (g_uri_get_port (uri) == 0)
    return invalid (error, IST_SETTING_ENDPOINT, "port 0 can't be connected to");
  return TRUE;
}

static gboolean
validate_endpoint (const IstTunnelSettings *self,
                   const char *endpoint,
                   GError **error)
{
  g_autoptr (GUri) uri = NULL;

  if (!is_clean (endpoint))
    return invalid (error, IST_SETTING_ENDPOINT,
                    "has a blank, a line end or another character that no address has, or a % without two digits");
  uri = parse_endpoint (endpoint, NULL);
  /* There may be a password in it. */
  if (uri == NULL)
    return invalid (error, IST_SETTING_ENDPOINT, "is neither HOST, HOST:PORT, [ADDRESS]:PORT nor a wss: URI");
  if (g_uri_get_userinfo (uri) != NULL || g_uri_get_fragment (uri) != NULL || g_uri_get_query (uri) != NULL)
    return invalid (error, IST_SETTING_ENDPOINT, "takes no user, query or fragment");
  if (!validate_host (endpoint, uri, error))
    return FALSE;
  if (strcmp (g_uri_get_scheme (uri), "ws") == 0)
    {
      if (!ist_host_is_loopback (g_uri_get_host (uri)) &&
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
  if (!ist_region_is_valid (region))
    return invalid (error, IST_SETTING_REGION, "not the name of a region, such as us-east-1");
  return TRUE;
}

gboolean
ist_tunnel_settings_validate (const IstTunnelSettings *self,
                              GError **error)
{
  guint floor = ist_tunnel_settings_get_uint (self, IST_SETTING_RECONNECT_DELAY_FLOOR_MS);
  guint base = ist_tunnel_settings_get_uint (self, IST_SETTING_RECONNECT_DELAY_BASE_MS);
  guint cap = ist_tunnel_settings_get_uint (self, IST_SETTING_RECONNECT_DELAY_CAP_MS);
  const char *ca_file = ist_tunnel_settings_get_string (self, IST_SETTING_CA_FILE);

  if (!validate_values (self, error) || !validate_tokens (self, error) || !validate_place (self, error))
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
    return invalid (error, IST_SETTING_RECONNECT_DELAY_FLOOR_MS, "larger than reconnect-delay-cap-ms");
  if (base > cap)
    return invalid (error, IST_SETTING_RECONNECT_DELAY_BASE_MS, "larger than reconnect-delay-cap-ms");
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
  g_autofree char *ascii = NULL;
  g_autoptr (GUri) uri = NULL;
  const char *path;

  if (region != NULL)
    host = ist_region_get_host (region, "data", IST_HOST_PLAIN);
  uri = parse_endpoint (endpoint != NULL ? endpoint : host, NULL);
  path = g_uri_get_path (uri);
  if (*path == '\0' || strcmp (path, "/") == 0)
    path = IST_TUNNEL_PATH;
  /* As it is asked of DNS, and written in certificates and requests. */
  ascii = g_hostname_to_ascii (g_uri_get_host (uri));
  return g_uri_build (G_URI_FLAGS_ENCODED, g_uri_get_scheme (uri), NULL, ascii,
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
  g_autofree char *safe = NULL;
  g_autofree char *what = NULL;
  g_autoptr (GError) local = NULL;

  if (database != NULL)
    return g_object_ref (database);
  if (ca_file == NULL)
    return NULL;

  absolute = g_canonicalize_filename (ca_file, NULL);
  database = ist_authorities_load (absolute, &local);
  if (database != NULL)
    return database;
  what = g_strdup_printf ("can't read certificates from “%s”: %s", ca_file, local->message);
  safe = ist_text_make_safe (what, -1, G_MAXSIZE);
  invalid (error, IST_SETTING_CA_FILE, safe);
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
