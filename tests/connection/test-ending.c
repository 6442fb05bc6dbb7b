/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How connections end, what their ends tell, and who takes them. */

#include <string.h>

#include "pair.h"

/* Writes much, which the other side has received and nobody has read. */
#define UNREAD 100000

static void
write_unread (IstConnection *from,
              IstConnection *to)
{
  g_autofree guint8 *data = g_malloc (UNREAD);

  test_pattern_fill (data, UNREAD, 0, 0);
  connection_write (from, data, UNREAD);
  test_wait (ist_connection_get_bytes_in (to) == UNREAD);
}

/* All of it is still there, then comes the end. */
static void
read_unread (IstConnection *connection,
             int code)
{
  g_autofree guint8 *data = g_malloc (UNREAD);

  connection_read (connection, data, UNREAD);
  test_pattern_check (data, UNREAD, 0, 0);
  connection_expect_end (connection, code);
}

static void
close_far (Pair *pair,
           IstConnection *far)
{
  connection_close (far);
}

static void
reset_stream_of_far (Pair *pair,
                     IstConnection *far)
{
  g_autoptr (GError) error = NULL;

  ist_secure_tunnel_reset_stream (pair->destination->tunnel, "SSH", &error);
  g_assert_no_error (error);
}

static void
reset_session (Pair *pair,
               IstConnection *far)
{
  ist_emulator_tunnel_reset_session (pair->emulator->tunnel);
}

static void
lose_websocket (Pair *pair,
                IstConnection *far)
{
  ist_emulator_tunnel_drop_side (pair->emulator->tunnel, IST_MODE_SOURCE);
}

static void
close_websocket (Pair *pair,
                 IstConnection *far)
{
  ist_emulator_tunnel_close_side (pair->emulator->tunnel, IST_MODE_SOURCE, 1001, "going away");
}

static void
stop (Pair *pair,
      IstConnection *far)
{
  ist_secure_tunnel_stop (pair->source->tunnel);
}

static void
replace_stream (Pair *pair,
                IstConnection *far)
{
  g_autoptr (IstStreamInfo) info = NULL;
  g_autoptr (GError) error = NULL;

  info = ist_secure_tunnel_start_stream (pair->source->tunnel, "SSH", &error);
  g_assert_no_error (error);
}

static void
reset_near (Pair *pair,
            IstConnection *far)
{
  g_autoptr (GError) error = NULL;

  ist_secure_tunnel_reset_connection (pair->source->tunnel, "SSH", 1, &error);
  g_assert_no_error (error);
}

typedef struct
{
  const char *name;
  IstProtocolVersion version;
  void (*act) (Pair *pair, IstConnection *far);
  int code;     /* what the near end tells, -1 for a clean end */
  int far_code; /* what the far end tells; -2 if it is not asked */
} Way;

static const Way ways[] = {
  { "close/v1", IST_PROTOCOL_VERSION_V1, close_far, -1, -2 },
  { "close/v2", IST_PROTOCOL_VERSION_V2, close_far, -1, -2 },
  { "close/v3", IST_PROTOCOL_VERSION_V3, close_far, -1, -2 },
  { "close/auto", IST_PROTOCOL_VERSION_AUTO, close_far, -1, -2 },
  { "stream-reset/v1", IST_PROTOCOL_VERSION_V1, reset_stream_of_far, -1, -2 },
  { "stream-reset/v2", IST_PROTOCOL_VERSION_V2, reset_stream_of_far, -1, -2 },
  { "stream-reset/v3", IST_PROTOCOL_VERSION_V3, reset_stream_of_far, IST_TUNNEL_ERROR_STREAM_RESET, -2 },
  { "session-reset", IST_PROTOCOL_VERSION_AUTO, reset_session, IST_TUNNEL_ERROR_SESSION_RESET,
    IST_TUNNEL_ERROR_SESSION_RESET },
  { "session-reset/v1", IST_PROTOCOL_VERSION_V1, reset_session, IST_TUNNEL_ERROR_SESSION_RESET,
    IST_TUNNEL_ERROR_SESSION_RESET },
  { "websocket-lost", IST_PROTOCOL_VERSION_AUTO, lose_websocket, IST_TUNNEL_ERROR_DISCONNECTED, -2 },
  { "websocket-lost/v1", IST_PROTOCOL_VERSION_V1, lose_websocket, IST_TUNNEL_ERROR_DISCONNECTED, -2 },
  { "websocket-closed", IST_PROTOCOL_VERSION_AUTO, close_websocket, IST_TUNNEL_ERROR_DISCONNECTED, -2 },
  { "stopped", IST_PROTOCOL_VERSION_AUTO, stop, IST_TUNNEL_ERROR_STOPPED, -2 },
  { "replaced", IST_PROTOCOL_VERSION_AUTO, replace_stream, IST_TUNNEL_ERROR_STREAM_REPLACED,
    IST_TUNNEL_ERROR_STREAM_REPLACED },
  { "replaced/v2", IST_PROTOCOL_VERSION_V2, replace_stream, IST_TUNNEL_ERROR_STREAM_REPLACED,
    IST_TUNNEL_ERROR_STREAM_REPLACED },
  { "reset-by-us", IST_PROTOCOL_VERSION_AUTO, reset_near, -1, -1 },
  { "reset-by-us/v2", IST_PROTOCOL_VERSION_V2, reset_near, -1, -1 },
};

