/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-service-private.h"

#include "common/ist-source-private.h"
#include "ist-emulator/ist-emulator-notification-private.h"
#include "ist-emulator/ist-emulator-tunnel-private.h"

/* Between notifications of a tunnel's counters. */
#define NOTIFY_INTERVAL_MS 1000

/**
 * IstEmulatorService:
 *
 * A stand-in for the AWS IoT Secure Tunneling service on one machine, for
 * development, demonstrations and tests.
 *
 * It has the WebSocket endpoint of the service and the API that opens tunnels,
 * for the AWS CLI and SDKs, and enforces what the service enforces; that, and
 * not safety or lasting operation, is what it is for. With TLS, which is the
 * default, it makes a certificate when it starts; clients have to trust the
 * authority that issued it, see [method@IstEmulator.Service.write_ca_file].
 *
 * ```c
 * g_autoptr(IstEmulatorService) service = ist_emulator_service_new ();
 * g_autoptr(IstEmulatorTunnel) tunnel = NULL;
 * const char *services[] = { "SSH", NULL };
 *
 * if (!ist_emulator_service_start (service, &error))
 *   return FALSE;
 * tunnel = ist_emulator_service_open_tunnel (service, services, NULL, 0, &error);
 * ```
 *
 * A service is a [iface@Gio.ListModel] of its open tunnels, in the order in which
 * they were opened. One that is closed leaves the list;
 * [method@IstEmulator.Service.lookup_tunnel] still finds it for a while.
 *
 * A service and its tunnels belong to the main context that was the thread-default
 * one where the service was made: signals and callbacks come there, and all is to
 * be used from there only.
 *
 * Since: 1.0
 */
static void service_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (IstEmulatorService,
                               ist_emulator_service,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      service_list_model_init))

G_DEFINE_ENUM_TYPE (IstEmulatorServiceState,
                    ist_emulator_service_state,
                    G_DEFINE_ENUM_VALUE (IST_EMULATOR_SERVICE_STATE_STOPPED, "stopped"),
                    G_DEFINE_ENUM_VALUE (IST_EMULATOR_SERVICE_STATE_LISTENING, "listening"),
                    G_DEFINE_ENUM_VALUE (IST_EMULATOR_SERVICE_STATE_STOPPING, "stopping"))

