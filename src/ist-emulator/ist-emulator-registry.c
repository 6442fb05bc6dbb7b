/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-registry-private.h"

#include <string.h>

#include "common/ist-names-private.h"
#include "ist-emulator/ist-emulator-store-private.h"
#include "ist-emulator/ist-emulator-tokens-private.h"
#include "ist-emulator/ist-emulator-tunnel-private.h"

#define DEFAULT_LIFETIME_MINUTES 720 /* which is also the longest */

/* Tokens of one tunnel; the oldest revoked ones are forgotten. */
#define MAX_GRANTS 32

struct _IstEmulatorRegistry
{
  GMainContext *context; /* of the tunnels */
  const IstEmulatorRegistryDelegate *delegate;
  gpointer user_data;
  guint bandwidth;
  IstEmulatorStore *store; /* nullable */
  GPtrArray *records;      /* owned, in the order in which they were opened */
  GHashTable *ids;         /* id -> record */
  IstEmulatorTokens *tokens;
  IstEmulatorThings *things;
  guint64 sequence; /* of the last one opened */
  guint n_closed;
  gint64 prune_at; /* real time when the first closed one is too old */
};

static gboolean
registry_check_services (const char *const *services,
                         GError **error)
{
  for (gsize i = 0; services != NULL && services[i] != NULL; i++)
    {
      if (!ist_name_is_valid (services[i]))
        {
          g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                       "Invalid service name “%s”: it must match ^" IST_NAME_PATTERN "$", services[i]);
          return FALSE;
        }
      for (gsize j = 0; j < i; j++)
        if (strcmp (services[i], services[j]) == 0)
          {
            g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                         "The service name “%s” is there twice", services[i]);
            return FALSE;
          }
    }
  return TRUE;
}

static gboolean
registry_check_destination (const IstEmulatorRegistryRequest *request,
                            GError **error)
{
  if (!registry_check_services (request->services, error))
    return FALSE;
  if (request->thing_name == NULL || ist_name_is_valid (request->thing_name))
    return TRUE;

  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
               "Invalid thing name “%s”: it must match ^" IST_NAME_PATTERN "$", request->thing_name);
  return FALSE;
}

static gboolean
registry_save (IstEmulatorRegistry *self,
               IstEmulatorRecord *record,
               GError **error)
{
  if (self->store == NULL || ist_emulator_store_save (self->store, record, error))
    return TRUE;

  g_prefix_error (error, "The tunnel could not be saved: ");
  return FALSE;
}

/* For what has happened already, and is not for anybody to be refused. */
static void
registry_save_or_warn (IstEmulatorRegistry *self,
                       IstEmulatorRecord *record)
{
  g_autoptr (GError) error = NULL;

  if (!registry_save (self, record, &error))
    g_warning ("%s", error->message);
}

gboolean
ist_emulator_registry_touch (IstEmulatorRegistry *self,
                             IstEmulatorRecord *record,
                             GError **error)
{
  record->updated_at = g_get_real_time ();
  return registry_save (self, record, error);
}

static IstEmulatorRecord *
registry_get_record (IstEmulatorRegistry *self,
                     IstEmulatorTunnel *tunnel)
{
  return g_hash_table_lookup (self->ids, ist_emulator_tunnel_get_id (tunnel));
}

static void
on_client_connected (IstEmulatorTunnel *tunnel,
                     IstMode side,
                     gpointer user_data)
{
  registry_get_record (user_data, tunnel)->connection_updated_at[side] = g_get_real_time ();
}

static void
on_client_disconnected (IstEmulatorTunnel *tunnel,
                        IstMode side,
                        const GError *error,
                        gpointer user_data)
{
  registry_get_record (user_data, tunnel)->connection_updated_at[side] = g_get_real_time ();
}

static void
registry_note_closed (IstEmulatorRegistry *self,
                      IstEmulatorRecord *record)
{
  self->n_closed++;
  self->prune_at = MIN (self->prune_at, record->closed_at + IST_EMULATOR_REGISTRY_MEMORY_TIME);
}

