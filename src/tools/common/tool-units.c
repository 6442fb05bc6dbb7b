/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-units.h"

#include <glib/gi18n.h>

#define NOTHING "-"

char *
tool_format_bytes (guint64 bytes)
{
  return g_format_size (bytes);
}

char *
tool_format_rate (double bytes_per_second)
{
  g_autofree char *size = NULL;

  /* Not a number compares as false. */
  if (!(bytes_per_second >= 1))
    return g_strdup (NOTHING);
  /* What does not fit into the integer can't be meant. */
  size = g_format_size (bytes_per_second < (double) G_MAXINT64 ? (guint64) bytes_per_second : G_MAXINT64);
  return g_strconcat (size, "/s", NULL);
}

char *
tool_format_duration (gint64 microseconds)
{
  gint64 seconds = MAX (microseconds, 0) / G_USEC_PER_SEC;

  return g_strdup_printf ("%" G_GINT64_FORMAT ":%02d:%02d", seconds / 3600, (int) (seconds / 60 % 60),
                          (int) (seconds % 60));
}

char *
tool_format_time (gint64 microseconds)
{
  g_autoptr (GDateTime) time = NULL;
  g_autoptr (GDateTime) local = NULL;

  if (microseconds <= 0)
    return g_strdup (NOTHING);
  time = g_date_time_new_from_unix_utc (microseconds / G_USEC_PER_SEC);
  local = time != NULL ? g_date_time_to_local (time) : NULL;
  return local != NULL ? g_date_time_format (local, "%Y-%m-%d %H:%M:%S") : g_strdup (NOTHING);
}

char *
tool_format_age (gint64 microseconds)
{
  if (microseconds <= 0)
    return g_strdup (NOTHING);
  return tool_format_duration (g_get_real_time () - microseconds);
}

char *
tool_format_time_left (gint64 microseconds)
{
  if (microseconds <= 0)
    return g_strdup (NOTHING);
  return tool_format_duration (microseconds - g_get_real_time ());
}

char *
tool_format_round_trip (gint64 microseconds)
{
  if (microseconds <= 0)
    return g_strdup (NOTHING);
  return g_strdup_printf (_ ("%.1f ms"), microseconds / 1000.0);
}
