/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-watch-private.h"
#include "test-util.h"

#include <glib-unix.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* A pair of sockets with a watch of the first. */
typedef struct
{
  int fds[2];
  IstWatch *watch;
  guint calls;
  guint noticed;
  GIOCondition last;
  gboolean reads; /* what has come */
  void (*then) (gpointer user_data);
  gpointer user_data;
} Pair;

static void
on_ready (GIOCondition condition,
          gpointer user_data)
{
  Pair *self = user_data;
  char buffer[16];

  self->calls++;
  self->last = condition;
  if (self->reads && (condition & G_IO_IN))
    g_assert_cmpint (read (self->fds[0], buffer, sizeof buffer), >, 0);
  if (self->then != NULL)
    self->then (self->user_data);
}

static void
on_noticed (GIOCondition condition,
            gpointer user_data)
{
  Pair *self = user_data;

  self->noticed++;
  ist_watch_set_condition (self->watch, 0);
}

static Pair *
pair_new (IstWatchFunc noticed)
{
  Pair *self = g_new0 (Pair, 1);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, self->fds), ==, 0);
  self->reads = TRUE;
  self->watch = ist_watch_new (g_main_context_default (), on_ready, self);
  ist_watch_set_descriptor (self->watch, self->fds[0], noticed, &error);
  g_assert_no_error (error);
  return self;
}

static void
pair_say (Pair *self)
{
  g_assert_cmpint (write (self->fds[1], "x", 1), ==, 1);
}

static void
pair_free (Pair *self)
{
  g_clear_pointer (&self->watch, ist_watch_free);
  close (self->fds[0]);
  close (self->fds[1]);
  g_free (self);
}

static void
on_time (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

/* How often the main loop turns in a moment. */
static guint
count_turns (void)
{
  gboolean is_over = FALSE;
  guint n = 0;

  g_timeout_add_once (100, on_time, &is_over);
  while (!is_over)
    {
      g_main_context_iteration (NULL, TRUE);
      n++;
    }
  return n;
}

static void
test_descriptors (void)
{
  Pair *pairs[200];
  GPollFD polled[8];
  int timeout;
  guint before;

  test_settle ();
  before = test_count_fds ();
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    pairs[i] = pair_new (NULL);
  /* One for all of them. */
  g_assert_cmpuint (test_count_fds (), ==, before + 2 * G_N_ELEMENTS (pairs) + 1);
  test_settle ();
  g_assert_cmpint (g_main_context_query (g_main_context_default (), G_PRIORITY_DEFAULT, &timeout, polled,
                                         G_N_ELEMENTS (polled)),
                   <=, 2);

  for (guint round = 1; round <= 3; round++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
        {
          ist_watch_set_condition (pairs[i]->watch, G_IO_IN);
          pair_say (pairs[i]);
        }
      for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
        test_wait (pairs[i]->calls == round);
      test_settle ();
    }
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_assert_cmpuint (pairs[i]->calls, ==, 3);
      g_assert_cmpuint (pairs[i]->last, ==, G_IO_IN);
      pair_free (pairs[i]);
    }
  g_assert_cmpuint (test_count_fds (), ==, before);
}

/* What is not read is told again; what is not asked for is not told, and does not keep
 * the main loop busy. */
static void
test_conditions (void)
{
  Pair *pair = pair_new (NULL);

  pair->reads = FALSE;
  ist_watch_set_condition (pair->watch, G_IO_IN);
  pair_say (pair);
  test_wait (pair->calls == 3);
  ist_watch_set_condition (pair->watch, 0);
  g_assert_cmpuint (count_turns (), <, 10);
  g_assert_cmpuint (pair->calls, ==, 3);

  ist_watch_set_condition (pair->watch, G_IO_OUT);
  test_wait (pair->calls == 4);
  g_assert_cmpuint (pair->last, ==, G_IO_OUT);
  ist_watch_set_condition (pair->watch, 0);
  g_assert_cmpuint (count_turns (), <, 10);

  ist_watch_set_condition (pair->watch, G_IO_IN | G_IO_OUT);
  test_wait (pair->calls == 5);
  g_assert_cmpuint (pair->last, ==, G_IO_IN | G_IO_OUT);
  ist_watch_set_condition (pair->watch, 0);

  /* An end that nobody waits for. */
  g_assert_cmpint (shutdown (pair->fds[1], SHUT_RDWR), ==, 0);
  g_assert_cmpuint (count_turns (), <, 10);
  g_assert_cmpuint (pair->calls, ==, 5);
  ist_watch_set_condition (pair->watch, G_IO_OUT);
  test_wait (pair->calls == 6);
  g_assert_cmpuint (pair->last, ==, G_IO_OUT);
  pair_free (pair);
}

static gboolean
on_beside (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_CONTINUE;
}

static void
wake (gpointer user_data)
{
  ist_watch_wake (((Pair *) user_data)->watch);
}

