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

#define IST_OPERATOR_TYPE_TUNNEL_DESCRIPTION (ist_operator_tunnel_description_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstOperatorTunnelDescription,
                      ist_operator_tunnel_description,
                      IST_OPERATOR,
                      TUNNEL_DESCRIPTION,
                      GObject)

IST_AVAILABLE_IN_1_0
const char *ist_operator_tunnel_description_get_tunnel_id (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_tunnel_description_get_arn (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_tunnel_description_get_is_open (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_tunnel_description_get_description (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
gint64 ist_operator_tunnel_description_get_created_at (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
gint64 ist_operator_tunnel_description_get_updated_at (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_tunnel_description_get_thing_name (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
const char *const *ist_operator_tunnel_description_get_service_ids (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
guint ist_operator_tunnel_description_get_lifetime (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_tunnel_description_get_source_connected (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
gint64 ist_operator_tunnel_description_get_source_changed_at (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_tunnel_description_get_destination_connected (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
gint64 ist_operator_tunnel_description_get_destination_changed_at (IstOperatorTunnelDescription *self);
IST_AVAILABLE_IN_1_0
GHashTable *ist_operator_tunnel_description_get_tags (IstOperatorTunnelDescription *self);

G_END_DECLS
