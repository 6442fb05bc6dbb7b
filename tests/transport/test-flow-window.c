/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The window's arithmetic, on simulated ways: a service that reads at a rate, far
 * away or near, and answers pings in one manner or another. Nothing here waits.
 */

#include "ist/transport/ist-flow-window-private.h"

#include <string.h>

#define MS G_TIME_SPAN_MILLISECOND
#define STEP 200 /* microseconds */
#define MAX_PONGS 4096

typedef enum
{
  PONGS_BEHIND_DATA,
  PONGS_NONE,
  PONGS_AT_ONCE,     /* from somewhere that data only passes through */
  PONGS_ANONYMOUS,   /* with a payload of their own */
  PONGS_EACH_SECOND, /* behind the data, too */
} Pongs;

typedef struct
{
  guint32 number;
  guint64 position;
  gint64 due; /* 0: the service has not read the ping */
} Pong;

/* The way there takes no time, the way back all of it. */
typedef struct
{
  IstFlowWindow *window;
  double rate;     /* bytes per second that the service reads */
  gint64 distance; /* round trip of the way itself, in microseconds */
  gint64 jitter;   /* at most so much is added to it for each pong */
  Pongs pongs;
  gboolean in_kernel; /* what waits, waits where the kernel sees it */
  gboolean deaf;
  gint64 pause; /* between pieces */

  gint64 now;
  guint64 sent;
  double read;
  Pong answers[MAX_PONGS];
  guint n_answers;
  gint64 last_pong;

  guint64 most_waiting; /* bytes on the way beyond what the way itself holds */
  double sum_waiting;
  guint n_steps;
  gint64 longest_silence; /* in which the service had nothing to read */
  gint64 silent_since;
  double carried; /* part of what the rate allows */
  gsize smallest; /* window */
} Way;

static void
way_open (Way *self,
          double rate,
          gint64 distance)
{
  memset (self, 0, sizeof *self);
  self->window = ist_flow_window_new ();
  self->rate = rate;
  self->distance = distance;
  self->now = 1000 * MS;
}

static void
way_close (Way *self)
{
  ist_flow_window_free (self->window);
}

static IstKernelQueue
way_get_kernel (Way *self)
{
  IstKernelQueue kernel = { 0, (guint64) self->rate, self->distance };

  if (self->in_kernel)
    kernel.queued = self->sent - (guint64) self->read;
  return kernel;
}

static void
way_ping (Way *self)
{
  Pong *answer = &self->answers[self->n_answers];

  if (self->sent > 0 && !ist_flow_window_wants_ping (self->window, self->sent, self->now))
    return;
  if (self->pongs != PONGS_NONE)
    {
      g_assert_cmpuint (self->n_answers, <, MAX_PONGS);
      self->n_answers++;
      answer->number = ist_flow_window_get_next_number (self->window);
      answer->position = self->sent;
      answer->due = 0;
    }
  ist_flow_window_ping_sent (self->window, self->sent, FALSE, self->now);
}

static void
way_answer (Way *self)
{
  guint i;

  for (i = 0; i < self->n_answers; i++)
    {
      Pong *answer = &self->answers[i];

      if (answer->due != 0 || (self->pongs != PONGS_AT_ONCE && answer->position > self->read))
        continue;
      if (self->pongs == PONGS_EACH_SECOND && self->now - self->last_pong < 1000 * MS)
        continue;
      self->last_pong = self->now;
      answer->due = self->now + MAX (self->distance, STEP);
      if (self->jitter > 0)
        answer->due += g_test_rand_int_range (0, (gint32) self->jitter);
    }
  while (self->n_answers > 0 && self->answers[0].due != 0 && self->answers[0].due <= self->now && !self->deaf)
    {
      gint64 number = self->pongs == PONGS_ANONYMOUS ? -1 : (gint64) self->answers[0].number;

      gboolean asked;

      ist_flow_window_pong_read (self->window, number, self->now, &asked);
      self->n_answers--;
      memmove (self->answers, self->answers + 1, self->n_answers * sizeof (Pong));
    }
}

static void
way_send (Way *self)
{
  IstKernelQueue kernel = way_get_kernel (self);
  gsize piece;

  if (self->pause > 0 && self->now % self->pause != 0)
    return;
  ist_flow_window_note_busy (self->window, self->now);
  ist_flow_window_see_kernel (self->window, &kernel);
  /* A socket takes no more. */
  while (self->sent - self->read < 4e6 && ist_flow_window_is_open (self->window, self->sent, self->now))
    {
      piece = ist_flow_window_get_piece_size (self->window, self->now);
      g_assert_cmpuint (piece, <=, 64 * 1024);
      self->sent += piece;
      way_ping (self);
      kernel = way_get_kernel (self);
      ist_flow_window_see_kernel (self->window, &kernel);
      if (self->pause > 0)
        {
          ist_flow_window_note_idle (self->window, self->now);
          break;
        }
    }
}

