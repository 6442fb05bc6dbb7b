/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-backoff-private.h"
#include "common/ist-redact-private.h"

static void
test_bounds (void)
{
  guint round;
  guint i;

  for (round = 0; round < 300; round++)
    {
      IstBackoff backoff = { 100, 1000, 120000, 0 };
      guint64 limit = 1000;

      for (i = 0; i < 50; i++)
        {
          guint delay = ist_backoff_fail (&backoff);

          g_assert_cmpuint (delay, >=, 100);
          g_assert_cmpuint (delay, <=, limit);
          g_assert_cmpuint (backoff.failures, ==, i + 1);
          limit = MIN (limit * 2, 120000);
        }
      ist_backoff_reset (&backoff);
      g_assert_cmpuint (backoff.failures, ==, 0);
      g_assert_cmpuint (ist_backoff_fail (&backoff), <=, 1000);
    }
}

/* Full jitter: all over the range, so that clients do not come back together. */
static void
test_jitter (void)
{
  guint quarters[4] = { 0 };
  guint i;

  for (i = 0; i < 4000; i++)
    {
      IstBackoff backoff = { 0, 1000, 1000, 5 };

      quarters[MIN (ist_backoff_fail (&backoff) / 250, 3)]++;
    }
  for (i = 0; i < 4; i++)
    g_assert_cmpuint (quarters[i], >, 500);
}

/* Delays begin anew; who counts failures goes on. */
static void
test_forgive (void)
{
  IstBackoff backoff = { 0, 1000, 120000, 0 };
  guint i;
  guint j;

  for (j = 0; j < 100; j++)
    {
      for (i = 0; i < 10; i++)
        ist_backoff_fail (&backoff);
      ist_backoff_forgive (&backoff);
      g_assert_cmpuint (ist_backoff_fail (&backoff), <=, 1000);
      g_assert_cmpuint (ist_backoff_fail (&backoff), <=, 2000);
      g_assert_cmpuint (backoff.failures, ==, 12 * (j + 1));
    }
  ist_backoff_reset (&backoff);
  g_assert_cmpuint (backoff.failures, ==, 0);
  g_assert_cmpuint (ist_backoff_fail (&backoff), <=, 1000);
}

static void
test_extremes (void)
{
  IstBackoff largest = { 86400000, 86400000, 86400000, G_MAXUINT };
  IstBackoff smallest = { 0, 1, 1, 0 };

  g_assert_cmpuint (ist_backoff_fail (&largest), ==, 86400000);
  g_assert_cmpuint (largest.failures, ==, G_MAXUINT);
  g_assert_cmpuint (ist_backoff_fail (&smallest), <=, 1);
}

static void
test_redact (void)
{
  static const struct
  {
    const char *text;
    const char *expected;
  } cases[] = {
    { "", "" },
    { "nothing here", "nothing here" },
    { "SECRET", "[token]" },
    { "a SECRET and a SECRET.", "a [token] and a [token]." },
    { "cut off: SECRE", "cut off: [token]" },
    { "cut off: SECR", "cut off: [token]" },
    { "too little: SEC", "too little: SEC" },
    { "not the end: SECRE.", "not the end: SECRE." },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) text = g_string_new (cases[i].text);

      ist_redact (text, "SECRET");
      g_assert_cmpstr (text->str, ==, cases[i].expected);
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/backoff/bounds", test_bounds);
  g_test_add_func ("/backoff/jitter", test_jitter);
  g_test_add_func ("/backoff/forgive", test_forgive);
  g_test_add_func ("/backoff/extremes", test_extremes);
  g_test_add_func ("/redact", test_redact);

  return g_test_run ();
}
