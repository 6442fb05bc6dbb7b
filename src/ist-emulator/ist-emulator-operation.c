/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-operation-private.h"

#include <string.h>

#include "common/ist-names-private.h"
#include "ist-emulator/ist-emulator-shape-private.h"
#include "ist-emulator/ist-emulator-tunnel-private.h"

#define MAX_TAGS 50
#define MAX_RESULTS 100
#define MAX_THINGS 250

/* What a token to continue a list with has of its checksum. */
#define CHECK_LENGTH 16

struct _IstEmulatorOperation
{
  const char *name;
  IstEmulatorShape request;
  JsonObject *(*run) (IstEmulatorRegistry *registry,
                      JsonObject *request,
                      GError **error);
  const char *path; /* NULL for what has its name in a header */
};

static const char *const client_modes[] = { "SOURCE", "DESTINATION", "ALL", NULL };

#define TAG_PATTERN "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"

static const IstEmulatorShape shape_tunnel_id = {
  IST_EMULATOR_SHAPE_STRING,
  .pattern = "[a-zA-Z0-9_\\-+=:]{1,128}",
};
static const IstEmulatorShape shape_arn = { IST_EMULATOR_SHAPE_STRING, .min = 1, .max = 1011 };
static const IstEmulatorShape shape_name = {
  IST_EMULATOR_SHAPE_STRING,
  .min = 1,
  .max = IST_NAME_MAX_LENGTH,
  .pattern = IST_NAME_CHARACTERS "+",
};
static const IstEmulatorShape shape_description = {
  IST_EMULATOR_SHAPE_STRING,
  .pattern = "[^\\p{C}]{1,2048}",
};
static const IstEmulatorShape shape_flag = { IST_EMULATOR_SHAPE_BOOLEAN };
static const IstEmulatorShape shape_minutes = { IST_EMULATOR_SHAPE_INTEGER, .min = 1, .max = 720 };
static const IstEmulatorShape shape_max_results = {
  IST_EMULATOR_SHAPE_INTEGER,
  .min = 1,
  .max = MAX_RESULTS,
};
static const IstEmulatorShape shape_max_things = { IST_EMULATOR_SHAPE_INTEGER, .min = 1, .max = MAX_THINGS };
static const IstEmulatorShape shape_text = { IST_EMULATOR_SHAPE_STRING };
static const IstEmulatorShape shape_next_token = {
  IST_EMULATOR_SHAPE_STRING,
  .pattern = "[a-zA-Z0-9_=-]{1,4096}",
};
static const IstEmulatorShape shape_client_mode = { IST_EMULATOR_SHAPE_STRING, .values = client_modes };
static const IstEmulatorShape shape_tag_key = {
  IST_EMULATOR_SHAPE_STRING,
  .min = 1,
  .max = 128,
  .pattern = TAG_PATTERN,
};
static const IstEmulatorShape shape_tag_value = {
  IST_EMULATOR_SHAPE_STRING,
  .max = 256,
  .pattern = TAG_PATTERN,
};
static const IstEmulatorShape shape_tag_keys = {
  IST_EMULATOR_SHAPE_LIST,
  .max = 200,
  .element = &shape_tag_key,
};
static const IstEmulatorShape shape_tag = {
  IST_EMULATOR_SHAPE_STRUCTURE,
  .members = (const IstEmulatorShapeMember[]){
    { "key", &shape_tag_key, TRUE },
    { "value", &shape_tag_value, TRUE },
    { NULL },
  },
};
static const IstEmulatorShape shape_tags = {
  IST_EMULATOR_SHAPE_LIST,
  .min = 1,
  .max = 200,
  .element = &shape_tag,
};
static const IstEmulatorShape shape_services = { IST_EMULATOR_SHAPE_LIST, .min = 1, .element = &shape_name };
static const IstEmulatorShape shape_destination = {
  IST_EMULATOR_SHAPE_STRUCTURE,
  .members = (const IstEmulatorShapeMember[]){
    { "thingName", &shape_name, FALSE },
    { "services", &shape_services, TRUE },
    { NULL },
  },
};
static const IstEmulatorShape shape_timeout = {
  IST_EMULATOR_SHAPE_STRUCTURE,
  .members = (const IstEmulatorShapeMember[]){
    { "maxLifetimeTimeoutMinutes", &shape_minutes, FALSE },
    { NULL },
  },
};

