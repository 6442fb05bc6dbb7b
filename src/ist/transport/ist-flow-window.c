/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/transport/ist-flow-window-private.h"

/* Pings whose answers can still be told apart. */
#define MAX_PINGS 8

/* The first window; it doubles with each round trip until a queue shows (slow
 * start, RFC 5681). */
#define INITIAL_WINDOW (64 * 1024)

/* The queue that is aimed at: so many bytes, as Vegas does it, where that is
 * neither a longer wait than the one time, nor a shorter one than the other and
 * half of the way's own round trip: what is fast, or far, needs a longer queue
 * to stay full while its delays vary. */
#define QUEUE (32 * 1024)
#define MAX_QUEUE_TIME 100e-3
#define MIN_QUEUE_TIME 1e-3

/* The rate is the best of the latest so many times, each with a measurement and so
 * long at least (a short one of BBR's filters): a delay that has nothing to do with
 * the queue then does no harm. */
#define N_RATES 8
#define RATE_TIME (30 * G_TIME_SPAN_MILLISECOND)
#define MAX_RATE_AGE G_USEC_PER_SEC

/* Round trips may be longer than the base for reasons that are not a queue of ours
 * (radio, a queue on the way back, pongs that are late); then the window is too small,
 * and only the rate shows it. So there are trials with one that is larger by a step, each
 * for so long and so many pongs at least: if that lets more through, the step stays
 * and the next is greater; otherwise what such steps have brought shrinks again. */
#define TRIAL_TIME (200 * G_TIME_SPAN_MILLISECOND)
#define TRIAL_PONGS 10
#define TRIAL_STEP 1.25
#define TRIAL_STEP_LATER 2.0
#define TRIAL_GAIN 0.5 /* of what the window gained */
#define TRIAL_DECAY 0.9
#define MAX_FACTOR 1000

/* The way's own round trip is the shortest of the latest two periods, and each
 * begins with a moment without a queue, so that it can be seen (BBR's ProbeRTT;
 * LEDBAT's base delay history). */
#define BASE_PERIOD (10 * G_USEC_PER_SEC)
#define DRAINED_WINDOW (4 * 1024)

/* A sender that pauses for longer than this does not use all that the way carries. */
#define IDLE_TIME (5 * G_TIME_SPAN_MILLISECOND)

#define MIN_PIECE (4 * 1024)
#define MAX_PIECE (64 * 1024)

/* Where only the kernel tells, there is a queue of this many seconds on top of
 * twice the round trip, and a ping now and then in case one is answered. */
#define KERNEL_QUEUE_TIME 50e-3
#define MIN_KERNEL_WINDOW (32 * 1024)
#define KERNEL_PING_INTERVAL (G_USEC_PER_SEC / 2)

/* If for so long, with nothing in the kernel any more, pongs have let pass less
 * than this rate, they don't tell of the queue; for the next while the kernel
 * alone is asked. */
#define PATIENCE (3 * G_USEC_PER_SEC)
#define PATIENCE_RATE 16e3
#define DISTRUST_TIME (10 * G_USEC_PER_SEC)
#define MAX_DISTRUST_TIME (320 * G_USEC_PER_SEC)

typedef struct
{
  gint64 left;           /* when, 0 once it is answered */
  guint64 sent;          /* bytes before it */
  guint64 delivered;     /* of these, what was known to have arrived when it left */
  gint64 delivered_at;   /* when that became known */
  gint64 delivered_left; /* when the ping that showed it had left */
  gboolean idle;         /* there was not always something to send before it */
  gboolean spoilt;       /* its answer could not be read in time */
  gboolean drained;      /* there was no queue before it */
  gboolean asked;        /* it was not for the window */
} Ping;

struct _IstFlowWindow
{
  Ping pings[MAX_PINGS]; /* the latest, by their numbers */
  guint32 n_pings;
  gint64 answered; /* number of the last one that was, or -1 */
  gboolean pongs_anonymous;
  gboolean deaf;
  gint64 idle_since; /* 0: there is something to send */
  gboolean idle;

  guint64 delivered;
  gint64 delivered_at;
  gint64 delivered_left;

  double rates[N_RATES]; /* a ring */
  gint64 rate_began[N_RATES];
  guint latest_rate;
  gint64 base; /* the shortest round trip of the latest period, and of the one before; or 0 */
  gint64 last_base;
  gint64 base_began;

  double factor; /* by which the window is larger than its formula says */
  double step;   /* by which it is larger still in the next trial */
  gboolean trying;
  double rate_before; /* the trial */
  gsize window_before;
  gint64 trial_due;   /* what leaves from here on shows the effect */
  gint64 trial_began; /* 0: not yet */
  guint64 trial_delivered;
  guint trial_pongs;

