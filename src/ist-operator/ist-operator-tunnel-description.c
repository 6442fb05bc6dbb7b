/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-tunnel-description-private.h"

#include <string.h>

#include "ist-operator/ist-operator-json-private.h"

/**
 * IstOperatorTunnelDescription:
 *
 * What the service says of a tunnel, at the moment of the answer.
 *
 * One that [method@IstOperator.ControlPlane.describe_tunnel_async] gets has all of it;
 * in a list of tunnels the service says no more than the id, the ARN, whether it is
 * open, the description and the two times.
 *
 * Since: 1.0
 */
struct _IstOperatorTunnelDescription
{
  GObject parent_instance;

  char *tunnel_id;
  char *arn;
  gboolean is_open;
  char *description;
  gint64 created_at;
  gint64 updated_at;
  char *thing_name;
  char **service_ids;
  guint lifetime;
  gboolean source_connected;
  gint64 source_changed_at;
  gboolean destination_connected;
  gint64 destination_changed_at;
  GHashTable *tags;
};

G_DEFINE_FINAL_TYPE (IstOperatorTunnelDescription, ist_operator_tunnel_description, G_TYPE_OBJECT)

enum
{
  PROP_TUNNEL_ID = 1,
  PROP_ARN,
  PROP_IS_OPEN,
  PROP_DESCRIPTION,
  PROP_CREATED_AT,
  PROP_UPDATED_AT,
  PROP_THING_NAME,
  PROP_SERVICE_IDS,
  PROP_LIFETIME,
  PROP_SOURCE_CONNECTED,
  PROP_SOURCE_CHANGED_AT,
  PROP_DESTINATION_CONNECTED,
  PROP_DESTINATION_CHANGED_AT,
  PROP_TAGS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
ist_operator_tunnel_description_finalize (GObject *object)
{
  IstOperatorTunnelDescription *self = IST_OPERATOR_TUNNEL_DESCRIPTION (object);

  g_free (self->tunnel_id);
  g_free (self->arn);
  g_free (self->description);
  g_free (self->thing_name);
  g_strfreev (self->service_ids);
  g_hash_table_unref (self->tags);

  G_OBJECT_CLASS (ist_operator_tunnel_description_parent_class)->finalize (object);
}

static void
ist_operator_tunnel_description_get_property (GObject *object,
                                              guint prop_id,
                                              GValue *value,
                                              GParamSpec *pspec)
{
  IstOperatorTunnelDescription *self = IST_OPERATOR_TUNNEL_DESCRIPTION (object);

  switch (prop_id)
    {
    case PROP_TUNNEL_ID:
      g_value_set_string (value, self->tunnel_id);
      break;
    case PROP_ARN:
      g_value_set_string (value, self->arn);
      break;
    case PROP_IS_OPEN:
      g_value_set_boolean (value, self->is_open);
      break;
    case PROP_DESCRIPTION:
      g_value_set_string (value, self->description);
      break;
    case PROP_CREATED_AT:
      g_value_set_int64 (value, self->created_at);
      break;
    case PROP_UPDATED_AT:
      g_value_set_int64 (value, self->updated_at);
      break;
    case PROP_THING_NAME:
      g_value_set_string (value, self->thing_name);
      break;
    case PROP_SERVICE_IDS:
      g_value_set_boxed (value, self->service_ids);
      break;
    case PROP_LIFETIME:
      g_value_set_uint (value, self->lifetime);
      break;
    case PROP_SOURCE_CONNECTED:
      g_value_set_boolean (value, self->source_connected);
      break;
    case PROP_SOURCE_CHANGED_AT:
      g_value_set_int64 (value, self->source_changed_at);
      break;
    case PROP_DESTINATION_CONNECTED:
      g_value_set_boolean (value, self->destination_connected);
      break;
    case PROP_DESTINATION_CHANGED_AT:
      g_value_set_int64 (value, self->destination_changed_at);
      break;
    case PROP_TAGS:
      g_value_set_boxed (value, self->tags);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_tunnel_description_class_init (IstOperatorTunnelDescriptionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = ist_operator_tunnel_description_finalize;
  object_class->get_property = ist_operator_tunnel_description_get_property;

  /**
   * IstOperatorTunnelDescription:tunnel-id: (getter get_tunnel_id)
   *
   * What the service calls the tunnel.
   *
   * Since: 1.0
   */
  properties[PROP_TUNNEL_ID] = g_param_spec_string ("tunnel-id", NULL, NULL, NULL, flags);

  /**
   * IstOperatorTunnelDescription:arn: (getter get_arn)
   *
   * The tunnel's name in all of AWS.
   *
   * Since: 1.0
   */
  properties[PROP_ARN] = g_param_spec_string ("arn", NULL, NULL, NULL, flags);

  /**
   * IstOperatorTunnelDescription:is-open: (getter get_is_open)
   *
   * Whether the tunnel is open: closed ones are told of for some hours, too.
   *
   * Since: 1.0
   */
  properties[PROP_IS_OPEN] = g_param_spec_boolean ("is-open", NULL, NULL, FALSE, flags);

  /**
   * IstOperatorTunnelDescription:description: (getter get_description)
   *
   * What whoever opened the tunnel has written of it.
   *
   * Since: 1.0
   */
  properties[PROP_DESCRIPTION] = g_param_spec_string ("description", NULL, NULL, NULL, flags);

  /**
   * IstOperatorTunnelDescription:created-at: (getter get_created_at)
   *
   * When the tunnel was opened, in microseconds since the beginning of 1970, UTC; 0
   * if that is not known.
   *
   * Since: 1.0
   */
  properties[PROP_CREATED_AT] = g_param_spec_int64 ("created-at", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * IstOperatorTunnelDescription:updated-at: (getter get_updated_at)
   *
   * When the tunnel has changed last, in microseconds since the beginning of 1970,
   * UTC; 0 if that is not known.
   *
   * Since: 1.0
   */
  properties[PROP_UPDATED_AT] = g_param_spec_int64 ("updated-at", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * IstOperatorTunnelDescription:thing-name: (getter get_thing_name)
   *
   * The thing that the tunnel leads to; %NULL in a list, and if none was named.
   *
   * Since: 1.0
   */
  properties[PROP_THING_NAME] = g_param_spec_string ("thing-name", NULL, NULL, NULL, flags);

  /**
   * IstOperatorTunnelDescription:service-ids: (getter get_service_ids)
   *
   * The services that the tunnel was opened for; none in a list.
   *
   * Since: 1.0
   */
  properties[PROP_SERVICE_IDS] = g_param_spec_boxed ("service-ids", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * IstOperatorTunnelDescription:lifetime: (getter get_lifetime)
   *
   * Minutes after which the service closes the tunnel, counted from when it was
   * opened; 0 in a list.
   *
   * Since: 1.0
   */
  properties[PROP_LIFETIME] = g_param_spec_uint ("lifetime", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * IstOperatorTunnelDescription:source-connected: (getter get_source_connected)
   *
   * Whether somebody is connected on the operator's side; %FALSE in a list.
   *
   * Since: 1.0
   */
  properties[PROP_SOURCE_CONNECTED] = g_param_spec_boolean ("source-connected", NULL, NULL, FALSE, flags);

  /**
   * IstOperatorTunnelDescription:source-changed-at: (getter get_source_changed_at)
   *
   * When the operator's side has connected or left last, in microseconds since the
   * beginning of 1970, UTC; 0 if that is not known.
   *
   * Since: 1.0
   */
  properties[PROP_SOURCE_CHANGED_AT] = g_param_spec_int64 ("source-changed-at", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * IstOperatorTunnelDescription:destination-connected: (getter get_destination_connected)
   *
   * Whether the device is connected; %FALSE in a list.
   *
   * Since: 1.0
   */
  properties[PROP_DESTINATION_CONNECTED] = g_param_spec_boolean ("destination-connected", NULL, NULL, FALSE, flags);

  /**
   * IstOperatorTunnelDescription:destination-changed-at: (getter get_destination_changed_at)
   *
   * When the device has connected or left last, in microseconds since the beginning
   * of 1970, UTC; 0 if that is not known.
   *
   * Since: 1.0
   */
  properties[PROP_DESTINATION_CHANGED_AT] =
    g_param_spec_int64 ("destination-changed-at", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * IstOperatorTunnelDescription:tags: (type GHashTable(utf8,utf8)) (getter get_tags)
   *
   * The tunnel's tags; none in a list.
   *
   * Since: 1.0
   */
  properties[PROP_TAGS] = g_param_spec_boxed ("tags", NULL, NULL, G_TYPE_HASH_TABLE, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ist_operator_tunnel_description_init (IstOperatorTunnelDescription *self)
{
  self->service_ids = g_new0 (char *, 1);
  self->tags = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
take_side (JsonObject *tunnel,
           const char *name,
           gboolean *connected,
           gint64 *changed_at)
{
  JsonObject *state = ist_operator_json_get_object (tunnel, name);

  *connected = g_strcmp0 (ist_operator_json_get_string (state, "status"), "CONNECTED") == 0;
  *changed_at = ist_operator_json_get_time (state, "lastUpdatedAt");
}

IstOperatorTunnelDescription *
ist_operator_tunnel_description_new (JsonObject *tunnel)
{
  const char *tunnel_id = ist_operator_json_get_string (tunnel, "tunnelId");
  const char *status = ist_operator_json_get_string (tunnel, "status");
  IstOperatorTunnelDescription *self;
  JsonObject *destination;

  if (tunnel_id == NULL || *tunnel_id == '\0' || status == NULL)
    return NULL;
  self = g_object_new (IST_OPERATOR_TYPE_TUNNEL_DESCRIPTION, NULL);
  self->tunnel_id = g_strdup (tunnel_id);
  self->arn = g_strdup (ist_operator_json_get_string (tunnel, "tunnelArn"));
  self->is_open = strcmp (status, "OPEN") == 0;
  self->description = g_strdup (ist_operator_json_get_string (tunnel, "description"));
  self->created_at = ist_operator_json_get_time (tunnel, "createdAt");
  self->updated_at = ist_operator_json_get_time (tunnel, "lastUpdatedAt");
  self->lifetime = ist_operator_json_get_uint (ist_operator_json_get_object (tunnel, "timeoutConfig"),
                                               "maxLifetimeTimeoutMinutes");
  take_side (tunnel, "sourceConnectionState", &self->source_connected, &self->source_changed_at);
  take_side (tunnel, "destinationConnectionState", &self->destination_connected, &self->destination_changed_at);

  destination = ist_operator_json_get_object (tunnel, "destinationConfig");
  self->thing_name = g_strdup (ist_operator_json_get_string (destination, "thingName"));
  g_strfreev (self->service_ids);
  self->service_ids = ist_operator_json_get_strings (destination, "services");
  g_hash_table_unref (self->tags);
  self->tags = ist_operator_json_get_tags (tunnel, "tags");
  return self;
}

/**
 * ist_operator_tunnel_description_get_tunnel_id: (get-property tunnel-id)
 * @self: a description
 *
 * Gets what the service calls the tunnel.
 *
 * Returns: (transfer none) (nullable): the id; %NULL if a program has made the object
 *
 * Since: 1.0
 */
const char *
ist_operator_tunnel_description_get_tunnel_id (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), NULL);

  return self->tunnel_id;
}

/**
 * ist_operator_tunnel_description_get_arn: (get-property arn)
 * @self: a description
 *
 * Gets the tunnel's name in all of AWS.
 *
 * Returns: (transfer none) (nullable): the name; %NULL if the service has not said it
 *
 * Since: 1.0
 */
const char *
ist_operator_tunnel_description_get_arn (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), NULL);

  return self->arn;
}

/**
 * ist_operator_tunnel_description_get_is_open: (get-property is-open)
 * @self: a description
 *
 * Gets whether the tunnel is open.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
ist_operator_tunnel_description_get_is_open (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), FALSE);

  return self->is_open;
}

/**
 * ist_operator_tunnel_description_get_description: (get-property description)
 * @self: a description
 *
 * Gets what whoever opened the tunnel has written of it.
 *
 * Returns: (transfer none) (nullable): the text, which is somebody else's, or %NULL
 *
 * Since: 1.0
 */
const char *
ist_operator_tunnel_description_get_description (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), NULL);

  return self->description;
}

/**
 * ist_operator_tunnel_description_get_created_at: (get-property created-at)
 * @self: a description
 *
 * Gets when the tunnel was opened.
 *
 * Returns: microseconds since the beginning of 1970, UTC; 0 if that is not known
 *
 * Since: 1.0
 */
gint64
ist_operator_tunnel_description_get_created_at (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), 0);

  return self->created_at;
}

/**
 * ist_operator_tunnel_description_get_updated_at: (get-property updated-at)
 * @self: a description
 *
 * Gets when the tunnel has changed last.
 *
 * Returns: microseconds since the beginning of 1970, UTC; 0 if that is not known
 *
 * Since: 1.0
 */
gint64
ist_operator_tunnel_description_get_updated_at (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), 0);

  return self->updated_at;
}

/**
 * ist_operator_tunnel_description_get_thing_name: (get-property thing-name)
 * @self: a description
 *
 * Gets the thing that the tunnel leads to.
 *
 * Returns: (transfer none) (nullable): the name; %NULL in a list, and if none was named
 *
 * Since: 1.0
 */
const char *
ist_operator_tunnel_description_get_thing_name (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), NULL);

