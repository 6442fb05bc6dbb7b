/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-tunnel-private.h"

#include <libsoup/soup.h>

#include "common/ist-counter-private.h"
#include "common/ist-source-private.h"

/* What an ARN says about where a tunnel is; nobody's account. */
#define ARN_PREFIX "arn:aws:iot:" IST_EMULATOR_REGION ":000000000000:tunnel/"

/**
 * IstEmulatorTunnel:
 *
 * A tunnel of an [class@IstEmulator.Service].
 *
 * Only [method@IstEmulator.Service.open_tunnel] and the service's API open one; one
 * that is made otherwise is closed.
 *
 * It has the tokens that clients connect with, tells what happens in the tunnel,
 * and makes trouble on demand, so that tests see how a client copes. Methods
 * that make trouble take the side, source or destination, whose client is
 * to have it. Those whose names begin with "set" hold for the client that is
 * connected and for those to come.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (IstEmulatorTunnel, ist_emulator_tunnel, G_TYPE_OBJECT)

G_DEFINE_FLAGS_TYPE (IstEmulatorSides,
                     ist_emulator_sides,
                     G_DEFINE_ENUM_VALUE (IST_EMULATOR_SIDES_NONE, "none"),
                     G_DEFINE_ENUM_VALUE (IST_EMULATOR_SIDES_SOURCE, "source"),
                     G_DEFINE_ENUM_VALUE (IST_EMULATOR_SIDES_DESTINATION, "destination"),
                     G_DEFINE_ENUM_VALUE (IST_EMULATOR_SIDES_ALL, "all"))

enum
{
  PROP_ID = 1,
  PROP_ARN,
  PROP_SERVICE_IDS,
  PROP_THING_NAME,
  PROP_OPEN,
  PROP_OPENED_AT,
  PROP_EXPIRES_AT,
  PROP_CONNECTED_SIDES,
  PROP_BYTES_FROM_SOURCE,
  PROP_BYTES_FROM_DESTINATION,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  MESSAGE,
  CLIENT_CONNECTED,
  CLIENT_DISCONNECTED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static gboolean
on_relay_wants_messages (gpointer user_data)
{
  return g_signal_has_handler_pending (user_data, signals[MESSAGE], 0, TRUE);
}

static void
on_relay_received (IstMode from,
                   gsize size,
                   gpointer user_data)
{
  IstEmulatorTunnel *self = user_data;

  self->sides[from].bytes_from += size;
  if (self->counters_changed || self->counters_func == NULL)
    return;
  self->counters_changed = TRUE;
  self->counters_func (self, self->counters_data);
}

static void
on_relay_message (IstMode from,
                  IstMessage *message,
                  gpointer user_data)
{
  g_signal_emit (user_data, signals[MESSAGE], 0, from, message);
}

static void
on_relay_connected (IstMode side,
                    gpointer user_data)
{
  g_autoptr (IstEmulatorTunnel) self = g_object_ref (user_data);

  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONNECTED_SIDES]);
  g_signal_emit (self, signals[CLIENT_CONNECTED], 0, side);
}

static void
on_relay_disconnected (IstMode side,
                       const GError *error,
                       gpointer user_data)
{
  g_autoptr (IstEmulatorTunnel) self = g_object_ref (user_data);

  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONNECTED_SIDES]);
  g_signal_emit (self, signals[CLIENT_DISCONNECTED], 0, side, error);
}

static const IstEmulatorRelayDelegate relay_delegate = {
  .wants_messages = on_relay_wants_messages,
  .received = on_relay_received,
  .message = on_relay_message,
  .connected = on_relay_connected,
  .disconnected = on_relay_disconnected,
};

static void
ist_emulator_tunnel_finalize (GObject *object)
{
  IstEmulatorTunnel *self = IST_EMULATOR_TUNNEL (object);

  ist_clear_source (&self->lifetime);
  g_clear_pointer (&self->relay, ist_emulator_relay_free);
  for (int side = IST_MODE_SOURCE; side <= IST_MODE_DESTINATION; side++)
    {
      g_free (self->sides[side].access_token);
      g_free (self->sides[side].refusal_reason);
    }
  g_strfreev (self->services);
  g_free (self->thing_name);
  g_free (self->arn);
  g_free (self->id);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (ist_emulator_tunnel_parent_class)->finalize (object);
}

static void
ist_emulator_tunnel_get_property (GObject *object,
                                  guint prop_id,
                                  GValue *value,
                                  GParamSpec *pspec)
{
  IstEmulatorTunnel *self = IST_EMULATOR_TUNNEL (object);

  switch (prop_id)
    {
    case PROP_ID:
      g_value_set_string (value, self->id);
      break;
    case PROP_ARN:
      g_value_set_string (value, self->arn);
      break;
    case PROP_SERVICE_IDS:
      g_value_set_boxed (value, self->services);
      break;
    case PROP_THING_NAME:
      g_value_set_string (value, self->thing_name);
      break;
    case PROP_OPEN:
      g_value_set_boolean (value, self->open);
      break;
    case PROP_OPENED_AT:
      g_value_set_int64 (value, self->opened_at);
      break;
    case PROP_EXPIRES_AT:
      g_value_set_int64 (value, self->expires_at);
      break;
    case PROP_CONNECTED_SIDES:
      g_value_set_flags (value, ist_emulator_tunnel_get_connected_sides (self));
      break;
    case PROP_BYTES_FROM_SOURCE:
      g_value_set_uint64 (value, self->sides[IST_MODE_SOURCE].bytes_from);
      break;
    case PROP_BYTES_FROM_DESTINATION:
      g_value_set_uint64 (value, self->sides[IST_MODE_DESTINATION].bytes_from);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
ist_emulator_tunnel_class_init (IstEmulatorTunnelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = ist_emulator_tunnel_finalize;
  object_class->get_property = ist_emulator_tunnel_get_property;

  /**
   * IstEmulatorTunnel:id: (getter get_id)
   *
   * What the service calls the tunnel.
   *
   * Since: 1.0
   */
  properties[PROP_ID] =
    g_param_spec_string ("id", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorTunnel:arn: (getter get_arn)
   *
   * The tunnel's Amazon resource name.
   *
   * Since: 1.0
   */
  properties[PROP_ARN] =
    g_param_spec_string ("arn", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorTunnel:service-ids: (getter get_service_ids)
   *
   * The tunnel's services, in the order in which clients are told; may be empty.
   *
   * Since: 1.0
   */
  properties[PROP_SERVICE_IDS] =
    g_param_spec_boxed ("service-ids", NULL, NULL, G_TYPE_STRV, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorTunnel:thing-name: (getter get_thing_name)
   *
   * The thing that the tunnel leads to.
   *
   * Since: 1.0
   */
  properties[PROP_THING_NAME] =
    g_param_spec_string ("thing-name", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorTunnel:open: (getter is_open)
   *
   * Whether the tunnel admits clients. Once it was closed or has expired, it
   * never opens again.
   *
   * Since: 1.0
   */
  properties[PROP_OPEN] =
    g_param_spec_boolean ("open", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorTunnel:opened-at: (getter get_opened_at)
   *
   * When the tunnel was opened, in microseconds since the beginning of 1970, UTC.
   *
   * Since: 1.0
   */
  properties[PROP_OPENED_AT] =
    g_param_spec_int64 ("opened-at", NULL, NULL, G_MININT64, G_MAXINT64, 0,
                        G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorTunnel:expires-at: (getter get_expires_at)
   *
   * When the tunnel closes of itself, in microseconds since the beginning of 1970,
   * UTC.
   *
   * Since: 1.0
   */
  properties[PROP_EXPIRES_AT] =
    g_param_spec_int64 ("expires-at", NULL, NULL, G_MININT64, G_MAXINT64, 0,
                        G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorTunnel:connected-sides: (getter get_connected_sides)
   *
   * Where a client is connected.
   *
   * Since: 1.0
   */
  properties[PROP_CONNECTED_SIDES] =
    g_param_spec_flags ("connected-sides", NULL, NULL, IST_EMULATOR_TYPE_SIDES, IST_EMULATOR_SIDES_NONE,
                        G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorTunnel:bytes-from-source: (getter get_bytes_from_source)
   *
   * How many bytes of messages have come from sources. What WebSocket and TLS add
   * does not count, nor does what passed before the tunnel was restored.
   *
   * It is notified at most once a second.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_FROM_SOURCE] =
    g_param_spec_uint64 ("bytes-from-source", NULL, NULL, 0, G_MAXUINT64, 0,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * IstEmulatorTunnel:bytes-from-destination: (getter get_bytes_from_destination)
   *
   * How many bytes have come from destinations, as
   * [property@IstEmulator.Tunnel:bytes-from-source] says it of sources.
   *
   * It is notified at most once a second.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_FROM_DESTINATION] =
    g_param_spec_uint64 ("bytes-from-destination", NULL, NULL, 0, G_MAXUINT64, 0,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  /**
   * IstEmulatorTunnel::message:
   * @self: the tunnel
   * @from: which side sent it
   * @message: the message
   *
   * Emitted for each message of a client that the service lets pass, also when
   * there is nobody on the other side to get it. Messages that the service sends
   * itself are not announced.
   *
   * Tracing costs speed, and nothing while no handler is connected.
   *
   * Since: 1.0
   */
  signals[MESSAGE] =
    g_signal_new ("message", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 2, IST_TYPE_MODE, IST_TYPE_MESSAGE);

  /**
   * IstEmulatorTunnel::client-connected:
   * @self: the tunnel
   * @side: which side it connected to
   *
   * Emitted when the handshake of a client has succeeded.
   *
   * Since: 1.0
   */
  signals[CLIENT_CONNECTED] =
    g_signal_new ("client-connected", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 1, IST_TYPE_MODE);

  /**
   * IstEmulatorTunnel::client-disconnected:
   * @self: the tunnel
   * @side: which side it was connected to
   * @error: (nullable): why, or %NULL if the emulator was asked for it
   *
   * Emitted when a client is connected no more: %IST_TUNNEL_ERROR_DISCONNECTED if it left,
   * %IST_TUNNEL_ERROR_PROTOCOL if it broke a rule, %IST_TUNNEL_ERROR_CLIENT_REPLACED,
   * %IST_TUNNEL_ERROR_TOKEN_REJECTED if its token was rotated,
   * %IST_TUNNEL_ERROR_TUNNEL_CLOSED.
   *
   * Since: 1.0
   */
  signals[CLIENT_DISCONNECTED] =
    g_signal_new ("client-disconnected", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 2, IST_TYPE_MODE, G_TYPE_ERROR);
}

static void
tunnel_take_id (IstEmulatorTunnel *self,
                char *id)
{
  g_free (self->id);
  g_free (self->arn);
  self->id = id;
  self->arn = g_strconcat (ARN_PREFIX, id, NULL);
}

static void
tunnel_set_services (IstEmulatorTunnel *self,
                     const char *const *services)
{
  g_strfreev (self->services);
  self->services = g_strdupv ((char **) services);
  ist_emulator_relay_set_services (self->relay, services);
}

static void
ist_emulator_tunnel_init (IstEmulatorTunnel *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->services = g_new0 (char *, 1);
  self->relay = ist_emulator_relay_new (&relay_delegate, self);
  tunnel_take_id (self, g_uuid_string_random ());
}

IstEmulatorTunnel *
ist_emulator_tunnel_new (const char *id,
                         const char *const *services,
                         const char *thing_name,
                         gint64 opened_at)
{
  IstEmulatorTunnel *self = g_object_new (IST_EMULATOR_TYPE_TUNNEL, NULL);

  if (id != NULL)
    tunnel_take_id (self, g_strdup (id));
  if (services != NULL)
    tunnel_set_services (self, services);
  self->thing_name = g_strdup (thing_name);
  self->opened_at = opened_at;
  self->open = TRUE;
  return self;
}

guint
ist_emulator_tunnel_get_generation (IstEmulatorTunnel *self,
                                    IstMode mode)
{
  return self->sides[mode].generation;
}

void
ist_emulator_tunnel_set_counters_func (IstEmulatorTunnel *self,
                                       IstEmulatorTunnelFunc func,
                                       gpointer user_data)
{
  self->counters_func = func;
  self->counters_data = user_data;
}

void
ist_emulator_tunnel_notify_counters (IstEmulatorTunnel *self)
{
  self->counters_changed = FALSE;
  ist_counter_tell (&self->sides[IST_MODE_SOURCE].bytes_from_told, self->sides[IST_MODE_SOURCE].bytes_from, self,
                    properties[PROP_BYTES_FROM_SOURCE]);
  ist_counter_tell (&self->sides[IST_MODE_DESTINATION].bytes_from_told,
                    self->sides[IST_MODE_DESTINATION].bytes_from, self, properties[PROP_BYTES_FROM_DESTINATION]);
}

void
ist_emulator_tunnel_set_bandwidth (IstEmulatorTunnel *self,
                                   guint bytes_per_second)
{
  ist_emulator_relay_set_bandwidth (self->relay, bytes_per_second);
}

void
ist_emulator_tunnel_set_destination (IstEmulatorTunnel *self,
                                     const char *const *services,
                                     const char *thing_name)
{
  if (g_strcmp0 (self->thing_name, thing_name) != 0)
    {
      g_free (self->thing_name);
      self->thing_name = g_strdup (thing_name);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_THING_NAME]);
    }
  if (g_strv_equal ((const char *const *) self->services, services))
    return;

  /* Clients learn of the services when they connect. */
  ist_emulator_tunnel_disconnect (self, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "Services have changed");
  tunnel_set_services (self, services);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SERVICE_IDS]);
}

void
ist_emulator_tunnel_set_access_token (IstEmulatorTunnel *self,
                                      IstMode mode,
                                      const char *token)
{
  g_autoptr (GError) why = NULL;

  g_free (self->sides[mode].access_token);
  self->sides[mode].access_token = g_strdup (token);
  self->sides[mode].generation++;
  why = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOKEN_REJECTED, "Access token was rotated");
  ist_emulator_relay_close (self->relay, mode, SOUP_WEBSOCKET_CLOSE_NORMAL, why->message, why);
}

void
ist_emulator_tunnel_close (IstEmulatorTunnel *self)
{
  g_autoptr (GError) why = NULL;

  if (!self->open)
    return;

  g_object_ref (self);
  self->open = FALSE;
  ist_clear_source (&self->lifetime);
  why = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED, "Tunnel is closed");
  for (int side = IST_MODE_SOURCE; side <= IST_MODE_DESTINATION; side++)
    ist_emulator_relay_close (self->relay, side, SOUP_WEBSOCKET_CLOSE_NORMAL, why->message, why);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_OPEN]);
  g_object_unref (self);
}

