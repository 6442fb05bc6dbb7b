/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-bindings.h"

#include <glib/gi18n.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-systemd.h"
#include "tools/proxy/proxy-mapping.h"

struct _ProxyBindings
{
  const ProxyConfig *config;
  IstForwarder *forwarder;
  GPtrArray *sockets; /* ToolSystemdSocket */
  GPtrArray *list;    /* ProxyBinding */
};

static void
binding_free (gpointer data)
{
  ProxyBinding *binding = data;

  g_free (binding->service);
  g_free (binding->address);
  g_free (binding);
}

ProxyBindings *
proxy_bindings_new (const ProxyConfig *config,
                    IstForwarder *forwarder,
                    GError **error)
{
  GPtrArray *sockets = tool_systemd_take_sockets (error);
  ProxyBindings *self;

  if (sockets == NULL)
    return NULL;
  self = g_new0 (ProxyBindings, 1);
  self->config = config;
  self->forwarder = g_object_ref (forwarder);
  self->sockets = sockets;
  self->list = g_ptr_array_new_with_free_func (binding_free);
  return self;
}

void
proxy_bindings_free (ProxyBindings *self)
{
  g_object_unref (self->forwarder);
  g_ptr_array_unref (self->sockets);
  g_ptr_array_unref (self->list);
  g_free (self);
}

static void
bindings_add (ProxyBindings *self,
              const char *service,
              const char *address,
              guint port)
{
  ProxyBinding *binding = g_new (ProxyBinding, 1);

  binding->service = g_strdup (service);
  binding->address = g_strdup (address);
  binding->port = port;
  g_ptr_array_add (self->list, binding);
  if (self->config->mode == IST_MODE_DESTINATION)
    g_message (_ ("Service %s: connecting to %s"), service != NULL ? service : "-", address);
  else if (port != 0)
    g_message (_ ("Service %s: listening on port %u"), service != NULL ? service : "-", port);
  else
    g_message (_ ("Service %s: listening on %s"), service != NULL ? service : "-", address);
}

static gboolean
bindings_listen (ProxyBindings *self,
                 const char *service,
                 const char *address,
                 GError **error)
{
  g_autoptr (GError) local = NULL;
  guint port;

  if (ist_forwarder_listen (self->forwarder, service, address, &port, &local))
    {
      bindings_add (self, service, address, port);
      return TRUE;
    }
  g_set_error_literal (error, TOOL_ERROR, local->domain == IST_TUNNEL_ERROR ? EX_USAGE : EX_UNAVAILABLE,
                       local->message);
  return FALSE;
}

static gboolean
bindings_add_mapping (ProxyBindings *self,
                      const ProxyMapping *mapping,
                      GError **error)
{
  if (self->config->mode == IST_MODE_SOURCE)
    return bindings_listen (self, mapping->service, mapping->address, error);
  if (!ist_forwarder_set_target (self->forwarder, mapping->service, mapping->address, error))
    return FALSE;
  bindings_add (self, mapping->service, mapping->address, 0);
  return TRUE;
}

/* A folder may have services of many tunnels. */
static gboolean
bindings_add_from_folder (ProxyBindings *self,
                          const char *const *services,
                          GError **error)
{
  GPtrArray *mappings = self->config->mappings;

  for (guint i = 0; i < mappings->len; i++)
    {
      const ProxyMapping *mapping = g_ptr_array_index (mappings, i);

      if (mapping->from_folder && g_strv_contains (services, mapping->service) &&
          !bindings_add_mapping (self, mapping, error))
        return FALSE;
    }
  return TRUE;
}

/* A source to which nobody said where to listen. */
static gboolean
bindings_listen_anywhere (ProxyBindings *self,
                          const char *const *services,
                          GError **error)
{
  if (services[0] == NULL)
    return bindings_listen (self, NULL, "0", error);
  for (gsize i = 0; services[i] != NULL; i++)
    {
      if (!bindings_listen (self, services[i], "0", error))
        return FALSE;
    }
  return TRUE;
}

/* The sockets' names are those of the services; the name of the only one doesn't matter. */
static gboolean
bindings_use_sockets (ProxyBindings *self,
                      const char *const *services,
                      GError **error)
{
  for (guint i = 0; i < self->sockets->len; i++)
    {
      const ToolSystemdSocket *socket = g_ptr_array_index (self->sockets, i);
      const char *service = g_strv_contains (services, socket->name) ? socket->name : NULL;
      g_autoptr (GSocketAddress) address = g_socket_get_local_address (socket->socket, error);
      g_autofree char *text = NULL;

      if (address == NULL)
        return FALSE;
      if (service == NULL && (self->sockets->len > 1 || g_strv_length ((char **) services) > 1))
        {
          g_warning (_ ("The tunnel has no service “%s”, which is the name of a socket"), socket->name);
          continue;
        }
      if (!ist_forwarder_listen_socket (self->forwarder, service, socket->socket, error))
        return FALSE;
      text = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
      bindings_add (self, service, text,
                    G_IS_INET_SOCKET_ADDRESS (address)
                      ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address))
                      : 0);
    }
  return TRUE;
}

