/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "test-server.h"

#include <gio/gunixinputstream.h>
#include <string.h>
#include <sys/socket.h>

#include "ist-emulator/ist-emulator-certificate-private.h"

/* The peer */

TestPeer *
test_peer_new (GIOStream *stream,
               GSocket *socket)
{
  TestPeer *self = g_new0 (TestPeer, 1);

  self->stream = g_object_ref (stream);
  self->socket = g_object_ref (socket);
  return self;
}

void
test_peer_free (TestPeer *self)
{
  /* No farewell of TLS: the other side may not read any more. */
  g_socket_close (self->socket, NULL);
  g_clear_object (&self->stream);
  g_clear_object (&self->socket);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->request, g_free);
  g_free (self);
}

gboolean
test_peer_write (TestPeer *self,
                 gconstpointer data,
                 gsize length)
{
  return g_output_stream_write_all (g_io_stream_get_output_stream (self->stream), data, length, NULL,
                                    self->cancellable, NULL);
}

gboolean
test_peer_say (TestPeer *self,
               const char *text)
{
  return test_peer_write (self, text, strlen (text));
}

gboolean
test_peer_read (TestPeer *self,
                gpointer data,
                gsize length)
{
  GPollableInputStream *in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (self->stream));
  gsize done = 0;

  /* Not blocking in the stream: GIO's TLS leaks an error when that is cancelled. */
  while (done < length)
    {
      g_autoptr (GError) error = NULL;
      gssize n = g_pollable_input_stream_read_nonblocking (in, (guint8 *) data + done, length - done, NULL, &error);

      if (n > 0)
        done += n;
      else if (n == 0 || !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ||
               !g_socket_condition_wait (self->socket, G_IO_IN, self->cancellable, NULL))
        return FALSE;
    }
  return TRUE;
}

gboolean
test_peer_read_request (TestPeer *self)
{
  g_autoptr (GString) request = g_string_new (NULL);
  char c;

  while (!g_str_has_suffix (request->str, "\r\n\r\n"))
    {
      if (!test_peer_read (self, &c, 1))
        return FALSE;
      g_string_append_c (request, c);
    }
  g_free (self->request);
  self->request = g_string_free (g_steal_pointer (&request), FALSE);
  return TRUE;
}

char *
test_peer_dup_header (TestPeer *self,
                      const char *name)
{
  g_auto (GStrv) lines = g_strsplit (self->request, "\r\n", -1);
  gsize length = strlen (name);
  guint i;

  for (i = 1; lines[i] != NULL; i++)
    {
      if (g_ascii_strncasecmp (lines[i], name, length) == 0 && lines[i][length] == ':')
        return g_strstrip (g_strdup (lines[i] + length + 1));
    }
  return NULL;
}

gboolean
test_peer_upgrade (TestPeer *self,
                   const char *extra)
{
  return test_peer_read_request (self) && test_peer_accept (self, extra);
}

gboolean
test_peer_accept (TestPeer *self,
                  const char *extra)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA1);
  g_autofree char *key = NULL;
  g_autofree char *accept = NULL;
  g_autofree char *answer = NULL;
  guint8 digest[20];
  gsize length = sizeof digest;

  key = test_peer_dup_header (self, "Sec-WebSocket-Key");
  g_assert_nonnull (key);
  g_checksum_update (checksum, (const guchar *) key, -1);
  g_checksum_update (checksum, (const guchar *) "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", -1);
  g_checksum_get_digest (checksum, digest, &length);
  accept = g_base64_encode (digest, length);
  answer = g_strdup_printf ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n%s\r\n",
                            accept, extra != NULL ? extra : "");
  return test_peer_say (self, answer);
}

gboolean
test_peer_send_frame (TestPeer *self,
                      guint head,
                      gconstpointer data,
                      gsize length)
{
  g_autoptr (GByteArray) frame = g_byte_array_sized_new (length + 14);
  guint8 header[14] = { head };
  guint mask = self->masks ? 0x80 : 0;
  guint n = 2;
  guint i;

  if (length < 126)
    {
      header[1] = length | mask;
    }
  else if (length <= G_MAXUINT16)
    {
      header[1] = 126 | mask;
      header[2] = length >> 8;
      header[3] = length;
      n = 4;
    }
  else
    {
      header[1] = 127 | mask;
      for (i = 0; i < 8; i++)
        header[2 + i] = (guint64) length >> (56 - 8 * i);
      n = 10;
    }
  /* A mask of zeros changes nothing. */
  if (self->masks)
    n += 4;
  g_byte_array_append (frame, header, n);
  g_byte_array_append (frame, data, length);
  return test_peer_write (self, frame->data, frame->len);
}

