/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-listener-private.h"

#include "common/ist-source-private.h"
#include "ist/ist-tunnel-error.h"

#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Connections taken before others get their turn. */
#define TURN 64

/* When the process is out of descriptors, it may have some again after this. */
#define RETRY_MS 250

/* To find a port that is free on all addresses of a name. */
#define PORT_ATTEMPTS 16

typedef struct
{
  IstListener *listener;
  GSocket *socket;
  GSource *source;
} BoundSocket;

struct _IstListener
{
  GMainContext *context;
  GPtrArray *bound_sockets;
  IstListenerFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
  gboolean freed;
  guint serving; /* dispatches under way */

  char *path; /* of a Unix socket that we made, which had this identity */
  dev_t device;
  ino_t inode;
};

static void bound_socket_open (BoundSocket *bound);

static void
bound_socket_close (BoundSocket *bound)
{
  ist_clear_source (&bound->source);
}

static void
bound_socket_free (BoundSocket *bound)
{
  bound_socket_close (bound);
  g_clear_object (&bound->socket);
  g_free (bound);
}

static gboolean
on_reopen (gpointer user_data)
{
  bound_socket_open (user_data);
  return G_SOURCE_REMOVE;
}

static void
bound_socket_reopen_later (BoundSocket *bound)
{
  bound_socket_close (bound);
  bound->source = g_timeout_source_new (RETRY_MS);
  g_source_set_callback (bound->source, on_reopen, bound, NULL);
  g_source_attach (bound->source, bound->listener->context);
}

static void
listener_destroy (IstListener *self)
{
  g_ptr_array_unref (self->bound_sockets);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_main_context_unref (self->context);
  g_free (self);
}

static gboolean
on_connecting (GSocket *socket,
               GIOCondition condition,
               gpointer user_data)
{
  BoundSocket *bound = user_data;
  IstListener *self = bound->listener;
  guint i;

  self->serving++;
  for (i = 0; i < TURN && !self->freed; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GSocket) accepted = g_socket_accept (socket, NULL, &error);
      g_autoptr (GSocketConnection) connection = NULL;

      if (accepted == NULL)
        {
          /* A client that has given up meanwhile is no reason to stop. */
          if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
            continue;
          if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
            {
              g_warning ("A local connection can't be accepted now: %s", error->message);
              bound_socket_reopen_later (bound);
            }
          break;
        }
      connection = g_socket_connection_factory_create_connection (accepted);
      self->func (self, connection, self->user_data);
    }
  self->serving--;

  if (self->freed && self->serving == 0)
    listener_destroy (self);
  return G_SOURCE_CONTINUE;
}

static void
bound_socket_open (BoundSocket *bound)
{
  bound_socket_close (bound);
  bound->source = g_socket_create_source (bound->socket, G_IO_IN, NULL);
  g_source_set_static_name (bound->source, "IstListener");
  g_source_set_callback (bound->source, G_SOURCE_FUNC (on_connecting), bound, NULL);
  g_source_attach (bound->source, bound->listener->context);
}

static IstListener *
listener_new (GMainContext *context)
{
  IstListener *self = g_new0 (IstListener, 1);

  self->context = g_main_context_ref (context);
  self->bound_sockets = g_ptr_array_new_with_free_func ((GDestroyNotify) bound_socket_free);
  return self;
}

static void
listener_add (IstListener *self,
              GSocket *socket)
{
  BoundSocket *bound = g_new0 (BoundSocket, 1);

  bound->listener = self;
  bound->socket = g_object_ref (socket);
  g_socket_set_blocking (socket, FALSE);
  g_ptr_array_add (self->bound_sockets, bound);
}

static GSocket *
listener_create_socket (GSocketAddress *address,
                        GError **error)
{
  g_autoptr (GSocket) socket = NULL;

  socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_STREAM,
                         G_SOCKET_PROTOCOL_DEFAULT, error);
  if (socket == NULL)
    return NULL;
  /* The kernel reduces it to its own limit. */
  g_socket_set_listen_backlog (socket, SOMAXCONN);
  if (!g_socket_bind (socket, address, TRUE, error) || !g_socket_listen (socket, error))
    return NULL;
  return g_steal_pointer (&socket);
}

/* Unix sockets */

/* The file of a socket stays when its program is killed. It is stale when
 * nobody answers there. */
static gboolean
listener_remove_stale_file (GUnixSocketAddress *address)
{
  const char *path = g_unix_socket_address_get_path (address);
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf status;

  if (g_lstat (path, &status) != 0 || !S_ISSOCK (status.st_mode))
    return FALSE;
  socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  if (socket == NULL)
    return FALSE;
  g_socket_set_blocking (socket, FALSE);
  if (g_socket_connect (socket, G_SOCKET_ADDRESS (address), NULL, &error) ||
      !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return FALSE;
  return g_unlink (path) == 0;
}

static gboolean
listener_bind_path (IstListener *self,
                    GUnixSocketAddress *address,
                    GError **error)
{
  const char *path = g_unix_socket_address_get_path (address);
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) failure = NULL;
  GStatBuf status;

  socket = listener_create_socket (G_SOCKET_ADDRESS (address), &failure);
  if (socket == NULL && g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE) &&
      listener_remove_stale_file (address))
    {
      g_clear_error (&failure);
      socket = listener_create_socket (G_SOCKET_ADDRESS (address), &failure);
    }
  if (socket == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  if (g_lstat (path, &status) == 0)
    {
      self->path = g_canonicalize_filename (path, NULL);
      self->device = status.st_dev;
      self->inode = status.st_ino;
    }
  listener_add (self, socket);
  return TRUE;
}

