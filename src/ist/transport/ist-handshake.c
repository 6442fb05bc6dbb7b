/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/transport/ist-handshake-private.h"

#include <libsoup/soup.h>
#include <string.h>

#include "common/ist-names-private.h"
#include "common/ist-redact-private.h"
#include "common/ist-source-private.h"
#include "common/ist-text-private.h"
#include "ist/ist-tunnel-error.h"
#include "ist/transport/ist-dial-private.h"
#include "ist/transport/ist-http-private.h"
#include "ist/transport/ist-proxy-resolver-private.h"
#include "ist/transport/ist-tls-private.h"

/* The service takes no longer requests (protocol guide). */
#define MAX_REQUEST 4096

/* Bytes of the service's name for a connection that are shown. */
#define MAX_CHANNEL_ID 128

/* RFC 6585, section 4; not in libsoup's list. The only 4xx status that is worth a retry. */
#define STATUS_TOO_MANY_REQUESTS 429

/* RFC 6455, section 1.3. */
#define WEBSOCKET_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

typedef enum
{
  STAGE_CONNECTING,
  STAGE_TLS,
  STAGE_UPGRADING,
} Stage;

typedef struct
{
  GUri *uri;
  char *access_token;
  char *client_token;
  gboolean skip_verification;
  GTlsDatabase *tls_database;
  GProxyResolver *proxy_resolver;
  char *authority; /* host:port, for messages */

  Stage stage;
  GCancellable *cancellable; /* ours: ends it for the caller's and the timeout's sake */
  GCancellable *caller;
  gulong caller_id;
  GSource *timeout;
  gboolean timed_out;

  IstMeteredStream *stream;
  SoupMessage *message; /* carries the headers of the request, is never sent by libsoup */
  IstHttpAnswer *answer;
  char *channel_id;
} Handshake;

static void
handshake_free (Handshake *self)
{
  ist_clear_source (&self->timeout);
  g_clear_object (&self->caller);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->uri, g_uri_unref);
  g_clear_pointer (&self->access_token, g_free);
  g_clear_pointer (&self->client_token, g_free);
  g_clear_object (&self->tls_database);
  g_clear_object (&self->proxy_resolver);
  g_clear_pointer (&self->authority, g_free);
  g_clear_object (&self->stream);
  g_clear_object (&self->message);
  g_clear_pointer (&self->answer, ist_http_answer_free);
  g_clear_pointer (&self->channel_id, g_free);
  g_free (self);
}

static gboolean
is_secure (GUri *uri)
{
  return g_str_equal (g_uri_get_scheme (uri), "wss");
}

/* Ending */

static GError *
handshake_translate_error (Handshake *self,
                           const GError *error)
{
  static const char *const stages[] = {
    [STAGE_CONNECTING] = "while connecting",
    [STAGE_TLS] = "in the TLS handshake",
    [STAGE_UPGRADING] = "waiting for the answer to the WebSocket handshake",
  };

  if (self->timed_out)
    return g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT, "Could not connect to %s in time: timed out %s",
                        self->authority, stages[self->stage]);
  if (error->domain == IST_TUNNEL_ERROR || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_copy (error);

  if (self->stage == STAGE_UPGRADING)
    return g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED,
                        "The connection to %s was lost during the WebSocket handshake: %s",
                        self->authority, error->message);
  return g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_UNREACHABLE, "Could not connect to %s: %s", self->authority,
                      error->message);
}

static void
handshake_finish_watching (Handshake *self)
{
  if (self->timeout != NULL)
    g_source_destroy (self->timeout);
  if (self->caller_id != 0)
    g_cancellable_disconnect (self->caller, self->caller_id);
  self->caller_id = 0;
}

static void
return_error (GTask *task,
              GError *error)
{
  Handshake *self = g_task_get_task_data (task);

  handshake_finish_watching (self);
  g_task_return_error (task, handshake_translate_error (self, error));
  g_error_free (error);
}

/* The service's name for this connection. One that quotes the tokens must not bring
 * them into a log. */
static char *
handshake_read_channel_id (Handshake *self)
{
  const char *said = soup_message_headers_get_one (self->answer->headers, "channel-id");
  g_autofree char *safe = NULL;
  g_autoptr (GString) text = NULL;

  if (said == NULL)
    return NULL;
  safe = ist_text_make_safe (said, -1, G_MAXSIZE);
  text = g_string_new (safe);
  ist_redact (text, self->access_token);
  ist_redact (text, self->client_token);
  return ist_text_make_safe (text->str, text->len, MAX_CHANNEL_ID);
}

