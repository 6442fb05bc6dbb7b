/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "pair.h"

#include <string.h>

static gboolean
on_incoming_connection (IstSecureTunnel *tunnel,
                        IstConnection *connection,
                        Pair *self)
{
  if (self->on_incoming != NULL)
    return self->on_incoming (self, connection);
  if (self->refuse)
    return FALSE;
  g_queue_push_tail (&self->incoming, g_object_ref (connection));
  return TRUE;
}

static TestEnd *
pair_add (Pair *self,
          IstMode mode,
          const char *first_property,
          va_list args)
{
  TestEnd *end = test_emulator_add_valist (self->emulator, mode, first_property, args);

  test_end_start (end);
  if (mode == IST_MODE_DESTINATION)
    g_signal_connect (end->tunnel, "incoming-connection", G_CALLBACK (on_incoming_connection), self);
  test_wait (test_end_count (end, "success") == 1);
  return end;
}

Pair *
pair_new (const char *const *services,
          gboolean destination,
          const char *first_property,
          ...)
{
  Pair *self = g_new0 (Pair, 1);
  va_list args;

  self->emulator = test_emulator_new (services);
  g_queue_init (&self->incoming);
  va_start (args, first_property);
  self->source = pair_add (self, IST_MODE_SOURCE, first_property, args);
  va_end (args);
  if (!destination)
    return self;

  va_start (args, first_property);
  self->destination = pair_add (self, IST_MODE_DESTINATION, first_property, args);
  va_end (args);
  return self;
}

Pair *
pair_new_slow (const char *const *services,
               guint bandwidth,
               const char *first_property,
               ...)
{
  Pair *self = g_new0 (Pair, 1);
  IstMode mode;

  self->emulator = test_emulator_new_slow (services, bandwidth);
  g_queue_init (&self->incoming);
  for (mode = IST_MODE_SOURCE; mode <= IST_MODE_DESTINATION; mode++)
    {
      va_list args;

      va_start (args, first_property);
      *(mode == IST_MODE_SOURCE ? &self->source : &self->destination) = pair_add (self, mode, first_property, args);
      va_end (args);
    }
  return self;
}

void
pair_free (Pair *self)
{
  g_queue_clear_full (&self->incoming, g_object_unref);
  g_clear_pointer (&self->source, test_end_free);
  g_clear_pointer (&self->destination, test_end_free);
  test_emulator_free (self->emulator);
  g_free (self);
}

void
pair_begin_open (Pair *self,
                 const char *service,
                 GAsyncResult **result)
{
  ist_secure_tunnel_open_connection_async (self->source->tunnel, service, NULL, test_store_result, result);
}

IstConnection *
pair_finish_open (Pair *self,
                  GAsyncResult **result,
                  GError **error)
{
  g_autoptr (GAsyncResult) done = NULL;

  test_wait (*result != NULL);
  done = g_steal_pointer (result);
  return ist_secure_tunnel_open_connection_finish (self->source->tunnel, done, error);
}

IstConnection *
pair_try_open (Pair *self,
               const char *service,
               GError **error)
{
  GAsyncResult *result = NULL;

  pair_begin_open (self, service, &result);
  return pair_finish_open (self, &result, error);
}

void
pair_open (Pair *self,
           const char *service,
           IstConnection **source,
           IstConnection **destination)
{
  g_autoptr (GError) error = NULL;

  *source = pair_try_open (self, service, &error);
  g_assert_no_error (error);
  test_wait (self->incoming.head != NULL);
  *destination = g_queue_pop_head (&self->incoming);
  g_assert_cmpstr (ist_connection_get_service_id (*destination), ==, ist_connection_get_service_id (*source));
}

void
fixture_set_up (Fixture *self,
                gconstpointer data)
{
  self->pair = pair_new (test_ssh, TRUE, "protocol-version", IST_PROTOCOL_VERSION_V3, NULL);
  pair_open (self->pair, "SSH", &self->near, &self->far);
}

void
fixture_tear_down (Fixture *self,
                   gconstpointer data)
{
  g_clear_object (&self->near);
  g_clear_object (&self->far);
  pair_free (self->pair);
}

void
pair_say (Pair *self,
          IstMessageType type,
          const char *service,
          int stream,
          guint connection,
          const char *payload)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (IstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  if (payload != NULL)
    bytes = g_bytes_new (payload, strlen (payload));
  message = ist_message_new_full (type, service, stream, connection, FALSE, bytes);
  ist_emulator_tunnel_send_message (self->emulator->tunnel, IST_MODE_SOURCE, message, &error);
  g_assert_no_error (error);
}

