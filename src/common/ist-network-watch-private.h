/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Tells in a context of one's own when the addresses or routes of the machine have
 * changed: once for changes that come together, a moment later, and not at the
 * same moment to all who watch. */
typedef struct _IstNetworkWatch IstNetworkWatch;

typedef void (*IstNetworkWatchFunc) (gpointer user_data);

IstNetworkWatch *ist_network_watch_new (GMainContext *context,
                                        IstNetworkWatchFunc changed,
                                        gpointer user_data);

/* In the thread that runs the context; nothing is told any more. */
void ist_network_watch_free (IstNetworkWatch *self);

G_END_DECLS
