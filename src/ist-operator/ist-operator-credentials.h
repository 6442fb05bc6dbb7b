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

#define IST_OPERATOR_TYPE_CREDENTIALS (ist_operator_credentials_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstOperatorCredentials, ist_operator_credentials, IST_OPERATOR, CREDENTIALS, GObject)

IST_AVAILABLE_IN_1_0
IstOperatorCredentials *ist_operator_credentials_new (const char *profile) G_GNUC_WARN_UNUSED_RESULT;
IST_AVAILABLE_IN_1_0
IstOperatorCredentials *ist_operator_credentials_new_for_keys (const char *access_key_id,
                                                               const char *secret_access_key,
                                                               const char *session_token) G_GNUC_WARN_UNUSED_RESULT;

IST_AVAILABLE_IN_1_0
void ist_operator_credentials_load_async (IstOperatorCredentials *self,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
IST_AVAILABLE_IN_1_0
gboolean ist_operator_credentials_load_finish (IstOperatorCredentials *self,
                                               GAsyncResult *result,
                                               GError **error);
IST_AVAILABLE_IN_1_0
void ist_operator_credentials_forget (IstOperatorCredentials *self);

IST_AVAILABLE_IN_1_0
const char *ist_operator_credentials_get_profile (IstOperatorCredentials *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_credentials_get_access_key_id (IstOperatorCredentials *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_credentials_get_origin (IstOperatorCredentials *self);
IST_AVAILABLE_IN_1_0
gint64 ist_operator_credentials_get_expires_at (IstOperatorCredentials *self);

G_END_DECLS
