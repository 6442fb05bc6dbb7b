/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-systemd.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/ist-text-private.h"
#include "tools/common/tool-error.h"

/* What systemd and its services tell each other is fixed by sd_notify(3),
 * sd_watchdog_enabled(3) and sd_listen_fds(3), and little: libsystemd brings
 * compression and encryption into each process, a megabyte of them. */

/* Bytes; whoever reads it has one line. */
#define MAX_STATUS 1024

/* Seconds to wait until systemd reads. It reads nothing while it loads its units anew,
 * and its socket may hold no more than ten datagrams. */
#define PATIENCE 5

/* The number of the first socket. */
#define FIRST_FD 3

static void
socket_free (gpointer data)
{
  ToolSystemdSocket *self = data;

  g_free (self->name);
  g_object_unref (self->socket);
  g_free (self);
}

/* @once: the unit would wait in vain for what was lost. Unlike sd_notify(), nothing
 * waits for good when nobody reads what was told earlier. */
static void
notify (const char *state,
        gboolean once)
{
  static const struct timeval patience = { .tv_sec = PATIENCE };
  const char *path = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gsize length = path != NULL ? strlen (path) : 0;
  int fd;

  if (length < 2 || length > sizeof address.sun_path || (*path != '/' && *path != '@'))
    return;
  memcpy (address.sun_path, path, length);
  if (*path == '@')
    address.sun_path[0] = '\0';
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd == -1)
    return;
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sendto (fd, state, strlen (state), MSG_NOSIGNAL | (once ? 0 : MSG_DONTWAIT), (struct sockaddr *) &address,
          offsetof (struct sockaddr_un, sun_path) + length);
  close (fd);
}

/* A line of a status would be a statement of its own. */
static void
notify_with_status (const char *states,
                    const char *status,
                    gboolean once)
{
  g_autofree char *harmless = ist_text_make_safe (status, -1, MAX_STATUS);
  g_autofree char *text = g_strconcat (states, "STATUS=", harmless, NULL);

  notify (text, once);
}

void
tool_systemd_notify_ready (const char *status)
{
  notify_with_status ("READY=1\n", status, TRUE);
}

void
tool_systemd_notify_status (const char *status)
{
  notify_with_status ("", status, FALSE);
}

void
tool_systemd_notify_reloading (void)
{
  g_autofree char *text = NULL;

  text = g_strdup_printf ("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time ());
  notify (text, TRUE);
}

void
tool_systemd_notify_stopping (void)
{
  notify ("STOPPING=1", TRUE);
}

static gboolean
on_watchdog (gpointer user_data)
{
  notify ("WATCHDOG=1", FALSE);
  return G_SOURCE_CONTINUE;
}

static gboolean
get_number (const char *variable,
            guint64 max,
            guint64 *number)
{
  const char *text = g_getenv (variable);

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 1, max, number, NULL);
}

/* Whether @variable names this process: what is inherited is for another one. */
static gboolean
is_for_us (const char *variable)
{
  guint64 pid;

  return get_number (variable, G_MAXINT, &pid) && pid == (guint64) getpid ();
}

guint
tool_systemd_start_watchdog (void)
{
  guint64 interval;

  if (!get_number ("WATCHDOG_USEC", G_MAXINT64, &interval) ||
      (g_getenv ("WATCHDOG_PID") != NULL && !is_for_us ("WATCHDOG_PID")))
    return 0;
  on_watchdog (NULL);
  return g_timeout_add (CLAMP (interval / 2000, 1, G_MAXUINT), on_watchdog, NULL);
}

static void
take_sockets (GPtrArray *sockets,
              guint n,
              const char *const *names,
              GError **error)
{
  guint i;

  for (i = 0; i < n; i++)
    {
      int fd = FIRST_FD + i;
      const char *name = names != NULL ? names[i] : "unknown";
      g_autoptr (GError) local = NULL;
      GSocket *socket = g_socket_new_from_fd (fd, &local);
      ToolSystemdSocket *one;

      if (socket == NULL)
        {
          g_set_error (error, TOOL_ERROR, EX_OSERR, "%s: %s", name, local->message);
          return;
        }
      fcntl (fd, F_SETFD, FD_CLOEXEC);
      one = g_new (ToolSystemdSocket, 1);
      one->name = g_strdup (name);
      one->socket = socket;
      g_ptr_array_add (sockets, one);
    }
}

GPtrArray *
tool_systemd_take_sockets (GError **error)
{
  static const char *const variables[] = { "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES" };
  g_autoptr (GPtrArray) sockets = g_ptr_array_new_with_free_func (socket_free);
  const char *text = g_getenv ("LISTEN_FDNAMES");
  g_auto (GStrv) names = text != NULL ? g_strsplit (text, ":", -1) : NULL;
  g_autoptr (GError) local = NULL;
  guint64 n = 0;
  gsize i;

  if (is_for_us ("LISTEN_PID") && get_number ("LISTEN_FDS", G_MAXINT - FIRST_FD, &n))
    {
      if (names != NULL && g_strv_length (names) != n)
        g_set_error_literal (&local, TOOL_ERROR, EX_OSERR, "LISTEN_FDNAMES: not a name for each socket");
      else
        take_sockets (sockets, n, (const char *const *) names, &local);
    }
  /* Not for whatever this program starts. */
  for (i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  return g_steal_pointer (&sockets);
}
