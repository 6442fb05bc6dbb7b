/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-forwarder.h"

#include "common/ist-address-private.h"
#include "ist/forwarder/ist-forwarder-connection-private.h"
#include "ist/forwarder/ist-hangup-private.h"
#include "ist/forwarder/ist-listener-private.h"
#include "ist/ist-tunnel-error.h"

/**
 * IstForwarder:
 *
 * Carries TCP connections and Unix sockets through a tunnel.
 *
 * On the source a forwarder listens, and each connection that a local program
 * makes becomes a connection of a service through the tunnel. On the
 * destination it connects to the service's program whenever the peer opens a
 * connection. This makes a service of the device reachable on port 2222 of the
 * operator's machine:
 *
 * ```python
 * tunnel = Ist.SecureTunnel.new(Ist.Mode.SOURCE, token, 'eu-central-1')
 * forwarder = Ist.Forwarder.new(tunnel)
 * forwarder.listen('SSH', '2222')
 * tunnel.start()
 * GLib.MainLoop().run()
 * ```
 *
 * and on the device it is
 * `forwarder.add_target('SSH', 'localhost:22')` instead.
 *
 * Addresses are written as `host:port`, `[IPv6 address]:port`, `port`,
 * `/path/of/a/unix-socket` or `unix:path`. A port alone means the loopback
 * interface, IPv4 and IPv6, or the source's [property@Ist.Forwarder:local-bind-address].
 *
 * Connections are independent of each other: that one can't be opened, or is
 * slow, or fails, is nothing to the others. When the tunnel loses its WebSocket
 * all its connections end; listening goes on, and new connections wait until
 * the tunnel is connected again, for up to [property@Ist.Forwarder:tunnel-timeout].
 * When the peer ends a connection the local program receives everything that
 * had arrived, and then the end of the stream; when the connection breaks, it
 * receives what had arrived and then an error, where the kind of socket has one.
 *
 * Settings apply to connections that begin after they are set.
 *
 * A forwarder belongs to the main context of its tunnel, and is used from its
 * thread. It ends all its connections when its last reference is dropped.
 *
 * Since: 1.0
 */
struct _IstForwarder
{
  GObject parent_instance;

  IstSecureTunnel *tunnel;
  gulong incoming_handler;
  gulong unclaimed_handler;
  gboolean refuse_unmapped;
  GHashTable *services;    /* service id, or "" for none: Service */
  GHashTable *targets;     /* service id, or "" for none: GSocketConnectable */
  GPtrArray *listeners;    /* IstListener */
  GHashTable *connections; /* set of IstForwarderConnection */
  guint64 n_connections_total;
  guint64 bytes_in; /* of those that are closed */
  guint64 bytes_out;

  guint *numbers; /* the settings that are numbers, by property */
  char *local_bind_address;
  GProxyResolver *proxy_resolver;
};

/* The connections of a service, on the destination, that are in the making. A
 * flood of them at one service is not to cost the others their turn, nor the
 * process its descriptors. */
typedef struct
{
  GHashTable *connecting; /* set of IstForwarderConnection, not owned */
  GQueue waiting;         /* of the same */
} Service;

/* Where a listener's connections go. */
typedef struct
{
  IstForwarder *forwarder;
  char *service_id;
} ListenerData;

enum
{
  PROP_0,
  PROP_MAX_CONNECTIONS,
  PROP_MAX_CONNECTING,
  PROP_HALF_CLOSE_GRACE,
  PROP_IDLE_TIMEOUT,
  PROP_CONNECT_TIMEOUT,
  PROP_CONNECT_RETRIES,
  PROP_CONNECT_RETRY_DELAY_MS,
  PROP_TUNNEL_TIMEOUT,
  N_NUMBERS,
  PROP_LOCAL_BIND_ADDRESS = N_NUMBERS,
  PROP_PROXY_RESOLVER,
  PROP_REFUSE_UNMAPPED,
  PROP_TUNNEL,
  PROP_N_CONNECTIONS,
  PROP_N_CONNECTIONS_TOTAL,
  PROP_BYTES_IN,
  PROP_BYTES_OUT,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

enum
{
  AUTHORIZE_CONNECTION,
  CONNECTION_OPENED,
  CONNECTION_CLOSED,
  CONNECTION_FAILED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (IstForwarder, ist_forwarder, G_TYPE_OBJECT)

/* Connections */

static void
forwarder_remove (IstForwarder *self,
                  IstForwarderConnection *connection)
{
  ist_forwarder_connection_disown (connection);
  self->bytes_in += ist_forwarder_connection_get_bytes_in (connection);
  self->bytes_out += ist_forwarder_connection_get_bytes_out (connection);
  if (g_hash_table_remove (self->connections, connection))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_CONNECTIONS]);
}

static void
service_free (gpointer data)
{
  Service *service = data;

  g_hash_table_unref (service->connecting);
  g_queue_clear (&service->waiting);
  g_free (service);
}

static const char *
get_service_key (IstForwarderConnection *connection)
{
  const char *service_id = ist_forwarder_connection_get_service_id (connection);

  return service_id != NULL ? service_id : "";
}

static void
forwarder_connect_waiting (IstForwarder *self,
                           Service *service)
{
  guint max = self->numbers[PROP_MAX_CONNECTING];

  while (service->waiting.head != NULL && (max == 0 || g_hash_table_size (service->connecting) < max))
    {
      IstForwarderConnection *connection = g_queue_pop_head (&service->waiting);

      g_hash_table_add (service->connecting, connection);
      ist_forwarder_connection_connect (connection);
    }
}

static void
forwarder_connect (IstForwarder *self,
                   IstForwarderConnection *connection)
{
  const char *key = get_service_key (connection);
  Service *service = g_hash_table_lookup (self->services, key);

  if (service == NULL)
    {
      service = g_new0 (Service, 1);
      service->connecting = g_hash_table_new (NULL, NULL);
      g_hash_table_insert (self->services, g_strdup (key), service);
    }
  g_queue_push_tail (&service->waiting, connection);
  forwarder_connect_waiting (self, service);
}

