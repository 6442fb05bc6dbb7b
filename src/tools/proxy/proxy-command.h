/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @command with ports where services are listened for, by @bindings, instead of
 * {port}, the first service's, and {port:SERVICE}. Without @bindings only what
 * could be wrong is looked for, and @command returned. */
char **proxy_command_expand (const char *const *command,
                             const char *const *services,
                             GPtrArray *bindings,
                             GError **error);

G_END_DECLS
