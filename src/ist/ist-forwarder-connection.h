/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_INSIDE) && !defined (IST_COMPILATION)
#error "Only <ist/ist.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist-connection.h>
#include <ist/ist-enums.h>
#include <ist/ist-version-macros.h>

G_BEGIN_DECLS

#define IST_TYPE_FORWARDER_CONNECTION (ist_forwarder_connection_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstForwarderConnection, ist_forwarder_connection, IST, FORWARDER_CONNECTION, GObject)

IST_AVAILABLE_IN_1_0
const char *ist_forwarder_connection_get_service_id (IstForwarderConnection *self);
IST_AVAILABLE_IN_1_0
IstForwarderConnectionState ist_forwarder_connection_get_state (IstForwarderConnection *self);
IST_AVAILABLE_IN_1_0
const GError *ist_forwarder_connection_get_error (IstForwarderConnection *self);
IST_AVAILABLE_IN_1_0
gint64 ist_forwarder_connection_get_opened_at (IstForwarderConnection *self);
IST_AVAILABLE_IN_1_0
GSocketAddress *ist_forwarder_connection_get_address (IstForwarderConnection *self);
IST_AVAILABLE_IN_1_0
IstConnection *ist_forwarder_connection_get_connection (IstForwarderConnection *self);
IST_AVAILABLE_IN_1_0
guint64 ist_forwarder_connection_get_bytes_in (IstForwarderConnection *self);
IST_AVAILABLE_IN_1_0
guint64 ist_forwarder_connection_get_bytes_out (IstForwarderConnection *self);

IST_AVAILABLE_IN_1_0
void ist_forwarder_connection_close (IstForwarderConnection *self);

G_END_DECLS