/* NULL for a member that is not there. */
static const char *
operation_get_string (JsonObject *object,
                      const char *name)
{
  return json_object_get_string_member_with_default (object, name, NULL);
}

static JsonObject *
operation_get_object (JsonObject *object,
                      const char *name)
{
  return json_object_has_member (object, name) ? json_object_get_object_member (object, name) : NULL;
}

static JsonArray *
operation_get_array (JsonObject *object,
                     const char *name)
{
  return json_object_has_member (object, name) ? json_object_get_array_member (object, name) : NULL;
}

static void
operation_set_time (JsonObject *object,
                    const char *name,
                    gint64 time)
{
  json_object_set_double_member (object, name, (double) (time / 1000) / 1000);
}

static void
operation_set_string (JsonObject *object,
                      const char *name,
                      const char *value)
{
  if (value != NULL)
    json_object_set_string_member (object, name, value);
}

/* Services and thing of a destinationConfig; @services keeps what @into refers to. */
static void
operation_read_destination (JsonObject *config,
                            IstEmulatorRegistryRequest *into,
                            char ***services)
{
  *services = ist_emulator_shape_dup_strings (json_object_get_array_member (config, "services"));
  into->services = (const char *const *) *services;
  into->thing_name = operation_get_string (config, "thingName");
}

static gboolean
operation_add_tags (JsonObject *tags,
                    JsonArray *array,
                    GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  guint count = json_object_get_size (tags);

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      const char *key = json_object_get_string_member (json_array_get_object_element (array, i), "key");

      if (!g_hash_table_add (seen, (char *) key))
        {
          g_set_error (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_VALIDATION,
                       "The tag key '%s' is there twice", key);
          return FALSE;
        }
      if (g_ascii_strncasecmp (key, "aws:", 4) == 0)
        {
          g_set_error (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_VALIDATION,
                       "The tag key '%s' begins with 'aws:', which is reserved", key);
          return FALSE;
        }
      if (!json_object_has_member (tags, key))
        count++;
    }
  if (count > MAX_TAGS)
    {
      g_set_error (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_LIMIT_EXCEEDED,
                   "A tunnel has at most %d tags", MAX_TAGS);
      return FALSE;
    }

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *tag = json_array_get_object_element (array, i);

      json_object_set_string_member (tags, json_object_get_string_member (tag, "key"),
                                     json_object_get_string_member (tag, "value"));
    }
  return TRUE;
}

static JsonObject *
operation_open_tunnel (IstEmulatorRegistry *registry,
                       JsonObject *request,
                       GError **error)
{
  IstEmulatorRegistryRequest wanted = { .description = operation_get_string (request, "description") };
  JsonObject *destination = operation_get_object (request, "destinationConfig");
  JsonObject *timeout = operation_get_object (request, "timeoutConfig");
  JsonArray *tag_array = operation_get_array (request, "tags");
  g_autoptr (JsonObject) tags = json_object_new ();
  g_autoptr (IstEmulatorTunnel) tunnel = NULL;
  g_auto (GStrv) services = NULL;
  JsonObject *answer;

  if (tag_array != NULL && !operation_add_tags (tags, tag_array, error))
    return NULL;
  wanted.tags = tags;
  if (destination != NULL)
    operation_read_destination (destination, &wanted, &services);
  if (timeout != NULL)
    wanted.lifetime_minutes = json_object_get_int_member_with_default (timeout, "maxLifetimeTimeoutMinutes", 0);

  tunnel = ist_emulator_registry_open (registry, &wanted, error);
  if (tunnel == NULL)
    return NULL;

  answer = json_object_new ();
  operation_set_string (answer, "tunnelId", ist_emulator_tunnel_get_id (tunnel));
  operation_set_string (answer, "tunnelArn", ist_emulator_tunnel_get_arn (tunnel));
  operation_set_string (answer, "sourceAccessToken", ist_emulator_tunnel_get_source_access_token (tunnel));
  operation_set_string (answer, "destinationAccessToken", ist_emulator_tunnel_get_destination_access_token (tunnel));
  return answer;
}

