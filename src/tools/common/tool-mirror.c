/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-mirror.h"

struct _ToolMirror
{
  GListModel *model;
  gpointer (*add) (gpointer item,
                   gpointer user_data);
  void (*remove) (gpointer made,
                  gpointer user_data);
  gpointer user_data;
  GPtrArray *all;
};

static void
mirror_remove (ToolMirror *self,
               guint position,
               guint n)
{
  for (guint i = 0; i < n; i++)
    self->remove (g_ptr_array_remove_index (self->all, position), self->user_data);
}

static void
on_items_changed (GListModel *model,
                  guint position,
                  guint n_removed,
                  guint n_added,
                  gpointer user_data)
{
  ToolMirror *self = user_data;

  mirror_remove (self, position, n_removed);
  for (guint i = position; i < position + n_added; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (model, i);

      g_ptr_array_insert (self->all, i, self->add (item, self->user_data));
    }
}

ToolMirror *
tool_mirror_new (GListModel *model,
                 gpointer (*add) (gpointer item,
                                  gpointer user_data),
                 void (*remove) (gpointer made,
                                 gpointer user_data),
                 gpointer user_data)
{
  ToolMirror *self = g_new0 (ToolMirror, 1);

  self->model = g_object_ref (model);
  self->add = add;
  self->remove = remove;
  self->user_data = user_data;
  self->all = g_ptr_array_new ();
  g_signal_connect (model, "items-changed", G_CALLBACK (on_items_changed), self);
  on_items_changed (model, 0, 0, g_list_model_get_n_items (model), self);
  return self;
}

void
tool_mirror_free (ToolMirror *self)
{
  g_signal_handlers_disconnect_by_data (self->model, self);
  mirror_remove (self, 0, self->all->len);
  g_ptr_array_unref (self->all);
  g_object_unref (self->model);
  g_free (self);
}

GPtrArray *
tool_mirror_get_all (ToolMirror *self)
{
  return self->all;
}