/* It is not in the making any more, if it was: then it is another one's turn. */
static void
forwarder_end_making (IstForwarder *self,
                      IstForwarderConnection *connection)
{
  const char *key = get_service_key (connection);
  Service *service = g_hash_table_lookup (self->services, key);

  if (service == NULL)
    return;
  if (!g_hash_table_remove (service->connecting, connection))
    g_queue_remove (&service->waiting, connection);
  forwarder_connect_waiting (self, service);
  if (g_hash_table_size (service->connecting) == 0 && service->waiting.head == NULL)
    g_hash_table_remove (self->services, key);
}

static const char *
get_service_name (IstForwarderConnection *connection)
{
  const char *service_id = ist_forwarder_connection_get_service_id (connection);

  return service_id != NULL ? service_id : "no service";
}

static void
on_connection_event (IstForwarderConnection *connection,
                     IstForwarderConnectionEvent event,
                     const GError *error,
                     gpointer user_data)
{
  g_autoptr (IstForwarder) self = g_object_ref (user_data);

  g_object_ref (connection);
  forwarder_end_making (self, connection);
  switch (event)
    {
    case IST_FORWARDER_CONNECTION_OPENED:
      self->n_connections_total++;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_CONNECTIONS_TOTAL]);
      g_signal_emit (self, signals[CONNECTION_OPENED], 0, connection);
      break;
    case IST_FORWARDER_CONNECTION_FAILED:
      g_info ("A connection of %s was not opened: %s", get_service_name (connection), error->message);
      forwarder_remove (self, connection);
      g_signal_emit (self, signals[CONNECTION_FAILED], 0, connection, error);
      break;
    case IST_FORWARDER_CONNECTION_CLOSED:
    default:
      g_info ("A connection of %s was closed%s%s", get_service_name (connection), error != NULL ? ": " : "",
              error != NULL ? error->message : "");
      forwarder_remove (self, connection);
      g_signal_emit (self, signals[CONNECTION_CLOSED], 0, connection, error);
    }
  g_object_unref (connection);
}

/* Takes a new connection in, unless there is a reason not to. */
static IstForwarderConnection *
forwarder_add (IstForwarder *self,
               const char *service_id,
               IstConnection *tunnelled,
               GIOStream *local)
{
  const IstForwarderConnectionSettings settings = {
    .pump = {
      .half_close_grace = self->numbers[PROP_HALF_CLOSE_GRACE],
      .idle_timeout = self->numbers[PROP_IDLE_TIMEOUT],
    },
    .tunnel_timeout = self->numbers[PROP_TUNNEL_TIMEOUT],
    .connect_retries = self->numbers[PROP_CONNECT_RETRIES],
    .connect_retry_delay_ms = self->numbers[PROP_CONNECT_RETRY_DELAY_MS],
  };
  guint max = self->numbers[PROP_MAX_CONNECTIONS];
  g_autoptr (IstForwarderConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  gboolean authorized = TRUE;

  connection = ist_forwarder_connection_new (service_id, tunnelled, local, &settings, on_connection_event,
                                             self);
  g_hash_table_add (self->connections, g_object_ref (connection));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_CONNECTIONS]);

  if (max > 0 && g_hash_table_size (self->connections) > max)
    {
      g_set_error (&error, G_IO_ERROR, G_IO_ERROR_BUSY, "There are %u connections, which is the limit", max);
    }
  else
    {
      g_signal_emit (self, signals[AUTHORIZE_CONNECTION], 0, connection, &authorized);
      if (!authorized)
        g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "The connection was refused");
    }
  if (error != NULL)
    ist_forwarder_connection_end (connection, error);
  /* A handler may have closed it, or everything. */
  return g_hash_table_contains (self->connections, connection) ? g_steal_pointer (&connection) : NULL;
}

/* Destination */

static GSocketConnectable *
forwarder_get_target (IstForwarder *self,
                      const char *service_id)
{
  GSocketConnectable *target = NULL;

  if (service_id != NULL)
    target = g_hash_table_lookup (self->targets, service_id);
  /* Where there is only one service it need not be named. */
  if (target == NULL && g_strv_length ((char **) ist_secure_tunnel_get_service_ids (self->tunnel)) <= 1)
    target = g_hash_table_lookup (self->targets, "");
  return target;
}

static GSocketClient *
forwarder_create_client (IstForwarder *self,
                         GSocketConnectable *target,
                         GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) local = NULL;

  g_socket_client_set_timeout (client, self->numbers[PROP_CONNECT_TIMEOUT]);
  g_socket_client_set_enable_proxy (client, self->proxy_resolver != NULL);
  g_socket_client_set_proxy_resolver (client, self->proxy_resolver);
  if (self->local_bind_address == NULL || G_IS_UNIX_SOCKET_ADDRESS (target))
    return g_steal_pointer (&client);

  local = g_inet_socket_address_new_from_string (self->local_bind_address, 0);
  if (local == NULL)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                   "Can't connect from “%s”: local-bind-address must be a numeric address for that",
                   self->local_bind_address);
      return NULL;
    }
  g_socket_client_set_local_address (client, local);
  return g_steal_pointer (&client);
}

