/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-ini-private.h"

#include <string.h>
#include <sys/stat.h>

#include "common/ist-file-private.h"
#include "common/ist-secret-private.h"
#include "common/ist-text-private.h"
#include "ist-operator/ist-operator-control-plane-error.h"
#include "ist-operator/ist-operator-words-private.h"

/* The largest that people have are those of hundreds of accounts. */
#define MAX_FILE (1024 * 1024)

#define MAX_SHOWN 64
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define INHERITED "DEFAULT"

struct _IstOperatorSection
{
  char *name;
  GHashTable *values; /* key to GString */
  GHashTable *tables; /* key to (name to value), of those that are tables */
  const IstOperatorSection *inherited;
};

struct _IstOperatorIni
{
  GPtrArray *sections; /* of IstOperatorSection, as in the file */
  IstOperatorSection *inherited;
};

typedef struct
{
  IstOperatorIni *ini;
  GHashTable *by_name;
  const char *path;
  guint line;
  IstOperatorSection *section;
  GString *value; /* which an indented line goes on with */
  glong indent;   /* of the line that began it */
} Reader;

/* White space as Python has it: more than GLib. */

static gboolean
is_space (gunichar c)
{
  return g_unichar_isspace (c) || c == '\v' || c == 0x85 || (c >= 0x1c && c <= 0x1f);
}

static const char *
skip_space (const char *text,
            glong *skipped)
{
  for (*skipped = 0; *text != '\0' && is_space (g_utf8_get_char (text)); (*skipped)++)
    text = g_utf8_next_char (text);
  return text;
}

static void
cut_space (char *text)
{
  char *end = text + strlen (text);

  while (end > text)
    {
      char *last = g_utf8_prev_char (end);

      if (!is_space (g_utf8_get_char (last)))
        break;
      end = last;
    }
  *end = '\0';
}

static char *
strip (char *text)
{
  glong skipped;

  cut_space (text);
  return (char *) skip_space (text, &skipped);
}

/* Not by the user's language, in which an I may have no dot. */
static char *
lower (const char *text)
{
  GString *result = g_string_new (NULL);

  for (; *text != '\0'; text = g_utf8_next_char (text))
    g_string_append_unichar (result, g_unichar_tolower (g_utf8_get_char (text)));
  return g_string_free (result, FALSE);
}

/* Sections */

static void
free_value (gpointer data)
{
  ist_secret_free (g_string_free (data, FALSE));
}

static IstOperatorSection *
section_new (const char *name,
             const IstOperatorSection *inherited)
{
  IstOperatorSection *self = g_new (IstOperatorSection, 1);

  self->name = g_strdup (name);
  self->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_value);
  self->tables = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_hash_table_unref);
  self->inherited = inherited;
  return self;
}

static void
section_free (gpointer data)
{
  IstOperatorSection *self = data;

  g_free (self->name);
  g_hash_table_unref (self->values);
  g_hash_table_unref (self->tables);
  g_free (self);
}

static const char *
section_lookup (const IstOperatorSection *self,
                const char *key)
{
  const GString *value = g_hash_table_lookup (self->values, key);

  if (value == NULL)
    return self->inherited != NULL ? section_lookup (self->inherited, key) : NULL;
  return value->str;
}

static gboolean
is_table (const char *value)
{
  return *value == '\n';
}

gboolean
ist_operator_section_has (const IstOperatorSection *self,
                          const char *key)
{
  return section_lookup (self, key) != NULL;
}

const char *
ist_operator_section_get (const IstOperatorSection *self,
                          const char *key)
{
  const char *value = section_lookup (self, key);

  return value != NULL && !is_table (value) ? value : NULL;
}

const char *
ist_operator_section_get_nested (const IstOperatorSection *self,
                                 const char *key,
                                 const char *nested_key)
{
  GHashTable *table = g_hash_table_lookup (self->tables, key);

  if (table != NULL)
    return g_hash_table_lookup (table, nested_key);
  if (g_hash_table_contains (self->values, key) || self->inherited == NULL)
    return NULL;
  return ist_operator_section_get_nested (self->inherited, key, nested_key);
}

/* Reading */

static gboolean G_GNUC_PRINTF (3, 4)
  fail (const Reader *self,
        GError **error,
        const char *format,
        ...)
{
  g_autofree char *reason = NULL;
  va_list args;

  va_start (args, format);
  reason = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
               "“%s”, line %u: %s", self->path, self->line, reason);
  return FALSE;
}

