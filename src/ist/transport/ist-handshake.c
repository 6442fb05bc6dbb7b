/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "transport/ist-handshake-private.h"

#include <libsoup/soup.h>
#include <string.h>

#include "ist-error.h"
#include "ist-redact-private.h"

/* The service takes no longer requests (protocol guide). */
#define MAX_REQUEST 4096

#define MAX_RESPONSE (16 * 1024)

/* So much of the body of a refusal is read for its reason. */
#define MAX_REASON 512

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
  char *authority; /* host:port, for messages */
  GSocketConnectable *address;

  Stage stage;
  GCancellable *cancellable; /* ours: ends it for the caller's and the timeout's sake */
  GCancellable *caller;
  gulong caller_id;
  GSource *timeout;
  gboolean timed_out;

  GTlsCertificateFlags certificate_errors;
  IstMeteredStream *stream;
  SoupMessage *message; /* carries the headers of the request, is never sent by libsoup */
  GString *request;
  GByteArray *response;
  guint status;
  char *phrase;
  gsize body_left;
  GByteArray *body;
  SoupMessageHeaders *headers;
  char *channel_id;
} Handshake;

static void
handshake_free (Handshake *self)
{
  if (self->request != NULL)
    g_string_free (self->request, TRUE);
  if (self->timeout != NULL)
    g_source_destroy (self->timeout);
  g_clear_pointer (&self->timeout, g_source_unref);
  g_clear_object (&self->caller);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->uri, g_uri_unref);
  g_clear_pointer (&self->access_token, g_free);
  g_clear_pointer (&self->client_token, g_free);
  g_clear_object (&self->tls_database);
  g_clear_pointer (&self->authority, g_free);
  g_clear_object (&self->address);
  g_clear_object (&self->stream);
  g_clear_object (&self->message);
  g_clear_pointer (&self->response, g_byte_array_unref);
  g_clear_pointer (&self->body, g_byte_array_unref);
  g_clear_pointer (&self->headers, soup_message_headers_unref);
  g_clear_pointer (&self->phrase, g_free);
  g_clear_pointer (&self->channel_id, g_free);
  g_free (self);
}

static gboolean
is_secure (GUri *uri)
{
  return g_str_equal (g_uri_get_scheme (uri), "wss");
}

/* Ending */

static char *
describe_certificate_errors (GTlsCertificateFlags flags)
{
  static const struct
  {
    GTlsCertificateFlags flag;
    const char *text;
  } texts[] = {
    { G_TLS_CERTIFICATE_UNKNOWN_CA, "its issuer is not trusted" },
    { G_TLS_CERTIFICATE_BAD_IDENTITY, "it is for another host name" },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not valid yet" },
    { G_TLS_CERTIFICATE_EXPIRED, "it has expired" },
    { G_TLS_CERTIFICATE_REVOKED, "it has been revoked" },
    { G_TLS_CERTIFICATE_INSECURE, "its algorithm is insecure" },
  };
  GString *out = g_string_new (NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      if (flags & texts[i].flag)
        g_string_append_printf (out, "%s%s", out->len == 0 ? "; the certificate: " : ", ", texts[i].text);
    }
  return g_string_free (out, FALSE);
}

