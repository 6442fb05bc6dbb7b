/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-tunnel-error.h"

/**
 * ist_tunnel_error_quark:
 *
 * Gets the domain of the errors that [error@Ist.TunnelError] lists.
 *
 * Returns: the error domain
 *
 * Since: 1.0
 */
/* It knows nothing of macros without a semicolon. */
/* clang-format off */
G_DEFINE_QUARK (ist-tunnel-error-quark, ist_tunnel_error)

G_DEFINE_ENUM_TYPE (IstTunnelError, ist_tunnel_error,
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_FAILED, "failed"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_INVALID_SETTING, "invalid-setting"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_INVALID_STATE, "invalid-state"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_NOT_CONNECTED, "not-connected"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_NO_SUCH_SERVICE, "no-such-service"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_NO_SUCH_STREAM, "no-such-stream"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_NO_SUCH_CONNECTION, "no-such-connection"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_TOO_LARGE, "too-large"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_WOULD_BLOCK, "would-block"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_NOT_SUPPORTED, "not-supported"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_TOKEN_REJECTED, "token-rejected"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_TUNNEL_CLOSED, "tunnel-closed"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_REFUSED, "refused"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_CLIENT_REPLACED, "client-replaced"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_SERVICE_UNAVAILABLE, "service-unavailable"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_UNREACHABLE, "unreachable"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_TLS, "tls"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_TIMED_OUT, "timed-out"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_DISCONNECTED, "disconnected"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_PROTOCOL, "protocol"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_STREAM_RESET, "stream-reset"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_STREAM_REPLACED, "stream-replaced"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_CONNECTION_RESET, "connection-reset"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_SESSION_RESET, "session-reset"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_ERROR_STOPPED, "stopped"))
/* clang-format on */

/**
 * ist_tunnel_error_is_final:
 * @error: (nullable): an error
 *
 * Tells whether trying again with the same settings is pointless.
 *
 * These errors are final: %IST_TUNNEL_ERROR_INVALID_SETTING,
 * %IST_TUNNEL_ERROR_TOKEN_REJECTED, %IST_TUNNEL_ERROR_TUNNEL_CLOSED, %IST_TUNNEL_ERROR_REFUSED and
 * %IST_TUNNEL_ERROR_CLIENT_REPLACED. Everything else, errors of other domains
 * included, may pass.
 *
 * Returns: %TRUE if @error is final
 *
 * Since: 1.0
 */
gboolean
ist_tunnel_error_is_final (const GError *error)
{
  static const IstTunnelError final_codes[] = {
    IST_TUNNEL_ERROR_INVALID_SETTING,
    IST_TUNNEL_ERROR_TOKEN_REJECTED,
    IST_TUNNEL_ERROR_TUNNEL_CLOSED,
    IST_TUNNEL_ERROR_REFUSED,
    IST_TUNNEL_ERROR_CLIENT_REPLACED,
  };

  if (error == NULL)
    return FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (final_codes); i++)
    {
      if (g_error_matches (error, IST_TUNNEL_ERROR, final_codes[i]))
        return TRUE;
    }

  return FALSE;
}
