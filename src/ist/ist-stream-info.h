/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_INSIDE) && !defined (IST_COMPILATION)
#error "Only <ist/ist.h> can be included directly."
#endif

#include <glib-object.h>
#include <ist/ist-enums.h>
#include <ist/ist-version-macros.h>

G_BEGIN_DECLS

#define IST_TYPE_STREAM_INFO (ist_stream_info_get_type ())

typedef struct _IstStreamInfo IstStreamInfo;

IST_AVAILABLE_IN_1_0
GType ist_stream_info_get_type (void) G_GNUC_CONST;

IST_AVAILABLE_IN_1_0
IstStreamInfo *ist_stream_info_ref (IstStreamInfo *self);
IST_AVAILABLE_IN_1_0
void ist_stream_info_unref (IstStreamInfo *self);

IST_AVAILABLE_IN_1_0
const char *ist_stream_info_get_service_id (const IstStreamInfo *self);
IST_AVAILABLE_IN_1_0
int ist_stream_info_get_stream_id (const IstStreamInfo *self);
IST_AVAILABLE_IN_1_0
guint ist_stream_info_get_connection_id (const IstStreamInfo *self);
IST_AVAILABLE_IN_1_0
IstProtocolVersion ist_stream_info_get_version (const IstStreamInfo *self);

IST_AVAILABLE_IN_1_0
gboolean ist_stream_info_equal (gconstpointer self,
                                gconstpointer other);
IST_AVAILABLE_IN_1_0
guint ist_stream_info_hash (gconstpointer self);
IST_AVAILABLE_IN_1_0
char *ist_stream_info_to_string (const IstStreamInfo *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstStreamInfo, ist_stream_info_unref)

G_END_DECLS
