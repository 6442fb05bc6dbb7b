/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_INSIDE) && !defined (IST_COMPILATION)
#error "Only <ist/ist.h> can be included directly."
#endif

#include <glib-object.h>
#include <ist/ist-enums.h>
#include <ist/ist-stream-info.h>
#include <ist/ist-version-macros.h>

G_BEGIN_DECLS

#define IST_TYPE_MESSAGE (ist_message_get_type ())

typedef struct _IstMessage IstMessage;

IST_AVAILABLE_IN_1_0
GType ist_message_get_type (void) G_GNUC_CONST;

IST_AVAILABLE_IN_1_0
IstMessage *ist_message_new (const char *service_id,
                             GBytes *payload);
IST_AVAILABLE_IN_1_0
IstMessage *ist_message_new_for_connection (const char *service_id,
                                            guint connection_id,
                                            GBytes *payload);
IST_AVAILABLE_IN_1_0
IstMessage *ist_message_new_for_stream (IstStreamInfo *info,
                                        GBytes *payload);
IST_AVAILABLE_IN_1_0
IstMessage *ist_message_new_full (IstMessageType type,
                                  const char *service_id,
                                  int stream_id,
                                  guint connection_id,
                                  gboolean ignorable,
                                  GBytes *payload);
IST_AVAILABLE_IN_1_0
IstMessage *ist_message_new_service_ids (const char *const *service_ids);

IST_AVAILABLE_IN_1_0
IstMessage *ist_message_ref (IstMessage *self);
IST_AVAILABLE_IN_1_0
void ist_message_unref (IstMessage *self);

IST_AVAILABLE_IN_1_0
IstMessageType ist_message_get_message_type (const IstMessage *self);
IST_AVAILABLE_IN_1_0
const char *ist_message_get_service_id (const IstMessage *self);
IST_AVAILABLE_IN_1_0
int ist_message_get_stream_id (const IstMessage *self);
IST_AVAILABLE_IN_1_0
guint ist_message_get_connection_id (const IstMessage *self);
IST_AVAILABLE_IN_1_0
GBytes *ist_message_get_payload (const IstMessage *self);
IST_AVAILABLE_IN_1_0
const char *const *ist_message_get_service_ids (const IstMessage *self);
IST_AVAILABLE_IN_1_0
gboolean ist_message_get_ignorable (const IstMessage *self);

IST_AVAILABLE_IN_1_0
gboolean ist_message_equal (gconstpointer self,
                            gconstpointer other);
IST_AVAILABLE_IN_1_0
guint ist_message_hash (gconstpointer self);
IST_AVAILABLE_IN_1_0
char *ist_message_to_string (const IstMessage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstMessage, ist_message_unref)

G_END_DECLS
