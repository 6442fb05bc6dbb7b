/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-watch-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/epoll.h>

#include "common/ist-source-private.h"

/* Of one look at the descriptors; the others are next. */
#define MAX_EVENTS 64

G_STATIC_ASSERT ((guint) G_IO_IN == EPOLLIN && (guint) G_IO_OUT == EPOLLOUT);
G_STATIC_ASSERT ((guint) G_IO_ERR == EPOLLERR && (guint) G_IO_HUP == EPOLLHUP);

/* The source of a context. */
typedef struct
{
  GSource source;
  guint n_watches;
  int fd; /* of epoll(7), or -1 */
  gpointer tag;
  GHashTable *descriptors; /* fd -> IstWatch */
  GQueue turns;            /* those to be called */
  IstWatch *current;       /* whose call this is; NULL if it is gone */
} Watcher;

struct _IstWatch
{
  GMainContext *context;
  Watcher *watcher;
  IstWatchFunc ready;
  IstWatchFunc noticed;
  gpointer user_data;

  GList turn; /* its place in the queue; data is NULL if it has none */
  GIOCondition pending;

  int fd; /* or -1 */
  GIOCondition wanted;
  GIOCondition registered; /* more than is wanted, until that is noticed */
};

/* Protects the watchers' tables and queues too: a tunnel may be finalized in any thread. */
static GMutex mutex;
static GHashTable *watchers; /* GMainContext -> Watcher */

/* Descriptors */

/* epoll reports errors and hang-ups whatever is asked for, for ever unless only changes
 * are reported. */
static guint32
get_events (GIOCondition condition)
{
  return condition != 0 ? condition : EPOLLET;
}

static gboolean
watch_register (IstWatch *self,
                int operation)
{
  struct epoll_event event = { .events = get_events (self->wanted), .data.fd = self->fd };

  self->registered = self->wanted;
  return epoll_ctl (self->watcher->fd, operation, self->fd, &event) == 0;
}

/* What is not wanted any more is still registered until it happens: most often it is
 * wanted again before. */
static void
watch_drop_unwanted (IstWatch *self,
                     GIOCondition happened)
{
  if (self->fd != -1 && (self->registered & happened & ~self->wanted) != 0)
    watch_register (self, EPOLL_CTL_MOD);
}

/* Turns */

static void
watch_queue (IstWatch *self,
             GIOCondition condition)
{
  self->pending |= condition;
  if (self->turn.data != NULL)
    return;
  self->turn.data = self;
  g_queue_push_tail_link (&self->watcher->turns, &self->turn);
}

static void
watch_unqueue (IstWatch *self)
{
  if (self->turn.data == NULL)
    return;
  g_queue_unlink (&self->watcher->turns, &self->turn);
  self->turn.data = NULL;
}

/* The source */

static void
watcher_take (Watcher *self,
              const struct epoll_event *event)
{
  GIOCondition condition = event->events & (EPOLLIN | EPOLLOUT);
  GIOCondition ready = 0;
  IstWatch *watch;

  if (event->events & (EPOLLERR | EPOLLHUP))
    condition = G_IO_IN | G_IO_OUT;
  g_mutex_lock (&mutex);
  watch = g_hash_table_lookup (self->descriptors, GINT_TO_POINTER (event->data.fd));
  if (watch != NULL)
    {
      watch_drop_unwanted (watch, condition);
      ready = condition & watch->wanted;
    }
  if (ready != 0 && watch->noticed == NULL)
    watch_queue (watch, ready);
  g_mutex_unlock (&mutex);

  if (ready == 0 || watch->noticed == NULL)
    return;
  watch->noticed (ready, watch->user_data);
  g_mutex_lock (&mutex);
  watch_drop_unwanted (watch, condition);
  g_mutex_unlock (&mutex);
}

static gboolean
watcher_has_turns (Watcher *self)
{
  gboolean result;

  g_mutex_lock (&mutex);
  result = self->turns.length > 0;
  g_mutex_unlock (&mutex);
  return result;
}

static gboolean
watcher_prepare (GSource *source,
                 int *timeout)
{
  *timeout = -1;
  return watcher_has_turns ((Watcher *) source);
}

static gboolean
watcher_check (GSource *source)
{
  Watcher *self = (Watcher *) source;
  struct epoll_event events[MAX_EVENTS];
  int n = 0;

  if (self->tag != NULL && g_source_query_unix_fd (source, self->tag) != 0)
    n = epoll_wait (self->fd, events, MAX_EVENTS, 0);
  for (int i = 0; i < n; i++)
    watcher_take (self, &events[i]);
  return watcher_has_turns (self);
}

/* Returns FALSE if there is none. */
static gboolean
watcher_run_turn (Watcher *self)
{
  IstWatch *watch;
  GIOCondition condition;

  g_mutex_lock (&mutex);
  watch = g_queue_peek_head (&self->turns);
  if (watch == NULL)
    {
      g_mutex_unlock (&mutex);
      return FALSE;
    }
  watch_unqueue (watch);
  condition = watch->pending & watch->wanted;
  watch->pending = 0;
  self->current = watch;
  g_mutex_unlock (&mutex);

  watch->ready (condition, watch->user_data);

  g_mutex_lock (&mutex);
  if (self->current == watch)
    watch_drop_unwanted (watch, condition);
  self->current = NULL;
  g_mutex_unlock (&mutex);
  return TRUE;
}

