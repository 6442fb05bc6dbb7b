/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-callers.h"

#include <unistd.h>

#include <glib/gi18n.h>

/* Milliseconds that the bus may take to say who somebody is. */
#define BUS_TIMEOUT 10000

struct _OperatorCallers
{
  GDBusConnection *connection;
  OperatorCallerFunc left;
  gpointer user_data;
  GCancellable *cancellable;
  GHashTable *callers; /* Known by name */
  guint n_waiting;
};

/* A caller as it is known here. */
typedef struct
{
  OperatorCallers *callers;
  OperatorCaller *caller;
  guint watch;
} Known;

/* A call of somebody who is not known yet. */
typedef struct
{
  OperatorCallers *callers;
  GDBusMethodInvocation *invocation;
  OperatorAdmittedFunc admitted;
} Waiting;

static void
caller_clear (gpointer data)
{
  OperatorCaller *self = data;

  g_free (self->name);
}

OperatorCaller *
operator_caller_ref (OperatorCaller *self)
{
  return g_rc_box_acquire (self);
}

void
operator_caller_unref (OperatorCaller *self)
{
  g_rc_box_release_full (self, caller_clear);
}

static void
known_free (gpointer data)
{
  Known *self = data;

  g_bus_unwatch_name (self->watch);
  operator_caller_unref (self->caller);
  g_free (self);
}

static void
on_vanished (GDBusConnection *connection,
             const char *name,
             gpointer user_data)
{
  Known *known = user_data;
  OperatorCallers *self = known->callers;
  g_autofree char *key = g_strdup (name);

  self->left (known->caller, self->user_data);
  g_hash_table_remove (self->callers, key);
}

static OperatorCaller *
callers_add (OperatorCallers *self,
             const char *name)
{
  Known *known = g_hash_table_lookup (self->callers, name);

  /* Two of its calls may have come at once. */
  if (known != NULL)
    return known->caller;
  known = g_new0 (Known, 1);
  known->callers = self;
  known->caller = g_rc_box_new0 (OperatorCaller);
  known->caller->name = g_strdup (name);
  g_hash_table_insert (self->callers, known->caller->name, known);
  known->watch = g_bus_watch_name_on_connection (self->connection, name, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL,
                                                 on_vanished, known, NULL);
  return known->caller;
}

static void
waiting_admit (Waiting *waiting,
               GVariant *answer)
{
  OperatorCallers *self = waiting->callers;
  const char *name = g_dbus_method_invocation_get_sender (waiting->invocation);
  guint32 uid = G_MAXUINT32;

  if (answer != NULL)
    g_variant_get (answer, "(u)", &uid);
  if (answer != NULL && uid == getuid ())
    {
      waiting->admitted (callers_add (self, name), waiting->invocation, self->user_data);
      return;
    }
  if (answer != NULL)
    g_warning (_ ("Refused a call of another user, %u"), uid);
  g_dbus_method_invocation_return_error_literal (waiting->invocation, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                                                 "This service is for the user it runs for");
}

static void
on_user (GObject *source_object,
         GAsyncResult *result,
         gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source_object), result, &error);
  g_autofree Waiting *waiting = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_object_unref (waiting->invocation);
      return;
    }
  waiting->callers->n_waiting--;
  waiting_admit (waiting, answer);
}

void
operator_callers_admit (OperatorCallers *self,
                        GDBusMethodInvocation *invocation,
                        OperatorAdmittedFunc admitted)
{
  const char *name = g_dbus_method_invocation_get_sender (invocation);
  Known *known = g_hash_table_lookup (self->callers, name);
  Waiting *waiting;

  if (known != NULL)
    {
      admitted (known->caller, invocation, self->user_data);
      return;
    }
  waiting = g_new0 (Waiting, 1);
  waiting->callers = self;
  waiting->invocation = invocation;
  waiting->admitted = admitted;
  self->n_waiting++;
  g_dbus_connection_call (self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                          "GetConnectionUnixUser", g_variant_new ("(s)", name), G_VARIANT_TYPE ("(u)"),
                          G_DBUS_CALL_FLAGS_NONE, BUS_TIMEOUT, self->cancellable, on_user, waiting);
}

gboolean
operator_callers_is_anybody_watching (OperatorCallers *self)
{
  GHashTableIter iter;
  gpointer known;

  g_hash_table_iter_init (&iter, self->callers);
  while (g_hash_table_iter_next (&iter, NULL, &known))
    {
      if (((Known *) known)->caller->watches)
        return TRUE;
    }
  return FALSE;
}

guint
operator_callers_get_n_waiting (OperatorCallers *self)
{
  return self->n_waiting;
}

OperatorCallers *
operator_callers_new (GDBusConnection *connection,
                      OperatorCallerFunc left,
                      gpointer user_data)
{
  OperatorCallers *self = g_new0 (OperatorCallers, 1);

  self->connection = g_object_ref (connection);
  self->left = left;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->callers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, known_free);
  return self;
}

void
operator_callers_free (OperatorCallers *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_hash_table_unref (self->callers);
  g_object_unref (self->connection);
  g_free (self);
}
