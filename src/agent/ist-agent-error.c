/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <ist-agent/ist-agent-error.h>

G_DEFINE_QUARK (ist - agent - error - quark, ist_agent_error)

G_DEFINE_ENUM_TYPE (IstAgentError,
                    ist_agent_error,
                    G_DEFINE_ENUM_VALUE (IST_AGENT_ERROR_INVALID_NOTIFICATION, "invalid-notification"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_ERROR_DUPLICATE, "duplicate"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_ERROR_NO_SERVICE, "no-service"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_ERROR_TOO_MANY_TUNNELS, "too-many-tunnels"))
