/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* An address as users write it: "host:port", "[v6]:port", "port" (of
 * @default_host, or of the loopback interface if that is NULL), "/path" or
 * "unix:path". What comes back is a GNetworkAddress or a GUnixSocketAddress; else
 * G_IO_ERROR_INVALID_ARGUMENT says what is wrong with it. */
GSocketConnectable *ist_address_parse (const char *address,
                                       const char *default_host,
                                       GError **error);

/* As users write it, with the port that was bound; @port is none of a Unix socket's. */
char *ist_address_describe (GSocketConnectable *place,
                            guint port);

G_END_DECLS