void
ist_emulator_tunnel_disconnect (IstEmulatorTunnel *self,
                                guint16 code,
                                const char *reason)
{
  g_object_ref (self);
  for (int side = IST_MODE_SOURCE; side <= IST_MODE_DESTINATION; side++)
    {
      self->sides[side].generation++;
      ist_emulator_relay_close (self->relay, side, code, reason, NULL);
    }
  g_object_unref (self);
}

void
ist_emulator_tunnel_attach (IstEmulatorTunnel *self,
                            IstMode mode,
                            guint generation,
                            GIOStream *stream,
                            GUri *uri,
                            GDestroyNotify gone,
                            gpointer gone_data)
{
  g_autoptr (GError) why = NULL;

  g_object_ref (self);
  why = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CLIENT_REPLACED, "Replaced by another client");
  /* Whoever hears that a client has gone may close the tunnel. */
  ist_emulator_relay_close (self->relay, mode, SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, why->message, why);
  if (!self->open || generation != self->sides[mode].generation ||
      !ist_emulator_relay_attach (self->relay, mode, stream, uri, gone, gone_data))
    {
      g_io_stream_close_async (stream, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
      gone (gone_data);
    }
  g_object_unref (self);
}

/**
 * ist_emulator_tunnel_get_id:
 * @self: a tunnel
 *
 * Gets what the service calls the tunnel.
 *
 * Returns: (transfer none): the tunnel's id
 *
 * Since: 1.0
 */
