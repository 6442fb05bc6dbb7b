/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-ca.h"

#include <glib/gi18n.h>
#include <string.h>
#include <sysexits.h>

#include "common/ist-authorities-private.h"
#include "tools/common/tool-error.h"

static GTlsDatabase *
make_database (const char *pem,
               GError **error)
{
  g_autoptr (GError) local = NULL;
  GTlsDatabase *database = ist_authorities_new (pem, strlen (pem), &local);

  if (database == NULL)
    g_set_error_literal (error, TOOL_ERROR, EX_OSERR, local->message);
  return database;
}

/* As c_rehash makes them: 1a2b3c4d.0 */
static gboolean
is_hashed (const char *name)
{
  int i;

  for (i = 0; i < 8; i++)
    {
      if (!g_ascii_isxdigit (name[i]))
        return FALSE;
    }
  return name[8] == '.' && g_ascii_isdigit (name[9]);
}

static gboolean
is_certificate (const char *name)
{
  static const char *const suffixes[] = { ".pem", ".crt", ".cer" };

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      if (g_str_has_suffix (name, suffixes[i]))
        return TRUE;
    }
  return FALSE;
}

static void
add_file (GHashTable *certificates,
          const char *path)
{
  g_autoptr (GError) error = NULL;
  GList *list = g_tls_certificate_list_new_from_file (path, &error);

  if (error != NULL)
    g_warning (_ ("Skipping a certificate: %s: %s"), path, error->message);
  for (GList *l = list; l != NULL; l = l->next)
    {
      char *pem = NULL;

      g_object_get (l->data, "certificate-pem", &pem, NULL);
      g_hash_table_add (certificates, pem);
    }
  g_list_free_full (list, g_object_unref);
}

static char *
read_folder (const char *path,
             GError **error)
{
  g_autoptr (GHashTable) certificates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) hashed = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) others = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) pem = g_string_new (NULL);
  g_autoptr (GError) local = NULL;
  g_autoptr (GDir) dir = g_dir_open (path, 0, &local);
  GPtrArray *files;
  GHashTableIter iter;
  gpointer one;
  const char *name;

  if (dir == NULL)
    {
      g_set_error_literal (error, TOOL_ERROR, EX_NOINPUT, local->message);
      return NULL;
    }
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      if (is_hashed (name))
        g_ptr_array_add (hashed, g_build_filename (path, name, NULL));
      else if (is_certificate (name))
        g_ptr_array_add (others, g_build_filename (path, name, NULL));
    }

  files = hashed->len > 0 ? hashed : others;
  for (guint i = 0; i < files->len; i++)
    add_file (certificates, g_ptr_array_index (files, i));
  if (g_hash_table_size (certificates) == 0)
    {
      g_set_error (error, TOOL_ERROR, EX_NOINPUT, _ ("%s: no certificate in this folder"), path);
      return NULL;
    }
  g_hash_table_iter_init (&iter, certificates);
  while (g_hash_table_iter_next (&iter, &one, NULL))
    g_string_append (pem, one);
  return g_string_free (g_steal_pointer (&pem), FALSE);
}

/* As OpenSSL has it, with which the reference proxy is made: each variable takes
 * the place of a default, a file and folders. Debian's default file does not exist. */
#define FILE_VARIABLE "SSL_CERT_FILE"
#define FOLDERS_VARIABLE "SSL_CERT_DIR"
#define DEFAULT_FOLDER "/etc/ssl/certs"

gboolean
proxy_ca_is_in_environment (void)
{
  return g_getenv (FILE_VARIABLE) != NULL || g_getenv (FOLDERS_VARIABLE) != NULL;
}

GTlsDatabase *
proxy_ca_load_environment (GError **error)
{
  const char *file = g_getenv (FILE_VARIABLE);
  const char *folders = g_getenv (FOLDERS_VARIABLE);
  g_auto (GStrv) paths = g_strsplit (folders != NULL ? folders : DEFAULT_FOLDER, ":", -1);
  g_autoptr (GHashTable) certificates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GString) pem = g_string_new (NULL);
  GHashTableIter iter;
  gpointer one;

  if (file != NULL)
    add_file (certificates, file);
  for (gsize i = 0; paths[i] != NULL; i++)
    {
      g_autoptr (GError) local = NULL;
      g_autofree char *found = *paths[i] != '\0' ? read_folder (paths[i], &local) : NULL;

      if (found != NULL)
        g_string_append (pem, found);
      else if (local != NULL && folders != NULL)
        g_warning ("%s: %s", FOLDERS_VARIABLE, local->message);
    }
  g_hash_table_iter_init (&iter, certificates);
  while (g_hash_table_iter_next (&iter, &one, NULL))
    g_string_append (pem, one);
  if (pem->len == 0)
    {
      g_set_error (error, TOOL_ERROR, EX_NOINPUT, _ ("%s and %s name no certificate"), FILE_VARIABLE,
                   FOLDERS_VARIABLE);
      return NULL;
    }
  return make_database (pem->str, error);
}

GTlsDatabase *
proxy_ca_load (const char *path,
               GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *absolute = NULL;
  g_autofree char *pem = NULL;
  GTlsDatabase *database;

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      pem = read_folder (path, error);
      return pem != NULL ? make_database (pem, error) : NULL;
    }
  absolute = g_canonicalize_filename (path, NULL);
  database = g_tls_file_database_new (absolute, &local);
  if (database == NULL)
    g_set_error (error, TOOL_ERROR, EX_NOINPUT, _ ("%s: no certificates: %s"), path, local->message);
  return database;
}
