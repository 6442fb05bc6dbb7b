/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "tools/common/tool-table.h"

G_BEGIN_DECLS

/* What commands write to standard output. */

/* All of @text, or an error. */
gboolean ctl_print (const char *text,
                    GError **error);

/* Those that have rows, as wide as the terminal, if it is one; or else @nothing, a line. */
gboolean ctl_print_tables (ToolTable *const *tables,
                           gsize n_tables,
                           const char *nothing,
                           GError **error);

/* One line, which holds nothing that a terminal would obey. */
char *ctl_json_to_line (JsonBuilder *builder);
gboolean ctl_print_json (JsonBuilder *builder,
                         GError **error);

/* The properties of @proxy's interface that have a value, as members of the object
 * that is being built: "BytesIn" is "bytesIn". What the interface has beyond what
 * this program knows is left out. */
void ctl_json_add_properties (JsonBuilder *builder,
                              GDBusProxy *proxy);
/* Of all proxies that ctl_objects_list() has, as a member of that object. */
void ctl_json_add_objects (JsonBuilder *builder,
                           const char *name,
                           GDBusObjectManager *manager,
                           GType type);

G_END_DECLS
