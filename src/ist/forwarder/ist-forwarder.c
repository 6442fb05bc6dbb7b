/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-forwarder-private.h"

#include "common/ist-counter-private.h"
#include "common/ist-source-private.h"
#include "ist/forwarder/ist-forwarder-connection-private.h"
#include "ist/forwarder/ist-hangup-private.h"
#include "ist/forwarder/ist-listener-private.h"
#include "ist/ist-tunnel-error.h"

/* How often changes of the counters of bytes are told. */
#define BYTES_INTERVAL_MS 1000

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
 * `forwarder.set_target('SSH', 'localhost:22')` instead.
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
 * A forwarder is a [iface@Gio.ListModel] of its [class@Ist.ForwarderConnection]s,
 * those that are being opened included, in the order in which they came. Their
 * properties notify of changes, so that a program can show them without keeping a
 * list of its own. A connection leaves the list when it has ended, before the
 * signal about that.
 *
 * Settings apply to connections that begin after they are set.
 *
 * A forwarder belongs to the main context of its tunnel, and is used from its
 * thread. It ends all its connections when its last reference is dropped.
 *
 * Since: 1.0
 */

enum
{
  PROP_TUNNEL = IST_FORWARDER_N_SETTINGS,
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

static void ist_forwarder_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (IstForwarder,
                               ist_forwarder,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, ist_forwarder_list_model_init))

/* Connections */

/* For those who call what may remove some. */
static GPtrArray *
forwarder_copy_connections (IstForwarder *self)
{
  GPtrArray *copy = g_ptr_array_new_full (self->connections->len, g_object_unref);

  for (guint i = 0; i < self->connections->len; i++)
    g_ptr_array_add (copy, g_object_ref (self->connections->pdata[i]));
  return copy;
}

static gboolean
on_tell_bytes (gpointer user_data)
{
  g_autoptr (IstForwarder) self = g_object_ref (user_data);
  g_autoptr (GPtrArray) connections = forwarder_copy_connections (self);

  g_clear_pointer (&self->bytes_timer, g_source_unref);
  for (guint i = 0; i < connections->len; i++)
    ist_forwarder_connection_tell_bytes (connections->pdata[i]);
  ist_counter_tell (&self->bytes_in_told, ist_forwarder_get_bytes_in (self), self, properties[PROP_BYTES_IN]);
  ist_counter_tell (&self->bytes_out_told, ist_forwarder_get_bytes_out (self), self, properties[PROP_BYTES_OUT]);
  return G_SOURCE_REMOVE;
}

/* One connection's bytes are told together with those of all others that change
 * until then. */
static void
on_connection_moved (IstForwarderConnection *connection,
                     gpointer user_data)
{
  IstForwarder *self = user_data;

  if (self->bytes_timer != NULL)
    return;
  self->bytes_timer = g_timeout_source_new (BYTES_INTERVAL_MS);
  g_source_set_static_name (self->bytes_timer, "IstForwarder bytes");
  g_source_set_callback (self->bytes_timer, on_tell_bytes, self, NULL);
  g_source_attach (self->bytes_timer, self->context);
}

static void
forwarder_changed (IstForwarder *self,
                   guint position,
                   guint n_removed,
                   guint n_added)
{
  g_list_model_items_changed (G_LIST_MODEL (self), position, n_removed, n_added);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_CONNECTIONS]);
}

static void
forwarder_remove (IstForwarder *self,
                  IstForwarderConnection *connection)
{
  guint position;

  ist_connect_queue_remove (self->connect_queue, connection, self->settings.numbers[IST_FORWARDER_MAX_CONNECTING]);
  ist_forwarder_connection_disown (connection);
  self->bytes_in_before += ist_forwarder_connection_get_bytes_in (connection);
  self->bytes_out_before += ist_forwarder_connection_get_bytes_out (connection);
  if (g_ptr_array_find (self->connections, connection, &position))
    {
      g_ptr_array_remove_index (self->connections, position);
      forwarder_changed (self, position, 1, 0);
    }
}

static const char *
forwarder_name_service (IstForwarderConnection *connection)
{
  const char *service_id = ist_forwarder_connection_get_service_id (connection);

  return service_id != NULL ? service_id : "no service";
}

static void
on_connection_opened (IstForwarderConnection *connection,
                      gpointer user_data)
{
  g_autoptr (IstForwarder) self = g_object_ref (user_data);

  ist_connect_queue_remove (self->connect_queue, connection, self->settings.numbers[IST_FORWARDER_MAX_CONNECTING]);
  self->n_connections_total++;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_CONNECTIONS_TOTAL]);
  g_signal_emit (self, signals[CONNECTION_OPENED], 0, connection);
}

