/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-operator-error.h"

#include <ist-operator/ist-operator.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"

static int
get_exit_status (IstOperatorControlPlaneError code)
{
  switch (code)
    {
    case IST_OPERATOR_CONTROL_PLANE_ERROR_NO_REGION:
      return EX_USAGE;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_REQUEST:
      return EX_CONFIG;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED:
      return EX_NOPERM;
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

GError *
tool_operator_error_translate (GError *error)
{
  if (error->domain == IST_OPERATOR_CONTROL_PLANE_ERROR)
    {
      GError *translated = g_error_new_literal (TOOL_ERROR, get_exit_status (error->code), error->message);

      g_error_free (error);
      return translated;
    }
  return error;
}
