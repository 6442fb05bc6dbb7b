/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-table.h"

#include <glib/gi18n.h>

#include "common/ist-text-private.h"

/* Between two columns. */
#define GAP 2

typedef struct
{
  ToolStyle style;
  guint width;
  char *text;
} Cell;

struct _ToolTable
{
  const ToolColumn *columns;
  guint n_columns;
  GArray *cells; /* row by row, the titles first */
};

/* How it is drawn on one terminal. */
typedef struct
{
  guint width;
  gboolean dropped;
} Layout;

static void
cell_clear (gpointer data)
{
  Cell *cell = data;

  g_free (cell->text);
}

ToolTable *
tool_table_new (const ToolColumn *columns,
                guint n_columns)
{
  ToolTable *self = g_new0 (ToolTable, 1);

  self->columns = columns;
  self->n_columns = n_columns;
  self->cells = g_array_new (FALSE, FALSE, sizeof (Cell));
  g_array_set_clear_func (self->cells, cell_clear);
  for (guint i = 0; i < n_columns; i++)
    tool_table_add (self, TOOL_STYLE_TITLE, _ (columns[i].title));
  return self;
}

void
tool_table_free (ToolTable *self)
{
  g_array_unref (self->cells);
  g_free (self);
}

void
tool_table_add (ToolTable *self,
                ToolStyle style,
                const char *text)
{
  Cell cell = { .style = style };

  cell.text = ist_text_make_safe (text != NULL && *text != '\0' ? text : "-", -1, G_MAXSIZE);
  cell.width = tool_text_get_width (cell.text);
  g_array_append_val (self->cells, cell);
}

void
tool_table_take (ToolTable *self,
                 ToolStyle style,
                 char *text)
{
  g_autofree char *taken = text;

  tool_table_add (self, style, taken);
}

guint
tool_table_get_n_rows (ToolTable *self)
{
  return self->cells->len / self->n_columns - 1;
}

/* Layout */

static guint
layout_get_width (const Layout *layout,
                  guint n_columns)
{
  guint width = 0;

  for (guint i = 0; i < n_columns; i++)
    {
      if (!layout[i].dropped)
        width += layout[i].width + GAP;
    }
  return width > 0 ? width - GAP : 0;
}

static void
table_measure (ToolTable *self,
               Layout *layout)
{
  for (guint i = 0; i < self->cells->len; i++)
    {
      guint column = i % self->n_columns;

      layout[column].width = MAX (layout[column].width, g_array_index (self->cells, Cell, i).width);
    }
}

static void
table_narrow (ToolTable *self,
              Layout *layout,
              guint width)
{
  for (guint i = 0; i < self->n_columns; i++)
    {
      guint used = layout_get_width (layout, self->n_columns);
      guint least = self->columns[i].least_width;

      if (used <= width)
        return;
      if (least != 0 && layout[i].width > least)
        layout[i].width = MAX (least, layout[i].width - MIN (used - width, layout[i].width));
    }
}

/* FALSE if all that are left must stay. */
static gboolean
table_drop_column (ToolTable *self,
                   Layout *layout)
{
  guint worst = self->n_columns;

  for (guint i = 0; i < self->n_columns; i++)
    {
      if (layout[i].dropped || self->columns[i].priority == 0)
        continue;
      if (worst == self->n_columns || self->columns[i].priority >= self->columns[worst].priority)
        worst = i;
    }
  if (worst == self->n_columns)
    return FALSE;
  layout[worst].dropped = TRUE;
  return TRUE;
}

/* What is dropped may have been wide: the others get back what there is room for. */
static void
table_widen (ToolTable *self,
             Layout *layout,
             const Layout *natural,
             guint width)
{
  for (guint i = 0; i < self->n_columns; i++)
    {
      guint used = layout_get_width (layout, self->n_columns);

      if (used >= width)
        return;
      if (!layout[i].dropped)
        layout[i].width = MIN (natural[i].width, layout[i].width + width - used);
    }
}

static Layout *
table_lay_out (ToolTable *self,
               guint width)
{
  g_autofree Layout *natural = g_new0 (Layout, self->n_columns);
  Layout *layout;

  table_measure (self, natural);
  layout = g_memdup2 (natural, self->n_columns * sizeof *layout);
  if (width == 0 || layout_get_width (layout, self->n_columns) <= width)
    return layout;

  table_narrow (self, layout, width);
  while (layout_get_width (layout, self->n_columns) > width && table_drop_column (self, layout))
    ;
  table_widen (self, layout, natural, width);
  return layout;
}

/* Lines */

static void
append_padding (GString *line,
                guint n)
{
  while (n-- > 0)
    g_string_append_c (line, ' ');
}

/* The spaces before a cell are written with it: none are left at the end. */
static void
table_format_row (ToolTable *self,
                  const Layout *layout,
                  const Cell *cells,
                  guint width,
                  gboolean styled,
                  GString *line)
{
  guint waiting = 0; /* spaces */
  guint used = 0;

  for (guint i = 0; i < self->n_columns; i++)
    {
      guint room = width == 0 ? layout[i].width : MIN (layout[i].width, width - MIN (width, used + waiting));
      g_autofree char *text = NULL;
      guint text_width;
      guint padding;

      if (layout[i].dropped)
        continue;
      text = tool_text_fit (cells[i].text, room);
      text_width = tool_text_get_width (text);
      padding = room - text_width;
      append_padding (line, waiting + (self->columns[i].to_right ? padding : 0));
      tool_style_append (line, styled ? cells[i].style : TOOL_STYLE_PLAIN, text);
      used += waiting + room;
      waiting = GAP + (self->columns[i].to_right ? 0 : padding);
      used -= self->columns[i].to_right ? 0 : padding;
    }
}

GPtrArray *
tool_table_format (ToolTable *self,
                   guint width,
                   gboolean styled)
{
  g_autofree Layout *layout = table_lay_out (self, width);
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i + self->n_columns <= self->cells->len; i += self->n_columns)
    {
      GString *line = g_string_new (NULL);

      table_format_row (self, layout, &g_array_index (self->cells, Cell, i), width, styled, line);
      g_ptr_array_add (lines, g_string_free (line, FALSE));
    }
  return lines;
}
