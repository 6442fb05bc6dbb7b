/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-bus.h"

#include <glib/gi18n.h>

#define PATIENCE 10 /* seconds */

/* Where the connection of tool_bus_connect() comes. */
typedef struct
{
  gboolean done;
  GDBusConnection *connection;
  GError *error;
} Attempt;

char *
tool_bus_get_address (const char *bus,
                      GError **error)
{
  if (g_str_equal (bus, "system"))
    return g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, error);
  if (g_str_equal (bus, "session"))
    return g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SESSION, NULL, error);
  return g_strdup (bus);
}

static void
on_connected (GObject *source_object,
              GAsyncResult *result,
              gpointer user_data)
{
  Attempt *attempt = user_data;

  attempt->connection = g_dbus_connection_new_for_address_finish (result, &attempt->error);
  attempt->done = TRUE;
}

static gboolean
on_patience_over (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

/* Without an end it would wait for whoever accepts and says nothing. */
static GDBusConnection *
connect_to_address (const char *address,
                    GError **error)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GSource) patience = g_timeout_source_new_seconds (PATIENCE);
  Attempt attempt = { FALSE, NULL, NULL };

  g_source_set_callback (patience, on_patience_over, cancellable, NULL);
  g_source_attach (patience, NULL);
  g_dbus_connection_new_for_address (
    address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
    cancellable, on_connected, &attempt);
  while (!attempt.done)
    g_main_context_iteration (NULL, TRUE);
  g_source_destroy (patience);

  if (g_error_matches (attempt.error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_clear_error (&attempt.error);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, _ ("nobody answers there"));
    }
  else if (attempt.error != NULL)
    g_propagate_error (error, attempt.error);
  return attempt.connection;
}

GDBusConnection *
tool_bus_connect (const char *bus,
                  GError **error)
{
  g_autofree char *address = tool_bus_get_address (bus, error);
  GDBusConnection *connection = address != NULL ? connect_to_address (address, error) : NULL;

  if (connection != NULL)
    g_dbus_connection_set_exit_on_close (connection, FALSE);
  else
    g_prefix_error (error, _ ("Could not go on the bus “%s”: "), bus);
  return connection;
}
