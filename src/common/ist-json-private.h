/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Looks for what JSON-GLib must not see in a text from outside: nesting that
 * exhausts the stack, for it has a function call for each level; the escape
 * sequence of a NUL, which would cut strings short; and the comments and names
 * that it takes beyond JSON, where this would lose its way. That the rest is JSON
 * is for JSON-GLib to say. %G_IO_ERROR_INVALID_DATA */
gboolean ist_json_check (const char *text,
                         GError **error);

G_END_DECLS
