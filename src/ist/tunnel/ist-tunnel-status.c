/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/tunnel/ist-tunnel-status-private.h"

#include "common/ist-counter-private.h"
#include "ist/tunnel/ist-secure-tunnel-private.h"

static GParamSpec *specs[IST_STATUS_LAST];

static guint64
status_get_queued_bytes (const IstTunnelStatus *self)
{
  return self->link->channel != NULL ? ist_channel_get_queued (self->link->channel) : 0;
}

static void
status_notify (IstTunnelStatus *self,
               IstStatus property)
{
  g_object_notify_by_pspec (self->tunnel, specs[property]);
}

void
ist_tunnel_status_install (GObjectClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  guint i;

  /**
   * IstSecureTunnel:state: (getter get_state)
   *
   * What the tunnel is doing.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_STATE] = g_param_spec_enum ("state", NULL, NULL, IST_TYPE_TUNNEL_STATE,
                                               IST_TUNNEL_STATE_STOPPED, flags);

  /**
   * IstSecureTunnel:service-ids: (getter get_service_ids)
   *
   * The services that the service named when the tunnel connected; %NULL before
   * that, empty when the tunnel has none. Where a language knows one empty list only,
   * as Python does, `service-ids-known` tells whether there are none.
   *
   * Some servers never name any. After five seconds, or with the first message of
   * another kind, the tunnel then connects as one without services; if it names
   * them later, they are taken, and this is notified.
   * [property@Ist.SecureTunnel:service-ids-known] tells the two apart.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_SERVICE_IDS] = g_param_spec_boxed ("service-ids", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * IstSecureTunnel:service-ids-known: (getter get_service_ids_known)
   *
   * Whether the service itself has named the services of the tunnel, if only to
   * say that there are none, since the tunnel last connected.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_SERVICE_IDS_KNOWN] = g_param_spec_boolean ("service-ids-known", NULL, NULL, FALSE, flags);

  /**
   * IstSecureTunnel:channel-id: (getter get_channel_id)
   *
   * What the service calls the latest connection; for AWS's support.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_CHANNEL_ID] = g_param_spec_string ("channel-id", NULL, NULL, NULL, flags);

  /**
   * IstSecureTunnel:bytes-in: (getter get_bytes_in)
   *
   * Bytes of payload received since the tunnel was made.
   *
   * This and the other counters are notified at most once for all that
   * happens in one turn of the main loop.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_BYTES_IN] = g_param_spec_uint64 ("bytes-in", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * IstSecureTunnel:bytes-out: (getter get_bytes_out)
   *
   * Bytes of payload written to the socket since the tunnel was made.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_BYTES_OUT] = g_param_spec_uint64 ("bytes-out", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * IstSecureTunnel:messages-in: (getter get_messages_in)
   *
   * DATA messages received since the tunnel was made.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_MESSAGES_IN] = g_param_spec_uint64 ("messages-in", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * IstSecureTunnel:messages-out: (getter get_messages_out)
   *
   * Messages written to the socket since the tunnel was made, each counted once
   * however many DATA messages it took.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_MESSAGES_OUT] = g_param_spec_uint64 ("messages-out", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * IstSecureTunnel:queued-bytes: (getter get_queued_bytes)
   *
   * Bytes that were accepted for sending and are not yet written to the socket,
   * with the overhead of the protocol.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_QUEUED_BYTES] = g_param_spec_uint64 ("queued-bytes", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * IstSecureTunnel:round-trip-time-us: (getter get_round_trip_time_us)
   *
   * How long the answer to the last ping took, in microseconds; -1 before the
   * first.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_ROUND_TRIP_TIME_US] = g_param_spec_int64 ("round-trip-time-us", NULL, NULL, -1, G_MAXINT64, -1,
                                                             flags);

  /**
   * IstSecureTunnel:n-reconnects: (getter get_n_reconnects)
   *
   * How often the tunnel connected again since it was last started.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_N_RECONNECTS] = g_param_spec_uint ("n-reconnects", NULL, NULL, 0, G_MAXUINT, 0,
                                                      flags);

  /**
   * IstSecureTunnel:paused: (getter get_paused)
   *
   * Whether reading from the service is paused, as
   * [method@Ist.SecureTunnel.pause] and [method@Ist.SecureTunnel.resume] say.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, flags);

  /**
   * IstSecureTunnel:last-error: (getter get_last_error)
   *
   * What went wrong last: a failed attempt to connect, a lost connection, or a
   * breach of the protocol by the peer that harmed no more than one stream.
   *
   * Since: 1.0
   */
  specs[IST_STATUS_LAST_ERROR] = g_param_spec_boxed ("last-error", NULL, NULL, G_TYPE_ERROR, flags);

  for (i = IST_STATUS_STATE; i < IST_STATUS_LAST; i++)
    g_object_class_install_property (klass, i, specs[i]);
}

void
ist_tunnel_status_init (IstTunnelStatus *self,
                        gpointer tunnel,
                        const IstTunnelLink *link)
{
  self->tunnel = tunnel;
  self->link = link;
  self->round_trip_time_us = -1;
}

