/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Does what it is told by lines of JSON, each an object with what is to be "do"ne, and
 * answers each with a line: for tests that compare parts of the library with botocore. */

#include <stdio.h>

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "ist-operator/ist-operator-control-plane-error.h"
#include "ist-operator/ist-operator-credentials-private.h"
#include "ist-operator/ist-operator-profile-private.h"
#include "ist-operator/ist-operator-settings-private.h"
#include "ist-operator/ist-operator-signer-private.h"
#include "ist-operator/ist-operator-words-private.h"

static const char *
get_string (JsonObject *request,
            const char *name)
{
  return json_object_get_string_member_with_default (request, name, NULL);
}

static void
set_string (JsonObject *answer,
            const char *name,
            const char *value)
{
  if (value != NULL)
    json_object_set_string_member (answer, name, value);
}

/* Signing */

static void
add_header (JsonArray *headers,
            guint index,
            JsonNode *node,
            gpointer user_data)
{
  JsonArray *pair = json_node_get_array (node);

  soup_message_headers_append (user_data, json_array_get_string_element (pair, 0),
                               json_array_get_string_element (pair, 1));
}

static void
sign (JsonObject *request,
      JsonObject *answer)
{
  g_autoptr (IstOperatorKeys) keys = ist_operator_keys_new (get_string (request, "access_key_id"),
                                                            get_string (request, "secret_access_key"),
                                                            get_string (request, "session_token"));
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (get_string (request, "time"), NULL);
  /* g_uri_parse() would resolve dots, which is to be tested here. */
  g_autoptr (GUri) uri = g_uri_build (SOUP_HTTP_URI_FLAGS, get_string (request, "scheme"), NULL,
                                      get_string (request, "host"), json_object_get_int_member (request, "port"),
                                      get_string (request, "path"), get_string (request, "query"), NULL);
  g_autoptr (SoupMessageHeaders) headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_REQUEST);
  const char *body = get_string (request, "body");
  g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));

  json_array_foreach_element (json_object_get_array_member (request, "headers"), add_header, headers);
  ist_operator_sign (keys, get_string (request, "region"), get_string (request, "service"), time,
                     get_string (request, "method"), uri, headers, bytes);
  set_string (answer, "Host", soup_message_headers_get_one (headers, "Host"));
  set_string (answer, "Authorization", soup_message_headers_get_one (headers, "Authorization"));
  set_string (answer, "X-Amz-Date", soup_message_headers_get_one (headers, "X-Amz-Date"));
  set_string (answer, "X-Amz-Security-Token", soup_message_headers_get_one (headers, "X-Amz-Security-Token"));
}

/* Words */

static void
split (JsonObject *request,
       JsonObject *answer)
{
  g_auto (GStrv) words = ist_operator_split_words (get_string (request, "text"));
  JsonArray *array = json_array_new ();

  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    json_array_add_string_element (array, words[i]);
  json_object_set_array_member (answer, "words", array);
  json_object_set_boolean_member (answer, "done", words != NULL);
}

/* Profiles */

typedef struct
{
  const IstOperatorProfile *profile;
  JsonObject *merged;
  JsonObject *credentials;
  JsonObject *config;
} Answers;

static void
get_values (JsonArray *keys,
            guint index,
            JsonNode *node,
            gpointer user_data)
{
  Answers *answers = user_data;
  const char *key = json_node_get_string (node);

  set_string (answers->merged, key, ist_operator_profile_get (answers->profile, key));
  set_string (answers->credentials, key,
              ist_operator_profile_get_from (answers->profile, IST_OPERATOR_PROFILE_FILE_CREDENTIALS, key));
  set_string (answers->config, key,
              ist_operator_profile_get_from (answers->profile, IST_OPERATOR_PROFILE_FILE_CONFIG, key));
}

static void
load_profile (JsonObject *request,
              JsonObject *answer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorProfile) profile = ist_operator_profile_load (get_string (request, "profile"), &error);
  Answers answers = { profile };

  if (profile == NULL)
    {
      set_string (answer, "error", error->message);
      return;
    }
  answers.merged = json_object_new ();
  answers.credentials = json_object_new ();
  answers.config = json_object_new ();
  json_array_foreach_element (json_object_get_array_member (request, "keys"), get_values, &answers);
  set_string (answer, "name", ist_operator_profile_get_name (profile));
  set_string (answer, "endpoint_url",
              ist_operator_profile_get_of_service (profile, "iotsecuretunneling", "endpoint_url"));
  json_object_set_object_member (answer, "merged", answers.merged);
  json_object_set_object_member (answer, "credentials", answers.credentials);
  json_object_set_object_member (answer, "config", answers.config);
}

