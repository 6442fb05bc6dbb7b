/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-record-private.h"

#include "common/ist-names-private.h"
#include "ist-emulator/ist-emulator-shape-private.h"
#include "ist-emulator/ist-emulator-tunnel-private.h"

/* Of the files; a change that an earlier version can't read raises it. */
#define VERSION 1

#define DIGEST_PATTERN "[0-9a-f]{64}"

static const char *const side_names[] = { "source", "destination", NULL };

static const IstEmulatorShape shape_version = { IST_EMULATOR_SHAPE_INTEGER, .min = VERSION, .max = VERSION };
static const IstEmulatorShape shape_number = { IST_EMULATOR_SHAPE_INTEGER, .max = G_MAXINT64 };
/* Microseconds since 1970, before the year 10000: sums of times must fit, too. */
static const IstEmulatorShape shape_time = { IST_EMULATOR_SHAPE_INTEGER, .max = 253402300799999999 };
static const IstEmulatorShape shape_lifetime = { IST_EMULATOR_SHAPE_INTEGER, .min = 1, .max = 720 };
static const IstEmulatorShape shape_flag = { IST_EMULATOR_SHAPE_BOOLEAN };
static const IstEmulatorShape shape_text = { IST_EMULATOR_SHAPE_STRING };
static const IstEmulatorShape shape_id = { IST_EMULATOR_SHAPE_STRING, .pattern = "[a-zA-Z0-9-]{1,128}" };
static const IstEmulatorShape shape_name = { IST_EMULATOR_SHAPE_STRING, .pattern = IST_NAME_PATTERN };
static const IstEmulatorShape shape_digest = { IST_EMULATOR_SHAPE_STRING, .pattern = DIGEST_PATTERN };
static const IstEmulatorShape shape_side = { IST_EMULATOR_SHAPE_STRING, .values = side_names };
static const IstEmulatorShape shape_services = { IST_EMULATOR_SHAPE_LIST, .element = &shape_name };

static const IstEmulatorShape shape_tag = {
  IST_EMULATOR_SHAPE_STRUCTURE,
  .members = (const IstEmulatorShapeMember[]){
    { "key", &shape_text, TRUE },
    { "value", &shape_text, TRUE },
    { NULL },
  },
};
static const IstEmulatorShape shape_tags = { IST_EMULATOR_SHAPE_LIST, .element = &shape_tag };

static const IstEmulatorShape shape_grant = {
  IST_EMULATOR_SHAPE_STRUCTURE,
  .members = (const IstEmulatorShapeMember[]){
    { "digest", &shape_digest, TRUE },
    { "side", &shape_side, TRUE },
    { "used", &shape_flag, TRUE },
    { "revoked", &shape_flag, TRUE },
    { "clientTokenDigest", &shape_digest, FALSE },
    { NULL },
  },
};
static const IstEmulatorShape shape_grants = { IST_EMULATOR_SHAPE_LIST, .element = &shape_grant };

static const IstEmulatorShape shape_record = {
  IST_EMULATOR_SHAPE_STRUCTURE,
  .members = (const IstEmulatorShapeMember[]){
    { "version", &shape_version, TRUE },
    { "tunnelId", &shape_id, TRUE },
    { "sequence", &shape_number, TRUE },
    { "description", &shape_text, FALSE },
    { "tags", &shape_tags, TRUE },
    { "thingName", &shape_name, FALSE },
    { "services", &shape_services, TRUE },
    { "lifetimeMinutes", &shape_lifetime, TRUE },
    { "createdAt", &shape_time, TRUE },
    { "lastUpdatedAt", &shape_time, TRUE },
    { "expiresAt", &shape_time, TRUE },
    { "closedAt", &shape_time, TRUE },
    { "sourceUpdatedAt", &shape_time, TRUE },
    { "destinationUpdatedAt", &shape_time, TRUE },
    { "grants", &shape_grants, TRUE },
    { NULL },
  },
};

