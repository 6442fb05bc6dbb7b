/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Lets nobody but root, and the user that the agent runs as, call the methods of
 * @skeleton: the bus may have no policy that says so, as those of sessions. */
void agent_bus_guard (GDBusInterfaceSkeleton *skeleton);

G_END_DECLS
