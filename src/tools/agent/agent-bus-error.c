/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/agent/agent-bus-error.h"

#include <gio/gio.h>

static const GDBusErrorEntry entries[] = {
  { AGENT_BUS_ERROR_NO_SUCH_TUNNEL, "io.github.libist.Agent1.Error.NoSuchTunnel" },
  { AGENT_BUS_ERROR_NOT_ALLOWED, "io.github.libist.Agent1.Error.NotAllowed" },
};

GQuark
agent_bus_error_quark (void)
{
  static gsize quark;

  g_dbus_error_register_error_domain ("agent-bus-error-quark", &quark, entries, G_N_ELEMENTS (entries));
  return quark;
}