static GError *
translate_error (Handshake *self,
                 const GError *error)
{
  static const char *const stages[] = {
    [STAGE_CONNECTING] = "while connecting",
    [STAGE_TLS] = "in the TLS handshake",
    [STAGE_UPGRADING] = "waiting for the answer to the WebSocket handshake",
  };

  if (self->timed_out && self->headers == NULL)
    return g_error_new (IST_ERROR, IST_ERROR_TIMED_OUT, "Could not connect to %s in time: timed out %s",
                        self->authority, stages[self->stage]);
  if (error->domain == IST_ERROR || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_copy (error);

  if (self->stage == STAGE_UPGRADING)
    return g_error_new (IST_ERROR, IST_ERROR_DISCONNECTED,
                        "The connection to %s was lost during the WebSocket handshake: %s",
                        self->authority, error->message);
  if (error->domain == G_TLS_ERROR)
    {
      g_autofree char *certificate = describe_certificate_errors (self->certificate_errors);

      return g_error_new (IST_ERROR, IST_ERROR_TLS, "The TLS handshake with %s failed: %s%s",
                          self->authority, error->message, certificate);
    }
  return g_error_new (IST_ERROR, IST_ERROR_UNREACHABLE, "Could not connect to %s: %s", self->authority,
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
  g_task_return_error (task, translate_error (self, error));
  g_error_free (error);
}

/* A service that quotes the tokens must not bring them into a log. */
static char *
redact (Handshake *self,
        const char *said)
{
  GString *text;

  if (said == NULL)
    return NULL;
  text = g_string_new (said);
  ist_redact (text, self->access_token);
  ist_redact (text, self->client_token);
  return g_string_free (text, FALSE);
}

/* What the service says of a refusal, fit for one line of a message. */
static char *
describe_reason (Handshake *self)
{
  const char *header = soup_message_headers_get_one (self->headers, "X-Status-Reason");
  g_autofree char *raw = NULL;
  g_autofree char *valid = NULL;
  char *text;
  char *p;

  if (header != NULL && *header != '\0')
    raw = g_strdup (header);
  else if (self->body->len > 0)
    raw = g_strndup ((const char *) self->body->data, self->body->len);
  else
    raw = g_strdup (self->phrase);

  valid = g_utf8_make_valid (raw != NULL ? raw : "", -1);
  for (p = valid; *p != '\0'; p++)
    {
      if (g_ascii_iscntrl (*p))
        *p = ' ';
    }

  text = redact (self, g_strstrip (valid));
  if (strlen (text) > MAX_REASON)
    *g_utf8_find_prev_char (text, text + MAX_REASON + 1) = '\0';
  return text;
}

static IstError
classify_refusal (guint status,
                  const char *reason)
{
  g_autofree char *folded = g_ascii_strdown (reason, -1);

  if (status >= 500 || status == STATUS_TOO_MANY_REQUESTS)
    return IST_ERROR_SERVICE_UNAVAILABLE;
  if (status < 300)
    return IST_ERROR_PROTOCOL;
  if (strstr (folded, "tunnel") != NULL &&
      (strstr (folded, "closed") != NULL || strstr (folded, "expired") != NULL))
    return IST_ERROR_TUNNEL_CLOSED;
  if (strstr (folded, "token") != NULL || status == SOUP_STATUS_UNAUTHORIZED ||
      status == SOUP_STATUS_FORBIDDEN)
    return IST_ERROR_TOKEN_REJECTED;
  return IST_ERROR_REFUSED;
}

static GError *
describe_refusal (Handshake *self)
{
  g_autofree char *reason = describe_reason (self);

  return g_error_new (IST_ERROR, classify_refusal (self->status, reason),
                      "%s refused the handshake with HTTP status %u: %s (channel %s)", self->authority,
                      self->status, *reason != '\0' ? reason : "no reason given",
                      self->channel_id != NULL ? self->channel_id : "unknown");
}

/* The answer */

static gboolean
check_accept (Handshake *self)
{
  SoupMessageHeaders *request = soup_message_get_request_headers (self->message);
  const char *key = soup_message_headers_get_one (request, "Sec-WebSocket-Key");
  const char *accept = soup_message_headers_get_one (self->headers, "Sec-WebSocket-Accept");
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

static const char *const subprotocols[] = {
  "aws.iot.securetunneling-3.0",
  "aws.iot.securetunneling-2.0",
  "aws.iot.securetunneling-1.0",
  NULL,
};

static gboolean
check_upgrade (Handshake *self,
               GError **error)
{
  const char *protocol = soup_message_headers_get_one (self->headers, "Sec-WebSocket-Protocol");
  const char *wrong = NULL;

  if (!soup_message_headers_header_equals (self->headers, "Upgrade", "websocket"))
    wrong = "no “Upgrade: websocket”";
  else if (!soup_message_headers_header_contains (self->headers, "Connection", "upgrade"))
    wrong = "no “Connection: upgrade”";
  else if (!check_accept (self))
    wrong = "a wrong Sec-WebSocket-Accept";
  else if (soup_message_headers_get_list (self->headers, "Sec-WebSocket-Extensions") != NULL)
    wrong = "an extension that was not asked for";
  else if (protocol != NULL && !g_strv_contains (subprotocols, protocol))
    wrong = "a subprotocol that was not asked for";

  if (wrong == NULL)
    return TRUE;
  g_set_error (error, IST_ERROR, IST_ERROR_PROTOCOL, "The answer of %s to the WebSocket handshake has %s",
               self->authority, wrong);
  return FALSE;
}

/* 1 when all is there, 0 when it would block, -1 on error. Byte by byte, since
 * what follows the answer belongs to the WebSocket; the stream reads ahead. */
static int
read_response (Handshake *self,
               GError **error)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (self->stream));
  GPollableInputStream *in = G_POLLABLE_INPUT_STREAM (input);
  GByteArray *into = self->headers == NULL ? self->response : self->body;
  g_autoptr (GError) local = NULL;
  guint8 byte;
  gssize n;

  while (self->headers == NULL || self->body_left > 0)
    {
      n = g_pollable_input_stream_read_nonblocking (in, &byte, 1, NULL, &local);
      if (n < 0 && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return 0;
      if (n < 0)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return -1;
        }
      if (n == 0 && self->headers != NULL)
        return 1;
      if (n == 0)
        {
          g_set_error (error, IST_ERROR, IST_ERROR_DISCONNECTED,
                       "%s closed the connection during the WebSocket handshake", self->authority);
          return -1;
        }
      g_byte_array_append (into, &byte, 1);
      if (self->headers != NULL)
        {
          self->body_left--;
          continue;
        }
      if (into->len >= 4 && memcmp (into->data + into->len - 4, "\r\n\r\n", 4) == 0)
        return 1;
      if (into->len >= MAX_RESPONSE)
        {
          g_set_error (error, IST_ERROR, IST_ERROR_PROTOCOL,
                       "The answer of %s to the WebSocket handshake is larger than %u bytes", self->authority,
                       MAX_RESPONSE);
          return -1;
        }
    }
  return 1;
}

static gboolean
parse_response (Handshake *self,
                GError **error)
{
  g_autoptr (SoupMessageHeaders) headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);

  /* Without the empty line; libsoup's look for numbers wants a NUL after the last one. */
  g_byte_array_set_size (self->response, self->response->len - 1);
  self->response->data[self->response->len - 1] = '\0';
  if (!soup_headers_parse_response ((const char *) self->response->data, self->response->len - 1, headers,
                                    NULL, &self->status, &self->phrase))
    {
      g_set_error (error, IST_ERROR, IST_ERROR_PROTOCOL, "The answer of %s is not HTTP", self->authority);
      return FALSE;
    }
  self->headers = g_steal_pointer (&headers);
  self->channel_id = redact (self, soup_message_headers_get_one (self->headers, "channel-id"));
  if (self->status != SOUP_STATUS_SWITCHING_PROTOCOLS &&
      soup_message_headers_get_encoding (self->headers) == SOUP_ENCODING_CONTENT_LENGTH)
    self->body_left = MIN (soup_message_headers_get_content_length (self->headers), MAX_REASON);
  return TRUE;
}

