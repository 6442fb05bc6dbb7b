/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where services are: a GSocketConnectable for each service in @services, which has
 * addresses as users write them. (element-type utf8 GSocketConnectable) */
GHashTable *ist_agent_targets_parse (GHashTable *services,
                                     GError **error);

G_END_DECLS
