/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-network-watch-private.h"

#include <gio/gio.h>

#include "common/ist-source-private.h"

/* A change of the network is many: what comes within so many milliseconds is one.
 * On top of that a random part of as many, so that many tunnels do not stir at once. */
#define SETTLE 200
#define SPREAD 400

struct _IstNetworkWatch
{
  gatomicrefcount ref_count;
  GMainContext *context;
  IstNetworkWatchFunc changed;
  gpointer user_data;
  gint pending; /* atomic: the context will hear of it */
  /* Of the context's thread: */
  gboolean is_over;
  GSource *settling;
};

/* Of all threads. */
static GMutex lock;
static GPtrArray *watches; /* not owned */
static gboolean listens;

static IstNetworkWatch *
network_watch_ref (IstNetworkWatch *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
network_watch_unref (IstNetworkWatch *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_main_context_unref (self->context);
  g_free (self);
}

static void
network_watch_stop_settling (IstNetworkWatch *self)
{
  ist_clear_source (&self->settling);
}

static gboolean
on_settled (gpointer user_data)
{
  IstNetworkWatch *self = user_data;

  network_watch_stop_settling (self);
  self->changed (self->user_data);
  return G_SOURCE_REMOVE;
}

/* In the watch's own context. */
static gboolean
on_heard (gpointer user_data)
{
  IstNetworkWatch *self = user_data;

  g_atomic_int_set (&self->pending, FALSE);
  if (self->is_over || self->settling != NULL)
    return G_SOURCE_REMOVE;
  self->settling = g_timeout_source_new (SETTLE + g_random_int_range (0, SPREAD));
  g_source_set_callback (self->settling, on_settled, self, NULL);
  g_source_attach (self->settling, self->context);
  return G_SOURCE_REMOVE;
}

/* In whatever thread the monitor tells. */
static void
on_network_changed (void)
{
  guint i;

  g_mutex_lock (&lock);
  for (i = 0; i < watches->len; i++)
    {
      IstNetworkWatch *self = watches->pdata[i];
      g_autoptr (GSource) hop = NULL;

      if (!g_atomic_int_compare_and_exchange (&self->pending, FALSE, TRUE))
        continue;
      hop = g_idle_source_new ();
      g_source_set_priority (hop, G_PRIORITY_DEFAULT);
      g_source_set_callback (hop, on_heard, network_watch_ref (self), (GDestroyNotify) network_watch_unref);
      g_source_attach (hop, self->context);
    }
  g_mutex_unlock (&lock);
}

static gboolean
listen (gpointer user_data)
{
  g_signal_connect (g_network_monitor_get_default (), "network-changed", G_CALLBACK (on_network_changed), NULL);
  return G_SOURCE_REMOVE;
}

/* There is one monitor for the life of the process, and it tells in the context in
 * which it was made: the main one, then, which does not end with a thread. Where
 * nobody runs that, changes are noticed by what no longer answers. */
static void
ensure_listening (void)
{
  gboolean first;

  g_mutex_lock (&lock);
  first = !listens;
  listens = TRUE;
  g_mutex_unlock (&lock);

  if (!first)
    return;
  if (g_main_context_get_thread_default () == NULL)
    listen (NULL);
  else
    g_idle_add_full (G_PRIORITY_DEFAULT, listen, NULL, NULL);
}

IstNetworkWatch *
ist_network_watch_new (GMainContext *context,
                       IstNetworkWatchFunc changed,
                       gpointer user_data)
{
  IstNetworkWatch *self = g_new0 (IstNetworkWatch, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->context = g_main_context_ref (context);
  self->changed = changed;
  self->user_data = user_data;
  g_mutex_lock (&lock);
  if (watches == NULL)
    watches = g_ptr_array_new ();
  g_ptr_array_add (watches, self);
  g_mutex_unlock (&lock);
  ensure_listening ();
  return self;
}

void
ist_network_watch_free (IstNetworkWatch *self)
{
  g_mutex_lock (&lock);
  g_ptr_array_remove_fast (watches, self);
  g_mutex_unlock (&lock);
  self->is_over = TRUE;
  network_watch_stop_settling (self);
  network_watch_unref (self);
}
