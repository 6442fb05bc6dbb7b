/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A source's id; 0 if whoever started this program wants the signal to be
 * ignored, as nohup does. */
guint tool_signal_watch (int number,
                         GSourceFunc func,
                         gpointer user_data);

G_END_DECLS
