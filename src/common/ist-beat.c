/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-beat-private.h"

#include "common/ist-source-private.h"

/* All of a context that have the same interval. */
typedef struct
{
  GMainContext *context;
  guint seconds;
  GSource *timer; /* owns this */
  GQueue beats;
  GList *next; /* to be called in this turn */
} Group;

struct _IstBeat
{
  Group *group;
  GList link;
  IstBeatFunc func;
  gpointer user_data;
};

/* Protects the groups and their queues: a tunnel may be finalized in any thread. */
static GMutex mutex;
static GPtrArray *groups;

static IstBeat *
group_take_next (Group *self)
{
  IstBeat *beat;

  g_mutex_lock (&mutex);
  beat = self->next != NULL ? self->next->data : NULL;
  self->next = self->next != NULL ? self->next->next : NULL;
  g_mutex_unlock (&mutex);
  return beat;
}

static gboolean
on_time (gpointer user_data)
{
  Group *self = user_data;
  IstBeat *beat;

  g_mutex_lock (&mutex);
  self->next = self->beats.head;
  g_mutex_unlock (&mutex);
  while ((beat = group_take_next (self)) != NULL)
    beat->func (beat->user_data);
  return G_SOURCE_CONTINUE;
}

static Group *
group_new (GMainContext *context,
           guint seconds)
{
  Group *self = g_new0 (Group, 1);

  self->context = context;
  self->seconds = seconds;
  g_queue_init (&self->beats);
  /* In whole seconds, so that other programs wake at the same moment. */
  self->timer = g_timeout_source_new_seconds (seconds);
  g_source_set_static_name (self->timer, "IstBeat");
  g_source_set_callback (self->timer, on_time, self, g_free);
  g_source_attach (self->timer, context);
  return self;
}

static Group *
find_group (GMainContext *context,
            guint seconds)
{
  if (groups == NULL)
    groups = g_ptr_array_new ();
  for (guint i = 0; i < groups->len; i++)
    {
      Group *group = g_ptr_array_index (groups, i);

      if (group->context == context && group->seconds == seconds)
        return group;
    }
  g_ptr_array_add (groups, group_new (context, seconds));
  return g_ptr_array_index (groups, groups->len - 1);
}

IstBeat *
ist_beat_new (GMainContext *context,
              guint seconds,
              IstBeatFunc func,
              gpointer user_data)
{
  IstBeat *self = g_new0 (IstBeat, 1);

  g_assert (seconds > 0);
  self->link.data = self;
  self->func = func;
  self->user_data = user_data;
  g_mutex_lock (&mutex);
  self->group = find_group (context, seconds);
  /* In front, where a turn that has begun does not come by. */
  g_queue_push_head_link (&self->group->beats, &self->link);
  g_mutex_unlock (&mutex);
  return self;
}

void
ist_beat_free (IstBeat *self)
{
  Group *group = self->group;
  GSource *unused = NULL;

  g_mutex_lock (&mutex);
  if (group->next == &self->link)
    group->next = self->link.next;
  g_queue_unlink (&group->beats, &self->link);
  if (group->beats.length == 0)
    {
      g_ptr_array_remove_fast (groups, group);
      unused = group->timer;
    }
  g_mutex_unlock (&mutex);
  ist_clear_source (&unused);
  g_free (self);
}
