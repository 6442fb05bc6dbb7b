/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <ist-operator/ist-operator-forward.h>

#include <ist-operator/ist-operator-client-error.h>

#include "common/ist-address-private.h"
#include "ist-operator/ist-operator-request-private.h"
#include "ist/forwarder/ist-listener-private.h"
#include "ist/forwarder/ist-place-private.h"

/* Programs that wait for a tunnel at the same time. */
#define MAX_WAITING 256

/**
 * IstOperatorForward:
 *
 * A local address at which a service of a device can be reached.
 *
 * Programs connect to a port or a Unix socket, and each of these connections is carried to
 * the service, as [method@IstOperator.Client.forward_async] does. A tunnel is opened when
 * the first one connects: a forward that nobody uses costs nothing.
 *
 * A connection that can't be carried is reset, which
 * [signal@IstOperator.Forward::connection-failed] tells.
 *
 * A forward belongs to the main context that was the thread-default one when it was made,
 * which has to be that of its client. It listens no more when its last reference is
 * dropped; connections that are open go on.
 *
 * Since: 1.0
 */
struct _IstOperatorForward
{
  GObject parent_instance;

  GMainContext *context;
  IstOperatorClient *client;
  IstOperatorOptions *options; /* NULL for the client's */
  char *thing_name;
  char *service_id;
  char *address;
  char *bound_address; /* NULL while it does not listen, as the next one */
  IstListener *listener;
  guint port;
  GCancellable *cancellable; /* of those that wait */
  guint n_waiting;
  GPtrArray *connections; /* of IstForwarderConnection, open ones */
};

enum
{
  PROP_CLIENT = 1,
  PROP_OPTIONS,
  PROP_THING_NAME,
  PROP_SERVICE_ID,
  PROP_ADDRESS,
  PROP_PORT,
  PROP_ACTIVE,
  PROP_N_CONNECTIONS,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

enum
{
  CONNECTION_OPENED,
  CONNECTION_FAILED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (IstOperatorForward, ist_operator_forward, G_TYPE_OBJECT)

/* Connections */

static void
forward_notify_n_connections (IstOperatorForward *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_CONNECTIONS]);
}

static void
on_connection_state (IstOperatorForward *self,
                     GParamSpec *pspec,
                     IstForwarderConnection *connection)
{
  if (ist_forwarder_connection_get_state (connection) != IST_FORWARDER_CONNECTION_STATE_CLOSED)
    return;
  g_signal_handlers_disconnect_by_func (connection, on_connection_state, self);
  if (g_ptr_array_remove (self->connections, connection))
    forward_notify_n_connections (self);
}

static void
forward_add (IstOperatorForward *self,
             IstForwarderConnection *connection)
{
  if (ist_forwarder_connection_get_state (connection) == IST_FORWARDER_CONNECTION_STATE_CLOSED)
    {
      forward_notify_n_connections (self);
      return;
    }
  g_ptr_array_add (self->connections, g_object_ref (connection));
  g_signal_connect_object (connection, "notify::state", G_CALLBACK (on_connection_state), self, G_CONNECT_SWAPPED);
  /* One that has waited is one that is open. */
}

static void
forward_tell_failure (IstOperatorForward *self,
                      const GError *error)
{
  g_info ("A connection to %s of %s was not opened: %s", self->service_id, self->thing_name, error->message);
  g_signal_emit (self, signals[CONNECTION_FAILED], 0, error);
}

/* One that waits must not keep the forward, and with it the listener. */
static GWeakRef *
make_weak_ref (IstOperatorForward *self)
{
  GWeakRef *ref = g_new (GWeakRef, 1);

  g_weak_ref_init (ref, self);
  return ref;
}

/* (transfer full) (nullable) */
static IstOperatorForward *
take_weak_ref (GWeakRef *ref)
{
  IstOperatorForward *self = g_weak_ref_get (ref);

  g_weak_ref_clear (ref);
  g_free (ref);
  return self;
}