/* What ListTunnels tells too. */
static JsonObject *
operation_summarize (IstEmulatorRecord *record)
{
  JsonObject *summary = json_object_new ();

  operation_set_string (summary, "tunnelId", ist_emulator_tunnel_get_id (record->tunnel));
  operation_set_string (summary, "tunnelArn", ist_emulator_tunnel_get_arn (record->tunnel));
  operation_set_string (summary, "status", ist_emulator_tunnel_is_open (record->tunnel) ? "OPEN" : "CLOSED");
  operation_set_string (summary, "description", record->description);
  operation_set_time (summary, "createdAt", ist_emulator_tunnel_get_opened_at (record->tunnel));
  operation_set_time (summary, "lastUpdatedAt", record->updated_at);
  return summary;
}

static JsonObject *
operation_describe_connection (IstEmulatorRecord *record,
                               IstMode side)
{
  JsonObject *state = json_object_new ();

  operation_set_string (state, "status",
                        ist_emulator_tunnel_is_connected (record->tunnel, side) ? "CONNECTED" : "DISCONNECTED");
  operation_set_time (state, "lastUpdatedAt", record->connection_updated_at[side]);
  return state;
}

static JsonObject *
operation_describe_destination (IstEmulatorTunnel *tunnel)
{
  const char *const *services = ist_emulator_tunnel_get_service_ids (tunnel);
  JsonObject *config = json_object_new ();
  JsonArray *array = json_array_new ();

  operation_set_string (config, "thingName", ist_emulator_tunnel_get_thing_name (tunnel));
  for (gsize i = 0; services[i] != NULL; i++)
    json_array_add_string_element (array, services[i]);
  json_object_set_array_member (config, "services", array);
  return config;
}

static JsonObject *
operation_describe_tunnel (IstEmulatorRegistry *registry,
                           JsonObject *request,
                           GError **error)
{
  IstEmulatorRecord *record;
  JsonObject *answer;
  JsonObject *tunnel;
  JsonObject *timeout;

  record = ist_emulator_registry_lookup (registry, operation_get_string (request, "tunnelId"), error);
  if (record == NULL)
    return NULL;

  tunnel = operation_summarize (record);
  json_object_set_object_member (tunnel, "sourceConnectionState",
                                 operation_describe_connection (record, IST_MODE_SOURCE));
  json_object_set_object_member (tunnel, "destinationConnectionState",
                                 operation_describe_connection (record, IST_MODE_DESTINATION));
  if (ist_emulator_tunnel_get_service_ids (record->tunnel)[0] != NULL ||
      ist_emulator_tunnel_get_thing_name (record->tunnel) != NULL)
    json_object_set_object_member (tunnel, "destinationConfig", operation_describe_destination (record->tunnel));
  timeout = json_object_new ();
  json_object_set_int_member (timeout, "maxLifetimeTimeoutMinutes", record->lifetime_minutes);
  json_object_set_object_member (tunnel, "timeoutConfig", timeout);
  json_object_set_array_member (tunnel, "tags", ist_emulator_record_list_tags (record));

  answer = json_object_new ();
  json_object_set_object_member (answer, "tunnel", tunnel);
  return answer;
}

/* Names where a page ends, and the list that it was a page of. @filter: (nullable): what
 * is in it of all that it could have */
static char *
operation_make_next_token (const char *list,
                           guint64 sequence,
                           const char *filter)
{
  g_autofree char *text = NULL;
  g_autofree char *check = NULL;

  text = g_strdup_printf ("%s %" G_GUINT64_FORMAT " %s", list, sequence, filter != NULL ? filter : "");
  check = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  return g_strdup_printf ("%" G_GINT64_MODIFIER "x-%.*s", sequence, CHECK_LENGTH, check);
}

static gboolean
operation_read_next_token (const char *token,
                           const char *list,
                           const char *filter,
                           guint64 *sequence,
                           GError **error)
{
  g_autofree char *expected = NULL;

  *sequence = g_ascii_strtoull (token, NULL, 16);
  expected = operation_make_next_token (list, *sequence, filter);
  if (strcmp (token, expected) == 0)
    return TRUE;

  g_set_error_literal (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_VALIDATION,
                       "The nextToken is not one of this list");
  return FALSE;
}

