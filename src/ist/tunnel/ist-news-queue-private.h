/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include <ist/ist-message.h>
#include <ist/ist-stream-info.h>

#include "ist/connection/ist-connection-core-private.h"

G_BEGIN_DECLS

/* What follows from a message, a call or the end of a WebSocket is carried out as
 * a whole first: states, what is queued or cancelled, the objects that begin or
 * end. Then it is told, from this queue. A handler that causes more hears of it,
 * as its call promises, before the call returns, but never before what had
 * happened earlier. */
typedef struct _IstNewsQueue IstNewsQueue;

typedef enum
{
  IST_NEWS_SIGNAL, /* without parameters */
  IST_NEWS_CONNECTION_SUCCESS,
  IST_NEWS_CONNECTION_FAILURE,
  IST_NEWS_CONNECTION_SHUTDOWN,
  IST_NEWS_SENT,    /* a message of the user's, or never will be */
  IST_NEWS_WRITTEN, /* the same of what was written to a connection */
  IST_NEWS_MESSAGE,
  IST_NEWS_BEGIN,    /* of a stream or connection */
  IST_NEWS_INCOMING, /* the same, as a stream */
  IST_NEWS_END,
  IST_NEWS_TASK, /* has its result */
  IST_NEWS_STOPPED,
} IstNewsType;

typedef struct
{
  IstNewsType type;
  guint signal;
  IstStreamInfo *info;
  IstMessage *message;
  GError *error;
  GTask *task;
  IstConnectionCore *connection;
  IstLane lane;
  gsize size;
  gboolean will_retry;
} IstNews;

typedef void (*IstNewsFunc) (const IstNews *news,
                             gpointer user_data);

IstNewsQueue *ist_news_queue_new (IstNewsFunc tell,
                                  gpointer user_data);
/* Nobody is left to hear of what has not been told, but those who wait for a task
 * or for room in a connection: ist_news_queue_tell_waiting() comes before. */
void ist_news_queue_free (IstNewsQueue *self);

/* Appends. The caller fills in what comes with it, which the queue then owns;
 * the place is good until the next call. */
IstNews *ist_news_queue_add (IstNewsQueue *self,
                             IstNewsType type);
/* Takes the task; it returns @error, or else @connection as a stream, or else TRUE. */
void ist_news_queue_add_task (IstNewsQueue *self,
                              GTask *task,
                              const GError *error,
                              IstConnectionCore *connection);

/* Tells all that there is, also what is added meanwhile. Whoever calls holds a
 * reference to what the queue belongs to. */
void ist_news_queue_tell (IstNewsQueue *self);
/* Tells those who wait, and drops the rest. */
void ist_news_queue_tell_waiting (IstNewsQueue *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstNewsQueue, ist_news_queue_free)

G_END_DECLS
