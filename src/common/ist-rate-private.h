/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* How fast the properties "bytes-in" and "bytes-out" of an object grow: a mean in which
 * the past fades within seconds. It is kept with the object, and needs no timer. */

/* From now on; once for each object. */
void ist_rate_follow (gpointer object);

/* Bytes per second. */
double ist_rate_get (gpointer object,
                       const char *property);

G_END_DECLS
