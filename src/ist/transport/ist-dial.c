/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/transport/ist-dial-private.h"

#include <string.h>

#include "common/ist-source-private.h"
#include "ist/ist-tunnel-error.h"
#include "ist/transport/ist-http-private.h"
#include "ist/transport/ist-proxy-uri-private.h"
#include "ist/transport/ist-tls-private.h"

/* Seconds from the beginning of the last address of a host; earlier ones are tried
 * meanwhile. What is lost on the way the kernel sends again three times in that
 * time. Not left to GSocketClient:timeout: GIO leaks all that belongs to a connection
 * which that ends. */
#define ADDRESS_TIMEOUT 10

typedef struct
{
  GMainContext *context; /* the task's */
  char *host;
  guint16 port;
  char *authority;
  char **routes; /* URIs of proxies, "direct://" */
  guint next;
  IstProxyUri *proxy; /* which is tried now, NULL for none */
  char *proxy_name;
  GCancellable *connecting; /* ours: ends it for the caller's and the timeout's sake */
  gulong caller_id;
  GSource *timeout;
  gboolean timed_out;
  GIOStream *stream; /* to a proxy that was asked */
  GError *error;     /* of the latest */
} Dial;

static void try_next (GTask *task);

static void
dial_free (Dial *self)
{
  g_free (self->host);
  g_free (self->authority);
  g_strfreev (self->routes);
  g_clear_pointer (&self->proxy, ist_proxy_uri_free);
  g_free (self->proxy_name);
  g_clear_object (&self->connecting);
  g_clear_object (&self->stream);
  g_clear_error (&self->error);
  g_free (self);
}

static void
take_failure (GTask *task,
              GError *error)
{
  Dial *self = g_task_get_task_data (task);

  g_clear_error (&self->error);
  self->error = error;
  /* A secret is not in it: of a proxy, messages have its host and port. */
  if (self->proxy != NULL && error->domain != IST_TUNNEL_ERROR &&
      !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_prefix_error (&self->error, "through the proxy %s: ", self->proxy_name);
  try_next (task);
}

/* What the proxy says, without what it may repeat of its user. */
static char *
dial_describe_answer (Dial *self,
                      const IstHttpAnswer *answer)
{
  const char *const parts[] = { self->proxy->password, self->proxy->user };
  const char *secrets[G_N_ELEMENTS (parts) + 1] = { NULL };
  guint n = 0;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      if (parts[i] != NULL && *parts[i] != '\0')
        secrets[n++] = parts[i];
    }
  return ist_http_answer_describe (answer, secrets);
}

static void
on_asked (GObject *source,
          GAsyncResult *result,
          gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (IstHttpAnswer) answer = NULL;
  Dial *self = g_task_get_task_data (task);
  g_autofree char *reason = NULL;
  g_autoptr (GIOStream) stream = g_steal_pointer (&self->stream);
  GError *error = NULL;

  answer = ist_http_ask_finish (result, &error);
  if (answer == NULL)
    {
      take_failure (task, error);
      return;
    }
  if (SOUP_STATUS_IS_SUCCESSFUL (answer->status))
    {
      g_task_return_pointer (task, g_steal_pointer (&stream), g_object_unref);
      return;
    }
  reason = dial_describe_answer (self, answer);
  take_failure (task, g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_UNREACHABLE,
                                   "Could not connect to %s: the proxy %s refuses with HTTP status %u: %s",
                                   self->authority, self->proxy_name, answer->status,
                                   *reason != '\0' ? reason : "no reason given"));
}

static void
ask_proxy (GTask *task,
           GIOStream *stream)
{
  Dial *self = g_task_get_task_data (task);
  g_autoptr (GString) request = g_string_new (NULL);

  g_string_append_printf (request, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", self->authority, self->authority);
  if (self->proxy->user != NULL)
    {
      g_autofree char *plain = g_strdup_printf ("%s:%s", self->proxy->user,
                                                self->proxy->password != NULL ? self->proxy->password : "");
      g_autofree char *encoded = g_base64_encode ((const guchar *) plain, strlen (plain));

      g_string_append_printf (request, "Proxy-Authorization: Basic %s\r\n", encoded);
    }
  g_string_append (request, "\r\n");
  g_set_object (&self->stream, stream);
  ist_http_ask_async (stream, request->str, IST_HTTP_ASK_CONNECT, self->proxy_name, g_task_get_cancellable (task),
                      on_asked, g_object_ref (task));
}

static void
on_proxy_secured (GObject *source,
                  GAsyncResult *result,
                  gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GIOStream) tls = NULL;
  GError *error = NULL;

  tls = ist_tls_connect_finish (result, &error);
  if (tls == NULL)
    take_failure (task, error);
  else
    ask_proxy (task, tls);
}

static void
dial_stop_timeout (Dial *self)
{
  ist_clear_source (&self->timeout);
}

static gboolean
on_timeout (gpointer user_data)
{
  Dial *self = user_data;

  dial_stop_timeout (self);
  self->timed_out = TRUE;
  g_cancellable_cancel (self->connecting);
  return G_SOURCE_REMOVE;
}

