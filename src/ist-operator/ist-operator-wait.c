/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-wait-private.h"

#include "common/ist-source-private.h"

struct _IstOperatorWait
{
  GMainContext *context;
  GCancellable *cancellable;
  GSource *timer;
  GCancellable *parent;
  gulong parent_id;
  GSource *wake; /* for the parent's end, which another thread may bring */
  GAsyncResult *result;
  gboolean has_timed_out;
};

static gboolean
on_time_over (gpointer user_data)
{
  IstOperatorWait *self = user_data;

  self->has_timed_out = TRUE;
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

static gboolean
dispatch_wake (GSource *source,
               GSourceFunc callback,
               gpointer user_data)
{
  IstOperatorWait *self = user_data;

  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

static GSourceFuncs wake_funcs = {
  .dispatch = dispatch_wake,
};

static void
on_parent_cancelled (GCancellable *parent,
                     gpointer user_data)
{
  g_source_set_ready_time (user_data, 0);
}

IstOperatorWait *
ist_operator_wait_new (GCancellable *parent,
                       guint milliseconds)
{
  IstOperatorWait *self = g_new0 (IstOperatorWait, 1);

  self->context = g_main_context_ref_thread_default ();
  self->cancellable = g_cancellable_new ();
  self->timer = g_timeout_source_new (milliseconds);
  g_source_set_callback (self->timer, on_time_over, self, NULL);
  g_source_attach (self->timer, self->context);
  if (parent != NULL)
    {
      /* Not g_cancellable_source_new(): GLib loses its source if that is freed in one thread while another is
       * still about to cancel, as far as 2.74 at least. */
      self->wake = g_source_new (&wake_funcs, sizeof (GSource));
      g_source_set_callback (self->wake, NULL, self, NULL);
      g_source_attach (self->wake, self->context);
      self->parent = g_object_ref (parent);
      self->parent_id = g_cancellable_connect (parent, G_CALLBACK (on_parent_cancelled), g_source_ref (self->wake),
                                               (GDestroyNotify) g_source_unref);
    }
  return self;
}

void
ist_operator_wait_free (IstOperatorWait *self)
{
  ist_clear_source (&self->timer);
  /* Waits for a cancellation that goes on in another thread. */
  g_cancellable_disconnect (self->parent, self->parent_id);
  g_clear_object (&self->parent);
  ist_clear_source (&self->wake);
  g_clear_object (&self->result);
  g_object_unref (self->cancellable);
  g_main_context_unref (self->context);
  g_free (self);
}

GCancellable *
ist_operator_wait_get_cancellable (IstOperatorWait *self)
{
  return self->cancellable;
}

void
ist_operator_wait_on_ready (GObject *source,
                            GAsyncResult *result,
                            gpointer user_data)
{
  IstOperatorWait *self = user_data;

  g_set_object (&self->result, result);
}

GAsyncResult *
ist_operator_wait_for_result (IstOperatorWait *self)
{
  while (self->result == NULL)
    g_main_context_iteration (self->context, TRUE);
  return g_steal_pointer (&self->result);
}

void
ist_operator_wait_to_end (IstOperatorWait *self)
{
  while (!g_cancellable_is_cancelled (self->cancellable))
    g_main_context_iteration (self->context, TRUE);
}

gboolean
ist_operator_wait_has_timed_out (IstOperatorWait *self)
{
  return self->has_timed_out;
}
