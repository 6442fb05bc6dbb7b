/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-output.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a terminal that can be written to takes in any case. */
#define TERMINAL_ROOM 64

typedef enum
{
  KIND_FILE,         /* never makes anybody wait */
  KIND_SOCKET,       /* can be told not to, for each call */
  KIND_NON_BLOCKING, /* opened again, without waiting */
  KIND_POLLED,       /* someone else's, which we may not open */
} Kind;

struct _ToolOutput
{
  Kind kind;
  int fd;
  gsize room; /* of KIND_POLLED: a write of so much does not wait */
  ToolOutputDrained drained;
  gpointer user_data;

  GMutex mutex;
  GString *rest;  /* what waits */
  GSource *watch; /* NULL while nothing does */
};

/* The flag O_NONBLOCK belongs to an open file, which the whole terminal may
 * share; so it is opened once more. */
static void
output_choose_way (ToolOutput *self)
{
  struct stat status;
  gboolean is_terminal = isatty (self->fd);
  g_autofree char *path = NULL;
  int fd;

  if (fstat (self->fd, &status) == -1)
    return;
  if (S_ISSOCK (status.st_mode))
    self->kind = KIND_SOCKET;
  if (!S_ISFIFO (status.st_mode) && !is_terminal)
    return;

  path = g_strdup_printf ("/proc/self/fd/%d", self->fd);
  fd = open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd != -1)
    {
      self->kind = KIND_NON_BLOCKING;
      self->fd = fd;
      return;
    }
  self->kind = KIND_POLLED;
  self->room = is_terminal ? TERMINAL_ROOM : PIPE_BUF;
}

ToolOutput *
tool_output_new (int fd,
                 ToolOutputDrained drained,
                 gpointer user_data)
{
  ToolOutput *self = g_new0 (ToolOutput, 1);

  self->fd = fd;
  self->drained = drained;
  self->user_data = user_data;
  self->rest = g_string_new (NULL);
  g_mutex_init (&self->mutex);
  output_choose_way (self);
  return self;
}

void
tool_output_free (ToolOutput *self)
{
  if (self->watch != NULL)
    {
      g_source_destroy (self->watch);
      g_source_unref (self->watch);
    }
  if (self->kind == KIND_NON_BLOCKING)
    close (self->fd);
  g_string_free (self->rest, TRUE);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static gssize
output_write_once (ToolOutput *self,
                   const char *text,
                   gsize length)
{
  struct pollfd poll_fd = { .fd = self->fd, .events = POLLOUT };

  switch (self->kind)
    {
    case KIND_SOCKET:
      return send (self->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    case KIND_POLLED:
      if (poll (&poll_fd, 1, 0) < 1)
        {
          errno = EAGAIN;
          return -1;
        }
      return write (self->fd, text, MIN (length, self->room));
    case KIND_FILE:
    case KIND_NON_BLOCKING:
    default:
      return write (self->fd, text, length);
    }
}

/* How much went out; errno is 0, or says why it is not all. */
static gsize
output_write_all (ToolOutput *self,
                  const char *text,
                  gsize length)
{
  gsize done = 0;
  gssize n;

  errno = 0;
  while (done < length)
    {
      n = output_write_once (self, text + done, length - done);
      if (n > 0)
        done += n;
      else if (n == 0 || errno != EINTR)
        {
          errno = n == 0 ? EIO : errno;
          return done;
        }
    }
  errno = 0;
  return done;
}

/* Whether nothing waits any more. What can't be written at all is no use. */
static gboolean
output_write_rest (ToolOutput *self)
{
  gsize done = output_write_all (self, self->rest->str, self->rest->len);

  if (errno == 0 || errno == EAGAIN)
    g_string_erase (self->rest, 0, done);
  else
    g_string_truncate (self->rest, 0);
  return self->rest->len == 0;
}

static gboolean
on_writable (int fd,
             GIOCondition condition,
             gpointer user_data)
{
  ToolOutput *self = user_data;

  g_mutex_lock (&self->mutex);
  if (!output_write_rest (self))
    {
      g_mutex_unlock (&self->mutex);
      return G_SOURCE_CONTINUE;
    }
  g_clear_pointer (&self->watch, g_source_unref);
  g_mutex_unlock (&self->mutex);

  if (self->drained != NULL)
    self->drained (self->user_data);
  return G_SOURCE_REMOVE;
}

static void
output_keep_rest (ToolOutput *self,
                  const char *text,
                  gsize length)
{
  g_string_append_len (self->rest, text, length);
  if (self->watch != NULL)
    return;
  self->watch = g_unix_fd_source_new (self->fd, G_IO_OUT);
  g_source_set_callback (self->watch, G_SOURCE_FUNC (on_writable), self, NULL);
  g_source_attach (self->watch, NULL);
}

gboolean
tool_output_write (ToolOutput *self,
                   const char *text,
                   gsize length)
{
  gsize done;
  int problem = EAGAIN;

  g_mutex_lock (&self->mutex);
  if (output_write_rest (self))
    {
      done = output_write_all (self, text, length);
      problem = errno;
      if (problem == EAGAIN)
        {
          output_keep_rest (self, text + done, length - done);
          problem = 0;
        }
    }
  g_mutex_unlock (&self->mutex);
  errno = problem;
  return problem == 0;
}

void
tool_output_flush (ToolOutput *self,
                   guint milliseconds)
{
  gint64 end = g_get_monotonic_time () + milliseconds * G_TIME_SPAN_MILLISECOND;
  struct pollfd poll_fd = { .fd = self->fd, .events = POLLOUT };
  gint64 left = milliseconds;

  g_mutex_lock (&self->mutex);
  while (!output_write_rest (self) && left > 0)
    {
      poll (&poll_fd, 1, left);
      left = (end - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND;
    }
  g_mutex_unlock (&self->mutex);
}
