/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-operator-settings.h"

#include <glib/gi18n.h>

/* What AWS gives a tunnel at most, in minutes, and the service a device, in seconds. */
#define MAX_LIFETIME 720
#define MAX_TIMEOUT 3600

/* These say where credentials are, or are some: the service has been started without
 * them, and they are not told. */
static const char *const private_variables[] = {
  "AWS_ACCESS_KEY_ID",
  "AWS_CONFIG_FILE",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_USE_DUALSTACK_ENDPOINT",
  "AWS_USE_FIPS_ENDPOINT",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
};

void
tool_operator_settings_clear (ToolOperatorSettings *self)
{
  g_clear_pointer (&self->profile, g_free);
  g_clear_pointer (&self->region, g_free);
  g_clear_pointer (&self->endpoint_url, g_free);
  g_clear_pointer (&self->ca_file, g_free);
  g_clear_pointer (&self->reuse, g_free);
  g_clear_pointer (&self->obstacle, g_free);
}

static const char *
get_variable (const char *name)
{
  const char *value = g_getenv (name);

  return value != NULL && *value != '\0' ? value : NULL;
}

/* The first of them that is set. */
static void
take_variable (char **setting,
               const char *name,
               const char *or_name)
{
  const char *value = get_variable (name);

  if (value == NULL)
    value = get_variable (or_name);
  if (*setting == NULL)
    *setting = g_strdup (value);
}

static gboolean
check_number (const char *option,
              int number,
              int most,
              GError **error)
{
  if (number >= 0 && number <= most)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%s: %d is not a number from 1 to %d"), option,
               number, most);
  return FALSE;
}

static gboolean
parse_reuse (const char *nick,
             IstOperatorReuse *reuse)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (IST_OPERATOR_TYPE_REUSE);
  GEnumValue *value = g_enum_get_value_by_nick (class, nick);

  if (value != NULL)
    *reuse = value->value;
  return value != NULL;
}

static gboolean
settings_check (const ToolOperatorSettings *self,
                GError **error)
{
  IstOperatorReuse reuse;

  if (self->reuse == NULL || parse_reuse (self->reuse, &reuse))
    return check_number ("--lifetime", self->lifetime, MAX_LIFETIME, error) &&
           check_number ("--timeout", self->timeout, MAX_TIMEOUT, error);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("--reuse: “%s” is neither “own” nor “any” nor “never”"), self->reuse);
  return FALSE;
}

gboolean
tool_operator_settings_complete (ToolOperatorSettings *self,
                                 GError **error)
{
  const char *ignored = get_variable ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");

  if (!settings_check (self, error))
    return FALSE;
  take_variable (&self->profile, "AWS_PROFILE", "AWS_DEFAULT_PROFILE");
  take_variable (&self->region, "AWS_REGION", "AWS_DEFAULT_REGION");
  take_variable (&self->ca_file, "AWS_CA_BUNDLE", "AWS_CA_BUNDLE");
  if (ignored == NULL || g_ascii_strcasecmp (ignored, "true") != 0)
    {
      if (self->of_things)
        take_variable (&self->endpoint_url, "AWS_ENDPOINT_URL_IOT", "AWS_ENDPOINT_URL");
      take_variable (&self->endpoint_url, "AWS_ENDPOINT_URL_IOTSECURETUNNELING", "AWS_ENDPOINT_URL");
    }
  /* The service works in another folder. */
  if (self->ca_file != NULL)
    {
      g_autofree char *relative = g_steal_pointer (&self->ca_file);

      self->ca_file = g_canonicalize_filename (relative, NULL);
    }
  return TRUE;
}

char *
tool_operator_settings_get_obstacle (const ToolOperatorSettings *self)
{
  if (self->no_share)
    return g_strdup (_ ("--no-share was given"));
  if (self->obstacle != NULL)
    return g_strdup (self->obstacle);
  for (gsize i = 0; i < G_N_ELEMENTS (private_variables); i++)
    {
      if (get_variable (private_variables[i]) != NULL)
        return g_strdup_printf (_ ("%s is set, which is not told to other programs"), private_variables[i]);
    }
  return NULL;
}

static void
add_text (GVariantDict *options,
          const char *key,
          const char *value)
{
  if (value != NULL)
    g_variant_dict_insert (options, key, "s", value);
}

GVariantDict *
tool_operator_settings_to_options (const ToolOperatorSettings *self)
{
  GVariantDict *options = g_variant_dict_new (NULL);

  add_text (options, "profile", self->profile);
  add_text (options, "region", self->region);
  add_text (options, "endpoint-url", self->endpoint_url);
  add_text (options, "ca-file", self->ca_file);
  add_text (options, "reuse", self->reuse);
  if (self->lifetime != 0)
    g_variant_dict_insert (options, "lifetime", "u", self->lifetime);
  if (self->timeout != 0)
    g_variant_dict_insert (options, "timeout", "u", self->timeout);
  return options;
}

IstOperatorClient *
tool_operator_settings_make_client (const ToolOperatorSettings *self,
                                    GError **error)
{
  g_autoptr (IstOperatorCredentials) credentials = ist_operator_credentials_new (self->profile);
  g_autoptr (IstOperatorControlPlane) control_plane = NULL;
  IstOperatorReuse reuse = IST_OPERATOR_REUSE_OWN;
  IstOperatorClient *client;
  IstOperatorOptions *options;

  control_plane = g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, error,
                                  "credentials", credentials,
                                  "region", self->region,
                                  "endpoint-url", self->endpoint_url,
                                  "ca-file", self->ca_file,
                                  NULL);
  if (control_plane == NULL)
    return NULL;
  client = ist_operator_client_new (control_plane);
  options = ist_operator_client_get_options (client);
  if (self->reuse != NULL && parse_reuse (self->reuse, &reuse))
    ist_operator_options_set_reuse (options, reuse);
  ist_operator_options_set_lifetime (options, self->lifetime);
  if (self->timeout != 0)
    ist_operator_options_set_device_timeout (options, self->timeout);
  return client;
}
