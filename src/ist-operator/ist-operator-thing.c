/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-thing-private.h"

#include "common/ist-names-private.h"

/**
 * IstOperatorThing:
 *
 * A thing of AWS IoT, as [method@IstOperator.ControlPlane.list_things_async] finds it: a
 * device that the account knows. Whether anything runs on it that takes tunnels, the
 * service does not say.
 *
 * Since: 1.0
 */
struct _IstOperatorThing
{
  GObject parent_instance;

  char *name;
  char *type_name;
};

G_DEFINE_FINAL_TYPE (IstOperatorThing, ist_operator_thing, G_TYPE_OBJECT)

enum
{
  PROP_NAME = 1,
  PROP_TYPE_NAME,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
ist_operator_thing_finalize (GObject *object)
{
  IstOperatorThing *self = IST_OPERATOR_THING (object);

  g_free (self->name);
  g_free (self->type_name);

  G_OBJECT_CLASS (ist_operator_thing_parent_class)->finalize (object);
}

static void
ist_operator_thing_get_property (GObject *object,
                                 guint prop_id,
                                 GValue *value,
                                 GParamSpec *pspec)
{
  IstOperatorThing *self = IST_OPERATOR_THING (object);

  switch (prop_id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_TYPE_NAME:
      g_value_set_string (value, self->type_name);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_thing_class_init (IstOperatorThingClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = ist_operator_thing_finalize;
  object_class->get_property = ist_operator_thing_get_property;

  /**
   * IstOperatorThing:name: (getter get_name)
   *
   * The name of the thing, by which tunnels are opened to it.
   *
   * Since: 1.0
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);

  /**
   * IstOperatorThing:type-name: (getter get_type_name)
   *
   * The name of its thing type.
   *
   * Since: 1.0
   */
  properties[PROP_TYPE_NAME] = g_param_spec_string ("type-name", NULL, NULL, NULL, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ist_operator_thing_init (IstOperatorThing *self)
{
}

IstOperatorThing *
ist_operator_thing_new (const char *name,
                        const char *type_name)
{
  IstOperatorThing *self;

  if (!ist_name_is_valid (name))
    return NULL;
  self = g_object_new (IST_OPERATOR_TYPE_THING, NULL);
  self->name = g_strdup (name);
  if (type_name != NULL && ist_name_is_valid (type_name))
    self->type_name = g_strdup (type_name);
  return self;
}

/**
 * ist_operator_thing_get_name: (get-property name)
 * @self: a thing
 *
 * Gets the name of the thing: only letters and digits of ASCII, and `:`, `_` and `-`.
 *
 * Returns: (transfer none) (nullable): the name; %NULL if a program has made the object
 *
 * Since: 1.0
 */
const char *
ist_operator_thing_get_name (IstOperatorThing *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_THING (self), NULL);

  return self->name;
}

/**
 * ist_operator_thing_get_type_name: (get-property type-name)
 * @self: a thing
 *
 * Gets the name of its thing type, of the same characters.
 *
 * Returns: (transfer none) (nullable): the name; %NULL if it has no type
 *
 * Since: 1.0
 */
const char *
ist_operator_thing_get_type_name (IstOperatorThing *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_THING (self), NULL);

  return self->type_name;
}
