/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-search-private.h"

#include <ist-operator/ist-operator-client-error.h>
#include <ist-operator/ist-operator-control-plane-error.h>

/* Tunnels that are looked at, each with a call of its own. */
#define MAX_LOOKS 8

/* The last minute of a tunnel, or less of one that is not meant to live for long, is not
 * given to new connections. */
#define GRACE G_TIME_SPAN_MINUTE
#define GRACE_PART 10

typedef struct
{
  GMainContext *context;
  char *thing_name;      /* NULL if one tunnel is meant */
  char **service_ids;    /* likewise */
  char *wanted;          /* what is said of the only one that is meant, or NULL */
  char **excluded;       /* ids */
  GPtrArray *candidates; /* of ids */
  guint next;
  IstOperatorTunnelDescription *description; /* of the one that is being taken */
  IstOperatorClientMode modes;
} Search;

void
ist_operator_offer_free (IstOperatorOffer *self)
{
  g_free (self->tunnel_id);
  g_free (self->thing_name);
  g_strfreev (self->service_ids);
  g_free (self->description);
  g_free (self->access_token);
  g_free (self);
}

static void
search_free (gpointer data)
{
  Search *search = data;

  g_main_context_unref (search->context);
  g_free (search->thing_name);
  g_strfreev (search->service_ids);
  g_free (search->wanted);
  g_strfreev (search->excluded);
  g_ptr_array_unref (search->candidates);
  g_clear_object (&search->description);
  g_free (search);
}

gboolean
ist_operator_is_expiring (gint64 expires_at,
                          guint lifetime)
{
  gint64 grace = MIN (GRACE, lifetime * G_TIME_SPAN_MINUTE / GRACE_PART);

  return expires_at != 0 && expires_at - grace < g_get_real_time ();
}

gboolean
ist_operator_services_contain (const char *const *those,
                               const char *const *service_ids)
{
  for (gsize i = 0; service_ids[i] != NULL; i++)
    {
      if (!g_strv_contains (those, service_ids[i]))
        return FALSE;
    }
  return TRUE;
}

static const char *const *
description_get_services (IstOperatorTunnelDescription *description)
{
  static const char *const none[] = { NULL };
  const char *const *services = ist_operator_tunnel_description_get_service_ids (description);

  return services != NULL ? services : none;
}

static IstOperatorOffer *
search_make_result (Search *search,
                    IstOperatorTunnelAccess *access)
{
  IstOperatorTunnelDescription *description = search->description;
  IstOperatorOffer *found = g_new0 (IstOperatorOffer, 1);

  found->tunnel_id = g_strdup (ist_operator_tunnel_description_get_tunnel_id (description));
  found->thing_name = g_strdup (ist_operator_tunnel_description_get_thing_name (description));
  found->service_ids = g_strdupv ((char **) description_get_services (description));
  found->opened_at = ist_operator_tunnel_description_get_created_at (description);
  found->lifetime = ist_operator_tunnel_description_get_lifetime (description);
  found->description = g_strdup (ist_operator_tunnel_description_get_description (description));
  found->device_connected = ist_operator_tunnel_description_get_destination_connected (description);
  found->device_notified = (search->modes & IST_OPERATOR_CLIENT_MODE_DESTINATION) != 0;
  found->access_token = g_strdup (ist_operator_tunnel_access_get_source_access_token (access));
  return found;
}

static void search_go_on (GTask *task);

/* It was closed while it was looked at: to a search that is one less. */
static gboolean
search_is_over_for (Search *search,
                    const GError *error)
{
  return search->thing_name != NULL &&
         (g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND) ||
          g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_REQUEST));
}

