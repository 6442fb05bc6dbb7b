/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The operations of the service: what is asked for, and what is made of the answers. */

#include "ist-operator/ist-operator-control-plane-private.h"

#include <string.h>

#include "ist-operator/ist-operator-json-private.h"
#include "ist-operator/ist-operator-thing-private.h"
#include "ist-operator/ist-operator-tunnel-access-private.h"
#include "ist-operator/ist-operator-tunnel-description-private.h"

/* Of a list: as many tunnels as a page has, and pages. */
#define PAGE 100
#define MAX_PAGES 100

/* Likewise of things, of which there may be more than anybody wants to see. */
#define THINGS_PAGE 250
#define MAX_THINGS 5000

/* What a request is for, and how its answer is read: NULL for one that is not the
 * service's. @subject: what the request was about. */
typedef gpointer (*Reader) (JsonObject *answer,
                            const char *subject);

typedef struct
{
  const IstOperatorOperation *operation;
  Reader read; /* NULL if there is nothing to read */
  GDestroyNotify free;
  char *subject;
} Request;

static void close_unknown_tunnel (IstOperatorCaller *caller,
                                  JsonObject *answer);

static const IstOperatorOperation open_tunnel = { "OpenTunnel", .undo = close_unknown_tunnel };
static const IstOperatorOperation open_traced = { "OpenTunnel", .is_traced = TRUE, .undo = close_unknown_tunnel };
static const IstOperatorOperation describe_tunnel = { "DescribeTunnel", .is_repeatable = TRUE };
static const IstOperatorOperation list_tunnels = { "ListTunnels", .is_repeatable = TRUE };
static const IstOperatorOperation close_tunnel = { "CloseTunnel", .is_repeatable = TRUE, .is_removal = TRUE };
/* Those of a first time are of no use after the second. */
static const IstOperatorOperation rotate_tokens = { "RotateTunnelAccessToken", .is_repeatable = TRUE };
static const IstOperatorOperation tag_resource = { "TagResource", .is_repeatable = TRUE };
static const IstOperatorOperation untag_resource = { "UntagResource", .is_repeatable = TRUE };
static const IstOperatorOperation list_things = { "ListThings", .path = "/things", .is_repeatable = TRUE };
static const IstOperatorOperation list_tags = { "ListTagsForResource", .is_repeatable = TRUE };

static void
request_free (gpointer data)
{
  Request *self = data;

  g_free (self->subject);
  g_free (self);
}

static GTask *
make_task (IstOperatorControlPlane *self,
           gpointer tag,
           const IstOperatorOperation *operation,
           GCancellable *cancellable,
           GAsyncReadyCallback callback,
           gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Request *request = g_new0 (Request, 1);

  request->operation = operation;
  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, request, request_free);
  /* What was done is told of, also if it was cancelled at that moment. */
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

static void
on_answer (GObject *source,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  IstOperatorControlPlane *self = g_task_get_source_object (task);
  const Request *request = g_task_get_task_data (task);
  g_autoptr (JsonObject) answer = NULL;
  GError *error = NULL;
  gpointer value;

  answer = ist_operator_call_finish (result, &error);
  if (answer == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (request->read == NULL)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  value = request->read (answer, request->subject);
  if (value != NULL)
    {
      g_task_return_pointer (task, value, request->free);
      return;
    }
  if (request->operation->undo != NULL)
    request->operation->undo (self->caller, answer);
  g_task_return_error (task, ist_operator_call_make_foreign_error (self->caller, request->operation));
}

/* Takes the task. */
static void
send_request (GTask *task,
              JsonBuilder *builder)
{
  IstOperatorControlPlane *self = g_task_get_source_object (task);
  const Request *request = g_task_get_task_data (task);
  g_autoptr (JsonNode) root = NULL;

  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  ist_operator_call_async (self->caller, request->operation, root, g_task_get_cancellable (task), on_answer, task);
}

/* Requests */

static JsonBuilder *
builder_new (void)
{
  JsonBuilder *builder = json_builder_new_immutable ();

  json_builder_begin_object (builder);
  return builder;
}

/* Whatever is no UTF-8 can be no JSON, and no name at the service. */
static void
add_text (JsonBuilder *builder,
          const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  json_builder_add_string_value (builder, valid);
}

/* @value: (nullable) */
static void
add_string (JsonBuilder *builder,
            const char *name,
            const char *value)
{
  if (value == NULL)
    return;
  json_builder_set_member_name (builder, name);
  add_text (builder, value);
}

static void
add_strings (JsonBuilder *builder,
             const char *name,
             const char *const *values)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (gsize i = 0; values[i] != NULL; i++)
    add_text (builder, values[i]);
  json_builder_end_array (builder);
}

