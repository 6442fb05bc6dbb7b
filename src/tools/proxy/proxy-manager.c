/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "proxy-manager.h"

#include <sysexits.h>

#include "proxy-error.h"

static void
socket_free (gpointer data)
{
  ProxyManagerSocket *self = data;

  g_free (self->name);
  g_object_unref (self->socket);
  g_free (self);
}

#ifdef HAVE_LIBSYSTEMD

#include <systemd/sd-daemon.h>

void
proxy_manager_notify_ready (const char *status)
{
  sd_notifyf (FALSE, "READY=1\nSTATUS=%s", status);
}

void
proxy_manager_notify_status (const char *status)
{
  sd_notifyf (FALSE, "STATUS=%s", status);
}

void
proxy_manager_notify_reloading (void)
{
  sd_notifyf (FALSE, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time ());
}

void
proxy_manager_notify_stopping (void)
{
  sd_notify (FALSE, "STOPPING=1");
}

static gboolean
on_watchdog (gpointer user_data)
{
  sd_notify (FALSE, "WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

guint
proxy_manager_start_watchdog (void)
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
proxy_manager_take_sockets (GError **error)
{
  g_autoptr (GPtrArray) sockets = g_ptr_array_new_with_free_func (socket_free);
  char **names = NULL;
  int n = sd_listen_fds_with_names (TRUE, &names);
  int i;

  for (i = 0; i < n; i++)
    {
      g_autoptr (GError) local = NULL;
      GSocket *socket = g_socket_new_from_fd (SD_LISTEN_FDS_START + i, &local);
      ProxyManagerSocket *one;

      if (socket == NULL)
        {
          g_set_error (error, PROXY_ERROR, EX_OSERR, "%s: %s", names[i], local->message);
          free_names (names);
          return NULL;
        }
      one = g_new (ProxyManagerSocket, 1);
      one->name = g_strdup (names[i]);
      one->socket = socket;
      g_ptr_array_add (sockets, one);
    }
  free_names (names);
  return g_steal_pointer (&sockets);
}

#else

void
proxy_manager_notify_ready (const char *status)
{
}

void
proxy_manager_notify_status (const char *status)
{
}

void
proxy_manager_notify_reloading (void)
{
}

void
proxy_manager_notify_stopping (void)
{
}

guint
proxy_manager_start_watchdog (void)
{
  return 0;
}

GPtrArray *
proxy_manager_take_sockets (GError **error)
{
  return g_ptr_array_new_with_free_func (socket_free);
}

#endif
