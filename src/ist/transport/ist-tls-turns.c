/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/transport/ist-tls-turns-private.h"

#include "common/ist-source-private.h"

/* As many threads as GIO has for blocking calls, handshakes among them, at first. */
#define MAX_AT_ONCE 10

/* Milliseconds after which one more begins though none has ended, as GIO starts
 * another thread then. */
#define PATIENCE 100

/* Of one main context, while somebody is in it. */
typedef struct
{
  GMainContext *context;
  guint n_running;
  GQueue waiting; /* of Waiting */
} Turns;

typedef struct
{
  Turns *turns;
  GTask *task;
  IstTlsTurnFunc func;
  GSource *due;
  gboolean called; /* one that has ended has left it the turn */
  GList link;
} Waiting;

static GMutex mutex;
static GHashTable *all_turns; /* GMainContext -> Turns, guarded by the mutex; a Turns is its context's */

static Turns *
ensure_turns (GMainContext *context)
{
  Turns *turns;

  g_mutex_lock (&mutex);
  if (all_turns == NULL)
    all_turns = g_hash_table_new (NULL, NULL);
  turns = g_hash_table_lookup (all_turns, context);
  if (turns == NULL)
    {
      turns = g_new0 (Turns, 1);
      turns->context = g_main_context_ref (context);
      g_hash_table_insert (all_turns, context, turns);
    }
  g_mutex_unlock (&mutex);
  return turns;
}

static void
turns_free (Turns *self)
{
  g_mutex_lock (&mutex);
  g_hash_table_remove (all_turns, self->context);
  g_mutex_unlock (&mutex);
  g_main_context_unref (self->context);
  g_free (self);
}

/* Who is next begins from the main loop, not from inside of who has just ended. */
static void
turns_pass_on (Turns *self)
{
  GList *link;

  if (self->n_running == 0 && self->waiting.length == 0)
    {
      turns_free (self);
      return;
    }
  for (link = self->waiting.head; link != NULL; link = link->next)
    {
      Waiting *waiting = link->data;

      if (!waiting->called)
        {
          waiting->called = TRUE;
          g_source_set_ready_time (waiting->due, 0);
          return;
        }
    }
}

static gboolean
on_due (gpointer user_data)
{
  Waiting *self = user_data;
  Turns *turns = self->turns;
  g_autoptr (GTask) task = self->task;
  g_autoptr (GMainContext) context = g_main_context_ref (turns->context);
  IstTlsTurnFunc func = self->func;
  gboolean called = self->called;

  g_queue_unlink (&turns->waiting, &self->link);
  ist_clear_source (&self->due);
  g_free (self);
  if (g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    {
      /* Who goes away without a turn has none to leave. */
      if (called)
        turns_pass_on (turns);
      g_task_return_error_if_cancelled (task);
      return G_SOURCE_REMOVE;
    }
  turns->n_running++;
  g_main_context_push_thread_default (context);
  func (task);
  g_main_context_pop_thread_default (context);
  return G_SOURCE_REMOVE;
}

void
ist_tls_turns_wait (GTask *task,
                    IstTlsTurnFunc func)
{
  Turns *turns = ensure_turns (g_task_get_context (task));
  GCancellable *cancellable = g_task_get_cancellable (task);
  Waiting *waiting;

  if (turns->n_running < MAX_AT_ONCE && turns->waiting.length == 0)
    {
      turns->n_running++;
      func (task);
      return;
    }

  waiting = g_new0 (Waiting, 1);
  waiting->turns = turns;
  waiting->task = g_object_ref (task);
  waiting->func = func;
  waiting->link.data = waiting;
  g_queue_push_tail_link (&turns->waiting, &waiting->link);
  waiting->due = g_timeout_source_new (PATIENCE * turns->waiting.length);
  g_source_set_static_name (waiting->due, "IstTlsTurns");
  if (cancellable != NULL)
    {
      g_autoptr (GSource) cancelled = g_cancellable_source_new (cancellable);

      g_source_set_dummy_callback (cancelled);
      g_source_add_child_source (waiting->due, cancelled);
    }
  g_source_set_callback (waiting->due, on_due, waiting, NULL);
  g_source_attach (waiting->due, turns->context);
}

void
ist_tls_turns_end (GTask *task)
{
  Turns *turns = ensure_turns (g_task_get_context (task));

  turns->n_running--;
  turns_pass_on (turns);
}
