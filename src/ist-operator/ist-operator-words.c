/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-words-private.h"

#include <string.h>

#define SPACE " \t\r\n"

/* From behind the opening quote to behind the closing one; NULL if there is none. */
static const char *
read_quoted (const char *p,
             char quote,
             GString *word)
{
  for (; *p != quote; p++)
    {
      if (quote == '"' && *p == '\\' && (p[1] == '\\' || p[1] == '"'))
        p++;
      if (*p == '\0')
        return NULL;
      g_string_append_c (word, *p);
    }
  return p + 1;
}

/* NULL if the text ends too early. */
static const char *
read_word (const char *p,
           GString *word)
{
  while (p != NULL && *p != '\0' && strchr (SPACE, *p) == NULL)
    {
      if (*p == '"' || *p == '\'')
        {
          p = read_quoted (p + 1, *p, word);
          continue;
        }
      if (*p == '\\' && *++p == '\0')
        return NULL;
      g_string_append_c (word, *p++);
    }
  return p;
}

char **
ist_operator_split_words (const char *text)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  const char *p = text + strspn (text, SPACE);

  while (*p != '\0')
    {
      GString *word = g_string_new (NULL);

      p = read_word (p, word);
      g_ptr_array_add (words, g_string_free (word, FALSE));
      if (p == NULL)
        return NULL;
      p += strspn (p, SPACE);
    }
  g_ptr_array_add (words, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&words), FALSE);
}
