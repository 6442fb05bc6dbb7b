/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <ist-operator/ist-operator-options.h>

#include "ist-operator/ist-operator-search-private.h"

/* Seconds */
#define DEFAULT_DEVICE_TIMEOUT 60
#define MAX_DEVICE_TIMEOUT 86400

G_DEFINE_ENUM_TYPE (IstOperatorReuse,
                    ist_operator_reuse,
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_REUSE_OWN, "own"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_REUSE_ANY, "any"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_REUSE_NEVER, "never"))

/**
 * IstOperatorOptions:
 *
 * What a call of an [class@IstOperator.Client] wants of its tunnel: which will do, how long
 * a new one lives, and how long the device is waited for.
 *
 * Each call that takes options reads them when it is made; a change is for those to come.
 * They are for that call alone: others that share its tunnel have theirs.
 *
 * ```python
 * patient = IstOperator.Options(reuse=IstOperator.Reuse.ANY, device_timeout=600)
 * client.connect_async('pump-7', 'SSH', patient, None, on_connected)
 * ```
 *
 * Since: 1.0
 */
struct _IstOperatorOptions
{
  GObject parent_instance;

  IstOperatorReuse reuse;
  guint lifetime;
  guint device_timeout;
};

enum
{
  PROP_REUSE = 1,
  PROP_LIFETIME,
  PROP_DEVICE_TIMEOUT,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (IstOperatorOptions, ist_operator_options, G_TYPE_OBJECT)

/* GObject */

static void
ist_operator_options_get_property (GObject *object,
                                   guint prop_id,
                                   GValue *value,
                                   GParamSpec *pspec)
{
  IstOperatorOptions *self = IST_OPERATOR_OPTIONS (object);

  switch (prop_id)
    {
    case PROP_REUSE:
      g_value_set_enum (value, self->reuse);
      break;
    case PROP_LIFETIME:
      g_value_set_uint (value, self->lifetime);
      break;
    case PROP_DEVICE_TIMEOUT:
      g_value_set_uint (value, self->device_timeout);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_options_set_property (GObject *object,
                                   guint prop_id,
                                   const GValue *value,
                                   GParamSpec *pspec)
{
  IstOperatorOptions *self = IST_OPERATOR_OPTIONS (object);

  switch (prop_id)
    {
    case PROP_REUSE:
      ist_operator_options_set_reuse (self, g_value_get_enum (value));
      break;
    case PROP_LIFETIME:
      ist_operator_options_set_lifetime (self, g_value_get_uint (value));
      break;
    case PROP_DEVICE_TIMEOUT:
      ist_operator_options_set_device_timeout (self, g_value_get_uint (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_options_class_init (IstOperatorOptionsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = ist_operator_options_get_property;
  object_class->set_property = ist_operator_options_set_property;

  /**
   * IstOperatorOptions:reuse: (getter get_reuse) (setter set_reuse)
   *
   * Which tunnels are used before one is opened.
   *
   * Since: 1.0
   */
  properties[PROP_REUSE] =
    g_param_spec_enum ("reuse", NULL, NULL, IST_OPERATOR_TYPE_REUSE, IST_OPERATOR_REUSE_OWN, flags);

  /**
   * IstOperatorOptions:lifetime: (getter get_lifetime) (setter set_lifetime)
   *
   * After how many minutes the service is to close a tunnel that is opened for the call,
   * whatever uses it; 0 for the service's own limit, 12 hours.
   *
   * Since: 1.0
   */
  properties[PROP_LIFETIME] = g_param_spec_uint ("lifetime", NULL, NULL, 0, IST_OPERATOR_MAX_LIFETIME, 0, flags);

  /**
   * IstOperatorOptions:device-timeout: (getter get_device_timeout) (setter set_device_timeout)
   *
   * For how many seconds a device, and the connection to the tunnel, are waited for once
   * there is a tunnel.
   *
   * Since: 1.0
   */
  properties[PROP_DEVICE_TIMEOUT] =
    g_param_spec_uint ("device-timeout", NULL, NULL, 1, MAX_DEVICE_TIMEOUT, DEFAULT_DEVICE_TIMEOUT, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ist_operator_options_init (IstOperatorOptions *self)
{
  self->device_timeout = DEFAULT_DEVICE_TIMEOUT;
}

/**
 * ist_operator_options_new:
 *
 * Makes options that have the defaults.
 *
 * Returns: (transfer full): new options
 *
 * Since: 1.0
 */
IstOperatorOptions *
ist_operator_options_new (void)
{
  return g_object_new (IST_OPERATOR_TYPE_OPTIONS, NULL);
}

/**
 * ist_operator_options_get_reuse: (get-property reuse)
 * @self: options
 *
 * Gets which tunnels are used before one is opened.
 *
 * Returns: the policy
 *
 * Since: 1.0
 */
IstOperatorReuse
ist_operator_options_get_reuse (IstOperatorOptions *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_OPTIONS (self), IST_OPERATOR_REUSE_OWN);

  return self->reuse;
}

/**
 * ist_operator_options_set_reuse: (set-property reuse)
 * @self: options
 * @reuse: the policy
 *
 * Says which tunnels are used before one is opened.
 *
 * Since: 1.0
 */
void
ist_operator_options_set_reuse (IstOperatorOptions *self,
                                IstOperatorReuse reuse)
{
  g_return_if_fail (IST_OPERATOR_IS_OPTIONS (self));

  if (self->reuse == reuse)
    return;
  self->reuse = reuse;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REUSE]);
}

static void
options_set_number (IstOperatorOptions *self,
                    guint *option,
                    guint number,
                    guint prop_id)
{
  if (*option == number)
    return;
  *option = number;
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop_id]);
}

/**
 * ist_operator_options_get_lifetime: (get-property lifetime)
 * @self: options
 *
 * Gets after how many minutes the service is to close a tunnel.
 *
 * Returns: minutes; 0 for the service's own limit
 *
 * Since: 1.0
 */
guint
ist_operator_options_get_lifetime (IstOperatorOptions *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_OPTIONS (self), 0);

  return self->lifetime;
}

/**
 * ist_operator_options_set_lifetime: (set-property lifetime)
 * @self: options
 * @minutes: after how many minutes the service is to close a tunnel; 0 for its own limit
 *
 * Sets [property@IstOperator.Options:lifetime].
 *
 * Since: 1.0
 */
void
ist_operator_options_set_lifetime (IstOperatorOptions *self,
                                   guint minutes)
{
  g_return_if_fail (IST_OPERATOR_IS_OPTIONS (self));
  g_return_if_fail (minutes <= IST_OPERATOR_MAX_LIFETIME);

  options_set_number (self, &self->lifetime, minutes, PROP_LIFETIME);
}

/**
 * ist_operator_options_get_device_timeout: (get-property device-timeout)
 * @self: options
 *
 * Gets how long a device is waited for.
 *
 * Returns: seconds
 *
 * Since: 1.0
 */
guint
ist_operator_options_get_device_timeout (IstOperatorOptions *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_OPTIONS (self), 0);

  return self->device_timeout;
}

/**
 * ist_operator_options_set_device_timeout: (set-property device-timeout)
 * @self: options
 * @seconds: how long a device is waited for
 *
 * Sets [property@IstOperator.Options:device-timeout].
 *
 * Since: 1.0
 */
void
ist_operator_options_set_device_timeout (IstOperatorOptions *self,
                                         guint seconds)
{
  g_return_if_fail (IST_OPERATOR_IS_OPTIONS (self));
  g_return_if_fail (seconds >= 1 && seconds <= MAX_DEVICE_TIMEOUT);

  options_set_number (self, &self->device_timeout, seconds, PROP_DEVICE_TIMEOUT);
}
