/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/proxy/proxy-config.h"

G_BEGIN_DECLS

/* A service, and the address on this machine at which it is listened for or
 * connected to. */
typedef struct
{
  char *service; /* NULL for the tunnel's only one */
  char *address; /* as it was given */
  char *place;   /* as it is in use, with host and port, or the path; NULL before, as the next two */
  char *host;    /* NULL for a Unix socket, too */
  guint port;
} ProxyBinding;

/* @address: where it is, as users write it, with @default_host if that is only a port.
 * @port: the one that was found for port 0. */
void proxy_binding_set_place (ProxyBinding *binding,
                              const char *address,
                              const char *default_host,
                              guint port);

/* All of these that there are: what the mappings of @config name, or
 * systemd has opened, or else a free port for each service. */
typedef struct _ProxyBindings ProxyBindings;

/* Has somebody else listen for @binding, and sets its place. */
typedef gboolean (*ProxyBindingsListen) (ProxyBinding *binding,
                                         gpointer user_data,
                                         GError **error);

ProxyBindings *proxy_bindings_new (const ProxyConfig *config,
                                   IstForwarder *forwarder,
                                   GError **error);
/* Of a source whose services others listen for. */
ProxyBindings *proxy_bindings_new_with_listen (const ProxyConfig *config,
                                               ProxyBindingsListen listen,
                                               gpointer user_data);
void proxy_bindings_free (ProxyBindings *self);

/* Each of these makes some of them, one after another in the order in which they
 * were given, since the name of a host to listen at has to be looked up. It fails
 * with the first that can't be made; those before it are there. What was begun
 * before and is not done ends with G_IO_ERROR_CANCELLED. */

/* What the command line names is to be tried before the tunnel is: a token may be
 * good for one connection only. */
void proxy_bindings_add_named_async (ProxyBindings *self,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
/* The rest follows from the services that the tunnel has. Fails if none of them
 * has an address then. */
void proxy_bindings_add_rest_async (ProxyBindings *self,
                                    const char *const *services,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/* After the mappings of the configuration have changed, which must not be asked
 * for if systemd has opened the sockets. Connections that are open go on. */
void proxy_bindings_reload_async (ProxyBindings *self,
                                  const char *const *services,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean proxy_bindings_finish (GAsyncResult *result,
                                GError **error);

void proxy_bindings_cancel (ProxyBindings *self);

gboolean proxy_bindings_are_from_systemd (ProxyBindings *self);

/* Of ProxyBinding. */
GPtrArray *proxy_bindings_get_list (ProxyBindings *self);

G_END_DECLS
