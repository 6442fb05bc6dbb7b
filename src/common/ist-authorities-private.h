/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Whom to trust, from a text in PEM. GIO makes such a database from a file only, and
 * may read that again later: here it is one that nobody else can change. */
GTlsDatabase *ist_authorities_new (const char *pem,
                                   gsize length,
                                   GError **error);

/* Whom to trust, from a file, which is read at every call. As long as the same is in
 * it and somebody has the database, that is the same, too: the certificates of a whole
 * system take megabytes and tens of milliseconds, for each tunnel. Any thread. */
GTlsDatabase *ist_authorities_load (const char *path,
                                    GError **error);

G_END_DECLS
