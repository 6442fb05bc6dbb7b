/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What callers may ask for. */

/* @what: for the error. */
gboolean operator_check_name (const char *what,
                              const char *name,
                              GError **error);
gboolean operator_check_services (const char *const *services,
                                  GError **error);
/* Whether there is room for one more. */
gboolean operator_check_limit (guint n,
                               guint limit,
                               const char *what,
                               GError **error);

G_END_DECLS
