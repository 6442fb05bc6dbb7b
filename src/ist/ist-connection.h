/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_INSIDE) && !defined (IST_COMPILATION)
#error "Only <ist/ist.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist-stream-info.h>
#include <ist/ist-version-macros.h>

G_BEGIN_DECLS

#define IST_TYPE_CONNECTION (ist_connection_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstConnection, ist_connection, IST, CONNECTION, GIOStream)

IST_AVAILABLE_IN_1_0
IstStreamInfo *ist_connection_get_stream_info (IstConnection *self);
IST_AVAILABLE_IN_1_0
const char *ist_connection_get_service_id (IstConnection *self);
IST_AVAILABLE_IN_1_0
guint64 ist_connection_get_bytes_in (IstConnection *self);
IST_AVAILABLE_IN_1_0
guint64 ist_connection_get_bytes_out (IstConnection *self);
IST_AVAILABLE_IN_1_0
GError *ist_connection_dup_error (IstConnection *self);

G_END_DECLS