static void
add_destination (JsonBuilder *builder,
                 const char *thing_name,
                 const char *const *service_ids)
{
  if (thing_name == NULL && service_ids == NULL)
    return;
  json_builder_set_member_name (builder, "destinationConfig");
  json_builder_begin_object (builder);
  add_string (builder, "thingName", thing_name);
  if (service_ids != NULL)
    add_strings (builder, "services", service_ids);
  json_builder_end_object (builder);
}

static void
add_tags (JsonBuilder *builder,
          GHashTable *tags)
{
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  json_builder_set_member_name (builder, "tags");
  json_builder_begin_array (builder);
  g_hash_table_iter_init (&iter, tags);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      json_builder_begin_object (builder);
      add_string (builder, "key", key);
      add_string (builder, "value", value);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

/* Opening */

static void
on_unknown_closed (GObject *source,
                   GAsyncResult *result,
                   gpointer user_data)
{
  g_autofree char *tunnel_id = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = ist_operator_call_finish (result, &error);

  if (answer == NULL)
    g_warning ("Tunnel %s was opened for nobody, and stays open until its lifetime is over or somebody closes it: %s",
               tunnel_id, error->message);
}

/* Opened for somebody who does not wait for it any more, or who can't use it. */
static void
close_unknown_tunnel (IstOperatorCaller *caller,
                      JsonObject *answer)
{
  const char *tunnel_id = ist_operator_json_get_string (answer, "tunnelId");
  g_autoptr (JsonBuilder) builder = NULL;
  g_autoptr (JsonNode) root = NULL;

  if (tunnel_id == NULL)
    return;
  builder = builder_new ();
  add_string (builder, "tunnelId", tunnel_id);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  ist_operator_call_async (caller, &close_tunnel, root, NULL, on_unknown_closed, g_strdup (tunnel_id));
}

static gpointer
read_access (JsonObject *answer,
             const char *subject)
{
  return ist_operator_tunnel_access_new (answer, subject);
}

static void
open_tunnel_with (IstOperatorControlPlane *self,
                  const IstOperatorOperation *operation,
                  const char *thing_name,
                  const char *const *service_ids,
                  const char *description,
                  guint lifetime,
                  GHashTable *tags,
                  GCancellable *cancellable,
                  GAsyncReadyCallback callback,
                  gpointer user_data)
{
  g_autoptr (JsonBuilder) builder = builder_new ();
  GTask *task = make_task (self, ist_operator_control_plane_open_tunnel_async, operation, cancellable, callback,
                           user_data);
  Request *request = g_task_get_task_data (task);

  request->read = read_access;
  request->free = g_object_unref;

  add_string (builder, "description", description);
  add_destination (builder, thing_name, service_ids);
  if (lifetime > 0)
    {
      json_builder_set_member_name (builder, "timeoutConfig");
      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "maxLifetimeTimeoutMinutes");
      json_builder_add_int_value (builder, lifetime);
      json_builder_end_object (builder);
    }
  if (tags != NULL && g_hash_table_size (tags) > 0)
    add_tags (builder, tags);
  send_request (task, builder);
}

