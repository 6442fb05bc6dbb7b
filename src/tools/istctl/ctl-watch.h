/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "tools/common/tool-screen.h"

G_BEGIN_DECLS

/* Shows something until the person has seen enough: with SIGINT, SIGTERM, or when
 * standard output is closed. On a terminal it is a screen; elsewhere it is lines,
 * which tell what changes. */
typedef struct _CtlWatch CtlWatch;

/* @draw: see tool_screen_new(). @as_lines: also on a terminal. Nothing is drawn before
 * ctl_watch_run(). */
CtlWatch *ctl_watch_new (gboolean as_lines,
                         ToolScreenDraw draw,
                         gpointer user_data);
void ctl_watch_free (CtlWatch *self);

/* Whether ctl_watch_tell() is what shows something. */
gboolean ctl_watch_is_lines (CtlWatch *self);

/* A line, with its end, if it shows lines. Nobody is waited for: it ends with an
 * error when much waits for whoever reads it. */
void ctl_watch_tell (CtlWatch *self,
                     const char *line);

/* That @event has come to @proxy, with its properties. */
void ctl_watch_tell_json (CtlWatch *self,
                          const char *event,
                          const char *type,
                          GDBusProxy *proxy);

/* @proxy: what it is about. The same is not told twice. */
void ctl_watch_tell_text (CtlWatch *self,
                          gpointer proxy,
                          const char *text);

/* Counters change all the time: they are told with what else does. */
gboolean ctl_watch_is_of_interest (GVariant *changed);

/* Ends it, with an error. */
void ctl_watch_fail (CtlWatch *self,
                     const GError *error);

/* To the end of the watch. */
gboolean ctl_watch_run (CtlWatch *self,
                        GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlWatch, ctl_watch_free)

G_END_DECLS
