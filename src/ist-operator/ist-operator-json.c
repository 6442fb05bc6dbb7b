/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-json-private.h"

#include <string.h>

#include "common/ist-json-private.h"

/* The year 5138: microseconds of it fit. */
#define MAX_TIME 1e11

JsonObject *
ist_operator_json_parse (const char *text,
                         gsize length)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonNode *root;

  if (strlen (text) != length || !ist_json_check (text, NULL) ||
      !json_parser_load_from_data (parser, text, length, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  return root != NULL && JSON_NODE_HOLDS_OBJECT (root) ? json_node_dup_object (root) : NULL;
}

static JsonNode *
get_member (JsonObject *object,
            const char *name)
{
  return object != NULL ? json_object_get_member (object, name) : NULL;
}

static const char *
get_string (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
           ? json_node_get_string (node)
           : NULL;
}

static gboolean
is_number (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
         (json_node_get_value_type (node) == G_TYPE_INT64 || json_node_get_value_type (node) == G_TYPE_DOUBLE);
}

const char *
ist_operator_json_get_string (JsonObject *object,
                              const char *name)
{
  return get_string (get_member (object, name));
}

JsonObject *
ist_operator_json_get_object (JsonObject *object,
                              const char *name)
{
  JsonNode *node = get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
ist_operator_json_get_array (JsonObject *object,
                             const char *name)
{
  JsonNode *node = get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

guint
ist_operator_json_get_uint (JsonObject *object,
                            const char *name)
{
  JsonNode *node = get_member (object, name);

  return is_number (node) ? (guint) CLAMP (json_node_get_double (node), 0, G_MAXINT) : 0;
}

gint64
ist_operator_json_get_time (JsonObject *object,
                            const char *name)
{
  JsonNode *node = get_member (object, name);
  double seconds = is_number (node) ? json_node_get_double (node) : 0;

  return seconds > 0 && seconds < MAX_TIME ? (gint64) (seconds * G_USEC_PER_SEC) : 0;
}

char **
ist_operator_json_get_strings (JsonObject *object,
                               const char *name)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  JsonArray *array = ist_operator_json_get_array (object, name);
  guint length = array != NULL ? json_array_get_length (array) : 0;

  for (guint i = 0; i < length; i++)
    {
      const char *text = get_string (json_array_get_element (array, i));

      if (text != NULL)
        g_strv_builder_add (builder, text);
    }
  return g_strv_builder_end (builder);
}

GHashTable *
ist_operator_json_get_tags (JsonObject *object,
                            const char *name)
{
  GHashTable *tags = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  JsonArray *array = ist_operator_json_get_array (object, name);
  guint length = array != NULL ? json_array_get_length (array) : 0;

  for (guint i = 0; i < length; i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonObject *tag = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *key = ist_operator_json_get_string (tag, "key");
      const char *value = ist_operator_json_get_string (tag, "value");

      if (key != NULL && value != NULL)
        g_hash_table_replace (tags, g_strdup (key), g_strdup (value));
    }
  return tags;
}
