/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-shape-private.h"

#include <string.h>

#include "common/ist-json-private.h"

/* How much of a wrong value, in characters, and how many wrong values an answer
 * repeats. */
#define MAX_ECHO 128
#define MAX_FAULTS 20

/* The formatter takes the dashes for signs. */
/* clang-format off */
G_DEFINE_QUARK (ist-emulator-control-error-quark, ist_emulator_control_error)
/* clang-format on */

/* Where in the request the check is, and what it has found. */
typedef struct
{
  GString *path;
  GPtrArray *faults; /* of char */
  guint n_faults;
} Check;

static gboolean check_node (Check *check, const IstEmulatorShape *shape, JsonNode *node, GError **error);

static void
shape_set_serialization_error (GError **error,
                               const char *message)
{
  g_set_error_literal (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_SERIALIZATION, message);
}

G_GNUC_PRINTF (3, 4)
static void
check_add_fault (Check *check,
                 const char *value,
                 const char *format,
                 ...)
{
  g_autofree char *constraint = NULL;
  g_autofree char *shown = NULL;
  va_list args;

  if (++check->n_faults > MAX_FAULTS)
    return;

  va_start (args, format);
  constraint = g_strdup_vprintf (format, args);
  va_end (args);
  if (value == NULL)
    shown = g_strdup ("null");
  else if (g_utf8_strlen (value, -1) > MAX_ECHO)
    {
      g_autofree char *beginning = g_utf8_substring (value, 0, MAX_ECHO);

      shown = g_strdup_printf ("'%s…'", beginning);
    }
  else
    shown = g_strdup_printf ("'%s'", value);
  g_ptr_array_add (check->faults,
                   g_strdup_printf ("Value %s at '%s' failed to satisfy constraint: Member must %s",
                                    shown, check->path->str, constraint));
}

static gboolean
check_set_type_error (Check *check,
                      const char *type,
                      GError **error)
{
  g_set_error (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_SERIALIZATION,
               "The value at '%s' can not be converted to %s", check->path->str, type);
  return FALSE;
}

static gboolean
shape_matches (const char *pattern,
               const char *value)
{
  g_autofree char *whole = g_strdup_printf ("^(?:%s)$", pattern);

  return g_regex_match_simple (whole, value, G_REGEX_DOLLAR_ENDONLY, 0);
}

static void
check_length (Check *check,
              const IstEmulatorShape *shape,
              const char *value,
              gint64 length)
{
  if (length < shape->min)
    check_add_fault (check, value, "have length greater than or equal to %" G_GINT64_FORMAT, shape->min);
  if (shape->max != 0 && length > shape->max)
    check_add_fault (check, value, "have length less than or equal to %" G_GINT64_FORMAT, shape->max);
}

static gboolean
check_string (Check *check,
              const IstEmulatorShape *shape,
              JsonNode *node,
              GError **error)
{
  const char *value;

  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return check_set_type_error (check, "a String", error);

  value = json_node_get_string (node);
  check_length (check, shape, value, g_utf8_strlen (value, -1));
  if (shape->pattern != NULL && !shape_matches (shape->pattern, value))
    check_add_fault (check, value, "satisfy regular expression pattern: %s", shape->pattern);
  if (shape->values != NULL && !g_strv_contains (shape->values, value))
    {
      g_autofree char *values = g_strjoinv (", ", (char **) shape->values);

      check_add_fault (check, value, "satisfy enum value set: [%s]", values);
    }
  return TRUE;
}

static gboolean
check_integer (Check *check,
               const IstEmulatorShape *shape,
               JsonNode *node,
               GError **error)
{
  g_autofree char *text = NULL;
  gint64 value;

  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
    return check_set_type_error (check, "an Integer", error);

  value = json_node_get_int (node);
  text = g_strdup_printf ("%" G_GINT64_FORMAT, value);
  if (value < shape->min)
    check_add_fault (check, text, "have value greater than or equal to %" G_GINT64_FORMAT, shape->min);
  if (value > shape->max)
    check_add_fault (check, text, "have value less than or equal to %" G_GINT64_FORMAT, shape->max);
  return TRUE;
}

