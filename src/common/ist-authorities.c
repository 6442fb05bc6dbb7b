/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-authorities-private.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/ist-file-private.h"

/* Those of a whole system take a few hundred kilobytes. */
#define MAX_SIZE (16 * 1024 * 1024)

/* What was loaded, as long as somebody has it. */
typedef struct
{
  char *checksum;
  GWeakRef database;
} Loaded;

static GMutex mutex;
static GSList *all_loaded; /* of Loaded, guarded by the mutex */

static void
close_fd (gpointer data)
{
  close (GPOINTER_TO_INT (data));
}

static gboolean
write_all (int fd,
           const char *text,
           gsize length)
{
  while (length > 0)
    {
      gssize n = write (fd, text, length);

      if (n < 0 && errno != EINTR)
        return FALSE;
      if (n > 0)
        {
          text += n;
          length -= n;
        }
    }
  return TRUE;
}

GTlsDatabase *
ist_authorities_new (const char *pem,
                     gsize length,
                     GError **error)
{
  int fd = memfd_create ("ist-authorities", MFD_CLOEXEC);
  g_autofree char *path = NULL;
  GTlsDatabase *database;

  if (fd == -1 || !write_all (fd, pem, length))
    {
      int code = errno;

      g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (code), g_strerror (code));
      if (fd != -1)
        close (fd);
      return NULL;
    }
  path = g_strdup_printf ("/proc/self/fd/%d", fd);
  database = g_tls_file_database_new (path, error);
  if (database == NULL)
    close (fd);
  else
    g_object_set_data_full (G_OBJECT (database), "ist-authorities", GINT_TO_POINTER (fd), close_fd);
  return database;
}

static void
loaded_free (Loaded *self)
{
  g_free (self->checksum);
  g_weak_ref_clear (&self->database);
  g_free (self);
}

/* With the mutex held; drops what nobody has any more. */
static GTlsDatabase *
find_loaded (const char *checksum)
{
  GTlsDatabase *found = NULL;
  GSList **link = &all_loaded;

  while (*link != NULL && found == NULL)
    {
      Loaded *loaded = (*link)->data;
      g_autoptr (GTlsDatabase) database = g_weak_ref_get (&loaded->database);

      if (database == NULL)
        {
          loaded_free (loaded);
          *link = g_slist_delete_link (*link, *link);
          continue;
        }
      if (g_str_equal (loaded->checksum, checksum))
        found = g_steal_pointer (&database);
      link = &(*link)->next;
    }
  return found;
}

/* With the mutex held. */
static void
add_loaded (const char *checksum,
            GTlsDatabase *database)
{
  Loaded *loaded = g_new0 (Loaded, 1);

  loaded->checksum = g_strdup (checksum);
  g_weak_ref_init (&loaded->database, database);
  all_loaded = g_slist_prepend (all_loaded, loaded);
}

GTlsDatabase *
ist_authorities_load (const char *path,
                      GError **error)
{
  g_autofree char *pem = NULL;
  g_autofree char *checksum = NULL;
  GTlsDatabase *database;
  gsize length;

  if (!ist_file_read (path, MAX_SIZE, &pem, &length, error))
    return NULL;
  checksum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) pem, length);

  g_mutex_lock (&mutex);
  database = find_loaded (checksum);
  if (database == NULL)
    {
      database = ist_authorities_new (pem, length, NULL);
      if (database != NULL)
        add_loaded (checksum, database);
    }
  g_mutex_unlock (&mutex);

  /* It names the file if there is nothing in it; and there may be no /proc. */
  return database != NULL ? database : g_tls_file_database_new (path, error);
}
