/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Notifies of a property that counts if it is not what was told last. */
static inline void
ist_counter_tell (guint64 *told,
                  guint64 now,
                  gpointer object,
                  GParamSpec *property)
{
  if (*told == now)
    return;
  *told = now;
  g_object_notify_by_pspec (object, property);
}

G_END_DECLS
