/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-pump.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/common/tool-error.h"

#define BUFFER_SIZE (64 * 1024) /* bytes */

typedef struct _Pump Pump;

typedef struct
{
  Pump *pump;
  GInputStream *from;
  GOutputStream *to;
  gboolean is_busy;
  guint8 buffer[BUFFER_SIZE];
} Direction;

struct _Pump
{
  GSocketConnection *connection;
  GCancellable *cancellable; /* of what is under way; the caller's cancels it */
  gulong cancelled;
  guint hangup;
  Direction up;
  Direction down;
  gboolean is_over;
  GError *error;
};

static void direction_read (GTask *task,
                            Direction *direction);

static void
pump_free (gpointer data)
{
  Pump *self = data;

  if (self->hangup != 0)
    g_source_remove (self->hangup);
  g_object_unref (self->cancellable);
  g_object_unref (self->connection);
  g_object_unref (self->up.from);
  g_object_unref (self->down.to);
  g_clear_error (&self->error);
  g_free (self);
}

/* The task is returned when nothing is under way any more. */
static void
pump_return (GTask *task)
{
  Pump *self = g_task_get_task_data (task);

  if (!self->is_over || self->up.is_busy || self->down.is_busy)
    return;
  g_cancellable_disconnect (g_task_get_cancellable (task), self->cancelled);
  if (self->error != NULL)
    g_task_return_error (task, g_steal_pointer (&self->error));
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

/* Takes @error. */
static void
pump_end (Pump *self,
          GError *error)
{
  if (self->is_over)
    g_clear_error (&error);
  else
    self->error = error;
  self->is_over = TRUE;
  g_cancellable_cancel (self->cancellable);
}

/* Takes @error, or NULL for the end of what is read. */
static void
direction_end (Direction *direction,
               GError *error,
               gboolean is_of_reading)
{
  Pump *self = direction->pump;

  if (direction == &self->down)
    {
      if (error != NULL && !is_of_reading)
        {
          g_prefix_error (&error, _ ("Could not write to standard output: "));
          error->domain = TOOL_ERROR;
          error->code = EX_IOERR;
        }
      pump_end (self, error);
      return;
    }
  /* The other direction tells how it ends. */
  g_socket_shutdown (g_socket_connection_get_socket (self->connection), FALSE, TRUE, NULL);
  g_clear_error (&error);
}

static void
on_written (GObject *source_object,
            GAsyncResult *result,
            gpointer user_data)
{
  GTask *task = user_data;
  Pump *self = g_task_get_task_data (task);
  Direction *direction =
    source_object == G_OBJECT (self->up.to) ? &self->up : &self->down;
  GError *error = NULL;

  direction->is_busy = FALSE;
  if (!g_output_stream_write_all_finish (direction->to, result, NULL, &error))
    direction_end (direction, error, FALSE);
  else if (!self->is_over)
    direction_read (task, direction);
  pump_return (task);
}

static void
on_read (GObject *source_object,
         GAsyncResult *result,
         gpointer user_data)
{
  GTask *task = user_data;
  Pump *self = g_task_get_task_data (task);
  Direction *direction =
    source_object == G_OBJECT (self->up.from) ? &self->up : &self->down;
  GError *error = NULL;
  gssize n = g_input_stream_read_finish (direction->from, result, &error);

  direction->is_busy = FALSE;
  /* So it looks when the other end has closed it with something unread. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    g_clear_error (&error);
  if (n <= 0)
    direction_end (direction, error, TRUE);
  else if (!self->is_over)
    {
      direction->is_busy = TRUE;
      g_output_stream_write_all_async (direction->to, direction->buffer, n, G_PRIORITY_DEFAULT, self->cancellable,
                                       on_written, task);
    }
  pump_return (task);
}

static void
direction_read (GTask *task,
                Direction *direction)
{
  direction->is_busy = TRUE;
  g_input_stream_read_async (direction->from, direction->buffer, sizeof direction->buffer, G_PRIORITY_DEFAULT,
                             direction->pump->cancellable, on_read, task);
}

/* Nobody reads standard output: the device may have nothing to say by which that
 * would be noticed. */
static gboolean
on_hangup (int fd,
           GIOCondition condition,
           gpointer user_data)
{
  GTask *task = user_data;
  Pump *self = g_task_get_task_data (task);

  self->hangup = 0;
  pump_end (self, g_error_new_literal (TOOL_ERROR, EX_IOERR, _ ("Nobody reads standard output any more")));
  pump_return (task);
  return G_SOURCE_REMOVE;
}

static void
on_cancelled (GCancellable *cancellable,
              gpointer user_data)
{
  Pump *self = user_data;
  GError *error = NULL;

  g_cancellable_set_error_if_cancelled (cancellable, &error);
  pump_end (self, error);
}

void
tool_pump_async (GSocketConnection *connection,
                 GIOStream *stdio,
                 GCancellable *cancellable,
                 GAsyncReadyCallback callback,
                 gpointer user_data)
{
  GTask *task = g_task_new (connection, cancellable, callback, user_data);
  Pump *self = g_new0 (Pump, 1);

  g_task_set_source_tag (task, tool_pump_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, self, pump_free);
  self->connection = g_object_ref (connection);
  self->cancellable = g_cancellable_new ();
  self->up.pump = self->down.pump = self;
  self->up.from = g_object_ref (g_io_stream_get_input_stream (stdio));
  self->up.to = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  self->down.from = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  self->down.to = g_object_ref (g_io_stream_get_output_stream (stdio));
  /* Told whether it is asked for or not; nothing else is of interest. */
  self->hangup = g_unix_fd_add (STDOUT_FILENO, G_IO_ERR | G_IO_HUP, on_hangup, task);
  direction_read (task, &self->up);
  direction_read (task, &self->down);
  if (cancellable != NULL)
    self->cancelled = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), self, NULL);
}

gboolean
tool_pump_finish (GAsyncResult *result,
                  GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
