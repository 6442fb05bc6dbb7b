/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-enums.h"

/* It knows nothing of macros without a semicolon. */
/* clang-format off */

G_DEFINE_ENUM_TYPE (IstMode, ist_mode,
                    G_DEFINE_ENUM_VALUE (IST_MODE_SOURCE, "source"),
                    G_DEFINE_ENUM_VALUE (IST_MODE_DESTINATION, "destination"))

G_DEFINE_ENUM_TYPE (IstMessageType, ist_message_type,
                    G_DEFINE_ENUM_VALUE (IST_MESSAGE_TYPE_UNKNOWN, "unknown"),
                    G_DEFINE_ENUM_VALUE (IST_MESSAGE_TYPE_DATA, "data"),
                    G_DEFINE_ENUM_VALUE (IST_MESSAGE_TYPE_STREAM_START, "stream-start"),
                    G_DEFINE_ENUM_VALUE (IST_MESSAGE_TYPE_STREAM_RESET, "stream-reset"),
                    G_DEFINE_ENUM_VALUE (IST_MESSAGE_TYPE_SESSION_RESET, "session-reset"),
                    G_DEFINE_ENUM_VALUE (IST_MESSAGE_TYPE_SERVICE_IDS, "service-ids"),
                    G_DEFINE_ENUM_VALUE (IST_MESSAGE_TYPE_CONNECTION_START, "connection-start"),
                    G_DEFINE_ENUM_VALUE (IST_MESSAGE_TYPE_CONNECTION_RESET, "connection-reset"))

G_DEFINE_ENUM_TYPE (IstProtocolVersion, ist_protocol_version,
                    G_DEFINE_ENUM_VALUE (IST_PROTOCOL_VERSION_AUTO, "auto"),
                    G_DEFINE_ENUM_VALUE (IST_PROTOCOL_VERSION_V1, "v1"),
                    G_DEFINE_ENUM_VALUE (IST_PROTOCOL_VERSION_V2, "v2"),
                    G_DEFINE_ENUM_VALUE (IST_PROTOCOL_VERSION_V3, "v3"))

G_DEFINE_ENUM_TYPE (IstReconnectPolicy, ist_reconnect_policy,
                    G_DEFINE_ENUM_VALUE (IST_RECONNECT_POLICY_TRANSIENT, "transient"),
                    G_DEFINE_ENUM_VALUE (IST_RECONNECT_POLICY_ALWAYS, "always"),
                    G_DEFINE_ENUM_VALUE (IST_RECONNECT_POLICY_NEVER, "never"))

G_DEFINE_ENUM_TYPE (IstTunnelState, ist_tunnel_state,
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_STATE_STOPPED, "stopped"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_STATE_CONNECTING, "connecting"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_STATE_CONNECTED, "connected"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_STATE_WAITING, "waiting"),
                    G_DEFINE_ENUM_VALUE (IST_TUNNEL_STATE_STOPPING, "stopping"))

G_DEFINE_ENUM_TYPE (IstForwarderConnectionState, ist_forwarder_connection_state,
                    G_DEFINE_ENUM_VALUE (IST_FORWARDER_CONNECTION_STATE_CONNECTING, "connecting"),
                    G_DEFINE_ENUM_VALUE (IST_FORWARDER_CONNECTION_STATE_OPEN, "open"),
                    G_DEFINE_ENUM_VALUE (IST_FORWARDER_CONNECTION_STATE_CLOSING, "closing"),
                    G_DEFINE_ENUM_VALUE (IST_FORWARDER_CONNECTION_STATE_CLOSED, "closed"))