static gboolean
on_incoming_connection (IstSecureTunnel *tunnel,
                        IstConnection *tunnelled,
                        gpointer user_data)
{
  g_autoptr (IstForwarder) self = g_object_ref (user_data);
  const char *service_id = ist_connection_get_service_id (tunnelled);
  GSocketConnectable *found = forwarder_get_target (self, service_id);
  g_autoptr (GSocketConnectable) target = NULL;
  g_autoptr (GSocketClient) client = NULL;
  g_autoptr (IstForwarderConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  if (found == NULL)
    return FALSE;
  target = g_object_ref (found);
  connection = forwarder_add (self, service_id, tunnelled, NULL);
  if (connection == NULL)
    return TRUE;
  client = forwarder_create_client (self, target, &error);
  if (client != NULL)
    {
      ist_forwarder_connection_prepare (connection, client, target);
      forwarder_connect (self, connection);
    }
  else
    {
      ist_forwarder_connection_end (connection, error);
    }
  return TRUE;
}

/* Nobody has taken it: its source would wait for ever, for the protocol has no
 * answer to the start of a connection but its end. */
static gboolean
on_unclaimed_connection (IstSecureTunnel *tunnel,
                         IstConnection *tunnelled,
                         gpointer user_data)
{
  g_autoptr (IstForwarder) self = g_object_ref (user_data);
  const char *service_id = ist_connection_get_service_id (tunnelled);
  g_autoptr (IstForwarderConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  if (!self->refuse_unmapped)
    return FALSE;
  connection = forwarder_add (self, service_id, tunnelled, NULL);
  if (connection == NULL)
    return TRUE;
  if (service_id != NULL)
    g_set_error (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE, "The service “%s” leads nowhere here",
                 service_id);
  else
    g_set_error_literal (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE, "The tunnel leads nowhere here");
  ist_forwarder_connection_end (connection, error);
  return TRUE;
}

static void
forwarder_take_incoming (IstForwarder *self,
                         const char *service_id,
                         GSocketConnectable *target)
{
  g_hash_table_replace (self->targets, g_strdup (service_id != NULL ? service_id : ""),
                        g_object_ref (target));
  if (self->incoming_handler == 0)
    self->incoming_handler = g_signal_connect (self->tunnel, "incoming-connection",
                                               G_CALLBACK (on_incoming_connection), self);
}

/* Source */

static GSocketConnectable *
parse_address (const char *address,
               const char *default_host,
               GError **error)
{
  g_autoptr (GError) local = NULL;
  GSocketConnectable *connectable = ist_address_parse (address, default_host, &local);

  if (connectable == NULL)
    g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING, local->message);
  return connectable;
}

static void
listener_data_free (ListenerData *data)
{
  g_free (data->service_id);
  g_free (data);
}

static void
forwarder_carry (IstForwarder *self,
                 const char *service_id,
                 GIOStream *stream)
{
  g_autoptr (IstForwarderConnection) connection = forwarder_add (self, service_id, NULL, stream);

  if (connection != NULL)
    ist_forwarder_connection_open (connection, self->tunnel);
}

static void
on_accepted (IstListener *listener,
             GSocketConnection *stream,
             gpointer user_data)
{
  ListenerData *data = user_data;
  g_autoptr (IstForwarder) self = g_object_ref (data->forwarder);

  forwarder_carry (self, data->service_id, G_IO_STREAM (stream));
}

static void
forwarder_add_listener (IstForwarder *self,
                        const char *service_id,
                        IstListener *listener)
{
  ListenerData *data = g_new0 (ListenerData, 1);

  data->forwarder = self;
  data->service_id = g_strdup (service_id);
  ist_listener_start (listener, on_accepted, data, (GDestroyNotify) listener_data_free);
  g_ptr_array_add (self->listeners, listener);
}

static gboolean
forwarder_check_source (IstForwarder *self,
                        GError **error)
{
  IstMode mode;

  g_object_get (self->tunnel, "mode", &mode, NULL);
  if (mode == IST_MODE_SOURCE)
    return TRUE;
  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE,
                       "Only the source opens connections; on the destination, add a target");
  return FALSE;
}

/* The class */

static guint
forwarder_get_number (IstForwarder *self,
                      guint prop_id)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), 0);
  return self->numbers[prop_id];
}

static void
forwarder_set_number (IstForwarder *self,
                      guint prop_id,
                      guint number)
{
  const GParamSpecUInt *range;

  g_return_if_fail (IST_IS_FORWARDER (self));
  range = G_PARAM_SPEC_UINT (properties[prop_id]);
  number = CLAMP (number, range->minimum, range->maximum);
  if (self->numbers[prop_id] == number)
    return;
  self->numbers[prop_id] = number;
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop_id]);
}

static gboolean
authorize_by_default (IstForwarder *self,
                      IstForwarderConnection *connection)
{
  return TRUE;
}

static void
ist_forwarder_constructed (GObject *object)
{
  IstForwarder *self = IST_FORWARDER (object);

  G_OBJECT_CLASS (ist_forwarder_parent_class)->constructed (object);
  /* After all others: they may want it. */
  if (self->tunnel != NULL)
    self->unclaimed_handler = g_signal_connect_after (self->tunnel, "incoming-connection",
                                                      G_CALLBACK (on_unclaimed_connection), self);
}

static void
ist_forwarder_dispose (GObject *object)
{
  IstForwarder *self = IST_FORWARDER (object);

  ist_forwarder_close (self);
  if (self->incoming_handler != 0)
    g_clear_signal_handler (&self->incoming_handler, self->tunnel);
  if (self->unclaimed_handler != 0)
    g_clear_signal_handler (&self->unclaimed_handler, self->tunnel);
  g_clear_object (&self->tunnel);
  g_clear_object (&self->proxy_resolver);
  G_OBJECT_CLASS (ist_forwarder_parent_class)->dispose (object);
}

static void
ist_forwarder_finalize (GObject *object)
{
  IstForwarder *self = IST_FORWARDER (object);

  ist_hangup_release ();
  g_hash_table_unref (self->services);
  g_hash_table_unref (self->targets);
  g_ptr_array_unref (self->listeners);
  g_hash_table_unref (self->connections);
  g_free (self->numbers);
  g_free (self->local_bind_address);
  G_OBJECT_CLASS (ist_forwarder_parent_class)->finalize (object);
}

static void
ist_forwarder_get_property (GObject *object,
                            guint prop_id,
                            GValue *value,
                            GParamSpec *pspec)
{
  IstForwarder *self = IST_FORWARDER (object);

  switch (prop_id)
    {
    case PROP_LOCAL_BIND_ADDRESS:
      g_value_set_string (value, self->local_bind_address);
      break;
    case PROP_PROXY_RESOLVER:
      g_value_set_object (value, self->proxy_resolver);
      break;
    case PROP_REFUSE_UNMAPPED:
      g_value_set_boolean (value, self->refuse_unmapped);
      break;
    case PROP_TUNNEL:
      g_value_set_object (value, self->tunnel);
      break;
    case PROP_N_CONNECTIONS:
      g_value_set_uint (value, ist_forwarder_get_n_connections (self));
      break;
    case PROP_N_CONNECTIONS_TOTAL:
      g_value_set_uint64 (value, self->n_connections_total);
      break;
    case PROP_BYTES_IN:
      g_value_set_uint64 (value, ist_forwarder_get_bytes_in (self));
      break;
    case PROP_BYTES_OUT:
      g_value_set_uint64 (value, ist_forwarder_get_bytes_out (self));
      break;
    default:
      g_value_set_uint (value, self->numbers[prop_id]);
    }
}

