/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Reads a file that a user has named. g_file_get_contents() waits for ever on a
 * FIFO, and reads a device or a huge file until memory is full; this takes
 * regular files of at most @max bytes, also through links, and says what else it
 * has found. *@contents ends with a NUL that does not count. The errors are those
 * of G_FILE_ERROR and name the file. */
gboolean ist_file_read (const char *path,
                        gsize max,
                        char **contents,
                        gsize *length,
                        GError **error);

G_END_DECLS
