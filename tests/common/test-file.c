/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-file-private.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

static char *folder;

static char *
in_folder (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static void
expect_content (const char *path,
                gsize max,
                const char *expected)
{
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  ist_file_read (path, max, &contents, &length, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (contents, length, expected, strlen (expected));
  g_assert_cmpint (contents[length], ==, '\0');
}

static void
expect_failure (const char *path,
                gsize max,
                int code)
{
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (ist_file_read (path, max, &contents, NULL, &error));
  g_assert_error (error, G_FILE_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_null (contents);
}

static void
test_file (void)
{
  g_autofree char *path = in_folder ("file");
  g_autofree char *link = in_folder ("link");
  g_autofree char *text = g_strnfill (10000, 'x');

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (symlink (path, link), ==, 0);
  expect_content (path, 10000, text);
  expect_content (link, 10000, text);
  expect_failure (path, 9999, G_FILE_ERROR_FAILED);
  g_assert_true (g_file_set_contents (path, "", -1, NULL));
  expect_content (path, 0, "");
  g_unlink (link);
  g_unlink (path);
}

/* None of these may be waited for. */
static void
test_no_file (void)
{
  g_autofree char *fifo = in_folder ("fifo");
  g_autofree char *missing = in_folder ("missing");

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  expect_failure (fifo, 1000, G_FILE_ERROR_INVAL);
  expect_failure ("/dev/zero", 1000, G_FILE_ERROR_INVAL);
  expect_failure (folder, 1000, G_FILE_ERROR_ISDIR);
  expect_failure (missing, 1000, G_FILE_ERROR_NOENT);
  g_unlink (fifo);
}

/* Of no size, as it says, and with content. */
static void
test_proc (void)
{
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  ist_file_read ("/proc/self/status", 65536, &contents, &length, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (length, >, 100);
  expect_failure ("/proc/self/status", 100, G_FILE_ERROR_FAILED);
}

int
main (int argc,
      char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("ist-XXXXXX", NULL);
  g_test_add_func ("/file/file", test_file);
  g_test_add_func ("/file/no-file", test_no_file);
  g_test_add_func ("/file/proc", test_proc);

  result = g_test_run ();
  g_rmdir (folder);
  g_free (folder);
  return result;
}
