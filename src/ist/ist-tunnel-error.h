/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_INSIDE) && !defined (IST_COMPILATION)
#error "Only <ist/ist.h> can be included directly."
#endif

#include <glib-object.h>
#include <ist/ist-version-macros.h>

G_BEGIN_DECLS

#define IST_TUNNEL_ERROR (ist_tunnel_error_quark ())

/**
 * IstTunnelError:
 * @IST_TUNNEL_ERROR_FAILED: a failure that has no code of its own
 * @IST_TUNNEL_ERROR_INVALID_SETTING: a property or an argument has a value that can't work
 * @IST_TUNNEL_ERROR_INVALID_STATE: the call makes no sense in the tunnel's state
 * @IST_TUNNEL_ERROR_NOT_CONNECTED: the tunnel is not connected
 * @IST_TUNNEL_ERROR_NO_SUCH_SERVICE: the tunnel has no such service, or it has several and none was named
 * @IST_TUNNEL_ERROR_NO_SUCH_STREAM: the service has no active stream
 * @IST_TUNNEL_ERROR_NO_SUCH_CONNECTION: the stream has no such active connection
 * @IST_TUNNEL_ERROR_TOO_LARGE: the message is larger than can ever be queued
 * @IST_TUNNEL_ERROR_WOULD_BLOCK: the send queue is full; try again when it has drained
 * @IST_TUNNEL_ERROR_NOT_SUPPORTED: the peer's protocol version can't do this
 * @IST_TUNNEL_ERROR_TOKEN_REJECTED: the service refused the access or client token (final)
 * @IST_TUNNEL_ERROR_TUNNEL_CLOSED: the tunnel is closed or has expired (final)
 * @IST_TUNNEL_ERROR_REFUSED: the service refused the handshake for another reason, a 4xx status (final)
 * @IST_TUNNEL_ERROR_CLIENT_REPLACED: another client took this one's place (final)
 * @IST_TUNNEL_ERROR_SERVICE_UNAVAILABLE: the service answered with a 5xx status
 * @IST_TUNNEL_ERROR_UNREACHABLE: the service's host could not be found or reached
 * @IST_TUNNEL_ERROR_TLS: the TLS handshake failed, most often an untrusted certificate
 * @IST_TUNNEL_ERROR_TIMED_OUT: no answer in time: while connecting, or to a ping
 * @IST_TUNNEL_ERROR_DISCONNECTED: the WebSocket was lost
 * @IST_TUNNEL_ERROR_PROTOCOL: the peer or the service broke the protocol
 * @IST_TUNNEL_ERROR_STREAM_RESET: the peer or the service ended the stream
 * @IST_TUNNEL_ERROR_STREAM_REPLACED: a newer stream of the same service took its place
 * @IST_TUNNEL_ERROR_CONNECTION_RESET: the peer ended the connection
 * @IST_TUNNEL_ERROR_SESSION_RESET: the service ended all streams
 * @IST_TUNNEL_ERROR_STOPPED: the tunnel was stopped
 *
 * What went wrong, in terms that a program can act on. New codes may be added
 * at the end.
 *
 * Cancellation is always reported as %G_IO_ERROR_CANCELLED, never here.
 *
 * Since: 1.0
 */
typedef enum {
  IST_TUNNEL_ERROR_FAILED,
  IST_TUNNEL_ERROR_INVALID_SETTING,
  IST_TUNNEL_ERROR_INVALID_STATE,
  IST_TUNNEL_ERROR_NOT_CONNECTED,
  IST_TUNNEL_ERROR_NO_SUCH_SERVICE,
  IST_TUNNEL_ERROR_NO_SUCH_STREAM,
  IST_TUNNEL_ERROR_NO_SUCH_CONNECTION,
  IST_TUNNEL_ERROR_TOO_LARGE,
  IST_TUNNEL_ERROR_WOULD_BLOCK,
  IST_TUNNEL_ERROR_NOT_SUPPORTED,
  IST_TUNNEL_ERROR_TOKEN_REJECTED,
  IST_TUNNEL_ERROR_TUNNEL_CLOSED,
  IST_TUNNEL_ERROR_REFUSED,
  IST_TUNNEL_ERROR_CLIENT_REPLACED,
  IST_TUNNEL_ERROR_SERVICE_UNAVAILABLE,
  IST_TUNNEL_ERROR_UNREACHABLE,
  IST_TUNNEL_ERROR_TLS,
  IST_TUNNEL_ERROR_TIMED_OUT,
  IST_TUNNEL_ERROR_DISCONNECTED,
  IST_TUNNEL_ERROR_PROTOCOL,
  IST_TUNNEL_ERROR_STREAM_RESET,
  IST_TUNNEL_ERROR_STREAM_REPLACED,
  IST_TUNNEL_ERROR_CONNECTION_RESET,
  IST_TUNNEL_ERROR_SESSION_RESET,
  IST_TUNNEL_ERROR_STOPPED,
} IstTunnelError;

#define IST_TYPE_TUNNEL_ERROR (ist_tunnel_error_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_tunnel_error_get_type (void) G_GNUC_CONST;

IST_AVAILABLE_IN_1_0
GQuark ist_tunnel_error_quark (void);

IST_AVAILABLE_IN_1_0
gboolean ist_tunnel_error_is_final (const GError *error);

G_END_DECLS