/* Whether any service of the tunnel has an address here at all. */
static gboolean
bindings_check (ProxyBindings *self,
                const char *const *services,
                GError **error)
{
  g_autofree char *names = g_strjoinv (", ", (char **) services);
  gboolean has_any = FALSE;
  guint i;

  for (i = 0; i < self->list->len; i++)
    {
      const ProxyBinding *binding = g_ptr_array_index (self->list, i);

      if (binding->service == NULL && g_strv_length ((char **) services) > 1)
        {
          g_set_error (error, TOOL_ERROR, EX_CONFIG,
                       _ ("The tunnel has several services, %s: say which one is meant, as in %s=%s"), names,
                       services[0], binding->address);
          return FALSE;
        }
      if (binding->service == NULL || g_strv_contains (services, binding->service))
        has_any = TRUE;
      else if (services[0] == NULL)
        g_warning (_ ("The tunnel has no services, so none is called “%s”"), binding->service);
      else
        g_warning (_ ("The tunnel has no service “%s”; it has: %s"), binding->service, names);
    }
  if (has_any)
    return TRUE;
  if (services[0] == NULL)
    g_set_error_literal (error, TOOL_ERROR, EX_CONFIG,
                         _ ("The tunnel has no services: give an address without the name of one"));
  else
    g_set_error (error, TOOL_ERROR, EX_CONFIG,
                 _ ("No address is given for any service of the tunnel; it has: %s"), names);
  return FALSE;
}

static void
bindings_warn_of_missing (ProxyBindings *self,
                          const char *const *services)
{
  for (gsize i = 0; services[i] != NULL; i++)
    {
      gboolean found = FALSE;

      for (guint j = 0; j < self->list->len && !found; j++)
        {
          const ProxyBinding *binding = g_ptr_array_index (self->list, j);

          found = binding->service == NULL || g_str_equal (binding->service, services[i]);
        }
      if (!found)
        g_warning (_ ("No address is given for the tunnel's service “%s”: its connections are refused"),
                   services[i]);
    }
}

/* What the folder has for this tunnel, or else whatever there is. */
static gboolean
bindings_add_unnamed (ProxyBindings *self,
                      const char *const *services,
                      GError **error)
{
  if (!bindings_add_from_folder (self, services, error))
    return FALSE;
  if (self->config->mode == IST_MODE_DESTINATION || self->list->len > 0 || self->sockets->len > 0 ||
      self->config->list != NULL)
    return TRUE;
  return bindings_listen_anywhere (self, services, error);
}

gboolean
proxy_bindings_add_named (ProxyBindings *self,
                          GError **error)
{
  GPtrArray *mappings = self->config->mappings;

  for (guint i = 0; i < mappings->len; i++)
    {
      const ProxyMapping *mapping = g_ptr_array_index (mappings, i);

      if (!mapping->from_folder && !bindings_add_mapping (self, mapping, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
proxy_bindings_add_rest (ProxyBindings *self,
                         const char *const *services,
                         GError **error)
{
  if (!bindings_use_sockets (self, services, error) || !bindings_add_unnamed (self, services, error) ||
      !bindings_check (self, services, error))
    return FALSE;
  if (self->config->mode == IST_MODE_DESTINATION)
    bindings_warn_of_missing (self, services);
  return TRUE;
}

gboolean
proxy_bindings_reload (ProxyBindings *self,
                       const char *const *services,
                       GError **error)
{
  /* Connections that are open go on. */
  ist_forwarder_stop_listening (self->forwarder);
  for (guint i = 0; i < self->list->len; i++)
    ist_forwarder_remove_target (self->forwarder, ((ProxyBinding *) g_ptr_array_index (self->list, i))->service);
  g_ptr_array_set_size (self->list, 0);
  return proxy_bindings_add_named (self, error) && bindings_add_unnamed (self, services, error);
}

gboolean
proxy_bindings_are_from_systemd (ProxyBindings *self)
{
  return self->sockets->len > 0;
}

GPtrArray *
proxy_bindings_get_list (ProxyBindings *self)
{
  return self->list;
}
