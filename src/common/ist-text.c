/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-text-private.h"

#include <string.h>

/* What stands for the rest of a text that is too long. */
#define ELLIPSIS "…"

/* Characters that are invisible, break lines or turn the direction of writing:
 * who sees them sees something else than what is there. */
static gboolean
is_treacherous (gunichar c)
{
  static const GUnicodeType types[] = {
    G_UNICODE_CONTROL,
    G_UNICODE_FORMAT,
    G_UNICODE_LINE_SEPARATOR,
    G_UNICODE_PARAGRAPH_SEPARATOR,
    G_UNICODE_PRIVATE_USE,
    G_UNICODE_SURROGATE,
    G_UNICODE_UNASSIGNED,
  };
  GUnicodeType type = g_unichar_type (c);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (types); i++)
    {
      if (types[i] == type)
        return TRUE;
    }
  return FALSE;
}

static void
append_character (GString *out,
                  gunichar c)
{
  if (c == '\n')
    g_string_append (out, "\\n");
  else if (c == '\r')
    g_string_append (out, "\\r");
  else if (c == '\t')
    g_string_append (out, "\\t");
  else if (!is_treacherous (c))
    g_string_append_unichar (out, c);
  else if (c <= 0xffff)
    g_string_append_printf (out, "\\u%04x", c);
  else
    /* In two halves, as JSON has it: JSON that is made safe stays the same. */
    g_string_append_printf (out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
}

char *
ist_text_make_safe (const char *text,
                    gssize length,
                    gsize max_length)
{
  g_autoptr (GString) out = g_string_new (NULL);
  gsize last_fit = 0; /* where the text can be cut with room for the ellipsis */
  const char *end;

  /* Nothing may be nowhere. */
  if (length == 0)
    text = "";
  end = text + (length < 0 ? strlen (text) : (gsize) length);
  while (text < end)
    {
      gunichar c = g_utf8_get_char_validated (text, end - text);

      if (c == (gunichar) -1 || c == (gunichar) -2)
        {
          g_string_append_printf (out, "\\x%02x", (guchar) *text);
          text++;
        }
      else
        {
          append_character (out, c);
          text = g_utf8_next_char (text);
        }
      if (out->len > max_length)
        {
          g_string_truncate (out, last_fit);
          g_string_append (out, ELLIPSIS);
          break;
        }
      if (out->len + strlen (ELLIPSIS) <= max_length)
        last_fit = out->len;
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}
