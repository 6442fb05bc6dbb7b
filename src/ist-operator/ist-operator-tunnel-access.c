/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-tunnel-access-private.h"

#include "common/ist-names-private.h"
#include "common/ist-secret-private.h"
#include "ist-operator/ist-operator-json-private.h"

/**
 * IstOperatorTunnelAccess:
 *
 * What lets somebody into a tunnel that was opened, or whose tokens were rotated, by
 * an [class@IstOperator.ControlPlane].
 *
 * The tokens are secrets, and no properties: whoever shows all properties of an
 * object does not show them.
 *
 * Since: 1.0
 */
struct _IstOperatorTunnelAccess
{
  GObject parent_instance;

  char *tunnel_id;
  char *arn;
  char *source_token;
  char *destination_token;
};

G_DEFINE_FINAL_TYPE (IstOperatorTunnelAccess, ist_operator_tunnel_access, G_TYPE_OBJECT)

enum
{
  PROP_TUNNEL_ID = 1,
  PROP_ARN,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
ist_operator_tunnel_access_finalize (GObject *object)
{
  IstOperatorTunnelAccess *self = IST_OPERATOR_TUNNEL_ACCESS (object);

  g_free (self->tunnel_id);
  g_free (self->arn);
  ist_secret_free (self->source_token);
  ist_secret_free (self->destination_token);

  G_OBJECT_CLASS (ist_operator_tunnel_access_parent_class)->finalize (object);
}

static void
ist_operator_tunnel_access_get_property (GObject *object,
                                         guint prop_id,
                                         GValue *value,
                                         GParamSpec *pspec)
{
  IstOperatorTunnelAccess *self = IST_OPERATOR_TUNNEL_ACCESS (object);

  switch (prop_id)
    {
    case PROP_TUNNEL_ID:
      g_value_set_string (value, self->tunnel_id);
      break;
    case PROP_ARN:
      g_value_set_string (value, self->arn);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_tunnel_access_class_init (IstOperatorTunnelAccessClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = ist_operator_tunnel_access_finalize;
  object_class->get_property = ist_operator_tunnel_access_get_property;

  /**
   * IstOperatorTunnelAccess:tunnel-id: (getter get_tunnel_id)
   *
   * What the service calls the tunnel.
   *
   * Since: 1.0
   */
  properties[PROP_TUNNEL_ID] = g_param_spec_string ("tunnel-id", NULL, NULL, NULL, flags);

  /**
   * IstOperatorTunnelAccess:arn: (getter get_arn)
   *
   * The tunnel's name in all of AWS.
   *
   * Since: 1.0
   */
  properties[PROP_ARN] = g_param_spec_string ("arn", NULL, NULL, NULL, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ist_operator_tunnel_access_init (IstOperatorTunnelAccess *self)
{
}

/* FALSE for one that can't be used; TRUE, too, for none. */
static gboolean
take_token (JsonObject *answer,
            const char *name,
            char **token)
{
  const char *value = ist_operator_json_get_string (answer, name);

  *token = g_strdup (value);
  return value == NULL || ist_access_token_is_valid (value);
}

IstOperatorTunnelAccess *
ist_operator_tunnel_access_new (JsonObject *answer,
                                const char *tunnel_id)
{
  g_autoptr (IstOperatorTunnelAccess) self = g_object_new (IST_OPERATOR_TYPE_TUNNEL_ACCESS, NULL);
  gboolean is_opened = tunnel_id == NULL;

  if (is_opened)
    tunnel_id = ist_operator_json_get_string (answer, "tunnelId");
  if (tunnel_id == NULL || *tunnel_id == '\0')
    return NULL;
  self->tunnel_id = g_strdup (tunnel_id);
  self->arn = g_strdup (ist_operator_json_get_string (answer, "tunnelArn"));
  if (!take_token (answer, "sourceAccessToken", &self->source_token) ||
      !take_token (answer, "destinationAccessToken", &self->destination_token))
    return NULL;
  if (self->source_token == NULL && (is_opened || self->destination_token == NULL))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * ist_operator_tunnel_access_get_tunnel_id: (get-property tunnel-id)
 * @self: the access to a tunnel
 *
 * Gets what the service calls the tunnel.
 *
 * Returns: (transfer none) (nullable): the id; %NULL if a program has made the object
 *
 * Since: 1.0
 */
const char *
ist_operator_tunnel_access_get_tunnel_id (IstOperatorTunnelAccess *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_ACCESS (self), NULL);

  return self->tunnel_id;
}

/**
 * ist_operator_tunnel_access_get_arn: (get-property arn)
 * @self: the access to a tunnel
 *
 * Gets the tunnel's name in all of AWS, which
 * [method@IstOperator.ControlPlane.tag_resource_async] takes.
 *
 * Returns: (transfer none) (nullable): the name; %NULL if the service has not said it
 *
 * Since: 1.0
 */
const char *
ist_operator_tunnel_access_get_arn (IstOperatorTunnelAccess *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_ACCESS (self), NULL);

  return self->arn;
}

/**
 * ist_operator_tunnel_access_get_source_access_token:
 * @self: the access to a tunnel
 *
 * Gets the token for [property@Ist.SecureTunnel:access-token] of the operator's side.
 *
 * Returns: (transfer none) (nullable): the token; %NULL if that side's was not rotated
 *
 * Since: 1.0
 */
const char *
ist_operator_tunnel_access_get_source_access_token (IstOperatorTunnelAccess *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_ACCESS (self), NULL);

  return self->source_token;
}

/**
 * ist_operator_tunnel_access_get_destination_access_token:
 * @self: the access to a tunnel
 *
 * Gets the token for the device. If the tunnel names a thing, the service has sent it
 * there already.
 *
 * Returns: (transfer none) (nullable): the token; %NULL if that side's was not rotated
 *
 * Since: 1.0
 */
const char *
ist_operator_tunnel_access_get_destination_access_token (IstOperatorTunnelAccess *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_ACCESS (self), NULL);

  return self->destination_token;
}
