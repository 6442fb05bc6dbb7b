/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-local-end-private.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/ist-source-private.h"

/* A TCP socket that is closed while there is something in it to read makes the
 * kernel reset the connection, and that throws away what the other end has not
 * received. So what still comes in is read and dropped until the other end
 * closes too, but for no longer than this after it has last received something. */
#define LINGER 5

/* How often to look whether everything was received. */
#define POLL_INTERVAL_MS 10

typedef struct
{
  GSocket *socket;
  GSource *source;
  gint64 deadline;
  int unsent; /* what was not received when the deadline was set */
} Ending;

static void
ending_stop_source (Ending *ending)
{
  ist_clear_source (&ending->source);
}

static void
ending_free (Ending *ending)
{
  ending_stop_source (ending);
  g_clear_object (&ending->socket);
  g_free (ending);
}

static void
ending_watch (GTask *task,
              GSource *source,
              GSourceFunc func)
{
  Ending *ending = g_task_get_task_data (task);

  ending_stop_source (ending);
  ending->source = source;
  g_source_set_callback (source, func, task, NULL);
  g_source_attach (source, g_task_get_context (task));
}

static void
on_closed (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  /* There is nothing to be done about an error: the descriptor is gone. */
  g_io_stream_close_finish (G_IO_STREAM (object), result, NULL);
  g_task_return_boolean (task, TRUE);
}

/* Consumes the reference that the task's sources stand for. */
static void
ending_close_now (GTask *task)
{
  GIOStream *stream = g_task_get_source_object (task);
  Ending *ending = g_task_get_task_data (task);

  ending_stop_source (ending);
  g_io_stream_close_async (stream, g_task_get_priority (task), NULL, on_closed, task);
}

static int
ending_count_unsent (Ending *ending)
{
  int unsent = 0;

  ioctl (g_socket_get_fd (ending->socket), SIOCOUTQ, &unsent);
  return unsent;
}

static void
ending_set_deadline (Ending *ending,
                     int unsent)
{
  ending->unsent = unsent;
  ending->deadline = g_get_monotonic_time () + LINGER * G_USEC_PER_SEC;
}

/* One that receives a little now and then has all of it in the end: there is less each
 * time. */
static gboolean
ending_is_over (GTask *task)
{
  Ending *ending = g_task_get_task_data (task);
  int unsent;

  if (g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    return TRUE;
  if (g_get_monotonic_time () < ending->deadline)
    return FALSE;
  unsent = ending_count_unsent (ending);
  if (unsent >= ending->unsent)
    return TRUE;
  ending_set_deadline (ending, unsent);
  return FALSE;
}

static gboolean
on_left_over (GSocket *socket,
              GIOCondition condition,
              gpointer user_data)
{
  GTask *task = user_data;
  g_autoptr (GError) error = NULL;
  char dropped[4096];
  gssize n = g_socket_receive_with_blocking (socket, dropped, sizeof dropped, FALSE, NULL, &error);

  if ((n > 0 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ||
       g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)) &&
      !ending_is_over (task))
    return G_SOURCE_CONTINUE;
  ending_close_now (task);
  return G_SOURCE_REMOVE;
}

static gboolean
on_poll_sent (gpointer user_data)
{
  GTask *task = user_data;
  Ending *ending = g_task_get_task_data (task);

  if (ending_count_unsent (ending) > 0 && !ending_is_over (task))
    return G_SOURCE_CONTINUE;

  /* Closing sends a reset then. */
  setsockopt (g_socket_get_fd (ending->socket), SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 },
              sizeof (struct linger));
  ending_close_now (task);
  return G_SOURCE_REMOVE;
}

void
ist_local_end_async (GIOStream *stream,
                     IstLocalEnd how,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
  GTask *task = g_task_new (stream, cancellable, callback, user_data);
  Ending *ending = g_new0 (Ending, 1);

  g_task_set_source_tag (task, ist_local_end_async);
  g_task_set_task_data (task, ending, (GDestroyNotify) ending_free);
  if (!G_IS_SOCKET_CONNECTION (stream) || g_io_stream_is_closed (stream))
    {
      ending_close_now (task);
      return;
    }

  ending->socket = g_object_ref (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)));
  ending_set_deadline (ending, ending_count_unsent (ending));
  if (how == IST_LOCAL_END_ABORT && G_IS_TCP_CONNECTION (stream))
    {
      ending_watch (task, g_timeout_source_new (POLL_INTERVAL_MS), on_poll_sent);
    }
  else if (how == IST_LOCAL_END_FINISH && g_socket_shutdown (ending->socket, FALSE, TRUE, NULL))
    {
      /* Its source fires when this has passed without anything to read. */
      g_socket_set_timeout (ending->socket, LINGER);
      ending_watch (task, g_socket_create_source (ending->socket, G_IO_IN, cancellable),
                    G_SOURCE_FUNC (on_left_over));
    }
  else
    {
      ending_close_now (task);
    }
}
