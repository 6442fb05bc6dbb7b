/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What is wrong with a file of TLS, or NULL if nothing is. */

/* Whether there is a certificate in it, and whether it is valid now. */
char *agent_files_check_certificate (const char *path);
/* Whether it has the key of the first certificate in @certificate_path, and keeps it
 * secret. @path: NULL if the key is there, too. */
char *agent_files_check_key (const char *certificate_path,
                             const char *path);
char *agent_files_check_authorities (const char *path);

G_END_DECLS