const char *
ist_emulator_tunnel_get_id (IstEmulatorTunnel *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), NULL);

  return self->id;
}

/**
 * ist_emulator_tunnel_get_arn:
 * @self: a tunnel
 *
 * Gets the tunnel's Amazon resource name.
 *
 * Returns: (transfer none): the tunnel's ARN
 *
 * Since: 1.0
 */
const char *
ist_emulator_tunnel_get_arn (IstEmulatorTunnel *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), NULL);

  return self->arn;
}

/**
 * ist_emulator_tunnel_get_service_ids:
 * @self: a tunnel
 *
 * Gets the tunnel's services, in the order in which clients are told.
 *
 * Returns: (transfer none): the services, none at all if the tunnel was opened so
 *
 * Since: 1.0
 */
const char *const *
ist_emulator_tunnel_get_service_ids (IstEmulatorTunnel *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), NULL);

  return (const char *const *) self->services;
}

/**
 * ist_emulator_tunnel_get_thing_name:
 * @self: a tunnel
 *
 * Gets the name of the thing that the tunnel leads to.
 *
 * Returns: (transfer none) (nullable): the name, if one was given
 *
 * Since: 1.0
 */
const char *
ist_emulator_tunnel_get_thing_name (IstEmulatorTunnel *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), NULL);

  return self->thing_name;
}

