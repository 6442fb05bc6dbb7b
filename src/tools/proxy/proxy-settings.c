/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-settings.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sysexits.h>

#include "common/ist-file-private.h"
#include "common/ist-json-private.h"
#include "common/ist-names-private.h"
#include "tools/common/tool-error.h"
#include "tools/proxy/proxy-ini.h"

/* Settings are smaller by far. */
#define MAX_FILE (1024 * 1024)

#define PREFIX "tunneling.proxy."
#define REGION_ENDPOINTS PREFIX "region_endpoint_overrides."
#define ENDPOINT_FORMAT "data.tunneling.iot.%s.amazonaws.com"

#define MAX_COUNT G_MAXINT
#define MAX_TIME 86400000 /* a day */

typedef enum
{
  KIND_STRING,
  KIND_NUMBER,
  KIND_BOOLEAN,
} Kind;

typedef struct
{
  const char *name;
  Kind kind;
  int offset; /* in ProxySettings, -1 if it means nothing here */
  int minimum;
  int maximum;
  int number; /* the default, or */
  const char *string;
} Setting;

#define FIELD(field) G_STRUCT_OFFSET (ProxySettings, field)

#define STRING(n, field, value)                           \
  {                                                       \
    PREFIX n, KIND_STRING, FIELD (field), .string = value \
  }
#define NUMBER(n, field, min, max, value)                 \
  {                                                       \
    PREFIX n, KIND_NUMBER, FIELD (field), min, max, value \
  }
#define BOOLEAN(n, field, value)                           \
  {                                                        \
    PREFIX n, KIND_BOOLEAN, FIELD (field), .number = value \
  }
#define IDLE_STRING(n, value)                  \
  {                                            \
    PREFIX n, KIND_STRING, -1, .string = value \
  }
#define IDLE_NUMBER(n, value)                      \
  {                                                \
    PREFIX n, KIND_NUMBER, -1, 0, MAX_COUNT, value \
  }

/* The defaults are the reference proxy's, but that there is no limit to the
 * connections. */
static const Setting settings[] = {
  STRING ("default_bind_address", bind_address, "localhost"),
  STRING ("endpoint_format", endpoint_format, ENDPOINT_FORMAT),
  NUMBER ("tcp.connection_retry_count", connection_retry_count, -1, MAX_COUNT, 5),
  NUMBER ("tcp.connection_retry_delay_ms", connection_retry_delay, 0, MAX_TIME, 2500),
  NUMBER ("tcp.max_active_connections", max_active_connections, 0, MAX_COUNT, 4096),
  IDLE_NUMBER ("tcp.read_buffer_size", 131076),
  IDLE_NUMBER ("tcp.write_buffer_size", 131076),
  NUMBER ("websocket.ping_period_ms", ping_period, 0, MAX_TIME, 20000),
  NUMBER ("websocket.retry_delay_ms", retry_delay, 1, MAX_TIME, 2500),
  NUMBER ("websocket.connect_retry_count", connect_retry_count, -1, MAX_COUNT - 1, -1),
  BOOLEAN ("websocket.reconnect_on_data_error", reconnect_on_data_error, TRUE),
  IDLE_STRING ("websocket.subprotocol", IST_SUBPROTOCOL ("3.0")),
  IDLE_NUMBER ("websocket.max_frame_size", 131076),
  IDLE_NUMBER ("websocket.read_buffer_size", 131076),
  IDLE_NUMBER ("websocket.write_buffer_size", 131076),
  IDLE_NUMBER ("message.max_payload_size", 64512),
  IDLE_NUMBER ("message.max_size", 65536),
  IDLE_NUMBER ("message.data_length_size", 2),
  IDLE_NUMBER ("message.data_frame_max_size", 65538),
};

static const Setting *
lookup (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      if (strcmp (settings[i].name, name) == 0)
        return &settings[i];
    }
  return NULL;
}

static void
settings_store_string (ProxySettings *self,
                       const Setting *setting,
                       const char *value)
{
  char **field = G_STRUCT_MEMBER_P (self, setting->offset);

  g_free (*field);
  *field = g_strdup (value);
}

