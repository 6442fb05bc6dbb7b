/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-authorities-private.h"

#include <string.h>

#include <glib/gstdio.h>

#include "test-server.h"
#include "test-util.h"

#define MANY 6

typedef struct
{
  char *path;
  char *pem;
  GTlsCertificate *certificate; /* issued by the authority in the file */
} Authority;

static void
authority_write (Authority *self)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (self->path, self->pem, -1, &error);
  g_assert_no_error (error);
}

static Authority *
authority_new (const char *folder,
               guint number)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autofree char *name = g_strdup_printf ("ca-%u.pem", number);
  Authority *self = g_new0 (Authority, 1);

  self->path = g_build_filename (folder, name, NULL);
  self->certificate = test_certificate_new (address, &self->pem);
  authority_write (self);
  return self;
}

static void
authority_free (Authority *self)
{
  g_remove (self->path);
  g_free (self->path);
  g_free (self->pem);
  g_object_unref (self->certificate);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Authority, authority_free)

static GTlsDatabase *
load (const char *path)
{
  g_autoptr (GError) error = NULL;
  GTlsDatabase *database = ist_authorities_load (path, &error);

  g_assert_no_error (error);
  return database;
}

static gboolean
trusts (GTlsDatabase *database,
        Authority *authority)
{
  g_autoptr (GError) error = NULL;
  GTlsCertificateFlags flags;

  flags = g_tls_database_verify_chain (database, authority->certificate, G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER,
                                       NULL, NULL, G_TLS_DATABASE_VERIFY_NONE, NULL, &error);
  g_assert_no_error (error);
  return flags == 0;
}

static void
test_shared (gconstpointer folder)
{
  g_autoptr (Authority) authority = authority_new (folder, 0);
  g_autoptr (GTlsDatabase) first = load (authority->path);
  g_autoptr (GTlsDatabase) second = load (authority->path);

  g_assert_true (first == second);
  g_assert_true (trusts (first, authority));
}

/* Who may be trusted is what the file says now, and never what it says later. */
static void
test_changed (gconstpointer folder)
{
  g_autoptr (Authority) first = authority_new (folder, 0);
  g_autoptr (Authority) other = authority_new (folder, 1);
  g_autoptr (GTlsDatabase) before = load (first->path);
  g_autoptr (GTlsDatabase) changed = NULL;
  g_autoptr (GTlsDatabase) again = NULL;

  g_file_set_contents (first->path, other->pem, -1, NULL);
  changed = load (first->path);
  g_assert_true (trusts (changed, other));
  g_assert_false (trusts (changed, first));
  g_assert_true (trusts (before, first));
  g_assert_false (trusts (before, other));

  authority_write (first);
  again = load (first->path);
  g_assert_true (trusts (again, first));
  g_assert_false (trusts (again, other));
}

static void
test_many (gconstpointer folder)
{
  Authority *authorities[MANY];
  guint descriptors;
  guint round;
  guint i;
  guint j;

  for (i = 0; i < MANY; i++)
    authorities[i] = authority_new (folder, i);
  descriptors = test_count_fds ();
  for (round = 0; round < 3; round++)
    {
      for (i = 0; i < MANY; i++)
        {
          g_autoptr (GTlsDatabase) database = load (authorities[i]->path);

          for (j = 0; j < MANY; j++)
            g_assert_true (trusts (database, authorities[j]) == (i == j));
        }
    }
  g_assert_cmpuint (test_count_fds (), <=, descriptors);
  for (i = 0; i < MANY; i++)
    authority_free (authorities[i]);
}

static void
assert_fails (const char *path,
              GQuark domain,
              int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ist_authorities_load (path, &error));
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, path));
}

static void
test_nothing (gconstpointer folder)
{
  g_autofree char *path = g_build_filename (folder, "none.pem", NULL);

  assert_fails (path, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  assert_fails ("/dev/zero", G_FILE_ERROR, G_FILE_ERROR_INVAL);
  assert_fails (folder, G_FILE_ERROR, G_FILE_ERROR_ISDIR);
}

static gpointer
load_often (gpointer user_data)
{
  Authority **authorities = user_data;
  guint i;

  for (i = 0; i < 50; i++)
    {
      Authority *authority = authorities[i % MANY];
      g_autoptr (GTlsDatabase) database = load (authority->path);

      g_assert_true (trusts (database, authority));
    }
  return NULL;
}

static void
test_threads (gconstpointer folder)
{
  Authority *authorities[MANY];
  GThread *threads[4];
  guint i;

  for (i = 0; i < MANY; i++)
    authorities[i] = authority_new (folder, i);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("load", load_often, authorities);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  for (i = 0; i < MANY; i++)
    authority_free (authorities[i]);
}

int
main (int argc,
      char **argv)
{
  g_autofree char *folder = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  folder = test_folder_new ();
  g_test_add_data_func ("/authorities/shared", folder, test_shared);
  g_test_add_data_func ("/authorities/changed", folder, test_changed);
  g_test_add_data_func ("/authorities/many", folder, test_many);
  g_test_add_data_func ("/authorities/nothing", folder, test_nothing);
  g_test_add_data_func ("/authorities/threads", folder, test_threads);
  result = g_test_run ();
  g_rmdir (folder);
  return result;
}
