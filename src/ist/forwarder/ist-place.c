/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-place-private.h"

#include "common/ist-address-private.h"
#include "ist/ist-tunnel-error.h"

GSocketConnectable *
ist_place_parse (const char *address,
                 const char *default_host,
                 GError **error)
{
  g_autoptr (GError) local = NULL;
  GSocketConnectable *place = ist_address_parse (address, default_host, &local);

  if (place == NULL)
    g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING, local->message);
  return place;
}

static void
place_add_loopback (GPtrArray *addresses,
                    GSocketFamily family,
                    guint16 port)
{
  g_autoptr (GInetAddress) host = g_inet_address_new_loopback (family);

  g_ptr_array_add (addresses, g_inet_socket_address_new (host, port));
}

GPtrArray *
ist_place_get_addresses (GSocketConnectable *place)
{
  g_autoptr (GPtrArray) addresses = g_ptr_array_new_with_free_func (g_object_unref);
  GSocketAddress *literal;
  const char *host;
  guint16 port;

  if (G_IS_SOCKET_ADDRESS (place))
    {
      g_ptr_array_add (addresses, g_object_ref (place));
      return g_steal_pointer (&addresses);
    }

  host = g_network_address_get_hostname (G_NETWORK_ADDRESS (place));
  port = g_network_address_get_port (G_NETWORK_ADDRESS (place));
  literal = g_inet_socket_address_new_from_string (host, port);
  if (literal != NULL)
    {
      g_ptr_array_add (addresses, literal);
    }
  else if (g_ascii_strcasecmp (host, "localhost") == 0)
    {
      place_add_loopback (addresses, G_SOCKET_FAMILY_IPV6, port);
      place_add_loopback (addresses, G_SOCKET_FAMILY_IPV4, port);
    }
  else
    {
      return NULL;
    }
  return g_steal_pointer (&addresses);
}

static void
on_looked_up (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  guint16 port = g_network_address_get_port (g_task_get_source_object (task));
  g_autoptr (GPtrArray) addresses = g_ptr_array_new_with_free_func (g_object_unref);
  GError *error = NULL;
  GList *hosts = g_resolver_lookup_by_name_finish (G_RESOLVER (object), result, &error);

  if (hosts == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  for (GList *l = hosts; l != NULL; l = l->next)
    g_ptr_array_add (addresses, g_inet_socket_address_new (l->data, port));
  g_resolver_free_addresses (hosts);
  g_task_return_pointer (task, g_steal_pointer (&addresses), (GDestroyNotify) g_ptr_array_unref);
}

void
ist_place_look_up_async (GSocketConnectable *place,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (place, cancellable, callback, user_data);
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  GPtrArray *addresses = ist_place_get_addresses (place);

  g_task_set_source_tag (task, ist_place_look_up_async);
  if (addresses != NULL)
    g_task_return_pointer (task, addresses, (GDestroyNotify) g_ptr_array_unref);
  else
    g_resolver_lookup_by_name_async (resolver, g_network_address_get_hostname (G_NETWORK_ADDRESS (place)),
                                     cancellable, on_looked_up, g_steal_pointer (&task));
}

GPtrArray *
ist_place_look_up_finish (GSocketConnectable *place,
                          GAsyncResult *result,
                          GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, place), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
