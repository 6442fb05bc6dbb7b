/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-backoff-private.h"

static void
test_bounds (void)
{
  for (guint round = 0; round < 1000; round++)
    {
      IstBackoff backoff = { .floor = 500, .base = 1000, .cap = 60000 };
      guint limit = 1000;

      for (guint i = 0; i < 40; i++)
        {
          guint delay = ist_backoff_fail (&backoff);

          g_assert_cmpuint (delay, >=, 500);
          g_assert_cmpuint (delay, <=, limit);
          limit = MIN (limit * 2, 60000);
        }
      ist_backoff_reset (&backoff);
      g_assert_cmpuint (ist_backoff_fail (&backoff), <=, 1000);
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/backoff/bounds", test_bounds);
  return g_test_run ();
}