  gsize window;
  gboolean starting;
  gboolean draining;
  gboolean drained; /* while draining: the next ping goes without a queue before it */

  IstKernelQueue kernel;

  gint64 patient_since; /* 0: not waiting */
  guint64 patient_delivered;
  gint64 distrust_time;
  gint64 distrusted_until; /* 0: pongs are trusted */
  gboolean pong_since_distrust;
};

/* What is known of the way */

static double
window_get_rate (IstFlowWindow *self)
{
  double rate = 0;
  guint i;

  for (i = 0; i < N_RATES; i++)
    rate = MAX (rate, self->rates[i]);
  return rate;
}

/* In seconds. */
static double
window_get_base (IstFlowWindow *self)
{
  gint64 base = self->base;

  if (base == 0 || (self->last_base != 0 && self->last_base < base))
    base = self->last_base;
  return (double) base / G_USEC_PER_SEC;
}

/* The bytes that may wait where so many go by in a second. */
static double
window_get_queue (IstFlowWindow *self,
                  double rate)
{
  double least = rate * (MIN_QUEUE_TIME + window_get_base (self) / 2);
  double most = rate * MAX_QUEUE_TIME;

  return MAX (MIN (QUEUE, most), least);
}

static void
window_note_round_trip (IstFlowWindow *self,
                        gint64 round_trip,
                        gint64 now)
{
  if (now - self->base_began >= BASE_PERIOD)
    {
      /* The way has become longer, which the formula knows from now on. */
      if (self->base > self->last_base * 1.25)
        self->factor = 1;
      self->last_base = self->base;
      self->base = 0;
      self->base_began = now;
      self->draining = !self->starting;
      self->drained = FALSE;
    }
  if (self->base == 0 || round_trip < self->base)
    self->base = MAX (round_trip, 1);
}

/* Whether the rate is one to go by: not if it could have been higher. */
static gboolean
window_note_rate (IstFlowWindow *self,
                  double rate,
                  gboolean could_be_higher,
                  gint64 now)
{
  double *latest;
  guint i;

  if (could_be_higher && rate <= window_get_rate (self))
    return FALSE;
  for (i = 0; i < N_RATES && !could_be_higher; i++)
    {
      if (now - self->rate_began[i] > MAX_RATE_AGE)
        self->rates[i] = 0;
    }
  if (now - self->rate_began[self->latest_rate] >= RATE_TIME)
    {
      self->latest_rate = (self->latest_rate + 1) % N_RATES;
      self->rate_began[self->latest_rate] = now;
      self->rates[self->latest_rate] = 0;
    }
  latest = &self->rates[self->latest_rate];
  *latest = MAX (*latest, rate);
  return TRUE;
}

/* As much as there is on the way when it is full and the queue is as long as it
 * should be; the formula is that of FAST TCP, with the rate in place of the
 * window per round trip. */
static void
window_adapt (IstFlowWindow *self)
{
  double rate = window_get_rate (self);
  double window = rate * window_get_base (self) + window_get_queue (self, rate);

  window *= self->factor * (self->trying ? self->step : 1);
  self->window = MAX (MIN (window, 2.0 * self->window), IST_FLOW_WINDOW_MIN);
}

/* Ends a trial, or the time before one. */
static void
window_judge (IstFlowWindow *self,
              double rate)
{
  double gain = (double) self->window / self->window_before - 1;

  if (!self->trying)
    {
      self->rate_before = rate;
      self->window_before = self->window;
    }
  else if (gain > 0.1 && rate > self->rate_before * (1 + gain * TRIAL_GAIN))
    {
      self->factor = MIN (self->factor * self->step, MAX_FACTOR);
      self->step = TRIAL_STEP_LATER;
      self->rate_before = rate;
      self->window_before = self->window;
      return;
    }
  else
    {
      self->factor = MAX (self->factor * TRIAL_DECAY, 1);
      self->step = TRIAL_STEP;
    }
  self->trying = !self->trying;
}

static void
window_try (IstFlowWindow *self,
            const Ping *ping,
            gint64 now)
{
  if (ping->spoilt || ping->idle || self->starting || self->draining)
    {
      self->trying = FALSE;
      self->trial_due = now;
      self->trial_began = 0;
    }
  else if (self->trial_began == 0 && ping->left >= self->trial_due)
    {
      self->trial_began = now;
      self->trial_delivered = ping->sent;
      self->trial_pongs = 0;
    }
  else if (self->trial_began != 0 && ++self->trial_pongs >= TRIAL_PONGS && now - self->trial_began >= TRIAL_TIME)
    {
      window_judge (self, (double) (ping->sent - self->trial_delivered) / (now - self->trial_began));
      self->trial_due = now;
      self->trial_began = 0;
    }
}

