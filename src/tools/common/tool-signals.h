/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What asks a program to end, or to do something else. */

/* Exit statuses as shells have them: this and the number of the signal. */
#define TOOL_SIGNAL_EXIT_STATUS 128

/* The id of a source; 0 if whoever started this program wants the signal to be
 * ignored, as nohup does. */
guint tool_signal_watch (int number,
                         GSourceFunc func,
                         gpointer user_data);
/* Does nothing for 0. */
void tool_signal_unwatch (guint id);

/* SIGINT, SIGTERM and SIGHUP, for who wants to know which it was. */
typedef struct _ToolSignals ToolSignals;

ToolSignals *tool_signals_new (void (*func) (int number,
                                             gpointer user_data),
                               gpointer user_data);
void tool_signals_free (ToolSignals *self);

G_END_DECLS