void
ist_operator_control_plane_open_traced_tunnel_async (IstOperatorControlPlane *self,
                                                     const char *thing_name,
                                                     const char *const *service_ids,
                                                     const char *description,
                                                     guint lifetime,
                                                     GAsyncReadyCallback callback,
                                                     gpointer user_data)
{
  open_tunnel_with (self, &open_traced, thing_name, service_ids, description, lifetime, NULL, NULL, callback,
                    user_data);
}

/**
 * ist_operator_control_plane_open_tunnel_async:
 * @self: a control plane
 * @thing_name: (nullable): the thing that is the other end, or %NULL
 * @service_ids: (nullable) (array zero-terminated=1): the services of the tunnel, needed if
 *   there is a thing
 * @description: (nullable): what others are to read of it, or %NULL
 * @lifetime: minutes after which the service closes it, 1 to 720; 0 for the service's default
 * @tags: (nullable) (element-type utf8 utf8): tags for it, or %NULL
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): what to call when it is done
 * @user_data: data for @callback
 *
 * Opens a tunnel, which costs money each time: see the rules for attempts and for
 * cancelling of [class@IstOperator.ControlPlane].
 *
 * If it is to a thing, the service sends the device its token.
 *
 * Since: 1.0
 */
void
ist_operator_control_plane_open_tunnel_async (IstOperatorControlPlane *self,
                                              const char *thing_name,
                                              const char *const *service_ids,
                                              const char *description,
                                              guint lifetime,
                                              GHashTable *tags,
                                              GCancellable *cancellable,
                                              GAsyncReadyCallback callback,
                                              gpointer user_data)
{
  g_return_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self));
  g_return_if_fail (self->caller != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  open_tunnel_with (self, &open_tunnel, thing_name, service_ids, description, lifetime, tags, cancellable, callback,
                    user_data);
}

/**
 * ist_operator_control_plane_open_tunnel_finish:
 * @self: a control plane
 * @result: the result
 * @error: return location for a [error@IstOperator.ControlPlaneError], or %G_IO_ERROR_CANCELLED
 *
 * Finishes opening a tunnel.
 *
 * Returns: (transfer full): the access to the tunnel, or %NULL with @error set
 *
 * Since: 1.0
 */
IstOperatorTunnelAccess *
ist_operator_control_plane_open_tunnel_finish (IstOperatorControlPlane *self,
                                               GAsyncResult *result,
                                               GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_control_plane_open_tunnel_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Describing */

static gpointer
read_description (JsonObject *answer,
                  const char *subject)
{
  return ist_operator_tunnel_description_new (ist_operator_json_get_object (answer, "tunnel"));
}

/**
 * ist_operator_control_plane_describe_tunnel_async:
 * @self: a control plane
 * @tunnel_id: the tunnel
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): what to call when it is done
 * @user_data: data for @callback
 *
 * Asks for all that the service says of a tunnel.
 *
 * Since: 1.0
 */
void
ist_operator_control_plane_describe_tunnel_async (IstOperatorControlPlane *self,
                                                  const char *tunnel_id,
                                                  GCancellable *cancellable,
                                                  GAsyncReadyCallback callback,
                                                  gpointer user_data)
{
  g_autoptr (JsonBuilder) builder = NULL;
  GTask *task;
  Request *request;

  g_return_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self));
  g_return_if_fail (self->caller != NULL);
  g_return_if_fail (tunnel_id != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = make_task (self, ist_operator_control_plane_describe_tunnel_async, &describe_tunnel,
                    cancellable, callback, user_data);
  request = g_task_get_task_data (task);
  request->read = read_description;
  request->free = g_object_unref;

  builder = builder_new ();
  add_string (builder, "tunnelId", tunnel_id);
  send_request (task, builder);
}

/**
 * ist_operator_control_plane_describe_tunnel_finish:
 * @self: a control plane
 * @result: the result
 * @error: return location for a [error@IstOperator.ControlPlaneError], or %G_IO_ERROR_CANCELLED
 *
 * Finishes asking for a tunnel.
 *
 * Returns: (transfer full): the description, or %NULL with @error set
 *
 * Since: 1.0
 */