static void
on_rotated (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Search *search = g_task_get_task_data (task);
  g_autoptr (IstOperatorTunnelAccess) access = NULL;
  g_autoptr (GError) error = NULL;

  access = ist_operator_control_plane_rotate_tunnel_access_token_finish (IST_OPERATOR_CONTROL_PLANE (object), result,
                                                                         &error);
  if (access != NULL)
    g_task_return_pointer (task, search_make_result (search, access), (GDestroyNotify) ist_operator_offer_free);
  else if (search_is_over_for (search, error))
    search_go_on (g_steal_pointer (&task));
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/* Takes the task. */
static void
search_take (GTask *task,
             IstOperatorTunnelDescription *description)
{
  Search *search = g_task_get_task_data (task);
  const char *thing_name = ist_operator_tunnel_description_get_thing_name (description);
  const char *const *services = description_get_services (description);
  gboolean notifies = thing_name != NULL && services[0] != NULL &&
                      !ist_operator_tunnel_description_get_destination_connected (description);

  g_set_object (&search->description, description);
  search->modes = IST_OPERATOR_CLIENT_MODE_SOURCE;
  if (notifies)
    search->modes |= IST_OPERATOR_CLIENT_MODE_DESTINATION;
  g_main_context_push_thread_default (search->context);
  ist_operator_control_plane_rotate_tunnel_access_token_async (g_task_get_source_object (task),
                                                               ist_operator_tunnel_description_get_tunnel_id (
                                                                 description),
                                                               search->modes, notifies ? thing_name : NULL,
                                                               notifies ? services : NULL,
                                                               g_task_get_cancellable (task), on_rotated, task);
  g_main_context_pop_thread_default (search->context);
}

static gboolean
search_suits (Search *search,
              IstOperatorTunnelDescription *description)
{
  guint lifetime = ist_operator_tunnel_description_get_lifetime (description);
  gint64 expires_at =
    ist_operator_tunnel_description_get_created_at (description) + lifetime * G_TIME_SPAN_MINUTE;

  return ist_operator_tunnel_description_get_is_open (description) &&
         !ist_operator_tunnel_description_get_source_connected (description) &&
         g_strcmp0 (ist_operator_tunnel_description_get_thing_name (description), search->thing_name) == 0 &&
         ist_operator_services_contain (description_get_services (description),
                                        (const char *const *) search->service_ids) &&
         (lifetime == 0 || !ist_operator_is_expiring (expires_at, lifetime));
}

static void
on_described (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Search *search = g_task_get_task_data (task);
  g_autoptr (IstOperatorTunnelDescription) description = NULL;
  g_autoptr (GError) error = NULL;

  description = ist_operator_control_plane_describe_tunnel_finish (IST_OPERATOR_CONTROL_PLANE (object), result, &error);
  if (description == NULL && !search_is_over_for (search, error))
    g_task_return_error (task, g_steal_pointer (&error));
  else if (description == NULL || (search->thing_name != NULL && !search_suits (search, description)))
    search_go_on (g_steal_pointer (&task));
  else if (!ist_operator_tunnel_description_get_is_open (description))
    g_task_return_new_error (task, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_CLOSED,
                             "Tunnel %s was closed, or has expired", (char *) search->candidates->pdata[0]);
  else
    search_take (g_steal_pointer (&task), description);
}

/* To the next candidate. Takes the task. */
static void
search_go_on (GTask *task)
{
  Search *search = g_task_get_task_data (task);

  if (search->next == search->candidates->len)
    {
      g_task_return_pointer (task, NULL, NULL);
      g_object_unref (task);
      return;
    }
  g_main_context_push_thread_default (search->context);
  ist_operator_control_plane_describe_tunnel_async (g_task_get_source_object (task),
                                                    search->candidates->pdata[search->next++],
                                                    g_task_get_cancellable (task), on_described, task);
  g_main_context_pop_thread_default (search->context);
}

/* The newest has the most time left, and is what the device has heard of last. */
static int
compare_age (gconstpointer a,
             gconstpointer b)
{
  gint64 at_a = ist_operator_tunnel_description_get_created_at (*(IstOperatorTunnelDescription *const *) a);
  gint64 at_b = ist_operator_tunnel_description_get_created_at (*(IstOperatorTunnelDescription *const *) b);

  return at_a < at_b ? 1 : at_a > at_b ? -1
                                       : 0;
}

static gboolean
search_may_mean (Search *search,
                 IstOperatorTunnelDescription *description)
{
  return ist_operator_tunnel_description_get_is_open (description) &&
         !g_strv_contains ((const char *const *) search->excluded,
                           ist_operator_tunnel_description_get_tunnel_id (description)) &&
         (search->wanted == NULL ||
          g_strcmp0 (ist_operator_tunnel_description_get_description (description), search->wanted) == 0);
}

static void
search_add_candidates (Search *search,
                       GListModel *list)
{
  g_autoptr (GPtrArray) open = g_ptr_array_new_with_free_func (g_object_unref);
  guint n = g_list_model_get_n_items (list);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (IstOperatorTunnelDescription) description = g_list_model_get_item (list, i);

      if (search_may_mean (search, description))
        g_ptr_array_add (open, g_steal_pointer (&description));
    }
  g_ptr_array_sort (open, compare_age);
  for (guint i = 0; i < open->len && i < MAX_LOOKS; i++)
    g_ptr_array_add (search->candidates, g_strdup (ist_operator_tunnel_description_get_tunnel_id (open->pdata[i])));
}

static void
on_listed (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GListModel) list = NULL;
  GError *error = NULL;

  list = ist_operator_control_plane_list_tunnels_finish (IST_OPERATOR_CONTROL_PLANE (object), result, &error);
  if (list == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  search_add_candidates (g_task_get_task_data (task), list);
  search_go_on (g_steal_pointer (&task));
}

static GTask *
search_new (IstOperatorControlPlane *control_plane,
            GMainContext *context,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer user_data)
{
  Search *search = g_new0 (Search, 1);
  GTask *task;

  g_main_context_push_thread_default (context);
  task = g_task_new (control_plane, cancellable, callback, user_data);
  g_main_context_pop_thread_default (context);
  search->context = g_main_context_ref (context);
  search->candidates = g_ptr_array_new_with_free_func (g_free);
  g_task_set_task_data (task, search, search_free);
  return task;
}

void
ist_operator_search_async (IstOperatorControlPlane *control_plane,
                           GMainContext *context,
                           const char *thing_name,
                           const char *const *service_ids,
                           const char *description,
                           const char *const *excluded,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = search_new (control_plane, context, cancellable, callback, user_data);
  Search *search = g_task_get_task_data (task);

  g_task_set_source_tag (task, ist_operator_search_async);
  search->thing_name = g_strdup (thing_name);
  search->service_ids = g_strdupv ((char **) service_ids);
  search->wanted = g_strdup (description);
  search->excluded = g_strdupv ((char **) excluded);
  g_main_context_push_thread_default (context);
  ist_operator_control_plane_list_tunnels_async (control_plane, thing_name, cancellable, on_listed, task);
  g_main_context_pop_thread_default (context);
}

void
ist_operator_take_over_async (IstOperatorControlPlane *control_plane,
                              GMainContext *context,
                              const char *tunnel_id,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  GTask *task = search_new (control_plane, context, cancellable, callback, user_data);
  Search *search = g_task_get_task_data (task);

  g_task_set_source_tag (task, ist_operator_take_over_async);
  g_ptr_array_add (search->candidates, g_strdup (tunnel_id));
  search_go_on (task);
}

IstOperatorOffer *
ist_operator_search_finish (GAsyncResult *result,
                            GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
