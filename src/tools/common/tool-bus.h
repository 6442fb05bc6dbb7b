/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The address of a bus: @bus is "system", "session" or that already. */
char *tool_bus_get_address (const char *bus,
                            GError **error);

/* Waits for a connection to @bus, but not for long, and only before the main loop
 * runs. The program does not end when the connection does. */
GDBusConnection *tool_bus_connect (const char *bus,
                                   GError **error);

G_END_DECLS