IstOperatorTunnelDescription *
ist_operator_control_plane_describe_tunnel_finish (IstOperatorControlPlane *self,
                                                   GAsyncResult *result,
                                                   GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_control_plane_describe_tunnel_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Listing */

typedef struct
{
  const IstOperatorOperation *operation;
  GType (*get_type) (void); /* of what is in the list */
  guint page;
  guint most;         /* so many are a list that is cut; 0 where one that is too long is an error */
  const char *member; /* of the answer */
  /* FALSE if it is not the service's. @item: (nullable) */
  gboolean (*add) (GListStore *list,
                   JsonObject *item);
} ListKind;

typedef struct
{
  const ListKind *kind;
  GListStore *list;
  char *thing_name; /* nullable */
  char *next_token; /* of the page that is asked for, NULL for the first */
  guint n_pages;
  gboolean is_cut;
} Listing;

static void
listing_free (gpointer data)
{
  Listing *self = data;

  g_object_unref (self->list);
  g_free (self->thing_name);
  g_free (self->next_token);
  g_free (self);
}

static gboolean
listing_is_full (const Listing *self)
{
  return self->kind->most > 0 && g_list_model_get_n_items (G_LIST_MODEL (self->list)) >= self->kind->most;
}

static gboolean
listing_add_page (Listing *self,
                  JsonObject *answer)
{
  JsonArray *array = ist_operator_json_get_array (answer, self->kind->member);
  guint length = array != NULL ? json_array_get_length (array) : 0;

  for (guint i = 0; i < length; i++)
    {
      JsonNode *node = json_array_get_element (array, i);

      self->is_cut = listing_is_full (self);
      if (self->is_cut)
        break;
      if (!self->kind->add (self->list, JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL))
        return FALSE;
    }
  return array != NULL;
}

/* FALSE if it leads to where it was asked for. */
static gboolean
listing_take_token (Listing *self,
                    JsonObject *answer)
{
  const char *token = ist_operator_json_get_string (answer, "nextToken");

  if (token != NULL && g_strcmp0 (token, self->next_token) == 0)
    return FALSE;
  g_free (self->next_token);
  self->next_token = g_strdup (token);
  self->n_pages++;
  self->is_cut |= token != NULL && (listing_is_full (self) || (self->kind->most > 0 && self->n_pages == MAX_PAGES));
  return TRUE;
}

static void ask_for_page (GTask *task);

static void
on_page (GObject *source,
         GAsyncResult *result,
         gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  IstOperatorControlPlane *self = g_task_get_source_object (task);
  Listing *listing = g_task_get_task_data (task);
  const IstOperatorOperation *operation = listing->kind->operation;
  g_autoptr (JsonObject) answer = NULL;
  GError *error = NULL;

  answer = ist_operator_call_finish (result, &error);
  if (answer != NULL && (!listing_add_page (listing, answer) || !listing_take_token (listing, answer)))
    error = ist_operator_call_make_foreign_error (self->caller, operation);
  if (error != NULL)
    g_task_return_error (task, error);
  else if (listing->next_token == NULL || listing->is_cut)
    g_task_return_pointer (task, g_object_ref (listing->list), g_object_unref);
  else if (listing->n_pages == MAX_PAGES)
    g_task_return_new_error (task, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_FAILED,
                             "%s: there are more than %d pages of tunnels (name a thing, or delete old tunnels)",
                             operation->name, MAX_PAGES);
  else
    ask_for_page (g_steal_pointer (&task));
}

/* Takes the task. */
static void
ask_for_page (GTask *task)
{
  IstOperatorControlPlane *self = g_task_get_source_object (task);
  const Listing *listing = g_task_get_task_data (task);
  g_autoptr (JsonBuilder) builder = builder_new ();
  g_autoptr (JsonNode) root = NULL;

  add_string (builder, "thingName", listing->thing_name);
  json_builder_set_member_name (builder, "maxResults");
  json_builder_add_int_value (builder, listing->kind->page);
  add_string (builder, "nextToken", listing->next_token);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  ist_operator_call_async (self->caller, listing->kind->operation, root, g_task_get_cancellable (task), on_page, task);
}

static GTask *
make_list_task (IstOperatorControlPlane *self,
                gpointer tag,
                const ListKind *kind,
                const char *thing_name,
                GCancellable *cancellable,
                GAsyncReadyCallback callback,
                gpointer user_data)
{
  Listing *listing = g_new0 (Listing, 1);
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  listing->kind = kind;
  listing->list = g_list_store_new (kind->get_type ());
  listing->thing_name = g_strdup (thing_name);
  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, listing, listing_free);
  return task;
}

