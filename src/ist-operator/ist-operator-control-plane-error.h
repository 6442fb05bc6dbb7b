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

#define IST_OPERATOR_CONTROL_PLANE_ERROR (ist_operator_control_plane_error_quark ())

IST_AVAILABLE_IN_1_0
GQuark ist_operator_control_plane_error_quark (void);

/**
 * IstOperatorControlPlaneError:
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_FAILED: the service has refused for a reason that is none of the others
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING: a setting, a file or a variable of the AWS tools can't be used
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_NO_REGION: nothing says which region is meant
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS: there are none, or they could not be got
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED: the service does not take the credentials any more
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED: the credentials are wrong, or don't allow this
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND: there is no such tunnel or thing
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_REQUEST: the service does not take what was asked for
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_LIMIT_EXCEEDED: the account has as many tunnels as it may have
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_THROTTLED: too many calls, after the last attempt
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_SERVICE_FAILURE: the service does not work, after the last attempt
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_UNREACHABLE: no connection to the service could be made, or it was lost
 * @IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_THE_SERVICE: what answers there is not the service
 *
 * What can go wrong with a call to the service. New codes may be added at the end.
 *
 * Since: 1.0
 */
typedef enum {
  IST_OPERATOR_CONTROL_PLANE_ERROR_FAILED,
  IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
  IST_OPERATOR_CONTROL_PLANE_ERROR_NO_REGION,
  IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS,
  IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED,
  IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED,
  IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND,
  IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_REQUEST,
  IST_OPERATOR_CONTROL_PLANE_ERROR_LIMIT_EXCEEDED,
  IST_OPERATOR_CONTROL_PLANE_ERROR_THROTTLED,
  IST_OPERATOR_CONTROL_PLANE_ERROR_SERVICE_FAILURE,
  IST_OPERATOR_CONTROL_PLANE_ERROR_UNREACHABLE,
  IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_THE_SERVICE,
} IstOperatorControlPlaneError;

#define IST_OPERATOR_TYPE_CONTROL_PLANE_ERROR (ist_operator_control_plane_error_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_operator_control_plane_error_get_type (void) G_GNUC_CONST;

IST_AVAILABLE_IN_1_0
const char *ist_operator_control_plane_error_get_aws_type (const GError *error);
IST_AVAILABLE_IN_1_0
const char *ist_operator_control_plane_error_get_aws_message (const GError *error);
IST_AVAILABLE_IN_1_0
const char *ist_operator_control_plane_error_get_request_id (const GError *error);

G_END_DECLS
