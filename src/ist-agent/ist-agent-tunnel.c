/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-agent/ist-agent-tunnel-private.h"

#include "common/ist-source-private.h"

/**
 * IstAgentTunnel:
 *
 * A tunnel that an [class@IstAgent.Device] has been told to connect to.
 *
 * It consists of an [class@Ist.SecureTunnel] and an [class@Ist.Forwarder], which
 * the agent has made; what a list of tunnels shows of them, it has as properties.
 * `bytes-in` and `bytes-out` are notified at most once a second.
 *
 * One that a program makes itself belongs to no agent: it has nothing, and never
 * does anything.
 *
 * Since: 1.0
 */
struct _IstAgentTunnel
{
  GObject parent_instance;

  guint id;
  char *region;
  char **service_ids;
  gint64 opened_at;
  IstSecureTunnel *secure_tunnel;
  IstForwarder *forwarder;
  GSource *lifetime;
  gboolean ended;
  GError *reason; /* NULL for the user's wish */
};

G_DEFINE_FINAL_TYPE (IstAgentTunnel, ist_agent_tunnel, G_TYPE_OBJECT)

enum
{
  PROP_ID = 1,
  PROP_REGION,
  PROP_SERVICE_IDS,
  PROP_OPENED_AT,
  PROP_STATE,
  PROP_N_CONNECTIONS,
  PROP_BYTES_IN,
  PROP_BYTES_OUT,
  PROP_SECURE_TUNNEL,
  PROP_FORWARDER,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static gboolean
on_lifetime_over (gpointer user_data)
{
  IstAgentTunnel *self = user_data;
  g_autoptr (GError) error = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT,
                                                  "The tunnel has reached the agent's limit of time");

  ist_agent_tunnel_end (self, error);
  return G_SOURCE_REMOVE;
}

/* Of the secure tunnel or the forwarder: they call it as the tunnel does. */
static void
on_part_changed (IstAgentTunnel *self,
                 GParamSpec *property)
{
  g_object_notify (G_OBJECT (self), property->name);
}

static void
ist_agent_tunnel_finalize (GObject *object)
{
  IstAgentTunnel *self = IST_AGENT_TUNNEL (object);

  ist_clear_source (&self->lifetime);
  g_free (self->region);
  g_strfreev (self->service_ids);
  g_clear_object (&self->forwarder);
  g_clear_object (&self->secure_tunnel);
  g_clear_error (&self->reason);

  G_OBJECT_CLASS (ist_agent_tunnel_parent_class)->finalize (object);
}