enum
{
  PROP_ADDRESS = 1,
  PROP_PORT,
  PROP_PLAIN,
  PROP_CERTIFICATE,
  PROP_STATE_DIR,
  PROP_BANDWIDTH,
  PROP_MAX_CONNECTIONS_PER_ADDRESS,
  PROP_ENDPOINT,
  PROP_CA_PEM,
  PROP_STATE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  TUNNEL_OPENED,
  NOTIFICATION,
  OPERATION,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static gboolean
on_counters_due (gpointer user_data)
{
  IstEmulatorService *self = user_data;
  g_autoptr (GPtrArray) tunnels = g_steal_pointer (&self->counting);

  self->counting = g_ptr_array_new_with_free_func (g_object_unref);
  ist_clear_source (&self->counters_due);
  for (guint i = 0; i < tunnels->len; i++)
    ist_emulator_tunnel_notify_counters (g_ptr_array_index (tunnels, i));
  return G_SOURCE_REMOVE;
}

/* Its next change is told when this one was. */
static void
on_counters_changed (IstEmulatorTunnel *tunnel,
                     gpointer user_data)
{
  IstEmulatorService *self = user_data;

  g_ptr_array_add (self->counting, g_object_ref (tunnel));
  if (self->counters_due != NULL)
    return;

  self->counters_due = g_timeout_source_new (NOTIFY_INTERVAL_MS);
  g_source_set_callback (self->counters_due, on_counters_due, self, NULL);
  g_source_attach (self->counters_due, self->context);
}

static void
on_tunnel_opened (IstEmulatorTunnel *tunnel,
                  gpointer user_data)
{
  IstEmulatorService *self = user_data;

  if (ist_emulator_tunnel_is_open (tunnel))
    {
      ist_emulator_tunnel_set_counters_func (tunnel, on_counters_changed, self);
      g_ptr_array_add (self->tunnels, g_object_ref (tunnel));
      g_list_model_items_changed (G_LIST_MODEL (self), self->tunnels->len - 1, 0, 1);
    }
  g_signal_emit (self, signals[TUNNEL_OPENED], 0, tunnel);
}

static void
on_tunnel_closed (IstEmulatorTunnel *tunnel,
                  gpointer user_data)
{
  IstEmulatorService *self = user_data;
  guint position;

  if (!g_ptr_array_find (self->tunnels, tunnel, &position))
    return;

  ist_emulator_tunnel_set_counters_func (tunnel, NULL, NULL);
  g_ptr_array_remove_index (self->tunnels, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}

static void
on_notification (IstEmulatorTunnel *tunnel,
                 gpointer user_data)
{
  g_autoptr (GBytes) payload = ist_emulator_notification_new (tunnel);

  g_signal_emit (user_data, signals[NOTIFICATION], 0, ist_emulator_tunnel_get_thing_name (tunnel), payload);
}

static const IstEmulatorRegistryDelegate registry_delegate = {
  .opened = on_tunnel_opened,
  .closed = on_tunnel_closed,
  .notify = on_notification,
};

static void
on_operation (const char *operation,
              const char *error_type,
              gpointer user_data)
{
  g_signal_emit (user_data, signals[OPERATION], 0, operation, error_type);
}

static GType
service_get_item_type (GListModel *model)
{
  return IST_EMULATOR_TYPE_TUNNEL;
}

static guint
service_get_n_items (GListModel *model)
{
  return IST_EMULATOR_SERVICE (model)->tunnels->len;
}

static gpointer
service_get_item (GListModel *model,
                  guint position)
{
  GPtrArray *tunnels = IST_EMULATOR_SERVICE (model)->tunnels;

  return position < tunnels->len ? g_object_ref (g_ptr_array_index (tunnels, position)) : NULL;
}

static void
service_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = service_get_item_type;
  iface->get_n_items = service_get_n_items;
  iface->get_item = service_get_item;
}

static void
ist_emulator_service_constructed (GObject *object)
{
  IstEmulatorService *self = IST_EMULATOR_SERVICE (object);

  G_OBJECT_CLASS (ist_emulator_service_parent_class)->constructed (object);

  self->registry = ist_emulator_registry_new (self->bandwidth, &registry_delegate, self);
  self->control = ist_emulator_control_new (self->registry, on_operation, self);
}

static void
ist_emulator_service_dispose (GObject *object)
{
  IstEmulatorService *self = IST_EMULATOR_SERVICE (object);

  ist_emulator_service_stop (self);

  G_OBJECT_CLASS (ist_emulator_service_parent_class)->dispose (object);
}

static void
ist_emulator_service_finalize (GObject *object)
{
  IstEmulatorService *self = IST_EMULATOR_SERVICE (object);

  ist_emulator_service_clear_lifecycle (self);
  for (guint i = 0; i < self->tunnels->len; i++)
    ist_emulator_tunnel_set_counters_func (g_ptr_array_index (self->tunnels, i), NULL, NULL);
  ist_clear_source (&self->counters_due);
  g_ptr_array_unref (self->counting);
  g_ptr_array_unref (self->tunnels);
  ist_emulator_control_free (self->control);
  ist_emulator_registry_free (self->registry);
  g_clear_object (&self->certificate);
  g_clear_object (&self->own_certificate);
  g_free (self->address);
  g_free (self->state_dir);
  g_free (self->ca_pem);
  g_free (self->endpoint);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (ist_emulator_service_parent_class)->finalize (object);
}

static void
ist_emulator_service_get_property (GObject *object,
                                   guint prop_id,
                                   GValue *value,
                                   GParamSpec *pspec)
{
  IstEmulatorService *self = IST_EMULATOR_SERVICE (object);

  switch (prop_id)
    {
    case PROP_ADDRESS:
      g_value_set_string (value, self->address);
      break;
    case PROP_PORT:
      g_value_set_uint (value, self->port);
      break;
    case PROP_PLAIN:
      g_value_set_boolean (value, self->plain);
      break;
    case PROP_CERTIFICATE:
      g_value_set_object (value, self->certificate);
      break;
    case PROP_STATE_DIR:
      g_value_set_string (value, self->state_dir);
      break;
    case PROP_BANDWIDTH:
      g_value_set_uint (value, self->bandwidth);
      break;
    case PROP_MAX_CONNECTIONS_PER_ADDRESS:
      g_value_set_uint (value, self->max_connections_per_address);
      break;
    case PROP_ENDPOINT:
      g_value_set_string (value, self->endpoint);
      break;
    case PROP_CA_PEM:
      g_value_set_string (value, self->ca_pem);
      break;
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
ist_emulator_service_set_property (GObject *object,
                                   guint prop_id,
                                   const GValue *value,
                                   GParamSpec *pspec)
{
  IstEmulatorService *self = IST_EMULATOR_SERVICE (object);

  switch (prop_id)
    {
    case PROP_ADDRESS:
      self->address = g_value_dup_string (value);
      break;
    case PROP_PORT:
      self->port = g_value_get_uint (value);
      break;
    case PROP_PLAIN:
      self->plain = g_value_get_boolean (value);
      break;
    case PROP_CERTIFICATE:
      self->certificate = g_value_dup_object (value);
      break;
    case PROP_STATE_DIR:
      self->state_dir = g_value_dup_string (value);
      break;
    case PROP_BANDWIDTH:
      self->bandwidth = g_value_get_uint (value);
      break;
    case PROP_MAX_CONNECTIONS_PER_ADDRESS:
      self->max_connections_per_address = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
ist_emulator_service_class_init (IstEmulatorServiceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ist_emulator_service_constructed;
  object_class->dispose = ist_emulator_service_dispose;
  object_class->finalize = ist_emulator_service_finalize;
  object_class->get_property = ist_emulator_service_get_property;
  object_class->set_property = ist_emulator_service_set_property;

  /**
   * IstEmulatorService:address: (getter get_address)
   *
   * The IP address to listen on.
   *
   * Since: 1.0
   */
  properties[PROP_ADDRESS] =
    g_param_spec_string ("address", NULL, NULL, "127.0.0.1",
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorService:port: (getter get_port)
   *
   * The TCP port to listen on. With 0, a free one is taken when the service first
   * starts, and kept when it starts again.
   *
   * Since: 1.0
   */
  properties[PROP_PORT] =
    g_param_spec_uint ("port", NULL, NULL, 0, G_MAXUINT16, 0,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorService:plain: (getter get_plain)
   *
   * Whether to do without TLS.
   *
   * Since: 1.0
   */
  properties[PROP_PLAIN] =
    g_param_spec_boolean ("plain", NULL, NULL, FALSE,
                          G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorService:certificate: (getter get_certificate)
   *
   * The certificate and key to use with TLS, if not of the service's own making.
   *
   * Since: 1.0
   */
  properties[PROP_CERTIFICATE] =
    g_param_spec_object ("certificate", NULL, NULL, G_TYPE_TLS_CERTIFICATE,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorService:state-dir: (type filename) (getter get_state_dir)
   *
   * A folder to keep the tunnels in, so that they survive the service, or %NULL.
   *
   * It is made if there is none, and belongs to one service at a time. Of tokens
   * only digests are kept. They go on admitting clients, but nobody can be told
   * them again. Where [property@IstEmulator.Service:certificate] is not set, the
   * certificate is kept in the folder too.
   *
   * Since: 1.0
   */
  properties[PROP_STATE_DIR] =
    g_param_spec_string ("state-dir", NULL, NULL, NULL,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorService:bandwidth: (getter get_bandwidth)
   *
   * How many bytes per second may pass each tunnel, in both directions together;
   * 0 for no limit. That of AWS is 800,000.
   *
   * Since: 1.0
   */
  properties[PROP_BANDWIDTH] =
    g_param_spec_uint ("bandwidth", NULL, NULL, 0, G_MAXUINT, 0,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorService:max-connections-per-address: (getter get_max_connections_per_address)
   *
   * How many connections one address may have at the same time, 0 for any number.
   * Further ones are closed at once.
   *
   * A connection that has not sent a request after 30 seconds, or is idle for so
   * long before it has become a WebSocket, is closed in any case.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_CONNECTIONS_PER_ADDRESS] =
    g_param_spec_uint ("max-connections-per-address", NULL, NULL, 0, G_MAXUINT, 4096,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorService:endpoint: (getter get_endpoint)
   *
   * Where clients connect, or %NULL before the service was started.
   *
   * Since: 1.0
   */
  properties[PROP_ENDPOINT] =
    g_param_spec_string ("endpoint", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorService:ca-pem: (getter get_ca_pem)
   *
   * The certificate of the authority that clients must trust.
   *
   * Since: 1.0
   */
  properties[PROP_CA_PEM] =
    g_param_spec_string ("ca-pem", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorService:state: (getter get_state)
   *
   * Where in its life the service is.
   *
   * Since: 1.0
   */
  properties[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, IST_EMULATOR_TYPE_SERVICE_STATE,
                       IST_EMULATOR_SERVICE_STATE_STOPPED, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  /**
   * IstEmulatorService::handshake-refused:
   * @self: the service
   * @status: the HTTP status of the answer
   * @reason: what the answer says
   *
   * Emitted when a request got another answer than 101.
   *
   * Since: 1.0
   */
  g_signal_new ("handshake-refused", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_STRING);

  /**
   * IstEmulatorService::tunnel-opened:
   * @self: the service
   * @tunnel: the tunnel
   *
   * Emitted when a tunnel was opened, by [method@IstEmulator.Service.open_tunnel]
   * or over the network, and for each one that is restored from
   * [property@IstEmulator.Service:state-dir]; those may be closed.
   *
   * Since: 1.0
   */
  signals[TUNNEL_OPENED] =
    g_signal_new ("tunnel-opened", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 1, IST_EMULATOR_TYPE_TUNNEL);

  /**
   * IstEmulatorService::notification:
   * @self: the service
   * @thing_name: the thing to notify
   * @payload: a JSON object; it holds the token, which is a secret
   *
   * Emitted when AWS would tell a device to connect, by MQTT on the topic
   * `$aws/things/THING-NAME/tunnels/notify`: when a tunnel with a thing was opened,
   * and when its destination's token was rotated.
   *
   * Since: 1.0
   */
  signals[NOTIFICATION] =
    g_signal_new ("notification", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_BYTES);

  /**
   * IstEmulatorService::operation:
   * @self: the service
   * @name: which operation, such as `OpenTunnel`
   * @error_type: (nullable): the type of the error that is the answer, such as
   *   `ValidationException`, or `disconnect` if there is none, or %NULL after a
   *   success
   *
   * Emitted when a client of the service's API has its answer, after all that the
   * operation did. An answer that is to be delayed is told of before it is sent.
   * Requests that name no operation are not told.
   *
   * Since: 1.0
   */
  signals[OPERATION] =
    g_signal_new ("operation", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);

  /**
   * IstEmulatorService::stopped:
   * @self: the service
   *
   * Emitted when the service has stopped: its port is free, and all WebSockets
   * are closed.
   *
   * Since: 1.0
   */
  g_signal_new ("stopped", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ist_emulator_service_init (IstEmulatorService *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->tunnels = g_ptr_array_new_with_free_func (g_object_unref);
  self->counting = g_ptr_array_new_with_free_func (g_object_unref);
  ist_emulator_service_init_lifecycle (self);
}

/**
 * ist_emulator_service_new:
 *
 * Makes a service with TLS on a free port of 127.0.0.1. For any other, make it
 * with properties.
 *
 * Returns: (transfer full): a new service, not yet started
 *
 * Since: 1.0
 */
IstEmulatorService *
ist_emulator_service_new (void)
{
  return g_object_new (IST_EMULATOR_TYPE_SERVICE, NULL);
}

gboolean
ist_emulator_service_restore (IstEmulatorService *self,
                              GError **error)
{
  if (self->state_dir != NULL && !self->restored &&
      !ist_emulator_registry_restore (self->registry, self->state_dir, error))
    return FALSE;

  self->restored = TRUE;
  return TRUE;
}

/**
 * ist_emulator_service_get_state:
 * @self: a service
 *
 * Gets where in its life the service is.
 *
 * Returns: the state
 *
 * Since: 1.0
 */
IstEmulatorServiceState
ist_emulator_service_get_state (IstEmulatorService *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), IST_EMULATOR_SERVICE_STATE_STOPPED);

  return self->state;
}

/**
 * ist_emulator_service_get_address:
 * @self: a service
 *
 * Gets the IP address to listen on.
 *
 * Returns: (transfer none) (nullable): the address
 *
 * Since: 1.0
 */
const char *
ist_emulator_service_get_address (IstEmulatorService *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), NULL);

  return self->address;
}

/**
 * ist_emulator_service_get_plain:
 * @self: a service
 *
 * Gets whether the service does without TLS.
 *
 * Returns: %TRUE if it does
 *
 * Since: 1.0
 */
gboolean
ist_emulator_service_get_plain (IstEmulatorService *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), FALSE);

  return self->plain;
}

/**
 * ist_emulator_service_get_certificate:
 * @self: a service
 *
 * Gets the certificate that the service was given.
 *
 * Returns: (transfer none) (nullable): the certificate, or %NULL if the service
 *   makes one
 *
 * Since: 1.0
 */
GTlsCertificate *
ist_emulator_service_get_certificate (IstEmulatorService *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), NULL);

  return self->certificate;
}

/**
 * ist_emulator_service_get_state_dir:
 * @self: a service
 *
 * Gets the folder that the tunnels are kept in.
 *
 * Returns: (transfer none) (nullable) (type filename): the folder, or %NULL if they
 *   are not kept
 *
 * Since: 1.0
 */
const char *
ist_emulator_service_get_state_dir (IstEmulatorService *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), NULL);

  return self->state_dir;
}

/**
 * ist_emulator_service_get_bandwidth:
 * @self: a service
 *
 * Gets how many bytes per second may pass each tunnel.
 *
 * Returns: the number of bytes, or 0 for no limit
 *
 * Since: 1.0
 */
guint
ist_emulator_service_get_bandwidth (IstEmulatorService *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), 0);

  return self->bandwidth;
}

/**
 * ist_emulator_service_get_max_connections_per_address:
 * @self: a service
 *
 * Gets how many connections one address may have at the same time.
 *
 * Returns: the number of connections, or 0 for any number
 *
 * Since: 1.0
 */
guint
ist_emulator_service_get_max_connections_per_address (IstEmulatorService *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), 0);

  return self->max_connections_per_address;
}

/**
 * ist_emulator_service_get_endpoint:
 * @self: a service
 *
 * Gets where clients connect, for example "wss://localhost:34567".
 *
 * Returns: (transfer none) (nullable): the URI, or %NULL if the service was never
 *   started
 *
 * Since: 1.0
 */
const char *
ist_emulator_service_get_endpoint (IstEmulatorService *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), NULL);

