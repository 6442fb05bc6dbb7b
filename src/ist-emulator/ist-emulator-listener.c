/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-listener-private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "common/ist-source-private.h"

/* What the kernel may keep for us: hundreds of clients come at once. */
#define BACKLOG SOMAXCONN

/* Connections accepted in one turn of the main loop. */
#define MAX_AT_ONCE 64

/* For each request to be there as a whole, in seconds. */
#define REQUEST_TIMEOUT 30

/* After the system has refused to give us one more descriptor. */
#define REST_MS 200

/* The head of a TLS record, and the longest that a first one may be with it (RFC
 * 8446, 5.1). */
#define RECORD_HEAD 5
#define RECORD_HANDSHAKE 22
#define MAX_RECORD (RECORD_HEAD + 16384)

struct _IstEmulatorListener
{
  GSocket *socket;
  gboolean waits_for_tls;
  guint max_per_address;
  IstEmulatorListenerFunc func;
  gpointer user_data;
  GMainContext *context;
  GSource *source; /* NULL while nobody is accepted */
  GSource *rest;
  gboolean warned;         /* that it can't accept */
  GHashTable *connections; /* remote address and port -> Connection */
  GHashTable *addresses;   /* address -> number of connections */
};

/* A connection, for as long as it exists. */
typedef struct
{
  IstEmulatorListener *listener;
  GSocketConnection *unclaimed; /* owned while it has not been handed on */
  GObject *alive;
  GSocketAddress *local;
  GSocketAddress *remote;
  char *address;
  char *name;
  GSource *readable;
  GSource *deadline;
  gboolean upgraded;
} Connection;

static char *
listener_make_name (GSocketAddress *remote)
{
  return g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (remote));
}

static void
listener_count_address (IstEmulatorListener *self,
                        const char *address,
                        int change)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (self->addresses, address)) + change;

  if (n > 0)
    g_hash_table_insert (self->addresses, g_strdup (address), GUINT_TO_POINTER (n));
  else
    g_hash_table_remove (self->addresses, address);
}

static void on_connection_gone (gpointer data, GObject *object);

static void
connection_free (gpointer data)
{
  Connection *self = data;

  ist_clear_source (&self->readable);
  ist_clear_source (&self->deadline);
  if (self->alive != NULL)
    g_object_weak_unref (self->alive, on_connection_gone, self);
  listener_count_address (self->listener, self->address, -1);
  g_clear_object (&self->unclaimed);
  g_object_unref (self->local);
  g_object_unref (self->remote);
  g_free (self->address);
  g_free (self->name);
  g_free (self);
}

static void
on_connection_gone (gpointer data,
                    GObject *object)
{
  Connection *self = data;

  self->alive = NULL;
  g_hash_table_remove (self->listener->connections, self->name);
}

/* Whoever has the connection by now sees its end. */
static gboolean
on_deadline (gpointer user_data)
{
  Connection *self = user_data;
  GSocket *socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (self->alive));

  ist_clear_source (&self->deadline);
  g_debug ("%s has sent no request in time", self->name);
  g_socket_shutdown (socket, TRUE, TRUE, NULL);
  if (self->unclaimed != NULL)
    g_hash_table_remove (self->listener->connections, self->name);
  return G_SOURCE_REMOVE;
}

static void
connection_expect_request (Connection *self)
{
  ist_clear_source (&self->deadline);
  self->deadline = g_timeout_source_new_seconds (REQUEST_TIMEOUT);
  g_source_set_callback (self->deadline, on_deadline, self, NULL);
  g_source_attach (self->deadline, self->listener->context);
}

static void
connection_hand_on (Connection *self)
{
  g_autoptr (GSocketConnection) socket_connection = g_steal_pointer (&self->unclaimed);
  g_autoptr (GSocketAddress) local = g_object_ref (self->local);
  g_autoptr (GSocketAddress) remote = g_object_ref (self->remote);

  ist_clear_source (&self->readable);
  self->listener->func (socket_connection, local, remote, self->listener->user_data);
}