static void
listener_remove_file (IstListener *self)
{
  GStatBuf status;

  /* Somebody else may have put theirs there. */
  if (self->path != NULL && g_lstat (self->path, &status) == 0 && status.st_dev == self->device &&
      status.st_ino == self->inode)
    g_unlink (self->path);
  g_clear_pointer (&self->path, g_free);
}

/* TCP */

/* A host may know a name for an address of a family that it has switched off. */
static gboolean
listener_is_unavailable (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_FAILED) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

static GSocketAddress *
listener_with_port (GInetSocketAddress *address,
                    guint port)
{
  GInetAddress *host = g_inet_socket_address_get_address (address);
  gboolean has_scope = g_inet_address_get_family (host) == G_SOCKET_FAMILY_IPV6;

  return g_object_new (G_TYPE_INET_SOCKET_ADDRESS, "address", host, "port", port, "scope-id",
                       has_scope ? g_inet_socket_address_get_scope_id (address) : 0, NULL);
}

/* Binds all addresses to one port: @port, or any if that is 0. */
static gboolean
listener_bind_port (IstListener *self,
                    GPtrArray *addresses,
                    guint *port,
                    GError **error)
{
  g_autoptr (GError) failure = NULL;
  guint i;

  for (i = 0; i < addresses->len; i++)
    {
      g_autoptr (GSocketAddress) address = listener_with_port (addresses->pdata[i], *port);
      g_autoptr (GSocketAddress) bound = NULL;
      g_autoptr (GSocket) socket = NULL;

      g_clear_error (&failure);
      socket = listener_create_socket (address, &failure);
      if (socket == NULL)
        {
          if (listener_is_unavailable (failure))
            continue;
          break;
        }
      bound = g_socket_get_local_address (socket, error);
      if (bound == NULL)
        return FALSE;
      *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
      listener_add (self, socket);
    }
  if (i == addresses->len && self->bound_sockets->len > 0)
    return TRUE;
  g_ptr_array_set_size (self->bound_sockets, 0);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
listener_bind_host (IstListener *self,
                    GPtrArray *addresses,
                    guint *port,
                    GError **error)
{
  guint wanted = g_inet_socket_address_get_port (addresses->pdata[0]);
  guint i;

  for (i = 0; i < PORT_ATTEMPTS; i++)
    {
      g_autoptr (GError) failure = NULL;

      *port = wanted;
      if (listener_bind_port (self, addresses, port, &failure))
        return TRUE;
      /* What the kernel has picked for one address may be in use at another. */
      if (wanted == 0 && i + 1 < PORT_ATTEMPTS &&
          g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
        continue;
      g_propagate_error (error, g_steal_pointer (&failure));
      break;
    }
  return FALSE;
}

/* For the rest of the library */

IstListener *
ist_listener_new (GPtrArray *addresses,
                  guint *port,
                  GMainContext *context,
                  GError **error)
{
  g_autoptr (IstListener) self = listener_new (context);
  gboolean listens;

  *port = 0;
  if (G_IS_UNIX_SOCKET_ADDRESS (addresses->pdata[0]))
    listens = listener_bind_path (self, addresses->pdata[0], error);
  else
    listens = listener_bind_host (self, addresses, port, error);
  return listens ? g_steal_pointer (&self) : NULL;
}

IstListener *
ist_listener_new_for_socket (GSocket *socket,
                             GMainContext *context,
                             GError **error)
{
  g_autoptr (IstListener) self = NULL;
  int listens = 0;

  if (!g_socket_get_option (socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, NULL) || !listens)
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING, "The socket does not listen");
      return NULL;
    }
  self = listener_new (context);
  listener_add (self, socket);
  return g_steal_pointer (&self);
}

void
ist_listener_start (IstListener *self,
                    IstListenerFunc func,
                    gpointer user_data,
                    GDestroyNotify destroy)
{
  guint i;

  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  for (i = 0; i < self->bound_sockets->len; i++)
    bound_socket_open (self->bound_sockets->pdata[i]);
}

void
ist_listener_free (IstListener *self)
{
  guint i;

  self->freed = TRUE;
  listener_remove_file (self);
  for (i = 0; i < self->bound_sockets->len; i++)
    {
      BoundSocket *bound = self->bound_sockets->pdata[i];

      bound_socket_close (bound);
      g_socket_close (bound->socket, NULL);
    }
  if (self->serving == 0)
    listener_destroy (self);
}
