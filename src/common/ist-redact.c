/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-redact-private.h"

#include <string.h>

#define REPLACEMENT "[token]"

/* Fewer characters of a token say nothing, and end many a sentence. */
#define MIN_BEGINNING 4

void
ist_redact (GString *text,
            const char *secret)
{
  gsize n;

  g_string_replace (text, secret, REPLACEMENT, 0);
  for (n = MIN (strlen (secret), text->len); n >= MIN_BEGINNING; n--)
    {
      if (memcmp (text->str + text->len - n, secret, n) != 0)
        continue;
      g_string_truncate (text, text->len - n);
      g_string_append (text, REPLACEMENT);
      return;
    }
}
