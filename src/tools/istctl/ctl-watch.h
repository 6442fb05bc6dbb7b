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

/* A line of what has come to @proxy, or NULL. @is_there: it still is. */
typedef char *(*CtlWatchDescribe) (GDBusProxy *proxy,
                                   gboolean is_there);

/* @draw: see tool_screen_new(). @json: also on a terminal, lines are objects of JSON.
 * Nothing is drawn before ctl_watch_run(). */
CtlWatch *ctl_watch_new (gboolean json,
                         ToolScreenDraw draw,
                         CtlWatchDescribe describe,
                         gpointer user_data);
void ctl_watch_free (CtlWatch *self);

/* That @event has come to @proxy, which is a @type, if it shows lines. The same line of
 * an object is not told twice. Nobody is waited for: it ends with an error when much
 * waits for whoever reads it. */
void ctl_watch_tell (CtlWatch *self,
                     const char *event,
                     const char *type,
                     GDBusProxy *proxy);

/* Counters change all the time: they are told with what else does. */
gboolean ctl_watch_is_of_interest (GVariant *changed);

/* Objects of a program */

typedef struct
{
  GType type;
  const char *name; /* as a @type */
} CtlWatchKind;

/* Tells of those that are there, one kind after the other, and of all that comes to any
 * of them from now on. It ends with an error when the bus does. */
void ctl_watch_follow (CtlWatch *self,
                       GDBusConnection *connection,
                       GDBusObjectManager *manager,
                       const CtlWatchKind *kinds,
                       gsize n_kinds);

/* Draws two tables below @n_head lines and an empty one, each as far as there is room. */
void ctl_watch_draw_tables (ToolScreen *screen,
                            guint n_head,
                            ToolTable *first,
                            ToolTable *second);

/* To the end of the watch. */
gboolean ctl_watch_run (CtlWatch *self,
                        GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlWatch, ctl_watch_free)

G_END_DECLS
