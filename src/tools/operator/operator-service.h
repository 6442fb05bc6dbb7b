/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "tools/operator/operator-state.h"

G_BEGIN_DECLS

/* The service on the bus. */
typedef struct _OperatorService OperatorService;

/* @changed: it may have become idle, or the opposite.
 * @linger: seconds that a tunnel stays when nothing uses it. */
OperatorService *operator_service_new (GDBusConnection *connection,
                                       OperatorState *state,
                                       guint linger,
                                       void (*changed) (gpointer user_data),
                                       gpointer user_data,
                                       GError **error);
void operator_service_free (OperatorService *self);

/* What is in the state. */
void operator_service_take_up (OperatorService *self);

/* Nothing is open, under way or watched. */
gboolean operator_service_is_idle (OperatorService *self);

/* Calls that begin something are told to come again from now on. */
void operator_service_leave (OperatorService *self);

/* Closes all tunnels; @closed is called when that is done. */
void operator_service_close (OperatorService *self,
                             void (*closed) (gpointer user_data));

guint operator_service_get_n_tunnels (OperatorService *self);
guint operator_service_get_n_connections (OperatorService *self);

G_END_DECLS
