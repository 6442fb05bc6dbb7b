/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/agent/agent-rate.h"

#include <math.h>

/* After so many seconds the past counts for a third. */
#define TIME_CONSTANT 5.0

/* Shorter times say little. */
#define LEAST_INTERVAL (G_USEC_PER_SEC / 4)

double
agent_rate_update (AgentRate *self,
                   guint64 count,
                   gint64 now)
{
  double seconds;
  double weight;

  if (self->time == 0)
    {
      self->time = now;
      self->count = count;
    }
  if (now - self->time < LEAST_INTERVAL)
    return self->rate;

  seconds = (now - self->time) / (double) G_USEC_PER_SEC;
  weight = exp (-seconds / TIME_CONSTANT);
  self->rate = self->rate * weight + (count - self->count) / seconds * (1 - weight);
  self->time = now;
  self->count = count;
  return self->rate;
}
