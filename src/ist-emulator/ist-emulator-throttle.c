/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-throttle-private.h"

#include "common/ist-source-private.h"

/* How long nothing must have been read for the most to be read at once, in
 * microseconds. Short, so that a transfer is even. */
#define BURST_TIME_US (G_USEC_PER_SEC / 20)

struct _IstEmulatorThrottle
{
  GMainContext *context;
  IstEmulatorThrottleFunc paid_off;
  gpointer user_data;
  guint bandwidth;       /* bytes per second, 0 for no limit */
  double allowance;      /* bytes */
  gint64 allowance_time; /* monotonic time of its last change */
  GSource *debt;         /* not NULL: in debt */
};

static gboolean
on_debt_over (gpointer user_data)
{
  IstEmulatorThrottle *self = user_data;

  ist_clear_source (&self->debt);
  self->paid_off (self->user_data);
  return G_SOURCE_REMOVE;
}

IstEmulatorThrottle *
ist_emulator_throttle_new (IstEmulatorThrottleFunc paid_off,
                           gpointer user_data)
{
  IstEmulatorThrottle *self = g_new0 (IstEmulatorThrottle, 1);

  self->context = g_main_context_ref_thread_default ();
  self->paid_off = paid_off;
  self->user_data = user_data;
  return self;
}

void
ist_emulator_throttle_free (IstEmulatorThrottle *self)
{
  ist_clear_source (&self->debt);
  g_main_context_unref (self->context);
  g_free (self);
}

void
ist_emulator_throttle_set_bandwidth (IstEmulatorThrottle *self,
                                     guint bytes_per_second)
{
  ist_clear_source (&self->debt);
  self->bandwidth = bytes_per_second;
  self->allowance = 0;
  self->allowance_time = g_get_monotonic_time ();
}

void
ist_emulator_throttle_spend (IstEmulatorThrottle *self,
                             gsize size)
{
  gint64 now;
  double most;

  if (self->bandwidth == 0)
    return;

  now = g_get_monotonic_time ();
  most = (double) self->bandwidth * BURST_TIME_US / G_USEC_PER_SEC;
  self->allowance += (double) self->bandwidth * (now - self->allowance_time) / G_USEC_PER_SEC;
  self->allowance = MIN (self->allowance, most) - size;
  self->allowance_time = now;
  if (self->allowance >= 0)
    return;

  if (self->debt == NULL)
    {
      self->debt = g_timeout_source_new (0);
      g_source_set_callback (self->debt, on_debt_over, self, NULL);
      g_source_attach (self->debt, self->context);
    }
  g_source_set_ready_time (self->debt, now + (gint64) (-self->allowance * G_USEC_PER_SEC / self->bandwidth));
}

gboolean
ist_emulator_throttle_is_in_debt (IstEmulatorThrottle *self)
{
  return self->debt != NULL;
}