static gboolean
on_readable (GObject *in,
             gpointer user_data)
{
  GTask *task = user_data;
  Handshake *self = g_task_get_task_data (task);
  GError *error = NULL;
  int done;

  if (!g_cancellable_set_error_if_cancelled (self->cancellable, &error))
    {
      done = read_response (self, &error);
      if (done == 1 && self->headers == NULL && parse_response (self, &error))
        done = self->body_left > 0 ? read_response (self, &error) : 1;
      if (error == NULL && done == 0)
        return G_SOURCE_CONTINUE;
    }

  /* What the status says stands, also when the reason never comes. */
  if (self->headers != NULL && !g_cancellable_is_cancelled (self->caller))
    g_clear_error (&error);
  if (error == NULL && self->status != SOUP_STATUS_SWITCHING_PROTOCOLS)
    error = describe_refusal (self);
  if (error == NULL)
    check_upgrade (self, &error);
  if (error != NULL)
    {
      return_error (task, error);
      return G_SOURCE_REMOVE;
    }

  handshake_finish_watching (self);
  g_task_return_pointer (task, g_steal_pointer (&self->stream), g_object_unref);
  return G_SOURCE_REMOVE;
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
make_request (Handshake *self)
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
on_request_written (GObject *source,
                    GAsyncResult *result,
                    gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Handshake *self = g_task_get_task_data (task);
  GPollableInputStream *in;
  g_autoptr (GSource) readable = NULL;
  GError *error = NULL;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    {
      return_error (task, error);
      return;
    }
  in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (G_IO_STREAM (self->stream)));
  readable = g_pollable_input_stream_create_source (in, self->cancellable);
  g_source_set_callback (readable, G_SOURCE_FUNC (on_readable), g_steal_pointer (&task), g_object_unref);
  g_source_attach (readable, g_main_context_get_thread_default ());
}