static IstTunnelError
classify_refusal (guint status,
                  const char *reason)
{
  g_autofree char *folded = g_ascii_strdown (reason, -1);

  if (status >= 500 || status == STATUS_TOO_MANY_REQUESTS)
    return IST_TUNNEL_ERROR_SERVICE_UNAVAILABLE;
  if (status < 300)
    return IST_TUNNEL_ERROR_PROTOCOL;
  if (strstr (folded, "tunnel") != NULL &&
      (strstr (folded, "closed") != NULL || strstr (folded, "expired") != NULL))
    return IST_TUNNEL_ERROR_TUNNEL_CLOSED;
  if (strstr (folded, "token") != NULL || status == SOUP_STATUS_UNAUTHORIZED ||
      status == SOUP_STATUS_FORBIDDEN)
    return IST_TUNNEL_ERROR_TOKEN_REJECTED;
  return IST_TUNNEL_ERROR_REFUSED;
}

static GError *
handshake_describe_refusal (Handshake *self)
{
  const char *const secrets[] = { self->access_token, self->client_token, NULL };
  g_autofree char *reason = ist_http_answer_describe (self->answer, secrets);
  guint status = self->answer->status;

  return g_error_new (IST_TUNNEL_ERROR, classify_refusal (status, reason),
                      "%s refused the handshake with HTTP status %u: %s (channel %s)", self->authority,
                      status, *reason != '\0' ? reason : "no reason given",
                      self->channel_id != NULL ? self->channel_id : "unknown");
}

/* The answer */

static gboolean
handshake_check_accept (Handshake *self)
{
  SoupMessageHeaders *request = soup_message_get_request_headers (self->message);
  const char *key = soup_message_headers_get_one (request, "Sec-WebSocket-Key");
  const char *accept = soup_message_headers_get_one (self->answer->headers, "Sec-WebSocket-Accept");
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA1);
  g_autofree char *expected = NULL;
  guint8 digest[20];
  gsize length = sizeof digest;

  /* libsoup checks this only for the messages that it has sent itself. */
  g_checksum_update (checksum, (const guchar *) key, -1);
  g_checksum_update (checksum, (const guchar *) WEBSOCKET_GUID, -1);
  g_checksum_get_digest (checksum, digest, &length);
  expected = g_base64_encode (digest, length);
  return g_strcmp0 (accept, expected) == 0;
}

static const char *const subprotocols[] = { IST_SUBPROTOCOLS, NULL };

static gboolean
handshake_check_upgrade (Handshake *self,
                         GError **error)
{
  const char *protocol = soup_message_headers_get_one (self->answer->headers, "Sec-WebSocket-Protocol");
  const char *wrong = NULL;

  if (!soup_message_headers_header_equals (self->answer->headers, "Upgrade", "websocket"))
    wrong = "no “Upgrade: websocket”";
  else if (!soup_message_headers_header_contains (self->answer->headers, "Connection", "upgrade"))
    wrong = "no “Connection: upgrade”";
  else if (!handshake_check_accept (self))
    wrong = "a wrong Sec-WebSocket-Accept";
  else if (soup_message_headers_get_list (self->answer->headers, "Sec-WebSocket-Extensions") != NULL)
    wrong = "an extension that was not asked for";
  else if (protocol != NULL && !g_strv_contains (subprotocols, protocol))
    wrong = "a subprotocol that was not asked for";

  if (wrong == NULL)
    return TRUE;
  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL, "The answer of %s to the WebSocket handshake has %s",
               self->authority, wrong);
  return FALSE;
}

static void
on_answered (GObject *source,
             GAsyncResult *result,
             gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Handshake *self = g_task_get_task_data (task);
  GError *error = NULL;

  self->answer = ist_http_ask_finish (result, &error);
  if (self->answer != NULL)
    {
      /* What its status says stands, also when the reason never comes in time. */
      self->timed_out = FALSE;
      self->channel_id = handshake_read_channel_id (self);
      if (g_cancellable_set_error_if_cancelled (self->caller, &error))
        ;
      else if (self->answer->status != SOUP_STATUS_SWITCHING_PROTOCOLS)
        error = handshake_describe_refusal (self);
      else
        handshake_check_upgrade (self, &error);
    }
  if (error != NULL)
    {
      return_error (task, error);
      return;
    }
  handshake_finish_watching (self);
  g_task_return_pointer (task, g_steal_pointer (&self->stream), g_object_unref);
}

/* The request */

static void
append_header (const char *name,
               const char *value,
               gpointer user_data)
{
  g_string_append_printf (user_data, "%s: %s\r\n", name, value);
}

static GString *
handshake_make_request (Handshake *self)
{
  g_autoptr (GUri) http = soup_uri_copy (self->uri, SOUP_URI_SCHEME, is_secure (self->uri) ? "https" : "http",
                                         SOUP_URI_NONE);
  const char *path = g_uri_get_path (self->uri);
  const char *query = g_uri_get_query (self->uri);
  SoupMessageHeaders *headers;
  GString *request;

  self->message = soup_message_new_from_uri (SOUP_METHOD_GET, http);
  soup_websocket_client_prepare_handshake (self->message, NULL, (char **) subprotocols, NULL);
  headers = soup_message_get_request_headers (self->message);
  soup_message_headers_replace (headers, "Host", self->authority);
  soup_message_headers_replace (headers, "access-token", self->access_token);
  soup_message_headers_replace (headers, "client-token", self->client_token);

  request = g_string_new (NULL);
  g_string_append_printf (request, "GET %s%s%s HTTP/1.1\r\n", *path != '\0' ? path : "/",
                          query != NULL ? "?" : "", query != NULL ? query : "");
  soup_message_headers_foreach (headers, append_header, request);
  g_string_append (request, "\r\n");
  return request;
}