gboolean
test_peer_send_close (TestPeer *self,
                      guint code,
                      const char *reason)
{
  g_autoptr (GByteArray) payload = g_byte_array_new ();
  guint8 bytes[2] = { code >> 8, code & 0xff };

  if (code != 0)
    g_byte_array_append (payload, bytes, 2);
  if (reason != NULL)
    g_byte_array_append (payload, (const guint8 *) reason, strlen (reason));
  self->closing = TRUE;
  return test_peer_send_frame (self, TEST_FIN | TEST_CLOSE, payload->data, payload->len);
}

GBytes *
test_peer_read_frame (TestPeer *self,
                      guint *opcode)
{
  g_autofree guint8 *payload = NULL;
  guint8 header[2];
  guint8 extended[8];
  guint8 mask[4] = { 0 };
  guint64 length;
  guint n_extended;
  gsize i;

  if (!test_peer_read (self, header, 2))
    return NULL;
  g_assert_cmpuint (header[0] & 0x70, ==, 0);
  g_assert_cmpuint (header[0] & TEST_FIN, ==, TEST_FIN);
  g_assert_cmpuint (header[1] & 0x80, ==, self->masks ? 0 : 0x80);
  *opcode = header[0] & 0x0f;
  length = header[1] & 0x7f;
  n_extended = length == 126 ? 2 : length == 127 ? 8
                                                 : 0;
  if (!test_peer_read (self, extended, n_extended))
    return NULL;
  if (n_extended > 0)
    length = 0;
  for (i = 0; i < n_extended; i++)
    length = length << 8 | extended[i];
  g_assert_cmpuint (length, <=, TEST_MAX_FRAME);
  if (!self->masks && !test_peer_read (self, mask, 4))
    return NULL;
  payload = g_malloc (length + 1);
  if (!test_peer_read (self, payload, length))
    return NULL;
  for (i = 0; i < length; i++)
    payload[i] ^= mask[i % 4];
  return g_bytes_new_take (g_steal_pointer (&payload), length);
}

void
test_peer_linger (TestPeer *self)
{
  for (;;)
    {
      g_autoptr (GBytes) payload = NULL;
      guint opcode;

      payload = test_peer_read_frame (self, &opcode);
      if (payload == NULL)
        return;
      if (opcode == TEST_CLOSE)
        {
          if (!self->closing)
            test_peer_send_frame (self, TEST_FIN | TEST_CLOSE, g_bytes_get_data (payload, NULL),
                                  g_bytes_get_size (payload));
          return;
        }
      if (opcode == TEST_PING)
        test_peer_send_frame (self, TEST_FIN | TEST_PONG, g_bytes_get_data (payload, NULL),
                              g_bytes_get_size (payload));
    }
}

void
test_peer_sleep (TestPeer *self,
                 guint milliseconds)
{
  g_socket_condition_timed_wait (self->socket, G_IO_HUP | G_IO_ERR, milliseconds * (gint64) 1000, self->cancellable,
                                 NULL);
}

void
test_peer_abort (TestPeer *self)
{
  struct linger linger = { 1, 0 };

  g_assert_cmpint (setsockopt (g_socket_get_fd (self->socket), SOL_SOCKET, SO_LINGER, &linger, sizeof linger), ==, 0);
  g_socket_close (self->socket, NULL);
}

/* The server */

struct _TestServer
{
  TestServerKind kind;
  TestScript script;
  gpointer user_data;
  GSocket *listener;
  guint port;
  char *endpoint;
  char *ca_file;
  GTlsCertificate *certificate;
  GCancellable *cancellable;
  GThread *thread;
  GAsyncQueue *items;
  guint connections; /* atomic */
  GMutex mutex;
  GCond cond;
  guint step;
};

static GIOStream *
server_wrap (TestServer *self,
             GSocketConnection *connection)
{
  g_autoptr (GIOStream) tls = NULL;

  if (self->certificate == NULL)
    return g_object_ref (G_IO_STREAM (connection));
  tls = g_tls_server_connection_new (G_IO_STREAM (connection), self->certificate, NULL);
  g_assert_nonnull (tls);
  g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (tls), FALSE);
  if (!g_tls_connection_handshake (G_TLS_CONNECTION (tls), self->cancellable, NULL))
    return NULL;
  return g_steal_pointer (&tls);
}

static gpointer
server_run (gpointer user_data)
{
  TestServer *self = user_data;
  guint number;

  for (number = 0;; number++)
    {
      g_autoptr (GSocket) socket = g_socket_accept (self->listener, self->cancellable, NULL);
      g_autoptr (GSocketConnection) connection = NULL;
      g_autoptr (GIOStream) stream = NULL;
      g_autoptr (TestPeer) peer = NULL;

      if (socket == NULL)
        return NULL;
      g_atomic_int_inc (&self->connections);
      connection = g_socket_connection_factory_create_connection (socket);
      stream = server_wrap (self, connection);
      if (stream == NULL)
        {
          g_socket_close (socket, NULL);
          continue;
        }
      peer = test_peer_new (stream, socket);
      peer->cancellable = g_object_ref (self->cancellable);
      peer->number = number;
      self->script (self, peer, self->user_data);
    }
}