static void
ist_forwarder_set_property (GObject *object,
                            guint prop_id,
                            const GValue *value,
                            GParamSpec *pspec)
{
  IstForwarder *self = IST_FORWARDER (object);

  switch (prop_id)
    {
    case PROP_LOCAL_BIND_ADDRESS:
      ist_forwarder_set_local_bind_address (self, g_value_get_string (value));
      break;
    case PROP_PROXY_RESOLVER:
      ist_forwarder_set_proxy_resolver (self, g_value_get_object (value));
      break;
    case PROP_REFUSE_UNMAPPED:
      ist_forwarder_set_refuse_unmapped (self, g_value_get_boolean (value));
      break;
    case PROP_TUNNEL:
      self->tunnel = g_value_dup_object (value);
      break;
    default:
      forwarder_set_number (self, prop_id, g_value_get_uint (value));
    }
}

static void
install_settings (void)
{
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * IstForwarder:max-connections: (getter get_max_connections) (setter set_max_connections)
   *
   * The most connections at a time, those that are being opened included; 0 for
   * no limit. One too many is closed at once, which
   * [signal@Ist.Forwarder::connection-failed] tells with %G_IO_ERROR_BUSY.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_CONNECTIONS] = g_param_spec_uint ("max-connections", NULL, NULL, 0, G_MAXUINT, 4096,
                                                        settable);

  /**
   * IstForwarder:max-connecting: (getter get_max_connecting) (setter set_max_connecting)
   *
   * On the destination: how many connections to a service may be in the making at
   * a time; 0 for any number. Further ones wait for their turn, which costs no
   * descriptor, and count for [property@Ist.Forwarder:max-connections]. Each
   * service has turns of its own.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_CONNECTING] = g_param_spec_uint ("max-connecting", NULL, NULL, 0, G_MAXUINT, 32, settable);

  /**
   * IstForwarder:half-close-grace: (getter get_half_close_grace) (setter set_half_close_grace)
   *
   * How long a connection stays open for the answer after the local program has
   * ended its output, in seconds: counted from when all of that has been written
   * to the socket of the tunnel, and anew from each byte of the answer.
   *
   * A program that says all it has to say and then waits for the answer ends
   * its output first. The protocol can't tell that to the peer, it can only
   * end the connection, and the answer would be lost. So the connection goes
   * on until the peer ends it, or the program closes its socket altogether:
   * the kernel tells that for programs on the same machine. For one on another
   * machine, where that is unknown, a second is waited at most.
   *
   * A longer grace keeps an answer that begins late, or pauses; a shorter one ends
   * an upload sooner to which there is no answer. With 0, the connection ends with
   * the output.
   *
   * Since: 1.0
   */
  properties[PROP_HALF_CLOSE_GRACE] = g_param_spec_uint ("half-close-grace", NULL, NULL, 0, 86400, 1,
                                                         settable);

  /**
   * IstForwarder:idle-timeout: (getter get_idle_timeout) (setter set_idle_timeout)
   *
   * How long a connection may be without a byte in either direction before it
   * is closed with %IST_TUNNEL_ERROR_TIMED_OUT, in seconds; 0 for any time.
   *
   * Since: 1.0
   */
  properties[PROP_IDLE_TIMEOUT] = g_param_spec_uint ("idle-timeout", NULL, NULL, 0, G_MAXUINT / 1000, 0,
                                                     settable);

  /**
   * IstForwarder:connect-timeout: (getter get_connect_timeout) (setter set_connect_timeout)
   *
   * How long connecting to one address of a service may take, in seconds; 0 for
   * as long as the kernel tries.
   *
   * Since: 1.0
   */
  properties[PROP_CONNECT_TIMEOUT] = g_param_spec_uint ("connect-timeout", NULL, NULL, 0, G_MAXINT / 1000, 30,
                                                        settable);

  /**
   * IstForwarder:connect-retries: (getter get_connect_retries) (setter set_connect_retries)
   *
   * How many more attempts to connect to a service are made after one has failed.
   *
   * Since: 1.0
   */
  properties[PROP_CONNECT_RETRIES] = g_param_spec_uint ("connect-retries", NULL, NULL, 0, G_MAXUINT, 0,
                                                        settable);

  /**
   * IstForwarder:connect-retry-delay-ms: (getter get_connect_retry_delay_ms) (setter set_connect_retry_delay_ms)
   *
   * The time between two attempts to connect to a service, in milliseconds.
   *
   * Since: 1.0
   */
  properties[PROP_CONNECT_RETRY_DELAY_MS] = g_param_spec_uint ("connect-retry-delay-ms", NULL, NULL, 0, G_MAXUINT,
                                                               2500, settable);

  /**
   * IstForwarder:tunnel-timeout: (getter get_tunnel_timeout) (setter set_tunnel_timeout)
   *
   * How long a local connection waits for a tunnel that is connecting, in
   * seconds. Then it is closed, which [signal@Ist.Forwarder::connection-failed]
   * tells with %IST_TUNNEL_ERROR_NOT_CONNECTED. If the tunnel is stopped, that happens
   * at once.
   *
   * Since: 1.0
   */
  properties[PROP_TUNNEL_TIMEOUT] = g_param_spec_uint ("tunnel-timeout", NULL, NULL, 0, 86400, 30, settable);

  /**
   * IstForwarder:local-bind-address: (getter get_local_bind_address) (setter set_local_bind_address)
   *
   * On the source, the host whose addresses [method@Ist.Forwarder.listen]
   * listens on when it is given a port alone; on the destination, the numeric
   * address from which to connect to services. %NULL for the loopback interface
   * and for the kernel's choice.
   *
   * Since: 1.0
   */
  properties[PROP_LOCAL_BIND_ADDRESS] = g_param_spec_string ("local-bind-address", NULL, NULL, NULL,
                                                             settable);

  /**
   * IstForwarder:proxy-resolver: (getter get_proxy_resolver) (setter set_proxy_resolver)
   *
   * Finds a proxy for connecting to services. %NULL for none, since services
   * are most often on the same machine or network.
   *
   * Since: 1.0
   */
  properties[PROP_PROXY_RESOLVER] = g_param_spec_object ("proxy-resolver", NULL, NULL, G_TYPE_PROXY_RESOLVER,
                                                         settable);

  /**
   * IstForwarder:refuse-unmapped: (getter get_refuse_unmapped) (setter set_refuse_unmapped)
   *
   * Whether connections of services for which there is no target, and which no
   * handler of [signal@Ist.SecureTunnel::incoming-connection] takes, are ended at
   * once. [signal@Ist.Forwarder::connection-failed] tells of each with
   * %IST_TUNNEL_ERROR_NO_SUCH_SERVICE.
   *
   * Their source would wait for ever otherwise. Where other services of the same
   * tunnel are served by messages, set this to %FALSE.
   *
   * Since: 1.0
   */
  properties[PROP_REFUSE_UNMAPPED] = g_param_spec_boolean ("refuse-unmapped", NULL, NULL, TRUE, settable);
}

