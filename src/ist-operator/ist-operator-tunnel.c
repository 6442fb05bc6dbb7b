/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-tunnel-private.h"

#include "common/ist-rate-private.h"
#include "common/ist-source-private.h"

G_DEFINE_ENUM_TYPE (IstOperatorTunnelState,
                    ist_operator_tunnel_state,
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_TUNNEL_STATE_LOOKING, "looking"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_TUNNEL_STATE_OPENING, "opening"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_TUNNEL_STATE_WAITING, "waiting"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_TUNNEL_STATE_CONNECTING, "connecting"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_TUNNEL_STATE_CONNECTED, "connected"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_TUNNEL_STATE_CLOSING, "closing"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_TUNNEL_STATE_CLOSED, "closed"))

/**
 * IstOperatorTunnel:
 *
 * A tunnel of an [class@IstOperator.Client].
 *
 * It is a [iface@Gio.ListModel] of its connections, as
 * [class@Ist.ForwarderConnection]s in the order in which they came: those that carry a
 * stream, and those that the program uses itself. What a list of tunnels shows of one, it
 * has as properties. Counters are notified at most once a second.
 *
 * The service does not tell when a device comes or goes: whether one is connected is
 * asked for while somebody waits for it. A device that leaves an idle tunnel shows when it
 * is used the next time.
 *
 * One that a program makes itself belongs to no client: it is closed, and has nothing.
 *
 * Since: 1.0
 */

enum
{
  PROP_STATE = 1,
  PROP_THING_NAME,
  PROP_TUNNEL_ID,
  PROP_DESCRIPTION,
  PROP_SERVICE_IDS,
  PROP_OPENED_AT,
  PROP_EXPIRES_AT,
  PROP_REUSED,
  PROP_KEPT,
  PROP_N_CONNECTIONS,
  PROP_BYTES_IN,
  PROP_BYTES_OUT,
  PROP_RATE_IN,
  PROP_RATE_OUT,
  PROP_ROUND_TRIP_TIME_US,
  PROP_LAST_ERROR,
  PROP_SECURE_TUNNEL,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

static void tunnel_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (IstOperatorTunnel,
                               ist_operator_tunnel,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, tunnel_list_model_init))

/* For its life */

void
ist_operator_tunnel_notify_state (IstOperatorTunnel *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

void
ist_operator_tunnel_notify_identity (IstOperatorTunnel *self)
{
  for (guint i = PROP_THING_NAME; i <= PROP_REUSED; i++)
    g_object_notify_by_pspec (G_OBJECT (self), properties[i]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SECURE_TUNNEL]);
}

void
ist_operator_tunnel_set_last_error (IstOperatorTunnel *self,
                                    const GError *error)
{
  if (error == self->last_error)
    return;
  g_clear_error (&self->last_error);
  self->last_error = error != NULL ? g_error_copy (error) : NULL;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LAST_ERROR]);
}

static void
on_items_changed (GListModel *forwarder,
                  guint position,
                  guint n_removed,
                  guint n_added,
                  IstOperatorTunnel *self)
{
  g_list_model_items_changed (G_LIST_MODEL (self), position, n_removed, n_added);
}

static void
on_n_connections (IstOperatorTunnel *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_CONNECTIONS]);
  ist_operator_tunnel_advance (self);
}

static void
on_bytes_in (IstOperatorTunnel *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BYTES_IN]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RATE_IN]);
}

static void
on_bytes_out (IstOperatorTunnel *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BYTES_OUT]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RATE_OUT]);
}

static void
on_round_trip_time (IstOperatorTunnel *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ROUND_TRIP_TIME_US]);
}