static gboolean
add_tunnel (GListStore *list,
            JsonObject *item)
{
  g_autoptr (IstOperatorTunnelDescription) tunnel = ist_operator_tunnel_description_new (item);

  if (tunnel != NULL)
    g_list_store_append (list, tunnel);
  return tunnel != NULL;
}

static const ListKind tunnels_kind = {
  .operation = &list_tunnels,
  .get_type = ist_operator_tunnel_description_get_type,
  .page = PAGE,
  .member = "tunnelSummaries",
  .add = add_tunnel,
};

/* No tunnel can be opened to one whose name is not as names are. */
static gboolean
add_thing (GListStore *list,
           JsonObject *item)
{
  const char *name = ist_operator_json_get_string (item, "thingName");
  g_autoptr (IstOperatorThing) thing = NULL;

  if (name == NULL)
    return FALSE;
  thing = ist_operator_thing_new (name, ist_operator_json_get_string (item, "thingTypeName"));
  if (thing != NULL)
    g_list_store_append (list, thing);
  return TRUE;
}

static const ListKind things_kind = {
  .operation = &list_things,
  .get_type = ist_operator_thing_get_type,
  .page = THINGS_PAGE,
  .most = MAX_THINGS,
  .member = "things",
  .add = add_thing,
};

/**
 * ist_operator_control_plane_list_tunnels_async:
 * @self: a control plane
 * @thing_name: (nullable): whose tunnels to list, or %NULL for all
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): what to call when it is done
 * @user_data: data for @callback
 *
 * Lists the tunnels of the account in the region, the newest first, also those that are
 * closed and that the service still tells of. All pages are read, up to 10,000 tunnels.
 *
 * Since: 1.0
 */
void
ist_operator_control_plane_list_tunnels_async (IstOperatorControlPlane *self,
                                               const char *thing_name,
                                               GCancellable *cancellable,
                                               GAsyncReadyCallback callback,
                                               gpointer user_data)
{
  g_return_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self));
  g_return_if_fail (self->caller != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  ask_for_page (make_list_task (self, ist_operator_control_plane_list_tunnels_async, &tunnels_kind, thing_name,
                                cancellable, callback, user_data));
}

/**
 * ist_operator_control_plane_list_tunnels_finish:
 * @self: a control plane
 * @result: the result
 * @error: return location for a [error@IstOperator.ControlPlaneError], or %G_IO_ERROR_CANCELLED
 *
 * Finishes listing tunnels.
 *
 * Returns: (transfer full): a list of [class@IstOperator.TunnelDescription], or %NULL with
 *   @error set
 *
 * Since: 1.0
 */
GListModel *
ist_operator_control_plane_list_tunnels_finish (IstOperatorControlPlane *self,
                                                GAsyncResult *result,
                                                GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_control_plane_list_tunnels_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * ist_operator_control_plane_list_things_async:
 * @self: a control plane
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): what to call when it is done
 * @user_data: data for @callback
 *
 * Asks for the things of the account in this region: the devices that AWS IoT knows, and
 * to which tunnels can be opened.
 *
 * They are asked for in pages, one after the other, up to 5000 of them. Things whose
 * names are not as AWS IoT's names are (`[a-zA-Z0-9:_-]{1,128}`) are left out.
 *
 * The policy of the credentials has to allow `iot:ListThings`. AWS may charge for it, as
 * for other requests to the registry of AWS IoT.
 *
 * Since: 1.0
 */
