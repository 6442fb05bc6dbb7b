/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/agent/agent-bus-guard.h"

#include <unistd.h>

#include "tools/agent/agent-bus-error.h"

#define PATIENCE 5000 /* milliseconds, with a bus that does not answer */

/* Asks the bus who that is: what a message says of its sender it says itself. */
static gboolean
get_user (GDBusMethodInvocation *invocation,
          guint *user,
          GError **error)
{
  g_autoptr (GVariant) answer =
    g_dbus_connection_call_sync (g_dbus_method_invocation_get_connection (invocation), "org.freedesktop.DBus",
                                 "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionUnixUser",
                                 g_variant_new ("(s)", g_dbus_method_invocation_get_sender (invocation)),
                                 G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, PATIENCE, NULL, error);

  if (answer == NULL)
    return FALSE;
  g_variant_get (answer, "(u)", user);
  return TRUE;
}

/* In a thread of GIO's: the bus may be waited for. */
static gboolean
on_authorize (GDBusInterfaceSkeleton *skeleton,
              GDBusMethodInvocation *invocation,
              gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  guint user = 0;

  if (!get_user (invocation, &user, &error))
    g_dbus_method_invocation_return_error (invocation, AGENT_BUS_ERROR, AGENT_BUS_ERROR_NOT_ALLOWED,
                                           "The bus does not say who asks: %s", error->message);
  else if (user == 0 || user == geteuid ())
    return TRUE;
  else
    g_dbus_method_invocation_return_error (invocation, AGENT_BUS_ERROR, AGENT_BUS_ERROR_NOT_ALLOWED,
                                           "%s is for root only",
                                           g_dbus_method_invocation_get_method_name (invocation));
  return FALSE;
}

void
agent_bus_guard (GDBusInterfaceSkeleton *skeleton)
{
  g_signal_connect (skeleton, "g-authorize-method", G_CALLBACK (on_authorize), NULL);
}
