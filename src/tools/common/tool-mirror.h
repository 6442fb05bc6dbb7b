/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Something of the program's own for each item of a list model, in the same order. */
typedef struct _ToolMirror ToolMirror;

/* @add: makes it for an item. @remove: takes it, when the item has left the list. */
ToolMirror *tool_mirror_new (GListModel *model,
                             gpointer (*add) (gpointer item,
                                              gpointer user_data),
                             void (*remove) (gpointer made,
                                             gpointer user_data),
                             gpointer user_data);
/* Removes all. */
void tool_mirror_free (ToolMirror *self);

GPtrArray *tool_mirror_get_all (ToolMirror *self);

G_END_DECLS