static void
test_wake (void)
{
  Pair *pair = pair_new (NULL);
  guint beside = 0;
  guint source;

  ist_watch_wake (pair->watch);
  ist_watch_wake (pair->watch);
  test_wait (pair->calls == 1);
  g_assert_cmpuint (pair->last, ==, 0);
  g_assert_cmpuint (count_turns (), <, 10);
  g_assert_cmpuint (pair->calls, ==, 1);

  /* One that always has something to do leaves others their turns. */
  source = g_timeout_add (0, on_beside, &beside);
  pair->then = wake;
  pair->user_data = pair;
  ist_watch_wake (pair->watch);
  test_wait (pair->calls >= 100);
  g_assert_cmpuint (beside, >=, 50);
  g_source_remove (source);
  pair_free (pair);
}

static void
free_watch (gpointer user_data)
{
  g_clear_pointer (&((Pair *) user_data)->watch, ist_watch_free);
}

/* Its own, and that of another that has its turn just then. */
static void
test_free_in_call (void)
{
  Pair *first = pair_new (NULL);
  Pair *second = pair_new (NULL);
  Pair *third = pair_new (NULL);

  first->then = free_watch;
  first->user_data = second;
  third->then = free_watch;
  third->user_data = third;
  ist_watch_wake (first->watch);
  ist_watch_wake (second->watch);
  ist_watch_wake (third->watch);
  test_wait (first->calls == 1 && third->calls == 1);
  test_settle ();
  g_assert_cmpuint (second->calls, ==, 0);
  g_assert_null (third->watch);
  pair_free (first);
  pair_free (second);
  pair_free (third);
}

static void
wait_for (gpointer user_data)
{
  Pair *self = user_data;

  pair_say (self);
  test_wait (self->calls == 1);
}

static void
test_loop_in_call (void)
{
  Pair *outer = pair_new (NULL);
  Pair *inner = pair_new (NULL);

  ist_watch_set_condition (inner->watch, G_IO_IN);
  outer->then = wait_for;
  outer->user_data = inner;
  ist_watch_wake (outer->watch);
  test_wait (outer->calls == 1);
  g_assert_cmpuint (inner->calls, ==, 1);
  pair_free (outer);
  pair_free (inner);
}

/* Whoever takes note is told before the sources that come after. */

static gboolean
follower_prepare (GSource *source,
                  int *timeout)
{
  *timeout = -1;
  return FALSE;
}

typedef struct
{
  GSource source;
  Pair *pair;
  guint seen;
} Follower;

static gboolean
follower_check (GSource *source)
{
  Follower *self = (Follower *) source;

  self->seen = self->pair->noticed;
  return FALSE;
}

static GSourceFuncs follower_funcs = { .prepare = follower_prepare, .check = follower_check };

static void
test_noticed (void)
{
  Pair *pair = pair_new (on_noticed);
  GSource *source = g_source_new (&follower_funcs, sizeof (Follower));
  Follower *follower = (Follower *) source;

  follower->pair = pair;
  g_source_attach (source, NULL);
  ist_watch_set_condition (pair->watch, G_IO_IN);
  pair_say (pair);
  while (pair->noticed == 0)
    {
      g_assert_cmpuint (follower->seen, ==, 0);
      g_main_context_iteration (NULL, TRUE);
    }
  g_assert_cmpuint (follower->seen, ==, 1);
  g_assert_cmpuint (count_turns (), <, 10);
  g_assert_cmpuint (pair->noticed, ==, 1);
  g_assert_cmpuint (pair->calls, ==, 0);
  g_source_destroy (source);
  g_source_unref (source);
  pair_free (pair);
}

/* Somebody has closed the descriptor, and its number is that of another one. */
static void
test_number_reused (void)
{
  Pair *old = pair_new (NULL);
  Pair *other = pair_new (NULL);
  IstWatch *watch;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (dup2 (other->fds[0], old->fds[0]), ==, old->fds[0]);
  watch = ist_watch_new (g_main_context_default (), on_ready, other);
  ist_watch_set_descriptor (watch, old->fds[0], NULL, &error);
  g_assert_no_error (error);
  ist_watch_set_condition (watch, G_IO_IN);
  g_clear_pointer (&old->watch, ist_watch_free);
  pair_say (other);
  test_wait (other->calls == 1);
  ist_watch_free (watch);
  pair_free (other);
  pair_free (old);
}

static void
test_no_more_descriptors (void)
{
  struct rlimit limit;
  struct rlimit none;
  int fds[2];
  IstWatch *watch;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  none = limit;
  none.rlim_cur = fds[1] + 1;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  watch = ist_watch_new (g_main_context_default (), on_ready, NULL);
  g_assert_false (ist_watch_set_descriptor (watch, fds[0], NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);

  g_clear_error (&error);
  g_assert_true (ist_watch_set_descriptor (watch, fds[0], NULL, &error));
  g_assert_no_error (error);
  ist_watch_free (watch);
  close (fds[0]);
  close (fds[1]);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/watch/descriptors", test_descriptors);
  g_test_add_func ("/watch/conditions", test_conditions);
  g_test_add_func ("/watch/wake", test_wake);
  g_test_add_func ("/watch/free-in-call", test_free_in_call);
  g_test_add_func ("/watch/loop-in-call", test_loop_in_call);
  g_test_add_func ("/watch/noticed", test_noticed);
  g_test_add_func ("/watch/number-reused", test_number_reused);
  g_test_add_func ("/watch/no-more-descriptors", test_no_more_descriptors);

  return g_test_run ();
}
