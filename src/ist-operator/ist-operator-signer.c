/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-signer-private.h"

#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"
#define DIGEST_SIZE 32

/* What is in them is not what the service gets to see. */
static const char *const unsigned_headers[] = {
  "authorization",
  "expect",
  "transfer-encoding",
  "user-agent",
  "x-amzn-trace-id",
  NULL,
};

/* The path */

static void
add_segment (GPtrArray *kept,
             const char *segment)
{
  if (g_str_equal (segment, "..") && kept->len > 0)
    g_ptr_array_set_size (kept, kept->len - 1);
  else if (*segment != '\0' && !g_str_equal (segment, ".") && !g_str_equal (segment, ".."))
    g_ptr_array_add (kept, (gpointer) segment);
}

/* Without dots and empty segments, and encoded once more than it already is. */
static char *
make_canonical_path (const char *path)
{
  g_auto (GStrv) segments = g_strsplit (path, "/", -1);
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();
  g_autoptr (GString) normal = g_string_new (NULL);

  for (guint i = 0; segments[i] != NULL; i++)
    add_segment (kept, segments[i]);
  for (guint i = 0; i < kept->len; i++)
    g_string_append_printf (normal, "/%s", (const char *) kept->pdata[i]);
  if (kept->len == 0 || g_str_has_suffix (path, "/"))
    g_string_append_c (normal, '/');
  return g_uri_escape_string (normal->str, "/", FALSE);
}

/* The query */

typedef struct
{
  char *name;
  char *value;
} Parameter;

static void
parameter_free (gpointer data)
{
  Parameter *self = data;

  g_free (self->name);
  g_free (self->value);
  g_free (self);
}

/* By the bytes of names, then values: not of both in one text, where '=' would sort
 * before or after what other names go on with. */
static int
parameter_compare (gconstpointer a,
                   gconstpointer b)
{
  const Parameter *one = *(const Parameter *const *) a;
  const Parameter *other = *(const Parameter *const *) b;
  int names = strcmp (one->name, other->name);

  return names != 0 ? names : strcmp (one->value, other->value);
}

/* Senders differ in what they encode. */
static char *
encode_again (const char *text,
              gsize length)
{
  g_autoptr (GBytes) bytes = g_uri_unescape_bytes (text, length, NULL, NULL);

  if (bytes == NULL)
    bytes = g_bytes_new (text, length);
  return g_uri_escape_bytes (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL);
}

static Parameter *
parameter_new (const char *pair)
{
  Parameter *self = g_new (Parameter, 1);
  gsize length = strcspn (pair, "=");
  const char *value = pair[length] != '\0' ? pair + length + 1 : "";

  self->name = encode_again (pair, length);
  self->value = encode_again (value, strlen (value));
  return self;
}

static char *
make_canonical_query (const char *query)
{
  g_auto (GStrv) pairs = NULL;
  g_autoptr (GPtrArray) parameters = g_ptr_array_new_with_free_func (parameter_free);
  GString *canonical = g_string_new (NULL);

  if (query == NULL || *query == '\0')
    return g_string_free (canonical, FALSE);
  pairs = g_strsplit (query, "&", -1);
  for (guint i = 0; pairs[i] != NULL; i++)
    g_ptr_array_add (parameters, parameter_new (pairs[i]));
  g_ptr_array_sort (parameters, parameter_compare);
  for (guint i = 0; i < parameters->len; i++)
    {
      const Parameter *parameter = parameters->pdata[i];

      g_string_append_printf (canonical, "%s%s=%s", i > 0 ? "&" : "", parameter->name, parameter->value);
    }
  return g_string_free (canonical, FALSE);
}

/* The headers */

static void
append_trimmed (GString *line,
                const char *value)
{
  g_auto (GStrv) words = g_strsplit_set (value, " \t\r\n\v\f", -1);
  const char *separator = "";

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (*words[i] == '\0')
        continue;
      g_string_append_printf (line, "%s%s", separator, words[i]);
      separator = " ";
    }
}

static void
free_line (gpointer data)
{
  g_string_free (data, TRUE);
}

static void
collect_header (const char *name,
                const char *value,
                gpointer user_data)
{
  GHashTable *lines = user_data;
  g_autofree char *lower = g_ascii_strdown (name, -1);
  GString *line;

  if (g_strv_contains (unsigned_headers, lower))
    return;
  line = g_hash_table_lookup (lines, lower);
  if (line != NULL)
    {
      g_string_append_c (line, ',');
    }
  else
    {
      line = g_string_new (NULL);
      g_hash_table_insert (lines, g_steal_pointer (&lower), line);
    }
  append_trimmed (line, value);
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (a, b);
}

