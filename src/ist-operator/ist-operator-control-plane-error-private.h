/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator-control-plane-error.h>

G_BEGIN_DECLS

/* (transfer full): an error of the service. What it has said is kept as it is (valid
 * UTF-8, of bounded length), and is not part of the error's text unless @format has it. */
GError *ist_operator_control_plane_error_new (IstOperatorControlPlaneError code,
                                              const char *aws_type,
                                              const char *aws_message,
                                              const char *request_id,
                                              const char *format,
                                              ...) G_GNUC_PRINTF (5, 6);

/* Whether the service may have done what it was asked for, and its answer got lost. */
void ist_operator_control_plane_error_set_may_be_done (GError *error);
gboolean ist_operator_control_plane_error_get_may_be_done (const GError *error);

G_END_DECLS
