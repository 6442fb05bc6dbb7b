/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "common/ist-file-private.h"

/* What a file of a tunnel is called after the tunnel's id. */
#define SUFFIX ".tunnel.json"
#define LOCK_NAME "lock"

/* A file of a tunnel is smaller by far. */
#define MAX_FILE (16 * 1024 * 1024)

struct _IstEmulatorStore
{
  char *folder;
  int lock;
};

static gboolean
store_set_error_from_errno (GError **error,
                            const char *action,
                            const char *path)
{
  int code = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code), "Could not %s “%s”: %s", action, path,
               g_strerror (code));
  return FALSE;
}

static gboolean
store_take_lock (IstEmulatorStore *self,
                 GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, LOCK_NAME, NULL);

  self->lock = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (self->lock < 0)
    return store_set_error_from_errno (error, "open", path);
  if (flock (self->lock, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  if (errno != EWOULDBLOCK)
    return store_set_error_from_errno (error, "lock", path);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "“%s” is in use by another emulator", self->folder);
  return FALSE;
}

IstEmulatorStore *
ist_emulator_store_open (const char *folder,
                         GError **error)
{
  g_autoptr (IstEmulatorStore) self = g_new0 (IstEmulatorStore, 1);

  self->folder = g_strdup (folder);
  self->lock = -1;
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      store_set_error_from_errno (error, "make the folder", folder);
      return NULL;
    }
  if (!store_take_lock (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
ist_emulator_store_free (IstEmulatorStore *self)
{
  if (self->lock >= 0)
    close (self->lock);
  g_free (self->folder);
  g_free (self);
}

static int
store_compare_records (gconstpointer a,
                       gconstpointer b)
{
  const IstEmulatorRecord *first = *(const IstEmulatorRecord **) a;
  const IstEmulatorRecord *second = *(const IstEmulatorRecord **) b;

  return (first->sequence > second->sequence) - (first->sequence < second->sequence);
}

static char *
store_make_path (IstEmulatorStore *self,
                 IstEmulatorRecord *record)
{
  g_autofree char *name = g_strconcat (ist_emulator_tunnel_get_id (record->tunnel), SUFFIX, NULL);

  return g_build_filename (self->folder, name, NULL);
}

static IstEmulatorRecord *
store_load_record (IstEmulatorStore *self,
                   const char *name,
                   GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);
  g_autofree char *expected = NULL;
  g_autoptr (IstEmulatorRecord) record = NULL;
  g_autoptr (GBytes) bytes = NULL;
  char *text;
  gsize length;

  if (!ist_file_read (path, MAX_FILE, &text, &length, error))
    return NULL;

  bytes = g_bytes_new_take (text, length);
  record = ist_emulator_record_from_bytes (bytes, error);
  if (record == NULL)
    {
      g_prefix_error (error, "“%s” is damaged, or of another version; mend it or move it away: ", path);
      return NULL;
    }
  expected = store_make_path (self, record);
  if (g_strcmp0 (path, expected) != 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "“%s” is about another tunnel than its name says; move it away", path);
      return NULL;
    }
  return g_steal_pointer (&record);
}

GPtrArray *
ist_emulator_store_load (IstEmulatorStore *self,
                         GError **error)
{
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, error);
  const char *name;

  if (dir == NULL)
    return NULL;

  records = g_ptr_array_new_with_free_func ((GDestroyNotify) ist_emulator_record_free);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      IstEmulatorRecord *record;

      if (!g_str_has_suffix (name, SUFFIX))
        continue;
      record = store_load_record (self, name, error);
      if (record == NULL)
        return NULL;
      g_ptr_array_add (records, record);
    }
  g_ptr_array_sort (records, store_compare_records);
  return g_steal_pointer (&records);
}

gboolean
ist_emulator_store_save (IstEmulatorStore *self,
                         IstEmulatorRecord *record,
                         GError **error)
{
  g_autofree char *path = store_make_path (self, record);
  g_autoptr (GBytes) bytes = ist_emulator_record_to_bytes (record);
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return g_file_set_contents_full (path, data, size,
                                   G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error);
}

void
ist_emulator_store_remove (IstEmulatorStore *self,
                           IstEmulatorRecord *record)
{
  g_autofree char *path = store_make_path (self, record);

  if (g_unlink (path) != 0 && errno != ENOENT)
    g_warning ("Could not remove “%s”: %s", path, g_strerror (errno));
}
