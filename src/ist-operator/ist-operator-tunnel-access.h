/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_OPERATOR_INSIDE) && !defined (IST_OPERATOR_COMPILATION)
#error "Only <ist-operator/ist-operator.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

G_BEGIN_DECLS

#define IST_OPERATOR_TYPE_TUNNEL_ACCESS (ist_operator_tunnel_access_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstOperatorTunnelAccess, ist_operator_tunnel_access, IST_OPERATOR, TUNNEL_ACCESS, GObject)

IST_AVAILABLE_IN_1_0
const char *ist_operator_tunnel_access_get_tunnel_id (IstOperatorTunnelAccess *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_tunnel_access_get_arn (IstOperatorTunnelAccess *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_tunnel_access_get_source_access_token (IstOperatorTunnelAccess *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_tunnel_access_get_destination_access_token (IstOperatorTunnelAccess *self);

G_END_DECLS
