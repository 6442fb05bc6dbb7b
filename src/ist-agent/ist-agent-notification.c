/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-agent/ist-agent-notification-private.h"

#include <string.h>

#include <ist-agent/ist-agent-device-error.h>
#include <json-glib/json-glib.h>

#include "common/ist-json-private.h"
#include "common/ist-names-private.h"

/* What AWS lets through to a device. */
#define MAX_SIZE (128 * 1024)

#define MAX_TOKEN_LENGTH 4096

/* The service allows few; this bounds what is remembered of each tunnel. */
#define MAX_SERVICES 64

void
ist_agent_notification_free (IstAgentNotification *self)
{
  g_free (self->access_token);
  g_free (self->region);
  g_strfreev (self->services);
  g_free (self);
}

static gboolean
notification_fail (GError **error,
                   const char *what)
{
  g_set_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION, "The notification %s", what);
  return FALSE;
}

/* (nullable): if it is missing, or no string */
static const char *
notification_get_string (JsonObject *object,
                         const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

static gboolean
notification_parse_services (IstAgentNotification *self,
                             JsonObject *object,
                             GError **error)
{
  JsonNode *node = json_object_get_member (object, "services");
  g_autoptr (GPtrArray) services = g_ptr_array_new_with_free_func (g_free);
  JsonArray *array;
  guint n;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return notification_fail (error, "has no array of services");

  array = json_node_get_array (node);
  n = json_array_get_length (array);
  if (n == 0 || n > MAX_SERVICES)
    return notification_fail (error, "names no services, or too many");

  for (guint i = 0; i < n; i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      const char *service;

      if (!JSON_NODE_HOLDS_VALUE (element) || json_node_get_value_type (element) != G_TYPE_STRING)
        return notification_fail (error, "has a service that is not a string");
      service = json_node_get_string (element);
      if (!ist_name_is_valid (service))
        return notification_fail (error, "has a service with an invalid name");
      if (!g_ptr_array_find_with_equal_func (services, service, g_str_equal, NULL))
        g_ptr_array_add (services, g_strdup (service));
    }
  g_ptr_array_add (services, NULL);
  self->services = (char **) g_ptr_array_steal (services, NULL);
  return TRUE;
}

static gboolean
notification_parse_object (IstAgentNotification *self,
                           JsonObject *object,
                           GError **error)
{
  const char *mode = notification_get_string (object, "clientMode");
  const char *token = notification_get_string (object, "clientAccessToken");
  const char *region = notification_get_string (object, "region");

  if (mode == NULL || strcmp (mode, "destination") != 0)
    return notification_fail (error, "is not for the mode \"destination\"");
  if (token == NULL || strlen (token) > MAX_TOKEN_LENGTH || !ist_access_token_is_valid (token))
    return notification_fail (error, "has no valid access token");
  if (region == NULL || !ist_region_is_valid (region))
    return notification_fail (error, "has no valid region");

  self->access_token = g_strdup (token);
  self->region = g_strdup (region);
  return notification_parse_services (self, object, error);
}

IstAgentNotification *
ist_agent_notification_parse (GBytes *bytes,
                              GError **error)
{
  g_autoptr (IstAgentNotification) self = g_new0 (IstAgentNotification, 1);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  g_autofree char *text = NULL;
  JsonNode *root;

  if (size > MAX_SIZE)
    {
      notification_fail (error, "is too large");
      return NULL;
    }
  text = g_strndup (data != NULL ? data : "", size);
  /* The parser's own errors quote. */
  if (size == 0 || strlen (text) != size || !g_utf8_validate (text, size, NULL) || !ist_json_check (text, NULL) ||
      !json_parser_load_from_data (parser, text, size, NULL))
    {
      notification_fail (error, "is not JSON");
      return NULL;
    }

  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      notification_fail (error, "is not a JSON object");
      return NULL;
    }
  if (!notification_parse_object (self, json_node_get_object (root), error))
    return NULL;
  return g_steal_pointer (&self);
}