static void
settings_store_number (ProxySettings *self,
                       const Setting *setting,
                       int value)
{
  if (setting->kind == KIND_BOOLEAN)
    G_STRUCT_MEMBER (gboolean, self, setting->offset) = value != 0;
  else
    G_STRUCT_MEMBER (int, self, setting->offset) = value;
}

void
proxy_settings_init (ProxySettings *self)
{
  memset (self, 0, sizeof *self);
  self->region_endpoints = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      if (settings[i].offset == -1)
        continue;
      if (settings[i].kind == KIND_STRING)
        settings_store_string (self, &settings[i], settings[i].string);
      else
        settings_store_number (self, &settings[i], settings[i].number);
    }
}

void
proxy_settings_clear (ProxySettings *self)
{
  g_clear_pointer (&self->bind_address, g_free);
  g_clear_pointer (&self->endpoint_format, g_free);
  g_clear_pointer (&self->region_endpoints, g_hash_table_unref);
}

/* Loading */

typedef struct
{
  ProxySettings *settings;
  GString *idle;    /* names */
  GString *unknown; /* names */
} Loading;

static void
append_name (GString *names,
             const char *name)
{
  g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", name);
}

static char *
value_to_string (JsonNode *value)
{
  GType type = json_node_get_value_type (value);

  if (type == G_TYPE_STRING)
    return g_strdup (json_node_get_string (value));
  if (type == G_TYPE_INT64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (value));
  if (type == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (value) ? "true" : "false");
  return json_to_string (value, FALSE);
}

static gboolean
settings_apply (ProxySettings *self,
                const Setting *setting,
                const char *value,
                GError **error)
{
  gboolean boolean;
  gint64 number;

  switch (setting->kind)
    {
    case KIND_STRING:
      if (setting->offset != -1)
        settings_store_string (self, setting, value);
      return TRUE;
    case KIND_NUMBER:
      if (!g_ascii_string_to_signed (value, 10, setting->minimum, setting->maximum, &number, NULL))
        {
          g_set_error (error, TOOL_ERROR, EX_CONFIG,
                       _ ("%s: “%s” is not a number from %d to %d"), setting->name, value, setting->minimum,
                       setting->maximum);
          return FALSE;
        }
      if (setting->offset != -1)
        settings_store_number (self, setting, number);
      return TRUE;
    case KIND_BOOLEAN:
    default:
      if (!proxy_ini_parse_boolean (value, &boolean))
        {
          g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("%s must be true or false, not “%s”"), setting->name,
                       value);
          return FALSE;
        }
      settings_store_number (self, setting, boolean);
      return TRUE;
    }
}

static gboolean
loading_add_value (Loading *loading,
                   const char *name,
                   JsonNode *node,
                   GError **error)
{
  const Setting *setting = lookup (name);
  g_autofree char *value = NULL;

  if (JSON_NODE_HOLDS_VALUE (node))
    value = value_to_string (node);
  if (g_str_has_prefix (name, REGION_ENDPOINTS) && value != NULL)
    {
      g_hash_table_replace (loading->settings->region_endpoints, g_strdup (name + strlen (REGION_ENDPOINTS)),
                            g_steal_pointer (&value));
      return TRUE;
    }
  if (setting == NULL)
    {
      append_name (loading->unknown, name);
      return TRUE;
    }
  if (value == NULL)
    {
      g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("%s must be a string, a number, true or false"), name);
      return FALSE;
    }
  if (setting->offset == -1)
    append_name (loading->idle, name);
  return settings_apply (loading->settings, setting, value, error);
}