void
ist_operator_tunnel_set_forwarder (IstOperatorTunnel *self,
                                   IstForwarder *forwarder)
{
  self->forwarder = g_object_ref (forwarder);
  g_signal_connect_object (forwarder, "items-changed", G_CALLBACK (on_items_changed), self, 0);
  g_signal_connect_object (forwarder, "notify::n-connections", G_CALLBACK (on_n_connections), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (forwarder, "notify::bytes-in", G_CALLBACK (on_bytes_in), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (forwarder, "notify::bytes-out", G_CALLBACK (on_bytes_out), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->secure_tunnel, "notify::round-trip-time-us", G_CALLBACK (on_round_trip_time), self,
                           G_CONNECT_SWAPPED);
  ist_rate_follow (self);
}

/* GListModel */

static GType
tunnel_get_item_type (GListModel *model)
{
  return IST_TYPE_FORWARDER_CONNECTION;
}

static guint
tunnel_get_n_items (GListModel *model)
{
  return ist_operator_tunnel_get_n_connections (IST_OPERATOR_TUNNEL (model));
}

static gpointer
tunnel_get_item (GListModel *model,
                 guint position)
{
  IstOperatorTunnel *self = IST_OPERATOR_TUNNEL (model);

  return self->forwarder != NULL ? g_list_model_get_item (G_LIST_MODEL (self->forwarder), position) : NULL;
}

static void
tunnel_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = tunnel_get_item_type;
  iface->get_n_items = tunnel_get_n_items;
  iface->get_item = tunnel_get_item;
}

/* GObject */

static void
ist_operator_tunnel_dispose (GObject *object)
{
  IstOperatorTunnel *self = IST_OPERATOR_TUNNEL (object);

  /* What is under way keeps the tunnel, so there is nothing left to be closed. */
  ist_clear_source (&self->lingering);
  ist_clear_source (&self->opening_again);
  g_clear_pointer (&self->watch, ist_operator_device_watch_free);
  g_clear_object (&self->forwarder);
  g_clear_object (&self->secure_tunnel);

  G_OBJECT_CLASS (ist_operator_tunnel_parent_class)->dispose (object);
}

static void
ist_operator_tunnel_finalize (GObject *object)
{
  IstOperatorTunnel *self = IST_OPERATOR_TUNNEL (object);

  g_clear_pointer (&self->adopting, ist_waiting_tasks_free);
  g_clear_pointer (&self->waiting, ist_waiting_tasks_free);
  g_clear_pointer (&self->closing, ist_waiting_tasks_free);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->control_plane);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_free (self->thing_name);
  g_strfreev (self->service_ids);
  g_free (self->tunnel_id);
  g_free (self->description);
  g_clear_error (&self->last_error);
  g_clear_error (&self->close_error);

  G_OBJECT_CLASS (ist_operator_tunnel_parent_class)->finalize (object);
}