static gboolean
check_list (Check *check,
            const IstEmulatorShape *shape,
            JsonNode *node,
            GError **error)
{
  gsize before = check->path->len;
  JsonArray *array;
  guint length;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return check_set_type_error (check, "a List", error);

  array = json_node_get_array (node);
  length = json_array_get_length (array);
  check_length (check, shape, "[...]", length);
  for (guint i = 0; i < length; i++)
    {
      gboolean good;

      g_string_append_printf (check->path, ".%u.member", i + 1);
      good = check_node (check, shape->element, json_array_get_element (array, i), error);
      g_string_truncate (check->path, before);
      if (!good)
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_structure (Check *check,
                 const IstEmulatorShape *shape,
                 JsonNode *node,
                 GError **error)
{
  gsize before = check->path->len;
  JsonObject *object;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return check_set_type_error (check, "a Structure", error);

  object = json_node_get_object (node);
  for (const IstEmulatorShapeMember *member = shape->members; member->name != NULL; member++)
    {
      JsonNode *value = json_object_get_member (object, member->name);
      gboolean good = TRUE;

      if (value != NULL && JSON_NODE_HOLDS_NULL (value))
        {
          json_object_remove_member (object, member->name);
          value = NULL;
        }
      if (before > 0)
        g_string_append_c (check->path, '.');
      g_string_append (check->path, member->name);
      if (value != NULL)
        good = check_node (check, member->shape, value, error);
      else if (member->required)
        check_add_fault (check, NULL, "not be null");
      g_string_truncate (check->path, before);
      if (!good)
        return FALSE;
    }
  return TRUE;
}

/* FALSE if it is of another type, after which nothing else is worth saying. */
static gboolean
check_node (Check *check,
            const IstEmulatorShape *shape,
            JsonNode *node,
            GError **error)
{
  switch (shape->kind)
    {
    case IST_EMULATOR_SHAPE_STRING:
      return check_string (check, shape, node, error);
    case IST_EMULATOR_SHAPE_INTEGER:
      return check_integer (check, shape, node, error);
    case IST_EMULATOR_SHAPE_BOOLEAN:
      if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
        return check_set_type_error (check, "a Boolean", error);
      return TRUE;
    case IST_EMULATOR_SHAPE_LIST:
      return check_list (check, shape, node, error);
    case IST_EMULATOR_SHAPE_STRUCTURE:
      return check_structure (check, shape, node, error);
    default:
      g_assert_not_reached ();
    }
}

static void
check_set_validation_error (Check *check,
                            GError **error)
{
  g_autofree char *text = NULL;

  g_ptr_array_add (check->faults, NULL);
  text = g_strjoinv ("; ", (char **) check->faults->pdata);
  g_set_error (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_VALIDATION,
               "%u validation error%s detected: %s%s", check->n_faults, check->n_faults == 1 ? "" : "s",
               text, check->n_faults > MAX_FAULTS ? "; ..." : "");
}

JsonObject *
ist_emulator_shape_parse (const IstEmulatorShape *shape,
                          GBytes *text,
                          GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) unfit = NULL;
  g_autofree char *copy = NULL;
  Check check = { 0 };
  JsonNode *root;
  gsize size;
  const char *data = g_bytes_get_data (text, &size);
  gboolean good;

  /* A NUL ends the copy before its time. */
  copy = g_strndup (data != NULL ? data : "", size);
  if (strlen (copy) != size || !g_utf8_validate (copy, -1, NULL))
    {
      shape_set_serialization_error (error, "The request is not valid UTF-8");
      return NULL;
    }
  if (!ist_json_check (copy, &unfit))
    {
      shape_set_serialization_error (error, unfit->message);
      return NULL;
    }
  if (!json_parser_load_from_data (parser, copy, -1, NULL) ||
      (root = json_parser_get_root (parser)) == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      shape_set_serialization_error (error, "The request is not a JSON object");
      return NULL;
    }

  check.path = g_string_new (NULL);
  check.faults = g_ptr_array_new_with_free_func (g_free);
  good = check_structure (&check, shape, root, error);
  if (good && check.n_faults > 0)
    {
      check_set_validation_error (&check, error);
      good = FALSE;
    }
  g_string_free (check.path, TRUE);
  g_ptr_array_unref (check.faults);
  return good ? json_object_ref (json_node_get_object (root)) : NULL;
}

char **
ist_emulator_shape_dup_strings (JsonArray *list)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < json_array_get_length (list); i++)
    g_strv_builder_add (builder, json_array_get_string_element (list, i));
  return g_strv_builder_end (builder);
}
