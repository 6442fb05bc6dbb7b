/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "client.h"

#define CLIENT_TOKEN "12345678-abcd-1234-abcd-123456789012"

#define DATA IST_MESSAGE_TYPE_DATA
#define STREAM_START IST_MESSAGE_TYPE_STREAM_START
#define STREAM_RESET IST_MESSAGE_TYPE_STREAM_RESET
#define SESSION_RESET IST_MESSAGE_TYPE_SESSION_RESET
#define SERVICE_IDS IST_MESSAGE_TYPE_SERVICE_IDS
#define CONNECTION_START IST_MESSAGE_TYPE_CONNECTION_START
#define CONNECTION_RESET IST_MESSAGE_TYPE_CONNECTION_RESET

/* What the emulator keeps at most for a client that does not read: its high mark,
 * and a frame that was under way. */
#define MAX_QUEUED (512 * 1024 + IST_WIRE_MAX_FRAME)

static const char *two_services[] = { "SSH", "RDP", NULL };
static const char *one_service[] = { "SSH", NULL };
static const char *no_services[] = { NULL };

/* A tunnel with both ends connected, which know its services. */
typedef struct
{
  IstEmulatorService *service;
  IstEmulatorTunnel *tunnel;
  Client *source;
  Client *destination;
  guint n_connected;
  guint n_disconnected;
  GError *error; /* of the last disconnection */
} Fixture;

static void
on_connected (IstEmulatorTunnel *tunnel,
              IstMode side,
              Fixture *fixture)
{
  fixture->n_connected++;
}

static void
on_disconnected (IstEmulatorTunnel *tunnel,
                 IstMode side,
                 const GError *error,
                 Fixture *fixture)
{
  fixture->n_disconnected++;
  g_clear_error (&fixture->error);
  if (error != NULL)
    fixture->error = g_error_copy (error);
}

static void
connect_source (Fixture *fixture)
{
  fixture->source = client_new (fixture->service, fixture->tunnel, IST_MODE_SOURCE, CLIENT_TOKEN);
  client_expect_services (fixture->source, ist_emulator_tunnel_get_service_ids (fixture->tunnel));
}

static void
connect_destination (Fixture *fixture)
{
  fixture->destination = client_new (fixture->service, fixture->tunnel, IST_MODE_DESTINATION,
                                     "x" CLIENT_TOKEN);
  client_expect_services (fixture->destination, ist_emulator_tunnel_get_service_ids (fixture->tunnel));
}

static void
set_up_tunnel (Fixture *fixture,
               gconstpointer user_data)
{
  const char *const *services = user_data != NULL ? user_data : two_services;
  g_autoptr (GError) error = NULL;

  fixture->service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE, NULL);
  ist_emulator_service_start (fixture->service, &error);
  g_assert_no_error (error);
  fixture->tunnel = ist_emulator_service_open_tunnel (fixture->service, services, NULL, 0, &error);
  g_assert_no_error (error);
  g_signal_connect (fixture->tunnel, "client-connected", G_CALLBACK (on_connected), fixture);
  g_signal_connect (fixture->tunnel, "client-disconnected", G_CALLBACK (on_disconnected), fixture);
}

static void
set_up (Fixture *fixture,
        gconstpointer user_data)
{
  set_up_tunnel (fixture, user_data);
  connect_source (fixture);
  connect_destination (fixture);
}

static void
tear_down (Fixture *fixture,
           gconstpointer user_data)
{
  g_clear_pointer (&fixture->source, client_free);
  g_clear_pointer (&fixture->destination, client_free);
  g_clear_object (&fixture->tunnel);
  g_clear_object (&fixture->service);
  g_clear_error (&fixture->error);
  test_run_for (SETTLE_TIME);
}

/* Whatever came before has arrived when this has. */
static void
expect_nothing (Fixture *fixture,
                Client *from,
                Client *to)
{
  client_send (from, STREAM_RESET, NULL, 4711, 0, NULL);
  client_expect (to, STREAM_RESET, NULL, 4711, 0, NULL);
}

static void
test_no_services (Fixture *fixture,
                  gconstpointer user_data)
{
  client_send (fixture->source, STREAM_START, NULL, 1, 0, NULL);
  client_send (fixture->source, DATA, NULL, 1, 0, "hello");
  client_expect (fixture->destination, STREAM_START, NULL, 1, 0, NULL);
  client_expect (fixture->destination, DATA, NULL, 1, 0, "hello");

  client_send (fixture->source, STREAM_START, "SSH", 1, 0, NULL);
  client_expect_closed (fixture->source, 1002, "No such service in this tunnel");
}

static void
test_messages (Fixture *fixture,
               gconstpointer user_data)
{
  Client *source = fixture->source;
  Client *destination = fixture->destination;

  client_send (source, STREAM_START, "SSH", 1, 1, NULL);
  client_send (source, CONNECTION_START, "SSH", 1, 2, NULL);
  client_send (source, DATA, "SSH", 1, 2, "to the second");
  client_expect (destination, STREAM_START, "SSH", 1, 1, NULL);
  client_expect (destination, CONNECTION_START, "SSH", 1, 2, NULL);
  client_expect (destination, DATA, "SSH", 1, 2, "to the second");

  client_send (destination, DATA, "SSH", 1, 1, "from the first");
  client_send (destination, CONNECTION_RESET, "SSH", 1, 1, NULL);
  client_expect (source, DATA, "SSH", 1, 1, "from the first");
  client_expect (source, CONNECTION_RESET, "SSH", 1, 1, NULL);

  client_send (source, STREAM_START, "RDP", -7, 0, NULL);
  client_send (source, STREAM_RESET, "SSH", 1, 1, NULL);
  client_expect (destination, STREAM_START, "RDP", -7, 0, NULL);
  client_expect (destination, STREAM_RESET, "SSH", 1, 1, NULL);

  /* On its way when the stream was reset. */
  client_send (destination, DATA, "SSH", 1, 2, "late");
  client_expect (source, DATA, "SSH", 1, 2, "late");
  g_assert_cmpuint (fixture->n_disconnected, ==, 0);
}

