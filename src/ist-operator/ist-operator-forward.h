/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_OPERATOR_INSIDE) && !defined (IST_OPERATOR_COMPILATION)
#error "Only <ist-operator/ist-operator.h> can be included directly."
#endif

#include <gio/gio.h>
#include <ist/ist.h>

#include <ist-operator/ist-operator-client.h>

G_BEGIN_DECLS

#define IST_OPERATOR_TYPE_FORWARD (ist_operator_forward_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstOperatorForward, ist_operator_forward, IST_OPERATOR, FORWARD, GObject)

IST_AVAILABLE_IN_1_0
IstOperatorForward *ist_operator_forward_new (IstOperatorClient *client,
                                              const char *thing_name,
                                              const char *service_id,
                                              const char *address,
                                              IstOperatorOptions *options) G_GNUC_WARN_UNUSED_RESULT;
IST_AVAILABLE_IN_1_0
gboolean ist_operator_forward_start (IstOperatorForward *self,
                                     GError **error);
IST_AVAILABLE_IN_1_0
void ist_operator_forward_stop (IstOperatorForward *self);

IST_AVAILABLE_IN_1_0
gboolean ist_operator_forward_get_active (IstOperatorForward *self);
IST_AVAILABLE_IN_1_0
IstOperatorClient *ist_operator_forward_get_client (IstOperatorForward *self);
IST_AVAILABLE_IN_1_0
IstOperatorOptions *ist_operator_forward_get_options (IstOperatorForward *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_forward_get_thing_name (IstOperatorForward *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_forward_get_service_id (IstOperatorForward *self);
IST_AVAILABLE_IN_1_0
const char *ist_operator_forward_get_address (IstOperatorForward *self);
IST_AVAILABLE_IN_1_0
guint ist_operator_forward_get_port (IstOperatorForward *self);
IST_AVAILABLE_IN_1_0
guint ist_operator_forward_get_n_connections (IstOperatorForward *self);

G_END_DECLS
