/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "common/ist-text-private.h"

static void
test_safe (void)
{
  static const struct
  {
    const char *text;
    const char *safe;
  } cases[] = {
    { "", "" },
    { "Tunnel is closed", "Tunnel is closed" },
    { "Größe „1“ \xe6\x97\xa5", "Größe „1“ \xe6\x97\xa5" },
    { "one\ntwo\r\nthree\tfour", "one\\ntwo\\r\\nthree\\tfour" },
    { "\x1b]0;title\x07", "\\u001b]0;title\\u0007" },
    { "\x7f", "\\u007f" },
    /* The same in UTF-8: a C1 control, ends of lines, a turn of direction. */
    { "\xc2\x9b"
      "31m",
      "\\u009b31m" },
    { "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029" },
    { "\xe2\x80\xaetxt.exe", "\\u202etxt.exe" },
    { "\xf3\xa0\x80\x81", "\\udb40\\udc01" },
    /* What is no UTF-8. */
    { "a\x80\xff", "a\\x80\\xff" },
    { "\xc3", "\\xc3" },
    { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *safe = ist_text_make_safe (cases[i].text, -1, 1000);

      g_assert_cmpstr (safe, ==, cases[i].safe);
    }
}

static void
test_length (void)
{
  g_autofree char *zero = ist_text_make_safe ("a\0b", 3, 100);
  g_autofree char *part = ist_text_make_safe ("abcdef", 3, 100);
  g_autofree char *nothing = ist_text_make_safe (NULL, 0, 100);
  guint max;

  g_assert_cmpstr (zero, ==, "a\\x00b");
  g_assert_cmpstr (part, ==, "abc");
  g_assert_cmpstr (nothing, ==, "");
  for (max = 3; max < 40; max++)
    {
      g_autofree char *cut = ist_text_make_safe ("öäü\n\xff"
                                                 "0123456789\xe6\x97\xa5",
                                                 -1, max);

      g_assert_cmpuint (strlen (cut), <=, max);
      g_assert_true (g_utf8_validate (cut, -1, NULL));
      /* Whole, or with a sign that there was more. */
      g_assert_true (g_str_has_suffix (cut, "…") || g_str_has_suffix (cut, "9\xe6\x97\xa5"));
      g_assert_null (strchr (cut, '\n'));
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/text/safe", test_safe);
  g_test_add_func ("/text/length", test_length);

  return g_test_run ();
}