/* A V1 stream on a tunnel with one service is that service's. */
static void
test_version_1 (Fixture *fixture,
                gconstpointer user_data)
{
  client_send (fixture->source, STREAM_START, NULL, 5, 0, NULL);
  client_expect (fixture->destination, STREAM_START, NULL, 5, 0, NULL);
  client_send (fixture->destination, DATA, "SSH", 5, 0, "named");
  client_expect (fixture->source, DATA, "SSH", 5, 0, "named");
}

/* The byte stream, not its frames, is what counts. */
static void
test_framing (Fixture *fixture,
              gconstpointer user_data)
{
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  g_autofree char *expected = g_strnfill (IST_WIRE_MAX_PAYLOAD, 'p');
  g_autoptr (GBytes) payload = g_bytes_new (expected, IST_WIRE_MAX_PAYLOAD);
  g_autoptr (GBytes) large = client_encode (DATA, "SSH", 1, 1, payload);
  const gsize sizes[] = { 1, 2, 3, 7, 1000, IST_WIRE_MAX_FRAME };

  client_send (fixture->source, STREAM_START, "SSH", 1, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 1, 1, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      gsize start = 0;

      g_byte_array_set_size (stream, 0);
      for (int j = 0; j < 10; j++)
        {
          g_autofree char *text = g_strdup_printf ("message %d", j);
          g_autoptr (GBytes) content = g_bytes_new (text, strlen (text));
          g_autoptr (GBytes) bytes = client_encode (DATA, "SSH", 1, 1, content);

          g_byte_array_append (stream, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
        }
      /* Two of the largest don't fit in a frame with anything else. */
      if (sizes[i] >= 1000)
        for (int j = 0; j < 3; j++)
          g_byte_array_append (stream, g_bytes_get_data (large, NULL), g_bytes_get_size (large));

      for (; start < stream->len; start += sizes[i])
        client_send_bytes (fixture->source, stream->data + start, MIN (sizes[i], stream->len - start));

      for (int j = 0; j < 10; j++)
        {
          g_autofree char *text = g_strdup_printf ("message %d", j);

          client_expect (fixture->destination, DATA, "SSH", 1, 1, text);
        }
      if (sizes[i] >= 1000)
        for (int j = 0; j < 3; j++)
          client_expect (fixture->destination, DATA, "SSH", 1, 1, expected);
    }
}

static void
test_absent_peer (Fixture *fixture,
                  gconstpointer user_data)
{
  guint n_seen = 0;

  g_signal_connect_swapped (fixture->tunnel, "message", G_CALLBACK (g_atomic_int_inc), &n_seen);
  connect_source (fixture);
  client_send (fixture->source, STREAM_START, "SSH", 1, 1, NULL);
  for (int i = 0; i < 1000; i++)
    client_send (fixture->source, DATA, "SSH", 1, 1, "into the void");
  test_wait (n_seen == 1001);
  g_assert_cmpuint (ist_emulator_tunnel_get_queued_bytes (fixture->tunnel, IST_MODE_DESTINATION), ==, 0);

  connect_destination (fixture);
  expect_nothing (fixture, fixture->source, fixture->destination);

  /* What the destination never heard to start is no stream of its. */
  client_send (fixture->destination, DATA, "SSH", 1, 1, "how?");
  client_expect_closed (fixture->destination, 1002, "DATA for a service without a started stream");
}

typedef struct
{
  const char *name;
  IstMode side;
  IstMessageType type;
  const char *service_id;
  int stream_id;
  gsize payload;
  const char *raw; /* instead of a message */
  gsize raw_length;
  guint code;
  const char *reason;
} Violation;

#define RAW(bytes) bytes, sizeof bytes - 1

static const Violation violations[] = {
  { "start-from-destination", IST_MODE_DESTINATION, STREAM_START, "SSH", 1, 0, NULL, 0, 1002,
    "STREAM_START from the destination" },
  { "connection-from-destination", IST_MODE_DESTINATION, CONNECTION_START, "SSH", 1, 0, NULL, 0, 1002,
    "CONNECTION_START from the destination" },
  { "session-reset", IST_MODE_SOURCE, SESSION_RESET, NULL, 0, 0, NULL, 0, 1002,
    "SESSION_RESET from a client" },
  { "service-ids", IST_MODE_DESTINATION, SERVICE_IDS, NULL, 0, 0, NULL, 0, 1002,
    "SERVICE_IDS from a client" },
  { "data-stream-0", IST_MODE_SOURCE, DATA, "SSH", 0, 1, NULL, 0, 1002, "Stream id 0" },
  { "start-stream-0", IST_MODE_SOURCE, STREAM_START, "SSH", 0, 0, NULL, 0, 1002, "Stream id 0" },
  { "reset-stream-0", IST_MODE_DESTINATION, STREAM_RESET, "SSH", 0, 0, NULL, 0, 1002, "Stream id 0" },
  { "connection-reset-stream-0", IST_MODE_DESTINATION, CONNECTION_RESET, "SSH", 0, 0, NULL, 0, 1002,
    "Stream id 0" },
  { "unknown-service", IST_MODE_SOURCE, STREAM_START, "VNC", 1, 0, NULL, 0, 1002,
    "No such service in this tunnel" },
  { "no-stream", IST_MODE_SOURCE, DATA, "RDP", 1, 1, NULL, 0, 1002,
    "DATA for a service without a started stream" },
  { "no-stream-destination", IST_MODE_DESTINATION, DATA, "RDP", 1, 1, NULL, 0, 1002,
    "DATA for a service without a started stream" },
  { "no-stream-version-1", IST_MODE_SOURCE, DATA, NULL, 1, 1, NULL, 0, 1002,
    "DATA for a service without a started stream" },
  { "payload", IST_MODE_SOURCE, DATA, "SSH", 1, IST_WIRE_MAX_PAYLOAD + 1, NULL, 0, 1002, NULL },
  { "type-0", IST_MODE_SOURCE, 0, NULL, 0, 0, RAW ("\0\2\x10\x01"), 1002, NULL },
  { "empty", IST_MODE_SOURCE, 0, NULL, 0, 0, RAW ("\0\0"), 1002, NULL },
  { "unknown-type", IST_MODE_SOURCE, 0, NULL, 0, 0, RAW ("\0\4\x08\x09\x10\x01"), 1002,
    "Unknown message type" },
  { "unknown-field", IST_MODE_SOURCE, 0, NULL, 0, 0, RAW ("\0\6\x08\x03\x10\x01\x40\x01"), 1002, NULL },
  { "not-protobuf", IST_MODE_SOURCE, 0, NULL, 0, 0, RAW ("\0\4\xff\xff\xff\xff"), 1002, NULL },
  { "truncated-field", IST_MODE_SOURCE, 0, NULL, 0, 0, RAW ("\0\4\x08\x01\x22\x7f"), 1002, NULL },
};

static void
test_violation (gconstpointer user_data)
{
  const Violation *violation = user_data;
  Fixture fixture = { 0 };
  Client *sinner;
  Client *other;

  set_up (&fixture, NULL);
  sinner = violation->side == IST_MODE_SOURCE ? fixture.source : fixture.destination;
  other = violation->side == IST_MODE_SOURCE ? fixture.destination : fixture.source;

  client_send (fixture.source, STREAM_START, "SSH", 1, 1, NULL);
  client_expect (fixture.destination, STREAM_START, "SSH", 1, 1, NULL);
  if (violation->raw != NULL)
    {
      g_autoptr (GByteArray) frame = g_byte_array_new ();
      g_autoptr (GBytes) good = client_encode (DATA, "SSH", 1, 1, NULL);

      /* What came before it in the same frame is passed on. */
      g_byte_array_append (frame, g_bytes_get_data (good, NULL), g_bytes_get_size (good));
      g_byte_array_append (frame, (const guint8 *) violation->raw, violation->raw_length);
      client_send_bytes (sinner, frame->data, frame->len);
      client_expect (other, DATA, "SSH", 1, 1, NULL);
    }
  else
    {
      g_autofree char *payload = violation->payload > 0 ? g_strnfill (violation->payload, 'x') : NULL;

      client_send (sinner, violation->type, violation->service_id, violation->stream_id, 1, payload);
    }

  client_expect_closed (sinner, violation->code, violation->reason);
  g_assert_cmpuint (fixture.n_disconnected, ==, 1);
  g_assert_error (fixture.error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL);
  g_assert_false (ist_emulator_tunnel_is_connected (fixture.tunnel, violation->side));

  /* The other side is told, and lives on. */
  client_expect (other, STREAM_RESET, "SSH", 1, 1, NULL);
  g_assert_false (other->closed);
  tear_down (&fixture, NULL);
}

static void
test_ignorable (Fixture *fixture,
                gconstpointer user_data)
{
  const char message[] = "\0\6\x08\x09\x10\x01\x18\x01";

  client_send_bytes (fixture->source, message, sizeof message - 1);
  expect_nothing (fixture, fixture->source, fixture->destination);
}

static void
test_text_frame (Fixture *fixture,
                 gconstpointer user_data)
{
  soup_websocket_connection_send_text (fixture->source->websocket, "hello");
  client_expect_closed (fixture->source, 1003, NULL);
  test_wait (fixture->n_disconnected == 1);
  g_assert_error (fixture->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL);
}

static void
test_frame_size_limit (Fixture *fixture,
                       gconstpointer user_data)
{
  /* A message that is not whole yet is no violation in itself. */
  g_autofree guint8 *frame = g_malloc0 (IST_WIRE_MAX_FRAME + 1);
  g_autoptr (GBytes) payload = g_bytes_new_take (g_strnfill (64000, 'x'), 64000);
  g_autoptr (GBytes) message = client_encode (DATA, "SSH", 1, 1, payload);
  g_autoptr (GBytes) rest = NULL;
  gsize size = g_bytes_get_size (message);
  gsize filled = 0;

  client_send (fixture->source, STREAM_START, "SSH", 1, 1, NULL);
  for (; filled + size <= IST_WIRE_MAX_FRAME; filled += size)
    memcpy (frame + filled, g_bytes_get_data (message, NULL), size);
  memcpy (frame + filled, g_bytes_get_data (message, NULL), IST_WIRE_MAX_FRAME + 1 - filled);

  client_send_bytes (fixture->source, frame, IST_WIRE_MAX_FRAME);
  test_wait (fixture->destination->n_payload == 2 * 64000);
  rest = g_bytes_new_from_bytes (message, IST_WIRE_MAX_FRAME - filled, size - (IST_WIRE_MAX_FRAME - filled));
  client_send_bytes (fixture->source, g_bytes_get_data (rest, NULL), g_bytes_get_size (rest));
  test_wait (fixture->destination->n_payload == 3 * 64000);

  client_send_bytes (fixture->source, frame, IST_WIRE_MAX_FRAME + 1);
  /* libsoup does not read the rest of it, so that the Close frame with 1009 may get lost. */
  test_wait (fixture->source->closed && fixture->n_disconnected == 1);
  g_assert_error (fixture->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL);
}

/* A side that leaves ends its streams; the other side is told in their form. */
static void
test_peer_leaves (Fixture *fixture,
                  gconstpointer user_data)
{
  Client *source = fixture->source;

  client_send (source, STREAM_START, "SSH", 3, 1, NULL);
  client_send (source, STREAM_START, "RDP", 4, 0, NULL);
  client_send (source, STREAM_START, NULL, 5, 0, NULL);
  client_send (source, STREAM_START, "SSH", 6, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 3, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "RDP", 4, 0, NULL);
  client_expect (fixture->destination, STREAM_START, NULL, 5, 0, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 6, 1, NULL);

  /* Stale, so the stream lives on. */
  client_send (source, STREAM_RESET, "SSH", 3, 1, NULL);
  client_expect (fixture->destination, STREAM_RESET, "SSH", 3, 1, NULL);

  soup_websocket_connection_close (fixture->destination->websocket, 1000, NULL);
  client_expect (source, STREAM_RESET, "SSH", 6, 1, NULL);
  client_expect (source, STREAM_RESET, "RDP", 4, 0, NULL);
  client_expect (source, STREAM_RESET, NULL, 5, 0, NULL);
  test_wait (fixture->n_disconnected == 1);
  g_assert_error (fixture->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED);
  g_clear_pointer (&fixture->destination, client_free);

  /* And once only. */
  connect_destination (fixture);
  client_send (source, STREAM_START, "SSH", 7, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 7, 1, NULL);
  client_send (source, STREAM_RESET, "SSH", 7, 1, NULL);
  client_expect (fixture->destination, STREAM_RESET, "SSH", 7, 1, NULL);
  g_clear_pointer (&fixture->source, client_free);
  connect_source (fixture);
  expect_nothing (fixture, fixture->source, fixture->destination);
}

static void
test_replaced (Fixture *fixture,
               gconstpointer user_data)
{
  g_autoptr (Client) old = fixture->source;

  client_send (old, STREAM_START, "SSH", 3, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 3, 1, NULL);

  connect_source (fixture);
  client_expect_closed (old, 1008, "Replaced by another client");
  client_expect (fixture->destination, STREAM_RESET, "SSH", 3, 1, NULL);
  g_assert_error (fixture->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CLIENT_REPLACED);
  g_assert_cmpuint (fixture->n_connected, ==, 3);
  g_assert_cmpuint (fixture->n_disconnected, ==, 1);

  client_send (fixture->source, STREAM_START, "SSH", 4, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 4, 1, NULL);
  client_send (fixture->destination, DATA, "SSH", 4, 1, "to the new one");
  client_expect (fixture->source, DATA, "SSH", 4, 1, "to the new one");
}

static void
test_rotated (Fixture *fixture,
              gconstpointer user_data)
{
  ist_emulator_service_rotate_tokens (fixture->service, ist_emulator_tunnel_get_id (fixture->tunnel),
                                      IST_EMULATOR_SIDES_DESTINATION, NULL);
  client_expect_closed (fixture->destination, 1000, "Access token was rotated");
  g_assert_error (fixture->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOKEN_REJECTED);
  g_assert_true (ist_emulator_tunnel_is_connected (fixture->tunnel, IST_MODE_SOURCE));
}

static void
test_expired (Fixture *fixture,
              gconstpointer user_data)
{
  ist_emulator_tunnel_set_lifetime_ms (fixture->tunnel, 1);
  client_expect_closed (fixture->source, 1000, "Tunnel is closed");
  client_expect_closed (fixture->destination, 1000, "Tunnel is closed");
  g_assert_error (fixture->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED);
  g_assert_cmpuint (fixture->n_disconnected, ==, 2);
}

static void
test_outage (Fixture *fixture,
             gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  ist_emulator_service_stop (fixture->service);
  client_expect_closed (fixture->source, 1001, "Service is going away");
  client_expect_closed (fixture->destination, 1001, "Service is going away");
  g_assert_no_error (fixture->error);

  g_clear_pointer (&fixture->source, client_free);
  ist_emulator_service_start (fixture->service, &error);
  g_assert_no_error (error);
  connect_source (fixture);
}

static void
test_close_side (Fixture *fixture,
                 gconstpointer user_data)
{
  g_autofree char *reason = g_strnfill (130, 'r');

  g_assert_true (ist_emulator_tunnel_close_side (fixture->tunnel, IST_MODE_SOURCE, 1011, "Oops"));
  g_assert_false (ist_emulator_tunnel_close_side (fixture->tunnel, IST_MODE_SOURCE, 1011, "Oops"));
  client_expect_closed (fixture->source, 1011, "Oops");
  g_assert_true (ist_emulator_tunnel_close_side (fixture->tunnel, IST_MODE_DESTINATION, 4999, reason));
  reason[123] = '\0';
  client_expect_closed (fixture->destination, 4999, reason);
  g_assert_no_error (fixture->error);
}

static void
test_drop_side (Fixture *fixture,
                gconstpointer user_data)
{
  client_send (fixture->source, STREAM_START, "SSH", 3, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 3, 1, NULL);
  g_assert_true (ist_emulator_tunnel_drop_side (fixture->tunnel, IST_MODE_SOURCE));
  g_assert_false (ist_emulator_tunnel_drop_side (fixture->tunnel, IST_MODE_SOURCE));
  client_expect_closed (fixture->source, 0, NULL);
  client_expect (fixture->destination, STREAM_RESET, "SSH", 3, 1, NULL);
  g_assert_cmpuint (fixture->n_disconnected, ==, 1);
}

static void
test_reset_session (Fixture *fixture,
                    gconstpointer user_data)
{
  client_send (fixture->source, STREAM_START, "SSH", 3, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 3, 1, NULL);
  ist_emulator_tunnel_reset_session (fixture->tunnel);
  client_expect (fixture->source, SESSION_RESET, NULL, 0, 0, NULL);
  client_expect (fixture->destination, SESSION_RESET, NULL, 0, 0, NULL);

  client_send (fixture->source, STREAM_START, "SSH", 4, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 4, 1, NULL);
}

static void
test_omit_service_ids (Fixture *fixture,
                       gconstpointer user_data)
{
  ist_emulator_tunnel_set_omit_service_ids (fixture->tunnel, IST_MODE_SOURCE, TRUE);
  connect_destination (fixture);
  fixture->source = client_new (fixture->service, fixture->tunnel, IST_MODE_SOURCE, NULL);
  expect_nothing (fixture, fixture->destination, fixture->source);
}

static void
test_send (Fixture *fixture,
           gconstpointer user_data)
{
  g_autoptr (IstMessage) message = ist_message_new_full (DATA, "SSH", 9, 2, FALSE, NULL);
  g_autoptr (GBytes) nonsense = g_bytes_new_static ("\0\1\xff", 3);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strnfill (126, 't');

  g_assert_true (ist_emulator_tunnel_send_message (fixture->tunnel, IST_MODE_SOURCE, message, &error));
  g_assert_no_error (error);
  client_expect (fixture->source, DATA, "SSH", 9, 2, NULL);
  test_wait (ist_emulator_tunnel_get_queued_bytes (fixture->tunnel, IST_MODE_SOURCE) == 0);

  g_array_set_size (fixture->source->frames, 0);
  g_assert_true (ist_emulator_tunnel_send_bytes (fixture->tunnel, IST_MODE_SOURCE, nonsense, &error));
  g_assert_no_error (error);
  g_assert_false (ist_emulator_tunnel_send_text (fixture->tunnel, IST_MODE_SOURCE, "too early", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_clear_error (&error);
  test_wait (fixture->source->frames->len == 1);
  g_assert_cmpuint (g_array_index (fixture->source->frames, gsize, 0), ==, 3);

  test_wait (ist_emulator_tunnel_get_queued_bytes (fixture->tunnel, IST_MODE_SOURCE) == 0);
  g_assert_false (ist_emulator_tunnel_send_text (fixture->tunnel, IST_MODE_SOURCE, text, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOO_LARGE);
  g_clear_error (&error);
  g_assert_true (ist_emulator_tunnel_send_text (fixture->tunnel, IST_MODE_SOURCE, text + 1, &error));
  g_assert_no_error (error);
  test_wait (fixture->source->frames->len == 2);
  g_assert_cmpuint (g_array_index (fixture->source->frames, gsize, 1), ==, 125);

  g_clear_pointer (&fixture->destination, client_free);
  test_wait (!ist_emulator_tunnel_is_connected (fixture->tunnel, IST_MODE_DESTINATION));
  g_assert_false (ist_emulator_tunnel_send_message (fixture->tunnel, IST_MODE_DESTINATION, message, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED);
}

static void
test_frame_size (Fixture *fixture,
                 gconstpointer user_data)
{
  const guint sizes[] = { 1, 5, 0 };
  const gsize expected[] = { 1, 5, 25 };

  client_send (fixture->source, STREAM_START, "SSH", 1, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 1, 1, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      ist_emulator_tunnel_set_frame_size (fixture->tunnel, IST_MODE_DESTINATION, sizes[i]);
      g_array_set_size (fixture->destination->frames, 0);
      client_send (fixture->source, DATA, "SSH", 1, 1, "0123456789");
      client_expect (fixture->destination, DATA, "SSH", 1, 1, "0123456789");
      g_assert_cmpuint (g_array_index (fixture->destination->frames, gsize, 0), ==, expected[i]);
      g_assert_cmpuint (fixture->destination->frames->len, ==, 25 / expected[i]);
    }
}

static void
append_message (GByteArray *frame,
                IstMessageType type,
                const char *service,
                guint connection,
                const char *payload)
{
  g_autoptr (GBytes) bytes = payload != NULL ? g_bytes_new (payload, strlen (payload)) : NULL;
  g_autoptr (GBytes) message = client_encode (type, service, 1, connection, bytes);

  g_byte_array_append (frame, g_bytes_get_data (message, NULL), g_bytes_get_size (message));
}

/* What came in one frame leaves in one, and what came in several does not. */
static void
test_frames (Fixture *fixture,
             gconstpointer user_data)
{
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  gsize size;

  client_send (fixture->source, STREAM_START, "SSH", 1, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 1, 1, NULL);
  g_array_set_size (fixture->destination->frames, 0);

  append_message (frame, DATA, "SSH", 1, "one");
  append_message (frame, DATA, "SSH", 1, "two");
  append_message (frame, CONNECTION_START, "SSH", 2, NULL);
  client_send_bytes (fixture->source, frame->data, frame->len);
  client_send (fixture->source, DATA, "SSH", 1, 1, "three");
  client_send (fixture->source, DATA, "SSH", 1, 2, "four");
  client_expect (fixture->destination, DATA, "SSH", 1, 1, "one");
  client_expect (fixture->destination, DATA, "SSH", 1, 1, "two");
  client_expect (fixture->destination, CONNECTION_START, "SSH", 1, 2, NULL);
  client_expect (fixture->destination, DATA, "SSH", 1, 1, "three");
  client_expect (fixture->destination, DATA, "SSH", 1, 2, "four");
  g_assert_cmpuint (fixture->destination->frames->len, ==, 3);
  g_assert_cmpuint (g_array_index (fixture->destination->frames, gsize, 0), ==, frame->len);

  /* A message that comes in pieces is passed on when it is whole, what is in the
   * frame with its end together again. */
  g_array_set_size (fixture->destination->frames, 0);
  g_byte_array_set_size (frame, 0);
  append_message (frame, DATA, "SSH", 1, "five");
  size = frame->len;
  append_message (frame, DATA, "SSH", 1, "six");
  append_message (frame, DATA, "SSH", 1, "seven");
  client_send_bytes (fixture->source, frame->data, 5);
  client_send_bytes (fixture->source, frame->data + 5, frame->len - 5);
  client_expect (fixture->destination, DATA, "SSH", 1, 1, "five");
  client_expect (fixture->destination, DATA, "SSH", 1, 1, "six");
  client_expect (fixture->destination, DATA, "SSH", 1, 1, "seven");
  g_assert_cmpuint (fixture->destination->frames->len, ==, 2);
  g_assert_cmpuint (g_array_index (fixture->destination->frames, gsize, 0), ==, size);
  g_assert_cmpuint (g_array_index (fixture->destination->frames, gsize, 1), ==, frame->len - size);
}

static void
test_delay (Fixture *fixture,
            gconstpointer user_data)
{
  gint64 start = g_get_monotonic_time ();

  ist_emulator_tunnel_set_delay_ms (fixture->tunnel, IST_MODE_DESTINATION, 50);
  client_send (fixture->source, STREAM_START, "SSH", 1, 1, NULL);
  client_send (fixture->source, DATA, "SSH", 1, 1, "first");
  test_wait (ist_emulator_tunnel_get_queued_bytes (fixture->tunnel, IST_MODE_DESTINATION) > 0);
  ist_emulator_tunnel_set_delay_ms (fixture->tunnel, IST_MODE_DESTINATION, 0);
  client_send (fixture->source, DATA, "SSH", 1, 1, "second");
  client_expect (fixture->destination, STREAM_START, "SSH", 1, 1, NULL);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 50 * 1000);
  client_expect (fixture->destination, DATA, "SSH", 1, 1, "first");
  client_expect (fixture->destination, DATA, "SSH", 1, 1, "second");

  /* Whoever leaves gets nothing more. */
  ist_emulator_tunnel_set_delay_ms (fixture->tunnel, IST_MODE_DESTINATION, 1);
  client_send (fixture->source, DATA, "SSH", 1, 1, "third");
  test_wait (ist_emulator_tunnel_get_queued_bytes (fixture->tunnel, IST_MODE_DESTINATION) > 0);
  ist_emulator_tunnel_drop_side (fixture->tunnel, IST_MODE_DESTINATION);
  g_assert_cmpuint (ist_emulator_tunnel_get_queued_bytes (fixture->tunnel, IST_MODE_DESTINATION), ==, 0);
  test_run_for (SETTLE_TIME);
}

static void
test_stalled (Fixture *fixture,
              gconstpointer user_data)
{
  ist_emulator_tunnel_set_stalled (fixture->tunnel, IST_MODE_SOURCE, TRUE);
  client_send (fixture->source, STREAM_START, "SSH", 1, 1, NULL);
  test_run_for (SETTLE_TIME);
  g_assert_cmpuint (fixture->destination->messages->len, ==, 0);

  /* The other direction flows. */
  client_send (fixture->destination, STREAM_RESET, "SSH", 1, 1, NULL);
  client_expect (fixture->source, STREAM_RESET, "SSH", 1, 1, NULL);

  ist_emulator_tunnel_set_stalled (fixture->tunnel, IST_MODE_SOURCE, FALSE);
  client_expect (fixture->destination, STREAM_START, "SSH", 1, 1, NULL);
}

/* A destination that does not read makes the source wait, not the emulator
 * swell; when it reads again, it gets everything. */
static void
test_bounded (Fixture *fixture,
              gconstpointer user_data)
{
  const gsize n_messages = 512;
  g_autoptr (GBytes) payload = g_bytes_new_take (g_strnfill (64000, 'x'), 64000);
  g_autoptr (GBytes) message = client_encode (DATA, "SSH", 1, 1, payload);
  g_autofree char *request = client_make_request (fixture->tunnel, IST_MODE_DESTINATION, NULL);
  g_autofree char *answer = NULL;
  g_autoptr (GIOStream) stream = NULL;
  GPollableInputStream *input;
  guint64 most = 0;
  gsize total = 0;

  connect_source (fixture);
  stream = client_connect (fixture->service, NULL, "127.0.0.1", NULL);
  answer = client_exchange (stream, request);
  test_wait (ist_emulator_tunnel_is_connected (fixture->tunnel, IST_MODE_DESTINATION));

  client_send (fixture->source, STREAM_START, "SSH", 1, 1, NULL);
  for (gsize i = 0; i < n_messages; i++)
    client_send_bytes (fixture->source, g_bytes_get_data (message, NULL), g_bytes_get_size (message));
  for (int i = 0; i < 500; i++)
    {
      guint64 queued = ist_emulator_tunnel_get_queued_bytes (fixture->tunnel, IST_MODE_DESTINATION);

      most = MAX (most, queued);
      g_usleep (200);
      g_main_context_iteration (NULL, FALSE);
    }
  g_test_message ("offered %" G_GSIZE_FORMAT " bytes, at most %" G_GUINT64_FORMAT " kept",
                  n_messages * g_bytes_get_size (message), most);
  g_assert_cmpuint (most, >, 256 * 1024);
  g_assert_cmpuint (most, <=, MAX_QUEUED);

  /* The reader comes back. */
  input = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream));
  while (total < n_messages * g_bytes_get_size (message))
    {
      g_autoptr (GError) error = NULL;
      guint8 buffer[65536];
      gssize n_read;

      n_read = g_pollable_input_stream_read_nonblocking (input, buffer, sizeof buffer, NULL, &error);
      if (n_read > 0)
        total += n_read;
      else
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
      g_main_context_iteration (NULL, FALSE);
      most = MAX (most, ist_emulator_tunnel_get_queued_bytes (fixture->tunnel, IST_MODE_DESTINATION));
    }
  g_assert_cmpuint (most, <=, MAX_QUEUED);
  g_assert_false (fixture->source->closed);
}

/* A source that waits for a destination must not wait for ever when that goes. */
static void
test_bounded_peer_leaves (Fixture *fixture,
                          gconstpointer user_data)
{
  g_autoptr (GBytes) payload = g_bytes_new_take (g_strnfill (64000, 'x'), 64000);
  g_autoptr (GBytes) message = client_encode (DATA, "SSH", 1, 1, payload);
  g_autofree char *request = client_make_request (fixture->tunnel, IST_MODE_DESTINATION,
                                                  "client-token: x" CLIENT_TOKEN "\r\n");
  g_autofree char *answer = NULL;
  g_autoptr (GIOStream) stream = NULL;

  connect_source (fixture);
  stream = client_connect (fixture->service, NULL, "127.0.0.1", NULL);
  answer = client_exchange (stream, request);
  test_wait (ist_emulator_tunnel_is_connected (fixture->tunnel, IST_MODE_DESTINATION));
  client_send (fixture->source, STREAM_START, "SSH", 1, 1, NULL);
  for (gsize i = 0; i < 200; i++)
    client_send_bytes (fixture->source, g_bytes_get_data (message, NULL), g_bytes_get_size (message));
  test_wait (ist_emulator_tunnel_get_queued_bytes (fixture->tunnel, IST_MODE_DESTINATION) > 512 * 1024);

  ist_emulator_tunnel_drop_side (fixture->tunnel, IST_MODE_DESTINATION);
  client_expect (fixture->source, STREAM_RESET, "SSH", 1, 1, NULL);
  connect_destination (fixture);
  client_send (fixture->source, STREAM_START, "SSH", 2, 1, NULL);
  while (TRUE)
    {
      g_autoptr (IstMessage) next = client_take (fixture->destination);

      if (ist_message_get_message_type (next) == STREAM_START)
        break;
      g_assert_cmpint (ist_message_get_stream_id (next), ==, 1);
    }
}

static void
on_traced (IstEmulatorTunnel *tunnel,
           IstMode from,
           IstMessage *message,
           GString *trace)
{
  g_string_append_printf (trace, "%c%d ", from == IST_MODE_SOURCE ? 's' : 'd',
                          ist_message_get_message_type (message));
}

static void
test_trace (Fixture *fixture,
            gconstpointer user_data)
{
  g_autoptr (GString) trace = g_string_new (NULL);
  gulong handler = g_signal_connect (fixture->tunnel, "message", G_CALLBACK (on_traced), trace);

  client_send (fixture->source, STREAM_START, "SSH", 1, 1, NULL);
  client_expect (fixture->destination, STREAM_START, "SSH", 1, 1, NULL);
  client_send (fixture->destination, DATA, "SSH", 1, 1, "x");
  client_expect (fixture->source, DATA, "SSH", 1, 1, "x");
  g_signal_handler_disconnect (fixture->tunnel, handler);
  client_send (fixture->source, STREAM_RESET, "SSH", 1, 1, NULL);
  client_expect (fixture->destination, STREAM_RESET, "SSH", 1, 1, NULL);
  g_assert_cmpstr (trace->str, ==, "s2 d1 ");
}

/* Any call from inside a signal handler, and the last reference, are safe. */
static void
on_message_end_all (IstEmulatorTunnel *tunnel,
                    IstMode from,
                    IstMessage *message,
                    Fixture *fixture)
{
  g_clear_object (&fixture->tunnel);
  g_clear_object (&fixture->service);
}

static void
on_message_drop (IstEmulatorTunnel *tunnel,
                 IstMode from,
                 IstMessage *message,
                 Fixture *fixture)
{
  ist_emulator_tunnel_drop_side (tunnel, from);
}

static void
on_disconnected_close (IstEmulatorTunnel *tunnel,
                       IstMode side,
                       const GError *error,
                       Fixture *fixture)
{
  ist_emulator_service_close_tunnel (fixture->service, ist_emulator_tunnel_get_id (tunnel), NULL);
}

static void
send_two (Client *client)
{
  g_autoptr (GBytes) start = client_encode (STREAM_START, "SSH", 1, 1, NULL);
  g_autoptr (GByteArray) frame = g_byte_array_new ();

  for (int i = 0; i < 2; i++)
    g_byte_array_append (frame, g_bytes_get_data (start, NULL), g_bytes_get_size (start));
  client_send_bytes (client, frame->data, frame->len);
}

static void
test_reentrancy (Fixture *fixture,
                 gconstpointer user_data)
{
  g_autoptr (Client) old = fixture->source;
  gulong handler;

  handler = g_signal_connect (fixture->tunnel, "message", G_CALLBACK (on_message_drop), fixture);
  send_two (old);
  client_expect_closed (old, 0, NULL);
  g_signal_handler_disconnect (fixture->tunnel, handler);

  connect_source (fixture);
  g_signal_connect (fixture->tunnel, "message", G_CALLBACK (on_message_end_all), fixture);
  send_two (fixture->source);
  client_expect_closed (fixture->source, 1001, "Service is going away");
  g_assert_null (fixture->service);
}

static void
test_reentrancy_replaced (Fixture *fixture,
                          gconstpointer user_data)
{
  g_autofree char *request = client_make_request (fixture->tunnel, IST_MODE_SOURCE,
                                                  "client-token: " CLIENT_TOKEN "\r\n");
  g_autoptr (GIOStream) stream = client_connect (fixture->service, NULL, "127.0.0.1", NULL);
  g_autofree char *answer = NULL;

  g_signal_connect (fixture->tunnel, "client-disconnected", G_CALLBACK (on_disconnected_close), fixture);
  answer = client_exchange (stream, request);
  test_wait (!ist_emulator_tunnel_is_open (fixture->tunnel));
  client_expect_closed (fixture->destination, 1000, "Tunnel is closed");
  g_assert_false (ist_emulator_tunnel_is_connected (fixture->tunnel, IST_MODE_SOURCE));
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, services, start, function) \
  g_test_add ("/emulator/" path, Fixture, services, start, function, tear_down)

  ADD ("relay/no-services", no_services, set_up, test_no_services);
  ADD ("relay/messages", two_services, set_up, test_messages);
  ADD ("relay/version-1", one_service, set_up, test_version_1);
  ADD ("relay/framing", two_services, set_up, test_framing);
  ADD ("relay/absent-peer", two_services, set_up_tunnel, test_absent_peer);
  ADD ("relay/ignorable", two_services, set_up, test_ignorable);
  ADD ("relay/text-frame", two_services, set_up, test_text_frame);
  ADD ("relay/frame-size-limit", two_services, set_up, test_frame_size_limit);
  for (gsize i = 0; i < G_N_ELEMENTS (violations); i++)
    {
      g_autofree char *path = g_strdup_printf ("/emulator/violation/%s", violations[i].name);

      g_test_add_data_func (path, &violations[i], test_violation);
    }
  ADD ("clients/peer-leaves", two_services, set_up, test_peer_leaves);
  ADD ("clients/replaced", two_services, set_up, test_replaced);
  ADD ("clients/rotated", two_services, set_up, test_rotated);
  ADD ("clients/expired", two_services, set_up, test_expired);
  ADD ("clients/outage", two_services, set_up, test_outage);
  ADD ("faults/close-side", two_services, set_up, test_close_side);
  ADD ("faults/drop-side", two_services, set_up, test_drop_side);
  ADD ("faults/reset-session", two_services, set_up, test_reset_session);
  ADD ("faults/omit-service-ids", two_services, set_up_tunnel, test_omit_service_ids);
  ADD ("faults/send", two_services, set_up, test_send);
  ADD ("frames", two_services, set_up, test_frames);
  ADD ("faults/frame-size", two_services, set_up, test_frame_size);
  ADD ("faults/delay", two_services, set_up, test_delay);
  ADD ("faults/stalled", two_services, set_up, test_stalled);
  ADD ("bounded/reader-stalls", two_services, set_up_tunnel, test_bounded);
  ADD ("bounded/reader-leaves", two_services, set_up_tunnel, test_bounded_peer_leaves);
  ADD ("signals/trace", two_services, set_up, test_trace);
  ADD ("signals/reentrancy", two_services, set_up, test_reentrancy);
  ADD ("signals/reentrancy-replaced", two_services, set_up, test_reentrancy_replaced);

  return g_test_run ();
}