/**
 * ist_emulator_tunnel_get_source_access_token:
 * @self: a tunnel
 *
 * Gets the token with which a source connects. It is a secret.
 *
 * Returns: (transfer none) (nullable): the token, valid until it is rotated, or
 *   %NULL for a tunnel from an earlier run, see [property@IstEmulator.Service:state-dir]
 *
 * Since: 1.0
 */
const char *
ist_emulator_tunnel_get_source_access_token (IstEmulatorTunnel *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), NULL);

  return self->sides[IST_MODE_SOURCE].access_token;
}

/**
 * ist_emulator_tunnel_get_destination_access_token:
 * @self: a tunnel
 *
 * Gets the token with which a destination connects. It is a secret.
 *
 * Returns: (transfer none) (nullable): the token, valid until it is rotated, or
 *   %NULL for a tunnel from an earlier run, see [property@IstEmulator.Service:state-dir]
 *
 * Since: 1.0
 */
const char *
ist_emulator_tunnel_get_destination_access_token (IstEmulatorTunnel *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), NULL);

  return self->sides[IST_MODE_DESTINATION].access_token;
}

/**
 * ist_emulator_tunnel_is_open:
 * @self: a tunnel
 *
 * Gets whether the tunnel admits clients.
 *
 * Returns: %FALSE once it was closed or has expired
 *
 * Since: 1.0
 */
