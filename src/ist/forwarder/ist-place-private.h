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

/* The addresses that a place stands for, of GSocketAddress; NULL if its host is a
 * name that has to be looked up. */
GPtrArray *ist_place_get_addresses (GSocketConnectable *place);

/* The same for every place. */
void ist_place_look_up_async (GSocketConnectable *place,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
GPtrArray *ist_place_look_up_finish (GSocketConnectable *place,
                                     GAsyncResult *result,
                                     GError **error);

G_END_DECLS