static void
send_request (GTask *task,
              GIOStream *stream)
{
  Handshake *self = g_task_get_task_data (task);
  g_autoptr (GString) request = NULL;
  g_autoptr (GError) error = NULL;

  self->stage = STAGE_UPGRADING;
  self->stream = ist_metered_stream_new (stream, &error);
  if (self->stream == NULL)
    {
      return_error (task, g_steal_pointer (&error));
      return;
    }
  request = handshake_make_request (self);
  if (request->len > MAX_REQUEST)
    {
      return_error (task, g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                                       "The handshake would take %" G_GSIZE_FORMAT " bytes, but the service "
                                       "takes no more than %d: access-token or endpoint is too long",
                                       request->len, MAX_REQUEST));
      return;
    }
  ist_http_ask_async (G_IO_STREAM (self->stream), request->str, IST_HTTP_ASK_UPGRADE, self->authority,
                      self->cancellable, on_answered, g_object_ref (task));
}

/* The connection */

static void
on_secured (GObject *source,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GIOStream) tls = NULL;
  GError *error = NULL;

  tls = ist_tls_connect_finish (result, &error);
  if (tls == NULL)
    return_error (task, error);
  else
    send_request (task, tls);
}

static guint16
get_port (GUri *uri)
{
  int port = g_uri_get_port (uri);

  if (port > 0)
    return port;
  return is_secure (uri) ? 443 : 80;
}

static void
on_dialled (GObject *source,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Handshake *self = g_task_get_task_data (task);
  g_autoptr (GIOStream) stream = NULL;
  GError *error = NULL;

  stream = ist_dial_finish (result, &error);
  if (stream == NULL)
    {
      return_error (task, error);
    }
  else if (is_secure (self->uri))
    {
      self->stage = STAGE_TLS;
      ist_tls_connect_async (stream, g_uri_get_host (self->uri), get_port (self->uri), self->tls_database,
                             self->skip_verification, self->cancellable, on_secured, g_steal_pointer (&task));
    }
  else
    {
      send_request (task, stream);
    }
}

static gboolean
on_timeout (gpointer user_data)
{
  Handshake *self = user_data;

  self->timed_out = TRUE;
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_caller_cancelled (GCancellable *caller,
                     gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

/* As it stands in the Host header. */
static char *
make_authority (GUri *uri)
{
  const char *host = g_uri_get_host (uri);
  int port = g_uri_get_port (uri);
  g_autofree char *literal = strchr (host, ':') != NULL ? g_strdup_printf ("[%s]", host) : g_strdup (host);

  return port > 0 ? g_strdup_printf ("%s:%d", literal, port) : g_steal_pointer (&literal);
}

void
ist_handshake_async (const IstHandshakeParams *params,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Handshake *self = g_new0 (Handshake, 1);

  g_task_set_source_tag (task, ist_handshake_async);
  g_task_set_task_data (task, self, (GDestroyNotify) handshake_free);
  self->uri = g_uri_ref (params->uri);
  self->access_token = g_strdup (params->access_token);
  self->client_token = g_strdup (params->client_token);
  self->skip_verification = params->skip_verification;
  g_set_object (&self->tls_database, params->tls_database);
  self->proxy_resolver = params->proxy_resolver != NULL ? g_object_ref (params->proxy_resolver)
                                                        : ist_proxy_resolver_new ();
  self->cancellable = g_cancellable_new ();
  self->authority = make_authority (params->uri);

  if (cancellable != NULL)
    {
      self->caller = g_object_ref (cancellable);
      self->caller_id = g_cancellable_connect (cancellable, G_CALLBACK (on_caller_cancelled),
                                               g_object_ref (self->cancellable), g_object_unref);
    }
  if (params->timeout > 0)
    {
      self->timeout = g_timeout_source_new_seconds (params->timeout);
      g_source_set_callback (self->timeout, on_timeout, self, NULL);
      g_source_attach (self->timeout, g_main_context_get_thread_default ());
    }

  ist_dial_async (g_uri_get_host (self->uri), get_port (self->uri), is_secure (self->uri), self->proxy_resolver,
                  self->cancellable, on_dialled, g_steal_pointer (&task));
}

IstMeteredStream *
ist_handshake_finish (GAsyncResult *result,
                      char **channel_id,
                      GError **error)
{
  GTask *task = G_TASK (result);
  Handshake *self = g_task_get_task_data (task);

  if (channel_id != NULL)
    *channel_id = g_strdup (self->channel_id);
  return g_task_propagate_pointer (task, error);
}