/* The objects stand for the dots of the names. */
static gboolean
loading_add_object (Loading *loading,
                    const char *prefix,
                    JsonObject *object,
                    GError **error)
{
  JsonObjectIter iter;
  const char *member;
  JsonNode *node;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &member, &node))
    {
      g_autofree char *name = g_strconcat (prefix, member, NULL);

      if (JSON_NODE_HOLDS_OBJECT (node))
        {
          g_autofree char *inner = g_strconcat (name, ".", NULL);

          if (!loading_add_object (loading, inner, json_node_get_object (node), error))
            return FALSE;
        }
      else if (!loading_add_value (loading, name, node, error))
        {
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
proxy_settings_load (ProxySettings *self,
                     const char *path,
                     GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GString) idle = g_string_new (NULL);
  g_autoptr (GString) unknown = g_string_new (NULL);
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  Loading loading = { self, idle, unknown };
  JsonNode *root;
  gsize length;

  if (!ist_file_read (path, MAX_FILE, &text, &length, &local))
    {
      g_set_error_literal (error, TOOL_ERROR, EX_CONFIG, local->message);
      return FALSE;
    }
  if (strlen (text) != length || !ist_json_check (text, &local) ||
      !json_parser_load_from_data (parser, text, length, &local))
    {
      g_set_error (error, TOOL_ERROR, EX_CONFIG, "%s: %s", path,
                   local != NULL ? local->message : _ ("not an object of JSON"));
      return FALSE;
    }
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("%s: not an object of JSON"), path);
      return FALSE;
    }
  if (!loading_add_object (&loading, "", json_node_get_object (root), error))
    {
      g_prefix_error (error, "%s: ", path);
      return FALSE;
    }

  if (idle->len > 0)
    g_warning (_ ("%s: these settings mean nothing here: %s"), path, idle->str);
  if (unknown->len > 0)
    g_warning (_ ("%s: unknown settings: %s"), path, unknown->str);
  return TRUE;
}

/* Exporting */

static void
add_default (JsonObject *root,
             const Setting *setting)
{
  g_auto (GStrv) names = g_strsplit (setting->name, ".", -1);
  JsonObject *object = root;
  gsize i;

  for (i = 0; names[i + 1] != NULL; i++)
    {
      if (!json_object_has_member (object, names[i]))
        json_object_set_object_member (object, names[i], json_object_new ());
      object = json_object_get_object_member (object, names[i]);
    }
  if (setting->kind == KIND_STRING)
    json_object_set_string_member (object, names[i], setting->string);
  else if (setting->kind == KIND_BOOLEAN)
    json_object_set_boolean_member (object, names[i], setting->number != 0);
  else
    json_object_set_int_member (object, names[i], setting->number);
}

gboolean
proxy_settings_export_defaults (const char *path,
                                GError **error)
{
  static const char *const chinese[] = { "cn-north-1", "cn-northwest-1" };
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;
  gsize i;

  json_node_take_object (root, json_object_new ());
  for (i = 0; i < G_N_ELEMENTS (settings); i++)
    add_default (json_node_get_object (root), &settings[i]);
  for (i = 0; i < G_N_ELEMENTS (chinese); i++)
    {
      g_autofree char *name = g_strconcat (REGION_ENDPOINTS, chinese[i], NULL);
      g_autofree char *host = ist_region_get_host (chinese[i], "data", IST_HOST_PLAIN);
      const Setting override = { .name = name, .kind = KIND_STRING, .string = host };

      add_default (json_node_get_object (root), &override);
    }

  json_generator_set_pretty (generator, TRUE);
  json_generator_set_root (generator, root);
  text = json_generator_to_data (generator, NULL);
  line = g_strconcat (text, "\n", NULL);
  if (!g_file_set_contents (path, line, -1, &local))
    {
      g_set_error_literal (error, TOOL_ERROR, EX_CANTCREAT, local->message);
      return FALSE;
    }
  return TRUE;
}

char *
proxy_settings_get_endpoint (const ProxySettings *self,
                             const char *region)
{
  const char *endpoint = g_hash_table_lookup (self->region_endpoints, region);
  g_autoptr (GString) text = NULL;

  if (endpoint != NULL)
    return g_strdup (endpoint);
  if (strcmp (self->endpoint_format, ENDPOINT_FORMAT) == 0)
    return NULL;
  text = g_string_new (self->endpoint_format);
  g_string_replace (text, "%s", region, 1);
  return g_string_free (g_steal_pointer (&text), FALSE);
}