  return self->endpoint;
}

/**
 * ist_emulator_service_get_port:
 * @self: a service
 *
 * Gets the TCP port.
 *
 * Returns: the port, or 0 if a free one is still to be taken
 *
 * Since: 1.0
 */
guint
ist_emulator_service_get_port (IstEmulatorService *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), 0);

  return self->port;
}

/**
 * ist_emulator_service_get_ca_pem:
 * @self: a service
 *
 * Gets the certificate of the authority that issued the service's certificate,
 * in PEM form. It is made when the service is first started.
 *
 * Returns: (transfer none) (nullable): the certificate, or %NULL if the service
 *   has made none
 *
 * Since: 1.0
 */
const char *
ist_emulator_service_get_ca_pem (IstEmulatorService *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), NULL);

  return self->ca_pem;
}

/**
 * ist_emulator_service_write_ca_file:
 * @self: a service
 * @path: (type filename): where to write; an existing file is replaced
 * @error: return location for an error
 *
 * Writes what [method@IstEmulator.Service.get_ca_pem] returns to a file that
 * everybody may read.
 *
 * Returns: %TRUE on success; otherwise %IST_TUNNEL_ERROR_INVALID_STATE if there is
 *   nothing to write, or an error of the file system
 *
 * Since: 1.0
 */
