/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Properties of objects as they are on D-Bus: texts in place of enums, errors and
 * addresses, valid UTF-8 whoever wrote them, and empty where there is none. */

/* Of an enum: its nick. */
void tool_bus_bind_state (gpointer source,
                           gpointer skeleton);

/* Of a string, an error or a socket address. */
void tool_bus_bind_text (gpointer source,
                          const char *source_property,
                          gpointer skeleton,
                          const char *property);

char *tool_bus_error_to_text (const GError *error);

/* The counters "bytes-in" and "bytes-out" of an object, and "rate-in" and "rate-out"
 * from those, at most once a second; it needs no timer while nothing flows. */
typedef struct _ToolBusCounters ToolBusCounters;

ToolBusCounters *tool_bus_counters_new (gpointer source,
                                          gpointer skeleton);
/* With the last figures. */
void tool_bus_counters_free (ToolBusCounters *self);

G_END_DECLS