  return self->thing_name;
}

/**
 * ist_operator_tunnel_description_get_service_ids: (get-property service-ids)
 * @self: a description
 *
 * Gets the services that the tunnel was opened for.
 *
 * Returns: (transfer none) (array zero-terminated=1): the services; none in a list
 *
 * Since: 1.0
 */
const char *const *
ist_operator_tunnel_description_get_service_ids (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), NULL);

  return (const char *const *) self->service_ids;
}

/**
 * ist_operator_tunnel_description_get_lifetime: (get-property lifetime)
 * @self: a description
 *
 * Gets how long the tunnel may live.
 *
 * Returns: minutes from when it was opened; 0 in a list
 *
 * Since: 1.0
 */
guint
ist_operator_tunnel_description_get_lifetime (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), 0);

  return self->lifetime;
}

/**
 * ist_operator_tunnel_description_get_source_connected: (get-property source-connected)
 * @self: a description
 *
 * Gets whether somebody is connected on the operator's side.
 *
 * Returns: %TRUE if somebody is; %FALSE in a list
 *
 * Since: 1.0
 */
gboolean
ist_operator_tunnel_description_get_source_connected (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), FALSE);

  return self->source_connected;
}

/**
 * ist_operator_tunnel_description_get_source_changed_at: (get-property source-changed-at)
 * @self: a description
 *
 * Gets when the operator's side has connected or left last.
 *
 * Returns: microseconds since the beginning of 1970, UTC; 0 if that is not known
 *
 * Since: 1.0
 */
