/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_AGENT_INSIDE) && !defined (IST_AGENT_COMPILATION)
#error "Only <ist-agent/ist-agent.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

G_BEGIN_DECLS

#define IST_AGENT_DEVICE_ERROR (ist_agent_device_error_quark ())

/**
 * IstAgentDeviceError:
 * @IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION: it is not what the service would send
 * @IST_AGENT_DEVICE_ERROR_DUPLICATE: its token was seen before
 * @IST_AGENT_DEVICE_ERROR_NO_SERVICE: none of the services it names is listed
 * @IST_AGENT_DEVICE_ERROR_TOO_MANY_TUNNELS: there are as many tunnels as are allowed
 *
 * Why a notification was refused. New codes may be added at the end.
 *
 * Since: 1.0
 */
typedef enum {
  IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION,
  IST_AGENT_DEVICE_ERROR_DUPLICATE,
  IST_AGENT_DEVICE_ERROR_NO_SERVICE,
  IST_AGENT_DEVICE_ERROR_TOO_MANY_TUNNELS,
} IstAgentDeviceError;

#define IST_AGENT_TYPE_DEVICE_ERROR (ist_agent_device_error_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_agent_device_error_get_type (void) G_GNUC_CONST;

IST_AVAILABLE_IN_1_0
GQuark ist_agent_device_error_quark (void);

G_END_DECLS
