/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-waiting-tasks-private.h"

#include "common/ist-source-private.h"

struct _IstWaitingTasks
{
  GMainContext *context;
  GQueue waiting; /* of WaitingTask, by their link */
  void (*cancelled) (gpointer user_data);
  void (*expired) (GTask *task,
                   gpointer user_data);
  gpointer user_data;
};

typedef struct
{
  GList link;
  IstWaitingTasks *tasks;
  GTask *task;
  GSource *cancelled;
  GSource *limit;
} WaitingTask;

IstWaitingTasks *
ist_waiting_tasks_new (GMainContext *context,
                       void (*cancelled) (gpointer user_data),
                       gpointer user_data)
{
  IstWaitingTasks *self = g_new0 (IstWaitingTasks, 1);

  self->context = g_main_context_ref (context);
  self->cancelled = cancelled;
  self->user_data = user_data;
  return self;
}

void
ist_waiting_tasks_free (IstWaitingTasks *self)
{
  g_main_context_unref (self->context);
  g_free (self);
}

static GTask *
waiting_tasks_remove (IstWaitingTasks *self,
                      WaitingTask *waiting)
{
  GTask *task = waiting->task;

  g_queue_unlink (&self->waiting, &waiting->link);
  ist_clear_source (&waiting->cancelled);
  ist_clear_source (&waiting->limit);
  g_free (waiting);
  return task;
}

static gboolean
on_task_cancelled (GCancellable *cancellable,
                   gpointer user_data)
{
  WaitingTask *waiting = user_data;
  IstWaitingTasks *self = waiting->tasks;
  g_autoptr (GTask) task = waiting_tasks_remove (self, waiting);

  if (self->cancelled != NULL)
    self->cancelled (self->user_data);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The operation was cancelled");
  return G_SOURCE_REMOVE;
}

void
ist_waiting_tasks_add (IstWaitingTasks *self,
                       GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  WaitingTask *waiting = g_new0 (WaitingTask, 1);

  waiting->link.data = waiting;
  waiting->tasks = self;
  waiting->task = task;
  if (cancellable != NULL)
    {
      waiting->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_static_name (waiting->cancelled, "IstWaitingTasks");
      g_source_set_callback (waiting->cancelled, G_SOURCE_FUNC (on_task_cancelled), waiting, NULL);
      g_source_attach (waiting->cancelled, self->context);
    }
  g_queue_push_tail_link (&self->waiting, &waiting->link);
}

static gboolean
on_task_expired (gpointer user_data)
{
  WaitingTask *waiting = user_data;
  IstWaitingTasks *self = waiting->tasks;

  self->expired (waiting_tasks_remove (self, waiting), self->user_data);
  return G_SOURCE_REMOVE;
}

void
ist_waiting_tasks_limit (IstWaitingTasks *self,
                         guint (*get_limit) (GTask *task),
                         void (*expired) (GTask *task,
                                          gpointer user_data))
{
  self->expired = expired;
  for (GList *l = self->waiting.head; l != NULL; l = l->next)
    {
      WaitingTask *waiting = l->data;

      if (waiting->limit != NULL)
        continue;
      waiting->limit = g_timeout_source_new_seconds (get_limit (waiting->task));
      g_source_set_static_name (waiting->limit, "IstWaitingTasks limit");
      g_source_set_callback (waiting->limit, on_task_expired, waiting, NULL);
      g_source_attach (waiting->limit, self->context);
    }
}

gboolean
ist_waiting_tasks_is_empty (IstWaitingTasks *self)
{
  return self->waiting.head == NULL;
}

GTask *
ist_waiting_tasks_take (IstWaitingTasks *self)
{
  return self->waiting.head != NULL ? waiting_tasks_remove (self, self->waiting.head->data) : NULL;
}

void
ist_waiting_tasks_return (IstWaitingTasks *self,
                          const GError *error)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  GTask *task;
  guint i;

  while ((task = ist_waiting_tasks_take (self)) != NULL)
    g_ptr_array_add (tasks, task);
  for (i = 0; i < tasks->len; i++)
    {
      if (error != NULL)
        g_task_return_error (tasks->pdata[i], g_error_copy (error));
      else
        g_task_return_boolean (tasks->pdata[i], TRUE);
    }
}