static JsonObject *
operation_list_tunnels (IstEmulatorRegistry *registry,
                        JsonObject *request,
                        GError **error)
{
  const char *thing_name = operation_get_string (request, "thingName");
  const char *token = operation_get_string (request, "nextToken");
  guint max_results = json_object_get_int_member_with_default (request, "maxResults", MAX_RESULTS);
  guint64 before = G_MAXUINT64;
  g_autofree char *next_token = NULL;
  IstEmulatorRecord *last = NULL;
  GPtrArray *records;
  JsonArray *summaries;
  JsonObject *answer;

  if (token != NULL && !operation_read_next_token (token, "ListTunnels", thing_name, &before, error))
    return NULL;

  records = ist_emulator_registry_list (registry);
  summaries = json_array_new ();
  for (guint i = records->len; i > 0 && next_token == NULL; i--)
    {
      IstEmulatorRecord *record = g_ptr_array_index (records, i - 1);

      if (record->sequence >= before ||
          (thing_name != NULL &&
           g_strcmp0 (thing_name, ist_emulator_tunnel_get_thing_name (record->tunnel)) != 0))
        continue;
      if (json_array_get_length (summaries) == max_results)
        {
          next_token = operation_make_next_token ("ListTunnels", last->sequence, thing_name);
          continue;
        }
      json_array_add_object_element (summaries, operation_summarize (record));
      last = record;
    }

  answer = json_object_new ();
  json_object_set_array_member (answer, "tunnelSummaries", summaries);
  operation_set_string (answer, "nextToken", next_token);
  return answer;
}

static JsonObject *
operation_close_tunnel (IstEmulatorRegistry *registry,
                        JsonObject *request,
                        GError **error)
{
  gboolean forget = json_object_get_boolean_member_with_default (request, "delete", FALSE);

  if (!ist_emulator_registry_close (registry, operation_get_string (request, "tunnelId"), forget, error))
    return NULL;
  return json_object_new ();
}

static JsonObject *
operation_rotate_tokens (IstEmulatorRegistry *registry,
                         JsonObject *request,
                         GError **error)
{
  const char *tunnel_id = operation_get_string (request, "tunnelId");
  const char *mode = operation_get_string (request, "clientMode");
  JsonObject *config = operation_get_object (request, "destinationConfig");
  IstEmulatorRegistryRequest destination = { NULL };
  IstEmulatorRecord *record = ist_emulator_registry_lookup (registry, tunnel_id, error);
  IstEmulatorSides sides = IST_EMULATOR_SIDES_ALL;
  g_autoptr (IstEmulatorTunnel) tunnel = NULL;
  g_auto (GStrv) services = NULL;
  JsonObject *answer;

  if (record == NULL)
    return NULL;

  if (strcmp (mode, "SOURCE") == 0)
    sides = IST_EMULATOR_SIDES_SOURCE;
  else if (strcmp (mode, "DESTINATION") == 0)
    sides = IST_EMULATOR_SIDES_DESTINATION;
  if (config != NULL && sides == IST_EMULATOR_SIDES_SOURCE)
    {
      g_set_error_literal (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_VALIDATION,
                           "A destinationConfig is for the clientMode DESTINATION or ALL");
      return NULL;
    }
  if (config != NULL)
    operation_read_destination (config, &destination, &services);

  tunnel = g_object_ref (record->tunnel);
  if (!ist_emulator_registry_rotate (registry, tunnel_id, sides, config != NULL ? &destination : NULL, error))
    return NULL;

  answer = json_object_new ();
  operation_set_string (answer, "tunnelArn", ist_emulator_tunnel_get_arn (tunnel));
  if (sides & IST_EMULATOR_SIDES_SOURCE)
    operation_set_string (answer, "sourceAccessToken", ist_emulator_tunnel_get_source_access_token (tunnel));
  if (sides & IST_EMULATOR_SIDES_DESTINATION)
    operation_set_string (answer, "destinationAccessToken", ist_emulator_tunnel_get_destination_access_token (tunnel));
  return answer;
}

