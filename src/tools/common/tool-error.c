/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-error.h"

#include <ist/ist.h>
#include <sysexits.h>

/* The formatter takes the dashes for signs. */
/* clang-format off */
G_DEFINE_QUARK (tool-error-quark, tool_error)
/* clang-format on */

static int
get_tunnel_exit_status (IstTunnelError code)
{
  switch (code)
    {
    case IST_TUNNEL_ERROR_INVALID_SETTING:
      return EX_USAGE;
    /* The token opens nothing any more, however often it is tried. */
    case IST_TUNNEL_ERROR_TOKEN_REJECTED:
    case IST_TUNNEL_ERROR_TUNNEL_CLOSED:
    case IST_TUNNEL_ERROR_REFUSED:
    case IST_TUNNEL_ERROR_CLIENT_REPLACED:
      return EX_NOPERM;
    case IST_TUNNEL_ERROR_UNREACHABLE:
    case IST_TUNNEL_ERROR_TLS:
      return EX_UNAVAILABLE;
    case IST_TUNNEL_ERROR_NOT_CONNECTED:
    case IST_TUNNEL_ERROR_SERVICE_UNAVAILABLE:
    case IST_TUNNEL_ERROR_TIMED_OUT:
    case IST_TUNNEL_ERROR_DISCONNECTED:
    case IST_TUNNEL_ERROR_STREAM_RESET:
    case IST_TUNNEL_ERROR_STREAM_REPLACED:
    case IST_TUNNEL_ERROR_CONNECTION_RESET:
    case IST_TUNNEL_ERROR_SESSION_RESET:
    case IST_TUNNEL_ERROR_STOPPED:
      return EX_TEMPFAIL;
    case IST_TUNNEL_ERROR_NO_SUCH_SERVICE:
      return EX_CONFIG;
    case IST_TUNNEL_ERROR_NOT_SUPPORTED:
    case IST_TUNNEL_ERROR_PROTOCOL:
      return EX_PROTOCOL;
    case IST_TUNNEL_ERROR_FAILED:
    case IST_TUNNEL_ERROR_INVALID_STATE:
    case IST_TUNNEL_ERROR_NO_SUCH_STREAM:
    case IST_TUNNEL_ERROR_NO_SUCH_CONNECTION:
    case IST_TUNNEL_ERROR_TOO_LARGE:
    case IST_TUNNEL_ERROR_WOULD_BLOCK:
    default:
      return EX_SOFTWARE;
    }
}

int
tool_error_get_exit_status (const GError *error)
{
  if (error->domain == TOOL_ERROR)
    return error->code;
  if (error->domain == IST_TUNNEL_ERROR)
    return get_tunnel_exit_status (error->code);
  if (error->domain == G_OPTION_ERROR)
    return EX_USAGE;
  return EX_SOFTWARE;
}