static void
send_request (GTask *task)
{
  Handshake *self = g_task_get_task_data (task);
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (self->stream));

  self->stage = STAGE_UPGRADING;
  self->request = make_request (self);
  if (self->request->len > MAX_REQUEST)
    {
      return_error (task, g_error_new (IST_ERROR, IST_ERROR_INVALID_SETTING,
                                       "The handshake would take %" G_GSIZE_FORMAT " bytes, but the service "
                                       "takes no more than %d: access-token or endpoint is too long",
                                       self->request->len, MAX_REQUEST));
      return;
    }
  g_output_stream_write_all_async (out, self->request->str, self->request->len, G_PRIORITY_DEFAULT,
                                   self->cancellable, on_request_written, g_object_ref (task));
}

/* The connection */

static gboolean
on_accept_certificate (GTlsConnection *connection,
                       GTlsCertificate *certificate,
                       GTlsCertificateFlags errors,
                       gpointer user_data)
{
  GTask *task = user_data;
  Handshake *self = g_task_get_task_data (task);

  self->certificate_errors = errors;
  return self->skip_verification;
}

static gboolean
check_tls_version (Handshake *self,
                   GTlsConnection *tls,
                   GError **error)
{
  if (g_tls_connection_get_protocol_version (tls) >= G_TLS_PROTOCOL_VERSION_TLS_1_2)
    return TRUE;
  g_set_error (error, IST_ERROR, IST_ERROR_TLS, "%s speaks no version of TLS that is safe: 1.2 is the least",
               self->authority);
  return FALSE;
}

static void
on_tls_done (GObject *source,
             GAsyncResult *result,
             gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Handshake *self = g_task_get_task_data (task);
  GTlsConnection *tls = G_TLS_CONNECTION (source);
  GError *error = NULL;

  if (!g_tls_connection_handshake_finish (tls, result, &error) || !check_tls_version (self, tls, &error))
    {
      return_error (task, error);
      return;
    }
  self->stream = ist_metered_stream_new (G_IO_STREAM (tls));
  send_request (task);
}

/* Not left to GSocketClient, which has no way to say which certificates to
 * trust before it has loaded those of the system: megabytes, and most of the
 * time that connecting takes. */
static GTlsConnection *
make_tls_connection (Handshake *self,
                     GIOStream *base,
                     GError **error)
{
  GType type = g_tls_backend_get_client_connection_type (g_tls_backend_get_default ());

  if (self->tls_database == NULL)
    return g_initable_new (type, NULL, error, "base-io-stream", base, "server-identity", self->address, NULL);
  return g_initable_new (type, NULL, error, "base-io-stream", base, "server-identity", self->address,
                         "database", self->tls_database, NULL);
}

static void
on_connected (GObject *source,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Handshake *self = g_task_get_task_data (task);
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GTlsConnection) tls = NULL;
  GError *error = NULL;

  connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  if (connection == NULL)
    {
      return_error (task, error);
      return;
    }
  if (!is_secure (self->uri))
    {
      self->stream = ist_metered_stream_new (G_IO_STREAM (connection));
      send_request (task);
      return;
    }

  self->stage = STAGE_TLS;
  tls = make_tls_connection (self, G_IO_STREAM (connection), &error);
  if (tls == NULL)
    {
      return_error (task, error);
      return;
    }
  g_signal_connect_object (tls, "accept-certificate", G_CALLBACK (on_accept_certificate), task, 0);
  g_tls_connection_handshake_async (tls, G_PRIORITY_DEFAULT, self->cancellable, on_tls_done,
                                    g_steal_pointer (&task));
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
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autofree char *address_uri = NULL;
  gboolean secure = is_secure (params->uri);
  Handshake *self = g_new0 (Handshake, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, ist_handshake_async);
  g_task_set_task_data (task, self, (GDestroyNotify) handshake_free);
  self->uri = g_uri_ref (params->uri);
  self->access_token = g_strdup (params->access_token);
  self->client_token = g_strdup (params->client_token);
  self->skip_verification = params->skip_verification;
  g_set_object (&self->tls_database, params->tls_database);
  self->response = g_byte_array_new ();
  self->body = g_byte_array_new ();
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

  /* With the scheme that proxies are configured for. */
  address_uri = g_strdup_printf ("%s://%s", secure ? "https" : "http", self->authority);
  self->address = g_network_address_parse_uri (address_uri, secure ? 443 : 80, &error);
  if (self->address == NULL)
    {
      return_error (task, error);
      return;
    }
  if (params->proxy_resolver != NULL)
    g_socket_client_set_proxy_resolver (client, params->proxy_resolver);
  else if (params->is_loopback)
    g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_connect_async (client, self->address, self->cancellable, on_connected,
                                 g_steal_pointer (&task));
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