static void
on_forwarded (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (IstOperatorForward) self = take_weak_ref (user_data);
  g_autoptr (IstForwarderConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  connection = ist_operator_client_forward_finish (IST_OPERATOR_CLIENT (object), result, &error);
  if (self == NULL)
    return;
  self->n_waiting--;
  if (connection == NULL)
    {
      forward_notify_n_connections (self);
      forward_tell_failure (self, error);
      return;
    }
  forward_add (self, connection);
  g_signal_emit (self, signals[CONNECTION_OPENED], 0, connection);
}

static void
on_accepted (IstListener *listener,
             GSocketConnection *stream,
             gpointer user_data)
{
  g_autoptr (IstOperatorForward) self = g_object_ref (user_data);
  g_autoptr (GError) error = NULL;

  if (self->n_waiting >= MAX_WAITING)
    {
      error = g_error_new (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_TOO_MANY,
                           "%u connections wait for a tunnel to “%s” already", self->n_waiting, self->thing_name);
      ist_operator_reset_stream (G_IO_STREAM (stream));
      forward_tell_failure (self, error);
      return;
    }
  self->n_waiting++;
  ist_operator_client_forward_async (self->client, self->thing_name, self->service_id, G_IO_STREAM (stream),
                                     self->options, self->cancellable, on_forwarded, make_weak_ref (self));
  forward_notify_n_connections (self);
}

/* Listening */

static IstListener *
forward_listen (IstOperatorForward *self,
                GSocketConnectable *place,
                guint *port,
                GError **error)
{
  g_autoptr (GPtrArray) addresses = ist_place_get_addresses (place);

  if (addresses != NULL)
    return ist_listener_new (addresses, port, self->context, error);
  g_set_error_literal (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT,
                       "its name has to be looked up; give the address, or localhost");
  return NULL;
}

static gboolean
forward_check (IstOperatorForward *self,
               GError **error)
{
  if (self->listener != NULL)
    g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE, "The forward listens already");
  else if (self->client == NULL || self->thing_name == NULL || self->service_id == NULL || self->address == NULL)
    g_set_error_literal (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT,
                         "A forward needs a client, a thing, a service and an address");
  else
    return TRUE;
  return FALSE;
}

static void
forward_notify_listening (IstOperatorForward *self)
{
  g_object_freeze_notify (G_OBJECT (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ADDRESS]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PORT]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ACTIVE]);
  g_object_thaw_notify (G_OBJECT (self));
}

/**
 * ist_operator_forward_start:
 * @self: a forward
 * @error: return location for an error
 *
 * Listens from now on.
 *
 * This never blocks, so it takes no name of a host but `localhost`. The file of a Unix
 * socket at which nobody listens any more is replaced; it is removed in the end.
 *
 * Fails with %IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT or
 * %IST_TUNNEL_ERROR_INVALID_SETTING if something that it was made with can't be, with
 * %IST_TUNNEL_ERROR_INVALID_STATE if it listens already, or with an error of
 * [error@Gio.IOErrorEnum], such as %G_IO_ERROR_ADDRESS_IN_USE, that names the address.
 *
 * Returns: %TRUE if it listens
 *
 * Since: 1.0
 */
