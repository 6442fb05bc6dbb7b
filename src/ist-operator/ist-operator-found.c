/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-found-private.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "common/ist-json-private.h"
#include "common/ist-text-private.h"
#include "ist-operator/ist-operator-control-plane-error.h"

#define MAX_SHOWN 64

static gboolean G_GNUC_PRINTF (3, 4)
  fail (GError **error,
        IstOperatorControlPlaneError code,
        const char *format,
        ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (IST_OPERATOR_CONTROL_PLANE_ERROR, code, format, args);
  va_end (args);
  return FALSE;
}

/* As a part of a header. */
static gboolean
can_be_sent (const char *text)
{
  for (; *text != '\0'; text++)
    {
      if (!g_ascii_isgraph (*text))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check (const char *where,
       const char *access_key_id,
       const char *secret_access_key,
       const char *token,
       GError **error)
{
  const IstOperatorControlPlaneError code = IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING;

  if (access_key_id == NULL || *access_key_id == '\0')
    return fail (error, code, "%s: the id of the access key is missing", where);
  if (secret_access_key == NULL || *secret_access_key == '\0')
    return fail (error, code, "%s: there is the id of an access key, but the secret access key is missing", where);
  if (!can_be_sent (access_key_id))
    return fail (error, code, "%s: the id of the access key has characters that no id has", where);
  if (token != NULL && !can_be_sent (token))
    return fail (error, code, "%s: the session token has characters that no token has", where);
  return TRUE;
}

static gboolean
parse_expiration (const char *where,
                  const char *expiration,
                  gint64 *expires_at,
                  GError **error)
{
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (expiration, utc);
  g_autofree char *shown = NULL;

  if (time != NULL)
    {
      *expires_at = g_date_time_to_unix (time) * G_USEC_PER_SEC;
      return TRUE;
    }
  shown = ist_text_make_safe (expiration, -1, MAX_SHOWN);
  return fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
               "%s: the time of expiration is “%s”, but should be like 2030-12-31T23:59:59Z", where, shown);
}

IstOperatorFound *
ist_operator_found_new (const char *origin,
                        const char *where,
                        const char *access_key_id,
                        const char *secret_access_key,
                        const char *token,
                        const char *expiration,
                        GError **error)
{
  g_autoptr (IstOperatorFound) self = g_new0 (IstOperatorFound, 1);

  if (!check (where, access_key_id, secret_access_key, token, error))
    return NULL;
  if (expiration != NULL && !parse_expiration (where, expiration, &self->expires_at, error))
    return NULL;
  self->origin = origin;
  self->keys = ist_operator_keys_new (access_key_id, secret_access_key, token);
  return g_steal_pointer (&self);
}

void
ist_operator_found_free (IstOperatorFound *self)
{
  g_clear_pointer (&self->keys, ist_operator_keys_free);
  g_free (self);
}

/* Answers */

/* FALSE if there is something else than a text. */
static gboolean
get_text (JsonObject *object,
          const char *name,
          const char **text)
{
  JsonNode *node = json_object_get_member (object, name);

  *text = NULL;
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return FALSE;
  *text = json_node_get_string (node);
  return TRUE;
}

static gboolean
check_version (const char *where,
               JsonObject *object,
               GError **error)
{
  JsonNode *node = json_object_get_member (object, "Version");

  if (node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64 &&
      json_node_get_int (node) == 1)
    return TRUE;
  return fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS,
               "%s: the answer does not have \"Version\": 1, which is all that is known here", where);
}

static IstOperatorFound *
parse_object (const char *origin,
              const char *where,
              JsonObject *object,
              IstOperatorAnswer kind,
              GError **error)
{
  const gboolean of_process = kind == IST_OPERATOR_ANSWER_OF_PROCESS;
  const char *const names[] = { "AccessKeyId", "SecretAccessKey", of_process ? "SessionToken" : "Token", "Expiration" };
  const guint n_needed = of_process ? 2 : G_N_ELEMENTS (names);
  const char *texts[G_N_ELEMENTS (names)];

  if (of_process && !check_version (where, object, error))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (get_text (object, names[i], &texts[i]) && (texts[i] != NULL || i >= n_needed))
        continue;
      fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS, "%s: the answer has no text as \"%s\"", where,
            names[i]);
      return NULL;
    }
  return ist_operator_found_new (origin, where, texts[0], texts[1], texts[2], texts[3], error);
}

IstOperatorFound *
ist_operator_found_parse (const char *origin,
                          const char *where,
                          const char *text,
                          IstOperatorAnswer kind,
                          GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonNode *root = NULL;

  if (g_utf8_validate (text, -1, NULL) && ist_json_check (text, NULL) &&
      json_parser_load_from_data (parser, text, -1, NULL))
    root = json_parser_get_root (parser);
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    return parse_object (origin, where, json_node_get_object (root), kind, error);
  fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS, "%s: the answer is not an object of JSON", where);
  return NULL;
}