static void
test_end (gconstpointer data)
{
  const Way *way = data;
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "protocol-version", way->version, NULL);
  g_autoptr (IstConnection) near = NULL;
  g_autoptr (IstConnection) far = NULL;
  g_autoptr (GError) error = NULL;
  IstProtocolVersion version = way->version;
  int code = way->code < 0 ? (int) IST_TUNNEL_ERROR_CONNECTION_RESET : way->code;
  IstStreamInfo *info;

  if (version == IST_PROTOCOL_VERSION_AUTO)
    version = IST_PROTOCOL_VERSION_V3;
  pair_open (pair, "SSH", &near, &far);
  info = ist_connection_get_stream_info (near);
  g_assert_cmpint (ist_stream_info_get_version (info), ==, version);
  g_assert_cmpint (ist_stream_info_get_version (ist_connection_get_stream_info (far)), ==,
                   ist_stream_info_get_version (info));
  write_unread (far, near);
  write_unread (near, far);

  way->act (pair, far);
  read_unread (near, way->code);
  g_assert_cmpint (g_pollable_output_stream_write_nonblocking (connection_out (near), "x", 1, NULL, &error),
                   ==, -1);
  connection_check_error (near, error, code);
  if (way->far_code > -2)
    read_unread (far, way->far_code);
}

/* In the middle of a transfer; after it everything works again. */
static void
test_lost_transfer (gconstpointer data)
{
  IstMode side = GPOINTER_TO_INT (data);
  const gsize size = 20 * 1024 * 1024;
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, NULL);
  TestEnd *end = side == IST_MODE_SOURCE ? pair->source : pair->destination;
  g_autofree guint8 *pattern = g_malloc (size);
  g_autofree guint8 *received = g_malloc (size);
  guint round;

  test_pattern_fill (pattern, size, 0, 0);
  for (round = 1; round <= 3; round++)
    {
      g_autoptr (IstConnection) near = NULL;
      g_autoptr (IstConnection) far = NULL;
      g_autoptr (IstConnection) near2 = NULL;
      g_autoptr (IstConnection) far2 = NULL;
      g_autoptr (GAsyncResult) written = NULL;
      g_autoptr (GAsyncResult) read = NULL;
      g_autoptr (GError) error = NULL;
      gsize n_read;

      /* From the end that stays to the one that is cut off. */
      pair_open (pair, "SSH", &near, &far);
      if (side == IST_MODE_SOURCE)
        {
          IstConnection *other = near;

          near = far;
          far = other;
        }
      g_output_stream_write_all_async (G_OUTPUT_STREAM (connection_out (near)), pattern, size, 0, NULL,
                                       test_store_result, &written);
      g_input_stream_read_all_async (G_INPUT_STREAM (connection_in (far)), received, size, 0, NULL,
                                     test_store_result, &read);
      test_wait (ist_connection_get_bytes_in (far) > 1000000);
      ist_emulator_tunnel_drop_side (pair->emulator->tunnel, side);
      test_wait (read != NULL);
      g_assert_false (
        g_input_stream_read_all_finish (G_INPUT_STREAM (connection_in (far)), read, &n_read, &error));
      connection_check_error (far, error, IST_TUNNEL_ERROR_DISCONNECTED);
      g_clear_error (&error);
      g_assert_cmpuint (n_read, <, size);
      test_pattern_check (received, n_read, 0, 0);

      /* The service tells the other end, in version 3 with the whole stream. */
      test_wait (written != NULL);
      g_assert_false (
        g_output_stream_write_all_finish (G_OUTPUT_STREAM (connection_out (near)), written, NULL, &error));
      connection_check_error (near, error, IST_TUNNEL_ERROR_STREAM_RESET);
      connection_expect_end (near, IST_TUNNEL_ERROR_STREAM_RESET);

      test_wait (test_end_count (end, "success") == 1 + round);
      pair_open (pair, "SSH", &near2, &far2);
      connection_say (near2, "hello");
      connection_expect (far2, "hello");
      connection_say (far2, "you");
      connection_expect (near2, "you");
      connection_close (near2);
      connection_expect_end (far2, -1);
    }
}

