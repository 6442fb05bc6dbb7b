/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The objects of tunnels, connections and forwards on the bus. */
typedef struct _OperatorObjects OperatorObjects;

typedef enum
{
  OPERATOR_OBJECTS_TUNNELS,
  OPERATOR_OBJECTS_CONNECTIONS,
  OPERATOR_OBJECTS_FORWARDS,
} OperatorObjectsKind;
#define OPERATOR_N_OBJECTS_KINDS (OPERATOR_OBJECTS_FORWARDS + 1)

OperatorObjects *operator_objects_new (GDBusConnection *connection);
void operator_objects_free (OperatorObjects *self);

/* Of @subject. Its path is that of @interface from then on, until it is removed; returns
 * the number at the end of that. */
guint64 operator_objects_add (OperatorObjects *self,
                              OperatorObjectsKind kind,
                              GDBusInterfaceSkeleton *interface,
                              gpointer subject);
void operator_objects_remove (OperatorObjects *self,
                              OperatorObjectsKind kind,
                              GDBusInterfaceSkeleton *interface);

/* The subject; NULL if there is no such object of that kind. */
gpointer operator_objects_find (OperatorObjects *self,
                                OperatorObjectsKind kind,
                                const char *path);

guint operator_objects_count (OperatorObjects *self,
                              OperatorObjectsKind kind);

G_END_DECLS