GTlsCertificate *
test_certificate_new (GInetAddress *address,
                      char **ca_pem)
{
  g_autoptr (GError) error = NULL;
  GTlsCertificate *certificate = ist_emulator_certificate_new (address, ca_pem, &error);

  g_assert_no_error (error);
  return certificate;
}

static void
server_make_certificate (TestServer *self)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autofree char *pem = NULL;

  self->certificate = test_certificate_new (address, &pem);
  self->ca_file = test_file_new (pem);
}

TestServer *
test_server_new (TestServerKind kind,
                 TestScript script,
                 gpointer user_data)
{
  TestServer *self = g_new0 (TestServer, 1);
  const char *host = kind == TEST_SERVER_TLS_OTHER_HOST ? "127.0.0.2" : "127.0.0.1";
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (host, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;

  self->kind = kind;
  self->script = script;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->items = g_async_queue_new ();
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  if (kind == TEST_SERVER_TLS || kind == TEST_SERVER_TLS_OTHER_HOST)
    server_make_certificate (self);

  self->listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
  g_assert_no_error (error);
  g_socket_bind (self->listener, address, TRUE, &error);
  g_assert_no_error (error);
  g_socket_listen (self->listener, &error);
  g_assert_no_error (error);
  bound = g_socket_get_local_address (self->listener, &error);
  g_assert_no_error (error);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  self->endpoint = self->certificate != NULL ? g_strdup_printf ("wss://localhost:%u", self->port)
                                             : g_strdup_printf ("ws://127.0.0.1:%u", self->port);
  if (kind != TEST_SERVER_SILENT)
    self->thread = g_thread_new ("test-server", server_run, self);
  return self;
}

void
test_server_free (TestServer *self)
{
  g_cancellable_cancel (self->cancellable);
  g_mutex_lock (&self->mutex);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_socket_close (self->listener, NULL);
  g_clear_object (&self->listener);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->certificate);
  g_clear_pointer (&self->endpoint, g_free);
  test_file_free (self->ca_file);
  g_assert_cmpint (g_async_queue_length (self->items), ==, 0);
  g_async_queue_unref (self->items);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}

guint
test_server_get_port (TestServer *self)
{
  return self->port;
}

const char *
test_server_get_endpoint (TestServer *self)
{
  return self->endpoint;
}

const char *
test_server_get_ca_file (TestServer *self)
{
  return self->ca_file;
}

guint
test_server_get_connections (TestServer *self)
{
  return g_atomic_int_get (&self->connections);
}

void
test_server_set_step (TestServer *self,
                      guint step)
{
  g_mutex_lock (&self->mutex);
  self->step = step;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

guint
test_server_get_step (TestServer *self)
{
  guint step;

  g_mutex_lock (&self->mutex);
  step = self->step;
  g_mutex_unlock (&self->mutex);
  return step;
}

gboolean
test_server_await_step (TestServer *self,
                        guint step)
{
  gboolean reached;

  g_mutex_lock (&self->mutex);
  while (self->step < step && !g_cancellable_is_cancelled (self->cancellable))
    g_cond_wait (&self->cond, &self->mutex);
  reached = self->step >= step;
  g_mutex_unlock (&self->mutex);
  return reached;
}

void
test_server_push (TestServer *self,
                  gpointer item)
{
  g_async_queue_push (self->items, item);
}

gpointer
test_server_pop (TestServer *self)
{
  return g_async_queue_try_pop (self->items);
}

/* Tunnel messages */

static void
put_varint (GByteArray *out,
            guint64 value)
{
  do
    {
      guint8 byte = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);

      g_byte_array_append (out, &byte, 1);
      value >>= 7;
    }
  while (value > 0);
}

static void
put_number (GByteArray *out,
            guint field,
            guint64 value)
{
  if (value == 0)
    return;
  put_varint (out, field << 3);
  put_varint (out, value);
}

static void
put_string (GByteArray *out,
            guint field,
            gconstpointer data,
            gsize length)
{
  put_varint (out, field << 3 | 2);
  put_varint (out, length);
  if (length > 0)
    g_byte_array_append (out, data, length);
}

static GBytes *
finish_message (GByteArray *body)
{
  guint8 length[2] = { body->len >> 8, body->len & 0xff };

  g_byte_array_prepend (body, length, 2);
  return g_byte_array_free_to_bytes (body);
}

