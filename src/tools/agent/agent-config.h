/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-agent/ist-agent.h>

G_BEGIN_DECLS

/* What the configuration file says: properties of the agent, and its services. */
typedef struct _AgentConfig AgentConfig;

/* Paths in it are relative to its folder. Fails with a TOOL_ERROR that names the file, the
 * group and the key, as they are spelt there. */
AgentConfig *agent_config_load (const char *path,
                                GError **error);
void agent_config_free (AgentConfig *self);

IstAgentDevice *agent_config_make_agent (const AgentConfig *self);

/* Reads all that the file names, too, and connects to nothing. Returns all that is wrong, a
 * sentence each; NULL if the file can't be read. */
GPtrArray *agent_config_check (const char *path,
                               GError **error);

/* Applies what can change while the agent runs. @needs_restart: whether
 * something else is different too. Changes nothing if it fails. */
gboolean agent_config_reload (const AgentConfig *self,
                              IstAgentDevice *agent,
                              gboolean *needs_restart,
                              GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AgentConfig, agent_config_free)

G_END_DECLS