void
ist_operator_control_plane_list_things_async (IstOperatorControlPlane *self,
                                              GCancellable *cancellable,
                                              GAsyncReadyCallback callback,
                                              gpointer user_data)
{
  GTask *task;

  g_return_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self));
  g_return_if_fail (self->caller != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = make_list_task (self, ist_operator_control_plane_list_things_async, &things_kind, NULL, cancellable,
                         callback, user_data);
  if (self->settings.registry_error == NULL)
    {
      ask_for_page (task);
      return;
    }
  g_task_return_error (task, g_error_copy (self->settings.registry_error));
  g_object_unref (task);
}

/**
 * ist_operator_control_plane_list_things_finish:
 * @self: a control plane
 * @result: the result
 * @is_cut: (out) (optional): return location for whether there are more things than
 *   are in the list
 * @error: return location for a [error@IstOperator.ControlPlaneError], or %G_IO_ERROR_CANCELLED
 *
 * Finishes asking for things.
 *
 * Returns: (transfer full): a list of [class@IstOperator.Thing], or %NULL with @error set
 *
 * Since: 1.0
 */
GListModel *
ist_operator_control_plane_list_things_finish (IstOperatorControlPlane *self,
                                               GAsyncResult *result,
                                               gboolean *is_cut,
                                               GError **error)
{
  GListModel *things;

  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_control_plane_list_things_async), NULL);

  things = g_task_propagate_pointer (G_TASK (result), error);
  if (is_cut != NULL)
    *is_cut = things != NULL && ((const Listing *) g_task_get_task_data (G_TASK (result)))->is_cut;
  return things;
}

/* Closing */

/**
 * ist_operator_control_plane_close_tunnel_async:
 * @self: a control plane
 * @tunnel_id: the tunnel
 * @delete_it: whether the service is to forget it at once, or to tell of it for some hours
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): what to call when it is done
 * @user_data: data for @callback
 *
 * Closes a tunnel: whoever is connected is disconnected, and can't connect again.
 *
 * One that is closed already is no error.
 *
 * Since: 1.0
 */
void
ist_operator_control_plane_close_tunnel_async (IstOperatorControlPlane *self,
                                               const char *tunnel_id,
                                               gboolean delete_it,
                                               GCancellable *cancellable,
                                               GAsyncReadyCallback callback,
                                               gpointer user_data)
{
  g_autoptr (JsonBuilder) builder = NULL;
  GTask *task;

  g_return_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self));
  g_return_if_fail (self->caller != NULL);
  g_return_if_fail (tunnel_id != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = make_task (self, ist_operator_control_plane_close_tunnel_async, &close_tunnel,
                    cancellable, callback, user_data);

  builder = builder_new ();
  add_string (builder, "tunnelId", tunnel_id);
  if (delete_it)
    {
      json_builder_set_member_name (builder, "delete");
      json_builder_add_boolean_value (builder, TRUE);
    }
  send_request (task, builder);
}

/**
 * ist_operator_control_plane_close_tunnel_finish:
 * @self: a control plane
 * @result: the result
 * @error: return location for a [error@IstOperator.ControlPlaneError], or %G_IO_ERROR_CANCELLED
 *
 * Finishes closing a tunnel.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
ist_operator_control_plane_close_tunnel_finish (IstOperatorControlPlane *self,
                                                GAsyncResult *result,
                                                GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_control_plane_close_tunnel_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Tokens */

static const char *
get_mode_name (IstOperatorClientMode modes)
{
  if (modes == IST_OPERATOR_CLIENT_MODE_SOURCE)
    return "SOURCE";
  return modes == IST_OPERATOR_CLIENT_MODE_DESTINATION ? "DESTINATION" : "ALL";
}

