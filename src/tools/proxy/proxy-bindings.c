/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-bindings.h"

#include <glib/gi18n.h>
#include <sysexits.h>

#include "common/ist-address-private.h"
#include "tools/common/tool-error.h"
#include "tools/common/tool-systemd.h"
#include "tools/proxy/proxy-mapping.h"

struct _ProxyBindings
{
  const ProxyConfig *config;
  IstForwarder *forwarder;    /* NULL if others listen: */
  ProxyBindingsListen listen; /* or NULL */
  gpointer user_data;
  GPtrArray *sockets;   /* ToolSystemdSocket */
  GPtrArray *list;      /* ProxyBinding */
  GQueue wanted;        /* ProxyBinding: those that are to be made */
  ProxyBinding *making; /* the one whose host is being looked up */
  GTask *task;          /* until all that is wanted is made; NULL when nothing is */
  GCancellable *cancellable;
};

static void
binding_free (gpointer data)
{
  ProxyBinding *binding = data;

  g_free (binding->service);
  g_free (binding->address);
  g_free (binding->place);
  g_free (binding->host);
  g_free (binding);
}

void
proxy_binding_set_place (ProxyBinding *binding,
                         const char *address,
                         const char *default_host,
                         guint port)
{
  g_autoptr (GSocketConnectable) place = ist_address_parse (address, default_host, NULL);

  g_return_if_fail (place != NULL); /* it is in use */

  binding->place = ist_address_describe (place, port);
  if (!G_IS_NETWORK_ADDRESS (place))
    return;
  binding->host = g_strdup (g_network_address_get_hostname (G_NETWORK_ADDRESS (place)));
  binding->port = port != 0 ? port : g_network_address_get_port (G_NETWORK_ADDRESS (place));
}

/* Takes @sockets. */
static ProxyBindings *
bindings_create (const ProxyConfig *config,
                 GPtrArray *sockets)
{
  ProxyBindings *self = g_new0 (ProxyBindings, 1);

  self->config = config;
  self->sockets = sockets;
  self->list = g_ptr_array_new_with_free_func (binding_free);
  self->cancellable = g_cancellable_new ();
  return self;
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
  self = bindings_create (config, sockets);
  self->forwarder = g_object_ref (forwarder);
  return self;
}

ProxyBindings *
proxy_bindings_new_with_listen (const ProxyConfig *config,
                                ProxyBindingsListen listen,
                                gpointer user_data)
{
  ProxyBindings *self = bindings_create (config, g_ptr_array_new ());

  self->listen = listen;
  self->user_data = user_data;
  return self;
}