static void
on_connection_closed (IstForwarderConnection *connection,
                      const GError *error,
                      gpointer user_data)
{
  g_autoptr (IstForwarder) self = g_object_ref (user_data);

  g_info ("A connection of %s was closed%s%s", forwarder_name_service (connection), error != NULL ? ": " : "",
          error != NULL ? error->message : "");
  forwarder_remove (self, connection);
  g_signal_emit (self, signals[CONNECTION_CLOSED], 0, connection, error);
}

static void
on_connection_failed (IstForwarderConnection *connection,
                      const GError *error,
                      gpointer user_data)
{
  g_autoptr (IstForwarder) self = g_object_ref (user_data);

  g_info ("A connection of %s was not opened: %s", forwarder_name_service (connection), error->message);
  forwarder_remove (self, connection);
  g_signal_emit (self, signals[CONNECTION_FAILED], 0, connection, error);
}

static const IstForwarderConnectionFuncs connection_funcs = {
  .opened = on_connection_opened,
  .moved = on_connection_moved,
  .closed = on_connection_closed,
  .failed = on_connection_failed,
};

static IstForwarderConnection *
forwarder_make (IstForwarder *self,
                const char *service_id,
                IstConnection *tunnelled,
                GIOStream *local)
{
  const IstForwarderConnectionSettings settings = {
    .pump = {
      .half_close_grace = self->settings.numbers[IST_FORWARDER_HALF_CLOSE_GRACE],
      .idle_timeout = self->settings.numbers[IST_FORWARDER_IDLE_TIMEOUT],
    },
    .tunnel_timeout = self->settings.numbers[IST_FORWARDER_TUNNEL_TIMEOUT],
    .connect_retries = self->settings.numbers[IST_FORWARDER_CONNECT_RETRIES],
    .connect_retry_delay_ms = self->settings.numbers[IST_FORWARDER_CONNECT_RETRY_DELAY_MS],
  };

  return ist_forwarder_connection_new (service_id, tunnelled, local, &settings, self->context, &connection_funcs, self);
}

static void
forwarder_add (IstForwarder *self,
               IstForwarderConnection *connection)
{
  g_ptr_array_add (self->connections, g_object_ref (connection));
  forwarder_changed (self, self->connections->len - 1, 0, 1);
}

/* Asks the settings and the program. */
static gboolean
forwarder_authorize (IstForwarder *self,
                     IstForwarderConnection *connection,
                     GError **error)
{
  guint max = self->settings.numbers[IST_FORWARDER_MAX_CONNECTIONS];
  gboolean authorized = TRUE;

  if (max > 0 && self->connections->len > max)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "There are %u connections, which is the limit", max);
      return FALSE;
    }
  g_signal_emit (self, signals[AUTHORIZE_CONNECTION], 0, connection, &authorized);
  if (!authorized)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "The connection was refused");
  return authorized;
}

IstForwarderConnection *
ist_forwarder_admit (IstForwarder *self,
                     const char *service_id,
                     IstConnection *tunnelled,
                     GIOStream *local,
                     GTask *task)
{
  g_autoptr (IstForwarderConnection) connection = forwarder_make (self, service_id, tunnelled, local);
  g_autoptr (GError) error = NULL;

  if (task != NULL)
    ist_forwarder_connection_set_task (connection, task);
  forwarder_add (self, connection);
  if (!forwarder_authorize (self, connection, &error))
    ist_forwarder_connection_end (connection, error);
  /* A handler may have closed it, or everything. */
  if (ist_forwarder_connection_get_state (connection) != IST_FORWARDER_CONNECTION_STATE_CONNECTING)
    return NULL;
  return g_steal_pointer (&connection);
}

void
ist_forwarder_refuse (IstForwarder *self,
                      IstConnection *tunnelled,
                      const GError *error)
{
  g_autoptr (IstForwarderConnection) connection =
    forwarder_make (self, ist_connection_get_service_id (tunnelled), tunnelled, NULL);

  forwarder_add (self, connection);
  ist_forwarder_connection_end (connection, error);
}

/* The list */

static GType
ist_forwarder_get_item_type (GListModel *model)
{
  return IST_TYPE_FORWARDER_CONNECTION;
}

static guint
ist_forwarder_get_n_items (GListModel *model)
{
  return IST_FORWARDER (model)->connections->len;
}

