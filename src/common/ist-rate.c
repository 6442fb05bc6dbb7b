/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-rate-private.h"

#include <math.h>

/* After so many seconds the past counts for a third. */
#define TIME_CONSTANT 5.0

/* Shorter times say little. */
#define LEAST_INTERVAL (G_USEC_PER_SEC / 4)

typedef struct
{
  gint64 time; /* monotonic, in microseconds */
  guint64 count;
  double per_second;
} Rate;

/* In any rhythm. */
static double
rate_update (Rate *self,
             guint64 count)
{
  gint64 now = g_get_monotonic_time ();
  double seconds = (now - self->time) / (double) G_USEC_PER_SEC;
  double weight = exp (-seconds / TIME_CONSTANT);

  if (now - self->time < LEAST_INTERVAL)
    return self->per_second;

  self->per_second = self->per_second * weight + (count - self->count) / seconds * (1 - weight);
  self->time = now;
  self->count = count;
  return self->per_second;
}

static void
on_notify (gpointer object,
           GParamSpec *property,
           gpointer user_data)
{
  ist_rate_get (object, property->name);
}

static void
rate_follow (gpointer object,
             const char *property)
{
  g_autofree char *notify = g_strconcat ("notify::", property, NULL);
  Rate *rate = g_new0 (Rate, 1);

  rate->time = g_get_monotonic_time ();
  g_object_set_data_full (object, property, rate, g_free);
  g_signal_connect (object, notify, G_CALLBACK (on_notify), NULL);
}

void
ist_rate_follow (gpointer object)
{
  rate_follow (object, "bytes-in");
  rate_follow (object, "bytes-out");
}

double
ist_rate_get (gpointer object,
              const char *property)
{
  Rate *rate = g_object_get_data (object, property);
  guint64 count;

  if (rate == NULL)
    return 0;
  g_object_get (object, property, &count, NULL);
  return rate_update (rate, count);
}
