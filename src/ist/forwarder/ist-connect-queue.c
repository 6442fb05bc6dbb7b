/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-connect-queue-private.h"

#include "ist/forwarder/ist-forwarder-connection-private.h"

struct _IstConnectQueue
{
  GHashTable *services; /* service id, or "" for none: Service */
};

/* The connections of a service that are in the making. */
typedef struct
{
  GHashTable *connecting; /* set of IstForwarderConnection, not owned */
  GQueue waiting;         /* of the same */
} Service;

static Service *
service_new (void)
{
  Service *service = g_new0 (Service, 1);

  service->connecting = g_hash_table_new (NULL, NULL);
  return service;
}

static void
service_free (gpointer data)
{
  Service *service = data;

  g_hash_table_unref (service->connecting);
  g_queue_clear (&service->waiting);
  g_free (service);
}

static void
service_connect_waiting (Service *service,
                         guint max)
{
  while (service->waiting.head != NULL && (max == 0 || g_hash_table_size (service->connecting) < max))
    {
      IstForwarderConnection *connection = g_queue_pop_head (&service->waiting);

      g_hash_table_add (service->connecting, connection);
      ist_forwarder_connection_connect (connection);
    }
}

static const char *
connect_queue_get_key (IstForwarderConnection *connection)
{
  const char *service_id = ist_forwarder_connection_get_service_id (connection);

  return service_id != NULL ? service_id : "";
}

IstConnectQueue *
ist_connect_queue_new (void)
{
  IstConnectQueue *self = g_new0 (IstConnectQueue, 1);

  self->services = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, service_free);
  return self;
}

void
ist_connect_queue_free (IstConnectQueue *self)
{
  g_hash_table_unref (self->services);
  g_free (self);
}

void
ist_connect_queue_add (IstConnectQueue *self,
                       IstForwarderConnection *connection,
                       guint max)
{
  const char *key = connect_queue_get_key (connection);
  Service *service = g_hash_table_lookup (self->services, key);

  if (service == NULL)
    {
      service = service_new ();
      g_hash_table_insert (self->services, g_strdup (key), service);
    }
  g_queue_push_tail (&service->waiting, connection);
  service_connect_waiting (service, max);
}

void
ist_connect_queue_remove (IstConnectQueue *self,
                          IstForwarderConnection *connection,
                          guint max)
{
  const char *key = connect_queue_get_key (connection);
  Service *service = g_hash_table_lookup (self->services, key);

  if (service == NULL)
    return;
  if (!g_hash_table_remove (service->connecting, connection))
    g_queue_remove (&service->waiting, connection);
  service_connect_waiting (service, max);
  if (g_hash_table_size (service->connecting) == 0 && service->waiting.head == NULL)
    g_hash_table_remove (self->services, key);
}