static IstEmulatorRecord *
operation_lookup_resource (IstEmulatorRegistry *registry,
                           JsonObject *request,
                           GError **error)
{
  const char *arn = operation_get_string (request, "resourceArn");
  const char *id = strstr (arn, ":tunnel/");
  IstEmulatorRecord *record;

  if (!g_str_has_prefix (arn, "arn:") || id == NULL)
    {
      g_set_error (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_VALIDATION,
                   "The resourceArn is not one of a tunnel");
      return NULL;
    }
  record = ist_emulator_registry_lookup (registry, id + strlen (":tunnel/"), NULL);
  if (record != NULL && strcmp (arn, ist_emulator_tunnel_get_arn (record->tunnel)) == 0)
    return record;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no resource “%s”", arn);
  return NULL;
}

static JsonObject *
operation_tag_resource (IstEmulatorRegistry *registry,
                        JsonObject *request,
                        GError **error)
{
  IstEmulatorRecord *record = operation_lookup_resource (registry, request, error);

  if (record == NULL || !operation_add_tags (record->tags, json_object_get_array_member (request, "tags"), error))
    return NULL;

  return ist_emulator_registry_touch (registry, record, error) ? json_object_new () : NULL;
}

static JsonObject *
operation_untag_resource (IstEmulatorRegistry *registry,
                          JsonObject *request,
                          GError **error)
{
  IstEmulatorRecord *record = operation_lookup_resource (registry, request, error);
  JsonArray *keys = json_object_get_array_member (request, "tagKeys");

  if (record == NULL)
    return NULL;

  for (guint i = 0; i < json_array_get_length (keys); i++)
    {
      const char *key = json_array_get_string_element (keys, i);

      if (json_object_has_member (record->tags, key))
        json_object_remove_member (record->tags, key);
    }
  return ist_emulator_registry_touch (registry, record, error) ? json_object_new () : NULL;
}

static JsonObject *
operation_list_tags_for_resource (IstEmulatorRegistry *registry,
                                  JsonObject *request,
                                  GError **error)
{
  IstEmulatorRecord *record = operation_lookup_resource (registry, request, error);
  JsonObject *answer;

  if (record == NULL)
    return NULL;

  answer = json_object_new ();
  json_object_set_array_member (answer, "tags", ist_emulator_record_list_tags (record));
  return answer;
}

/* Things */

#define THING_ARN_PREFIX "arn:aws:iot:" IST_EMULATOR_REGION ":000000000000:thing/"

static JsonObject *
operation_describe_thing (const IstEmulatorThing *thing)
{
  JsonObject *described = json_object_new ();
  g_autofree char *arn = g_strconcat (THING_ARN_PREFIX, thing->name, NULL);

  operation_set_string (described, "thingName", thing->name);
  operation_set_string (described, "thingTypeName", thing->type_name);
  operation_set_string (described, "thingArn", arn);
  json_object_set_object_member (described, "attributes", json_object_new ());
  json_object_set_int_member (described, "version", 1);
  return described;
}

static JsonObject *
operation_list_things (IstEmulatorRegistry *registry,
                       JsonObject *request,
                       GError **error)
{
  IstEmulatorThings *things = ist_emulator_registry_get_things (registry);
  const char *type_name = operation_get_string (request, "thingTypeName");
  const char *token = operation_get_string (request, "nextToken");
  /* None has any. */
  gboolean by_attribute = json_object_has_member (request, "attributeName");
  guint max_results = json_object_get_int_member_with_default (request, "maxResults", MAX_THINGS);
  guint64 position = 0;
  g_autofree char *next_token = NULL;
  JsonArray *described;
  JsonObject *answer;

  if (token != NULL && !operation_read_next_token (token, "ListThings", type_name, &position, error))
    return NULL;

  described = json_array_new ();
  for (guint64 i = position; i < ist_emulator_things_get_n (things) && !by_attribute && next_token == NULL; i++)
    {
      const IstEmulatorThing *thing = ist_emulator_things_get (things, i);

      if (type_name != NULL && g_strcmp0 (thing->type_name, type_name) != 0)
        continue;
      if (json_array_get_length (described) == max_results)
        next_token = operation_make_next_token ("ListThings", i, type_name);
      else
        json_array_add_object_element (described, operation_describe_thing (thing));
    }

  answer = json_object_new ();
  json_object_set_array_member (answer, "things", described);
  operation_set_string (answer, "nextToken", next_token);
  return answer;
}