/* Credentials */

static void
on_loaded (GObject *source,
           GAsyncResult *result,
           gpointer user_data)
{
  g_set_object ((GAsyncResult **) user_data, result);
}

static void
tell_error (JsonObject *answer,
            const GError *error)
{
  g_autoptr (GEnumClass) codes = g_type_class_ref (IST_OPERATOR_TYPE_CONTROL_PLANE_ERROR);

  g_assert_cmpint (error->domain, ==, IST_OPERATOR_CONTROL_PLANE_ERROR);
  set_string (answer, "error", error->message);
  set_string (answer, "code", g_enum_get_value (codes, error->code)->value_nick);
}

static void
load_credentials (JsonObject *request,
                  JsonObject *answer)
{
  g_autoptr (IstOperatorCredentials) credentials = ist_operator_credentials_new (get_string (request, "profile"));
  g_autoptr (IstOperatorKeys) keys = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (json_object_has_member (request, "timeout"))
    ist_operator_credentials_set_process_timeout (credentials, json_object_get_int_member (request, "timeout"));
  ist_operator_credentials_load_async (credentials, NULL, on_loaded, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  if (!ist_operator_credentials_load_finish (credentials, result, &error))
    {
      tell_error (answer, error);
      return;
    }
  keys = ist_operator_credentials_dup_keys (credentials);
  set_string (answer, "origin", ist_operator_credentials_get_origin (credentials));
  set_string (answer, "access_key_id", ist_operator_credentials_get_access_key_id (credentials));
  set_string (answer, "secret_access_key", keys->secret_access_key);
  set_string (answer, "session_token", keys->session_token);
  json_object_set_int_member (answer, "expires_at", ist_operator_credentials_get_expires_at (credentials));
}

/* Settings */

static void
resolve_settings (JsonObject *request,
                  JsonObject *answer)
{
  IstOperatorSettings settings = { .verify_certificate = TRUE };
  g_autofree char *registry_url = NULL;
  g_autoptr (GError) error = NULL;

  settings.region = g_strdup (get_string (request, "region"));
  settings.endpoint_url = g_strdup (get_string (request, "url"));
  if (ist_operator_settings_resolve (&settings, get_string (request, "profile"), &error))
    {
      set_string (answer, "region", settings.region);
      set_string (answer, "url", settings.endpoint_url);
      set_string (answer, "tunnel_endpoint", settings.tunnel_endpoint);
      if (settings.registry_uri != NULL)
        registry_url = g_uri_to_string (settings.registry_uri);
      else
        set_string (answer, "registry_error", settings.registry_error->message);
      set_string (answer, "registry_url", registry_url);
      set_string (answer, "ca_file", settings.ca_file);
      json_object_set_int_member (answer, "max_attempts", settings.max_attempts);
    }
  else
    {
      set_string (answer, "error", error->message);
    }
  ist_operator_settings_clear (&settings);
}

/* Lines */

static const struct
{
  const char *name;
  void (*run) (JsonObject *request,
               JsonObject *answer);
} parts[] = {
  { "sign", sign },
  { "split", split },
  { "profile", load_profile },
  { "settings", resolve_settings },
  { "credentials", load_credentials },
};

static void
set_variable (JsonObject *variables,
              const char *name,
              JsonNode *node,
              gpointer user_data)
{
  if (JSON_NODE_HOLDS_NULL (node))
    g_unsetenv (name);
  else
    g_setenv (name, json_node_get_string (node), TRUE);
}

static void
run (JsonObject *request,
     JsonObject *answer)
{
  const char *name = get_string (request, "do");

  if (json_object_has_member (request, "environment"))
    json_object_foreach_member (json_object_get_object_member (request, "environment"), set_variable, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      if (g_str_equal (parts[i].name, name))
        parts[i].run (request, answer);
    }
}

static void
run_line (const char *line)
{
  g_autoptr (JsonNode) request = json_from_string (line, NULL);
  g_autoptr (JsonNode) answer = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;

  json_node_take_object (answer, json_object_new ());
  run (json_node_get_object (request), json_node_get_object (answer));
  text = json_to_string (answer, FALSE);
  puts (text);
  fflush (stdout);
}

int
main (int argc,
      char **argv)
{
  g_autoptr (GIOChannel) input = g_io_channel_unix_new (0);
  char *line;

  while (g_io_channel_read_line (input, &line, NULL, NULL, NULL) == G_IO_STATUS_NORMAL)
    {
      run_line (line);
      g_free (line);
    }
  return 0;
}
