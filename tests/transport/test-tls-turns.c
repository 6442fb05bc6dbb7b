/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who shakes hands when. The tasks here begin, and go on until they are told to end.
 */

#include "ist/transport/ist-tls-turns-private.h"
#include "test-util.h"

/* How many may go on at once, as long as each of them ends. */
#define AT_ONCE 10

typedef struct
{
  GPtrArray *going_on; /* of GTask, in the order in which they began */
  guint n_begun;
} Fixture;

static Fixture *fixture;

static void
on_turn (GTask *task)
{
  fixture->n_begun++;
  g_assert_true (g_main_context_get_thread_default () == NULL ||
                 g_main_context_get_thread_default () == g_task_get_context (task));
  g_ptr_array_add (fixture->going_on, g_object_ref (task));
}

static void
wait_for_turn (guint number,
               GCancellable *cancellable)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, NULL, NULL);

  g_task_set_task_data (task, GUINT_TO_POINTER (number), NULL);
  ist_tls_turns_wait (task, on_turn);
}

/* Of the first that goes on; returns its number. */
static guint
end_turn (void)
{
  g_autoptr (GTask) task = g_object_ref (g_ptr_array_index (fixture->going_on, 0));
  guint number = GPOINTER_TO_UINT (g_task_get_task_data (task));

  g_ptr_array_remove_index (fixture->going_on, 0);
  ist_tls_turns_end (task);
  g_task_return_boolean (task, TRUE);
  return number;
}

/* Until so many have begun, and ended. */
static void
end_turns (guint count)
{
  while (fixture->n_begun < count || fixture->going_on->len > 0)
    {
      if (fixture->going_on->len > 0)
        end_turn ();
      g_main_context_iteration (NULL, FALSE);
    }
}

static void
fixture_begin (void)
{
  fixture = g_new0 (Fixture, 1);
  fixture->going_on = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
fixture_end (void)
{
  while (fixture->going_on->len > 0)
    end_turn ();
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_ptr_array_unref (fixture->going_on);
  g_free (fixture);
}

static void
test_in_turn (void)
{
  guint ended;
  guint i;

  fixture_begin ();
  for (i = 0; i < 5 * AT_ONCE; i++)
    wait_for_turn (i, NULL);
  g_assert_cmpuint (fixture->n_begun, ==, AT_ONCE);
  for (ended = 0; ended < 5 * AT_ONCE; ended++)
    {
      test_wait (fixture->n_begun >= MIN (ended + AT_ONCE, 5 * AT_ONCE));
      g_assert_cmpuint (end_turn (), ==, ended);
    }
  /* Nobody is there any more. */
  wait_for_turn (0, NULL);
  g_assert_cmpuint (fixture->n_begun, ==, 5 * AT_ONCE + 1);
  fixture_end ();
}

/* One that ends lets one begin, not all: all are in memory otherwise. */
static void
test_bounded (void)
{
  gint64 begun = g_get_monotonic_time ();
  guint i;

  fixture_begin ();
  for (i = 0; i < 10 * AT_ONCE; i++)
    wait_for_turn (i, NULL);
  for (i = 0; i < AT_ONCE; i++)
    end_turn ();
  test_wait (fixture->n_begun >= 2 * AT_ONCE);
  g_assert_cmpuint (fixture->n_begun, <=, 2 * AT_ONCE + 1 + (g_get_monotonic_time () - begun) / 100000);
  end_turns (10 * AT_ONCE);
  fixture_end ();
}

/* Servers that never answer do not keep others waiting for good. */
static void
test_stalled (void)
{
  guint i;

  fixture_begin ();
  for (i = 0; i < AT_ONCE + 3; i++)
    wait_for_turn (i, NULL);
  g_assert_cmpuint (fixture->n_begun, ==, AT_ONCE);
  test_wait (fixture->n_begun == AT_ONCE + 3);
  fixture_end ();
}

static void
on_cancelled (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  guint *n_told = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_false (g_task_propagate_boolean (G_TASK (result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ++*n_told;
}

/* They need not wait to be told so. And who goes away without having begun leaves
 * nobody a turn, or all the others would begin at once when half of many are stopped. */
static void
test_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gint64 begun = g_get_monotonic_time ();
  guint n_told = 0;
  guint i;

  fixture_begin ();
  for (i = 0; i < 40 * AT_ONCE; i++)
    {
      g_autoptr (GTask) task = g_task_new (NULL, cancellable, on_cancelled, &n_told);

      wait_for_turn (i, NULL);
      if (i >= AT_ONCE)
        ist_tls_turns_wait (task, on_turn);
    }
  /* One that is cancelled has just been left a turn, which the next one gets. */
  end_turn ();
  end_turn ();
  g_cancellable_cancel (cancellable);
  test_wait (n_told == 39 * AT_ONCE);
  test_wait (fixture->n_begun >= AT_ONCE + 2);
  g_assert_cmpuint (fixture->n_begun, <=, AT_ONCE + 2 + (g_get_monotonic_time () - begun) / 100000);
  end_turns (40 * AT_ONCE);
  g_assert_cmpuint (fixture->n_begun, ==, 40 * AT_ONCE);
  fixture_end ();
}

/* A context that nobody runs keeps no other one waiting. */
static void
test_contexts (void)
{
  g_autoptr (GMainContext) other = g_main_context_new ();
  guint i;

  fixture_begin ();
  for (i = 0; i < 2 * AT_ONCE; i++)
    wait_for_turn (i, NULL);
  g_assert_cmpuint (fixture->n_begun, ==, AT_ONCE);
  g_main_context_push_thread_default (other);
  for (i = 0; i < AT_ONCE + 1; i++)
    wait_for_turn (i, NULL);
  g_assert_cmpuint (fixture->n_begun, ==, 2 * AT_ONCE);
  while (fixture->n_begun < 2 * AT_ONCE + 1)
    g_main_context_iteration (other, TRUE);
  g_main_context_pop_thread_default (other);

  end_turns (3 * AT_ONCE + 1);
  while (g_main_context_iteration (other, FALSE))
    ;
  fixture_end ();
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tls-turns/in-turn", test_in_turn);
  g_test_add_func ("/tls-turns/bounded", test_bounded);
  g_test_add_func ("/tls-turns/stalled", test_stalled);
  g_test_add_func ("/tls-turns/cancelled", test_cancelled);
  g_test_add_func ("/tls-turns/contexts", test_contexts);
  return g_test_run ();
}