/* How many bytes must be there before it is worth to shake hands; 0 if they are
 * there, or there is nothing to wait for. */
static int
connection_get_missing (Connection *self,
                        int fd)
{
  guint8 head[RECORD_HEAD];
  gssize n = recv (fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
  int whole;
  int available = 0;

  /* An end, an error, or no TLS: for others to say. */
  if (n <= 0 || head[0] != RECORD_HANDSHAKE)
    return 0;
  if (n < RECORD_HEAD)
    return RECORD_HEAD;
  whole = RECORD_HEAD + (head[3] << 8 | head[4]);
  available = g_socket_get_available_bytes (g_socket_connection_get_socket (self->unclaimed));
  return whole <= MAX_RECORD && available < whole ? whole : 0;
}

static gboolean
on_connection_readable (GSocket *socket,
                        GIOCondition condition,
                        gpointer user_data)
{
  Connection *self = user_data;
  int missing = 0;

  if (self->listener->waits_for_tls && (condition & (G_IO_HUP | G_IO_ERR)) == 0)
    missing = connection_get_missing (self, g_socket_get_fd (socket));
  if (missing > 0 && g_socket_set_option (socket, SOL_SOCKET, SO_RCVLOWAT, missing, NULL))
    return G_SOURCE_CONTINUE;

  g_socket_set_option (socket, SOL_SOCKET, SO_RCVLOWAT, 1, NULL);
  connection_hand_on (self);
  return G_SOURCE_REMOVE;
}

static void
listener_take (IstEmulatorListener *self,
               GSocket *socket)
{
  g_autoptr (GSocketConnection) accepted = g_socket_connection_factory_create_connection (socket);
  g_autoptr (GSocketAddress) local = g_socket_get_local_address (socket, NULL);
  g_autoptr (GSocketAddress) remote = g_socket_get_remote_address (socket, NULL);
  g_autofree char *address = NULL;
  Connection *connection;

  /* It has gone already. */
  if (local == NULL || !G_IS_INET_SOCKET_ADDRESS (remote))
    return;

  address = g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
  if (self->max_per_address > 0 &&
      GPOINTER_TO_UINT (g_hash_table_lookup (self->addresses, address)) >= self->max_per_address)
    {
      g_debug ("%s has %u connections already", address, self->max_per_address);
      return;
    }

  /* The relay sends what it has: small messages must not wait for more. */
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
  g_socket_set_timeout (socket, REQUEST_TIMEOUT);

  connection = g_new0 (Connection, 1);
  connection->listener = self;
  connection->local = g_steal_pointer (&local);
  connection->remote = g_steal_pointer (&remote);
  connection->address = g_steal_pointer (&address);
  connection->name = listener_make_name (connection->remote);
  connection->unclaimed = g_steal_pointer (&accepted);
  connection->alive = G_OBJECT (connection->unclaimed);
  g_object_weak_ref (connection->alive, on_connection_gone, connection);
  listener_count_address (self, connection->address, 1);
  /* The kernel gives no address and port twice while a connection has them, but
   * one that was shut down may be kept by whoever has not noticed. */
  g_hash_table_replace (self->connections, connection->name, connection);

  connection_expect_request (connection);
  connection->readable = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (connection->readable, G_SOURCE_FUNC (on_connection_readable), connection, NULL);
  g_source_attach (connection->readable, self->context);
}

static gboolean
on_rested (gpointer user_data)
{
  IstEmulatorListener *self = user_data;

  ist_clear_source (&self->rest);
  ist_emulator_listener_accept (self);
  return G_SOURCE_REMOVE;
}

/* Without a rest it would ask again at once, and be told the same. */
static void
listener_rest (IstEmulatorListener *self,
               const GError *why)
{
  if (!self->warned)
    g_warning ("Could not accept a connection; trying again from now on: %s", why->message);
  self->warned = TRUE;
  ist_clear_source (&self->source);
  self->rest = g_timeout_source_new (REST_MS);
  g_source_set_callback (self->rest, on_rested, self, NULL);
  g_source_attach (self->rest, self->context);
}

static gboolean
on_acceptable (GSocket *socket,
               GIOCondition condition,
               gpointer user_data)
{
  IstEmulatorListener *self = user_data;
  guint i;

  for (i = 0; i < MAX_AT_ONCE; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GSocket) accepted = g_socket_accept (socket, NULL, &error);

      if (accepted != NULL)
        {
          self->warned = FALSE;
          listener_take (self, accepted);
        }
      else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        {
          break;
        }
      else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
        {
          listener_rest (self, error);
          return G_SOURCE_REMOVE;
        }
    }
  return G_SOURCE_CONTINUE;
}

