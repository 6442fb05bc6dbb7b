/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE

#include "test-util.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* valgrind makes a program thirty times as slow. */
static gboolean
is_under_valgrind (void)
{
  const char *preload = g_getenv ("LD_PRELOAD");

  return preload != NULL && strstr (preload, "vgpreload") != NULL;
}

gint64
test_get_deadline (void)
{
  gint64 patience = TEST_PATIENCE * G_USEC_PER_SEC;

  return g_get_monotonic_time () + (is_under_valgrind () ? 4 * patience : patience);
}

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
test_iterate (GMainContext *context,
              gint64 deadline,
              const char *expression,
              const char *where)
{
  GSource *tick;

  if (g_get_monotonic_time () > deadline)
    g_error ("%s: never came true: %s", where, expression);

  /* What is waited for may happen in another thread. */
  tick = g_timeout_source_new (5);
  g_source_set_callback (tick, on_tick, NULL, NULL);
  g_source_attach (tick, context);
  g_main_context_iteration (context, TRUE);
  g_source_destroy (tick);
  g_source_unref (tick);
}

void
test_run_for (guint milliseconds)
{
  gint64 end = g_get_monotonic_time () + milliseconds * (gint64) 1000;

  while (g_get_monotonic_time () < end)
    test_iterate (NULL, G_MAXINT64, "", "");
}

void
test_settle (void)
{
  guint i;

  for (i = 0; i < 1000 && g_main_context_iteration (NULL, FALSE); i++)
    continue;
}

void
test_store_result (GObject *source,
                   GAsyncResult *result,
                   gpointer user_data)
{
  GAsyncResult **stored = user_data;

  g_assert_null (*stored);
  *stored = g_object_ref (result);
}

static guint8
pattern_at (guint64 offset,
            guint seed)
{
  return ((offset + ((guint64) seed << 40)) * 0x9e3779b97f4a7c15u) >> 56;
}

void
test_pattern_fill (guint8 *data,
                   gsize length,
                   guint64 offset,
                   guint seed)
{
  gsize i;

  for (i = 0; i < length; i++)
    data[i] = pattern_at (offset + i, seed);
}

void
test_pattern_check (const guint8 *data,
                    gsize length,
                    guint64 offset,
                    guint seed)
{
  gsize i;

  for (i = 0; i < length; i++)
    if (data[i] != pattern_at (offset + i, seed))
      g_error ("Wrong byte at %" G_GUINT64_FORMAT, offset + i);
}

guint
test_count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

char *
test_file_new (const char *text)
{
  int fd = memfd_create ("test", MFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  return g_strdup_printf ("/proc/self/fd/%d", fd);
}

void
test_file_free (char *path)
{
  if (path != NULL)
    close (atoi (strrchr (path, '/') + 1));
  g_free (path);
}

char *
test_folder_new (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("ist-test-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

guint
test_get_rss (void)
{
  g_autofree char *status = NULL;
  const char *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  line = strstr (status, "VmRSS:");
  g_assert_nonnull (line);
  return g_ascii_strtoull (line + strlen ("VmRSS:"), NULL, 10);
}