static void
on_closed (IstEmulatorTunnel *tunnel,
           GParamSpec *pspec,
           gpointer user_data)
{
  IstEmulatorRegistry *self = user_data;
  IstEmulatorRecord *record = registry_get_record (self, tunnel);

  record->closed_at = g_get_real_time ();
  record->updated_at = record->closed_at;
  registry_note_closed (self, record);
  registry_save_or_warn (self, record);
  self->delegate->closed (tunnel, self->user_data);
}

static void
registry_add_record (IstEmulatorRegistry *self,
                     IstEmulatorRecord *record)
{
  g_ptr_array_add (self->records, record);
  g_hash_table_insert (self->ids, (char *) ist_emulator_tunnel_get_id (record->tunnel), record);
  for (guint i = 0; i < record->grants->len; i++)
    ist_emulator_tokens_add (self->tokens, g_ptr_array_index (record->grants, i));
  if (record->closed_at != 0)
    registry_note_closed (self, record);
  self->sequence = MAX (self->sequence, record->sequence);

  ist_emulator_tunnel_set_bandwidth (record->tunnel, self->bandwidth);
  g_signal_connect (record->tunnel, "client-connected", G_CALLBACK (on_client_connected), self);
  g_signal_connect (record->tunnel, "client-disconnected", G_CALLBACK (on_client_disconnected), self);
  g_signal_connect (record->tunnel, "notify::open", G_CALLBACK (on_closed), self);
}

/* Without its file. */
static void
registry_drop_record (IstEmulatorRegistry *self,
                      IstEmulatorRecord *record)
{
  g_signal_handlers_disconnect_by_data (record->tunnel, self);
  for (guint i = 0; i < record->grants->len; i++)
    ist_emulator_tokens_remove (self->tokens, g_ptr_array_index (record->grants, i));
  if (record->closed_at != 0)
    self->n_closed--;
  g_hash_table_remove (self->ids, ist_emulator_tunnel_get_id (record->tunnel));
  g_ptr_array_remove (self->records, record);
}

static void
registry_forget_record (IstEmulatorRegistry *self,
                        IstEmulatorRecord *record)
{
  if (self->store != NULL)
    ist_emulator_store_remove (self->store, record);
  registry_drop_record (self, record);
}

static int
registry_compare_closed_at (gconstpointer a,
                            gconstpointer b)
{
  const IstEmulatorRecord *first = *(const IstEmulatorRecord **) a;
  const IstEmulatorRecord *second = *(const IstEmulatorRecord **) b;

  return (first->closed_at > second->closed_at) - (first->closed_at < second->closed_at);
}

/* Forgets closed tunnels that are too old or too many. */
static void
registry_prune (IstEmulatorRegistry *self)
{
  gint64 now = g_get_real_time ();
  g_autoptr (GPtrArray) closed = NULL;

  if (now < self->prune_at && self->n_closed <= IST_EMULATOR_REGISTRY_MAX_CLOSED)
    return;

  closed = g_ptr_array_new ();
  for (guint i = 0; i < self->records->len; i++)
    {
      IstEmulatorRecord *record = g_ptr_array_index (self->records, i);

      if (record->closed_at != 0)
        g_ptr_array_add (closed, record);
    }
  g_ptr_array_sort (closed, registry_compare_closed_at);
  self->prune_at = G_MAXINT64;
  for (guint i = 0; i < closed->len; i++)
    {
      IstEmulatorRecord *record = g_ptr_array_index (closed, i);
      gint64 due = record->closed_at + IST_EMULATOR_REGISTRY_MEMORY_TIME;

      if (now < due && closed->len - i <= IST_EMULATOR_REGISTRY_MAX_CLOSED)
        {
          self->prune_at = due;
          break;
        }
      registry_forget_record (self, record);
    }
}