void
ist_emulator_listener_accept (IstEmulatorListener *self)
{
  self->source = g_socket_create_source (self->socket, G_IO_IN, NULL);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_acceptable), self, NULL);
  g_source_attach (self->source, self->context);
}

IstEmulatorListener *
ist_emulator_listener_new (GSocketAddress *address,
                           gboolean waits_for_tls,
                           guint max_per_address,
                           IstEmulatorListenerFunc func,
                           gpointer user_data,
                           GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_TCP, error);
  IstEmulatorListener *self;

  if (socket == NULL)
    return NULL;
  g_socket_set_listen_backlog (socket, BACKLOG);
  g_socket_set_blocking (socket, FALSE);
  if (!g_socket_bind (socket, address, TRUE, error) || !g_socket_listen (socket, error))
    return NULL;

  self = g_new0 (IstEmulatorListener, 1);
  self->socket = g_steal_pointer (&socket);
  self->waits_for_tls = waits_for_tls;
  self->max_per_address = max_per_address;
  self->func = func;
  self->user_data = user_data;
  self->context = g_main_context_ref_thread_default ();
  self->connections = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, connection_free);
  self->addresses = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
ist_emulator_listener_free (IstEmulatorListener *self)
{
  ist_clear_source (&self->source);
  ist_clear_source (&self->rest);
  g_hash_table_unref (self->connections);
  g_hash_table_unref (self->addresses);
  g_socket_close (self->socket, NULL);
  g_object_unref (self->socket);
  g_main_context_unref (self->context);
  g_free (self);
}

guint
ist_emulator_listener_get_port (IstEmulatorListener *self)
{
  g_autoptr (GSocketAddress) bound = g_socket_get_local_address (self->socket, NULL);

  return G_IS_INET_SOCKET_ADDRESS (bound) ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)) : 0;
}

static Connection *
listener_find (IstEmulatorListener *self,
               GSocketAddress *remote)
{
  g_autofree char *name = remote != NULL ? listener_make_name (remote) : NULL;

  return name != NULL ? g_hash_table_lookup (self->connections, name) : NULL;
}

void
ist_emulator_listener_note_request (IstEmulatorListener *self,
                                    GSocketAddress *remote)
{
  Connection *connection = listener_find (self, remote);

  if (connection != NULL)
    ist_clear_source (&connection->deadline);
}

void
ist_emulator_listener_note_answer (IstEmulatorListener *self,
                                   GSocketAddress *remote)
{
  Connection *connection = listener_find (self, remote);

  if (connection != NULL && connection->alive != NULL && !connection->upgraded)
    connection_expect_request (connection);
}

void
ist_emulator_listener_note_upgrade (IstEmulatorListener *self,
                                    GSocketAddress *remote)
{
  Connection *connection = listener_find (self, remote);

  if (connection == NULL || connection->alive == NULL)
    return;
  connection->upgraded = TRUE;
  ist_clear_source (&connection->deadline);
  g_socket_set_timeout (g_socket_connection_get_socket (G_SOCKET_CONNECTION (connection->alive)), 0);
}
