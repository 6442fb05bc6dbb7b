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

/**
 * IstMode:
 * @IST_MODE_SOURCE: the operator's side, which starts streams
 * @IST_MODE_DESTINATION: the device's side, which accepts them
 *
 * The end of the tunnel that a client is.
 *
 * Since: 1.0
 */
typedef enum {
  IST_MODE_SOURCE,
  IST_MODE_DESTINATION,
} IstMode;

#define IST_TYPE_MODE (ist_mode_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_mode_get_type (void) G_GNUC_CONST;

/**
 * IstMessageType:
 * @IST_MESSAGE_TYPE_UNKNOWN: not a type of the protocol; never sent
 * @IST_MESSAGE_TYPE_DATA: bytes of a stream
 * @IST_MESSAGE_TYPE_STREAM_START: the source starts a stream
 * @IST_MESSAGE_TYPE_STREAM_RESET: a stream ends
 * @IST_MESSAGE_TYPE_SESSION_RESET: the service ends all streams
 * @IST_MESSAGE_TYPE_SERVICE_IDS: the service names the tunnel's services
 * @IST_MESSAGE_TYPE_CONNECTION_START: the source starts a further connection in a stream
 * @IST_MESSAGE_TYPE_CONNECTION_RESET: one connection of a stream ends
 *
 * The type of a tunnel message, with the numbers of the wire. A message from
 * a newer peer may have a type that is not listed here.
 *
 * Since: 1.0
 */
typedef enum {
  IST_MESSAGE_TYPE_UNKNOWN,
  IST_MESSAGE_TYPE_DATA,
  IST_MESSAGE_TYPE_STREAM_START,
  IST_MESSAGE_TYPE_STREAM_RESET,
  IST_MESSAGE_TYPE_SESSION_RESET,
  IST_MESSAGE_TYPE_SERVICE_IDS,
  IST_MESSAGE_TYPE_CONNECTION_START,
  IST_MESSAGE_TYPE_CONNECTION_RESET,
} IstMessageType;

#define IST_TYPE_MESSAGE_TYPE (ist_message_type_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_message_type_get_type (void) G_GNUC_CONST;

/**
 * IstProtocolVersion:
 * @IST_PROTOCOL_VERSION_AUTO: whatever the peer turns out to speak
 * @IST_PROTOCOL_VERSION_V1: one stream, no service ids
 * @IST_PROTOCOL_VERSION_V2: one stream per service
 * @IST_PROTOCOL_VERSION_V3: many connections per stream
 *
 * The version of the tunneling protocol that a stream is carried in. Versions
 * are not negotiated: each message shows the version of its sender.
 *
 * Since: 1.0
 */
typedef enum {
  IST_PROTOCOL_VERSION_AUTO,
  IST_PROTOCOL_VERSION_V1,
  IST_PROTOCOL_VERSION_V2,
  IST_PROTOCOL_VERSION_V3,
} IstProtocolVersion;

#define IST_TYPE_PROTOCOL_VERSION (ist_protocol_version_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_protocol_version_get_type (void) G_GNUC_CONST;

/**
 * IstReconnectPolicy:
 * @IST_RECONNECT_POLICY_TRANSIENT: reconnect unless the failure is final, as
 *   [func@Ist.TunnelError.is_final] tells
 * @IST_RECONNECT_POLICY_ALWAYS: reconnect after every failure
 * @IST_RECONNECT_POLICY_NEVER: stop at the first failure
 *
 * What a tunnel does when an attempt to connect fails or its WebSocket is lost.
 *
 * Since: 1.0
 */
typedef enum {
  IST_RECONNECT_POLICY_TRANSIENT,
  IST_RECONNECT_POLICY_ALWAYS,
  IST_RECONNECT_POLICY_NEVER,
} IstReconnectPolicy;

#define IST_TYPE_RECONNECT_POLICY (ist_reconnect_policy_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_reconnect_policy_get_type (void) G_GNUC_CONST;

/**
 * IstTunnelState:
 * @IST_TUNNEL_STATE_STOPPED: nothing is running
 * @IST_TUNNEL_STATE_CONNECTING: an attempt to connect is under way
 * @IST_TUNNEL_STATE_CONNECTED: the service has named the tunnel's services
 * @IST_TUNNEL_STATE_WAITING: waiting to reconnect after a failure
 * @IST_TUNNEL_STATE_STOPPING: the WebSocket is being closed
 *
 * What an [class@Ist.SecureTunnel] is doing.
 *
 * Since: 1.0
 */
typedef enum {
  IST_TUNNEL_STATE_STOPPED,
  IST_TUNNEL_STATE_CONNECTING,
  IST_TUNNEL_STATE_CONNECTED,
  IST_TUNNEL_STATE_WAITING,
  IST_TUNNEL_STATE_STOPPING,
} IstTunnelState;

#define IST_TYPE_TUNNEL_STATE (ist_tunnel_state_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_tunnel_state_get_type (void) G_GNUC_CONST;

/**
 * IstForwarderConnectionState:
 * @IST_FORWARDER_CONNECTION_STATE_CONNECTING: one of the two ends is not there yet
 * @IST_FORWARDER_CONNECTION_STATE_OPEN: bytes are carried
 * @IST_FORWARDER_CONNECTION_STATE_CLOSING: nothing more is taken; what there was is
 *   delivered, and both ends are closed
 * @IST_FORWARDER_CONNECTION_STATE_CLOSED: it has ended, or could not be opened
 *
 * What a connection of a forwarder is doing.
 *
 * Since: 1.0
 */
typedef enum {
  IST_FORWARDER_CONNECTION_STATE_CONNECTING,
  IST_FORWARDER_CONNECTION_STATE_OPEN,
  IST_FORWARDER_CONNECTION_STATE_CLOSING,
  IST_FORWARDER_CONNECTION_STATE_CLOSED,
} IstForwarderConnectionState;

#define IST_TYPE_FORWARDER_CONNECTION_STATE (ist_forwarder_connection_state_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_forwarder_connection_state_get_type (void) G_GNUC_CONST;

G_END_DECLS