/* Those that are woken meanwhile let other sources go first. */
static gboolean
watcher_dispatch (GSource *source,
                  GSourceFunc callback,
                  gpointer user_data)
{
  Watcher *self = (Watcher *) source;
  guint n = self->turns.length;

  while (n-- > 0 && watcher_run_turn (self))
    continue;
  return G_SOURCE_CONTINUE;
}

static void
watcher_finalize (GSource *source)
{
  Watcher *self = (Watcher *) source;

  if (self->fd != -1)
    g_close (self->fd, NULL);
  g_hash_table_unref (self->descriptors);
}

static GSourceFuncs watcher_funcs = {
  .prepare = watcher_prepare,
  .check = watcher_check,
  .dispatch = watcher_dispatch,
  .finalize = watcher_finalize,
};

static Watcher *
watcher_new (GMainContext *context)
{
  GSource *source = g_source_new (&watcher_funcs, sizeof (Watcher));
  Watcher *self = (Watcher *) source;

  self->fd = -1;
  self->descriptors = g_hash_table_new (NULL, NULL);
  g_queue_init (&self->turns);
  g_source_set_static_name (source, "IstWatch");
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, context);
  return self;
}

static gboolean
watcher_open (Watcher *self)
{
  if (self->fd != -1)
    return TRUE;
  self->fd = epoll_create1 (EPOLL_CLOEXEC);
  if (self->fd == -1)
    return FALSE;
  self->tag = g_source_add_unix_fd (&self->source, self->fd, G_IO_IN);
  return TRUE;
}

/* For the rest of the library */

IstWatch *
ist_watch_new (GMainContext *context,
               IstWatchFunc ready,
               gpointer user_data)
{
  IstWatch *self = g_new0 (IstWatch, 1);

  self->context = g_main_context_ref (context);
  self->ready = ready;
  self->user_data = user_data;
  self->fd = -1;
  g_mutex_lock (&mutex);
  if (watchers == NULL)
    watchers = g_hash_table_new (NULL, NULL);
  self->watcher = g_hash_table_lookup (watchers, context);
  if (self->watcher == NULL)
    {
      self->watcher = watcher_new (context);
      g_hash_table_insert (watchers, context, self->watcher);
    }
  self->watcher->n_watches++;
  g_mutex_unlock (&mutex);
  return self;
}

/* Its number may be that of another descriptor by now, if somebody has closed it. */
static void
watch_forget_descriptor (IstWatch *self)
{
  Watcher *watcher = self->watcher;

  if (self->fd == -1 || g_hash_table_lookup (watcher->descriptors, GINT_TO_POINTER (self->fd)) != self)
    return;
  g_hash_table_remove (watcher->descriptors, GINT_TO_POINTER (self->fd));
  epoll_ctl (watcher->fd, EPOLL_CTL_DEL, self->fd, NULL);
}

void
ist_watch_free (IstWatch *self)
{
  Watcher *watcher = self->watcher;
  GSource *unused = NULL;

  g_mutex_lock (&mutex);
  watch_forget_descriptor (self);
  watch_unqueue (self);
  if (watcher->current == self)
    watcher->current = NULL;
  if (--watcher->n_watches == 0)
    {
      g_hash_table_remove (watchers, self->context);
      unused = &watcher->source;
    }
  g_mutex_unlock (&mutex);
  ist_clear_source (&unused);
  g_main_context_unref (self->context);
  g_free (self);
}

void
ist_watch_wake (IstWatch *self)
{
  g_mutex_lock (&mutex);
  watch_queue (self, 0);
  g_mutex_unlock (&mutex);
}

gboolean
ist_watch_set_descriptor (IstWatch *self,
                          int fd,
                          IstWatchFunc noticed,
                          GError **error)
{
  gboolean result;
  int saved_errno;

  g_assert (self->fd == -1);
  self->fd = fd;
  self->noticed = noticed;
  g_mutex_lock (&mutex);
  result = watcher_open (self->watcher) && watch_register (self, EPOLL_CTL_ADD);
  saved_errno = errno;
  if (result)
    g_hash_table_insert (self->watcher->descriptors, GINT_TO_POINTER (fd), self);
  g_mutex_unlock (&mutex);
  if (!result)
    {
      self->fd = -1;
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno), "Can't watch a socket: %s",
                   g_strerror (saved_errno));
    }
  return result;
}

void
ist_watch_set_condition (IstWatch *self,
                         GIOCondition condition)
{
  g_mutex_lock (&mutex);
  self->wanted = condition;
  if (self->fd != -1 && (condition & ~self->registered) != 0)
    watch_register (self, EPOLL_CTL_MOD);
  g_mutex_unlock (&mutex);
}