static void
ist_operator_tunnel_get_property (GObject *object,
                                  guint prop_id,
                                  GValue *value,
                                  GParamSpec *pspec)
{
  IstOperatorTunnel *self = IST_OPERATOR_TUNNEL (object);

  switch (prop_id)
    {
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_THING_NAME:
      g_value_set_string (value, self->thing_name);
      break;
    case PROP_TUNNEL_ID:
      g_value_set_string (value, self->tunnel_id);
      break;
    case PROP_DESCRIPTION:
      g_value_set_string (value, self->description);
      break;
    case PROP_SERVICE_IDS:
      g_value_set_boxed (value, self->service_ids);
      break;
    case PROP_OPENED_AT:
      g_value_set_int64 (value, self->opened_at);
      break;
    case PROP_EXPIRES_AT:
      g_value_set_int64 (value, self->expires_at);
      break;
    case PROP_REUSED:
      g_value_set_boolean (value, self->reused);
      break;
    case PROP_KEPT:
      g_value_set_boolean (value, self->kept);
      break;
    case PROP_N_CONNECTIONS:
      g_value_set_uint (value, ist_operator_tunnel_get_n_connections (self));
      break;
    case PROP_BYTES_IN:
      g_value_set_uint64 (value, ist_operator_tunnel_get_bytes_in (self));
      break;
    case PROP_BYTES_OUT:
      g_value_set_uint64 (value, ist_operator_tunnel_get_bytes_out (self));
      break;
    case PROP_RATE_IN:
      g_value_set_double (value, ist_operator_tunnel_get_rate_in (self));
      break;
    case PROP_RATE_OUT:
      g_value_set_double (value, ist_operator_tunnel_get_rate_out (self));
      break;
    case PROP_ROUND_TRIP_TIME_US:
      g_value_set_int64 (value, ist_operator_tunnel_get_round_trip_time_us (self));
      break;
    case PROP_LAST_ERROR:
      g_value_set_boxed (value, self->last_error);
      break;
    case PROP_SECURE_TUNNEL:
      g_value_set_object (value, self->secure_tunnel);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_tunnel_set_property (GObject *object,
                                  guint prop_id,
                                  const GValue *value,
                                  GParamSpec *pspec)
{
  IstOperatorTunnel *self = IST_OPERATOR_TUNNEL (object);

  switch (prop_id)
    {
    case PROP_KEPT:
      ist_operator_tunnel_set_kept (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tunnel_specify_identity (GParamFlags flags)
{
  /**
   * IstOperatorTunnel:state: (getter get_state)
   *
   * What the tunnel is doing.
   *
   * Since: 1.0
   */
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, IST_OPERATOR_TYPE_TUNNEL_STATE,
                                              IST_OPERATOR_TUNNEL_STATE_CLOSED, flags);

  /**
   * IstOperatorTunnel:thing-name: (getter get_thing_name)
   *
   * The device that it leads to; %NULL while that is not known of one that is being
   * adopted, and for one that was opened without.
   *
   * Since: 1.0
   */
  properties[PROP_THING_NAME] = g_param_spec_string ("thing-name", NULL, NULL, NULL, flags);

  /**
   * IstOperatorTunnel:tunnel-id: (getter get_tunnel_id)
   *
   * The id that the service has given it; %NULL until it has.
   *
   * Since: 1.0
   */
  properties[PROP_TUNNEL_ID] = g_param_spec_string ("tunnel-id", NULL, NULL, NULL, flags);

  /**
   * IstOperatorTunnel:description: (getter get_description)
   *
   * What is said of it at the service, or is to be. Of a tunnel that the client opens it
   * begins with an id of its own, and is known before the service is asked: who writes it
   * down finds the tunnel among those that
   * [method@IstOperator.ControlPlane.list_tunnels_async] lists, also if the program ends
   * before the answer.
   *
   * Since: 1.0
   */
  properties[PROP_DESCRIPTION] = g_param_spec_string ("description", NULL, NULL, NULL, flags);

  /**
   * IstOperatorTunnel:service-ids: (getter get_service_ids)
   *
   * The services that it was opened for, or is to be.
   *
   * Since: 1.0
   */
  properties[PROP_SERVICE_IDS] = g_param_spec_boxed ("service-ids", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * IstOperatorTunnel:opened-at: (getter get_opened_at)
   *
   * When it was opened, in microseconds since the beginning of 1970, UTC; 0 until then.
   *
   * Since: 1.0
   */
  properties[PROP_OPENED_AT] = g_param_spec_int64 ("opened-at", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * IstOperatorTunnel:expires-at: (getter get_expires_at)
   *
   * When the service will close it, in microseconds since the beginning of 1970, UTC; 0
   * until that is known.
   *
   * Since: 1.0
   */
  properties[PROP_EXPIRES_AT] = g_param_spec_int64 ("expires-at", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * IstOperatorTunnel:reused: (getter get_reused)
   *
   * Whether it was open before, and was taken over.
   *
   * Since: 1.0
   */
  properties[PROP_REUSED] = g_param_spec_boolean ("reused", NULL, NULL, FALSE, flags);

  /**
   * IstOperatorTunnel:kept: (getter get_kept) (setter set_kept)
   *
   * Whether it stays though nothing uses it, until it is closed or expires.
   *
   * Since: 1.0
   */
  properties[PROP_KEPT] = g_param_spec_boolean ("kept", NULL, NULL, FALSE, flags | G_PARAM_WRITABLE);
}

static void
tunnel_specify_counters (GParamFlags flags)
{
  /**
   * IstOperatorTunnel:n-connections: (getter get_n_connections)
   *
   * How many connections there are, those that are being opened included.
   *
   * Since: 1.0
   */
  properties[PROP_N_CONNECTIONS] = g_param_spec_uint ("n-connections", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * IstOperatorTunnel:bytes-in: (getter get_bytes_in)
   *
   * Bytes that came out of the tunnel, of all connections so far.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_IN] = g_param_spec_uint64 ("bytes-in", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * IstOperatorTunnel:bytes-out: (getter get_bytes_out)
   *
   * Bytes that went into the tunnel, of all connections so far.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_OUT] = g_param_spec_uint64 ("bytes-out", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * IstOperatorTunnel:rate-in: (getter get_rate_in)
   *
   * Bytes per second that came out of the tunnel in the last few seconds. It is notified
   * with the bytes: that it fades when no more come, shows to who asks.
   *
   * Since: 1.0
   */
  properties[PROP_RATE_IN] = g_param_spec_double ("rate-in", NULL, NULL, 0, G_MAXDOUBLE, 0, flags);

  /**
   * IstOperatorTunnel:rate-out: (getter get_rate_out)
   *
   * Bytes per second that went into the tunnel in the last few seconds; see
   * [property@IstOperator.Tunnel:rate-in].
   *
   * Since: 1.0
   */
  properties[PROP_RATE_OUT] = g_param_spec_double ("rate-out", NULL, NULL, 0, G_MAXDOUBLE, 0, flags);

  /**
   * IstOperatorTunnel:round-trip-time-us: (getter get_round_trip_time_us)
   *
   * How long the service took to answer the last ping, in microseconds; -1 before the
   * first.
   *
   * Since: 1.0
   */
  properties[PROP_ROUND_TRIP_TIME_US] =
    g_param_spec_int64 ("round-trip-time-us", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * IstOperatorTunnel:last-error: (getter get_last_error)
   *
   * Why it is not connected, or has ended. %NULL while it is connected, and after it was
   * closed as somebody wanted.
   *
   * Since: 1.0
   */
  properties[PROP_LAST_ERROR] = g_param_spec_boxed ("last-error", NULL, NULL, G_TYPE_ERROR, flags);

  /**
   * IstOperatorTunnel:secure-tunnel: (getter get_secure_tunnel)
   *
   * The connection to the service; %NULL before there is one. It is the tunnel's: it is
   * not to be started or stopped.
   *
   * Since: 1.0
   */
  properties[PROP_SECURE_TUNNEL] = g_param_spec_object ("secure-tunnel", NULL, NULL, IST_TYPE_SECURE_TUNNEL, flags);
}

static void
ist_operator_tunnel_class_init (IstOperatorTunnelClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ist_operator_tunnel_dispose;
  object_class->finalize = ist_operator_tunnel_finalize;
  object_class->get_property = ist_operator_tunnel_get_property;
  object_class->set_property = ist_operator_tunnel_set_property;
  tunnel_specify_identity (flags);
  tunnel_specify_counters (flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ist_operator_tunnel_init (IstOperatorTunnel *self)
{
  self->service_ids = g_new0 (char *, 1);
  self->phase = IST_OPERATOR_PHASE_CLOSED;
  self->state = IST_OPERATOR_TUNNEL_STATE_CLOSED;
}

/* For everybody */

/**
 * ist_operator_tunnel_close_async:
 * @self: a tunnel
 * @cancellable: (nullable): ends the waiting, not the closing
 * @callback: (scope async): called when the tunnel is closed, or can't be
 * @user_data: data for @callback
 *
 * Ends the connections of the tunnel, and closes and deletes it at the service, whoever
 * has opened it. Who waits for it fails with %IST_OPERATOR_CLIENT_ERROR_CLOSED.
 *
 * Since: 1.0
 */
void
ist_operator_tunnel_close_async (IstOperatorTunnel *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (IST_OPERATOR_IS_TUNNEL (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ist_operator_tunnel_close_async);
  /* That it is closed is told, also to somebody who has cancelled just then. */
  g_task_set_check_cancellable (task, FALSE);
  if (self->phase == IST_OPERATOR_PHASE_CLOSED)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  ist_waiting_tasks_add (self->closing, g_steal_pointer (&task));
  ist_operator_tunnel_end_at_service (self);
}

/**
 * ist_operator_tunnel_close_finish:
 * @self: a tunnel
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@IstOperator.Tunnel.close_async].
 *
 * Fails with an [error@IstOperator.ControlPlaneError] if the service has not closed the
 * tunnel after several minutes of attempts, or won't; it may stay open until its lifetime
 * is over then. Or with %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if the tunnel is closed
 *
 * Since: 1.0
 */
gboolean
ist_operator_tunnel_close_finish (IstOperatorTunnel *self,
                                  GAsyncResult *result,
                                  GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_tunnel_close_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ist_operator_tunnel_get_state: (get-property state)
 * @self: a tunnel
 *
 * Gets what the tunnel is doing.
 *
 * Returns: the state
 *
 * Since: 1.0
 */
IstOperatorTunnelState
ist_operator_tunnel_get_state (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), IST_OPERATOR_TUNNEL_STATE_CLOSED);

  return self->state;
}

/**
 * ist_operator_tunnel_get_thing_name: (get-property thing-name)
 * @self: a tunnel
 *
 * Gets the name of the device.
 *
 * Returns: (nullable) (transfer none): the name; %NULL if it is not known
 *
 * Since: 1.0
 */
const char *
ist_operator_tunnel_get_thing_name (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), NULL);

  return self->thing_name;
}

/**
 * ist_operator_tunnel_get_tunnel_id: (get-property tunnel-id)
 * @self: a tunnel
 *
 * Gets the id that the service has given the tunnel.
 *
 * Returns: (nullable) (transfer none): the id; %NULL until it has
 *
 * Since: 1.0
 */
const char *
ist_operator_tunnel_get_tunnel_id (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), NULL);

  return self->tunnel_id;
}

/**
 * ist_operator_tunnel_get_description: (get-property description)
 * @self: a tunnel
 *
 * Gets what is said of the tunnel at the service.
 *
 * Returns: (nullable) (transfer none): the description; %NULL if it has none, or that is
 *   not known
 *
 * Since: 1.0
 */
const char *
ist_operator_tunnel_get_description (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), NULL);

  return self->description;
}

/**
 * ist_operator_tunnel_get_service_ids: (get-property service-ids)
 * @self: a tunnel
 *
 * Gets the services of the tunnel.
 *
 * Returns: (transfer none) (array zero-terminated=1): the services
 *
 * Since: 1.0
 */
const char *const *
ist_operator_tunnel_get_service_ids (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), NULL);

  return (const char *const *) self->service_ids;
}

/**
 * ist_operator_tunnel_get_opened_at: (get-property opened-at)
 * @self: a tunnel
 *
 * Gets when the tunnel was opened.
 *
 * Returns: microseconds since the beginning of 1970, UTC; 0 until then
 *
 * Since: 1.0
 */
gint64
ist_operator_tunnel_get_opened_at (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), 0);

  return self->opened_at;
}

/**
 * ist_operator_tunnel_get_expires_at: (get-property expires-at)
 * @self: a tunnel
 *
 * Gets when the service will close the tunnel.
 *
 * Returns: microseconds since the beginning of 1970, UTC; 0 if that is not known
 *
 * Since: 1.0
 */
gint64
ist_operator_tunnel_get_expires_at (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), 0);

  return self->expires_at;
}