GPollableInputStream *
connection_in (gpointer connection)
{
  return G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (connection));
}

GPollableOutputStream *
connection_out (gpointer connection)
{
  return G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (connection));
}

void
connection_write (IstConnection *connection,
                  gconstpointer data,
                  gsize length)
{
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gsize written;

  g_output_stream_write_all_async (out, data, length, 0, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_output_stream_write_all_finish (out, result, &written, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (written, ==, length);
}

void
connection_say (IstConnection *connection,
                const char *text)
{
  connection_write (connection, text, strlen (text));
}

static gsize
read_some (IstConnection *connection,
           gpointer data,
           gsize length,
           GError **error)
{
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_autoptr (GAsyncResult) result = NULL;
  gsize n = 0;

  g_input_stream_read_all_async (in, data, length, 0, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_input_stream_read_all_finish (in, result, &n, error);
  return n;
}

void
connection_read (IstConnection *connection,
                 gpointer data,
                 gsize length)
{
  g_autoptr (GError) error = NULL;
  gsize n = read_some (connection, data, length, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, length);
}

void
connection_expect (IstConnection *connection,
                   const char *text)
{
  gsize length = strlen (text);
  g_autofree char *data = g_malloc0 (length + 1);

  connection_read (connection, data, length);
  g_assert_cmpstr (data, ==, text);
}

/* What is not listed is the end of a connection. */
static const struct
{
  IstTunnelError reason;
  GIOErrorEnum code;
} io_codes[] = {
  { IST_TUNNEL_ERROR_TIMED_OUT, G_IO_ERROR_TIMED_OUT },
  { IST_TUNNEL_ERROR_STOPPED, G_IO_ERROR_CLOSED },
  { IST_TUNNEL_ERROR_INVALID_STATE, G_IO_ERROR_NOT_CONNECTED },
  { IST_TUNNEL_ERROR_NOT_CONNECTED, G_IO_ERROR_NOT_CONNECTED },
};

void
connection_check_error (IstConnection *connection,
                        const GError *error,
                        IstTunnelError reason)
{
  g_autoptr (GError) why = ist_connection_dup_error (connection);
  GIOErrorEnum code = G_IO_ERROR_CONNECTION_CLOSED;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (io_codes); i++)
    {
      if (io_codes[i].reason == reason)
        code = io_codes[i].code;
    }
  g_assert_error (error, G_IO_ERROR, (int) code);
  g_assert_error (why, IST_TUNNEL_ERROR, (int) reason);
  g_assert_cmpstr (error->message, ==, why->message);
}

void
connection_expect_end (IstConnection *connection,
                       int reason)
{
  g_autoptr (GError) error = NULL;
  guint8 byte;

  g_assert_cmpuint (read_some (connection, &byte, 1, &error), ==, 0);
  if (reason < 0)
    g_assert_no_error (error);
  else
    connection_check_error (connection, error, reason);
}

void
connection_close (IstConnection *connection)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_io_stream_close_async (G_IO_STREAM (connection), 0, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_io_stream_close_finish (G_IO_STREAM (connection), result, &error);
  g_assert_no_error (error);
}

gsize
connection_fill (IstConnection *connection)
{
  static const char zeros[65536];
  g_autoptr (GError) error = NULL;
  gsize total = 0;
  gssize n;

  while ((n = g_pollable_output_stream_write_nonblocking (connection_out (connection), zeros, sizeof zeros,
                                                          NULL, &error)) > 0)
    total += n;
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  return total;
}

void
await_standstill (guint64 (*get) (gpointer data),
                  gpointer data)
{
  guint64 last = 0;
  guint64 now;
  guint quiet = 0;

  while (quiet < 5)
    {
      test_settle ();
      test_run_for (20);
      now = get (data);
      quiet = now == last ? quiet + 1 : 0;
      last = now;
    }
}

typedef struct
{
  IstConnection *connection;
  guint64 n;
} Filled;

static guint64
fill_more (gpointer data)
{
  Filled *self = data;

  self->n += connection_fill (self->connection);
  return self->n;
}

gsize
pair_block (Pair *self,
            IstConnection *connection)
{
  Filled filled = { connection, 0 };

  ist_emulator_tunnel_set_stalled (self->emulator->tunnel, IST_MODE_SOURCE, TRUE);
  await_standstill (fill_more, &filled);
  return filled.n;
}

void
pair_unblock (Pair *self)
{
  ist_emulator_tunnel_set_stalled (self->emulator->tunnel, IST_MODE_SOURCE, FALSE);
}
