/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "giver.h"

#include <string.h>

#include <glib/gstdio.h>

#include "test-util.h"

static void
write_text (const char *path,
            const char *text)
{
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

void
test_giver_init (TestGiver *self)
{
  g_autofree char *script = NULL;
  g_autofree char *config = NULL;

  self->folder = test_folder_new ();
  self->script = g_build_filename (self->folder, "script", NULL);
  self->config = g_build_filename (self->folder, "config", NULL);
  self->answer = g_build_filename (self->folder, "answer", NULL);
  self->runs = g_build_filename (self->folder, "runs", NULL);
  script = g_strdup_printf ("#!/bin/sh\necho run >> '%s'\nwhile ! [ -e '%s' ]; do sleep 0.02; done\nexec cat '%s'\n",
                            self->runs, self->answer, self->answer);
  config = g_strdup_printf ("[default]\ncredential_process = '%s'\n", self->script);
  write_text (self->script, script);
  write_text (self->config, config);
  g_assert_cmpint (g_chmod (self->script, 0700), ==, 0);
  g_setenv ("AWS_CONFIG_FILE", self->config, TRUE);
  g_setenv ("AWS_SHARED_CREDENTIALS_FILE", "", TRUE);
}

void
test_giver_clear (TestGiver *self)
{
  char *const paths[] = { self->script, self->config, self->answer, self->runs };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_unlink (paths[i]);
      g_free (paths[i]);
    }
  g_assert_cmpint (g_rmdir (self->folder), ==, 0);
  g_free (self->folder);
}

void
test_giver_give (TestGiver *self,
                 const char *id,
                 int minutes)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) time = g_date_time_add (now, minutes * G_TIME_SPAN_MINUTE);
  g_autofree char *shown = g_date_time_format_iso8601 (time);
  g_autofree char *text = g_strdup_printf ("{\"Version\": 1, \"AccessKeyId\": \"%s\", \"SecretAccessKey\": \"S%s\", "
                                           "\"SessionToken\": \"T%s\", \"Expiration\": \"%s\"}",
                                           id, id, id, shown);

  write_text (self->answer, text);
}

void
test_giver_fail (TestGiver *self)
{
  write_text (self->answer, "");
}

guint
test_giver_count_runs (TestGiver *self)
{
  g_autofree char *text = NULL;
  gsize length;

  return g_file_get_contents (self->runs, &text, &length, NULL) ? length / strlen ("run\n") : 0;
}
