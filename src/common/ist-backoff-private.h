/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Exponential back-off with full jitter, so that the clients of a service that
 * went away don't come back all at once. All delays in milliseconds. */
typedef struct
{
  guint floor;
  guint base;
  guint cap;
  guint failures; /* in a row */
  guint forgiven; /* of them: they no longer lengthen the delay */
} IstBackoff;

/* Counts a failure: after the n-th in a row the delay is random between the
 * floor and base * 2^(n-1), at most the cap. */
guint ist_backoff_fail (IstBackoff *self);

/* The circumstances have changed: delays begin anew, the failures still count. */
void ist_backoff_forgive (IstBackoff *self);

void ist_backoff_reset (IstBackoff *self);

G_END_DECLS
