/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "emulator-report.h"

void
emulator_report (const char *format,
                 ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_message ("%s", text);
}
