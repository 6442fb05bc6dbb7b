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

/* The other way round, for what was parsed: "host:port", "[v6]:port" or the whole path of a
 * Unix socket. @port: the one that is in use instead of port 0. */
char *ist_address_describe (GSocketConnectable *place,
                            guint port);

G_END_DECLS