/* A binding can make one: it has ended from the beginning. */
static void
test_without_tunnel (void)
{
  g_autoptr (IstConnection) unused G_GNUC_UNUSED = g_object_new (IST_TYPE_CONNECTION, NULL);
  g_autoptr (IstConnection) closed = g_object_new (IST_TYPE_CONNECTION, NULL);
  g_autoptr (IstConnection) connection = g_object_new (IST_TYPE_CONNECTION, NULL);
  g_autoptr (GSource) source = NULL;
  g_autoptr (GAsyncResult) written = NULL;
  g_autoptr (GAsyncResult) flushed = NULL;
  g_autoptr (GError) error = NULL;
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));

  g_assert_null (ist_connection_get_service_id (connection));
  g_assert_cmpint (ist_stream_info_get_stream_id (ist_connection_get_stream_info (connection)), ==, 0);
  g_assert_cmpuint (ist_connection_get_bytes_in (connection), ==, 0);
  g_assert_cmpuint (ist_connection_get_bytes_out (connection), ==, 0);

  connection_expect_end (connection, IST_TUNNEL_ERROR_NOT_CONNECTED);
  g_output_stream_write_async (out, "x", 1, 0, NULL, test_store_result, &written);
  test_wait (written != NULL);
  g_assert_cmpint (g_output_stream_write_finish (out, written, &error), ==, -1);
  connection_check_error (connection, error, IST_TUNNEL_ERROR_NOT_CONNECTED);
  g_clear_error (&error);
  g_output_stream_flush_async (out, 0, NULL, test_store_result, &flushed);
  test_wait (flushed != NULL);
  g_assert_true (g_output_stream_flush_finish (out, flushed, &error));
  g_assert_no_error (error);
  g_assert_true (g_pollable_input_stream_is_readable (connection_in (connection)));
  g_assert_true (g_pollable_output_stream_is_writable (connection_out (connection)));
  source = g_pollable_input_stream_create_source (connection_in (connection), NULL);
  connection_close (connection);

  g_assert_true (g_io_stream_close (G_IO_STREAM (closed), NULL, &error));
  g_assert_no_error (error);
}

