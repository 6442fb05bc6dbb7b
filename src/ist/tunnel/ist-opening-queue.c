/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/tunnel/ist-opening-queue-private.h"

#include <ist/ist-tunnel-error.h>

#include "common/ist-source-private.h"

struct _IstOpeningQueue
{
  IstTunnelLink *link;
  IstNewsQueue *news;
  IstConnectionSet *connections;
  guint timeout;
  IstOpeningQueueFunc carry_out;
  gpointer tunnel;
  GQueue waiting;   /* of Opening, by their link */
  guint generation; /* of the stream table, when they were last tried */
};

/* A connection that can't be opened yet. */
typedef struct
{
  GList link;
  IstOpeningQueue *queue;
  GTask *task;
  char *service_id;
  GSource *timeout;
  GSource *cancelled;
} Opening;

static void
opening_free (Opening *opening)
{
  ist_clear_source (&opening->timeout);
  ist_clear_source (&opening->cancelled);
  g_clear_object (&opening->task);
  g_free (opening->service_id);
  g_free (opening);
}

/* Ends one that waits. */
static void
opening_queue_end (IstOpeningQueue *self,
                   Opening *opening,
                   const GError *error,
                   IstConnectionCore *core)
{
  g_queue_unlink (&self->waiting, &opening->link);
  ist_news_queue_add_task (self->news, g_steal_pointer (&opening->task), error, core);
  opening_free (opening);
}

void
ist_opening_queue_fail (IstOpeningQueue *self,
                        const GError *error)
{
  while (self->waiting.head != NULL)
    opening_queue_end (self, self->waiting.head->data, error, NULL);
}

/* The lane of the connection that was started with these events. */
static IstLane
opening_queue_find_lane (GArray *events)
{
  guint i = events->len;

  while (i-- > 0)
    {
      IstStreamEvent *event = &g_array_index (events, IstStreamEvent, i);

      if (event->type == IST_STREAM_EVENT_SEND)
        return event->lane;
    }
  g_assert_not_reached ();
}

/* Opens a connection if that can be done now, and appends what follows. */
static IstConnectionCore *
opening_queue_try (IstOpeningQueue *self,
                   const char *service_id,
                   GArray *events,
                   GError **error)
{
  g_autoptr (IstStreamInfo) info = NULL;

  if (!ist_tunnel_link_check (self->link, error))
    return NULL;
  info = ist_stream_table_open_connection (self->link->table, service_id, g_get_monotonic_time (), events, error);
  return info != NULL ? ist_connection_set_add (self->connections, info, opening_queue_find_lane (events)) : NULL;
}

gboolean
ist_opening_queue_is_empty (IstOpeningQueue *self)
{
  return self->waiting.head == NULL;
}

void
ist_opening_queue_serve (IstOpeningQueue *self,
                         IstOpeningQueueFunc apply)
{
  guint generation = ist_stream_table_get_generation (self->link->table);
  GList *link = self->waiting.head;

  if (self->generation == generation)
    return;
  self->generation = generation;

  while (link != NULL)
    {
      Opening *opening = link->data;
      g_autoptr (GArray) events = ist_stream_events_new ();
      g_autoptr (GError) error = NULL;
      IstConnectionCore *core;

      link = link->next;
      core = opening_queue_try (self, opening->service_id, events, &error);
      if (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK))
        continue;
      opening_queue_end (self, opening, error, core);
      apply (events, self->tunnel);
    }
}

/* Time is up: the service is in use, as far as can be known. */
static GError *
opening_queue_refuse (const GError *reason)
{
  return g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_SUPPORTED,
                      "%s. Wait until that one has ended, or connect the other end with protocol version 3, and "
                      "say so with protocol-version if it does not show",
                      reason->message);
}

static gboolean
on_opening_timeout (gpointer user_data)
{
  Opening *opening = user_data;
  IstOpeningQueue *self = opening->queue;
  g_autoptr (GObject) alive G_GNUC_UNUSED = g_object_ref (g_task_get_source_object (opening->task));
  g_autoptr (GArray) events = ist_stream_events_new ();
  g_autoptr (GError) error = NULL;
  IstConnectionCore *core;

  core = opening_queue_try (self, opening->service_id, events, &error);
  if (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK))
    {
      g_autoptr (GError) refusal = opening_queue_refuse (error);

      opening_queue_end (self, opening, refusal, NULL);
    }
  else
    {
      opening_queue_end (self, opening, error, core);
    }
  self->carry_out (events, self->tunnel);
  return G_SOURCE_REMOVE;
}

static gboolean
on_opening_cancelled (GCancellable *cancellable,
                      gpointer user_data)
{
  Opening *opening = user_data;
  IstOpeningQueue *self = opening->queue;
  g_autoptr (GObject) alive G_GNUC_UNUSED = g_object_ref (g_task_get_source_object (opening->task));
  g_autoptr (GError) error = NULL;

  g_cancellable_set_error_if_cancelled (cancellable, &error);
  opening_queue_end (self, opening, error, NULL);
  ist_news_queue_tell (self->news);
  return G_SOURCE_REMOVE;
}

/* Takes the task. */
static void
opening_queue_wait (IstOpeningQueue *self,
                    const char *service_id,
                    GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  Opening *opening = g_new0 (Opening, 1);

  opening->link.data = opening;
  opening->queue = self;
  opening->task = task;
  opening->service_id = g_strdup (service_id);
  opening->timeout = g_timeout_source_new (self->timeout);
  g_source_set_callback (opening->timeout, on_opening_timeout, opening, NULL);
  g_source_attach (opening->timeout, self->link->context);
  if (cancellable != NULL)
    {
      opening->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (opening->cancelled, G_SOURCE_FUNC (on_opening_cancelled), opening, NULL);
      g_source_attach (opening->cancelled, self->link->context);
    }
  g_queue_push_tail_link (&self->waiting, &opening->link);
}

void
ist_opening_queue_open (IstOpeningQueue *self,
                        const char *service_id,
                        GTask *task)
{
  g_autoptr (GTask) owned = task;
  g_autoptr (GArray) events = ist_stream_events_new ();
  g_autoptr (GError) error = NULL;
  IstConnectionCore *core = opening_queue_try (self, service_id, events, &error);

  if (core != NULL)
    {
      /* Before anybody is told: a handler may end it. */
      g_task_return_pointer (task, ist_connection_new (core), g_object_unref);
      self->carry_out (events, self->tunnel);
    }
  else if (!g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK))
    {
      g_task_return_error (task, g_steal_pointer (&error));
    }
  else if (self->timeout == 0)
    {
      g_task_return_error (task, opening_queue_refuse (error));
    }
  else
    {
      opening_queue_wait (self, service_id, g_steal_pointer (&owned));
    }
}

IstOpeningQueue *
ist_opening_queue_new (IstTunnelLink *link,
                       IstNewsQueue *news,
                       IstConnectionSet *connections,
                       guint timeout,
                       IstOpeningQueueFunc carry_out,
                       gpointer tunnel)
{
  IstOpeningQueue *self = g_new0 (IstOpeningQueue, 1);

  self->link = link;
  self->news = news;
  self->connections = connections;
  self->timeout = timeout;
  self->carry_out = carry_out;
  self->tunnel = tunnel;
  return self;
}

void
ist_opening_queue_free (IstOpeningQueue *self)
{
  g_free (self);
}
