/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-control-plane-private.h"

#include "ist/transport/ist-proxy-resolver-private.h"

/* Of an attempt, in seconds. */
#define DEFAULT_TIMEOUT 30
#define MAX_TIMEOUT 3600

/* Of a connection that nothing was sent over, in seconds. */
#define IDLE_TIMEOUT 20

/**
 * IstOperatorControlPlane:
 *
 * What opens, closes and lists tunnels: the service's API, for one account and region. It
 * lists the account's things, too, which devices are to AWS IoT.
 *
 * Where nothing else is said, it is what the AWS CLI would use, with the same
 * variables and files: the region (`AWS_REGION`, then `AWS_DEFAULT_REGION`, then the
 * profile's), an endpoint URL (`AWS_ENDPOINT_URL_IOTSECURETUNNELING`,
 * `AWS_ENDPOINT_URL`, the profile's `services` section and `endpoint_url`, all of them
 * ignored with `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`), the certificate authorities
 * (`AWS_CA_BUNDLE`, `ca_bundle`), FIPS and dual-stack endpoints
 * (`AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`), and the number of attempts
 * (`AWS_MAX_ATTEMPTS`). They are read when the object is made, and it never changes.
 *
 * Things are listed by another service of AWS's, at an endpoint of its own. Where an
 * endpoint URL that is not AWS's own is set as a property, that lists them, too. Where
 * none is set, the AWS tools' settings for that service count before those for tunnels
 * (`AWS_ENDPOINT_URL_IOT`, `AWS_ENDPOINT_URL`, and the table `iot` of the profile's
 * `services` section); if there is an endpoint URL for tunnels alone, it is taken for
 * things, as well, which is not what the AWS CLI does: what stands in for AWS has things
 * of its own.
 *
 * ## Attempts
 *
 * A call that fails is tried again, after a random time that grows: if no connection
 * could be made or an answer got lost, if the service says that there are too many
 * requests, or that it has failed. If it says how long to wait, that counts, up to half
 * a minute. Credentials that have expired are loaded again, and a clock that is wrong
 * is made up for, once each.
 *
 * Opening a tunnel costs money each time. So this is not tried again where it may have
 * been done: when the connection was lost, or nothing was answered, after the request
 * was sent, and when something in between answers that it has lost the service. The
 * error then says so.
 *
 * ## Cancelling
 *
 * A call that is cancelled returns at once. If a request to open a tunnel was sent by
 * then, its answer is awaited behind the scenes, and the tunnel closed: nobody pays
 * for one that nobody knows of. Such calls count in
 * [property@IstOperator.ControlPlane:n-calls]; a program that ends should wait until it
 * is 0.
 *
 * ## Threads
 *
 * A control plane is used from the thread that made it, with the same thread-default
 * main context.
 *
 * Since: 1.0
 */

enum
{
  PROP_CREDENTIALS = 1,
  PROP_REGION,
  PROP_ENDPOINT_URL,
  PROP_TUNNEL_ENDPOINT,
  PROP_CA_FILE,
  PROP_TLS_DATABASE,
  PROP_VERIFY_CERTIFICATE,
  PROP_PROXY_RESOLVER,
  PROP_USE_FIPS,
  PROP_USE_DUALSTACK,
  PROP_MAX_ATTEMPTS,
  PROP_TIMEOUT,
  PROP_N_CALLS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void ist_operator_control_plane_initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (IstOperatorControlPlane,
                               ist_operator_control_plane,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, ist_operator_control_plane_initable_init))

/* It knows nothing of macros without a semicolon. */
/* clang-format off */
G_DEFINE_FLAGS_TYPE (IstOperatorClientMode, ist_operator_client_mode,
                     G_DEFINE_ENUM_VALUE (IST_OPERATOR_CLIENT_MODE_SOURCE, "source"),
                     G_DEFINE_ENUM_VALUE (IST_OPERATOR_CLIENT_MODE_DESTINATION, "destination"))

G_DEFINE_ENUM_TYPE (IstOperatorChoice, ist_operator_choice,
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CHOICE_AS_CONFIGURED, "as-configured"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CHOICE_NO, "no"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CHOICE_YES, "yes"))
/* clang-format on */