static void
way_run (Way *self,
         double seconds)
{
  gint64 end = self->now + (gint64) (seconds * G_USEC_PER_SEC);
  guint64 read = (guint64) self->read;
  IstKernelQueue kernel;

  self->most_waiting = 0;
  self->sum_waiting = 0;
  self->n_steps = 0;
  self->longest_silence = 0;
  self->smallest = G_MAXSIZE;
  self->silent_since = self->now;
  if (self->sent == 0)
    {
      way_ping (self);
      way_answer (self);
      self->now += self->distance + self->jitter + STEP;
      way_answer (self);
    }
  for (; self->now < end; self->now += STEP)
    {
      double more = self->rate * STEP / G_USEC_PER_SEC;
      guint64 waiting;

      self->read = MIN (self->read + more, self->sent);
      way_answer (self);
      way_ping (self);
      way_send (self);
      if (self->now % (500 * MS) == 0)
        {
          kernel = way_get_kernel (self);
          ist_flow_window_check_patience (self->window, &kernel, self->now);
        }

      waiting = self->sent - (guint64) self->read;
      self->most_waiting = MAX (self->most_waiting, waiting);
      self->sum_waiting += waiting;
      self->n_steps++;
      if (self->sent > self->read + more)
        self->silent_since = self->now;
      self->longest_silence = MAX (self->longest_silence, self->now - self->silent_since);
      self->smallest = MIN (self->smallest, ist_flow_window_get_size (self->window, self->now));
    }
  self->carried = (self->read - read) / (seconds * self->rate);
  g_test_message ("%.0f bytes/s, %.1f ms away: carried %.1f %%, waited %.1f ms on average, %.1f ms at most, silent for "
                  "%.1f ms at most; window %zu",
                  self->rate, self->distance / 1e3, 100 * self->carried,
                  self->sum_waiting / self->n_steps / self->rate * 1e3, self->most_waiting / self->rate * 1e3,
                  self->longest_silence / 1e3, ist_flow_window_get_size (self->window, self->now));
}

/* Bytes that wait on average, once the window has found its level. */
static double
way_get_waiting (Way *self)
{
  return self->sum_waiting / self->n_steps;
}

/* What doc/flow-control.md promises of the queue, and some more for what measures it. */
static double
get_queue (double rate,
           gint64 distance)
{
  double queue = MAX (MIN (32 * 1024, rate * 0.1), rate * (0.005 + distance / 2e6));

  return 2.5 * MAX (queue, IST_FLOW_WINDOW_MIN);
}

/* Nearly all that the way carries comes through, and little waits. */
static void
test_settles (void)
{
  double rates[] = { 100e3, 800e3, 10e6, 300e6 };
  gint64 distances[] = { 0, 50 * MS, 200 * MS };
  guint i, j, k;

  for (i = 0; i < G_N_ELEMENTS (rates); i++)
    for (j = 0; j < G_N_ELEMENTS (distances); j++)
      for (k = 0; k < 2; k++)
        {
          Way way;

          way_open (&way, rates[i], distances[j]);
          /* Some of it is what the way itself shows. */
          way.jitter = k * distances[j] / 5;
          way_run (&way, distances[j] > 100 * MS ? 15 : 5);
          /* Long enough for chance to even out. */
          way_run (&way, 120);
          g_assert_cmpfloat (way.carried, >=, 0.95);
          g_assert_cmpfloat (way_get_waiting (&way), <=, get_queue (rates[i], distances[j] + way.jitter));
          way_close (&way);
        }
}

/* Soon, too. */
static void
test_starts (void)
{
  Way way;

  way_open (&way, 800e3, 50 * MS);
  way_run (&way, 1);
  way_run (&way, 2);
  g_assert_cmpfloat (way.carried, >=, 0.95);
  g_assert_cmpfloat (way_get_waiting (&way), <=, get_queue (800e3, 50 * MS));
  way_close (&way);
}

static void
test_follows (void)
{
  Way way;

  way_open (&way, 10e6, 50 * MS);
  way_run (&way, 5);

  way.rate = 800e3;
  way_run (&way, 4);
  way_run (&way, 10);
  g_assert_cmpfloat (way.carried, >=, 0.95);
  g_assert_cmpfloat (way_get_waiting (&way), <=, get_queue (800e3, 50 * MS));

  way.rate = 10e6;
  way_run (&way, 3);
  way_run (&way, 10);
  g_assert_cmpfloat (way.carried, >=, 0.95);
  g_assert_cmpfloat (way_get_waiting (&way), <=, get_queue (10e6, 50 * MS));

  /* A longer way looks like a queue, until the window is drained and it still is as long. */
  way.distance = 150 * MS;
  way_run (&way, 30);
  way_run (&way, 10);
  g_assert_cmpfloat (way.carried, >=, 0.9);
  way_close (&way);
}

