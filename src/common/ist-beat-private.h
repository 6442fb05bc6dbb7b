/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A call every so many seconds, for one of many: all those of a context with the same
 * interval share one GSource, and wake the machine once for all. GLib's main loop looks
 * at each source twice a turn, at those that sleep too. */
typedef struct _IstBeat IstBeat;

typedef void (*IstBeatFunc) (gpointer user_data);

/* The first call comes with that of the others, after @seconds or earlier.
 * @func: runs no main loop; may free this beat and others */
IstBeat *ist_beat_new (GMainContext *context,
                       guint seconds,
                       IstBeatFunc func,
                       gpointer user_data);
void ist_beat_free (IstBeat *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstBeat, ist_beat_free)

G_END_DECLS
