/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>

#include "ist-operator/ist-operator-tunnel-description.h"

G_BEGIN_DECLS

/* Of the tunnel in an answer to DescribeTunnel, or of one of those in one to
 * ListTunnels. NULL if it lacks what it should have. @tunnel: (nullable) */
IstOperatorTunnelDescription *ist_operator_tunnel_description_new (JsonObject *tunnel);

G_END_DECLS