void
ist_tunnel_status_clear (IstTunnelStatus *self)
{
  g_clear_pointer (&self->service_ids, g_strfreev);
  g_clear_pointer (&self->channel_id, g_free);
  g_clear_error (&self->last_error);
}

void
ist_tunnel_status_get (const IstTunnelStatus *self,
                       IstStatus property,
                       GValue *value)
{
  switch (property)
    {
    case IST_STATUS_STATE:
      g_value_set_enum (value, self->state);
      break;
    case IST_STATUS_SERVICE_IDS:
      g_value_set_boxed (value, self->service_ids);
      break;
    case IST_STATUS_SERVICE_IDS_KNOWN:
      g_value_set_boolean (value, self->service_ids_known);
      break;
    case IST_STATUS_CHANNEL_ID:
      g_value_set_string (value, self->channel_id);
      break;
    case IST_STATUS_BYTES_IN:
      g_value_set_uint64 (value, self->link->bytes_in);
      break;
    case IST_STATUS_BYTES_OUT:
      g_value_set_uint64 (value, self->link->bytes_out);
      break;
    case IST_STATUS_MESSAGES_IN:
      g_value_set_uint64 (value, self->link->messages_in);
      break;
    case IST_STATUS_MESSAGES_OUT:
      g_value_set_uint64 (value, self->link->messages_out);
      break;
    case IST_STATUS_QUEUED_BYTES:
      g_value_set_uint64 (value, status_get_queued_bytes (self));
      break;
    case IST_STATUS_ROUND_TRIP_TIME_US:
      g_value_set_int64 (value, self->round_trip_time_us);
      break;
    case IST_STATUS_N_RECONNECTS:
      g_value_set_uint (value, self->n_reconnects);
      break;
    case IST_STATUS_PAUSED:
      g_value_set_boolean (value, self->paused);
      break;
    case IST_STATUS_LAST_ERROR:
      g_value_set_boxed (value, self->last_error);
      break;
    case IST_STATUS_LAST:
    default:
      g_assert_not_reached ();
    }
}

void
ist_tunnel_status_set_state (IstTunnelStatus *self,
                             IstTunnelState state)
{
  if (self->state == state)
    return;
  self->state = state;
  status_notify (self, IST_STATUS_STATE);
}

void
ist_tunnel_status_set_service_ids (IstTunnelStatus *self,
                                   const char *const *service_ids)
{
  if (self->service_ids != NULL && g_strv_equal ((const char *const *) self->service_ids, service_ids))
    return;
  g_strfreev (self->service_ids);
  self->service_ids = g_strdupv ((char **) service_ids);
  status_notify (self, IST_STATUS_SERVICE_IDS);
}

void
ist_tunnel_status_set_service_ids_known (IstTunnelStatus *self,
                                         gboolean known)
{
  if (self->service_ids_known == known)
    return;
  self->service_ids_known = known;
  status_notify (self, IST_STATUS_SERVICE_IDS_KNOWN);
}

void
ist_tunnel_status_set_channel_id (IstTunnelStatus *self,
                                  const char *channel_id)
{
  if (g_strcmp0 (self->channel_id, channel_id) == 0)
    return;
  g_free (self->channel_id);
  self->channel_id = g_strdup (channel_id);
  status_notify (self, IST_STATUS_CHANNEL_ID);
}

void
ist_tunnel_status_set_round_trip_time (IstTunnelStatus *self,
                                       gint64 microseconds)
{
  if (self->round_trip_time_us == microseconds)
    return;
  self->round_trip_time_us = microseconds;
  status_notify (self, IST_STATUS_ROUND_TRIP_TIME_US);
}

void
ist_tunnel_status_set_n_reconnects (IstTunnelStatus *self,
                                    guint n_reconnects)
{
  if (self->n_reconnects == n_reconnects)
    return;
  self->n_reconnects = n_reconnects;
  status_notify (self, IST_STATUS_N_RECONNECTS);
}

void
ist_tunnel_status_set_paused (IstTunnelStatus *self,
                              gboolean paused)
{
  if (self->paused == paused)
    return;
  self->paused = paused;
  status_notify (self, IST_STATUS_PAUSED);
}

/* Another failure is news also if it is like the one before. */
void
ist_tunnel_status_set_last_error (IstTunnelStatus *self,
                                  const GError *error)
{
  g_clear_error (&self->last_error);
  self->last_error = g_error_copy (error);
  status_notify (self, IST_STATUS_LAST_ERROR);
}

void
ist_tunnel_status_notify_counters (IstTunnelStatus *self,
                                   gboolean queue_changed)
{
  /* It may be as it was, and have been otherwise since. */
  if (queue_changed)
    self->told.queued_bytes = G_MAXUINT64;
  ist_counter_tell (&self->told.bytes_in, self->link->bytes_in, self->tunnel, specs[IST_STATUS_BYTES_IN]);
  ist_counter_tell (&self->told.bytes_out, self->link->bytes_out, self->tunnel, specs[IST_STATUS_BYTES_OUT]);
  ist_counter_tell (&self->told.messages_in, self->link->messages_in, self->tunnel, specs[IST_STATUS_MESSAGES_IN]);
  ist_counter_tell (&self->told.messages_out, self->link->messages_out, self->tunnel, specs[IST_STATUS_MESSAGES_OUT]);
  ist_counter_tell (&self->told.queued_bytes, status_get_queued_bytes (self), self->tunnel,
                    specs[IST_STATUS_QUEUED_BYTES]);
}