gint64
ist_operator_tunnel_description_get_source_changed_at (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), 0);

  return self->source_changed_at;
}

/**
 * ist_operator_tunnel_description_get_destination_connected: (get-property destination-connected)
 * @self: a description
 *
 * Gets whether the device is connected.
 *
 * Returns: %TRUE if it is; %FALSE in a list
 *
 * Since: 1.0
 */
gboolean
ist_operator_tunnel_description_get_destination_connected (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), FALSE);

  return self->destination_connected;
}

/**
 * ist_operator_tunnel_description_get_destination_changed_at: (get-property destination-changed-at)
 * @self: a description
 *
 * Gets when the device has connected or left last.
 *
 * Returns: microseconds since the beginning of 1970, UTC; 0 if that is not known
 *
 * Since: 1.0
 */
gint64
ist_operator_tunnel_description_get_destination_changed_at (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), 0);

  return self->destination_changed_at;
}

/**
 * ist_operator_tunnel_description_get_tags: (get-property tags)
 * @self: a description
 *
 * Gets the tunnel's tags.
 *
 * Returns: (transfer none) (element-type utf8 utf8): the values by their keys; none in a list
 *
 * Since: 1.0
 */
GHashTable *
ist_operator_tunnel_description_get_tags (IstOperatorTunnelDescription *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_TUNNEL_DESCRIPTION (self), NULL);

  return self->tags;
}
