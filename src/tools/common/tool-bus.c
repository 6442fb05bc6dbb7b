/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-bus.h"

#include <gio/gio.h>

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
