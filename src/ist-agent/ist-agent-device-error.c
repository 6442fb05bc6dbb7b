/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <ist-agent/ist-agent-device-error.h>

/**
 * ist_agent_device_error_quark:
 *
 * Gets the domain of the errors that [error@IstAgent.DeviceError] lists.
 *
 * Returns: the error domain
 *
 * Since: 1.0
 */

/* It knows nothing of macros without a semicolon. */
/* clang-format off */
G_DEFINE_QUARK (ist-agent-device-error-quark, ist_agent_device_error)

G_DEFINE_ENUM_TYPE (IstAgentDeviceError, ist_agent_device_error,
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION, "invalid-notification"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_ERROR_DUPLICATE, "duplicate"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_ERROR_NO_SERVICE, "no-service"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_ERROR_TOO_MANY_TUNNELS, "too-many-tunnels"))
/* clang-format on */
