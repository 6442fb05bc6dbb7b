/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist-secure-tunnel.h>

#include "ist/tunnel/ist-tunnel-settings-private.h"
#include "ist/tunnel/ist-tunnel-status-private.h"

G_BEGIN_DECLS

/* For the getters, which stand beside what they get. */
const IstTunnelSettings *ist_secure_tunnel_get_settings (IstSecureTunnel *self);
const IstTunnelStatus *ist_secure_tunnel_get_status (IstSecureTunnel *self);

G_END_DECLS