static void
ist_agent_tunnel_get_property (GObject *object,
                               guint prop_id,
                               GValue *value,
                               GParamSpec *pspec)
{
  IstAgentTunnel *self = IST_AGENT_TUNNEL (object);

  switch (prop_id)
    {
    case PROP_ID:
      g_value_set_uint (value, self->id);
      break;
    case PROP_REGION:
      g_value_set_string (value, self->region);
      break;
    case PROP_SERVICE_IDS:
      g_value_set_boxed (value, self->service_ids);
      break;
    case PROP_OPENED_AT:
      g_value_set_int64 (value, self->opened_at);
      break;
    case PROP_STATE:
      g_value_set_enum (value, ist_agent_tunnel_get_state (self));
      break;
    case PROP_N_CONNECTIONS:
      g_value_set_uint (value, ist_agent_tunnel_get_n_connections (self));
      break;
    case PROP_BYTES_IN:
      g_value_set_uint64 (value, ist_agent_tunnel_get_bytes_in (self));
      break;
    case PROP_BYTES_OUT:
      g_value_set_uint64 (value, ist_agent_tunnel_get_bytes_out (self));
      break;
    case PROP_SECURE_TUNNEL:
      g_value_set_object (value, self->secure_tunnel);
      break;
    case PROP_FORWARDER:
      g_value_set_object (value, self->forwarder);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_agent_tunnel_class_init (IstAgentTunnelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = ist_agent_tunnel_finalize;
  object_class->get_property = ist_agent_tunnel_get_property;

  /**
   * IstAgentTunnel:id: (getter get_id)
   *
   * A number of the agent's own: the service tells the device no other.
   *
   * Since: 1.0
   */
  properties[PROP_ID] = g_param_spec_uint ("id", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * IstAgentTunnel:region: (getter get_region)
   *
   * The AWS region of the tunnel, as its notification says.
   *
   * Since: 1.0
   */
  properties[PROP_REGION] = g_param_spec_string ("region", NULL, NULL, NULL, flags);

  /**
   * IstAgentTunnel:service-ids: (getter get_service_ids)
   *
   * The services that the tunnel was opened for, as its notification says;
   * those of them that the agent does not list are refused.
   *
   * Since: 1.0
   */
  properties[PROP_SERVICE_IDS] = g_param_spec_boxed ("service-ids", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * IstAgentTunnel:opened-at: (getter get_opened_at)
   *
   * When the notification came, in microseconds since the beginning of 1970, UTC.
   *
   * Since: 1.0
   */
  properties[PROP_OPENED_AT] = g_param_spec_int64 ("opened-at", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);

  /**
   * IstAgentTunnel:state: (getter get_state)
   *
   * What the connection to the service is doing.
   *
   * Since: 1.0
   */
  properties[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, IST_TYPE_TUNNEL_STATE, IST_TUNNEL_STATE_STOPPED, flags);

  /**
   * IstAgentTunnel:n-connections: (getter get_n_connections)
   *
   * How many connections there are, those that are being opened included.
   *
   * Since: 1.0
   */
  properties[PROP_N_CONNECTIONS] = g_param_spec_uint ("n-connections", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * IstAgentTunnel:bytes-in: (getter get_bytes_in)
   *
   * Bytes that came out of the tunnel, of all connections so far.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_IN] = g_param_spec_uint64 ("bytes-in", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * IstAgentTunnel:bytes-out: (getter get_bytes_out)
   *
   * Bytes that went into the tunnel, of all connections so far.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_OUT] = g_param_spec_uint64 ("bytes-out", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * IstAgentTunnel:secure-tunnel: (getter get_secure_tunnel)
   *
   * The connection to the service.
   *
   * Since: 1.0
   */
  properties[PROP_SECURE_TUNNEL] =
    g_param_spec_object ("secure-tunnel", NULL, NULL, IST_TYPE_SECURE_TUNNEL, flags);

  /**
   * IstAgentTunnel:forwarder: (getter get_forwarder)
   *
   * What connects the tunnel to local programs.
   *
   * Since: 1.0
   */
  properties[PROP_FORWARDER] = g_param_spec_object ("forwarder", NULL, NULL, IST_TYPE_FORWARDER, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ist_agent_tunnel_init (IstAgentTunnel *self)
{
  self->service_ids = g_new0 (char *, 1);
}

IstAgentTunnel *
ist_agent_tunnel_new (GMainContext *context,
                      guint id,
                      const char *region,
                      const char *const *service_ids,
                      guint max_lifetime,
                      IstSecureTunnel *secure_tunnel)
{
  static const char *const counters[] = { "notify::n-connections", "notify::bytes-in", "notify::bytes-out" };
  IstAgentTunnel *self = g_object_new (IST_AGENT_TYPE_TUNNEL, NULL);

  self->id = id;
  self->region = g_strdup (region);
  g_strfreev (self->service_ids);
  self->service_ids = g_strdupv ((char **) service_ids);
  self->opened_at = g_get_real_time ();
  self->secure_tunnel = g_object_ref (secure_tunnel);
  self->forwarder = ist_forwarder_new (secure_tunnel);
  /* The agent does, and says which. */
  ist_forwarder_set_refuse_unmapped (self->forwarder, FALSE);
  g_signal_connect_object (secure_tunnel, "notify::state", G_CALLBACK (on_part_changed), self, G_CONNECT_SWAPPED);
  for (gsize i = 0; i < G_N_ELEMENTS (counters); i++)
    g_signal_connect_object (self->forwarder, counters[i], G_CALLBACK (on_part_changed), self, G_CONNECT_SWAPPED);
  if (max_lifetime > 0)
    {
      self->lifetime = g_timeout_source_new_seconds (max_lifetime);
      g_source_set_static_name (self->lifetime, "IstAgentTunnel");
      g_source_set_callback (self->lifetime, on_lifetime_over, self, NULL);
      g_source_attach (self->lifetime, context);
    }
  return self;
}

void
ist_agent_tunnel_set_targets (IstAgentTunnel *self,
                              GHashTable *targets)
{
  if (self->ended)
    return;

  for (gsize i = 0; self->service_ids[i] != NULL; i++)
    {
      GSocketConnectable *target = g_hash_table_lookup (targets, self->service_ids[i]);

      if (target != NULL)
        ist_forwarder_set_connectable (self->forwarder, self->service_ids[i], target);
      else
        ist_forwarder_remove_target (self->forwarder, self->service_ids[i]);
    }
}

void
ist_agent_tunnel_end (IstAgentTunnel *self,
                      const GError *reason)
{
  if (self->ended)
    return;

  g_object_ref (self);
  self->ended = TRUE;
  ist_clear_source (&self->lifetime);
  self->reason = reason != NULL ? g_error_copy (reason) : NULL;
  ist_forwarder_close (self->forwarder);
  ist_secure_tunnel_stop (self->secure_tunnel);
  g_object_unref (self);
}

GError *
ist_agent_tunnel_dup_error (IstAgentTunnel *self)
{
  const GError *error = self->ended ? self->reason : ist_secure_tunnel_get_last_error (self->secure_tunnel);

  return error != NULL ? g_error_copy (error) : NULL;
}

/**
 * ist_agent_tunnel_stop:
 * @self: a tunnel
 *
 * Closes its connections and leaves the tunnel. To the service the tunnel stays
 * open; only a new token lets the device connect to it again.
 *
 * [signal@IstAgent.Device::tunnel-closed] follows.
 *
 * Since: 1.0
 */
void
ist_agent_tunnel_stop (IstAgentTunnel *self)
{
  g_return_if_fail (IST_AGENT_IS_TUNNEL (self));

  if (self->secure_tunnel != NULL)
    ist_agent_tunnel_end (self, NULL);
}

/**
 * ist_agent_tunnel_get_id:
 * @self: a tunnel
 *
 * Gets its number.
 *
 * Returns: the number; not 0 for a tunnel of an agent
 *
 * Since: 1.0
 */
guint
ist_agent_tunnel_get_id (IstAgentTunnel *self)
{
  g_return_val_if_fail (IST_AGENT_IS_TUNNEL (self), 0);

  return self->id;
}

/**
 * ist_agent_tunnel_get_region:
 * @self: a tunnel
 *
 * Gets the AWS region of the tunnel, as its notification says.
 *
 * Returns: (transfer none): the region
 *
 * Since: 1.0
 */
const char *
ist_agent_tunnel_get_region (IstAgentTunnel *self)
{
  g_return_val_if_fail (IST_AGENT_IS_TUNNEL (self), NULL);

  return self->region;
}

/**
 * ist_agent_tunnel_get_service_ids:
 * @self: a tunnel
 *
 * Gets the services that the tunnel was opened for, listed by the agent or not.
 *
 * Returns: (transfer none) (array zero-terminated=1): the services
 *
 * Since: 1.0
 */
const char *const *
ist_agent_tunnel_get_service_ids (IstAgentTunnel *self)
{
  g_return_val_if_fail (IST_AGENT_IS_TUNNEL (self), NULL);

  return (const char *const *) self->service_ids;
}

/**
 * ist_agent_tunnel_get_opened_at:
 * @self: a tunnel
 *
 * Gets when the notification came.
 *
 * Returns: microseconds since the beginning of 1970, UTC
 *
 * Since: 1.0
 */
gint64
ist_agent_tunnel_get_opened_at (IstAgentTunnel *self)
{
  g_return_val_if_fail (IST_AGENT_IS_TUNNEL (self), 0);

  return self->opened_at;
}

/**
 * ist_agent_tunnel_get_state:
 * @self: a tunnel
 *
 * Gets what the connection to the service is doing.
 *
 * Returns: the state
 *
 * Since: 1.0
 */
IstTunnelState
ist_agent_tunnel_get_state (IstAgentTunnel *self)
{
  g_return_val_if_fail (IST_AGENT_IS_TUNNEL (self), IST_TUNNEL_STATE_STOPPED);

  return self->secure_tunnel != NULL ? ist_secure_tunnel_get_state (self->secure_tunnel) : IST_TUNNEL_STATE_STOPPED;
}

/**
 * ist_agent_tunnel_get_n_connections:
 * @self: a tunnel
 *
 * Gets how many connections there are, those that are being opened included.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
ist_agent_tunnel_get_n_connections (IstAgentTunnel *self)
{
  g_return_val_if_fail (IST_AGENT_IS_TUNNEL (self), 0);

  return self->forwarder != NULL ? ist_forwarder_get_n_connections (self->forwarder) : 0;
}

/**
 * ist_agent_tunnel_get_bytes_in:
 * @self: a tunnel
 *
 * Gets how much came out of the tunnel, of all connections so far.
 *
 * Returns: the number of bytes
 *
 * Since: 1.0
 */
guint64
ist_agent_tunnel_get_bytes_in (IstAgentTunnel *self)
{
  g_return_val_if_fail (IST_AGENT_IS_TUNNEL (self), 0);

  return self->forwarder != NULL ? ist_forwarder_get_bytes_in (self->forwarder) : 0;
}

/**
 * ist_agent_tunnel_get_bytes_out:
 * @self: a tunnel
 *
 * Gets how much went into the tunnel, of all connections so far.
 *
 * Returns: the number of bytes
 *
 * Since: 1.0
 */
guint64
ist_agent_tunnel_get_bytes_out (IstAgentTunnel *self)
{
  g_return_val_if_fail (IST_AGENT_IS_TUNNEL (self), 0);

  return self->forwarder != NULL ? ist_forwarder_get_bytes_out (self->forwarder) : 0;
}

/**
 * ist_agent_tunnel_get_secure_tunnel:
 * @self: a tunnel
 *
 * Gets the connection to the service.
 *
 * Returns: (transfer none): the connection
 *
 * Since: 1.0
 */
IstSecureTunnel *
ist_agent_tunnel_get_secure_tunnel (IstAgentTunnel *self)
{
  g_return_val_if_fail (IST_AGENT_IS_TUNNEL (self), NULL);

  return self->secure_tunnel;
}

/**
 * ist_agent_tunnel_get_forwarder:
 * @self: a tunnel
 *
 * Gets what connects the tunnel to local programs.
 *
 * Returns: (transfer none): the forwarder
 *
 * Since: 1.0
 */
IstForwarder *
ist_agent_tunnel_get_forwarder (IstAgentTunnel *self)
{
  g_return_val_if_fail (IST_AGENT_IS_TUNNEL (self), NULL);

  return self->forwarder;
}
