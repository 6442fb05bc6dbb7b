/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "client.h"

#include <string.h>

#define MAX_ANSWER 16384

GIOStream *
client_connect (IstEmulatorService *service,
                GTlsDatabase *database,
                const char *host,
                GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) address = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  GIOStream *tls;

  address = g_network_address_new (host, ist_emulator_service_get_port (service));
  g_socket_client_connect_async (client, address, NULL, test_store_result, &result);
  test_wait (result != NULL);
  connection = g_socket_client_connect_finish (client, result, error);
  if (connection == NULL || database == NULL)
    return (GIOStream *) g_steal_pointer (&connection);

  tls = g_tls_client_connection_new (G_IO_STREAM (connection), address, error);
  g_assert_nonnull (tls);
  g_tls_connection_set_database (G_TLS_CONNECTION (tls), database);
  g_clear_object (&result);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (tls), G_PRIORITY_DEFAULT, NULL, test_store_result, &result);
  test_wait (result != NULL);
  if (!g_tls_connection_handshake_finish (G_TLS_CONNECTION (tls), result, error))
    g_clear_object (&tls);
  return tls;
}

/* Bytewise: what follows the headers of a 101 belongs to the WebSocket. */
static void
read_byte (GInputStream *input,
           GString *answer)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  char byte;
  gssize n_read;

  g_input_stream_read_async (input, &byte, 1, G_PRIORITY_DEFAULT, NULL, test_store_result, &result);
  test_wait (result != NULL);
  n_read = g_input_stream_read_finish (input, result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (n_read, ==, 1);
  g_string_append_c (answer, byte);
  g_assert_cmpuint (answer->len, <, MAX_ANSWER);
}

char *
client_exchange (GIOStream *stream,
                 const char *request)
{
  GInputStream *input = g_io_stream_get_input_stream (stream);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) answer = g_string_new (NULL);
  const char *length;

  g_output_stream_write_all_async (g_io_stream_get_output_stream (stream), request, strlen (request),
                                   G_PRIORITY_DEFAULT, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_output_stream_write_all_finish (g_io_stream_get_output_stream (stream), result, NULL, &error);
  g_assert_no_error (error);

  while (!g_str_has_suffix (answer->str, "\r\n\r\n"))
    read_byte (input, answer);
  length = strstr (answer->str, "Content-Length: ");
  if (length != NULL && !g_str_has_prefix (request, "HEAD "))
    for (guint64 i = g_ascii_strtoull (length + strlen ("Content-Length: "), NULL, 10); i > 0; i--)
      read_byte (input, answer);
  return g_string_free (g_steal_pointer (&answer), FALSE);
}

char *
client_make_request (IstEmulatorTunnel *tunnel,
                     IstMode mode,
                     const char *headers)
{
  return g_strdup_printf ("GET /tunnel?local-proxy-mode=%s HTTP/1.1\r\n"
                          "Host: localhost\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Protocol: aws.iot.securetunneling-3.0\r\n"
                          "access-token: %s\r\n"
                          "%s"
                          "\r\n",
                          mode == IST_MODE_SOURCE ? "source" : "destination",
                          mode == IST_MODE_SOURCE ? ist_emulator_tunnel_get_source_access_token (tunnel)
                                                  : ist_emulator_tunnel_get_destination_access_token (tunnel),
                          headers != NULL ? headers : "");
}

static void
on_message (SoupWebsocketConnection *websocket,
            SoupWebsocketDataType type,
            GBytes *data,
            Client *self)
{
  gsize size = g_bytes_get_size (data);

  g_array_append_val (self->frames, size);
  if (type != SOUP_WEBSOCKET_DATA_BINARY)
    return;

  ist_wire_decoder_feed (self->decoder, data);
  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (IstMessage) message = NULL;

      if (!ist_wire_decoder_next (self->decoder, &message, NULL, &error))
        {
          /* Some tests send nonsense on purpose. */
          ist_wire_decoder_reset (self->decoder);
          return;
        }
      if (message == NULL)
        return;
      if (ist_message_get_payload (message) != NULL)
        self->n_payload += g_bytes_get_size (ist_message_get_payload (message));
      if (self->keep_messages)
        g_ptr_array_add (self->messages, g_steal_pointer (&message));
    }
}

static void
on_closed (SoupWebsocketConnection *websocket,
           Client *self)
{
  self->closed = TRUE;
  self->close_code = soup_websocket_connection_get_close_code (websocket);
  self->close_reason = g_strdup (soup_websocket_connection_get_close_data (websocket));
}

