/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-signals.h"

#include <glib-unix.h>
#include <signal.h>

guint
tool_signal_watch (int number,
                   GSourceFunc func,
                   gpointer user_data)
{
  struct sigaction action;

  if (sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
    return 0;
  return g_unix_signal_add (number, func, user_data);
}

void
tool_signal_unwatch (guint id)
{
  if (id != 0)
    g_source_remove (id);
}
