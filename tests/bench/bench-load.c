/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* TCP clients, and their server, that cost little beside what they measure.
 *
 *   bench-load serve                      listens, tells the port, serves until it is ended
 *   bench-load push PORT BYTES            sends so much; tells the seconds until all has arrived
 *   bench-load pull PORT BYTES            receives so much; tells the seconds
 *   bench-load ping PORT COUNT PAUSE      a byte there and back, so many times, with so many us between; tells the
 *                                         round trips in ns
 *   bench-load open PORT COUNT WIDTH      so many connections, WIDTH at the same time, each with a byte there and
 *                                         back; tells the seconds */

#include <glib.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_SIZE (1 << 20)

/* What a client wants: begins each connection. */
typedef enum
{
  KIND_ECHO,
  KIND_SINK, /* answered with a byte when all has arrived */
  KIND_POUR,
} Kind;

typedef struct
{
  guint64 kind;
  guint64 size;
} Request;

G_NORETURN static void
fail (const char *what)
{
  perror (what);
  exit (1);
}

static guint64
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * G_GUINT64_CONSTANT (1000000000) + now.tv_nsec;
}

/* Both return whether the other side took part to the end. */

static gboolean
send_all (int fd,
          const void *data,
          gsize size)
{
  const guint8 *next = data;

  while (size > 0)
    {
      ssize_t n = send (fd, next, size, MSG_NOSIGNAL);

      if (n <= 0)
        return FALSE;
      next += n;
      size -= n;
    }
  return TRUE;
}

static gboolean
receive_all (int fd,
             void *data,
             gsize size)
{
  return recv (fd, data, size, MSG_WAITALL) == (ssize_t) size;
}

static gboolean
pour (int fd,
      guint64 size)
{
  static const guint8 block[BLOCK_SIZE];

  for (; size > 0; size -= MIN (size, sizeof block))
    if (!send_all (fd, block, MIN (size, sizeof block)))
      return FALSE;
  return TRUE;
}

static gboolean
sink (int fd,
      guint64 size)
{
  g_autofree guint8 *block = g_malloc (BLOCK_SIZE);

  while (size > 0)
    {
      ssize_t n = recv (fd, block, MIN (size, BLOCK_SIZE), 0);

      if (n <= 0)
        return FALSE;
      size -= n;
    }
  return TRUE;
}

static void
echo (int fd)
{
  guint8 buffer[4096];
  ssize_t n;

  while ((n = recv (fd, buffer, sizeof buffer, 0)) > 0)
    if (!send_all (fd, buffer, n))
      return;
}

static void
set_no_delay (int fd)
{
  int on = 1;

  if (setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
    fail ("TCP_NODELAY");
}

static gpointer
answer (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);
  Request request;

  set_no_delay (fd);
  if (receive_all (fd, &request, sizeof request))
    switch ((Kind) request.kind)
      {
      case KIND_ECHO:
        echo (fd);
        break;
      case KIND_SINK:
        if (sink (fd, request.size))
          send_all (fd, ".", 1);
        break;
      case KIND_POUR:
        pour (fd, request.size);
        break;
      }
  close (fd);
  return NULL;
}

static void
serve (void)
{
  int listener = socket (AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;

  if (listener < 0 || bind (listener, (struct sockaddr *) &address, sizeof address) != 0)
    fail ("bind");
  if (listen (listener, 4096) != 0 || getsockname (listener, (struct sockaddr *) &address, &length) != 0)
    fail ("listen");
  printf ("%u\n", ntohs (address.sin_port));
  fflush (stdout);
  while (TRUE)
    {
      int fd = accept (listener, NULL, NULL);

      if (fd < 0)
        fail ("accept");
      g_thread_unref (g_thread_new ("answer", answer, GINT_TO_POINTER (fd)));
    }
}

static int
request (int port,
         Kind kind,
         guint64 size)
{
  struct sockaddr_in address = {
    .sin_family = AF_INET,
    .sin_port = htons (port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };
  Request request = { kind, size };
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
    fail ("connect");
  set_no_delay (fd);
  if (!send_all (fd, &request, sizeof request))
    fail ("request");
  return fd;
}

static void
tell_seconds (guint64 since)
{
  printf ("%.6f\n", (now_ns () - since) / 1e9);
}

static void
move (int port,
      Kind kind,
      guint64 size)
{
  guint64 start = now_ns ();
  int fd = request (port, kind, size);
  char byte;

  if (kind == KIND_SINK ? !pour (fd, size) || !receive_all (fd, &byte, 1) : !sink (fd, size))
    fail ("transfer");
  tell_seconds (start);
  close (fd);
}

static void
ping (int port,
      guint64 count,
      guint64 pause_us)
{
  int fd = request (port, KIND_ECHO, 0);
  char byte = 'x';
  guint64 i;

  /* The first finds things not set up yet. */
  for (i = 0; i <= count; i++)
    {
      guint64 start = now_ns ();

      if (!send_all (fd, &byte, 1) || !receive_all (fd, &byte, 1))
        fail ("ping");
      if (i > 0)
        printf ("%" G_GUINT64_FORMAT " ", now_ns () - start);
      g_usleep (pause_us);
    }
  printf ("\n");
  close (fd);
}

static void
open_many (int port,
           guint64 count,
           guint64 width)
{
  g_autofree int *fds = g_new (int, width);
  guint64 start = now_ns (), done, i;
  char byte = 'x';

  for (done = 0; done < count; done += width)
    {
      for (i = 0; i < width; i++)
        fds[i] = request (port, KIND_ECHO, 0);
      for (i = 0; i < width; i++)
        if (!send_all (fds[i], &byte, 1))
          fail ("open");
      for (i = 0; i < width; i++)
        if (!receive_all (fds[i], &byte, 1))
          fail ("open");
      for (i = 0; i < width; i++)
        close (fds[i]);
    }
  tell_seconds (start);
}

int
main (int argc,
      char *argv[])
{
  const char *command = argc > 1 ? argv[1] : "";
  int port = argc > 3 ? atoi (argv[2]) : 0;
  guint64 first = argc > 3 ? g_ascii_strtoull (argv[3], NULL, 10) : 0;
  guint64 second = argc > 4 ? g_ascii_strtoull (argv[4], NULL, 10) : 0;

  if (g_str_equal (command, "serve"))
    serve ();
  else if (g_str_equal (command, "push"))
    move (port, KIND_SINK, first);
  else if (g_str_equal (command, "pull"))
    move (port, KIND_POUR, first);
  else if (g_str_equal (command, "ping"))
    ping (port, first, second);
  else if (g_str_equal (command, "open"))
    open_many (port, first, MAX (second, 1));
  else
    {
      fprintf (stderr, "bench-load: what to do?\n");
      return 2;
    }
  return 0;
}