static void
install_counters (void)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * IstForwarder:tunnel: (getter get_tunnel)
   *
   * The tunnel.
   *
   * Since: 1.0
   */
  properties[PROP_TUNNEL] = g_param_spec_object ("tunnel", NULL, NULL, IST_TYPE_SECURE_TUNNEL,
                                                 G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY |
                                                   G_PARAM_STATIC_STRINGS);

  /**
   * IstForwarder:n-connections: (getter get_n_connections)
   *
   * How many connections there are, those that are being opened included.
   *
   * Since: 1.0
   */
  properties[PROP_N_CONNECTIONS] = g_param_spec_uint ("n-connections", NULL, NULL, 0, G_MAXUINT, 0, readable);

  /**
   * IstForwarder:n-connections-total: (getter get_n_connections_total)
   *
   * How many connections were opened so far.
   *
   * Since: 1.0
   */
  properties[PROP_N_CONNECTIONS_TOTAL] = g_param_spec_uint64 ("n-connections-total", NULL, NULL, 0, G_MAXUINT64,
                                                              0,
                                                              readable);

  /**
   * IstForwarder:bytes-in: (getter get_bytes_in)
   *
   * Bytes that came out of the tunnel, of all connections so far. There is no
   * notification of changes.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_IN] = g_param_spec_uint64 ("bytes-in", NULL, NULL, 0, G_MAXUINT64, 0, readable);

  /**
   * IstForwarder:bytes-out: (getter get_bytes_out)
   *
   * Bytes that went into the tunnel, of all connections so far. There is no
   * notification of changes.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_OUT] = g_param_spec_uint64 ("bytes-out", NULL, NULL, 0, G_MAXUINT64, 0, readable);
}

static void
install_signals (GType type)
{
  /**
   * IstForwarder::authorize-connection:
   * @self: the forwarder
   * @connection: the connection
   *
   * Emitted before anything is done for a new connection. A handler may look at
   * its service, and on the source at the address of the program.
   *
   * The first handler decides; without one all connections are taken. A
   * connection that is refused is closed, which
   * [signal@Ist.Forwarder::connection-failed] tells with
   * %G_IO_ERROR_PERMISSION_DENIED.
   *
   * Returns: %FALSE to refuse the connection
   *
   * Since: 1.0
   */
  signals[AUTHORIZE_CONNECTION] =
    g_signal_new_class_handler ("authorize-connection", type, G_SIGNAL_RUN_LAST,
                                G_CALLBACK (authorize_by_default), g_signal_accumulator_first_wins, NULL,
                                NULL, G_TYPE_BOOLEAN, 1, IST_TYPE_FORWARDER_CONNECTION);

  /**
   * IstForwarder::connection-opened:
   * @self: the forwarder
   * @connection: the connection
   *
   * Emitted when both ends of a connection are there: the tunnelled one and the
   * local one.
   *
   * Since: 1.0
   */
  signals[CONNECTION_OPENED] = g_signal_new ("connection-opened", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                             NULL,
                                             G_TYPE_NONE, 1, IST_TYPE_FORWARDER_CONNECTION);

  /**
   * IstForwarder::connection-closed:
   * @self: the forwarder
   * @connection: the connection, whose byte counts are final
   * @error: (nullable): why; %NULL if one of the two programs has closed it
   *
   * Emitted for each connection that was opened, when both ends are closed.
   *
   * Since: 1.0
   */
  signals[CONNECTION_CLOSED] = g_signal_new ("connection-closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                             NULL,
                                             G_TYPE_NONE, 2, IST_TYPE_FORWARDER_CONNECTION,
                                             G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);

  /**
   * IstForwarder::connection-failed:
   * @self: the forwarder
   * @connection: the connection
   * @error: why
   *
   * Emitted for each connection that could not be opened, or was not to be; it
   * is closed.
   *
   * Since: 1.0
   */
  signals[CONNECTION_FAILED] = g_signal_new ("connection-failed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                             NULL,
                                             G_TYPE_NONE, 2, IST_TYPE_FORWARDER_CONNECTION,
                                             G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
ist_forwarder_class_init (IstForwarderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ist_forwarder_constructed;
  object_class->dispose = ist_forwarder_dispose;
  object_class->finalize = ist_forwarder_finalize;
  object_class->get_property = ist_forwarder_get_property;
  object_class->set_property = ist_forwarder_set_property;
  install_settings ();
  install_counters ();
  g_object_class_install_properties (object_class, N_PROPS, properties);
  install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
ist_forwarder_init (IstForwarder *self)
{
  guint i;

  ist_hangup_hold ();
  self->refuse_unmapped = TRUE;
  self->services = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, service_free);
  self->numbers = g_new0 (guint, N_NUMBERS);
  for (i = PROP_0 + 1; i < N_NUMBERS; i++)
    self->numbers[i] = G_PARAM_SPEC_UINT (properties[i])->default_value;
  self->targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->listeners = g_ptr_array_new_with_free_func ((GDestroyNotify) ist_listener_free);
  self->connections = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
}

/**
 * ist_forwarder_new:
 * @tunnel: a tunnel, started or not
 *
 * Creates a forwarder, which does nothing yet.
 *
 * Returns: (transfer full): the new forwarder
 *
 * Since: 1.0
 */
IstForwarder *
ist_forwarder_new (IstSecureTunnel *tunnel)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (tunnel), NULL);
  return g_object_new (IST_TYPE_FORWARDER, "tunnel", tunnel, NULL);
}