static void
test_open_fails (void)
{
  g_autoptr (Pair) pair = pair_new (test_ssh_web, TRUE, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (pair_try_open (pair, "FTP", &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE);
  g_clear_error (&error);
  g_assert_null (pair_try_open (pair, NULL, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE);
  g_clear_error (&error);

  ist_secure_tunnel_open_connection_async (pair->destination->tunnel, "SSH", NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_null (ist_secure_tunnel_open_connection_finish (pair->destination->tunnel, result, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  g_clear_error (&error);
  g_clear_object (&result);

  g_cancellable_cancel (cancellable);
  ist_secure_tunnel_open_connection_async (pair->source->tunnel, "SSH", cancellable, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_null (ist_secure_tunnel_open_connection_finish (pair->source->tunnel, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_clear_object (&result);

  /* Cancelled when it was open already: it is closed again. */
  g_cancellable_reset (cancellable);
  ist_secure_tunnel_open_connection_async (pair->source->tunnel, "SSH", cancellable, test_store_result, &result);
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  g_assert_null (ist_secure_tunnel_open_connection_finish (pair->source->tunnel, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_clear_object (&result);
  test_wait (test_end_count (pair->destination, "connection-reset SSH 1 V3") == 1);

  ist_secure_tunnel_stop (pair->source->tunnel);
  test_wait (test_end_count (pair->source, "stopped") == 1);
  g_assert_null (pair_try_open (pair, "SSH", &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED);
}

/* A forced version, at both ends the library's. */
static void
test_one_at_a_time (gconstpointer data)
{
  IstProtocolVersion version = GPOINTER_TO_INT (data);
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "protocol-version", version, NULL);
  g_autoptr (GError) error = NULL;
  guint i;

  for (i = 0; i < 3; i++)
    {
      g_autoptr (IstConnection) near = NULL;
      g_autoptr (IstConnection) far = NULL;

      pair_open (pair, "SSH", &near, &far);
      g_assert_null (pair_try_open (pair, "SSH", &error));
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_SUPPORTED);
      g_clear_error (&error);
      connection_say (near, "hello");
      connection_expect (far, "hello");
      connection_say (far, "you");
      connection_expect (near, "you");
      connection_close (i == 1 ? far : near);
      connection_expect_end (i == 1 ? near : far, -1);
    }
}

/* A peer of version 1 or 2, spoken by hand, and a source that has to find out. */

static void
pair_speak_as (Pair *pair,
               IstProtocolVersion version,
               IstMessageType type,
               IstConnection *near,
               const char *payload)
{
  pair_say (pair, type, version == IST_PROTOCOL_VERSION_V1 ? NULL : "SSH",
            ist_stream_info_get_stream_id (ist_connection_get_stream_info (near)), 0, payload);
}

static void
check_next_is_old (Pair *pair,
                   IstProtocolVersion version)
{
  g_autoptr (IstConnection) near = NULL;
  g_autoptr (GError) error = NULL;

  near = pair_try_open (pair, "SSH", &error);
  g_assert_no_error (error);
  g_assert_cmpint (ist_stream_info_get_version (ist_connection_get_stream_info (near)), ==, version);
  g_assert_null (pair_try_open (pair, "SSH", &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_SUPPORTED);
  pair_speak_as (pair, version, IST_MESSAGE_TYPE_DATA, near, "again");
  connection_expect (near, "again");
  pair_speak_as (pair, version, IST_MESSAGE_TYPE_STREAM_RESET, near, NULL);
  connection_expect_end (near, -1);
}

/* It answers data. */
static void
test_old_peer_answers (gconstpointer data)
{
  IstProtocolVersion version = GPOINTER_TO_INT (data);
  g_autoptr (Pair) pair = pair_new (test_ssh, FALSE, "connection-wait-timeout-ms", 100, NULL);
  g_autoptr (IstConnection) near = NULL;
  g_autoptr (GError) error = NULL;
  GAsyncResult *second = NULL;

  near = pair_try_open (pair, "SSH", &error);
  g_assert_no_error (error);
  pair_begin_open (pair, "SSH", &second);
  pair_speak_as (pair, version, IST_MESSAGE_TYPE_DATA, near, "hello");
  connection_expect (near, "hello");
  /* The second never had a chance, and says why. */
  g_assert_null (pair_finish_open (pair, &second, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);

  /* The first goes on, although it had been started as version 3. */
  connection_say (near, "more");
  pair_speak_as (pair, version, IST_MESSAGE_TYPE_DATA, near, "hello");
  connection_expect (near, "hello");
  pair_speak_as (pair, version, IST_MESSAGE_TYPE_STREAM_RESET, near, NULL);
  connection_expect_end (near, -1);
  check_next_is_old (pair, version);
  check_next_is_old (pair, version);
}

/* It ends the first connection without a word: then it is the second one's turn. */
static void
test_old_peer_resets (gconstpointer data)
{
  IstProtocolVersion version = GPOINTER_TO_INT (data);
  g_autoptr (Pair) pair = pair_new (test_ssh, FALSE, "connection-wait-timeout-ms", 60000, NULL);
  g_autoptr (IstConnection) near = NULL;
  g_autoptr (IstConnection) second = NULL;
  g_autoptr (GError) error = NULL;
  GAsyncResult *result = NULL;
  GAsyncResult *third = NULL;

  near = pair_try_open (pair, "SSH", &error);
  g_assert_no_error (error);
  pair_begin_open (pair, "SSH", &result);
  pair_begin_open (pair, "SSH", &third);
  test_run_for (50);
  g_assert_null (result);
  pair_speak_as (pair, version, IST_MESSAGE_TYPE_STREAM_RESET, near, NULL);
  connection_expect_end (near, IST_TUNNEL_ERROR_STREAM_RESET);
  second = pair_finish_open (pair, &result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ist_stream_info_get_stream_id (ist_connection_get_stream_info (second)), >,
                   ist_stream_info_get_stream_id (ist_connection_get_stream_info (near)));
  pair_speak_as (pair, version, IST_MESSAGE_TYPE_DATA, second, "hello");
  connection_expect (second, "hello");
  g_assert_null (third);

  /* Closed here, and the next one has the stream. */
  g_clear_object (&near);
  connection_close (second);
  near = pair_finish_open (pair, &third, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ist_stream_info_get_version (ist_connection_get_stream_info (near)), ==, version);
}

/* Who waits for a connection waits no longer than he wants, and than there is a tunnel. */
static void
test_waiting_ends (void)
{
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, "connection-wait-timeout-ms", 60000, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (IstConnection) near = NULL;
  g_autoptr (IstConnection) further = NULL;
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GError) error = NULL;
  GAsyncResult *waits = NULL;
  guint i;

  near = pair_try_open (pair, "SSH", &error);
  g_assert_no_error (error);
  ist_secure_tunnel_open_connection_async (pair->source->tunnel, "SSH", cancellable, test_store_result, &cancelled);
  pair_begin_open (pair, "SSH", &waits);
  test_run_for (20);
  g_cancellable_cancel (cancellable);
  test_wait (cancelled != NULL);
  g_assert_null (ist_secure_tunnel_open_connection_finish (pair->source->tunnel, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  /* The first answer shows that the peer can have several. */
  g_assert_null (waits);
  test_wait (pair->incoming.head != NULL);
  connection_say (pair->incoming.head->data, "hello");
  further = pair_finish_open (pair, &waits, &error);
  g_assert_no_error (error);
  connection_expect (near, "hello");
  for (i = 0; i < 3; i++)
    {
      g_autoptr (IstConnection) another = pair_try_open (pair, "SSH", &error);

      g_assert_no_error (error);
      g_assert_cmpuint (ist_stream_info_get_connection_id (ist_connection_get_stream_info (another)), ==, i + 3);
    }

  /* What was learned does not outlive the WebSocket, and neither does who waits. */
  ist_emulator_tunnel_drop_side (pair->emulator->tunnel, IST_MODE_SOURCE);
  test_wait (test_end_count (pair->source, "success") == 2);
  g_clear_object (&near);
  near = pair_try_open (pair, "SSH", &error);
  g_assert_no_error (error);
  pair_begin_open (pair, "SSH", &waits);
  test_run_for (20);
  g_assert_null (waits);
  ist_secure_tunnel_stop (pair->source->tunnel);
  g_assert_null (pair_finish_open (pair, &waits, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED);
}

/* Who takes an incoming connection */

static void
test_not_taken (void)
{
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, NULL);
  g_autoptr (IstConnection) near = NULL;
  g_autoptr (GError) error = NULL;

  pair->refuse = TRUE;
  near = pair_try_open (pair, "SSH", &error);
  g_assert_no_error (error);
  connection_say (near, "hello");
  test_wait (pair->destination->received->len == 5);
  g_assert_cmpuint (test_end_count (pair->destination, "stream-started SSH 1 V3"), ==, 1);
  test_end_send (pair->destination, "SSH", 1, "you");
  connection_expect (near, "you");

  /* The next is another question. */
  pair->refuse = FALSE;
  g_clear_object (&near);
  near = pair_try_open (pair, "SSH", &error);
  g_assert_no_error (error);
  test_wait (pair->incoming.head != NULL);
  connection_say (near, "stream");
  connection_expect (pair->incoming.head->data, "stream");
  g_assert_cmpuint (pair->destination->received->len, ==, 5);
}

static IstConnection *kept;

static gboolean
keep_and_refuse (Pair *pair,
                 IstConnection *connection)
{
  g_set_object (&kept, connection);
  return FALSE;
}

static void
test_kept_though_refused (void)
{
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, NULL);
  g_autoptr (IstConnection) near = NULL;
  g_autoptr (GError) error = NULL;

  pair->on_incoming = keep_and_refuse;
  near = pair_try_open (pair, "SSH", &error);
  g_assert_no_error (error);
  test_wait (kept != NULL);
  connection_say (near, "hello");
  test_wait (pair->destination->received->len == 5);
  connection_expect_end (kept, IST_TUNNEL_ERROR_INVALID_STATE);
  /* It has nothing to do with the connection any more. */
  g_assert_true (g_io_stream_close (G_IO_STREAM (kept), NULL, NULL));
  g_clear_object (&kept);
  test_end_send (pair->destination, "SSH", 1, "you");
  connection_expect (near, "you");
}

static gboolean
stop_tunnel (Pair *pair,
             IstConnection *connection)
{
  g_set_object (&kept, connection);
  ist_secure_tunnel_stop (pair->destination->tunnel);
  return TRUE;
}

static gboolean
reset_the_stream (Pair *pair,
                  IstConnection *connection)
{
  g_set_object (&kept, connection);
  ist_secure_tunnel_reset_stream (pair->destination->tunnel, "SSH", NULL);
  return TRUE;
}

static gboolean
close_at_once (Pair *pair,
               IstConnection *connection)
{
  g_set_object (&kept, connection);
  g_assert_cmpint (
    g_pollable_output_stream_write_nonblocking (connection_out (connection), "bye", 3, NULL, NULL), ==, 3);
  g_assert_true (g_io_stream_close (G_IO_STREAM (connection), NULL, NULL));
  return TRUE;
}

static gboolean
close_and_refuse (Pair *pair,
                  IstConnection *connection)
{
  close_at_once (pair, connection);
  return FALSE;
}

static gboolean
take_without_reference (Pair *pair,
                        IstConnection *connection)
{
  return TRUE;
}

static gboolean
drop_tunnel (Pair *pair,
             IstConnection *connection)
{
  g_set_object (&kept, connection);
  g_clear_object (&pair->destination->tunnel);
  return TRUE;
}

typedef struct
{
  const char *name;
  gboolean (*on_incoming) (Pair *pair, IstConnection *connection);
  const char *said; /* what the source hears; NULL if it may hear nothing */
  int code;         /* how it ends for the handler, -1 for a clean end, 0 if it does not look */
} Handler;

static const Handler handlers[] = {
  { "stops-tunnel", stop_tunnel, NULL, G_IO_ERROR_CLOSED },
  { "drops-tunnel", drop_tunnel, NULL, G_IO_ERROR_CLOSED },
  { "resets-stream", reset_the_stream, "", -1 },
  { "closes", close_at_once, "bye", G_IO_ERROR_CLOSED },
  { "closes-and-refuses", close_and_refuse, "bye", G_IO_ERROR_CLOSED },
  { "takes-without-reference", take_without_reference, "", 0 },
};

static void
test_handler (gconstpointer data)
{
  const Handler *handler = data;
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, NULL);
  g_autoptr (IstConnection) near = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  char byte;

  pair->on_incoming = handler->on_incoming;
  near = pair_try_open (pair, "SSH", &error);
  g_assert_no_error (error);
  connection_say (near, "data that comes after");

  if (handler->said != NULL)
    {
      connection_expect (near, handler->said);
      g_input_stream_read_async (G_INPUT_STREAM (connection_in (near)), &byte, 1, 0, NULL, test_store_result,
                                 &result);
      test_wait (result != NULL);
      g_assert_cmpint (g_input_stream_read_finish (G_INPUT_STREAM (connection_in (near)), result, &error), <=,
                       0);
      g_clear_error (&error);
      g_clear_object (&result);
    }
  else
    {
      test_wait (kept != NULL);
    }

  if (handler->code != 0)
    {
      g_input_stream_read_async (G_INPUT_STREAM (connection_in (kept)), &byte, 1, 0, NULL, test_store_result,
                                 &result);
      test_wait (result != NULL);
      g_input_stream_read_finish (G_INPUT_STREAM (connection_in (kept)), result, &error);
      if (handler->code > 0)
        g_assert_error (error, G_IO_ERROR, handler->code);
      else
        g_assert_no_error (error);
    }
  g_clear_object (&kept);
}

static gboolean
never_asked (IstSecureTunnel *tunnel,
             IstConnection *connection,
             gpointer user_data)
{
  g_assert_not_reached ();
}

/* The first handler that takes it is the last that is asked. */
static void
test_two_handlers (void)
{
  g_autoptr (Pair) pair = pair_new (test_ssh, TRUE, NULL);
  g_autoptr (IstConnection) near = NULL;
  g_autoptr (IstConnection) far = NULL;

  g_signal_connect (pair->destination->tunnel, "incoming-connection", G_CALLBACK (never_asked), NULL);
  pair_open (pair, "SSH", &near, &far);
  connection_say (near, "hello");
  connection_expect (far, "hello");
}

static void
test_without_services (gconstpointer data)
{
  static const char *const none[] = { NULL };
  IstProtocolVersion version = GPOINTER_TO_INT (data);
  g_autoptr (Pair) pair = pair_new (none, TRUE, "protocol-version", version, NULL);
  g_autoptr (IstConnection) near = NULL;
  g_autoptr (IstConnection) far = NULL;

  pair_open (pair, NULL, &near, &far);
  g_assert_null (ist_connection_get_service_id (near));
  write_unread (near, far);
  connection_close (near);
  read_unread (far, -1);
}

int
main (int argc,
      char **argv)
{
  static const struct
  {
    const char *name;
    IstProtocolVersion version;
  } versions[] = { { "v1", IST_PROTOCOL_VERSION_V1 }, { "v2", IST_PROTOCOL_VERSION_V2 } };
  guint i;

  g_test_init (&argc, &argv, NULL);
  for (i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *path = g_strconcat ("/ending/by/", ways[i].name, NULL);

      g_test_add_data_func (path, &ways[i], test_end);
    }
  for (i = 0; i < G_N_ELEMENTS (handlers); i++)
    {
      g_autofree char *path = g_strconcat ("/ending/handler/", handlers[i].name, NULL);

      g_test_add_data_func (path, &handlers[i], test_handler);
    }
  for (i = 0; i < G_N_ELEMENTS (versions); i++)
    {
      gpointer version = GINT_TO_POINTER (versions[i].version);
      g_autofree char *one = g_strconcat ("/ending/one-at-a-time/", versions[i].name, NULL);
      g_autofree char *answers = g_strconcat ("/ending/old-peer/answers/", versions[i].name, NULL);
      g_autofree char *resets = g_strconcat ("/ending/old-peer/resets/", versions[i].name, NULL);

      g_test_add_data_func (one, version, test_one_at_a_time);
      g_test_add_data_func (answers, version, test_old_peer_answers);
      g_test_add_data_func (resets, version, test_old_peer_resets);
    }
  g_test_add_func ("/ending/without-tunnel", test_without_tunnel);
  g_test_add_data_func ("/ending/without-services/v1", GINT_TO_POINTER (IST_PROTOCOL_VERSION_V1),
                        test_without_services);
  g_test_add_data_func ("/ending/without-services/v3", GINT_TO_POINTER (IST_PROTOCOL_VERSION_V3),
                        test_without_services);
  g_test_add_data_func ("/ending/lost-transfer/source", GINT_TO_POINTER (IST_MODE_SOURCE),
                        test_lost_transfer);
  g_test_add_data_func ("/ending/lost-transfer/destination", GINT_TO_POINTER (IST_MODE_DESTINATION),
                        test_lost_transfer);
  g_test_add_func ("/ending/open-fails", test_open_fails);
  g_test_add_func ("/ending/waiting", test_waiting_ends);
  g_test_add_func ("/ending/handler/not-taken", test_not_taken);
  g_test_add_func ("/ending/handler/kept-though-refused", test_kept_though_refused);
  g_test_add_func ("/ending/handler/two", test_two_handlers);
  return g_test_run ();
}
