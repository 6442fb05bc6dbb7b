/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Only a hang takes so long, in seconds, also on a loaded machine; under valgrind
 * there is four times as much. */
#define TEST_PATIENCE 120

/* Iterates the default main context until the expression holds; fails the test
 * if that takes far longer than it ever should. */
#define test_wait(expression)                                                                                    \
  G_STMT_START                                                                                                   \
  {                                                                                                              \
    gint64 test_deadline_ = test_get_deadline ();                                                                \
    while (!(expression))                                                                                        \
      test_iterate (NULL, test_deadline_, #expression, G_STRLOC);                                                \
  }                                                                                                              \
  G_STMT_END

gint64 test_get_deadline (void);
void test_iterate (GMainContext *context,
                   gint64 deadline,
                   const char *expression,
                   const char *where);

/* Iterates the default main context for a while. */
void test_run_for (guint milliseconds);

/* Iterates the default main context until it has nothing to do at once. */
void test_settle (void);

/* A callback that stores a reference to its result. */
void test_store_result (GObject *source,
                        GAsyncResult *result,
                        gpointer user_data); /* GAsyncResult **, of NULL */

/* One pseudo-random byte for each position of a stream, so that whatever is
 * lost, doubled or mixed up shows; other ones for each seed. */
void test_pattern_fill (guint8 *data,
                        gsize length,
                        guint64 offset,
                        guint seed);
void test_pattern_check (const guint8 *data,
                         gsize length,
                         guint64 offset,
                         guint seed);

guint test_count_fds (void);

/* The path of a file with @text that is in no folder: however the process ends,
 * nothing is left of it. */
char *test_file_new (const char *text);
/* (nullable) */
void test_file_free (char *path);

/* The path of a new folder, for the test to remove. */
char *test_folder_new (void);

/* Kilobytes, now and at most since the start of the process. */
guint test_get_rss (void);

G_END_DECLS
