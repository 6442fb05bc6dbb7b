/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What ends a program. The codes are the exit statuses of sysexits.h, or those
 * that shells have. */
#define TOOL_ERROR (tool_error_quark ())

GQuark tool_error_quark (void);

/* The exit status of a program that ends because of @error. */
int tool_error_get_exit_status (const GError *error);

G_END_DECLS
