/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How fast a counter grows: a mean in which the past fades within seconds. It
 * is kept up by whoever looks at it, in any rhythm, and needs no timer. */
typedef struct
{
  gint64 time; /* monotonic, in microseconds; 0 before the first */
  guint64 count;
  double rate; /* per second */
} AgentRate;

double agent_rate_update (AgentRate *self,
                          guint64 count,
                          gint64 now);

G_END_DECLS
