/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The exit status of a program that ends because of @error, which came over the bus,
 * from libist-operator, or is one of all programs. */
int tool_operator_error_get_exit_status (const GError *error);

G_END_DECLS
