/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Trusts the certificates in a PEM file or a folder of them. Folders that
 * c_rehash has been at are read as OpenSSL reads them. */
GTlsDatabase *proxy_ca_load (const char *path,
                             GError **error);

/* Likewise, for what SSL_CERT_FILE and SSL_CERT_DIR name. */
gboolean proxy_ca_is_in_environment (void);
GTlsDatabase *proxy_ca_load_environment (GError **error);

G_END_DECLS
