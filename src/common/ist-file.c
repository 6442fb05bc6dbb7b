/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-file-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

static gboolean
fail_with_errno (const char *path,
                 GError **error)
{
  int code = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code), "Could not read “%s”: %s", path,
               g_strerror (code));
  return FALSE;
}

static gboolean
fail_too_large (const char *path,
                gsize max,
                GError **error)
{
  g_autofree char *size = g_format_size_full (max, G_FORMAT_SIZE_IEC_UNITS);

  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "“%s” is too large for what it should be: at most %s", path,
               size);
  return FALSE;
}

static gboolean
read_all (int fd,
          const char *path,
          gsize max,
          GByteArray *bytes,
          GError **error)
{
  guint8 buffer[4096];
  gssize n;

  /* It may have grown since it was looked at. */
  do
    {
      n = read (fd, buffer, sizeof buffer);
      if (n < 0 && errno != EINTR)
        return fail_with_errno (path, error);
      if (n > 0)
        g_byte_array_append (bytes, buffer, n);
      if (bytes->len > max)
        return fail_too_large (path, max, error);
    }
  while (n != 0);
  g_byte_array_append (bytes, (const guint8 *) "", 1);
  return TRUE;
}

gboolean
ist_file_read (const char *path,
               gsize max,
               char **contents,
               gsize *length,
               GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  struct stat info;
  gboolean done = FALSE;
  int fd;

  /* Nobody may be at the other end of what is no file. */
  fd = g_open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
  if (fd < 0)
    return fail_with_errno (path, error);
  if (fstat (fd, &info) != 0)
    fail_with_errno (path, error);
  else if (S_ISDIR (info.st_mode))
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_ISDIR, "“%s” is a folder", path);
  else if (!S_ISREG (info.st_mode))
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "“%s” is not a regular file", path);
  else if ((guint64) info.st_size > max)
    fail_too_large (path, max, error);
  else
    done = read_all (fd, path, max, bytes, error);
  close (fd);
  if (!done)
    return FALSE;

  if (length != NULL)
    *length = bytes->len - 1;
  *contents = (char *) g_byte_array_free (g_steal_pointer (&bytes), FALSE);
  return TRUE;
}
