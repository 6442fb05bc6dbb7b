/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * That a change of the network is told where it belongs. The changes are the
 * test's own: what the kernel says takes a network namespace to find out.
 */

#include <gio/gio.h>

#include "common/ist-network-watch-private.h"
#include "test-util.h"

typedef struct
{
  GMainContext *context;
  GThread *thread;
  guint n_told;
  guint n_stray; /* in another thread */
} Place;

static void
on_changed (gpointer user_data)
{
  Place *self = user_data;

  g_atomic_int_inc (&self->n_told);
  if (g_thread_self () != self->thread || !g_main_context_is_owner (self->context))
    g_atomic_int_inc (&self->n_stray);
}

static void
change (void)
{
  g_signal_emit_by_name (g_network_monitor_get_default (), "network-changed", TRUE);
}

static void
test_once (void)
{
  Place place = { g_main_context_default (), g_thread_self () };
  IstNetworkWatch *watch = ist_network_watch_new (place.context, on_changed, &place);
  IstNetworkWatch *gone = ist_network_watch_new (place.context, on_changed, &place);
  guint i;

  for (i = 0; i < 100; i++)
    change ();
  g_assert_cmpuint (place.n_told, ==, 0);
  ist_network_watch_free (gone);
  test_wait (place.n_told == 1);
  test_run_for (800);
  g_assert_cmpuint (place.n_told, ==, 1);
  change ();
  test_wait (place.n_told == 2);
  g_assert_cmpuint (place.n_stray, ==, 0);

  /* While it settles. */
  change ();
  test_settle ();
  ist_network_watch_free (watch);
  test_run_for (800);
  g_assert_cmpuint (place.n_told, ==, 2);
}

static gint stop;

static gpointer
run_place (gpointer user_data)
{
  Place *self = user_data;
  IstNetworkWatch *watch;

  g_main_context_push_thread_default (self->context);
  watch = ist_network_watch_new (self->context, on_changed, self);
  while (!g_atomic_int_get (&stop))
    test_iterate (self->context, G_MAXINT64, "", "");
  ist_network_watch_free (watch);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

/* Each hears it in its own context, whoever runs the monitor's. */
static void
test_threads (void)
{
  Place places[4] = { 0 };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (places); i++)
    {
      places[i].context = g_main_context_new ();
      places[i].thread = g_thread_new ("place", run_place, &places[i]);
    }
  for (i = 0; i < G_N_ELEMENTS (places);)
    {
      change ();
      test_run_for (20);
      if (g_atomic_int_get (&places[i].n_told) > 0)
        i++;
    }
  /* Ending in the middle of it. */
  change ();
  g_atomic_int_set (&stop, TRUE);
  for (i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_thread_join (places[i].thread);
      g_assert_cmpuint (places[i].n_stray, ==, 0);
      g_main_context_unref (places[i].context);
    }
  change ();
  test_settle ();
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/network-watch/once", test_once);
  g_test_add_func ("/network-watch/threads", test_threads);

  return g_test_run ();
}