IstEmulatorRegistry *
ist_emulator_registry_new (guint bandwidth,
                           const IstEmulatorRegistryDelegate *delegate,
                           gpointer user_data)
{
  IstEmulatorRegistry *self = g_new0 (IstEmulatorRegistry, 1);

  self->context = g_main_context_ref_thread_default ();
  self->bandwidth = bandwidth;
  self->prune_at = G_MAXINT64;
  self->delegate = delegate;
  self->user_data = user_data;
  self->records = g_ptr_array_new_with_free_func ((GDestroyNotify) ist_emulator_record_free);
  self->ids = g_hash_table_new (g_str_hash, g_str_equal);
  self->tokens = ist_emulator_tokens_new ();
  self->things = ist_emulator_things_new ();
  return self;
}

void
ist_emulator_registry_free (IstEmulatorRegistry *self)
{
  while (self->records->len > 0)
    registry_drop_record (self, g_ptr_array_index (self->records, self->records->len - 1));
  g_clear_pointer (&self->store, ist_emulator_store_free);
  g_ptr_array_unref (self->records);
  g_hash_table_unref (self->ids);
  g_main_context_unref (self->context);
  ist_emulator_tokens_free (self->tokens);
  ist_emulator_things_free (self->things);
  g_free (self);
}

gboolean
ist_emulator_registry_restore (IstEmulatorRegistry *self,
                               const char *folder,
                               GError **error)
{
  g_autoptr (IstEmulatorStore) store = ist_emulator_store_open (folder, error);
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GPtrArray) tunnels = NULL;

  if (store == NULL)
    return FALSE;
  g_main_context_push_thread_default (self->context);
  records = ist_emulator_store_load (store, error);
  g_main_context_pop_thread_default (self->context);
  if (records == NULL)
    return FALSE;

  self->store = g_steal_pointer (&store);
  g_ptr_array_set_free_func (records, NULL);
  for (guint i = 0; i < records->len; i++)
    registry_add_record (self, g_ptr_array_index (records, i));
  registry_prune (self);
  /* Whoever hears of one may open others, and make closed ones be forgotten. */
  tunnels = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < self->records->len; i++)
    {
      IstEmulatorRecord *record = g_ptr_array_index (self->records, i);

      ist_emulator_things_note (self->things, ist_emulator_tunnel_get_thing_name (record->tunnel));
      g_ptr_array_add (tunnels, g_object_ref (record->tunnel));
    }
  for (guint i = 0; i < tunnels->len; i++)
    self->delegate->opened (g_ptr_array_index (tunnels, i), self->user_data);
  return TRUE;
}

/* Makes room for more. */
static void
registry_forget_revoked (IstEmulatorRegistry *self,
                         IstEmulatorRecord *record)
{
  for (guint i = 0; record->grants->len >= MAX_GRANTS && i < record->grants->len;)
    {
      IstEmulatorGrant *grant = g_ptr_array_index (record->grants, i);

      if (!grant->revoked)
        {
          i++;
          continue;
        }
      ist_emulator_tokens_remove (self->tokens, grant);
      g_ptr_array_remove_index (record->grants, i);
    }
}

/* Takes the place of the tokens that there are; they are added to @revoked. */
static IstEmulatorGrant *
registry_grant_token (IstEmulatorRecord *record,
                      IstMode mode,
                      const char *token,
                      GPtrArray *revoked)
{
  for (guint i = 0; i < record->grants->len; i++)
    {
      IstEmulatorGrant *grant = g_ptr_array_index (record->grants, i);

      if (grant->mode != mode || grant->revoked)
        continue;
      grant->revoked = TRUE;
      g_ptr_array_add (revoked, grant);
    }
  return ist_emulator_record_add_grant (record, ist_emulator_token_digest (token), mode);
}

static void
registry_take_back (IstEmulatorRecord *record,
                    GPtrArray *granted,
                    GPtrArray *revoked)
{
  for (guint i = 0; i < granted->len; i++)
    g_ptr_array_remove (record->grants, g_ptr_array_index (granted, i));
  for (guint i = 0; i < revoked->len; i++)
    ((IstEmulatorGrant *) g_ptr_array_index (revoked, i))->revoked = FALSE;
}