/**
 * ist_operator_control_plane_rotate_tunnel_access_token_async:
 * @self: a control plane
 * @tunnel_id: the tunnel
 * @modes: the sides to get new tokens
 * @thing_name: (nullable): another thing to be the other end, or %NULL for the one that it
 *   is; only with the destination's side
 * @service_ids: (nullable) (array zero-terminated=1): other services, likewise
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): what to call when it is done
 * @user_data: data for @callback
 *
 * Has new tokens made for a tunnel: those of before are no longer taken, and who is
 * connected with one is disconnected. This costs nothing, and does not lengthen the life
 * of the tunnel.
 *
 * The service sends the device its new token if the tunnel is to a thing.
 *
 * Since: 1.0
 */
void
ist_operator_control_plane_rotate_tunnel_access_token_async (IstOperatorControlPlane *self,
                                                             const char *tunnel_id,
                                                             IstOperatorClientMode modes,
                                                             const char *thing_name,
                                                             const char *const *service_ids,
                                                             GCancellable *cancellable,
                                                             GAsyncReadyCallback callback,
                                                             gpointer user_data)
{
  g_autoptr (JsonBuilder) builder = NULL;
  GTask *task;
  Request *request;

  g_return_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self));
  g_return_if_fail (self->caller != NULL);
  g_return_if_fail (tunnel_id != NULL);
  g_return_if_fail (modes != 0);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = make_task (self, ist_operator_control_plane_rotate_tunnel_access_token_async, &rotate_tokens,
                    cancellable, callback, user_data);
  request = g_task_get_task_data (task);
  request->read = read_access;
  request->free = g_object_unref;
  request->subject = g_strdup (tunnel_id);

  builder = builder_new ();
  add_string (builder, "tunnelId", tunnel_id);
  add_string (builder, "clientMode", get_mode_name (modes));
  add_destination (builder, thing_name, service_ids);
  send_request (task, builder);
}

/**
 * ist_operator_control_plane_rotate_tunnel_access_token_finish:
 * @self: a control plane
 * @result: the result
 * @error: return location for a [error@IstOperator.ControlPlaneError], or %G_IO_ERROR_CANCELLED
 *
 * Finishes having new tokens made.
 *
 * Returns: (transfer full): the access to the tunnel, with the new tokens, or %NULL with
 *   @error set
 *
 * Since: 1.0
 */
IstOperatorTunnelAccess *
ist_operator_control_plane_rotate_tunnel_access_token_finish (IstOperatorControlPlane *self,
                                                              GAsyncResult *result,
                                                              GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_control_plane_rotate_tunnel_access_token_async),
                        NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Tags */

/**
 * ist_operator_control_plane_tag_resource_async:
 * @self: a control plane
 * @arn: the ARN of the tunnel
 * @tags: (element-type utf8 utf8): the tags
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): what to call when it is done
 * @user_data: data for @callback
 *
 * Gives a tunnel tags, or other values to those that it has.
 *
 * Since: 1.0
 */
void
ist_operator_control_plane_tag_resource_async (IstOperatorControlPlane *self,
                                               const char *arn,
                                               GHashTable *tags,
                                               GCancellable *cancellable,
                                               GAsyncReadyCallback callback,
                                               gpointer user_data)
{
  g_autoptr (JsonBuilder) builder = NULL;
  GTask *task;

  g_return_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self));
  g_return_if_fail (self->caller != NULL);
  g_return_if_fail (arn != NULL);
  g_return_if_fail (tags != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = make_task (self, ist_operator_control_plane_tag_resource_async, &tag_resource,
                    cancellable, callback, user_data);

  builder = builder_new ();
  add_string (builder, "resourceArn", arn);
  add_tags (builder, tags);
  send_request (task, builder);
}