static void
on_event (GSocketClient *client,
          GSocketClientEvent event,
          GSocketConnectable *connectable,
          GIOStream *connection,
          gpointer user_data)
{
  Dial *self = user_data;

  if (event != G_SOCKET_CLIENT_CONNECTING && event != G_SOCKET_CLIENT_CONNECTED)
    return;
  dial_stop_timeout (self);
  if (event == G_SOCKET_CLIENT_CONNECTED)
    return;
  self->timeout = g_timeout_source_new_seconds (ADDRESS_TIMEOUT);
  g_source_set_callback (self->timeout, on_timeout, self, NULL);
  g_source_attach (self->timeout, self->context);
}

static void
on_caller_cancelled (GCancellable *caller,
                     gpointer connecting)
{
  g_cancellable_cancel (connecting);
}

static void
on_connected (GObject *source,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Dial *self = g_task_get_task_data (task);
  g_autoptr (GSocketConnection) connection = NULL;
  GError *error = NULL;

  connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  g_signal_handlers_disconnect_by_data (source, self);
  g_cancellable_disconnect (g_task_get_cancellable (task), self->caller_id);
  dial_stop_timeout (self);
  if (connection == NULL && self->timed_out && !g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    {
      g_clear_error (&error);
      g_set_error (&error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no answer from %s",
                   self->proxy != NULL ? self->proxy->host : self->host);
    }
  if (connection == NULL)
    {
      take_failure (task, error);
      return;
    }

  if (self->proxy == NULL || g_str_has_prefix (self->proxy->protocol, "socks"))
    g_task_return_pointer (task, g_object_ref (connection), g_object_unref);
  else if (g_str_equal (self->proxy->protocol, "https"))
    ist_tls_connect_async (G_IO_STREAM (connection), self->proxy->host, self->proxy->port, NULL, FALSE,
                           g_task_get_cancellable (task), on_proxy_secured, g_object_ref (task));
  else
    ask_proxy (task, G_IO_STREAM (connection));
}

/* GIO speaks SOCKS. Its CONNECT writes IPv6 addresses without brackets and takes no
 * answer before the last one, so that is ours. */
static void
connect_through (GTask *task)
{
  Dial *self = g_task_get_task_data (task);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) address = NULL;

  if (self->proxy != NULL && g_str_has_prefix (self->proxy->protocol, "socks"))
    {
      g_autofree char *uri = ist_proxy_uri_to_string (self->proxy);
      g_autoptr (GProxyResolver) resolver = g_simple_proxy_resolver_new (uri, NULL);

      g_socket_client_set_proxy_resolver (client, resolver);
      address = g_network_address_new (self->host, self->port);
    }
  else
    {
      g_socket_client_set_enable_proxy (client, FALSE);
      address = self->proxy != NULL ? g_network_address_new (self->proxy->host, self->proxy->port)
                                    : g_network_address_new (self->host, self->port);
    }

  g_clear_object (&self->connecting);
  self->connecting = g_cancellable_new ();
  self->timed_out = FALSE;
  self->caller_id = g_cancellable_connect (g_task_get_cancellable (task), G_CALLBACK (on_caller_cancelled),
                                           g_object_ref (self->connecting), g_object_unref);
  g_signal_connect (client, "event", G_CALLBACK (on_event), self);
  g_socket_client_connect_async (client, address, self->connecting, on_connected, g_object_ref (task));
}

static void
try_next (GTask *task)
{
  Dial *self = g_task_get_task_data (task);
  const char *route = self->routes[self->next];
  GError *error = NULL;

  if (g_task_return_error_if_cancelled (task))
    return;
  if (route == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&self->error));
      return;
    }

  self->next++;
  g_clear_pointer (&self->proxy, ist_proxy_uri_free);
  g_clear_pointer (&self->proxy_name, g_free);
  if (!g_str_has_prefix (route, "direct:"))
    {
      self->proxy = ist_proxy_uri_parse (route, &error);
      if (self->proxy == NULL)
        {
          g_prefix_error (&error, "Could not connect to %s: what the proxy resolver says: ", self->authority);
          take_failure (task, error);
          return;
        }
      self->proxy_name = ist_proxy_uri_describe (self->proxy);
      g_info ("Connecting to %s through the proxy %s", self->authority, self->proxy_name);
    }
  connect_through (task);
}

static void
on_looked_up (GObject *source,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Dial *self = g_task_get_task_data (task);
  GError *error = NULL;

  self->routes = g_proxy_resolver_lookup_finish (G_PROXY_RESOLVER (source), result, &error);
  if (self->routes == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_set_error (&self->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_UNREACHABLE,
               "Could not connect to %s: the proxy resolver says no way", self->authority);
  try_next (task);
}

void
ist_dial_async (const char *host,
                guint16 port,
                gboolean secure,
                GProxyResolver *resolver,
                GCancellable *cancellable,
                GAsyncReadyCallback callback,
                gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autofree char *uri = NULL;
  Dial *self = g_new0 (Dial, 1);

  g_task_set_source_tag (task, ist_dial_async);
  g_task_set_task_data (task, self, (GDestroyNotify) dial_free);
  self->context = g_task_get_context (task);
  self->host = g_strdup (host);
  self->port = port;
  self->authority = g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
  /* With the scheme that proxies are configured for. */
  uri = g_uri_join (G_URI_FLAGS_NONE, secure ? "https" : "http", NULL, host, port, "", NULL, NULL);
  g_proxy_resolver_lookup_async (resolver, uri, cancellable, on_looked_up, g_steal_pointer (&task));
}

GIOStream *
ist_dial_finish (GAsyncResult *result,
                 GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
