/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-beat-private.h"
#include "test-util.h"

typedef struct
{
  IstBeat *beat;
  guint calls;
  void (*then) (gpointer user_data);
  gpointer user_data;
} Member;

static void
on_beat (gpointer user_data)
{
  Member *self = user_data;

  self->calls++;
  if (self->then != NULL)
    self->then (self->user_data);
}

static void
member_start (Member *self,
              guint seconds)
{
  self->beat = ist_beat_new (g_main_context_default (), seconds, on_beat, self);
}

static void
member_stop (gpointer user_data)
{
  Member *self = user_data;

  g_clear_pointer (&self->beat, ist_beat_free);
}

/* As many timers, started one after the other, would wake the main loop more often. */
static void
test_together (void)
{
  Member members[1000] = { 0 };
  guint turns = 0;

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    member_start (&members[i], 1);
  while (members[0].calls < 2)
    {
      g_main_context_iteration (NULL, TRUE);
      turns++;
    }
  g_assert_cmpuint (turns, <=, 6);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_assert_cmpuint (members[i].calls, ==, 2);
      member_stop (&members[i]);
    }
  g_assert_false (g_main_context_pending (NULL));
}

/* In a call, of itself, of one that was called already, and of one that was not. */
static void
test_stop_in_call (void)
{
  Member first = { 0 }, second = { 0 }, third = { 0 };

  /* The last to come is called first. */
  member_start (&third, 1);
  member_start (&second, 1);
  member_start (&first, 1);
  second.then = member_stop;
  second.user_data = &third;
  first.then = member_stop;
  first.user_data = &first;
  test_wait (second.calls >= 2);
  g_assert_cmpuint (first.calls, ==, 1);
  g_assert_cmpuint (third.calls, ==, 0);

  second.user_data = &second;
  while (second.beat != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (second.calls, ==, 3);
}

static void
start_third (gpointer user_data)
{
  Member *third = user_data;

  if (third->beat == NULL)
    member_start (third, 1);
}

static void
test_start_in_call (void)
{
  Member first = { 0 }, third = { 0 };

  member_start (&first, 1);
  first.then = start_third;
  first.user_data = &third;
  while (first.calls == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_nonnull (third.beat);
  g_assert_cmpuint (third.calls, ==, 0);
  test_wait (third.calls >= 2);
  member_stop (&first);
  member_stop (&third);
}

/* Of different intervals, none is called more often than it asked for. */
static void
test_intervals (void)
{
  Member often = { 0 }, seldom = { 0 };

  member_start (&seldom, 3600);
  member_start (&often, 1);
  test_wait (often.calls >= 2);
  g_assert_cmpuint (seldom.calls, ==, 0);
  member_stop (&seldom);
  member_stop (&often);
}

static gpointer
run_context (gpointer user_data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Member member = { 0 };

  member.beat = ist_beat_new (context, 1, on_beat, &member);
  while (member.calls < 2)
    g_main_context_iteration (context, TRUE);
  member_stop (&member);
  return NULL;
}

/* Each context calls its own, in its thread. */
static void
test_contexts (void)
{
  GThread *threads[4];
  Member member = { 0 };

  member_start (&member, 1);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("context", run_context, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (member.calls, ==, 0);
  member_stop (&member);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/beat/together", test_together);
  g_test_add_func ("/beat/stop-in-call", test_stop_in_call);
  g_test_add_func ("/beat/start-in-call", test_start_in_call);
  g_test_add_func ("/beat/intervals", test_intervals);
  g_test_add_func ("/beat/contexts", test_contexts);
  return g_test_run ();
}