gboolean
ist_emulator_service_write_ca_file (IstEmulatorService *self,
                                    const char *path,
                                    GError **error)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);

  if (self->ca_pem == NULL)
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE,
                           "The service has made no certificate");
      return FALSE;
    }
  return g_file_set_contents_full (path, self->ca_pem, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, error);
}

/**
 * ist_emulator_service_open_tunnel:
 * @self: a service
 * @service_ids: (array zero-terminated=1) (nullable): the tunnel's services,
 *   each different and matching `^[a-zA-Z0-9:_-]{1,128}$`
 * @thing_name: (nullable): the thing that the tunnel leads to
 * @lifetime_minutes: how long the tunnel lives, 1 to 720, or 0 for the longest
 * @error: return location for an error
 *
 * Opens a tunnel. After it was closed it stays known to the service for three
 * hours, or until a thousand others were closed.
 *
 * Returns: (transfer full): the tunnel; %NULL with %IST_TUNNEL_ERROR_INVALID_SETTING
 *   if an argument is not what the service accepts, with %G_IO_ERROR_NO_SPACE if
 *   there are too many, or with an error of
 *   [method@IstEmulator.Service.start] if the state can't be read
 *
 * Since: 1.0
 */
IstEmulatorTunnel *
ist_emulator_service_open_tunnel (IstEmulatorService *self,
                                  const char *const *service_ids,
                                  const char *thing_name,
                                  guint lifetime_minutes,
                                  GError **error)
{
  const IstEmulatorRegistryRequest request = {
    .services = service_ids,
    .thing_name = thing_name,
    .lifetime_minutes = lifetime_minutes,
  };

  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), NULL);

  if (!ist_emulator_service_restore (self, error))
    return NULL;
  return ist_emulator_registry_open (self->registry, &request, error);
}

