/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What to connect to, or where to listen, as users write it: ist_address_parse()
 * with the library's errors. */
GSocketConnectable *ist_place_parse (const char *address,
                                     const char *default_host,
                                     GError **error);

G_END_DECLS
