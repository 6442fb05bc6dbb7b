/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A script that gives credentials, for the profile of AWS's tools that there is from then
 * on, and counts how often it was run. */
typedef struct
{
  char *folder;
  char *script;
  char *config;
  char *answer;
  char *runs;
} TestGiver;

void test_giver_init (TestGiver *self);
void test_giver_clear (TestGiver *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TestGiver, test_giver_clear)

/* What it gives; before that, it waits. @minutes: until they expire. */
void test_giver_give (TestGiver *self,
                      const char *id,
                      int minutes);
/* What it writes instead. */
void test_giver_fail (TestGiver *self);
guint test_giver_count_runs (TestGiver *self);

G_END_DECLS