gboolean
ist_emulator_tunnel_is_open (IstEmulatorTunnel *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), FALSE);

  return self->open;
}

/**
 * ist_emulator_tunnel_get_opened_at:
 * @self: a tunnel
 *
 * Gets when the tunnel was opened.
 *
 * Returns: microseconds since the beginning of 1970, UTC; 0 for a tunnel that no
 *   service has opened
 *
 * Since: 1.0
 */
gint64
ist_emulator_tunnel_get_opened_at (IstEmulatorTunnel *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), 0);

  return self->opened_at;
}

/**
 * ist_emulator_tunnel_get_expires_at:
 * @self: a tunnel
 *
 * Gets when the tunnel closes of itself, if it is not closed before.
 *
 * Returns: microseconds since the beginning of 1970, UTC; 0 for a tunnel that is
 *   closed since an earlier run, or that no service has opened
 *
 * Since: 1.0
 */
gint64
ist_emulator_tunnel_get_expires_at (IstEmulatorTunnel *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), 0);

  return self->expires_at;
}

/**
 * ist_emulator_tunnel_get_connected_sides:
 * @self: a tunnel
 *
 * Gets where a client is connected.
 *
 * Returns: the sides
 *
 * Since: 1.0
 */
IstEmulatorSides
ist_emulator_tunnel_get_connected_sides (IstEmulatorTunnel *self)
{
  IstEmulatorSides sides = IST_EMULATOR_SIDES_NONE;

  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), IST_EMULATOR_SIDES_NONE);

  if (ist_emulator_relay_is_connected (self->relay, IST_MODE_SOURCE))
    sides |= IST_EMULATOR_SIDES_SOURCE;
  if (ist_emulator_relay_is_connected (self->relay, IST_MODE_DESTINATION))
    sides |= IST_EMULATOR_SIDES_DESTINATION;
  return sides;
}