/**
 * ist_operator_tunnel_get_reused: (get-property reused)
 * @self: a tunnel
 *
 * Gets whether the tunnel was open before, and was taken over.
 *
 * Returns: whether it was
 *
 * Since: 1.0
 */
gboolean
ist_operator_tunnel_get_reused (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), FALSE);

  return self->reused;
}

/**
 * ist_operator_tunnel_get_kept: (get-property kept)
 * @self: a tunnel
 *
 * Gets whether the tunnel stays though nothing uses it.
 *
 * Returns: whether it does
 *
 * Since: 1.0
 */
gboolean
ist_operator_tunnel_get_kept (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), FALSE);

  return self->kept;
}

/**
 * ist_operator_tunnel_set_kept: (set-property kept)
 * @self: a tunnel
 * @kept: whether the tunnel is to stay though nothing uses it
 *
 * Keeps the tunnel, or lets it be closed when nothing has used it for a while.
 *
 * Since: 1.0
 */
void
ist_operator_tunnel_set_kept (IstOperatorTunnel *self,
                              gboolean kept)
{
  g_return_if_fail (IST_OPERATOR_IS_TUNNEL (self));

  if (self->kept == !!kept)
    return;
  self->kept = !!kept;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_KEPT]);
  ist_operator_tunnel_advance (self);
}

