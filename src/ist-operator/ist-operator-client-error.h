/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_OPERATOR_INSIDE) && !defined (IST_OPERATOR_COMPILATION)
#error "Only <ist-operator/ist-operator.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

G_BEGIN_DECLS

#define IST_OPERATOR_CLIENT_ERROR (ist_operator_client_error_quark ())

IST_AVAILABLE_IN_1_0
GQuark ist_operator_client_error_quark (void);

/**
 * IstOperatorClientError:
 * @IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT: what was asked for can't be: a name that is none, say
 * @IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED: the device has not connected to the tunnel in time
 * @IST_OPERATOR_CLIENT_ERROR_SERVICE_NOT_AVAILABLE: the tunnel lacks the service
 * @IST_OPERATOR_CLIENT_ERROR_TUNNEL_NOT_CONNECTED: this side has not connected to the tunnel in time
 * @IST_OPERATOR_CLIENT_ERROR_CLOSED: the client, or the tunnel, was closed
 * @IST_OPERATOR_CLIENT_ERROR_TOO_MANY: as many callers wait already as may
 *
 * What can keep an [class@IstOperator.Client] from connecting, besides what
 * the service refuses ([error@IstOperator.ControlPlaneError]) and what happens in a
 * tunnel ([error@Ist.TunnelError]). New codes may be added at the end.
 *
 * Since: 1.0
 */
typedef enum {
  IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT,
  IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED,
  IST_OPERATOR_CLIENT_ERROR_SERVICE_NOT_AVAILABLE,
  IST_OPERATOR_CLIENT_ERROR_TUNNEL_NOT_CONNECTED,
  IST_OPERATOR_CLIENT_ERROR_CLOSED,
  IST_OPERATOR_CLIENT_ERROR_TOO_MANY,
} IstOperatorClientError;

#define IST_OPERATOR_TYPE_CLIENT_ERROR (ist_operator_client_error_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_operator_client_error_get_type (void) G_GNUC_CONST;

G_END_DECLS