void
proxy_bindings_free (ProxyBindings *self)
{
  proxy_bindings_cancel (self);
  while (self->making != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_clear_object (&self->forwarder);
  g_object_unref (self->cancellable);
  g_ptr_array_unref (self->sockets);
  g_ptr_array_unref (self->list);
  g_free (self);
}

static ProxyBinding *
binding_new (const char *service,
             const char *address)
{
  ProxyBinding *binding = g_new0 (ProxyBinding, 1);

  binding->service = g_strdup (service);
  binding->address = g_strdup (address);
  return binding;
}

/* Takes the binding, which is there now. */
static void
bindings_add (ProxyBindings *self,
              ProxyBinding *binding)
{
  const char *service = binding->service != NULL ? binding->service : "-";

  g_ptr_array_add (self->list, binding);
  if (self->config->mode == IST_MODE_DESTINATION)
    g_message (_ ("Service %s: connecting to %s"), service, binding->place);
  else
    g_message (_ ("Service %s: listening on %s"), service, binding->place);
}

/* Making what is wanted */

/* The services of the tunnel, if that they have addresses is to be checked in the end. */
static const char *const *
bindings_get_services (ProxyBindings *self)
{
  return g_task_get_task_data (self->task);
}

static void
bindings_clear_wanted (ProxyBindings *self)
{
  g_queue_clear_full (&self->wanted, binding_free);
}

/* Takes the error. */
static void
bindings_end (ProxyBindings *self,
              GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  bindings_clear_wanted (self);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
bindings_end_cancelled (ProxyBindings *self)
{
  if (self->task != NULL)
    bindings_end (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Others are made, or none"));
}

void
proxy_bindings_cancel (ProxyBindings *self)
{
  bindings_end_cancelled (self);
  g_cancellable_cancel (self->cancellable);
}

static void bindings_make_next (ProxyBindings *self);

static void
on_listening (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  ProxyBindings *self = user_data;
  ProxyBinding *binding = g_steal_pointer (&self->making);
  g_autoptr (GError) error = NULL;
  guint port;

  if (ist_forwarder_listen_finish (self->forwarder, result, &port, &error) != 0)
    {
      proxy_binding_set_place (binding, binding->address, self->config->local_address, port);
      bindings_add (self, binding);
    }
  else
    {
      binding_free (binding);
    }
  if (self->task == NULL)
    return;
  /* Stopped: others are wanted meanwhile. */
  if (error == NULL || g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED))
    bindings_make_next (self);
  else
    bindings_end (self, g_error_new_literal (TOOL_ERROR, error->domain == IST_TUNNEL_ERROR ? EX_USAGE : EX_UNAVAILABLE,
                                             error->message));
}

static gboolean bindings_check (ProxyBindings *self,
                                const char *const *services,
                                GError **error);

static gboolean
bindings_make_now (ProxyBindings *self,
                   ProxyBinding *binding,
                   GError **error)
{
  if (self->listen != NULL)
    return self->listen (binding, self->user_data, error);
  if (!ist_forwarder_set_target (self->forwarder, binding->service, binding->address, error))
    return FALSE;
  proxy_binding_set_place (binding, binding->address, NULL, 0);
  return TRUE;
}

static void
bindings_make_next (ProxyBindings *self)
{
  g_autoptr (GError) error = NULL;
  ProxyBinding *binding;

  while ((binding = g_queue_pop_head (&self->wanted)) != NULL)
    {
      if (self->config->mode == IST_MODE_SOURCE && self->listen == NULL)
        {
          self->making = binding;
          ist_forwarder_listen_async (self->forwarder, binding->service, binding->address, self->cancellable,
                                      on_listening, self);
          return;
        }
      if (!bindings_make_now (self, binding, &error))
        {
          binding_free (binding);
          bindings_end (self, g_steal_pointer (&error));
          return;
        }
      bindings_add (self, binding);
    }
  if (bindings_get_services (self) != NULL)
    bindings_check (self, bindings_get_services (self), &error);
  bindings_end (self, g_steal_pointer (&error));
}

/* What is wanted is added after this. */
static void
bindings_begin (ProxyBindings *self,
                gpointer tag,
                const char *const *services,
                GAsyncReadyCallback callback,
                gpointer user_data)
{
  bindings_end_cancelled (self);
  self->task = g_task_new (NULL, NULL, callback, user_data);
  g_task_set_source_tag (self->task, tag);
  g_task_set_task_data (self->task, g_strdupv ((char **) services), (GDestroyNotify) g_strfreev);
}

/* One that is being made is waited for. */
static void
bindings_make (ProxyBindings *self)
{
  if (self->making == NULL)
    bindings_make_next (self);
}

static void
bindings_want (ProxyBindings *self,
               const char *service,
               const char *address)
{
  g_queue_push_tail (&self->wanted, binding_new (service, address));
}

/* Which are wanted */

static void
bindings_want_named (ProxyBindings *self)
{
  GPtrArray *mappings = self->config->mappings;

  for (guint i = 0; i < mappings->len; i++)
    {
      const ProxyMapping *mapping = g_ptr_array_index (mappings, i);

      if (!mapping->from_folder)
        bindings_want (self, mapping->service, mapping->address);
    }
}

/* A folder may have services of many tunnels. */
static void
bindings_want_from_folder (ProxyBindings *self,
                           const char *const *services)
{
  GPtrArray *mappings = self->config->mappings;

  for (guint i = 0; i < mappings->len; i++)
    {
      const ProxyMapping *mapping = g_ptr_array_index (mappings, i);

      if (mapping->from_folder && g_strv_contains (services, mapping->service))
        bindings_want (self, mapping->service, mapping->address);
    }
}

/* A source to which nobody said where to listen. */
static void
bindings_want_anywhere (ProxyBindings *self,
                        const char *const *services)
{
  if (services[0] == NULL)
    bindings_want (self, NULL, "0");
  for (gsize i = 0; services[i] != NULL; i++)
    bindings_want (self, services[i], "0");
}

/* What the folder has for this tunnel, or else whatever there is. */
static void
bindings_want_unnamed (ProxyBindings *self,
                       const char *const *services)
{
  bindings_want_from_folder (self, services);
  if (self->config->mode == IST_MODE_SOURCE && self->list->len == 0 && g_queue_is_empty (&self->wanted) &&
      self->sockets->len == 0 && self->config->list == NULL)
    bindings_want_anywhere (self, services);
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
      ProxyBinding *binding;

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
      binding = binding_new (service, text);
      if (G_IS_INET_SOCKET_ADDRESS (address))
        proxy_binding_set_place (binding, text, NULL, 0);
      else
        binding->place = g_steal_pointer (&text);
      bindings_add (self, binding);
    }
  return TRUE;
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
    {
      if (self->config->mode == IST_MODE_DESTINATION)
        bindings_warn_of_missing (self, services);
      return TRUE;
    }
  if (services[0] == NULL)
    g_set_error_literal (error, TOOL_ERROR, EX_CONFIG,
                         _ ("The tunnel has no services: give an address without the name of one"));
  else
    g_set_error (error, TOOL_ERROR, EX_CONFIG,
                 _ ("No address is given for any service of the tunnel; it has: %s"), names);
  return FALSE;
}

void
proxy_bindings_add_named_async (ProxyBindings *self,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  bindings_begin (self, proxy_bindings_add_named_async, NULL, callback, user_data);
  bindings_want_named (self);
  bindings_make (self);
}

void
proxy_bindings_add_rest_async (ProxyBindings *self,
                               const char *const *services,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  bindings_begin (self, proxy_bindings_add_rest_async, services, callback, user_data);
  if (!bindings_use_sockets (self, services, &error))
    {
      bindings_end (self, g_steal_pointer (&error));
      return;
    }
  bindings_want_unnamed (self, services);
  bindings_make (self);
}

void
proxy_bindings_reload_async (ProxyBindings *self,
                             const char *const *services,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  bindings_begin (self, proxy_bindings_reload_async, NULL, callback, user_data);
  ist_forwarder_stop_listening (self->forwarder);
  for (guint i = 0; i < self->list->len; i++)
    ist_forwarder_remove_target (self->forwarder, ((ProxyBinding *) g_ptr_array_index (self->list, i))->service);
  g_ptr_array_set_size (self->list, 0);
  bindings_want_named (self);
  bindings_want_unnamed (self, services);
  bindings_make (self);
}

gboolean
proxy_bindings_finish (GAsyncResult *result,
                       GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
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
