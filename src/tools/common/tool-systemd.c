/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-systemd.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/ist-text-private.h"
#include "tools/common/tool-error.h"

/* Bytes; whoever reads it has one line. */
#define MAX_STATUS 1024

static void
socket_free (gpointer data)
{
  ToolSystemdSocket *self = data;

  g_free (self->name);
  g_object_unref (self->socket);
  g_free (self);
}

/* Not by sd_notify(), which waits when nobody reads what was told earlier. */
static void
notify (const char *state)
{
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
  sendto (fd, state, strlen (state), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *) &address,
          offsetof (struct sockaddr_un, sun_path) + length);
  close (fd);
}

/* A line of a status would be a statement of its own. */
static void
notify_with_status (const char *states,
                    const char *status)
{
  g_autofree char *harmless = ist_text_make_safe (status, -1, MAX_STATUS);
  g_autofree char *text = g_strconcat (states, "STATUS=", harmless, NULL);

  notify (text);
}

void
tool_systemd_notify_ready (const char *status)
{
  notify_with_status ("READY=1\n", status);
}

void
tool_systemd_notify_status (const char *status)
{
  notify_with_status ("", status);
}

void
tool_systemd_notify_reloading (void)
{
  g_autofree char *text = NULL;

  text = g_strdup_printf ("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time ());
  notify (text);
}

void
tool_systemd_notify_stopping (void)
{
  notify ("STOPPING=1");
}

#ifdef HAVE_LIBSYSTEMD

#include <systemd/sd-daemon.h>

static gboolean
on_watchdog (gpointer user_data)
{
  notify ("WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

guint
tool_systemd_start_watchdog (void)
{
  uint64_t interval;

  if (sd_watchdog_enabled (FALSE, &interval) <= 0)
    return 0;
  on_watchdog (NULL);
  return g_timeout_add (MAX (interval / 2000, 1), on_watchdog, NULL);
}

static void
free_names (char **names)
{
  for (gsize i = 0; names != NULL && names[i] != NULL; i++)
    free (names[i]);
  free (names);
}

GPtrArray *
tool_systemd_take_sockets (GError **error)
{
  g_autoptr (GPtrArray) sockets = g_ptr_array_new_with_free_func (socket_free);
  char **names = NULL;
  int n = sd_listen_fds_with_names (TRUE, &names);
  int i;

  for (i = 0; i < n; i++)
    {
      g_autoptr (GError) local = NULL;
      GSocket *socket = g_socket_new_from_fd (SD_LISTEN_FDS_START + i, &local);
      ToolSystemdSocket *one;

      if (socket == NULL)
        {
          g_set_error (error, TOOL_ERROR, EX_OSERR, "%s: %s", names[i], local->message);
          free_names (names);
          return NULL;
        }
      one = g_new (ToolSystemdSocket, 1);
      one->name = g_strdup (names[i]);
      one->socket = socket;
      g_ptr_array_add (sockets, one);
    }
  free_names (names);
  return g_steal_pointer (&sockets);
}

#else

guint
tool_systemd_start_watchdog (void)
{
  return 0;
}

GPtrArray *
tool_systemd_take_sockets (GError **error)
{
  return g_ptr_array_new_with_free_func (socket_free);
}

#endif
