/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/tunnel/ist-news-queue-private.h"

/* What is to be told takes a place each, which are kept for the next ones up to
 * so many. */
#define MAX_KEPT 1024

struct _IstNewsQueue
{
  GArray *news;
  guint n_told;
  IstNewsFunc tell;
  gpointer user_data;
};

static void
news_clear (IstNews *news)
{
  g_clear_pointer (&news->info, ist_stream_info_unref);
  g_clear_pointer (&news->message, ist_message_unref);
  g_clear_error (&news->error);
  g_clear_object (&news->task);
  g_clear_pointer (&news->connection, ist_connection_core_unref);
}

static GArray *
news_array_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (IstNews));
}

IstNewsQueue *
ist_news_queue_new (IstNewsFunc tell,
                    gpointer user_data)
{
  IstNewsQueue *self = g_new0 (IstNewsQueue, 1);

  self->news = news_array_new ();
  self->tell = tell;
  self->user_data = user_data;
  return self;
}

void
ist_news_queue_free (IstNewsQueue *self)
{
  ist_news_queue_tell_waiting (self);
  g_array_unref (self->news);
  g_free (self);
}

IstNews *
ist_news_queue_add (IstNewsQueue *self,
                    IstNewsType type)
{
  IstNews *news;

  g_array_set_size (self->news, self->news->len + 1);
  news = &g_array_index (self->news, IstNews, self->news->len - 1);
  *news = (IstNews){ .type = type };
  return news;
}

void
ist_news_queue_add_task (IstNewsQueue *self,
                         GTask *task,
                         const GError *error,
                         IstConnectionCore *connection)
{
  IstNews *news = ist_news_queue_add (self, IST_NEWS_TASK);

  news->task = task;
  news->error = error != NULL ? g_error_copy (error) : NULL;
  news->connection = connection != NULL ? ist_connection_core_ref (connection) : NULL;
}

static void
news_return_task (IstNews *news)
{
  if (news->error != NULL)
    g_task_return_error (news->task, g_steal_pointer (&news->error));
  else if (news->connection != NULL)
    g_task_return_pointer (news->task, ist_connection_new (news->connection), g_object_unref);
  else
    g_task_return_boolean (news->task, TRUE);
}

static void
news_queue_tell_one (IstNewsQueue *self,
                     IstNews *news)
{
  if (news->type == IST_NEWS_TASK)
    news_return_task (news);
  else
    self->tell (news, self->user_data);
}

/* All have been taken. What thousands of streams took at their end is given back. */
static void
news_queue_clear (IstNewsQueue *self)
{
  if (self->news->len > MAX_KEPT)
    {
      g_array_unref (self->news);
      self->news = news_array_new ();
    }
  g_array_set_size (self->news, 0);
  self->n_told = 0;
}

static gboolean
news_queue_take (IstNewsQueue *self,
                 IstNews *news)
{
  if (self->n_told == self->news->len)
    return FALSE;
  *news = g_array_index (self->news, IstNews, self->n_told++);
  if (self->n_told == self->news->len)
    news_queue_clear (self);
  return TRUE;
}

void
ist_news_queue_tell (IstNewsQueue *self)
{
  IstNews news;

  while (news_queue_take (self, &news))
    {
      news_queue_tell_one (self, &news);
      news_clear (&news);
    }
}

void
ist_news_queue_tell_waiting (IstNewsQueue *self)
{
  IstNews news;

  while (news_queue_take (self, &news))
    {
      if (news.type == IST_NEWS_WRITTEN || news.type == IST_NEWS_TASK)
        news_queue_tell_one (self, &news);
      news_clear (&news);
    }
}