/**
 * ist_operator_tunnel_get_n_connections: (get-property n-connections)
 * @self: a tunnel
 *
 * Gets how many connections there are, those that are being opened included.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
ist_operator_tunnel_get_n_connections (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), 0);

  return self->forwarder != NULL ? ist_forwarder_get_n_connections (self->forwarder) : 0;
}

/**
 * ist_operator_tunnel_get_bytes_in: (get-property bytes-in)
 * @self: a tunnel
 *
 * Gets how much came out of the tunnel.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
guint64
ist_operator_tunnel_get_bytes_in (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), 0);

  return self->forwarder != NULL ? ist_forwarder_get_bytes_in (self->forwarder) : 0;
}

/**
 * ist_operator_tunnel_get_bytes_out: (get-property bytes-out)
 * @self: a tunnel
 *
 * Gets how much went into the tunnel.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
guint64
ist_operator_tunnel_get_bytes_out (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), 0);

  return self->forwarder != NULL ? ist_forwarder_get_bytes_out (self->forwarder) : 0;
}

/**
 * ist_operator_tunnel_get_rate_in: (get-property rate-in)
 * @self: a tunnel
 *
 * Gets how fast bytes came out of the tunnel in the last few seconds.
 *
 * Returns: bytes per second
 *
 * Since: 1.0
 */
