/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-json-private.h"

#include <string.h>

/* What JSON-GLib, which calls itself for each level, is let have. */
#define MAX_DEPTH 16

/* All there may be of JSON between strings, save for brackets. */
#define OUTSIDE_STRINGS " \t\r\n,:+-." G_CSET_DIGITS G_CSET_A_2_Z G_CSET_a_2_z

static gboolean
fail (GError **error,
      const char *reason)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, reason);
  return FALSE;
}

gboolean
ist_json_check (const char *text,
                GError **error)
{
  gboolean in_string = FALSE;
  guint depth = 0;
  const char *p;

  for (p = text; *p != '\0'; p++)
    {
      if (*p == '"')
        {
          in_string = !in_string;
        }
      else if (in_string && *p == '\\')
        {
          if (strncmp (p + 1, "u0000", 5) == 0)
            return fail (error, "A string holds a NUL character");
          if (p[1] != '\0')
            p++;
        }
      else if (!in_string && (*p == '{' || *p == '['))
        {
          if (++depth > MAX_DEPTH)
            return fail (error, "Values are nested too deeply");
        }
      else if (!in_string && (*p == '}' || *p == ']') && depth > 0)
        {
          depth--;
        }
      else if (!in_string && strchr (OUTSIDE_STRINGS, *p) == NULL)
        {
          return fail (error, "The text is not JSON");
        }
    }
  return TRUE;
}