/**
 * ist_emulator_tunnel_get_bytes_from_source:
 * @self: a tunnel
 *
 * Gets how many bytes have come from sources.
 *
 * Returns: the number of bytes
 *
 * Since: 1.0
 */
guint64
ist_emulator_tunnel_get_bytes_from_source (IstEmulatorTunnel *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), 0);

  return self->sides[IST_MODE_SOURCE].bytes_from;
}

/**
 * ist_emulator_tunnel_get_bytes_from_destination:
 * @self: a tunnel
 *
 * Gets how many bytes have come from destinations.
 *
 * Returns: the number of bytes
 *
 * Since: 1.0
 */
guint64
ist_emulator_tunnel_get_bytes_from_destination (IstEmulatorTunnel *self)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), 0);

  return self->sides[IST_MODE_DESTINATION].bytes_from;
}

/**
 * ist_emulator_tunnel_is_connected:
 * @self: a tunnel
 * @side: source or destination
 *
 * Gets whether a client is connected on a side.
 *
 * Returns: %TRUE if one is
 *
 * Since: 1.0
 */
gboolean
ist_emulator_tunnel_is_connected (IstEmulatorTunnel *self,
                                  IstMode side)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), FALSE);
  g_return_val_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION, FALSE);

  return ist_emulator_relay_is_connected (self->relay, side);
}

/**
 * ist_emulator_tunnel_get_queued_bytes:
 * @self: a tunnel
 * @side: source or destination
 *
 * Gets how much waits in the emulator to be sent to a side.
 *
 * Returns: the number of bytes
 *
 * Since: 1.0
 */
guint64
ist_emulator_tunnel_get_queued_bytes (IstEmulatorTunnel *self,
                                      IstMode side)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), 0);
  g_return_val_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION, 0);

  return ist_emulator_relay_get_queued (self->relay, side);
}

static gboolean
on_lifetime_over (gpointer user_data)
{
  ist_emulator_tunnel_close (user_data);
  return G_SOURCE_REMOVE;
}

/**
 * ist_emulator_tunnel_set_lifetime_ms:
 * @self: a tunnel
 * @milliseconds: how long the tunnel lives from now on
 *
 * Lets the tunnel expire at another time than it was opened for, for example
 * sooner than in a minute, which is the least that the service knows.
 *
 * When it expires, clients are disconnected, and refused from then on.
 *
 * Since: 1.0
 */
void
ist_emulator_tunnel_set_lifetime_ms (IstEmulatorTunnel *self,
                                     guint milliseconds)
{
  g_return_if_fail (IST_EMULATOR_IS_TUNNEL (self));

  ist_clear_source (&self->lifetime);
  if (!self->open)
    return;
  self->expires_at = g_get_real_time () + (gint64) milliseconds * 1000;
  self->lifetime = g_timeout_source_new (milliseconds);
  g_source_set_callback (self->lifetime, on_lifetime_over, self, NULL);
  g_source_attach (self->lifetime, self->context);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EXPIRES_AT]);
}
