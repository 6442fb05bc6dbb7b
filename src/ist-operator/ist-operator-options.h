/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined (IST_OPERATOR_INSIDE) && !defined (IST_OPERATOR_COMPILATION)
#error "Only <ist-operator/ist-operator.h> can be included directly."
#endif

#include <glib-object.h>
#include <ist/ist.h>

G_BEGIN_DECLS

/**
 * IstOperatorReuse:
 * @IST_OPERATOR_REUSE_OWN: the tunnels that the client has already
 * @IST_OPERATOR_REUSE_ANY: and open ones of others to which nobody is connected as the source
 * @IST_OPERATOR_REUSE_NEVER: none: each connection has a tunnel of its own
 *
 * Which tunnels an [class@IstOperator.Client] uses before it opens one.
 *
 * Since: 1.0
 */
typedef enum {
  IST_OPERATOR_REUSE_OWN,
  IST_OPERATOR_REUSE_ANY,
  IST_OPERATOR_REUSE_NEVER,
} IstOperatorReuse;

#define IST_OPERATOR_TYPE_REUSE (ist_operator_reuse_get_type ())

IST_AVAILABLE_IN_1_0
GType ist_operator_reuse_get_type (void) G_GNUC_CONST;

#define IST_OPERATOR_TYPE_OPTIONS (ist_operator_options_get_type ())

IST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (IstOperatorOptions, ist_operator_options, IST_OPERATOR, OPTIONS, GObject)

IST_AVAILABLE_IN_1_0
IstOperatorOptions *ist_operator_options_new (void) G_GNUC_WARN_UNUSED_RESULT;

IST_AVAILABLE_IN_1_0
IstOperatorReuse ist_operator_options_get_reuse (IstOperatorOptions *self);
IST_AVAILABLE_IN_1_0
void ist_operator_options_set_reuse (IstOperatorOptions *self,
                                     IstOperatorReuse reuse);
IST_AVAILABLE_IN_1_0
guint ist_operator_options_get_lifetime (IstOperatorOptions *self);
IST_AVAILABLE_IN_1_0
void ist_operator_options_set_lifetime (IstOperatorOptions *self,
                                        guint minutes);
IST_AVAILABLE_IN_1_0
guint ist_operator_options_get_device_timeout (IstOperatorOptions *self);
IST_AVAILABLE_IN_1_0
void ist_operator_options_set_device_timeout (IstOperatorOptions *self,
                                              guint seconds);

G_END_DECLS