static void
on_n_calls_changed (gpointer user_data)
{
  g_object_notify_by_pspec (user_data, properties[PROP_N_CALLS]);
}

static void
control_plane_make_caller (IstOperatorControlPlane *self)
{
  IstOperatorSettings *settings = &self->settings;
  /* What can't be listed is not asked for. */
  GUri *registry_uri = settings->registry_uri != NULL ? settings->registry_uri : settings->uri;
  IstOperatorCaller *caller = ist_operator_caller_new (self->credentials, settings->uri, registry_uri);

  caller->region = g_strdup (settings->region);
  caller->verify_certificate = settings->verify_certificate;
  caller->timeout = self->timeout;
  caller->max_attempts = settings->max_attempts;
  caller->n_calls_changed = on_n_calls_changed;
  caller->user_data = self;
  soup_session_set_proxy_resolver (caller->session, self->proxy_resolver);
  soup_session_set_timeout (caller->session, self->timeout);
  soup_session_set_idle_timeout (caller->session, IDLE_TIMEOUT);
  soup_session_set_user_agent (caller->session, "libist-operator/" IST_VERSION_S);
  if (settings->tls_database != NULL)
    soup_session_set_tls_database (caller->session, settings->tls_database);
  self->caller = caller;
}

static gboolean
ist_operator_control_plane_initable_initialize (GInitable *initable,
                                                GCancellable *cancellable,
                                                GError **error)
{
  IstOperatorControlPlane *self = IST_OPERATOR_CONTROL_PLANE (initable);

  if (self->caller != NULL)
    return TRUE;
  if (self->credentials == NULL)
    self->credentials = ist_operator_credentials_new (NULL);
  if (!ist_operator_settings_resolve (&self->settings, ist_operator_credentials_get_profile (self->credentials),
                                      error))
    return FALSE;
  if (self->proxy_resolver == NULL)
    self->proxy_resolver = ist_proxy_resolver_new ();
  control_plane_make_caller (self);
  return TRUE;
}

static void
ist_operator_control_plane_initable_init (GInitableIface *iface)
{
  iface->init = ist_operator_control_plane_initable_initialize;
}

static void
ist_operator_control_plane_finalize (GObject *object)
{
  IstOperatorControlPlane *self = IST_OPERATOR_CONTROL_PLANE (object);

  /* Calls that nobody waits for go on without it. */
  if (self->caller != NULL)
    self->caller->n_calls_changed = NULL;
  g_clear_pointer (&self->caller, ist_operator_caller_unref);
  g_clear_object (&self->credentials);
  g_clear_object (&self->proxy_resolver);
  ist_operator_settings_clear (&self->settings);

  G_OBJECT_CLASS (ist_operator_control_plane_parent_class)->finalize (object);
}