static void
make_canonical_headers (SoupMessageHeaders *headers,
                        GString *lines,
                        GString *names)
{
  g_autoptr (GHashTable) found = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_line);
  GList *sorted;

  soup_message_headers_foreach (headers, collect_header, found);
  sorted = g_list_sort (g_hash_table_get_keys (found), compare_names);
  for (GList *l = sorted; l != NULL; l = l->next)
    {
      const GString *line = g_hash_table_lookup (found, l->data);

      g_string_append_printf (lines, "%s:%s\n", (const char *) l->data, line->str);
      g_string_append_printf (names, "%s%s", names->len > 0 ? ";" : "", (const char *) l->data);
    }
  g_list_free (sorted);
}

static void
set_host (SoupMessageHeaders *headers,
          GUri *uri)
{
  g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);
  gboolean is_ipv6 = strchr (host, ':') != NULL;
  int port = g_uri_get_port (uri);
  g_autofree char *name = g_strdup_printf (is_ipv6 ? "[%s]" : "%s", host);
  g_autofree char *with_port = g_strdup_printf ("%s:%d", name, port);
  gboolean is_usual = port <= 0 || port == (g_str_equal (g_uri_get_scheme (uri), "https") ? 443 : 80);

  if (soup_message_headers_get_one (headers, "Host") == NULL)
    soup_message_headers_replace (headers, "Host", is_usual ? name : with_port);
}

/* The signature */

static void
add_hmac (const guint8 *key,
          gsize key_length,
          const char *text,
          guint8 digest[DIGEST_SIZE])
{
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key, key_length);
  gsize length = DIGEST_SIZE;

  g_hmac_update (hmac, (const guchar *) text, strlen (text));
  g_hmac_get_digest (hmac, digest, &length);
}

/* As hexadecimal digits. */
static char *
make_signature (const IstOperatorKeys *keys,
                const char *const *scope,
                const char *text)
{
  g_autofree char *first = g_strconcat ("AWS4", keys->secret_access_key, NULL);
  gsize first_length = strlen (first);
  guint8 key[DIGEST_SIZE];
  char *signature;

  add_hmac ((const guint8 *) first, first_length, scope[0], key);
  explicit_bzero (first, first_length);
  for (guint i = 1; scope[i] != NULL; i++)
    add_hmac (key, sizeof key, scope[i], key);
  signature = g_compute_hmac_for_string (G_CHECKSUM_SHA256, key, sizeof key, text, -1);
  explicit_bzero (key, sizeof key);
  return signature;
}

static char *
hash_body (GBytes *body)
{
  if (body == NULL)
    return g_compute_checksum_for_string (G_CHECKSUM_SHA256, "", 0);
  return g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, body);
}

/* What is signed stands for the whole request. */
static char *
hash_request (const char *method,
              GUri *uri,
              const char *header_lines,
              const char *header_names,
              GBytes *body)
{
  g_autofree char *path = make_canonical_path (g_uri_get_path (uri));
  g_autofree char *query = make_canonical_query (g_uri_get_query (uri));
  g_autofree char *body_hash = hash_body (body);
  g_autofree char *request = NULL;

  request = g_strjoin ("\n", method, path, query, header_lines, header_names, body_hash, NULL);
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, request, -1);
}

static void
set_token (SoupMessageHeaders *headers,
           const char *token)
{
  if (token != NULL)
    soup_message_headers_replace (headers, "X-Amz-Security-Token", token);
  else
    soup_message_headers_remove (headers, "X-Amz-Security-Token");
}

void
ist_operator_sign (const IstOperatorKeys *keys,
                   const char *region,
                   const char *service,
                   GDateTime *time,
                   const char *method,
                   GUri *uri,
                   SoupMessageHeaders *headers,
                   GBytes *body)
{
  g_autoptr (GDateTime) utc = g_date_time_to_utc (time);
  g_autofree char *moment = g_date_time_format (utc, "%Y%m%dT%H%M%SZ");
  g_autofree char *day = g_date_time_format (utc, "%Y%m%d");
  const char *scope[] = { day, region, service, TERMINATOR, NULL };
  g_autofree char *scope_text = g_strjoinv ("/", (char **) scope);
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *request_hash = NULL;
  g_autofree char *text = NULL;
  g_autofree char *signature = NULL;
  g_autofree char *authorization = NULL;

  set_host (headers, uri);
  soup_message_headers_replace (headers, "X-Amz-Date", moment);
  set_token (headers, keys->session_token);
  make_canonical_headers (headers, lines, names);
  request_hash = hash_request (method, uri, lines->str, names->str, body);
  text = g_strjoin ("\n", ALGORITHM, moment, scope_text, request_hash, NULL);
  signature = make_signature (keys, scope, text);
  authorization = g_strdup_printf (ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s", keys->access_key_id,
                                   scope_text, names->str, signature);
  soup_message_headers_replace (headers, "Authorization", authorization);
}
