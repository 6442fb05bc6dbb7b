/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "common/ist-file-private.h"
#include "common/ist-json-private.h"
#include "common/ist-names-private.h"
#include "tools/common/tool-error.h"

#define MAX_SIZE (1024 * 1024) /* bytes */

/* Milliseconds: one that ends closes its tunnels first. */
#define LOCK_PATIENCE 10000
#define LOCK_PAUSE 50

struct _OperatorState
{
  char *path;
  int lock;
  GPtrArray *records;
  gboolean has_failed; /* to save, of which was told */
};

static void
record_clear (gpointer data)
{
  OperatorRecord *self = data;

  operator_account_name_clear (&self->account);
  g_free (self->thing);
  g_free (self->tunnel_id);
  g_free (self->description);
}

OperatorRecord *
operator_record_ref (OperatorRecord *self)
{
  return g_rc_box_acquire (self);
}

void
operator_record_unref (OperatorRecord *self)
{
  g_rc_box_release_full (self, record_clear);
}

/* The lock */

static gboolean
state_lock (OperatorState *self,
            const char *folder,
            GError **error)
{
  g_autofree char *path = g_build_filename (folder, "operator.lock", NULL);

  self->lock = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (self->lock == -1)
    {
      g_set_error (error, TOOL_ERROR, EX_CANTCREAT, _ ("Could not open “%s”: %s"), path, g_strerror (errno));
      return FALSE;
    }
  for (guint waited = 0; flock (self->lock, LOCK_EX | LOCK_NB) == -1; waited += LOCK_PAUSE)
    {
      if (errno != EWOULDBLOCK && errno != EINTR)
        {
          g_set_error (error, TOOL_ERROR, EX_IOERR, _ ("Could not lock “%s”: %s"), path, g_strerror (errno));
          return FALSE;
        }
      if (waited >= LOCK_PATIENCE)
        {
          g_set_error (error, TOOL_ERROR, EX_TEMPFAIL,
                       _ ("Another ist-operator has “%s”, maybe one on another session bus: end it first"), folder);
          return FALSE;
        }
      g_usleep (LOCK_PAUSE * 1000);
    }
  return TRUE;
}

/* Reading */

/* NULL if it is not there; anything but a text is as good as nothing. */
static char *
dup_member (JsonObject *object,
            const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_dup_string (node);
}

static void
state_read_record (OperatorState *self,
                   JsonNode *node)
{
  OperatorRecord *record;
  JsonObject *object;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return;
  object = json_node_get_object (node);
  record = g_rc_box_new0 (OperatorRecord);
  record->account.profile = dup_member (object, "profile");
  record->account.region = dup_member (object, "region");
  record->account.endpoint_url = dup_member (object, "endpointUrl");
  record->account.ca_file = dup_member (object, "caFile");
  record->thing = dup_member (object, "thing");
  record->tunnel_id = dup_member (object, "tunnelId");
  record->description = dup_member (object, "description");
  record->kept = json_object_get_boolean_member_with_default (object, "kept", FALSE);
  record->at = json_object_get_int_member_with_default (object, "at", 0);
  if (record->thing != NULL && ist_name_is_valid (record->thing) &&
      (record->tunnel_id != NULL || record->description != NULL))
    g_ptr_array_add (self->records, record);
  else
    operator_record_unref (record);
}

static gboolean
state_parse (OperatorState *self,
             const char *text,
             GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonArray *array = NULL;
  JsonNode *node = NULL;
  JsonNode *root;

  if (!ist_json_check (text, error) || !json_parser_load_from_data (parser, text, -1, error))
    return FALSE;
  root = json_parser_get_root (parser);
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    node = json_object_get_member (json_node_get_object (root), "tunnels");
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("this is not what ist-operator writes"));
      return FALSE;
    }
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    state_read_record (self, json_array_get_element (array, i));
  return TRUE;
}

static gboolean
state_read (OperatorState *self,
            GError **error)
{
  g_autofree char *text = NULL;

  return ist_file_read (self->path, MAX_SIZE, &text, NULL, error) && state_parse (self, text, error);
}

/* Tunnels that it may have named can be seen at AWS; it must not keep new ones from
 * being opened. */