/**
 * ist_secure_tunnel_get_paused: (get-property paused)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:paused].
 *
 * Returns: whether reading is paused
 *
 * Since: 1.0
 */
gboolean
ist_secure_tunnel_get_paused (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), FALSE);

  return ist_secure_tunnel_get_status (self)->paused;
}

/**
 * ist_secure_tunnel_get_state: (get-property state)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:state].
 *
 * Returns: what the tunnel is doing
 *
 * Since: 1.0
 */
IstTunnelState
ist_secure_tunnel_get_state (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), IST_TUNNEL_STATE_STOPPED);

  return ist_secure_tunnel_get_status (self)->state;
}

/**
 * ist_secure_tunnel_get_service_ids: (get-property service-ids)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:service-ids].
 *
 * Returns: (transfer none) (nullable) (array zero-terminated=1): the services of the tunnel
 *
 * Since: 1.0
 */
const char *const *
ist_secure_tunnel_get_service_ids (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), NULL);

  return (const char *const *) ist_secure_tunnel_get_status (self)->service_ids;
}

/**
 * ist_secure_tunnel_get_service_ids_known: (get-property service-ids-known)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:service-ids-known].
 *
 * Returns: whether the service has named the services of the tunnel
 *
 * Since: 1.0
 */
gboolean
ist_secure_tunnel_get_service_ids_known (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), FALSE);

  return ist_secure_tunnel_get_status (self)->service_ids_known;
}

/**
 * ist_secure_tunnel_get_channel_id: (get-property channel-id)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:channel-id].
 *
 * Returns: (transfer none) (nullable): what the service calls the latest connection
 *
 * Since: 1.0
 */
const char *
ist_secure_tunnel_get_channel_id (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), NULL);

  return ist_secure_tunnel_get_status (self)->channel_id;
}

/**
 * ist_secure_tunnel_get_bytes_in: (get-property bytes-in)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:bytes-in].
 *
 * Returns: bytes of payload received
 *
 * Since: 1.0
 */
guint64
ist_secure_tunnel_get_bytes_in (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), 0);

  return ist_secure_tunnel_get_status (self)->link->bytes_in;
}

/**
 * ist_secure_tunnel_get_bytes_out: (get-property bytes-out)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:bytes-out].
 *
 * Returns: bytes of payload written to the socket
 *
 * Since: 1.0
 */
guint64
ist_secure_tunnel_get_bytes_out (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), 0);

  return ist_secure_tunnel_get_status (self)->link->bytes_out;
}

/**
 * ist_secure_tunnel_get_messages_in: (get-property messages-in)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:messages-in].
 *
 * Returns: DATA messages received
 *
 * Since: 1.0
 */
guint64
ist_secure_tunnel_get_messages_in (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), 0);

  return ist_secure_tunnel_get_status (self)->link->messages_in;
}

/**
 * ist_secure_tunnel_get_messages_out: (get-property messages-out)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:messages-out].
 *
 * Returns: messages written to the socket
 *
 * Since: 1.0
 */
guint64
ist_secure_tunnel_get_messages_out (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), 0);

  return ist_secure_tunnel_get_status (self)->link->messages_out;
}

/**
 * ist_secure_tunnel_get_queued_bytes: (get-property queued-bytes)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:queued-bytes].
 *
 * Returns: bytes accepted and not yet written to the socket
 *
 * Since: 1.0
 */
guint64
ist_secure_tunnel_get_queued_bytes (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), 0);

  return status_get_queued_bytes (ist_secure_tunnel_get_status (self));
}

/**
 * ist_secure_tunnel_get_round_trip_time_us: (get-property round-trip-time-us)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:round-trip-time-us].
 *
 * Returns: microseconds, -1 if not known
 *
 * Since: 1.0
 */
gint64
ist_secure_tunnel_get_round_trip_time_us (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), -1);

  return ist_secure_tunnel_get_status (self)->round_trip_time_us;
}

/**
 * ist_secure_tunnel_get_n_reconnects: (get-property n-reconnects)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:n-reconnects].
 *
 * Returns: how often the tunnel connected again since it was last started
 *
 * Since: 1.0
 */
guint
ist_secure_tunnel_get_n_reconnects (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), 0);

  return ist_secure_tunnel_get_status (self)->n_reconnects;
}

/**
 * ist_secure_tunnel_get_last_error: (get-property last-error)
 * @self: a tunnel
 *
 * Gets [property@Ist.SecureTunnel:last-error].
 *
 * Returns: (transfer none) (nullable): what went wrong last
 *
 * Since: 1.0
 */
const GError *
ist_secure_tunnel_get_last_error (IstSecureTunnel *self)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), NULL);

  return ist_secure_tunnel_get_status (self)->last_error;
}
