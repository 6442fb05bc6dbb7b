/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-agent/ist-agent-notification-queue-private.h"

#include "common/ist-source-private.h"

/* How much may wait, in bytes, with what each takes besides; and how long after the
 * last one came, in seconds. */
#define MAX_SIZE (4 * 1024 * 1024)
#define OVERHEAD 256
#define MAX_TIME 60

struct _IstAgentNotificationQueue
{
  GMainContext *context;
  void (*expired) (gpointer user_data);
  gpointer user_data;
  GQueue waiting; /* of GBytes, the newest first */
  gsize size;
  GSource *timeout; /* while any wait */
};

IstAgentNotificationQueue *
ist_agent_notification_queue_new (GMainContext *context,
                                  void (*expired) (gpointer user_data),
                                  gpointer user_data)
{
  IstAgentNotificationQueue *self = g_new0 (IstAgentNotificationQueue, 1);

  self->context = g_main_context_ref (context);
  self->expired = expired;
  self->user_data = user_data;
  g_queue_init (&self->waiting);
  return self;
}

void
ist_agent_notification_queue_free (IstAgentNotificationQueue *self)
{
  ist_agent_notification_queue_clear (self);
  g_main_context_unref (self->context);
  g_free (self);
}

static gboolean
on_timeout (gpointer user_data)
{
  IstAgentNotificationQueue *self = user_data;

  self->expired (self->user_data);
  return G_SOURCE_REMOVE;
}

static void
notification_queue_start_timeout (IstAgentNotificationQueue *self)
{
  ist_clear_source (&self->timeout);
  self->timeout = g_timeout_source_new_seconds (MAX_TIME);
  g_source_set_static_name (self->timeout, "IstAgentNotificationQueue");
  g_source_set_callback (self->timeout, on_timeout, self, NULL);
  g_source_attach (self->timeout, self->context);
}

void
ist_agent_notification_queue_push (IstAgentNotificationQueue *self,
                                   GBytes *notification)
{
  /* Delivered once more. */
  if (self->waiting.head != NULL && g_bytes_equal (self->waiting.head->data, notification))
    return;

  g_queue_push_head (&self->waiting, g_bytes_ref (notification));
  self->size += g_bytes_get_size (notification) + OVERHEAD;
  notification_queue_start_timeout (self);
}

static GBytes *
notification_queue_take (IstAgentNotificationQueue *self,
                         GBytes *notification)
{
  if (notification != NULL)
    self->size -= g_bytes_get_size (notification) + OVERHEAD;
  if (self->waiting.head == NULL)
    ist_clear_source (&self->timeout);
  return notification;
}

GBytes *
ist_agent_notification_queue_pop_newest (IstAgentNotificationQueue *self)
{
  return notification_queue_take (self, g_queue_pop_head (&self->waiting));
}

GBytes *
ist_agent_notification_queue_pop_oldest (IstAgentNotificationQueue *self)
{
  return notification_queue_take (self, g_queue_pop_tail (&self->waiting));
}

GBytes *
ist_agent_notification_queue_pop_excess (IstAgentNotificationQueue *self)
{
  return self->size > MAX_SIZE ? ist_agent_notification_queue_pop_oldest (self) : NULL;
}

void
ist_agent_notification_queue_clear (IstAgentNotificationQueue *self)
{
  g_queue_clear_full (&self->waiting, (GDestroyNotify) g_bytes_unref);
  self->size = 0;
  ist_clear_source (&self->timeout);
}
