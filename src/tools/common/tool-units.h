/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Figures for people. */

char *tool_format_bytes (guint64 bytes);

/* A dash for less than a byte per second. */
char *tool_format_rate (double bytes_per_second);

/* Hours, minutes and seconds. */
char *tool_format_duration (gint64 microseconds);

/* Of this time zone; a dash for 0. @microseconds: since 1970. */
char *tool_format_time (gint64 microseconds);

/* How long ago that was; a dash for 0. */
char *tool_format_age (gint64 microseconds);

/* How long until then; a dash for 0. */
char *tool_format_time_left (gint64 microseconds);

/* A dash if there is none. */
char *tool_format_round_trip (gint64 microseconds);

G_END_DECLS