static gpointer
ist_forwarder_get_item (GListModel *model,
                        guint position)
{
  GPtrArray *connections = IST_FORWARDER (model)->connections;

  return position < connections->len ? g_object_ref (connections->pdata[position]) : NULL;
}

static void
ist_forwarder_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = ist_forwarder_get_item_type;
  iface->get_n_items = ist_forwarder_get_n_items;
  iface->get_item = ist_forwarder_get_item;
}

/* The class */

static gboolean
forwarder_authorize_by_default (IstForwarder *self,
                                IstForwarderConnection *connection)
{
  return TRUE;
}

static void
ist_forwarder_constructed (GObject *object)
{
  IstForwarder *self = IST_FORWARDER (object);

  G_OBJECT_CLASS (ist_forwarder_parent_class)->constructed (object);
  if (self->tunnel != NULL)
    ist_forwarder_watch_tunnel (self);
}

static void
ist_forwarder_dispose (GObject *object)
{
  IstForwarder *self = IST_FORWARDER (object);

  ist_forwarder_close (self);
  ist_clear_source (&self->bytes_timer);
  g_clear_object (&self->tunnel);
  G_OBJECT_CLASS (ist_forwarder_parent_class)->dispose (object);
}

static void
ist_forwarder_finalize (GObject *object)
{
  IstForwarder *self = IST_FORWARDER (object);

  ist_hangup_release ();
  ist_connect_queue_free (self->connect_queue);
  g_hash_table_unref (self->targets);
  g_hash_table_unref (self->listeners);
  g_ptr_array_unref (self->connections);
  ist_forwarder_settings_clear (&self->settings);
  g_main_context_unref (self->context);
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
      ist_forwarder_get_setting (self, prop_id, value);
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
    case PROP_TUNNEL:
      self->tunnel = g_value_dup_object (value);
      break;
    default:
      ist_forwarder_set_setting (self, prop_id, value);
    }
}

static void
forwarder_install_counters (GObjectClass *klass)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * IstForwarder:tunnel: (getter get_tunnel)
   *
   * The tunnel. A forwarder that was constructed without one carries nothing, and
   * says so.
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
   * Bytes that came out of the tunnel, of all connections so far. Changes are
   * notified at most once a second.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_IN] = g_param_spec_uint64 ("bytes-in", NULL, NULL, 0, G_MAXUINT64, 0, readable);

  /**
   * IstForwarder:bytes-out: (getter get_bytes_out)
   *
   * Bytes that went into the tunnel, of all connections so far. Changes are
   * notified at most once a second.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_OUT] = g_param_spec_uint64 ("bytes-out", NULL, NULL, 0, G_MAXUINT64, 0, readable);

  for (guint i = PROP_TUNNEL; i < N_PROPS; i++)
    g_object_class_install_property (klass, i, properties[i]);
}

static void
forwarder_install_signals (GType type)
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
                                G_CALLBACK (forwarder_authorize_by_default), g_signal_accumulator_first_wins, NULL,
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
  ist_forwarder_install_settings (object_class);
  forwarder_install_counters (object_class);
  forwarder_install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
ist_forwarder_init (IstForwarder *self)
{
  ist_hangup_hold ();
  self->context = g_main_context_ref_thread_default ();
  ist_forwarder_settings_init (&self->settings);
  self->connect_queue = ist_connect_queue_new ();
  self->targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->listeners = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) ist_listener_free);
  self->connections = g_ptr_array_new_with_free_func (g_object_unref);
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
 * ist_forwarder_close:
 * @self: a forwarder
 *
 * Stops listening, forgets all targets, and closes the connections that there are,
 * with %IST_TUNNEL_ERROR_STOPPED as the reason. The local sockets are closed at once, and
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
  g_hash_table_remove_all (self->targets);
  g_set_error_literal (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED, "The forwarder was closed");
  connections = forwarder_copy_connections (self);
  for (i = 0; i < connections->len; i++)
    ist_forwarder_connection_end (connections->pdata[i], error);
}

/**
 * ist_forwarder_get_tunnel: (get-property tunnel)
 * @self: a forwarder
 *
 * Gets the tunnel.
 *
 * Returns: (nullable) (transfer none): the tunnel; %NULL if there never was one
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
  return self->connections->len;
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
  for (guint i = 0; i < self->connections->len; i++)
    sum += get (self->connections->pdata[i]);
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
  return forwarder_sum (self, self->bytes_in_before, ist_forwarder_connection_get_bytes_in);
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
  return forwarder_sum (self, self->bytes_out_before, ist_forwarder_connection_get_bytes_out);
}
