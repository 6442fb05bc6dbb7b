/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "agent-dbus.h"
#include "tools/istctl/ctl-command.h"

G_BEGIN_DECLS

/* The agent of this device, as it is on D-Bus. */
typedef struct
{
  GDBusConnection *connection;
  AgentDBusAgent1 *agent;
  GDBusObjectManager *manager;
} CtlAgent;

/* Takes the options of @call, --bus among them, from the command line; see
 * ctl_call_parse(). Then it goes on that bus. */
CtlAgent *ctl_agent_new (CtlCall *call,
                         const char *details,
                         guint n_least,
                         guint n_most,
                         GError **error);
void ctl_agent_free (CtlAgent *self);

gboolean ctl_agent_is_running (CtlAgent *self);
/* With an error that says what to do. */
gboolean ctl_agent_require (CtlAgent *self,
                            GError **error);

/* An error of D-Bus becomes one that has an exit status, and says what to do. */
void ctl_agent_mend_error (GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlAgent, ctl_agent_free)

G_END_DECLS