/**
 * ist_emulator_service_lookup_tunnel:
 * @self: a service
 * @tunnel_id: the tunnel's id
 *
 * Finds a tunnel, open or closed.
 *
 * Returns: (transfer none) (nullable): the tunnel, or %NULL if there is none
 *
 * Since: 1.0
 */
IstEmulatorTunnel *
ist_emulator_service_lookup_tunnel (IstEmulatorService *self,
                                    const char *tunnel_id)
{
  IstEmulatorRecord *record;

  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), NULL);
  g_return_val_if_fail (tunnel_id != NULL, NULL);

  record = ist_emulator_registry_lookup (self->registry, tunnel_id, NULL);
  return record != NULL ? record->tunnel : NULL;
}

/**
 * ist_emulator_service_close_tunnel:
 * @self: a service
 * @tunnel_id: the tunnel's id
 * @error: return location for an error
 *
 * Closes a tunnel for good and disconnects its clients. It may be closed already.
 *
 * Returns: %TRUE on success; otherwise %G_IO_ERROR_NOT_FOUND
 *
 * Since: 1.0
 */
gboolean
ist_emulator_service_close_tunnel (IstEmulatorService *self,
                                   const char *tunnel_id,
                                   GError **error)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (tunnel_id != NULL, FALSE);

  return ist_emulator_registry_close (self->registry, tunnel_id, FALSE, error);
}

