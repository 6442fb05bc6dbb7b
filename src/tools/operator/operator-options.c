/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-options.h"

#include <string.h>

#include "common/ist-names-private.h"
#include "common/ist-text-private.h"
#include "tools/operator/operator-limits.h"

/* What one must be that is none of them. */
#define UNKNOWN "one that this call knows"

static gboolean
fail (GError **error,
      const char *key,
      const char *wanted)
{
  g_autofree char *safe = ist_text_make_safe (key, -1, OPERATOR_MAX_PROGRESS);

  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "The option “%s” must be %s", safe, wanted);
  return FALSE;
}

static gboolean
parse_text (const char *key,
            GVariant *value,
            gsize max_length,
            char **text,
            GError **error)
{
  gsize length;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return fail (error, key, "a string");
  g_variant_get_string (value, &length);
  if (length > max_length)
    return fail (error, key, "shorter");
  g_free (*text);
  /* As if it were left out. */
  *text = length > 0 ? g_variant_dup_string (value, NULL) : NULL;
  return TRUE;
}

static gboolean
parse_number (const char *key,
              GVariant *value,
              guint most,
              IstOperatorOptions *options,
              const char *property,
              GError **error)
{
  guint number = g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32) ? g_variant_get_uint32 (value) : 0;
  g_autofree char *wanted = NULL;

  if (number >= 1 && number <= most)
    {
      g_object_set (options, property, number, NULL);
      return TRUE;
    }
  wanted = g_strdup_printf ("a number from 1 to %u (u)", most);
  return fail (error, key, wanted);
}

static gboolean
parse_reuse (GVariant *value,
             IstOperatorOptions *options,
             GError **error)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (IST_OPERATOR_TYPE_REUSE);
  GEnumValue *found = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    found = g_enum_get_value_by_nick (class, g_variant_get_string (value, NULL));
  if (found == NULL)
    return fail (error, "reuse", "“own”, “any” or “never”");
  ist_operator_options_set_reuse (options, found->value);
  return TRUE;
}

static gboolean
parse_keep (GVariant *value,
            gboolean *keep,
            GError **error)
{
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return fail (error, "keep", "true or false (b)");
  *keep = g_variant_get_boolean (value);
  return TRUE;
}

static gboolean
options_parse_one (OperatorOptions *self,
                   OperatorOptionsKind kind,
                   const char *key,
                   GVariant *value,
                   GError **error)
{
  if (strcmp (key, "profile") == 0)
    return parse_text (key, value, OPERATOR_MAX_TEXT, &self->account.profile, error);
  if (strcmp (key, "region") == 0)
    return parse_text (key, value, OPERATOR_MAX_TEXT, &self->account.region, error);
  if (strcmp (key, "endpoint-url") == 0)
    return parse_text (key, value, OPERATOR_MAX_TEXT, &self->account.endpoint_url, error);
  if (strcmp (key, "ca-file") == 0)
    return parse_text (key, value, OPERATOR_MAX_TEXT, &self->account.ca_file, error);
  if (kind == OPERATOR_OPTIONS_OF_THINGS)
    return fail (error, key, UNKNOWN);
  if (strcmp (key, "progress") == 0)
    return parse_text (key, value, OPERATOR_MAX_PROGRESS, &self->progress, error);
  if (strcmp (key, "reuse") == 0)
    return parse_reuse (value, self->tunnel, error);
  if (strcmp (key, "lifetime") == 0)
    return parse_number (key, value, OPERATOR_MAX_LIFETIME, self->tunnel, "lifetime", error);
  if (strcmp (key, "timeout") == 0)
    return parse_number (key, value, OPERATOR_MAX_TIMEOUT, self->tunnel, "device-timeout", error);
  if (kind != OPERATOR_OPTIONS_OF_CONNECT && strcmp (key, "keep") == 0)
    return parse_keep (value, &self->keep, error);
  return fail (error, key, UNKNOWN);
}

static gboolean
options_check (const OperatorOptions *self,
               GError **error)
{
  if (self->account.region != NULL && !ist_region_is_valid (self->account.region))
    return fail (error, "region", "the name of a region, such as eu-central-1");
  if (self->account.ca_file != NULL && !g_path_is_absolute (self->account.ca_file))
    return fail (error, "ca-file", "an absolute path");
  return TRUE;
}

gboolean
operator_options_parse (OperatorOptions *self,
                        OperatorOptionsKind kind,
                        GVariant *dictionary,
                        GError **error)
{
  GVariantIter iter;
  const char *key;
  GVariant *item;

  self->tunnel = ist_operator_options_new ();
  self->keep = kind == OPERATOR_OPTIONS_OF_OPEN;
  g_variant_iter_init (&iter, dictionary);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &item))
    {
      g_autoptr (GVariant) value = item;

      if (!options_parse_one (self, kind, key, value, error))
        return FALSE;
    }
  return options_check (self, error);
}

void
operator_options_clear (OperatorOptions *self)
{
  operator_account_name_clear (&self->account);
  g_clear_object (&self->tunnel);
  g_clear_pointer (&self->progress, g_free);
}