/* Whatever is done with pings, the data goes on. */
static void
test_pongs (void)
{
  Pongs kinds[] = { PONGS_NONE, PONGS_AT_ONCE, PONGS_ANONYMOUS, PONGS_EACH_SECOND };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Way way;

      way_open (&way, 800e3, 50 * MS);
      way.pongs = kinds[i];
      way_run (&way, 8);
      g_assert_cmpint (way.longest_silence, <=, 5 * G_USEC_PER_SEC);
      way_run (&way, 30);
      g_assert_cmpfloat (way.carried, >=, 0.9);
      g_assert_cmpint (way.longest_silence, <=, 5 * G_USEC_PER_SEC);
      way_close (&way);
    }
}

/* Without pongs, what the kernel sees is bounded. */
static void
test_kernel (void)
{
  Way way;

  way_open (&way, 800e3, 50 * MS);
  way.pongs = PONGS_NONE;
  way.in_kernel = TRUE;
  way_run (&way, 5);
  way_run (&way, 10);
  g_assert_cmpfloat (way.carried, >=, 0.95);
  g_assert_cmpfloat (way.most_waiting, <=, 800e3 * 0.25);
  way_close (&way);
}

static void
test_pongs_stop (void)
{
  Way way;

  way_open (&way, 800e3, 50 * MS);
  way.in_kernel = TRUE;
  way_run (&way, 5);

  way.pongs = PONGS_NONE;
  way.n_answers = 0;
  way_run (&way, 5);
  g_assert_cmpint (way.longest_silence, <=, 5 * G_USEC_PER_SEC);
  way_run (&way, 30);
  g_assert_cmpfloat (way.carried, >=, 0.95);

  /* They come again, and are believed. */
  way.pongs = PONGS_BEHIND_DATA;
  way_run (&way, 5);
  way_run (&way, 10);
  g_assert_cmpfloat (way.carried, >=, 0.95);
  g_assert_cmpfloat (way_get_waiting (&way), <=, get_queue (800e3, 50 * MS));
  way_close (&way);
}

/* While nothing is read, and so no pong, what is sent goes on, and the window does
 * not take the time for a queue. */
static void
test_deaf (void)
{
  Way way;
  gsize size;
  guint i;

  way_open (&way, 800e3, 50 * MS);
  way.in_kernel = TRUE;
  way_run (&way, 5);
  size = ist_flow_window_get_size (way.window, way.now);
  for (i = 0; i < 5; i++)
    {
      way.deaf = TRUE;
      ist_flow_window_set_deaf (way.window, TRUE);
      way_run (&way, 2);
      g_assert_cmpfloat (way.carried, >=, 0.95);
      way.deaf = FALSE;
      ist_flow_window_set_deaf (way.window, FALSE);
      way_run (&way, 0.1);
      g_assert_cmpuint (ist_flow_window_get_size (way.window, way.now), >=, size / 2);
    }
  way_close (&way);
}

/* Who sends little, with pauses, does not make the window small. */
static void
test_pauses (void)
{
  Way way;
  gsize size;

  way_open (&way, 10e6, 50 * MS);
  way_run (&way, 5);
  size = ist_flow_window_get_size (way.window, way.now);
  way.pause = 50 * MS;
  way_run (&way, 20);
  g_assert_cmpuint (ist_flow_window_get_size (way.window, way.now), >=, size / 2);
  way_close (&way);
}

/* However slow it is, there is a window, and a ping in it. */
static void
test_minimum (void)
{
  Way way;

  way_open (&way, 2e3, 50 * MS);
  way.in_kernel = TRUE;
  way_run (&way, 60);
  way_run (&way, 60);
  g_assert_cmpfloat (way.carried, >=, 0.95);
  g_assert_cmpuint (way.smallest, >=, 4 * 1024);
  g_assert_cmpuint (way.most_waiting, >=, IST_FLOW_WINDOW_MIN);
  way_close (&way);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/flow-window/settles", test_settles);
  g_test_add_func ("/flow-window/starts", test_starts);
  g_test_add_func ("/flow-window/follows", test_follows);
  g_test_add_func ("/flow-window/pongs", test_pongs);
  g_test_add_func ("/flow-window/pongs-stop", test_pongs_stop);
  g_test_add_func ("/flow-window/kernel", test_kernel);
  g_test_add_func ("/flow-window/deaf", test_deaf);
  g_test_add_func ("/flow-window/pauses", test_pauses);
  g_test_add_func ("/flow-window/minimum", test_minimum);

  return g_test_run ();
}