/**
 * ist_emulator_service_rotate_tokens:
 * @self: a service
 * @tunnel_id: the tunnel's id
 * @sides: whose tokens
 * @error: return location for an error
 *
 * Makes new access tokens for a tunnel. The old ones are worth nothing any more,
 * and the clients that came with them are disconnected.
 *
 * Returns: %TRUE on success; otherwise %G_IO_ERROR_NOT_FOUND or
 *   %IST_TUNNEL_ERROR_TUNNEL_CLOSED
 *
 * Since: 1.0
 */
gboolean
ist_emulator_service_rotate_tokens (IstEmulatorService *self,
                                    const char *tunnel_id,
                                    IstEmulatorSides sides,
                                    GError **error)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (tunnel_id != NULL, FALSE);

  return ist_emulator_registry_rotate (self->registry, tunnel_id, sides, NULL, error);
}

/**
 * ist_emulator_service_add_thing:
 * @self: a service
 * @thing_name: the name of a thing, matching `^[a-zA-Z0-9:_-]{1,128}$`
 * @type_name: (nullable): the name of its type, likewise, or %NULL for none
 * @error: return location for an error
 *
 * Has the service's API tell of a thing when it lists things (`ListThings`), as if the
 * account had it. Things that tunnels were opened to are listed, too, and need not be
 * added; they have no type. One that is there already gets the type.
 *
 * Returns: %TRUE on success; otherwise %IST_TUNNEL_ERROR_INVALID_SETTING for what is no
 *   name, or %G_IO_ERROR_NO_SPACE if there are too many
 *
 * Since: 1.0
 */
gboolean
ist_emulator_service_add_thing (IstEmulatorService *self,
                                const char *thing_name,
                                const char *type_name,
                                GError **error)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (thing_name != NULL, FALSE);

  return ist_emulator_things_add (ist_emulator_registry_get_things (self->registry), thing_name, type_name, error);
}
