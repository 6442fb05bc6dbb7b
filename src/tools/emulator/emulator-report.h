/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A line on standard error. */
void emulator_report (const char *format,
                      ...) G_GNUC_PRINTF (1, 2);

G_END_DECLS