/**
 * ist_operator_control_plane_tag_resource_finish:
 * @self: a control plane
 * @result: the result
 * @error: return location for a [error@IstOperator.ControlPlaneError], or %G_IO_ERROR_CANCELLED
 *
 * Finishes giving tags.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
ist_operator_control_plane_tag_resource_finish (IstOperatorControlPlane *self,
                                                GAsyncResult *result,
                                                GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_control_plane_tag_resource_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ist_operator_control_plane_untag_resource_async:
 * @self: a control plane
 * @arn: the ARN of the tunnel
 * @tag_keys: (array zero-terminated=1): the keys of the tags
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): what to call when it is done
 * @user_data: data for @callback
 *
 * Takes tags away from a tunnel.
 *
 * Since: 1.0
 */
void
ist_operator_control_plane_untag_resource_async (IstOperatorControlPlane *self,
                                                 const char *arn,
                                                 const char *const *tag_keys,
                                                 GCancellable *cancellable,
                                                 GAsyncReadyCallback callback,
                                                 gpointer user_data)
{
  g_autoptr (JsonBuilder) builder = NULL;
  GTask *task;

  g_return_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self));
  g_return_if_fail (self->caller != NULL);
  g_return_if_fail (arn != NULL);
  g_return_if_fail (tag_keys != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = make_task (self, ist_operator_control_plane_untag_resource_async, &untag_resource,
                    cancellable, callback, user_data);

  builder = builder_new ();
  add_string (builder, "resourceArn", arn);
  add_strings (builder, "tagKeys", tag_keys);
  send_request (task, builder);
}

/**
 * ist_operator_control_plane_untag_resource_finish:
 * @self: a control plane
 * @result: the result
 * @error: return location for a [error@IstOperator.ControlPlaneError], or %G_IO_ERROR_CANCELLED
 *
 * Finishes taking tags away.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
ist_operator_control_plane_untag_resource_finish (IstOperatorControlPlane *self,
                                                  GAsyncResult *result,
                                                  GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_control_plane_untag_resource_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static gpointer
read_tags (JsonObject *answer,
           const char *subject)
{
  return ist_operator_json_get_tags (answer, "tags");
}

/**
 * ist_operator_control_plane_list_tags_for_resource_async:
 * @self: a control plane
 * @arn: the ARN of the tunnel
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): what to call when it is done
 * @user_data: data for @callback
 *
 * Asks for the tags of a tunnel.
 *
 * Since: 1.0
 */
void
ist_operator_control_plane_list_tags_for_resource_async (IstOperatorControlPlane *self,
                                                         const char *arn,
                                                         GCancellable *cancellable,
                                                         GAsyncReadyCallback callback,
                                                         gpointer user_data)
{
  g_autoptr (JsonBuilder) builder = NULL;
  GTask *task;
  Request *request;

  g_return_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self));
  g_return_if_fail (self->caller != NULL);
  g_return_if_fail (arn != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = make_task (self, ist_operator_control_plane_list_tags_for_resource_async, &list_tags,
                    cancellable, callback, user_data);
  request = g_task_get_task_data (task);
  request->read = read_tags;
  request->free = (GDestroyNotify) g_hash_table_unref;

  builder = builder_new ();
  add_string (builder, "resourceArn", arn);
  send_request (task, builder);
}

/**
 * ist_operator_control_plane_list_tags_for_resource_finish:
 * @self: a control plane
 * @result: the result
 * @error: return location for a [error@IstOperator.ControlPlaneError], or %G_IO_ERROR_CANCELLED
 *
 * Finishes asking for tags.
 *
 * Returns: (transfer full) (element-type utf8 utf8): the values of the tags by their keys, or
 *   %NULL with @error set
 *
 * Since: 1.0
 */
GHashTable *
ist_operator_control_plane_list_tags_for_resource_finish (IstOperatorControlPlane *self,
                                                          GAsyncResult *result,
                                                          GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_control_plane_list_tags_for_resource_async),
                        NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