static gboolean
reader_begin_section (Reader *self,
                      const char *name,
                      GError **error)
{
  g_autofree char *shown = ist_text_make_safe (name, -1, MAX_SHOWN);

  self->value = NULL;
  if (g_str_equal (name, INHERITED))
    {
      self->section = self->ini->inherited;
      return TRUE;
    }
  if (g_hash_table_contains (self->by_name, name))
    return fail (self, error, "the section [%s] is there already; make them one", shown);
  self->section = section_new (name, self->ini->inherited);
  g_ptr_array_add (self->ini->sections, self->section);
  g_hash_table_add (self->by_name, self->section->name);
  return TRUE;
}

static gboolean
reader_begin_value (Reader *self,
                    char *line,
                    GError **error)
{
  gsize length = strcspn (line, "=:");
  const char *text = line + length + 1;
  g_autofree char *key = NULL;
  g_autofree char *shown = NULL;
  g_autofree char *section = NULL;
  glong skipped;

  if (line[length] == '\0')
    return fail (self, error, "it is neither a section nor NAME = VALUE");
  line[length] = '\0';
  cut_space (line);
  if (*line == '\0')
    return fail (self, error, "there is no name in front of the “=” or “:”");
  key = lower (line);
  shown = ist_text_make_safe (key, -1, MAX_SHOWN);
  section = ist_text_make_safe (self->section->name, -1, MAX_SHOWN);
  if (g_hash_table_contains (self->section->values, key))
    return fail (self, error, "the section [%s] has %s already; remove one of them", section, shown);
  self->value = g_string_new (skip_space (text, &skipped));
  g_hash_table_insert (self->section->values, g_steal_pointer (&key), self->value);
  return TRUE;
}

static gboolean
reader_take_line (Reader *self,
                  char *line,
                  GError **error)
{
  glong indent;
  char *text = (char *) skip_space (line, &indent);
  char *end;

  cut_space (text);
  if (*text == '#' || *text == ';')
    return TRUE;
  if (self->value != NULL && (*text == '\0' || indent > self->indent))
    {
      g_string_append_printf (self->value, "\n%s", text);
      return TRUE;
    }
  if (*text == '\0')
    return TRUE;

  self->indent = indent;
  end = *text == '[' ? strrchr (text, ']') : NULL;
  if (end != NULL && end > text + 1)
    {
      *end = '\0';
      return reader_begin_section (self, text + 1, error);
    }
  if (self->section == NULL)
    return fail (self, error, "it comes before the first section, such as [default]");
  return reader_begin_value (self, text, error);
}

/* What is indented below a name without a value. NULL if it is not all NAME = VALUE. */
static GHashTable *
parse_table (const char *text)
{
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *line = strip (lines[i]);
      char *separator = strchr (line, '=');

      if (*line == '\0')
        continue;
      if (separator == NULL)
        return NULL;
      *separator = '\0';
      g_hash_table_insert (table, g_strdup (strip (line)), g_strdup (strip (separator + 1)));
    }
  return g_steal_pointer (&table);
}

static gboolean
fail_with_table (const Reader *self,
                 const char *section,
                 const char *key,
                 GError **error)
{
  g_autofree char *name = ist_text_make_safe (section, -1, MAX_SHOWN);
  g_autofree char *shown = ist_text_make_safe (key, -1, MAX_SHOWN);

  g_set_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
               "“%s”, section [%s]: a line below %s is not NAME = VALUE", self->path, name, shown);
  return FALSE;
}

/* One that is inherited counts where it is not overridden. */
static gboolean
is_used (const IstOperatorIni *ini,
         const IstOperatorSection *section,
         const char *key)
{
  if (section != ini->inherited)
    return TRUE;
  for (guint i = 0; i < ini->sections->len; i++)
    {
      const IstOperatorSection *heir = ini->sections->pdata[i];

      if (!g_hash_table_contains (heir->values, key))
        return TRUE;
    }
  return FALSE;
}

static gboolean
reader_finish_section (const Reader *self,
                       const IstOperatorSection *section,
                       GError **error)
{
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  g_hash_table_iter_init (&iter, section->values);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      char *text = ((GString *) value)->str;
      GHashTable *table;

      cut_space (text);
      if (!is_table (text))
        continue;
      table = parse_table (text);
      if (table != NULL)
        g_hash_table_insert (section->tables, g_strdup (key), table);
      else if (is_used (self->ini, section, key))
        return fail_with_table (self, section->name, key, error);
    }
  return TRUE;
}