static void
window_learn (IstFlowWindow *self,
              const Ping *ping,
              gint64 now)
{
  gint64 round_trip = now - ping->left;
  guint64 flight = ping->sent - MIN (ping->delivered, ping->sent);
  gint64 span = MAX (MAX (now - ping->delivered_at, ping->left - ping->delivered_left), 1);
  double rate = (double) flight * G_USEC_PER_SEC / span;
  gboolean valid = !ping->spoilt && !ping->idle;
  double wait;

  if (!ping->spoilt)
    window_note_round_trip (self, round_trip, now);
  if (flight < MIN_PIECE || ping->delivered_at == 0)
    return;
  window_try (self, ping, now);
  wait = (double) round_trip / G_USEC_PER_SEC - window_get_base (self);
  if (!window_note_rate (self, rate, !valid, now))
    return;

  if (self->starting && (!valid || wait * rate <= window_get_queue (self, rate)))
    {
      self->window = MAX (self->window, 2 * MIN (flight, self->window));
      return;
    }
  self->starting = FALSE;
  window_adapt (self);
}

/* Pings */

static gboolean
window_is_distrustful (IstFlowWindow *self,
                       gint64 now)
{
  return self->distrusted_until != 0 && (now < self->distrusted_until || !self->pong_since_distrust);
}

/* The bytes between two pings: half of the queue, so that it does not run empty until
 * the answer to the second one has come. */
static gsize
window_get_spacing (IstFlowWindow *self,
                    gint64 now)
{
  gsize size = ist_flow_window_get_size (self, now);
  gsize own = window_get_rate (self) * window_get_base (self);

  if (ist_flow_window_needs_kernel (self, now) || self->starting)
    own = size / 2;
  return size > own ? MAX ((size - own) / 2, MIN_PIECE) : MIN_PIECE;
}

guint32
ist_flow_window_get_next_number (IstFlowWindow *self)
{
  return self->n_pings;
}

gboolean
ist_flow_window_wants_ping (IstFlowWindow *self,
                            guint64 sent,
                            gint64 now)
{
  const Ping *last = self->n_pings > 0 ? &self->pings[(self->n_pings - 1) % MAX_PINGS] : NULL;
  guint64 unmarked = last != NULL ? sent - last->sent : sent;
  gint64 unanswered = self->n_pings - 1 - self->answered;

  /* A closed window opens with a pong. */
  if (unmarked < window_get_spacing (self, now) &&
      (unanswered > 0 || unmarked == 0 || sent - self->delivered < ist_flow_window_get_size (self, now)))
    return FALSE;
  if (self->answered < 0 || window_is_distrustful (self, now))
    return unanswered == 0 || now - last->left >= KERNEL_PING_INTERVAL;
  return unanswered < (self->pongs_anonymous ? 1 : MAX_PINGS - 1);
}

void
ist_flow_window_ping_sent (IstFlowWindow *self,
                           guint64 sent,
                           gboolean asked,
                           gint64 now)
{
  Ping *ping = &self->pings[self->n_pings % MAX_PINGS];

  *ping = (Ping){
    .left = now,
    .sent = sent,
    .delivered = self->delivered,
    .delivered_at = self->delivered_at,
    .delivered_left = self->delivered_left,
    .idle = self->idle,
    .spoilt = self->deaf,
    .drained = self->draining && self->drained,
    .asked = asked,
  };
  self->idle = FALSE;
  self->n_pings++;
}

/* The first pong: what was sent until now was bounded by other means. */
static void
window_begin (IstFlowWindow *self,
              const Ping *ping,
              gint64 now)
{
  const Ping *last = &self->pings[(self->n_pings - 1) % MAX_PINGS];

  self->base_began = now;
  self->window = MAX (self->window, last->sent - ping->sent);
}