static void
grant_free (gpointer data)
{
  IstEmulatorGrant *grant = data;

  g_free (grant->digest);
  g_free (grant->client_token_digest);
  g_free (grant);
}

IstEmulatorRecord *
ist_emulator_record_new (IstEmulatorTunnel *tunnel)
{
  IstEmulatorRecord *self = g_new0 (IstEmulatorRecord, 1);

  self->tunnel = tunnel;
  self->tags = json_object_new ();
  self->grants = g_ptr_array_new_with_free_func (grant_free);
  return self;
}

void
ist_emulator_record_free (IstEmulatorRecord *self)
{
  g_object_unref (self->tunnel);
  g_free (self->description);
  json_object_unref (self->tags);
  g_ptr_array_unref (self->grants);
  g_free (self);
}

IstEmulatorGrant *
ist_emulator_record_add_grant (IstEmulatorRecord *self,
                               char *digest,
                               IstMode mode)
{
  IstEmulatorGrant *grant = g_new0 (IstEmulatorGrant, 1);

  grant->record = self;
  grant->digest = digest;
  grant->mode = mode;
  g_ptr_array_add (self->grants, grant);
  return grant;
}

static JsonArray *
record_grants_to_json (IstEmulatorRecord *self)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < self->grants->len; i++)
    {
      IstEmulatorGrant *grant = g_ptr_array_index (self->grants, i);
      JsonObject *object = json_object_new ();

      json_object_set_string_member (object, "digest", grant->digest);
      json_object_set_string_member (object, "side", side_names[grant->mode]);
      json_object_set_boolean_member (object, "used", grant->used);
      json_object_set_boolean_member (object, "revoked", grant->revoked);
      if (grant->client_token_digest != NULL)
        json_object_set_string_member (object, "clientTokenDigest", grant->client_token_digest);
      json_array_add_object_element (array, object);
    }
  return array;
}

JsonArray *
ist_emulator_record_list_tags (IstEmulatorRecord *self)
{
  JsonArray *array = json_array_new ();
  JsonObjectIter iter;
  const char *key;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, self->tags);
  while (json_object_iter_next_ordered (&iter, &key, &value))
    {
      JsonObject *object = json_object_new ();

      json_object_set_string_member (object, "key", key);
      json_object_set_string_member (object, "value", json_node_get_string (value));
      json_array_add_object_element (array, object);
    }
  return array;
}

GBytes *
ist_emulator_record_to_bytes (IstEmulatorRecord *self)
{
  const char *const *services = ist_emulator_tunnel_get_service_ids (self->tunnel);
  const char *thing_name = ist_emulator_tunnel_get_thing_name (self->tunnel);
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  JsonArray *names = json_array_new ();
  gsize length;
  char *text;

  json_node_take_object (root, object);
  json_object_set_int_member (object, "version", VERSION);
  json_object_set_string_member (object, "tunnelId", ist_emulator_tunnel_get_id (self->tunnel));
  json_object_set_int_member (object, "sequence", self->sequence);
  if (self->description != NULL)
    json_object_set_string_member (object, "description", self->description);
  json_object_set_array_member (object, "tags", ist_emulator_record_list_tags (self));
  if (thing_name != NULL)
    json_object_set_string_member (object, "thingName", thing_name);
  for (gsize i = 0; services[i] != NULL; i++)
    json_array_add_string_element (names, services[i]);
  json_object_set_array_member (object, "services", names);
  json_object_set_int_member (object, "lifetimeMinutes", self->lifetime_minutes);
  json_object_set_int_member (object, "createdAt", ist_emulator_tunnel_get_opened_at (self->tunnel));
  json_object_set_int_member (object, "lastUpdatedAt", self->updated_at);
  json_object_set_int_member (object, "expiresAt", ist_emulator_tunnel_get_expires_at (self->tunnel));
  json_object_set_int_member (object, "closedAt", self->closed_at);
  json_object_set_int_member (object, "sourceUpdatedAt", self->connection_updated_at[IST_MODE_SOURCE]);
  json_object_set_int_member (object, "destinationUpdatedAt",
                              self->connection_updated_at[IST_MODE_DESTINATION]);
  json_object_set_array_member (object, "grants", record_grants_to_json (self));

  json_generator_set_root (generator, root);
  json_generator_set_pretty (generator, TRUE);
  text = json_generator_to_data (generator, &length);
  return g_bytes_new_take (text, length);
}