/**
 * ist_forwarder_add_target:
 * @self: a forwarder of a tunnel in destination mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @address: what to connect to: `host:port`, `[IPv6 address]:port`, `port`,
 *   `/path` or `unix:path`
 * @error: return location for an error
 *
 * Connects to an address whenever the peer opens a connection of a service. It
 * takes the place of the service's former target.
 *
 * Fails with %IST_TUNNEL_ERROR_INVALID_SETTING if @address can't be one. Nothing is
 * looked up before it is needed.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
ist_forwarder_add_target (IstForwarder *self,
                          const char *service_id,
                          const char *address,
                          GError **error)
{
  g_autoptr (GSocketConnectable) target = NULL;

  g_return_val_if_fail (IST_IS_FORWARDER (self), FALSE);
  g_return_val_if_fail (address != NULL, FALSE);

  target = parse_address (address, NULL, error);
  if (target == NULL)
    return FALSE;
  forwarder_take_incoming (self, service_id, target);
  return TRUE;
}

/**
 * ist_forwarder_add_connectable:
 * @self: a forwarder of a tunnel in destination mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @connectable: what to connect to
 *
 * Does what [method@Ist.Forwarder.add_target] does, for anything that a
 * [class@Gio.SocketClient] can connect to.
 *
 * Since: 1.0
 */
void
ist_forwarder_add_connectable (IstForwarder *self,
                               const char *service_id,
                               GSocketConnectable *connectable)
{
  g_return_if_fail (IST_IS_FORWARDER (self));
  g_return_if_fail (G_IS_SOCKET_CONNECTABLE (connectable));

  forwarder_take_incoming (self, service_id, connectable);
}

/**
 * ist_forwarder_listen:
 * @self: a forwarder of a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @address: where to listen: `host:port`, `[IPv6 address]:port`, `port`,
 *   `/path` or `unix:path`; port 0 picks a free one
 * @port: (out) (optional): the port; 0 for a Unix socket
 * @error: return location for an error
 *
 * Listens for connections of local programs, and carries each to a service.
 *
 * A name is looked up at once, which may block unless it is `localhost` or a
 * number; all its addresses are listened on. The file of a Unix socket at which
 * nobody listens any more is replaced; it is removed in the end.
 *
 * Fails with %IST_TUNNEL_ERROR_INVALID_SETTING if @address can't be one, with
 * %IST_TUNNEL_ERROR_INVALID_STATE on a destination, or with an error of
 * [error@Gio.IOErrorEnum], such as %G_IO_ERROR_ADDRESS_IN_USE, that names the address.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
ist_forwarder_listen (IstForwarder *self,
                      const char *service_id,
                      const char *address,
                      guint *port,
                      GError **error)
{
  g_autoptr (GSocketConnectable) connectable = NULL;
  IstListener *listener;
  guint bound;

  g_return_val_if_fail (IST_IS_FORWARDER (self), FALSE);
  g_return_val_if_fail (address != NULL, FALSE);

  if (!forwarder_check_source (self, error))
    return FALSE;
  connectable = parse_address (address, self->local_bind_address, error);
  if (connectable == NULL)
    return FALSE;
  listener = ist_listener_new (connectable, &bound, error);
  if (listener == NULL)
    {
      g_autofree char *name = g_socket_connectable_to_string (connectable);

      g_prefix_error (error, "Can't listen on %s: ", name);
      return FALSE;
    }
  forwarder_add_listener (self, service_id, listener);
  if (port != NULL)
    *port = bound;
  return TRUE;
}

/**
 * ist_forwarder_listen_socket:
 * @self: a forwarder of a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @socket: a socket that listens, such as one that was inherited
 * @error: return location for an error
 *
 * Does what [method@Ist.Forwarder.listen] does, with a socket that was made by
 * others, and closes it in the end.
 *
 * Fails with %IST_TUNNEL_ERROR_INVALID_SETTING if @socket does not listen, and with
 * %IST_TUNNEL_ERROR_INVALID_STATE on a destination.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
ist_forwarder_listen_socket (IstForwarder *self,
                             const char *service_id,
                             GSocket *socket,
                             GError **error)
{
  IstListener *listener;

  g_return_val_if_fail (IST_IS_FORWARDER (self), FALSE);
  g_return_val_if_fail (G_IS_SOCKET (socket), FALSE);

  if (!forwarder_check_source (self, error))
    return FALSE;
  listener = ist_listener_new_for_socket (socket, error);
  if (listener == NULL)
    return FALSE;
  forwarder_add_listener (self, service_id, listener);
  return TRUE;
}

/**
 * ist_forwarder_forward:
 * @self: a forwarder of a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @stream: a stream, such as one made of standard input and standard output
 * @error: return location for an error
 *
 * Carries one stream to a service, and closes it in the end.
 *
 * Streams that can be polled are best; others take threads. The signals tell
 * what becomes of it. Fails with %IST_TUNNEL_ERROR_INVALID_STATE on a destination.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
ist_forwarder_forward (IstForwarder *self,
                       const char *service_id,
                       GIOStream *stream,
                       GError **error)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), FALSE);
  g_return_val_if_fail (G_IS_IO_STREAM (stream), FALSE);

  if (!forwarder_check_source (self, error))
    return FALSE;
  g_object_ref (self);
  forwarder_carry (self, service_id, stream);
  g_object_unref (self);
  return TRUE;
}

/**
 * ist_forwarder_stop_listening:
 * @self: a forwarder
 *
 * Takes no new connections, of local programs or of the peer. Those that are
 * open go on.
 *
 * Since: 1.0
 */
