/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Makes an authority and a certificate issued by it for the loopback names and
 * for @address. The authority's key is forgotten at once, so that whoever trusts
 * the authority trusts this one certificate.
 *
 * @ca_pem: (out): the authority's certificate. */
GTlsCertificate *ist_emulator_certificate_new (GInetAddress *address,
                                               char **ca_pem,
                                               GError **error);

/* The certificate that is kept in @folder, if it will do for @address: whoever
 * trusts it goes on doing so. Otherwise a new one, which is kept there from now on.
 * Without a folder (NULL) it is always new. */
GTlsCertificate *ist_emulator_certificate_obtain (const char *folder,
                                                  GInetAddress *address,
                                                  char **ca_pem,
                                                  GError **error);

G_END_DECLS