static void
record_add_grants_from_json (IstEmulatorRecord *self,
                             JsonArray *array)
{
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *object = json_array_get_object_element (array, i);
      const char *side = json_object_get_string_member (object, "side");
      IstEmulatorGrant *grant;

      grant = ist_emulator_record_add_grant (self,
                                             g_strdup (json_object_get_string_member (object, "digest")),
                                             g_str_equal (side, side_names[IST_MODE_SOURCE])
                                               ? IST_MODE_SOURCE
                                               : IST_MODE_DESTINATION);
      grant->used = json_object_get_boolean_member (object, "used");
      grant->revoked = json_object_get_boolean_member (object, "revoked");
      grant->client_token_digest =
        g_strdup (json_object_get_string_member_with_default (object, "clientTokenDigest", NULL));
    }
}

/* Restores what time has left of the tunnel's life. */
static void
record_restore_lifetime (IstEmulatorRecord *self,
                         gint64 expires_at)
{
  gint64 now = g_get_real_time ();
  gint64 left = CLAMP (expires_at - now, 0, (gint64) self->lifetime_minutes * 60 * G_USEC_PER_SEC);

  if (self->closed_at == 0 && left == 0)
    self->closed_at = self->updated_at = MIN (expires_at, now);
  if (self->closed_at != 0)
    ist_emulator_tunnel_close (self->tunnel);
  else
    ist_emulator_tunnel_set_lifetime_ms (self->tunnel, left / 1000);
}

IstEmulatorRecord *
ist_emulator_record_from_bytes (GBytes *bytes,
                                GError **error)
{
  g_autoptr (JsonObject) object = ist_emulator_shape_parse (&shape_record, bytes, error);
  g_auto (GStrv) services = NULL;
  IstEmulatorRecord *self;
  IstEmulatorTunnel *tunnel;
  JsonArray *tags;

  if (object == NULL)
    return NULL;

  services = ist_emulator_shape_dup_strings (json_object_get_array_member (object, "services"));
  tunnel = ist_emulator_tunnel_new (json_object_get_string_member (object, "tunnelId"),
                                    (const char *const *) services,
                                    json_object_get_string_member_with_default (object, "thingName", NULL),
                                    json_object_get_int_member (object, "createdAt"));
  self = ist_emulator_record_new (tunnel);
  self->sequence = json_object_get_int_member (object, "sequence");
  self->description = g_strdup (json_object_get_string_member_with_default (object, "description", NULL));
  tags = json_object_get_array_member (object, "tags");
  for (guint i = 0; i < json_array_get_length (tags); i++)
    {
      JsonObject *tag = json_array_get_object_element (tags, i);

      json_object_set_string_member (self->tags, json_object_get_string_member (tag, "key"),
                                     json_object_get_string_member (tag, "value"));
    }
  self->lifetime_minutes = json_object_get_int_member (object, "lifetimeMinutes");
  self->updated_at = json_object_get_int_member (object, "lastUpdatedAt");
  self->closed_at = json_object_get_int_member (object, "closedAt");
  self->connection_updated_at[IST_MODE_SOURCE] = json_object_get_int_member (object, "sourceUpdatedAt");
  self->connection_updated_at[IST_MODE_DESTINATION] =
    json_object_get_int_member (object, "destinationUpdatedAt");
  record_add_grants_from_json (self, json_object_get_array_member (object, "grants"));
  record_restore_lifetime (self, json_object_get_int_member (object, "expiresAt"));
  return self;
}