void
ist_forwarder_stop_listening (IstForwarder *self)
{
  g_return_if_fail (IST_IS_FORWARDER (self));

  g_ptr_array_set_size (self->listeners, 0);
  g_hash_table_remove_all (self->targets);
}

/**
 * ist_forwarder_close:
 * @self: a forwarder
 *
 * Takes no new connections, and closes those that there are, with
 * %IST_TUNNEL_ERROR_STOPPED as the reason. The local sockets are closed at once, and
 * [signal@Ist.Forwarder::connection-closed] is emitted for each before this
 * returns; the tunnel may take a moment to tell the peer.
 *
 * Since: 1.0
 */
void
ist_forwarder_close (IstForwarder *self)
{
  g_autoptr (GPtrArray) connections = NULL;
  g_autoptr (GError) error = NULL;
  guint i;

  g_return_if_fail (IST_IS_FORWARDER (self));

  ist_forwarder_stop_listening (self);
  g_set_error_literal (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED, "The forwarder was closed");
  connections = ist_forwarder_get_connections (self);
  for (i = 0; i < connections->len; i++)
    ist_forwarder_connection_end (connections->pdata[i], error);
}

/**
 * ist_forwarder_get_connections:
 * @self: a forwarder
 *
 * Gets the connections that there are, those that are being opened included.
 *
 * Returns: (transfer container) (element-type IstForwarderConnection): the connections, in no order
 *
 * Since: 1.0
 */
GPtrArray *
ist_forwarder_get_connections (IstForwarder *self)
{
  GPtrArray *connections;
  GHashTableIter iter;
  gpointer connection;

  g_return_val_if_fail (IST_IS_FORWARDER (self), NULL);

  connections = g_ptr_array_new_full (g_hash_table_size (self->connections), g_object_unref);
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &connection, NULL))
    g_ptr_array_add (connections, g_object_ref (connection));
  return connections;
}

/**
 * ist_forwarder_get_tunnel: (get-property tunnel)
 * @self: a forwarder
 *
 * Gets the tunnel.
 *
 * Returns: (transfer none): the tunnel
 *
 * Since: 1.0
 */
IstSecureTunnel *
ist_forwarder_get_tunnel (IstForwarder *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), NULL);
  return self->tunnel;
}

/**
 * ist_forwarder_get_n_connections: (get-property n-connections)
 * @self: a forwarder
 *
 * Gets how many connections there are, those that are being opened included.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_n_connections (IstForwarder *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), 0);
  return g_hash_table_size (self->connections);
}

/**
 * ist_forwarder_get_n_connections_total: (get-property n-connections-total)
 * @self: a forwarder
 *
 * Gets how many connections were opened so far.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
ist_forwarder_get_n_connections_total (IstForwarder *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), 0);
  return self->n_connections_total;
}

static guint64
forwarder_sum (IstForwarder *self,
               guint64 sum,
               guint64 (*get) (IstForwarderConnection *connection))
{
  GHashTableIter iter;
  gpointer connection;

  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &connection, NULL))
    sum += get (connection);
  return sum;
}

/**
 * ist_forwarder_get_bytes_in: (get-property bytes-in)
 * @self: a forwarder
 *
 * Gets how many bytes came out of the tunnel so far.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
guint64
ist_forwarder_get_bytes_in (IstForwarder *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), 0);
  return forwarder_sum (self, self->bytes_in, ist_forwarder_connection_get_bytes_in);
}

/**
 * ist_forwarder_get_bytes_out: (get-property bytes-out)
 * @self: a forwarder
 *
 * Gets how many bytes went into the tunnel so far.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
guint64
ist_forwarder_get_bytes_out (IstForwarder *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), 0);
  return forwarder_sum (self, self->bytes_out, ist_forwarder_connection_get_bytes_out);
}

/**
 * ist_forwarder_get_max_connections: (get-property max-connections)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:max-connections].
 *
 * Returns: the most connections at a time; 0 for no limit
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_max_connections (IstForwarder *self)
{
  return forwarder_get_number (self, PROP_MAX_CONNECTIONS);
}

/**
 * ist_forwarder_set_max_connections: (set-property max-connections)
 * @self: a forwarder
 * @number: the most connections at a time; 0 for no limit
 *
 * Sets [property@Ist.Forwarder:max-connections], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_max_connections (IstForwarder *self,
                                   guint number)
{
  forwarder_set_number (self, PROP_MAX_CONNECTIONS, number);
}

/**
 * ist_forwarder_get_max_connecting: (get-property max-connecting)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:max-connecting].
 *
 * Returns: how many connections to a service may be in the making; 0 for any number
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_max_connecting (IstForwarder *self)
{
  return forwarder_get_number (self, PROP_MAX_CONNECTING);
}

/**
 * ist_forwarder_set_max_connecting: (set-property max-connecting)
 * @self: a forwarder
 * @number: how many connections to a service may be in the making; 0 for any number
 *
 * Sets [property@Ist.Forwarder:max-connecting], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_max_connecting (IstForwarder *self,
                                  guint number)
{
  forwarder_set_number (self, PROP_MAX_CONNECTING, number);
}

/**
 * ist_forwarder_get_half_close_grace: (get-property half-close-grace)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:half-close-grace].
 *
 * Returns: seconds that a connection stays open for the answer
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_half_close_grace (IstForwarder *self)
{
  return forwarder_get_number (self, PROP_HALF_CLOSE_GRACE);
}

/**
 * ist_forwarder_set_half_close_grace: (set-property half-close-grace)
 * @self: a forwarder
 * @seconds: seconds that a connection stays open for the answer
 *
 * Sets [property@Ist.Forwarder:half-close-grace], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_half_close_grace (IstForwarder *self,
                                    guint seconds)
{
  forwarder_set_number (self, PROP_HALF_CLOSE_GRACE, seconds);
}

/**
 * ist_forwarder_get_idle_timeout: (get-property idle-timeout)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:idle-timeout].
 *
 * Returns: seconds that a connection may be idle; 0 for any time
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_idle_timeout (IstForwarder *self)
{
  return forwarder_get_number (self, PROP_IDLE_TIMEOUT);
}

/**
 * ist_forwarder_set_idle_timeout: (set-property idle-timeout)
 * @self: a forwarder
 * @seconds: seconds that a connection may be idle; 0 for any time
 *
 * Sets [property@Ist.Forwarder:idle-timeout], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_idle_timeout (IstForwarder *self,
                                guint seconds)
{
  forwarder_set_number (self, PROP_IDLE_TIMEOUT, seconds);
}

/**
 * ist_forwarder_get_connect_timeout: (get-property connect-timeout)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:connect-timeout].
 *
 * Returns: seconds that an attempt to connect to a service may take; 0 for no limit
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_connect_timeout (IstForwarder *self)
{
  return forwarder_get_number (self, PROP_CONNECT_TIMEOUT);
}

/**
 * ist_forwarder_set_connect_timeout: (set-property connect-timeout)
 * @self: a forwarder
 * @seconds: seconds that an attempt to connect to a service may take; 0 for no limit
 *
 * Sets [property@Ist.Forwarder:connect-timeout], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_connect_timeout (IstForwarder *self,
                                   guint seconds)
{
  forwarder_set_number (self, PROP_CONNECT_TIMEOUT, seconds);
}

/**
 * ist_forwarder_get_connect_retries: (get-property connect-retries)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:connect-retries].
 *
 * Returns: attempts to connect to a service after the first
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_connect_retries (IstForwarder *self)
{
  return forwarder_get_number (self, PROP_CONNECT_RETRIES);
}

/**
 * ist_forwarder_set_connect_retries: (set-property connect-retries)
 * @self: a forwarder
 * @number: attempts to connect to a service after the first
 *
 * Sets [property@Ist.Forwarder:connect-retries], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_connect_retries (IstForwarder *self,
                                   guint number)
{
  forwarder_set_number (self, PROP_CONNECT_RETRIES, number);
}

/**
 * ist_forwarder_get_connect_retry_delay_ms: (get-property connect-retry-delay-ms)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:connect-retry-delay-ms].
 *
 * Returns: milliseconds between attempts to connect to a service
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_connect_retry_delay_ms (IstForwarder *self)
{
  return forwarder_get_number (self, PROP_CONNECT_RETRY_DELAY_MS);
}

/**
 * ist_forwarder_set_connect_retry_delay_ms: (set-property connect-retry-delay-ms)
 * @self: a forwarder
 * @milliseconds: milliseconds between attempts to connect to a service
 *
 * Sets [property@Ist.Forwarder:connect-retry-delay-ms], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_connect_retry_delay_ms (IstForwarder *self,
                                          guint milliseconds)
{
  forwarder_set_number (self, PROP_CONNECT_RETRY_DELAY_MS, milliseconds);
}

/**
 * ist_forwarder_get_tunnel_timeout: (get-property tunnel-timeout)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:tunnel-timeout].
 *
 * Returns: seconds that a local connection waits for the tunnel
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_tunnel_timeout (IstForwarder *self)
{
  return forwarder_get_number (self, PROP_TUNNEL_TIMEOUT);
}

/**
 * ist_forwarder_set_tunnel_timeout: (set-property tunnel-timeout)
 * @self: a forwarder
 * @seconds: seconds that a local connection waits for the tunnel
 *
 * Sets [property@Ist.Forwarder:tunnel-timeout], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_tunnel_timeout (IstForwarder *self,
                                  guint seconds)
{
  forwarder_set_number (self, PROP_TUNNEL_TIMEOUT, seconds);
}

/**
 * ist_forwarder_get_local_bind_address: (get-property local-bind-address)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:local-bind-address].
 *
 * Returns: (nullable) (transfer none): a host
 *
 * Since: 1.0
 */
