/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-backoff-private.h"

guint
ist_backoff_fail (IstBackoff *self)
{
  guint64 limit = (guint64) self->base << MIN (self->failures - self->forgiven, 32);
  guint delay;

  if (self->failures < G_MAXUINT)
    self->failures++;
  limit = MIN (limit, self->cap);
  delay = g_random_double () * limit;
  return MAX (self->floor, delay);
}

void
ist_backoff_forgive (IstBackoff *self)
{
  self->forgiven = self->failures;
}

void
ist_backoff_reset (IstBackoff *self)
{
  self->failures = 0;
  self->forgiven = 0;
}