static void
ist_operator_control_plane_set_property (GObject *object,
                                         guint prop_id,
                                         const GValue *value,
                                         GParamSpec *pspec)
{
  IstOperatorControlPlane *self = IST_OPERATOR_CONTROL_PLANE (object);
  IstOperatorSettings *settings = &self->settings;

  /* Each of them once: they are construct-only. */
  switch (prop_id)
    {
    case PROP_CREDENTIALS:
      self->credentials = g_value_dup_object (value);
      break;
    case PROP_REGION:
      settings->region = g_value_dup_string (value);
      break;
    case PROP_ENDPOINT_URL:
      settings->endpoint_url = g_value_dup_string (value);
      break;
    case PROP_TUNNEL_ENDPOINT:
      settings->tunnel_endpoint = g_value_dup_string (value);
      break;
    case PROP_CA_FILE:
      settings->ca_file = g_value_dup_string (value);
      break;
    case PROP_TLS_DATABASE:
      settings->tls_database = g_value_dup_object (value);
      break;
    case PROP_VERIFY_CERTIFICATE:
      settings->verify_certificate = g_value_get_boolean (value);
      break;
    case PROP_PROXY_RESOLVER:
      self->proxy_resolver = g_value_dup_object (value);
      break;
    case PROP_USE_FIPS:
      settings->use_fips = g_value_get_enum (value);
      break;
    case PROP_USE_DUALSTACK:
      settings->use_dualstack = g_value_get_enum (value);
      break;
    case PROP_MAX_ATTEMPTS:
      settings->max_attempts = g_value_get_uint (value);
      break;
    case PROP_TIMEOUT:
      self->timeout = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_control_plane_get_property (GObject *object,
                                         guint prop_id,
                                         GValue *value,
                                         GParamSpec *pspec)
{
  IstOperatorControlPlane *self = IST_OPERATOR_CONTROL_PLANE (object);
  IstOperatorSettings *settings = &self->settings;

  switch (prop_id)
    {
    case PROP_CREDENTIALS:
      g_value_set_object (value, self->credentials);
      break;
    case PROP_REGION:
      g_value_set_string (value, settings->region);
      break;
    case PROP_ENDPOINT_URL:
      g_value_set_string (value, settings->endpoint_url);
      break;
    case PROP_TUNNEL_ENDPOINT:
      g_value_set_string (value, settings->tunnel_endpoint);
      break;
    case PROP_CA_FILE:
      g_value_set_string (value, settings->ca_file);
      break;
    case PROP_TLS_DATABASE:
      g_value_set_object (value, settings->tls_database);
      break;
    case PROP_VERIFY_CERTIFICATE:
      g_value_set_boolean (value, settings->verify_certificate);
      break;
    case PROP_PROXY_RESOLVER:
      g_value_set_object (value, self->proxy_resolver);
      break;
    case PROP_USE_FIPS:
      g_value_set_enum (value, settings->use_fips);
      break;
    case PROP_USE_DUALSTACK:
      g_value_set_enum (value, settings->use_dualstack);
      break;
    case PROP_MAX_ATTEMPTS:
      g_value_set_uint (value, settings->max_attempts);
      break;
    case PROP_TIMEOUT:
      g_value_set_uint (value, self->timeout);
      break;
    case PROP_N_CALLS:
      g_value_set_uint (value, ist_operator_control_plane_get_n_calls (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_control_plane_class_init (IstOperatorControlPlaneClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = ist_operator_control_plane_finalize;
  object_class->set_property = ist_operator_control_plane_set_property;
  object_class->get_property = ist_operator_control_plane_get_property;

  /**
   * IstOperatorControlPlane:credentials: (getter get_credentials)
   *
   * Who asks. %NULL for the credentials that the AWS tools would find. Their profile is
   * the one whose settings count.
   *
   * Since: 1.0
   */
  properties[PROP_CREDENTIALS] =
    g_param_spec_object ("credentials", NULL, NULL, IST_OPERATOR_TYPE_CREDENTIALS, flags);

  /**
   * IstOperatorControlPlane:region: (getter get_region)
   *
   * The AWS region, for example `eu-central-1`. %NULL for the one that the AWS tools
   * would use; with an endpoint URL there need be none, and it is the one that the URL
   * names, or else `us-east-1`.
   *
   * Since: 1.0
   */
  properties[PROP_REGION] = g_param_spec_string ("region", NULL, NULL, NULL, flags);

  /**
   * IstOperatorControlPlane:endpoint-url: (getter get_endpoint_url)
   *
   * Where requests are sent to: `https://HOST:PORT`, or `http://HOST:PORT` on loopback
   * addresses, for an emulator. %NULL for what the AWS tools would use: an endpoint
   * URL of their settings, or else that of the region, of all partitions of AWS.
   *
   * Not together with `use-fips` or `use-dualstack`.
   *
   * Since: 1.0
   */
  properties[PROP_ENDPOINT_URL] = g_param_spec_string ("endpoint-url", NULL, NULL, NULL, flags);

  /**
   * IstOperatorControlPlane:tunnel-endpoint: (getter get_tunnel_endpoint)
   *
   * Where tunnels connect to, as [property@Ist.SecureTunnel:endpoint] takes it. %NULL
   * for that of the region, or the host and port of the endpoint URL if there is one
   * that is not AWS's own.
   *
   * Since: 1.0
   */
  properties[PROP_TUNNEL_ENDPOINT] = g_param_spec_string ("tunnel-endpoint", NULL, NULL, NULL, flags);

  /**
   * IstOperatorControlPlane:ca-file: (type filename) (getter get_ca_file)
   *
   * A PEM file with the certificate authorities to trust, instead of those of the
   * system. %NULL for what the AWS tools would use. It is read at once.
   *
   * Not together with `tls-database`.
   *
   * Since: 1.0
   */
  properties[PROP_CA_FILE] = g_param_spec_string ("ca-file", NULL, NULL, NULL, flags);

  /**
   * IstOperatorControlPlane:tls-database: (getter get_tls_database)
   *
   * The certificate authorities to trust, also by tunnels. Once the object is made it
   * has those of `ca-file`, too; %NULL for those of the system.
   *
   * Since: 1.0
   */
  properties[PROP_TLS_DATABASE] =
    g_param_spec_object ("tls-database", NULL, NULL, G_TYPE_TLS_DATABASE, flags);

  /**
   * IstOperatorControlPlane:verify-certificate: (getter get_verify_certificate)
   *
   * Whether the certificate of the service must be valid. Without it anybody in between
   * can read the tokens: for tests only.
   *
   * Since: 1.0
   */
  properties[PROP_VERIFY_CERTIFICATE] = g_param_spec_boolean ("verify-certificate", NULL, NULL, TRUE, flags);

  /**
   * IstOperatorControlPlane:proxy-resolver: (getter get_proxy_resolver)
   *
   * Says which HTTP or SOCKS proxy to connect through, as
   * [property@Ist.SecureTunnel:proxy-resolver] does.
   *
   * Since: 1.0
   */
  properties[PROP_PROXY_RESOLVER] =
    g_param_spec_object ("proxy-resolver", NULL, NULL, G_TYPE_PROXY_RESOLVER, flags);

  /**
   * IstOperatorControlPlane:use-fips:
   *
   * Whether to ask the endpoints whose cryptography is certified by FIPS 140. Tunnels
   * connect to the same endpoint in both cases.
   *
   * Since: 1.0
   */
  properties[PROP_USE_FIPS] = g_param_spec_enum ("use-fips", NULL, NULL, IST_OPERATOR_TYPE_CHOICE,
                                                 IST_OPERATOR_CHOICE_AS_CONFIGURED, flags);

  /**
   * IstOperatorControlPlane:use-dualstack:
   *
   * Whether to ask the endpoints that IPv6 reaches, too. Tunnels connect to the same
   * endpoint in both cases.
   *
   * Since: 1.0
   */
  properties[PROP_USE_DUALSTACK] = g_param_spec_enum ("use-dualstack", NULL, NULL, IST_OPERATOR_TYPE_CHOICE,
                                                      IST_OPERATOR_CHOICE_AS_CONFIGURED, flags);

  /**
   * IstOperatorControlPlane:max-attempts:
   *
   * How often a call is tried, the first time included. 0 for what the AWS tools would
   * do, which is 3 times unless their settings say something else.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_ATTEMPTS] = g_param_spec_uint ("max-attempts", NULL, NULL, 0, 100, 0, flags);

  /**
   * IstOperatorControlPlane:timeout:
   *
   * Seconds that an attempt may take.
   *
   * Since: 1.0
   */
  properties[PROP_TIMEOUT] = g_param_spec_uint ("timeout", NULL, NULL, 1, MAX_TIMEOUT, DEFAULT_TIMEOUT, flags);

  /**
   * IstOperatorControlPlane:n-calls: (getter get_n_calls)
   *
   * How many calls are under way, also those that were cancelled and have to be undone.
   *
   * Since: 1.0
   */
  properties[PROP_N_CALLS] = g_param_spec_uint ("n-calls", NULL, NULL, 0, G_MAXUINT, 0,
                                                G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ist_operator_control_plane_init (IstOperatorControlPlane *self)
{
}

/**
 * ist_operator_control_plane_new:
 * @credentials: (nullable): who asks, or %NULL for the credentials that the AWS tools
 *   would find
 * @region: (nullable): the AWS region, or %NULL for the one that the AWS tools would use
 * @endpoint_url: (nullable): where to send requests to, or %NULL for where the AWS tools
 *   would send them
 * @error: return location for a [error@IstOperator.ControlPlaneError]
 *
 * Makes a control plane. Nothing is sent yet, and no credentials are loaded.
 *
 * Returns: (transfer full): a new control plane, or %NULL with @error set
 *
 * Since: 1.0
 */
IstOperatorControlPlane *
ist_operator_control_plane_new (IstOperatorCredentials *credentials,
                                const char *region,
                                const char *endpoint_url,
                                GError **error)
{
  g_return_val_if_fail (credentials == NULL || IST_OPERATOR_IS_CREDENTIALS (credentials), NULL);

  return g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, error, "credentials", credentials, "region", region,
                         "endpoint-url", endpoint_url, NULL);
}

/**
 * ist_operator_control_plane_get_credentials: (get-property credentials)
 * @self: a control plane
 *
 * Gets who asks.
 *
 * Returns: (transfer none): the credentials
 *
 * Since: 1.0
 */
IstOperatorCredentials *
ist_operator_control_plane_get_credentials (IstOperatorControlPlane *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);

  return self->credentials;
}

/**
 * ist_operator_control_plane_get_region: (get-property region)
 * @self: a control plane
 *
 * Gets the AWS region.
 *
 * Returns: (transfer none): the region
 *
 * Since: 1.0
 */
const char *
ist_operator_control_plane_get_region (IstOperatorControlPlane *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);

  return self->settings.region;
}

/**
 * ist_operator_control_plane_get_endpoint_url: (get-property endpoint-url)
 * @self: a control plane
 *
 * Gets where requests are sent to.
 *
 * Returns: (transfer none): the URL
 *
 * Since: 1.0
 */
const char *
ist_operator_control_plane_get_endpoint_url (IstOperatorControlPlane *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);

  return self->settings.endpoint_url;
}

/**
 * ist_operator_control_plane_get_tunnel_endpoint: (get-property tunnel-endpoint)
 * @self: a control plane
 *
 * Gets where its tunnels connect to.
 *
 * Returns: (transfer none): the endpoint, for [property@Ist.SecureTunnel:endpoint]
 *
 * Since: 1.0
 */
const char *
ist_operator_control_plane_get_tunnel_endpoint (IstOperatorControlPlane *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);

  return self->settings.tunnel_endpoint;
}

/**
 * ist_operator_control_plane_get_tls_database: (get-property tls-database)
 * @self: a control plane
 *
 * Gets the certificate authorities to trust.
 *
 * Returns: (transfer none) (nullable): the authorities, %NULL for those of the system
 *
 * Since: 1.0
 */
GTlsDatabase *
ist_operator_control_plane_get_tls_database (IstOperatorControlPlane *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);

  return self->settings.tls_database;
}

/**
 * ist_operator_control_plane_get_ca_file: (get-property ca-file)
 * @self: a control plane
 *
 * Gets the file with the certificate authorities to trust, also if it was found in the
 * settings of the AWS tools.
 *
 * Returns: (transfer none) (type filename) (nullable): the file, or %NULL
 *
 * Since: 1.0
 */
const char *
ist_operator_control_plane_get_ca_file (IstOperatorControlPlane *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);

  return self->settings.ca_file;
}

/**
 * ist_operator_control_plane_get_verify_certificate: (get-property verify-certificate)
 * @self: a control plane
 *
 * Gets whether the certificate of the service must be valid.
 *
 * Returns: %TRUE if it must be
 *
 * Since: 1.0
 */
gboolean
ist_operator_control_plane_get_verify_certificate (IstOperatorControlPlane *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), TRUE);

  return self->settings.verify_certificate;
}

/**
 * ist_operator_control_plane_get_proxy_resolver: (get-property proxy-resolver)
 * @self: a control plane
 *
 * Gets what says which proxy to connect through.
 *
 * Returns: (transfer none): the resolver
 *
 * Since: 1.0
 */
GProxyResolver *
ist_operator_control_plane_get_proxy_resolver (IstOperatorControlPlane *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);

  return self->proxy_resolver;
}

/**
 * ist_operator_control_plane_get_n_calls: (get-property n-calls)
 * @self: a control plane
 *
 * Gets how many calls are under way, also those that were cancelled and have to be
 * undone.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
ist_operator_control_plane_get_n_calls (IstOperatorControlPlane *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), 0);

  return self->caller != NULL ? self->caller->n_calls : 0;
}
