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

/* Those that end a program */

struct _ToolSignals
{
  void (*func) (int number,
                gpointer user_data);
  gpointer user_data;
  guint interrupt;
  guint terminate;
  guint hangup;
};

static gboolean
on_interrupt (gpointer user_data)
{
  ToolSignals *self = user_data;

  self->func (SIGINT, self->user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_terminate (gpointer user_data)
{
  ToolSignals *self = user_data;

  self->func (SIGTERM, self->user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_hangup (gpointer user_data)
{
  ToolSignals *self = user_data;

  self->func (SIGHUP, self->user_data);
  return G_SOURCE_CONTINUE;
}

ToolSignals *
tool_signals_new (void (*func) (int number,
                                gpointer user_data),
                  gpointer user_data)
{
  ToolSignals *self = g_new0 (ToolSignals, 1);

  self->func = func;
  self->user_data = user_data;
  self->interrupt = tool_signal_watch (SIGINT, on_interrupt, self);
  self->terminate = tool_signal_watch (SIGTERM, on_terminate, self);
  self->hangup = tool_signal_watch (SIGHUP, on_hangup, self);
  return self;
}

void
tool_signals_free (ToolSignals *self)
{
  tool_signal_unwatch (self->interrupt);
  tool_signal_unwatch (self->terminate);
  tool_signal_unwatch (self->hangup);
  g_free (self);
}