Client *
client_new (IstEmulatorService *service,
            IstEmulatorTunnel *tunnel,
            IstMode mode,
            const char *client_token)
{
  Client *self = g_new0 (Client, 1);
  g_autoptr (GUri) uri = g_uri_parse ("ws://localhost/tunnel", G_URI_FLAGS_NONE, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *header = NULL;
  g_autofree char *request = NULL;

  if (client_token != NULL)
    header = g_strdup_printf ("client-token: %s\r\n", client_token);
  request = client_make_request (tunnel, mode, header);
  self->stream = client_connect (service, NULL, "127.0.0.1", &error);
  g_assert_no_error (error);
  self->answer = client_exchange (self->stream, request);
  g_assert_true (g_str_has_prefix (self->answer, "HTTP/1.1 101 "));

  self->decoder = ist_wire_decoder_new (TRUE);
  self->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) ist_message_unref);
  self->frames = g_array_new (FALSE, FALSE, sizeof (gsize));
  self->keep_messages = TRUE;
  self->websocket = soup_websocket_connection_new (self->stream, uri, SOUP_WEBSOCKET_CONNECTION_CLIENT,
                                                   NULL, "aws.iot.securetunneling-3.0", NULL);
  soup_websocket_connection_set_max_incoming_payload_size (self->websocket, IST_WIRE_MAX_FRAME);
  g_signal_connect (self->websocket, "message", G_CALLBACK (on_message), self);
  g_signal_connect (self->websocket, "closed", G_CALLBACK (on_closed), self);
  test_wait (ist_emulator_tunnel_is_connected (tunnel, mode));
  return self;
}

void
client_free (Client *self)
{
  g_signal_handlers_disconnect_by_data (self->websocket, self);
  g_io_stream_close (self->stream, NULL, NULL);
  g_object_unref (self->websocket);
  g_object_unref (self->stream);
  ist_wire_decoder_free (self->decoder);
  g_ptr_array_unref (self->messages);
  g_array_unref (self->frames);
  g_free (self->answer);
  g_free (self->close_reason);
  g_free (self);
}

void
client_send_bytes (Client *self,
                   gconstpointer data,
                   gsize length)
{
  soup_websocket_connection_send_binary (self->websocket, data, length);
}

GBytes *
client_encode (IstMessageType type,
               const char *service_id,
               int stream_id,
               guint connection_id,
               GBytes *payload)
{
  g_autoptr (IstMessage) message = NULL;
  g_autoptr (GByteArray) array = g_byte_array_new ();

  message = ist_message_new_full (type, service_id, stream_id, connection_id, FALSE, payload);
  ist_wire_encode (message, array);
  return g_byte_array_free_to_bytes (g_steal_pointer (&array));
}

void
client_send (Client *self,
             IstMessageType type,
             const char *service_id,
             int stream_id,
             guint connection_id,
             const char *payload)
{
  g_autoptr (GBytes) content = payload != NULL ? g_bytes_new_static (payload, strlen (payload)) : NULL;
  g_autoptr (GBytes) bytes = client_encode (type, service_id, stream_id, connection_id, content);

  client_send_bytes (self, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

IstMessage *
client_take (Client *self)
{
  test_wait (self->messages->len > 0 || self->closed);
  g_assert_cmpuint (self->messages->len, >, 0);
  return g_ptr_array_steal_index (self->messages, 0);
}

void
client_expect (Client *self,
               IstMessageType type,
               const char *service_id,
               int stream_id,
               guint connection_id,
               const char *payload)
{
  g_autoptr (IstMessage) message = client_take (self);
  GBytes *content = ist_message_get_payload (message);

  g_assert_cmpint (ist_message_get_message_type (message), ==, type);
  g_assert_cmpstr (ist_message_get_service_id (message), ==, service_id);
  g_assert_cmpint (ist_message_get_stream_id (message), ==, stream_id);
  g_assert_cmpuint (ist_message_get_connection_id (message), ==, connection_id);
  if (payload != NULL)
    g_assert_cmpmem (g_bytes_get_data (content, NULL), g_bytes_get_size (content), payload, strlen (payload));
  else
    g_assert_true (content == NULL || g_bytes_get_size (content) == 0);
}

void
client_expect_services (Client *self,
                        const char *const *services)
{
  g_autoptr (IstMessage) message = client_take (self);
  const char *const *actual = ist_message_get_service_ids (message);
  const char *const none[] = { NULL };

  g_assert_cmpint (ist_message_get_message_type (message), ==, IST_MESSAGE_TYPE_SERVICE_IDS);
  g_assert_cmpstrv ((gpointer) (actual != NULL ? actual : none), (gpointer) services);
}

void
client_expect_closed (Client *self,
                      guint16 code,
                      const char *reason)
{
  test_wait (self->closed);
  g_assert_cmpuint (self->close_code, ==, code);
  if (reason != NULL)
    g_assert_cmpstr (self->close_reason, ==, reason);
}
