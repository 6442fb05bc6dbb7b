/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "-" is standard input. */
char *proxy_token_read (const char *path,
                        GError **error);

/* What systemd passes as a credential; NULL, without an error, if there is none. */
char *proxy_token_read_credential (const char *name,
                                   GError **error);

/* Removes the variable from the environment, for children and for whoever
 * looks at this process's. NULL if it isn't set or empty. */
char *proxy_token_take_variable (const char *name);

char *proxy_token_read_keyring (const char *tunnel,
                                GError **error);

G_END_DECLS