GBytes *
test_message_encode (guint type,
                     int stream,
                     const char *service,
                     guint connection,
                     gconstpointer payload,
                     gsize length)
{
  GByteArray *body = g_byte_array_new ();

  put_number (body, 1, type);
  put_number (body, 2, (guint64) (gint64) stream);
  if (length > 0)
    put_string (body, 4, payload, length);
  if (service != NULL)
    put_string (body, 5, service, strlen (service));
  put_number (body, 7, connection);
  return finish_message (body);
}

GBytes *
test_services_encode (const char *const *services)
{
  GByteArray *body = g_byte_array_new ();
  guint i;

  put_number (body, 1, 5);
  for (i = 0; services != NULL && services[i] != NULL; i++)
    put_string (body, 6, services[i], strlen (services[i]));
  return finish_message (body);
}

static guint64
get_varint (const guint8 **p,
            const guint8 *end)
{
  guint64 value = 0;
  guint shift = 0;

  do
    {
      g_assert_true (*p < end && shift < 64);
      value |= (guint64) (**p & 0x7f) << shift;
      shift += 7;
    }
  while (*(*p)++ & 0x80);
  return value;
}

TestMessage *
test_message_decode (GByteArray *stream)
{
  TestMessage *self;
  const guint8 *p;
  const guint8 *end;
  guint last_field = 0;
  gsize size;

  if (stream->len < 2)
    return NULL;
  size = stream->data[0] << 8 | stream->data[1];
  if (stream->len < 2 + size)
    return NULL;

  self = g_new0 (TestMessage, 1);
  self->services = g_ptr_array_new_with_free_func (g_free);
  p = stream->data + 2;
  end = p + size;
  while (p < end)
    {
      guint64 key = get_varint (&p, end);
      guint64 value = get_varint (&p, end);
      guint field = key >> 3;
      const guint8 *data = p;

      /* In number order, and nothing that is unset. */
      g_assert_cmpuint (field, >, last_field - (field == 6));
      last_field = field;
      if ((key & 7) == 2)
        {
          g_assert_cmpuint (value, <=, (guint64) (end - p));
          p += value;
        }
      else
        {
          g_assert_cmpuint (key & 7, ==, 0);
          g_assert_cmpuint (value, !=, 0);
        }
      switch (field)
        {
        case 1:
          self->type = value;
          break;
        case 2:
          self->stream = value;
          break;
        case 3:
          self->ignorable = value != 0;
          break;
        case 4:
          self->payload = g_bytes_new (data, value);
          break;
        case 5:
          self->service = g_strndup ((const char *) data, value);
          break;
        case 6:
          g_ptr_array_add (self->services, g_strndup ((const char *) data, value));
          break;
        case 7:
          self->connection = value;
          break;
        default:
          g_error ("A field that the service does not know: %u", field);
        }
    }
  g_byte_array_remove_range (stream, 0, 2 + size);
  return self;
}

void
test_message_free (TestMessage *self)
{
  g_clear_pointer (&self->payload, g_bytes_unref);
  g_clear_pointer (&self->service, g_free);
  g_clear_pointer (&self->services, g_ptr_array_unref);
  g_free (self);
}

gboolean
test_peer_send_bytes (TestPeer *self,
                      GBytes *bytes)
{
  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);

  return test_peer_send_frame (self, TEST_FIN | TEST_BINARY, data, length);
}

gboolean
test_peer_send_message (TestPeer *self,
                        guint type,
                        int stream,
                        const char *service,
                        guint connection,
                        const char *payload)
{
  g_autoptr (GBytes) bytes = NULL;

  bytes = test_message_encode (type, stream, service, connection, payload, payload != NULL ? strlen (payload) : 0);
  return test_peer_send_bytes (self, bytes);
}

gboolean
test_peer_send_services (TestPeer *self,
                         const char *const *services)
{
  g_autoptr (GBytes) bytes = test_services_encode (services);

  return test_peer_send_bytes (self, bytes);
}

TestMessage *
test_peer_read_message (TestPeer *self,
                        GByteArray *stream)
{
  TestMessage *message;

  while ((message = test_message_decode (stream)) == NULL)
    {
      g_autoptr (GBytes) payload = NULL;
      gconstpointer data;
      gsize length;
      guint opcode;

      payload = test_peer_read_frame (self, &opcode);
      if (payload == NULL || opcode == TEST_CLOSE)
        return NULL;
      data = g_bytes_get_data (payload, &length);
      if (opcode == TEST_PING)
        test_peer_send_frame (self, TEST_FIN | TEST_PONG, data, length);
      else if (opcode == TEST_BINARY)
        g_byte_array_append (stream, data, length);
      else
        g_error ("A client sends no frames of opcode %u", opcode);
    }
  return message;
}
