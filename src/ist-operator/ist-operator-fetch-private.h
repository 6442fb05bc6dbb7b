/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Asks what is near and small, in a thread with a context of its own: no proxy is used, and
 * redirections are not followed. @headers: names and values, and NULL; those whose value is
 * NULL are left out. The body is a text of bounded length. */
char *ist_operator_fetch (const char *method,
                          GUri *uri,
                          const char *const *headers,
                          guint milliseconds,
                          GCancellable *cancellable,
                          guint *status,
                          GError **error);

G_END_DECLS
