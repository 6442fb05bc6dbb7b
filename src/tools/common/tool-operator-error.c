/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-operator-error.h"

#include <sysexits.h>

#include <ist-operator/ist-operator.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-operator-bus.h"

static int
get_control_plane_exit_status (IstOperatorControlPlaneError code)
{
  switch (code)
    {
    case IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_NO_REGION:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS:
      return EX_CONFIG;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED:
      return EX_NOPERM;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_REQUEST:
      return EX_DATAERR;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_LIMIT_EXCEEDED:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_THROTTLED:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_SERVICE_FAILURE:
      return EX_TEMPFAIL;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_THE_SERVICE:
      return EX_PROTOCOL;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_FAILED:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_UNREACHABLE:
    default:
      return EX_UNAVAILABLE;
    }
}

static int
get_client_exit_status (IstOperatorClientError code)
{
  switch (code)
    {
    case IST_OPERATOR_CLIENT_ERROR_SERVICE_NOT_AVAILABLE:
      return EX_CONFIG;
    case IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT:
      return EX_USAGE;
    case IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED:
    case IST_OPERATOR_CLIENT_ERROR_TUNNEL_NOT_CONNECTED:
    case IST_OPERATOR_CLIENT_ERROR_CLOSED:
    case IST_OPERATOR_CLIENT_ERROR_TOO_MANY:
    default:
      return EX_TEMPFAIL;
    }
}

int
tool_operator_error_get_exit_status (const GError *error)
{
  if (error->domain == IST_OPERATOR_CONTROL_PLANE_ERROR)
    return get_control_plane_exit_status (error->code);
  if (error->domain == IST_OPERATOR_CLIENT_ERROR)
    return get_client_exit_status (error->code);
  if (error->domain == TOOL_OPERATOR_ERROR)
    return error->code == TOOL_OPERATOR_ERROR_NO_SUCH_OBJECT ? EX_NOINPUT : EX_TEMPFAIL;
  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS))
    return EX_USAGE;
  /* Nobody answers, or an address can't be listened at. */
  if (error->domain == G_DBUS_ERROR || error->domain == G_IO_ERROR)
    return EX_UNAVAILABLE;
  return tool_error_get_exit_status (error);
}