/* All or nothing: no side gets a new token if one can't be made, or they can't be
 * kept. Nobody hears of them before they are kept. */
static gboolean
registry_grant_tokens (IstEmulatorRegistry *self,
                       IstEmulatorRecord *record,
                       IstEmulatorSides sides,
                       GError **error)
{
  g_autoptr (IstEmulatorTunnel) tunnel = g_object_ref (record->tunnel);
  g_autoptr (GPtrArray) granted = g_ptr_array_new ();
  g_autoptr (GPtrArray) revoked = g_ptr_array_new ();
  g_autofree char *source = NULL;
  g_autofree char *destination = NULL;

  if ((source = ist_emulator_token_new (error)) == NULL || (destination = ist_emulator_token_new (error)) == NULL)
    return FALSE;

  if (sides & IST_EMULATOR_SIDES_SOURCE)
    g_ptr_array_add (granted, registry_grant_token (record, IST_MODE_SOURCE, source, revoked));
  if (sides & IST_EMULATOR_SIDES_DESTINATION)
    g_ptr_array_add (granted, registry_grant_token (record, IST_MODE_DESTINATION, destination, revoked));
  if (!ist_emulator_registry_touch (self, record, error))
    {
      registry_take_back (record, granted, revoked);
      return FALSE;
    }
  for (guint i = 0; i < granted->len; i++)
    ist_emulator_tokens_add (self->tokens, g_ptr_array_index (granted, i));
  registry_forget_revoked (self, record);

  /* Whoever hears that a client has gone may forget the tunnel. */
  if (sides & IST_EMULATOR_SIDES_SOURCE)
    ist_emulator_tunnel_set_access_token (tunnel, IST_MODE_SOURCE, source);
  if (sides & IST_EMULATOR_SIDES_DESTINATION)
    ist_emulator_tunnel_set_access_token (tunnel, IST_MODE_DESTINATION, destination);
  return TRUE;
}

static void
registry_notify_thing (IstEmulatorRegistry *self,
                       IstEmulatorTunnel *tunnel)
{
  if (ist_emulator_tunnel_get_thing_name (tunnel) != NULL && ist_emulator_tunnel_is_open (tunnel))
    self->delegate->notify (tunnel, self->user_data);
}

IstEmulatorTunnel *
ist_emulator_registry_open (IstEmulatorRegistry *self,
                            const IstEmulatorRegistryRequest *request,
                            GError **error)
{
  guint lifetime_minutes = request->lifetime_minutes != 0 ? request->lifetime_minutes : DEFAULT_LIFETIME_MINUTES;
  g_autoptr (IstEmulatorTunnel) tunnel = NULL;
  IstEmulatorRecord *record;

  registry_prune (self);
  if (!registry_check_destination (request, error))
    return NULL;
  if (lifetime_minutes > DEFAULT_LIFETIME_MINUTES)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                   "Invalid lifetime of %u minutes: at most %u", lifetime_minutes, DEFAULT_LIFETIME_MINUTES);
      return NULL;
    }
  if (self->records->len - self->n_closed >= IST_EMULATOR_REGISTRY_MAX_OPEN)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "There are %u open tunnels already",
                   self->records->len - self->n_closed);
      return NULL;
    }

  g_main_context_push_thread_default (self->context);
  tunnel = ist_emulator_tunnel_new (NULL, request->services, request->thing_name, g_get_real_time ());
  g_main_context_pop_thread_default (self->context);
  ist_emulator_tunnel_set_lifetime_ms (tunnel, lifetime_minutes * 60 * 1000);
  record = ist_emulator_record_new (g_object_ref (tunnel));
  record->sequence = self->sequence + 1;
  record->description = g_strdup (request->description);
  record->lifetime_minutes = lifetime_minutes;
  record->updated_at = ist_emulator_tunnel_get_opened_at (tunnel);
  record->connection_updated_at[IST_MODE_SOURCE] = record->updated_at;
  record->connection_updated_at[IST_MODE_DESTINATION] = record->updated_at;
  if (request->tags != NULL)
    {
      json_object_unref (record->tags);
      record->tags = json_object_ref (request->tags);
    }
  registry_add_record (self, record);
  if (!registry_grant_tokens (self, record, IST_EMULATOR_SIDES_ALL, error))
    {
      registry_forget_record (self, record);
      return NULL;
    }
  ist_emulator_things_note (self->things, request->thing_name);
  self->delegate->opened (tunnel, self->user_data);
  registry_notify_thing (self, tunnel);
  return g_steal_pointer (&tunnel);
}