#define REQUEST(...)                                                          \
  {                                                                           \
    IST_EMULATOR_SHAPE_STRUCTURE, .members = (const IstEmulatorShapeMember[]) \
    {                                                                         \
      __VA_ARGS__, { NULL }                                                   \
    }                                                                         \
  }

static const IstEmulatorOperation operations[] = {
  { "OpenTunnel",
    REQUEST ({ "description", &shape_description },
             { "tags", &shape_tags },
             { "destinationConfig", &shape_destination },
             { "timeoutConfig", &shape_timeout }),
    operation_open_tunnel },
  { "DescribeTunnel", REQUEST ({ "tunnelId", &shape_tunnel_id, TRUE }), operation_describe_tunnel },
  { "ListTunnels",
    REQUEST ({ "thingName", &shape_name },
             { "maxResults", &shape_max_results },
             { "nextToken", &shape_next_token }),
    operation_list_tunnels },
  { "CloseTunnel",
    REQUEST ({ "tunnelId", &shape_tunnel_id, TRUE }, { "delete", &shape_flag }),
    operation_close_tunnel },
  { "RotateTunnelAccessToken",
    REQUEST ({ "tunnelId", &shape_tunnel_id, TRUE },
             { "clientMode", &shape_client_mode, TRUE },
             { "destinationConfig", &shape_destination }),
    operation_rotate_tokens },
  { "TagResource",
    REQUEST ({ "resourceArn", &shape_arn, TRUE }, { "tags", &shape_tags, TRUE }),
    operation_tag_resource },
  { "UntagResource",
    REQUEST ({ "resourceArn", &shape_arn, TRUE }, { "tagKeys", &shape_tag_keys, TRUE }),
    operation_untag_resource },
  { "ListTagsForResource", REQUEST ({ "resourceArn", &shape_arn, TRUE }), operation_list_tags_for_resource },
  { "ListThings",
    REQUEST ({ "maxResults", &shape_max_things },
             { "nextToken", &shape_next_token },
             { "thingTypeName", &shape_name },
             { "attributeName", &shape_text }),
    operation_list_things,
    "/things" },
};

const IstEmulatorOperation *
ist_emulator_operation_lookup (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    if (strcmp (operations[i].name, name) == 0)
      return &operations[i];
  return NULL;
}

const IstEmulatorOperation *
ist_emulator_operation_lookup_path (const char *path)
{
  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    if (g_strcmp0 (operations[i].path, path) == 0)
      return &operations[i];
  return NULL;
}

const char *
ist_emulator_operation_get_path (const IstEmulatorOperation *self)
{
  return self->path;
}

const char *
ist_emulator_operation_get_name (const IstEmulatorOperation *self)
{
  return self->name;
}

GBytes *
ist_emulator_operation_make_request (const IstEmulatorOperation *self,
                                     GHashTable *query)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;
  char *text;

  json_builder_begin_object (builder);
  for (const IstEmulatorShapeMember *member = self->request.members; member->name != NULL; member++)
    {
      const char *value = query != NULL ? g_hash_table_lookup (query, member->name) : NULL;
      gint64 number;

      if (value == NULL)
        continue;
      json_builder_set_member_name (builder, member->name);
      if (member->shape->kind == IST_EMULATOR_SHAPE_INTEGER &&
          g_ascii_string_to_signed (value, 10, G_MININT64, G_MAXINT64, &number, NULL))
        json_builder_add_int_value (builder, number);
      else
        json_builder_add_string_value (builder, value);
    }
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  return g_bytes_new_take (text, strlen (text));
}

JsonObject *
ist_emulator_operation_run (const IstEmulatorOperation *self,
                            IstEmulatorRegistry *registry,
                            GBytes *request,
                            GError **error)
{
  g_autoptr (JsonObject) object = ist_emulator_shape_parse (&self->request, request, error);

  return object != NULL ? self->run (registry, object, error) : NULL;
}
