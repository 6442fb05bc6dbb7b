/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-agent/ist-agent.h>

G_BEGIN_DECLS

/* What the configuration file says: properties of the agent, and its services. */
typedef struct _AgentConfig AgentConfig;

/* Fails with a TOOL_ERROR. */
AgentConfig *agent_config_load (const char *path,
                                GError **error);
void agent_config_free (AgentConfig *self);

IstAgentDevice *agent_config_make_agent (const AgentConfig *self,
                                         GError **error);

/* Applies what can change while the agent runs. @needs_restart: whether
 * something else is different too. Changes nothing if it fails. */
gboolean agent_config_reload (const AgentConfig *self,
                              IstAgentDevice *agent,
                              gboolean *needs_restart,
                              GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AgentConfig, agent_config_free)

G_END_DECLS