static gboolean
reader_finish (const Reader *self,
               GError **error)
{
  const GPtrArray *sections = self->ini->sections;

  for (guint i = 0; i < sections->len; i++)
    {
      if (!reader_finish_section (self, sections->pdata[i], error))
        return FALSE;
    }
  return reader_finish_section (self, self->ini->inherited, error);
}

/* Lines end as on any system. @text gets its NULs where lines end. */
static gboolean
reader_run (Reader *self,
            char *text,
            GError **error)
{
  char *line = text;

  for (self->line = 1; *line != '\0'; self->line++)
    {
      gsize length = strcspn (line, "\r\n");
      gboolean is_last = line[length] == '\0';
      char *next = line + length + (g_str_has_prefix (line + length, "\r\n") ? 2 : 1);

      line[length] = '\0';
      if (!reader_take_line (self, line, error))
        return FALSE;
      if (is_last)
        break;
      line = next;
    }
  return reader_finish (self, error);
}

static gboolean
check_encoding (const Reader *self,
                const char *text,
                gsize length,
                GError **error)
{
  const char *end;

  if (g_str_has_prefix (text, BYTE_ORDER_MARK))
    return fail (self, error, "it begins with a byte order mark, which the AWS tools do not take: save it without one");
  if (!g_utf8_validate (text, length, &end))
    {
      g_set_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
                   "“%s” is not text in UTF-8, at byte %" G_GSIZE_FORMAT, self->path, (gsize) (end - text));
      return FALSE;
    }
  return TRUE;
}

static IstOperatorIni *
parse (const char *path,
       char *text,
       gsize length,
       GError **error)
{
  g_autoptr (IstOperatorIni) ini = g_new (IstOperatorIni, 1);
  g_autoptr (GHashTable) by_name = g_hash_table_new (g_str_hash, g_str_equal);
  Reader reader = { ini, by_name, path, 1, NULL, NULL, 0 };

  ini->sections = g_ptr_array_new_with_free_func (section_free);
  ini->inherited = section_new (INHERITED, NULL);
  if (!check_encoding (&reader, text, length, error) || !reader_run (&reader, text, error))
    return NULL;
  return g_steal_pointer (&ini);
}

IstOperatorIni *
ist_operator_ini_load (const char *path,
                       GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  IstOperatorIni *self;
  struct stat info;
  gsize length;

  if (stat (path, &info) != 0 || !S_ISREG (info.st_mode))
    return NULL;
  if (!ist_file_read (path, MAX_FILE, &text, &length, &local))
    {
      g_set_error_literal (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
                           local->message);
      return NULL;
    }
  self = parse (path, text, length, error);
  explicit_bzero (text, length);
  return self;
}

void
ist_operator_ini_free (IstOperatorIni *self)
{
  g_ptr_array_unref (self->sections);
  section_free (self->inherited);
  g_free (self);
}

/* Finding */

const IstOperatorSection *
ist_operator_ini_find (const IstOperatorIni *self,
                       const char *name)
{
  for (guint i = 0; i < self->sections->len; i++)
    {
      const IstOperatorSection *section = self->sections->pdata[i];

      if (g_str_equal (section->name, name))
        return section;
    }
  return NULL;
}

/* The AWS tools don't look what the first word goes on with. */
static gboolean
is_of_kind (const IstOperatorSection *section,
            const char *kind,
            const char *name)
{
  g_auto (GStrv) words = NULL;

  if (!g_str_has_prefix (section->name, kind))
    return FALSE;
  words = ist_operator_split_words (section->name);
  return words != NULL && g_strv_length (words) == 2 && g_str_equal (words[1], name);
}

const IstOperatorSection *
ist_operator_ini_find_last (const IstOperatorIni *self,
                            const char *kind,
                            const char *name,
                            gboolean or_plain)
{
  for (guint i = self->sections->len; i > 0; i--)
    {
      const IstOperatorSection *section = self->sections->pdata[i - 1];

      if (is_of_kind (section, kind, name) || (or_plain && g_str_equal (section->name, name)))
        return section;
    }
  return NULL;
}