static void
state_load (OperatorState *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *aside = NULL;

  if (state_read (self, &error) || g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return;
  aside = g_strconcat (self->path, ".bad", NULL);
  g_warning (_ ("%s: %s; it is “%s” from now on, and what it names may be open until its lifetime is over"),
             self->path, error->message, aside);
  if (g_rename (self->path, aside) != 0)
    g_warning ("%s: %s", self->path, g_strerror (errno));
}

/* Writing */

static void
add_text (JsonBuilder *builder,
          const char *name,
          const char *text)
{
  if (text == NULL)
    return;
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text);
}

static void
add_record (JsonBuilder *builder,
            const OperatorRecord *record)
{
  json_builder_begin_object (builder);
  add_text (builder, "thing", record->thing);
  add_text (builder, "tunnelId", record->tunnel_id);
  add_text (builder, "description", record->description);
  json_builder_set_member_name (builder, "kept");
  json_builder_add_boolean_value (builder, record->kept);
  json_builder_set_member_name (builder, "at");
  json_builder_add_int_value (builder, record->at);
  add_text (builder, "profile", record->account.profile);
  add_text (builder, "region", record->account.region);
  add_text (builder, "endpointUrl", record->account.endpoint_url);
  add_text (builder, "caFile", record->account.ca_file);
  json_builder_end_object (builder);
}

static char *
state_to_text (OperatorState *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "tunnels");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->records->len; i++)
    add_record (builder, g_ptr_array_index (self->records, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, TRUE);
}

/* A full disk must not keep anybody from their devices. */
static void
state_save (OperatorState *self)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  if (self->records->len == 0)
    {
      if (g_unlink (self->path) != 0 && errno != ENOENT)
        g_warning ("%s: %s", self->path, g_strerror (errno));
      return;
    }
  text = state_to_text (self);
  if (g_file_set_contents_full (self->path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    {
      self->has_failed = FALSE;
      return;
    }
  if (!self->has_failed)
    g_warning (_ ("%s; a tunnel that is open when this program dies stays open until its lifetime is over"),
               error->message);
  self->has_failed = TRUE;
}

/* What others use */

OperatorState *
operator_state_new (const char *folder,
                    GError **error)
{
  g_autoptr (OperatorState) self = g_new0 (OperatorState, 1);

  self->lock = -1;
  self->path = g_build_filename (folder, "operator.json", NULL);
  self->records = g_ptr_array_new_with_free_func ((GDestroyNotify) operator_record_unref);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      g_set_error (error, TOOL_ERROR, EX_CANTCREAT, _ ("Could not make the folder “%s”: %s"), folder,
                   g_strerror (errno));
      return NULL;
    }
  if (!state_lock (self, folder, error))
    return NULL;
  state_load (self);
  return g_steal_pointer (&self);
}

void
operator_state_free (OperatorState *self)
{
  if (self->lock != -1)
    close (self->lock);
  g_ptr_array_unref (self->records);
  g_free (self->path);
  g_free (self);
}

GPtrArray *
operator_state_get_records (OperatorState *self)
{
  return self->records;
}

OperatorRecord *
operator_state_add (OperatorState *self,
                    const OperatorAccountName *account,
                    const char *thing,
                    const char *description)
{
  OperatorRecord *record = g_rc_box_new0 (OperatorRecord);

  operator_account_name_copy (&record->account, account);
  record->thing = g_strdup (thing);
  record->description = g_strdup (description);
  record->at = g_get_real_time ();
  g_ptr_array_add (self->records, record);
  state_save (self);
  return record;
}

void
operator_state_set_tunnel (OperatorState *self,
                           OperatorRecord *record,
                           const char *tunnel_id,
                           gboolean kept)
{
  if (g_strcmp0 (record->tunnel_id, tunnel_id) == 0 && record->kept == kept)
    return;
  if (g_strcmp0 (record->tunnel_id, tunnel_id) != 0)
    {
      g_free (record->tunnel_id);
      record->tunnel_id = g_strdup (tunnel_id);
    }
  record->kept = kept;
  state_save (self);
}

void
operator_state_remove (OperatorState *self,
                       OperatorRecord *record)
{
  if (g_ptr_array_remove (self->records, record))
    state_save (self);
}