gboolean
ist_operator_forward_start (IstOperatorForward *self,
                            GError **error)
{
  g_autoptr (GSocketConnectable) place = NULL;
  guint port = 0;

  g_return_val_if_fail (IST_OPERATOR_IS_FORWARD (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!forward_check (self, error))
    return FALSE;
  place = ist_place_parse (self->address, NULL, error);
  if (place == NULL)
    return FALSE;
  self->listener = forward_listen (self, place, &port, error);
  if (self->listener == NULL)
    {
      g_prefix_error (error, "Can't listen on %s: ", self->address);
      return FALSE;
    }
  self->port = port;
  self->bound_address = ist_address_describe (place, port);
  self->cancellable = g_cancellable_new ();
  ist_listener_start (self->listener, on_accepted, self, NULL);
  forward_notify_listening (self);
  return TRUE;
}

/**
 * ist_operator_forward_stop:
 * @self: a forward
 *
 * Listens no more. Connections that are open go on; those that wait for a tunnel are reset.
 * Does nothing if the forward does not listen.
 *
 * Since: 1.0
 */
void
ist_operator_forward_stop (IstOperatorForward *self)
{
  g_return_if_fail (IST_OPERATOR_IS_FORWARD (self));

  if (self->listener == NULL)
    return;
  g_clear_pointer (&self->listener, ist_listener_free);
  g_clear_pointer (&self->bound_address, g_free);
  self->port = 0;
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  forward_notify_listening (self);
}

/* GObject */

static void
ist_operator_forward_dispose (GObject *object)
{
  IstOperatorForward *self = IST_OPERATOR_FORWARD (object);

  ist_operator_forward_stop (self);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (ist_operator_forward_parent_class)->dispose (object);
}

static void
ist_operator_forward_finalize (GObject *object)
{
  IstOperatorForward *self = IST_OPERATOR_FORWARD (object);

  g_ptr_array_unref (self->connections);
  g_clear_object (&self->options);
  g_free (self->thing_name);
  g_free (self->service_id);
  g_free (self->address);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (ist_operator_forward_parent_class)->finalize (object);
}

static void
ist_operator_forward_get_property (GObject *object,
                                   guint prop_id,
                                   GValue *value,
                                   GParamSpec *pspec)
{
  IstOperatorForward *self = IST_OPERATOR_FORWARD (object);

  switch (prop_id)
    {
    case PROP_CLIENT:
      g_value_set_object (value, self->client);
      break;
    case PROP_OPTIONS:
      g_value_set_object (value, self->options);
      break;
    case PROP_THING_NAME:
      g_value_set_string (value, self->thing_name);
      break;
    case PROP_SERVICE_ID:
      g_value_set_string (value, self->service_id);
      break;
    case PROP_ADDRESS:
      g_value_set_string (value, ist_operator_forward_get_address (self));
      break;
    case PROP_PORT:
      g_value_set_uint (value, self->port);
      break;
    case PROP_ACTIVE:
      g_value_set_boolean (value, ist_operator_forward_get_active (self));
      break;
    case PROP_N_CONNECTIONS:
      g_value_set_uint (value, ist_operator_forward_get_n_connections (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_forward_set_property (GObject *object,
                                   guint prop_id,
                                   const GValue *value,
                                   GParamSpec *pspec)
{
  IstOperatorForward *self = IST_OPERATOR_FORWARD (object);

  switch (prop_id)
    {
    case PROP_CLIENT:
      self->client = g_value_dup_object (value);
      break;
    case PROP_OPTIONS:
      self->options = g_value_dup_object (value);
      break;
    case PROP_THING_NAME:
      self->thing_name = g_value_dup_string (value);
      break;
    case PROP_SERVICE_ID:
      self->service_id = g_value_dup_string (value);
      break;
    case PROP_ADDRESS:
      self->address = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
forward_specify_settings (GParamFlags flags)
{
  /**
   * IstOperatorForward:client: (getter get_client)
   *
   * Whose tunnels carry the connections.
   *
   * Since: 1.0
   */
  properties[PROP_CLIENT] = g_param_spec_object ("client", NULL, NULL, IST_OPERATOR_TYPE_CLIENT, flags);

  /**
   * IstOperatorForward:options: (getter get_options)
   *
   * What each connection wants of its tunnel; %NULL for the options of the client.
   *
   * Since: 1.0
   */
  properties[PROP_OPTIONS] = g_param_spec_object ("options", NULL, NULL, IST_OPERATOR_TYPE_OPTIONS, flags);

  /**
   * IstOperatorForward:thing-name: (getter get_thing_name)
   *
   * The device's name at AWS IoT.
   *
   * Since: 1.0
   */
  properties[PROP_THING_NAME] = g_param_spec_string ("thing-name", NULL, NULL, NULL, flags);

  /**
   * IstOperatorForward:service-id: (getter get_service_id)
   *
   * The service.
   *
   * Since: 1.0
   */
  properties[PROP_SERVICE_ID] = g_param_spec_string ("service-id", NULL, NULL, NULL, flags);

  /**
   * IstOperatorForward:address: (getter get_address)
   *
   * Where it listens: `port`, `localhost:port`, `IPv4 address:port`,
   * `[IPv6 address]:port`, `/path` or `unix:path`; port 0 picks a free one. A port alone
   * means the loopback interface. While it listens, this has the host and the port that it
   * has got.
   *
   * Since: 1.0
   */
  properties[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, NULL, flags | G_PARAM_EXPLICIT_NOTIFY);
}

static void
forward_specify_rest (GParamFlags flags)
{
  /**
   * IstOperatorForward:port: (getter get_port)
   *
   * The port at which it listens; 0 while it does not, and for a Unix socket.
   *
   * Since: 1.0
   */
  properties[PROP_PORT] = g_param_spec_uint ("port", NULL, NULL, 0, G_MAXUINT16, 0, flags);

  /**
   * IstOperatorForward:active: (getter get_active)
   *
   * Whether it listens.
   *
   * Since: 1.0
   */
  properties[PROP_ACTIVE] = g_param_spec_boolean ("active", NULL, NULL, FALSE, flags);

  /**
   * IstOperatorForward:n-connections: (getter get_n_connections)
   *
   * How many connections there are, those that wait for a tunnel included.
   *
   * Since: 1.0
   */
  properties[PROP_N_CONNECTIONS] = g_param_spec_uint ("n-connections", NULL, NULL, 0, G_MAXUINT, 0, flags);
}

static void
forward_install_signals (GType type)
{
  /**
   * IstOperatorForward::connection-opened:
   * @self: the forward
   * @connection: the connection, which is one of those of a tunnel
   *
   * Emitted when a program's connection is carried.
   *
   * Since: 1.0
   */
  signals[CONNECTION_OPENED] = g_signal_new ("connection-opened", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                             G_TYPE_NONE, 1, IST_TYPE_FORWARDER_CONNECTION);

  /**
   * IstOperatorForward::connection-failed:
   * @self: the forward
   * @error: why
   *
   * Emitted when a program's connection was reset, because it could not be carried.
   *
   * Since: 1.0
   */
  signals[CONNECTION_FAILED] =
    g_signal_new ("connection-failed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
ist_operator_forward_class_init (IstOperatorForwardClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ist_operator_forward_dispose;
  object_class->finalize = ist_operator_forward_finalize;
  object_class->get_property = ist_operator_forward_get_property;
  object_class->set_property = ist_operator_forward_set_property;
  forward_specify_settings (G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  forward_specify_rest (G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  forward_install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
ist_operator_forward_init (IstOperatorForward *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->connections = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * ist_operator_forward_new:
 * @client: a client
 * @thing_name: the device's name at AWS IoT
 * @service_id: the service
 * @address: where to listen, see [property@IstOperator.Forward:address]
 * @options: (nullable): what connections want of their tunnels; %NULL for those of the client
 *
 * Makes a forward, which does not listen yet.
 *
 * Returns: (transfer full): a new forward
 *
 * Since: 1.0
 */
IstOperatorForward *
ist_operator_forward_new (IstOperatorClient *client,
                          const char *thing_name,
                          const char *service_id,
                          const char *address,
                          IstOperatorOptions *options)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (client), NULL);
  g_return_val_if_fail (thing_name != NULL, NULL);
  g_return_val_if_fail (service_id != NULL, NULL);
  g_return_val_if_fail (address != NULL, NULL);
  g_return_val_if_fail (options == NULL || IST_OPERATOR_IS_OPTIONS (options), NULL);

  return g_object_new (IST_OPERATOR_TYPE_FORWARD, "client", client, "thing-name", thing_name, "service-id", service_id,
                       "address", address, "options", options, NULL);
}

/**
 * ist_operator_forward_get_active: (get-property active)
 * @self: a forward
 *
 * Gets whether the forward listens.
 *
 * Returns: whether it does
 *
 * Since: 1.0
 */
gboolean
ist_operator_forward_get_active (IstOperatorForward *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_FORWARD (self), FALSE);

  return self->listener != NULL;
}

/**
 * ist_operator_forward_get_client: (get-property client)
 * @self: a forward
 *
 * Gets the client whose tunnels carry the connections.
 *
 * Returns: (transfer none) (nullable): the client; %NULL in a forward that was constructed without
 *
 * Since: 1.0
 */
IstOperatorClient *
ist_operator_forward_get_client (IstOperatorForward *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_FORWARD (self), NULL);

  return self->client;
}

/**
 * ist_operator_forward_get_options: (get-property options)
 * @self: a forward
 *
 * Gets what each connection wants of its tunnel.
 *
 * Returns: (transfer none) (nullable): the options; %NULL for those of the client
 *
 * Since: 1.0
 */
IstOperatorOptions *
ist_operator_forward_get_options (IstOperatorForward *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_FORWARD (self), NULL);

  return self->options;
}

/**
 * ist_operator_forward_get_thing_name: (get-property thing-name)
 * @self: a forward
 *
 * Gets the name of the device.
 *
 * Returns: (transfer none) (nullable): the name; %NULL in a forward that was constructed without
 *
 * Since: 1.0
 */
const char *
ist_operator_forward_get_thing_name (IstOperatorForward *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_FORWARD (self), NULL);

  return self->thing_name;
}

/**
 * ist_operator_forward_get_service_id: (get-property service-id)
 * @self: a forward
 *
 * Gets the service.
 *
 * Returns: (transfer none) (nullable): the service; %NULL in a forward that was constructed without
 *
 * Since: 1.0
 */
const char *
ist_operator_forward_get_service_id (IstOperatorForward *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_FORWARD (self), NULL);

  return self->service_id;
}

/**
 * ist_operator_forward_get_address: (get-property address)
 * @self: a forward
 *
 * Gets where the forward listens, or will.
 *
 * Returns: (transfer none) (nullable): the address, with the port that it has got while it listens; %NULL in
 *   a forward that was constructed without
 *
 * Since: 1.0
 */
const char *
ist_operator_forward_get_address (IstOperatorForward *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_FORWARD (self), NULL);

  return self->bound_address != NULL ? self->bound_address : self->address;
}

/**
 * ist_operator_forward_get_port: (get-property port)
 * @self: a forward
 *
 * Gets the port at which the forward listens.
 *
 * Returns: the port; 0 while it does not listen, and for a Unix socket
 *
 * Since: 1.0
 */
guint
ist_operator_forward_get_port (IstOperatorForward *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_FORWARD (self), 0);

  return self->port;
}

/**
 * ist_operator_forward_get_n_connections: (get-property n-connections)
 * @self: a forward
 *
 * Gets how many connections there are, those that wait for a tunnel included.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
ist_operator_forward_get_n_connections (IstOperatorForward *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_FORWARD (self), 0);

  return self->n_waiting + self->connections->len;
}