gint64
ist_flow_window_pong_read (IstFlowWindow *self,
                           gint64 number,
                           gint64 now,
                           gboolean *asked)
{
  Ping *ping;
  gint64 round_trip;

  if (self->n_pings == 0 || number >= self->n_pings)
    return -1;
  /* Some services answer with a payload of their own; they answer the latest. */
  if (number < 0)
    {
      self->pongs_anonymous = TRUE;
      number = self->n_pings - 1;
    }
  ping = &self->pings[number % MAX_PINGS];
  if (self->n_pings - number > MAX_PINGS || ping->left == 0)
    return -1;

  round_trip = now - ping->left;
  *asked = ping->asked;
  self->pong_since_distrust = TRUE;
  /* One that answers a ping answers those before it, too (RFC 6455, section 5.5.3). */
  if (number > self->answered)
    {
      if (self->answered < 0)
        window_begin (self, ping, now);
      window_learn (self, ping, now);
      self->answered = number;
      self->delivered = ping->sent;
      self->delivered_at = now;
      self->delivered_left = ping->left;
      if (ping->drained)
        self->draining = FALSE;
    }
  ping->left = 0;
  return round_trip;
}

gboolean
ist_flow_window_has_seen_pong (IstFlowWindow *self)
{
  return self->answered >= 0;
}

/* The window */

void
ist_flow_window_set_deaf (IstFlowWindow *self,
                          gboolean deaf)
{
  guint i;

  self->deaf = deaf;
  self->patient_since = 0;
  for (i = 0; i < MAX_PINGS; i++)
    self->pings[i].spoilt = TRUE;
}

void
ist_flow_window_note_idle (IstFlowWindow *self,
                           gint64 now)
{
  if (self->idle_since == 0)
    self->idle_since = now;
  self->patient_since = 0;
}

void
ist_flow_window_note_busy (IstFlowWindow *self,
                           gint64 now)
{
  if (self->idle_since == 0)
    return;
  self->idle |= now - self->idle_since > IDLE_TIME;
  self->idle_since = 0;
}

gboolean
ist_flow_window_needs_kernel (IstFlowWindow *self,
                              gint64 now)
{
  return self->answered < 0 || self->deaf || window_is_distrustful (self, now);
}

void
ist_flow_window_see_kernel (IstFlowWindow *self,
                            const IstKernelQueue *kernel)
{
  self->kernel = *kernel;
}

gsize
ist_flow_window_get_size (IstFlowWindow *self,
                          gint64 now)
{
  double size = self->window;

  if (ist_flow_window_needs_kernel (self, now))
    {
      double round_trip = (double) self->kernel.round_trip / G_USEC_PER_SEC;

      size = MAX (MIN_KERNEL_WINDOW, self->kernel.delivery_rate * (2 * round_trip + KERNEL_QUEUE_TIME));
    }
  else if (self->draining)
    {
      size = MIN (size, MAX (DRAINED_WINDOW, window_get_rate (self) * window_get_base (self) / 2));
    }
  return size;
}

gboolean
ist_flow_window_is_open (IstFlowWindow *self,
                         guint64 sent,
                         gint64 now)
{
  gsize size = ist_flow_window_get_size (self, now);

  if (ist_flow_window_needs_kernel (self, now))
    return self->kernel.queued < size;
  if (sent - self->delivered < size)
    {
      self->drained = TRUE;
      return TRUE;
    }
  if (self->patient_since == 0)
    {
      self->patient_since = now;
      self->patient_delivered = self->delivered;
    }
  return FALSE;
}

void
ist_flow_window_check_patience (IstFlowWindow *self,
                                const IstKernelQueue *kernel,
                                gint64 now)
{
  gint64 waited = now - self->patient_since;

  if (self->patient_since == 0 || waited < PATIENCE || kernel->queued >= IST_FLOW_WINDOW_MIN / 2)
    return;

  if ((self->delivered - self->patient_delivered) * (double) G_USEC_PER_SEC < PATIENCE_RATE * waited)
    {
      self->distrusted_until = now + self->distrust_time;
      self->distrust_time = MIN (2 * self->distrust_time, MAX_DISTRUST_TIME);
      self->pong_since_distrust = FALSE;
    }
  self->patient_since = 0;
}

gsize
ist_flow_window_get_piece_size (IstFlowWindow *self,
                                gint64 now)
{
  return CLAMP (window_get_spacing (self, now) / 2, MIN_PIECE, MAX_PIECE);
}

IstFlowWindow *
ist_flow_window_new (void)
{
  IstFlowWindow *self = g_new0 (IstFlowWindow, 1);

  self->window = INITIAL_WINDOW;
  self->answered = -1;
  self->factor = 1;
  self->step = TRIAL_STEP;
  self->window_before = INITIAL_WINDOW;
  self->starting = TRUE;
  self->distrust_time = DISTRUST_TIME;
  return self;
}

void
ist_flow_window_free (IstFlowWindow *self)
{
  g_free (self);
}
