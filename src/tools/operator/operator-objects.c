/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-objects.h"

#include "tools/common/tool-operator-bus.h"

struct _OperatorObjects
{
  GDBusObjectManagerServer *manager;
  guint n_objects[OPERATOR_N_OBJECTS_KINDS];
  guint64 last[OPERATOR_N_OBJECTS_KINDS]; /* number */
};

static const char *const folders[OPERATOR_N_OBJECTS_KINDS] = {
  [OPERATOR_OBJECTS_TUNNELS] = "tunnels",
  [OPERATOR_OBJECTS_CONNECTIONS] = "connections",
  [OPERATOR_OBJECTS_FORWARDS] = "forwards",
};

guint64
operator_objects_add (OperatorObjects *self,
                      OperatorObjectsKind kind,
                      GDBusInterfaceSkeleton *interface,
                      gpointer subject)
{
  g_autoptr (GDBusObjectSkeleton) object = NULL;
  g_autofree char *path = NULL;

  path = g_strdup_printf (TOOL_OPERATOR_PATH "/%s/%" G_GUINT64_FORMAT, folders[kind], ++self->last[kind]);
  object = g_dbus_object_skeleton_new (path);
  g_dbus_object_skeleton_add_interface (object, interface);
  g_object_set_data_full (G_OBJECT (object), folders[kind], g_object_ref (subject), g_object_unref);
  g_dbus_object_manager_server_export (self->manager, object);
  self->n_objects[kind]++;
  return self->last[kind];
}

void
operator_objects_remove (OperatorObjects *self,
                         OperatorObjectsKind kind,
                         GDBusInterfaceSkeleton *interface)
{
  g_autofree char *path = g_strdup (g_dbus_interface_skeleton_get_object_path (interface));

  if (path != NULL && g_dbus_object_manager_server_unexport (self->manager, path))
    self->n_objects[kind]--;
}

gpointer
operator_objects_find (OperatorObjects *self,
                       OperatorObjectsKind kind,
                       const char *path)
{
  g_autoptr (GDBusObject) object = g_dbus_object_manager_get_object (G_DBUS_OBJECT_MANAGER (self->manager), path);

  return object != NULL ? g_object_get_data (G_OBJECT (object), folders[kind]) : NULL;
}

guint
operator_objects_count (OperatorObjects *self,
                        OperatorObjectsKind kind)
{
  return self->n_objects[kind];
}

OperatorObjects *
operator_objects_new (GDBusConnection *connection)
{
  OperatorObjects *self = g_new0 (OperatorObjects, 1);

  self->manager = g_dbus_object_manager_server_new (TOOL_OPERATOR_PATH);
  g_dbus_object_manager_server_set_connection (self->manager, connection);
  return self;
}

void
operator_objects_free (OperatorObjects *self)
{
  g_dbus_object_manager_server_set_connection (self->manager, NULL);
  g_object_unref (self->manager);
  g_free (self);
}
