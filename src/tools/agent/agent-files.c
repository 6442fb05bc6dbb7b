/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/agent/agent-files.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/stat.h>

#include "common/ist-authorities-private.h"
#include "common/ist-file-private.h"

/* A certificate or a key is smaller by far. */
#define MAX_FILE (1024 * 1024)

static char *
check_time (GTlsCertificate *certificate,
            const char *path)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) begin = g_tls_certificate_get_not_valid_before (certificate);
  g_autoptr (GDateTime) end = g_tls_certificate_get_not_valid_after (certificate);
  g_autofree char *time = NULL;

  if (end != NULL && g_date_time_compare (now, end) > 0)
    {
      time = g_date_time_format_iso8601 (end);
      return g_strdup_printf (_ ("the certificate in “%s” expired at %s: get a new one"), path, time);
    }
  if (begin != NULL && g_date_time_compare (now, begin) < 0)
    {
      time = g_date_time_format_iso8601 (begin);
      return g_strdup_printf (_ ("the certificate in “%s” is not valid before %s: is the clock of this machine right?"),
                              path, time);
    }
  return NULL;
}

char *
agent_files_check_certificate (const char *path)
{
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *pem = NULL;
  gsize length;

  if (!ist_file_read (path, MAX_FILE, &pem, &length, &error))
    return g_strdup (error->message);
  certificate = g_tls_certificate_new_from_pem (pem, length, &error);
  if (certificate == NULL)
    return g_strdup_printf (_ ("“%s” has no certificate in PEM: %s"), path, error->message);
  return check_time (certificate, path);
}

/* What GnuTLS says of the two. */
static int
compare (char *certificate,
         gsize certificate_length,
         char *key,
         gsize key_length)
{
  gnutls_datum_t certificate_datum = { (unsigned char *) certificate, certificate_length };
  gnutls_datum_t key_datum = { (unsigned char *) key, key_length };
  gnutls_certificate_credentials_t credentials;
  int result = gnutls_certificate_allocate_credentials (&credentials);

  if (result < 0)
    return result;
  result = gnutls_certificate_set_x509_key_mem (credentials, &certificate_datum, &key_datum, GNUTLS_X509_FMT_PEM);
  gnutls_certificate_free_credentials (credentials);
  return result;
}

char *
agent_files_check_key (const char *certificate_path,
                       const char *path)
{
  const char *key_path = path != NULL ? path : certificate_path;
  g_autofree char *certificate = NULL;
  g_autofree char *key = NULL;
  g_autoptr (GError) error = NULL;
  gsize certificate_length;
  gsize key_length;
  GStatBuf status;
  int result;

  if (!ist_file_read (certificate_path, MAX_FILE, &certificate, &certificate_length, &error) ||
      !ist_file_read (key_path, MAX_FILE, &key, &key_length, &error))
    return g_strdup (error->message);
  result = compare (certificate, certificate_length, key, key_length);
  if (result == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
    return g_strdup_printf (_ ("“%s” is not the key of the certificate in “%s”"), key_path, certificate_path);
  if (result < 0)
    return g_strdup_printf (_ ("“%s” has no private key in PEM: %s"), key_path, gnutls_strerror (result));
  if (g_stat (key_path, &status) == 0 && (status.st_mode & S_IRWXO) != 0)
    return g_strdup_printf (_ ("every user has access to the key in “%s”: take it away with chmod o="), key_path);
  return NULL;
}

char *
agent_files_check_authorities (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsDatabase) database = ist_authorities_load (path, &error);

  return database == NULL ? g_strdup_printf (_ ("can't read certificates from “%s”: %s"), path, error->message) : NULL;
}
