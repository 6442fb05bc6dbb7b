/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>

#include "ist-operator/ist-operator-tunnel-access.h"

G_BEGIN_DECLS

/* Of an answer to OpenTunnel, or to RotateTunnelAccessToken, which names no tunnel:
 * then @tunnel_id does. NULL if it lacks what it should have, a token that can be used
 * above all. */
IstOperatorTunnelAccess *ist_operator_tunnel_access_new (JsonObject *answer,
                                                         const char *tunnel_id);

G_END_DECLS
