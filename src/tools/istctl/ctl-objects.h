/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Proxies of an interface of the objects of a program, in the order in which they
 * came: of the numbers at the ends of their paths. */
GPtrArray *ctl_objects_list (GDBusObjectManager *manager,
                             GType type);

G_END_DECLS