IstEmulatorRecord *
ist_emulator_registry_lookup (IstEmulatorRegistry *self,
                              const char *tunnel_id,
                              GError **error)
{
  IstEmulatorRecord *record;

  registry_prune (self);
  record = g_hash_table_lookup (self->ids, tunnel_id);
  if (record == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no tunnel “%s”", tunnel_id);
  return record;
}

gboolean
ist_emulator_registry_close (IstEmulatorRegistry *self,
                             const char *tunnel_id,
                             gboolean forget,
                             GError **error)
{
  IstEmulatorRecord *record = ist_emulator_registry_lookup (self, tunnel_id, error);
  g_autofree char *id = NULL;

  if (record == NULL)
    return FALSE;

  /* The caller's may be the tunnel's own. */
  id = g_strdup (tunnel_id);
  ist_emulator_tunnel_close (record->tunnel);
  record = g_hash_table_lookup (self->ids, id);
  if (forget && record != NULL)
    registry_forget_record (self, record);
  return TRUE;
}

gboolean
ist_emulator_registry_rotate (IstEmulatorRegistry *self,
                              const char *tunnel_id,
                              IstEmulatorSides sides,
                              const IstEmulatorRegistryRequest *destination,
                              GError **error)
{
  IstEmulatorRecord *record = ist_emulator_registry_lookup (self, tunnel_id, error);
  g_autoptr (IstEmulatorTunnel) tunnel = NULL;

  if (record == NULL || (destination != NULL && !registry_check_destination (destination, error)))
    return FALSE;
  if (!ist_emulator_tunnel_is_open (record->tunnel))
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED, "Tunnel is closed");
      return FALSE;
    }

  tunnel = g_object_ref (record->tunnel);
  if (!registry_grant_tokens (self, record, sides, error))
    return FALSE;
  if (destination != NULL)
    {
      ist_emulator_tunnel_set_destination (tunnel, destination->services, destination->thing_name);
      ist_emulator_things_note (self->things, destination->thing_name);
      record = registry_get_record (self, tunnel);
      if (record != NULL && !registry_save (self, record, error))
        return FALSE;
    }
  if (sides & IST_EMULATOR_SIDES_DESTINATION)
    registry_notify_thing (self, tunnel);
  return TRUE;
}

GPtrArray *
ist_emulator_registry_list (IstEmulatorRegistry *self)
{
  registry_prune (self);
  return self->records;
}

IstEmulatorThings *
ist_emulator_registry_get_things (IstEmulatorRegistry *self)
{
  return self->things;
}

IstEmulatorTunnel *
ist_emulator_registry_find (IstEmulatorRegistry *self,
                            const char *access_token,
                            IstMode *side)
{
  IstEmulatorGrant *grant = ist_emulator_tokens_find (self->tokens, access_token);

  if (grant == NULL)
    return NULL;
  *side = grant->mode;
  return grant->record->tunnel;
}

gboolean
ist_emulator_registry_admit (IstEmulatorRegistry *self,
                             IstMode mode,
                             const char *access_token,
                             const char *client_token,
                             GError **error)
{
  gboolean first;
  IstEmulatorGrant *grant = ist_emulator_tokens_use (self->tokens, mode, access_token, client_token, &first,
                                                     error);

  if (grant == NULL)
    return FALSE;
  if (first)
    registry_save_or_warn (self, grant->record);
  return TRUE;
}