const char *
ist_forwarder_get_local_bind_address (IstForwarder *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), NULL);
  return self->local_bind_address;
}

/**
 * ist_forwarder_set_local_bind_address: (set-property local-bind-address)
 * @self: a forwarder
 * @host: (nullable): a host
 *
 * Sets [property@Ist.Forwarder:local-bind-address], for what listens or
 * connects from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_local_bind_address (IstForwarder *self,
                                      const char *host)
{
  g_return_if_fail (IST_IS_FORWARDER (self));

  if (g_strcmp0 (self->local_bind_address, host) == 0)
    return;
  g_free (self->local_bind_address);
  self->local_bind_address = g_strdup (host);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LOCAL_BIND_ADDRESS]);
}

/**
 * ist_forwarder_get_proxy_resolver: (get-property proxy-resolver)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:proxy-resolver].
 *
 * Returns: (nullable) (transfer none): what finds a proxy for connecting to services
 *
 * Since: 1.0
 */
GProxyResolver *
ist_forwarder_get_proxy_resolver (IstForwarder *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), NULL);
  return self->proxy_resolver;
}

/**
 * ist_forwarder_get_refuse_unmapped: (get-property refuse-unmapped)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:refuse-unmapped].
 *
 * Returns: whether connections without a target are ended at once
 *
 * Since: 1.0
 */
gboolean
ist_forwarder_get_refuse_unmapped (IstForwarder *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), TRUE);

  return self->refuse_unmapped;
}

/**
 * ist_forwarder_set_refuse_unmapped: (set-property refuse-unmapped)
 * @self: a forwarder
 * @refuse_unmapped: whether connections without a target are ended at once
 *
 * Sets [property@Ist.Forwarder:refuse-unmapped], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_refuse_unmapped (IstForwarder *self,
                                   gboolean refuse_unmapped)
{
  g_return_if_fail (IST_IS_FORWARDER (self));

  if (self->refuse_unmapped == !!refuse_unmapped)
    return;
  self->refuse_unmapped = !!refuse_unmapped;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REFUSE_UNMAPPED]);
}

/**
 * ist_forwarder_set_proxy_resolver: (set-property proxy-resolver)
 * @self: a forwarder
 * @proxy_resolver: (nullable): what finds a proxy for connecting to services
 *
 * Sets [property@Ist.Forwarder:proxy-resolver], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_proxy_resolver (IstForwarder *self,
                                  GProxyResolver *proxy_resolver)
{
  g_return_if_fail (IST_IS_FORWARDER (self));

  if (g_set_object (&self->proxy_resolver, proxy_resolver))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROXY_RESOLVER]);
}
