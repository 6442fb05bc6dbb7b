/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib.h>
#include <locale.h>
#include <math.h>

#include "tools/common/tool-table.h"
#include "tools/common/tool-units.h"

/* "e" and an accent of its own, which has no width. */
#define ACCENT "e\u0301"

static void
test_width (void)
{
  g_assert_cmpuint (tool_text_get_width (""), ==, 0);
  g_assert_cmpuint (tool_text_get_width ("pump"), ==, 4);
  g_assert_cmpuint (tool_text_get_width ("Größe"), ==, 5);
  g_assert_cmpuint (tool_text_get_width ("ポンプ"), ==, 6);
  g_assert_cmpuint (tool_text_get_width (ACCENT ACCENT), ==, 2);
}

static void
test_fit (void)
{
  static const struct
  {
    const char *text;
    guint width;
    const char *expected;
  } cases[] = {
    { "pump", 4, "pump" },
    { "pump", 3, "pu…" },
    { "pump", 1, "…" },
    { "pump", 0, "" },
    { "", 0, "" },
    /* Half a character is none. */
    { "ポンプ", 5, "ポン…" },
    { "ポンプ", 4, "ポ…" },
    { "ポンプ", 2, "…" },
    { ACCENT ACCENT "x", 2, ACCENT "…" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = tool_text_fit (cases[i].text, cases[i].width);

      g_assert_cmpstr (text, ==, cases[i].expected);
      g_assert_cmpuint (tool_text_get_width (text), <=, cases[i].width);
    }
}

static const ToolColumn columns[] = {
  { .title = "Name" },
  { .title = "Services", .priority = 3, .least_width = 8 },
  { .title = "In", .priority = 1, .to_right = TRUE },
  { .title = "Region", .priority = 2 },
};

static void
add_row (ToolTable *table,
         const char *name,
         const char *services,
         const char *in,
         const char *region)
{
  tool_table_add (table, TOOL_STYLE_PLAIN, name);
  tool_table_add (table, TOOL_STYLE_PLAIN, services);
  tool_table_add (table, TOOL_STYLE_PLAIN, in);
  tool_table_add (table, TOOL_STYLE_GOOD, region);
}

static void
assert_lines (ToolTable *table,
              guint width,
              gboolean styled,
              const char *expected)
{
  g_autoptr (GPtrArray) lines = tool_table_format (table, width, styled);
  g_autofree char *text = NULL;

  g_ptr_array_add (lines, NULL);
  text = g_strjoinv ("\n", (char **) lines->pdata);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_columns_drop_out (void)
{
  g_autoptr (ToolTable) table = tool_table_new (columns, G_N_ELEMENTS (columns));

  add_row (table, "pump-7", "SSH, console", "12 kB", "eu");
  add_row (table, "ポンプ", "", "1 kB", NULL);
  g_assert_cmpuint (tool_table_get_n_rows (table), ==, 2);

  /* All, whether there is a terminal or not. */
  for (guint i = 0; i < 2; i++)
    assert_lines (table, i * 35, FALSE,
                  "Name    Services         In  Region\n"
                  "pump-7  SSH, console  12 kB  eu\n"
                  "ポンプ  -              1 kB  -");
  /* First the one that may is made narrow. */
  assert_lines (table, 34, FALSE,
                "Name    Services        In  Region\n"
                "pump-7  SSH, conso…  12 kB  eu\n"
                "ポンプ  -             1 kB  -");
  assert_lines (table, 31, FALSE,
                "Name    Services     In  Region\n"
                "pump-7  SSH, co…  12 kB  eu\n"
                "ポンプ  -          1 kB  -");
  /* Then they go, the one that matters least before the others. */
  assert_lines (table, 30, FALSE,
                "Name       In  Region\n"
                "pump-7  12 kB  eu\n"
                "ポンプ   1 kB  -");
  assert_lines (table, 20, FALSE,
                "Name       In\n"
                "pump-7  12 kB\n"
                "ポンプ   1 kB");
  assert_lines (table, 12, FALSE, "Name\npump-7\nポンプ");
  /* What has to stay is cut. */
  assert_lines (table, 4, FALSE, "Name\npum…\nポ…");
  assert_lines (table, 1, FALSE, "…\n…\n…");
}

/* What is left out makes room for what was made narrow before. */
static void
test_room_is_used (void)
{
  static const ToolColumn two[] = {
    { .title = "Name", .least_width = 2 },
    { .title = "Long", .priority = 1 },
  };
  g_autoptr (ToolTable) table = tool_table_new (two, G_N_ELEMENTS (two));

  tool_table_add (table, TOOL_STYLE_PLAIN, "0123456789");
  tool_table_add (table, TOOL_STYLE_PLAIN, "0123456789");
  assert_lines (table, 15, FALSE, "Na…  Long\n01…  0123456789");
  assert_lines (table, 13, FALSE, "Name\n0123456789");
}

static void
test_styles (void)
{
  g_autoptr (ToolTable) table = tool_table_new (columns, G_N_ELEMENTS (columns));

  add_row (table, "a", "b", "c", "d");
  assert_lines (table, 0, TRUE,
                "\033[1mName\033[0m  \033[1mServices\033[0m  \033[1mIn\033[0m  \033[1mRegion\033[0m\n"
                "a     b          c  \033[32md\033[0m");
}

/* Nobody gets at the terminal through a name. */
static void
test_harmless (void)
{
  static const ToolColumn one[] = {
    { .title = "Name" },
  };
  g_autoptr (ToolTable) table = tool_table_new (one, G_N_ELEMENTS (one));

  tool_table_add (table, TOOL_STYLE_PLAIN, "\033[2J");
  tool_table_add (table, TOOL_STYLE_PLAIN, "a\nb\xff\u202e");
  assert_lines (table, 0, FALSE, "Name\n\\u001b[2J\na\\nb\\xff\\u202e");
}

static void
test_units (void)
{
  static const struct
  {
    char *(*format) (gint64 value);
    gint64 value;
    const char *expected;
  } cases[] = {
    { tool_format_duration, 0, "0:00:00" },
    { tool_format_duration, -5, "0:00:00" },
    { tool_format_duration, 59999999, "0:00:59" },
    { tool_format_duration, G_GINT64_CONSTANT (43200000000), "12:00:00" },
    { tool_format_duration, G_MAXINT64, "2562047788:00:54" },
    { tool_format_age, 0, "-" },
    { tool_format_age, G_MININT64, "-" },
    { tool_format_age, G_MAXINT64, "0:00:00" },
    { tool_format_time_left, 0, "-" },
    { tool_format_time_left, G_MININT64, "-" },
    { tool_format_time_left, 1, "0:00:00" },
    { tool_format_time, 0, "-" },
    { tool_format_time, G_MININT64, "-" },
    { tool_format_time, G_MAXINT64, "-" },
    { tool_format_time, G_GINT64_CONSTANT (1767225600000000), "2026-01-01 00:00:00" },
    { tool_format_round_trip, 0, "-" },
    { tool_format_round_trip, -1, "-" },
    { tool_format_round_trip, 12345, "12.3 ms" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = cases[i].format (cases[i].value);

      g_assert_cmpstr (text, ==, cases[i].expected);
    }
}

/* Minutes are enough for a machine that is busy. */
static void
test_time_left (void)
{
  gint64 now = g_get_real_time ();
  g_autofree char *left = tool_format_time_left (now + G_GINT64_CONSTANT (7259000000));
  g_autofree char *age = tool_format_age (now - G_GINT64_CONSTANT (7201000000));

  g_assert_true (g_str_has_prefix (left, "2:00:"));
  g_assert_true (g_str_has_prefix (age, "2:00:"));
}

static void
test_rates (void)
{
  static const struct
  {
    double value;
    const char *expected;
  } cases[] = {
    { 0, "-" },
    { 0.9, "-" },
    { -1, "-" },
    { (double) NAN, "-" },
    { 1500, "1.5\u00a0kB/s" },
    { 1e30, "9.2\u00a0EB/s" },
    { (double) INFINITY, "9.2\u00a0EB/s" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = tool_format_rate (cases[i].value);

      g_assert_cmpstr (text, ==, cases[i].expected);
    }
}

int
main (int argc,
      char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/table/width", test_width);
  g_test_add_func ("/table/fit", test_fit);
  g_test_add_func ("/table/columns-drop-out", test_columns_drop_out);
  g_test_add_func ("/table/room-is-used", test_room_is_used);
  g_test_add_func ("/table/styles", test_styles);
  g_test_add_func ("/table/harmless", test_harmless);
  g_test_add_func ("/table/units", test_units);
  g_test_add_func ("/table/time-left", test_time_left);
  g_test_add_func ("/table/rates", test_rates);
  return g_test_run ();
}
