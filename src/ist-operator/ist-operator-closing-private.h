/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator-control-plane.h>

G_BEGIN_DECLS

/* Whether a call that has failed with this may be better the next time. */
gboolean ist_operator_error_is_transient (const GError *error);

/* Closes a tunnel at the service, and deletes it. What fails only for now is tried
 * again for a few minutes, for each tunnel that stays behind costs money. One that is
 * gone already is closed. Can't be cancelled. */
void ist_operator_close_at_service_async (IstOperatorControlPlane *control_plane,
                                          const char *tunnel_id,
                                          GMainContext *context,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
gboolean ist_operator_close_at_service_finish (GAsyncResult *result,
                                               GError **error);

G_END_DECLS