double
ist_operator_tunnel_get_rate_in (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), 0);

  return ist_rate_get (self, "bytes-in");
}

/**
 * ist_operator_tunnel_get_rate_out: (get-property rate-out)
 * @self: a tunnel
 *
 * Gets how fast bytes went into the tunnel in the last few seconds.
 *
 * Returns: bytes per second
 *
 * Since: 1.0
 */
double
ist_operator_tunnel_get_rate_out (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), 0);

  return ist_rate_get (self, "bytes-out");
}

/**
 * ist_operator_tunnel_get_round_trip_time_us: (get-property round-trip-time-us)
 * @self: a tunnel
 *
 * Gets how long the service took to answer the last ping.
 *
 * Returns: microseconds, -1 if not known
 *
 * Since: 1.0
 */
gint64
ist_operator_tunnel_get_round_trip_time_us (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), -1);

  return self->secure_tunnel != NULL ? ist_secure_tunnel_get_round_trip_time_us (self->secure_tunnel) : -1;
}

/**
 * ist_operator_tunnel_get_last_error: (get-property last-error)
 * @self: a tunnel
 *
 * Gets why the tunnel is not connected, or has ended.
 *
 * Returns: (nullable) (transfer none): the error; %NULL if there is none
 *
 * Since: 1.0
 */
const GError *
ist_operator_tunnel_get_last_error (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), NULL);

  return self->last_error;
}

/**
 * ist_operator_tunnel_get_secure_tunnel: (get-property secure-tunnel)
 * @self: a tunnel
 *
 * Gets the connection to the service.
 *
 * Returns: (nullable) (transfer none): the connection; %NULL before there is one
 *
 * Since: 1.0
 */
IstSecureTunnel *
ist_operator_tunnel_get_secure_tunnel (IstOperatorTunnel *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL (self), NULL);

  return self->secure_tunnel;
}
