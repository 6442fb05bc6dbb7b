/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/protocol/ist-wire-private.h"

#include <string.h>

#include <ist/ist-tunnel-error.h>

#define N_SERVICE_IDS 3

/* A message and its one right encoding, written by hand. */
typedef struct
{
  const char *name;
  IstMessageType type;
  const char *service_id;
  int stream_id;
  guint connection_id;
  gboolean ignorable;
  const char *payload;
  const char *service_ids[N_SERVICE_IDS];
  const char *encoding;
} Golden;

/* clang-format off */
static const Golden goldens[] = {
  { "data-v1", IST_MESSAGE_TYPE_DATA, NULL, 1, 0, FALSE, "hi", { NULL },
    "0008 08 01 10 01 22 02 68 69" },
  { "data-v2", IST_MESSAGE_TYPE_DATA, "SSH", 1, 0, FALSE, "hi", { NULL },
    "000d 08 01 10 01 22 02 68 69 2a 03 53 53 48" },
  { "data-v3", IST_MESSAGE_TYPE_DATA, "SSH", 300, 2, FALSE, "hi", { NULL },
    "0010 08 01 10 ac 02 22 02 68 69 2a 03 53 53 48 38 02" },
  { "data-empty", IST_MESSAGE_TYPE_DATA, "SSH", 1, 1, FALSE, NULL, { NULL },
    "000b 08 01 10 01 2a 03 53 53 48 38 01" },
  { "data-ignorable", IST_MESSAGE_TYPE_DATA, NULL, 1, 0, TRUE, "hi", { NULL },
    "000a 08 01 10 01 18 01 22 02 68 69" },
  { "stream-start-v1", IST_MESSAGE_TYPE_STREAM_START, NULL, 1, 0, FALSE, NULL, { NULL },
    "0004 08 02 10 01" },
  { "stream-start-v3", IST_MESSAGE_TYPE_STREAM_START, "SSH", 1, 1, FALSE, NULL, { NULL },
    "000b 08 02 10 01 2a 03 53 53 48 38 01" },
  { "stream-reset-v3", IST_MESSAGE_TYPE_STREAM_RESET, "VNC", 2, 1, FALSE, NULL, { NULL },
    "000b 08 03 10 02 2a 03 56 4e 43 38 01" },
  { "session-reset", IST_MESSAGE_TYPE_SESSION_RESET, NULL, 0, 0, FALSE, NULL, { NULL },
    "0002 08 04" },
  { "service-ids", IST_MESSAGE_TYPE_SERVICE_IDS, NULL, 0, 0, FALSE, NULL, { "SSH", "VNC" },
    "000c 08 05 32 03 53 53 48 32 03 56 4e 43" },
  { "service-ids-none", IST_MESSAGE_TYPE_SERVICE_IDS, NULL, 0, 0, FALSE, NULL, { NULL },
    "0002 08 05" },
  { "connection-start", IST_MESSAGE_TYPE_CONNECTION_START, "SSH", 1, 268435455, FALSE, NULL, { NULL },
    "000e 08 06 10 01 2a 03 53 53 48 38 ff ff ff 7f" },
  { "connection-reset", IST_MESSAGE_TYPE_CONNECTION_RESET, "SSH", 2147483647, 1, FALSE, NULL, { NULL },
    "000f 08 07 10 ff ff ff ff 07 2a 03 53 53 48 38 01" },
  { "of-a-newer-peer", (IstMessageType) 150, "Ü", 1, 0, TRUE, NULL, { NULL },
    "000b 08 96 01 10 01 18 01 2a 02 c3 9c" },
  { "greatest-ids", IST_MESSAGE_TYPE_DATA, NULL, -1, G_MAXUINT32, FALSE, NULL, { NULL },
    "0013 08 01 10 ff ff ff ff ff ff ff ff ff 01 38 ff ff ff ff 0f" },
};
/* clang-format on */

static GBytes *
from_hex (const char *hex)
{
  GByteArray *bytes = g_byte_array_new ();

  while (*hex != '\0')
    {
      guint8 byte;

      if (*hex == ' ')
        {
          hex++;
          continue;
        }

      byte = g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1]);
      g_byte_array_append (bytes, &byte, 1);
      hex += 2;
    }

  return g_byte_array_free_to_bytes (bytes);
}

static IstMessage *
make_golden (const Golden *golden)
{
  g_autoptr (GBytes) payload = NULL;

  if (golden->type == IST_MESSAGE_TYPE_SERVICE_IDS)
    return ist_message_new_service_ids (golden->service_ids);

  if (golden->payload != NULL)
    payload = g_bytes_new_static (golden->payload, strlen (golden->payload));

  return ist_message_new_full (golden->type, golden->service_id, golden->stream_id, golden->connection_id,
                               golden->ignorable, payload);
}

static void
assert_same (IstMessage *message,
             IstMessage *expected)
{
  GBytes *payload = ist_message_get_payload (message);
  GBytes *expected_payload = ist_message_get_payload (expected);

  g_assert_nonnull (message);
  g_assert_cmpint (ist_message_get_message_type (message), ==, ist_message_get_message_type (expected));
  g_assert_cmpstr (ist_message_get_service_id (message), ==, ist_message_get_service_id (expected));
  g_assert_cmpint (ist_message_get_stream_id (message), ==, ist_message_get_stream_id (expected));
  g_assert_cmpuint (ist_message_get_connection_id (message), ==, ist_message_get_connection_id (expected));
  g_assert_cmpint (ist_message_get_ignorable (message), ==, ist_message_get_ignorable (expected));
  g_assert_cmpstrv ((char **) ist_message_get_service_ids (message),
                    (char **) ist_message_get_service_ids (expected));
  g_assert_true ((payload == NULL) == (expected_payload == NULL));
  if (payload != NULL)
    g_assert_true (g_bytes_equal (payload, expected_payload));
}

static IstMessage *
next_message (IstWireDecoder *decoder,
              GBytes **raw)
{
  g_autoptr (GError) error = NULL;
  IstMessage *message = NULL;

  g_assert_true (ist_wire_decoder_next (decoder, &message, raw, &error));
  g_assert_no_error (error);

  return message;
}

static void
assert_drained (IstWireDecoder *decoder)
{
  g_assert_null (next_message (decoder, NULL));
}

static void
test_golden (gconstpointer data)
{
  const Golden *golden = data;
  g_autoptr (GBytes) encoding = from_hex (golden->encoding);
  g_autoptr (IstMessage) message = make_golden (golden);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (TRUE);
  g_autoptr (IstMessage) decoded = NULL;
  g_autoptr (GBytes) raw = NULL;

  /* It is appended to what is there. */
  g_byte_array_append (out, (const guint8 *) "before", 6);
  ist_wire_encode (message, out);
  g_assert_cmpmem (out->data, 6, "before", 6);
  g_assert_cmpmem (out->data + 6, out->len - 6,
                   g_bytes_get_data (encoding, NULL), g_bytes_get_size (encoding));
  g_assert_cmpuint (ist_wire_get_encoded_size (message), ==, g_bytes_get_size (encoding));

  ist_wire_decoder_feed (decoder, encoding);
  decoded = next_message (decoder, &raw);
  assert_same (decoded, message);
  g_assert_true (g_bytes_equal (raw, encoding));
  assert_drained (decoder);
}

/* All the golden messages, one after another. */
static GBytes *
make_stream (void)
{
  GByteArray *stream = g_byte_array_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (goldens); i++)
    {
      g_autoptr (GBytes) encoding = from_hex (goldens[i].encoding);

      g_byte_array_append (stream, g_bytes_get_data (encoding, NULL), g_bytes_get_size (encoding));
    }

  return g_byte_array_free_to_bytes (stream);
}

/* Feeds @piece and checks the messages that come of it, from the one that
 * golden @next is on; returns the one to come next. */
static gsize
feed_and_check (IstWireDecoder *decoder,
                GBytes *piece,
                gsize next)
{
  ist_wire_decoder_feed (decoder, piece);

  for (;; next++)
    {
      g_autoptr (GBytes) raw = NULL;
      g_autoptr (IstMessage) message = next_message (decoder, &raw);
      g_autoptr (IstMessage) expected = NULL;
      g_autoptr (GBytes) encoding = NULL;

      if (message == NULL)
        {
          g_assert_null (raw);
          return next;
        }

      g_assert_cmpuint (next, <, G_N_ELEMENTS (goldens));
      expected = make_golden (&goldens[next]);
      encoding = from_hex (goldens[next].encoding);
      assert_same (message, expected);
      g_assert_true (g_bytes_equal (raw, encoding));
    }
}

static void
test_split_once (void)
{
  g_autoptr (GBytes) stream = make_stream ();
  gsize size = g_bytes_get_size (stream);

  for (gsize cut = 0; cut <= size; cut++)
    {
      g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
      g_autoptr (GBytes) head = g_bytes_new_from_bytes (stream, 0, cut);
      g_autoptr (GBytes) tail = g_bytes_new_from_bytes (stream, cut, size - cut);
      gsize n = feed_and_check (decoder, head, 0);

      n = feed_and_check (decoder, tail, n);
      g_assert_cmpuint (n, ==, G_N_ELEMENTS (goldens));
    }
}

static void
test_split_evenly (void)
{
  g_autoptr (GBytes) stream = make_stream ();
  gsize size = g_bytes_get_size (stream);

  for (gsize step = 1; step <= size; step++)
    {
      g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
      gsize n = 0;

      for (gsize offset = 0; offset < size; offset += step)
        {
          g_autoptr (GBytes) piece = g_bytes_new_from_bytes (stream, offset, MIN (step, size - offset));

          n = feed_and_check (decoder, piece, n);
        }
      g_assert_cmpuint (n, ==, G_N_ELEMENTS (goldens));
    }
}

static void
test_empty_feeds (void)
{
  g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (GBytes) head = from_hex ("00");
  g_autoptr (GBytes) tail = from_hex ("02 08 04");
  g_autoptr (IstMessage) message = NULL;

  ist_wire_decoder_feed (decoder, empty);
  assert_drained (decoder);
  ist_wire_decoder_feed (decoder, head);
  assert_drained (decoder);
  ist_wire_decoder_feed (decoder, empty);
  assert_drained (decoder);
  ist_wire_decoder_feed (decoder, tail);
  message = next_message (decoder, NULL);
  g_assert_cmpint (ist_message_get_message_type (message), ==, IST_MESSAGE_TYPE_SESSION_RESET);
  assert_drained (decoder);
}

static void
test_many_in_one_feed (void)
{
  g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (GBytes) feed = NULL;

  for (guint i = 1; i <= 10000; i++)
    {
      g_autoptr (GBytes) payload = g_bytes_new (&i, sizeof i);
      g_autoptr (IstMessage) message = ist_message_new_full (IST_MESSAGE_TYPE_DATA, "SSH", 1, i,
                                                             FALSE, payload);

      ist_wire_encode (message, out);
    }

  feed = g_byte_array_free_to_bytes (g_steal_pointer (&out));
  ist_wire_decoder_feed (decoder, feed);
  for (guint i = 1; i <= 10000; i++)
    {
      g_autoptr (IstMessage) message = next_message (decoder, NULL);
      GBytes *payload = ist_message_get_payload (message);

      g_assert_cmpuint (ist_message_get_connection_id (message), ==, i);
      g_assert_cmpmem (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload), &i, sizeof i);
    }
  assert_drained (decoder);
}

/* What was decoded outlives the feed and the decoder. */
static void
test_messages_own_their_bytes (void)
{
  GBytes *feed = from_hex ("000d 08 01 10 01 22 02 68 69 2a 03 53 53 48");
  IstWireDecoder *decoder = ist_wire_decoder_new (FALSE);
  g_autoptr (IstMessage) message = NULL;
  g_autoptr (GBytes) raw = NULL;

  ist_wire_decoder_feed (decoder, feed);
  message = next_message (decoder, &raw);
  ist_wire_decoder_free (decoder);
  g_bytes_unref (feed);

  g_assert_cmpstr (ist_message_get_service_id (message), ==, "SSH");
  g_assert_cmpmem (g_bytes_get_data (ist_message_get_payload (message), NULL), 2, "hi", 2);
  g_assert_cmpuint (g_bytes_get_size (raw), ==, 15);
}

/* Whole messages are passed on without a copy. */
static void
test_raw_shares_the_feed (void)
{
  g_autoptr (GBytes) feed = from_hex ("0002 08 04 0002 08 05");
  g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
  const guint8 *data = g_bytes_get_data (feed, NULL);
  g_autoptr (IstMessage) first = NULL;
  g_autoptr (IstMessage) second = NULL;
  g_autoptr (GBytes) first_raw = NULL;
  g_autoptr (GBytes) second_raw = NULL;

  ist_wire_decoder_feed (decoder, feed);
  first = next_message (decoder, &first_raw);
  second = next_message (decoder, &second_raw);
  g_assert_true (g_bytes_get_data (first_raw, NULL) == data);
  g_assert_true (g_bytes_get_data (second_raw, NULL) == data + 4);
}

static IstMessage *
make_data (gsize payload_size)
{
  g_autoptr (GBytes) payload = g_bytes_new_take (g_malloc0 (payload_size), payload_size);

  return ist_message_new_full (IST_MESSAGE_TYPE_DATA, "SSH", 1, 1, FALSE, payload);
}

/* Appends a field of the wire, or with @tag_size and @length_size one whose tag and
 * length take more bytes than they need. */
static void
append_field (GByteArray *message,
              guint8 tag,
              guint tag_size,
              gsize length,
              guint length_size)
{
  guint i;

  for (i = 0; i < tag_size; i++)
    {
      guint8 byte = i == 0 ? tag : 0;

      byte |= i + 1 < tag_size ? 0x80 : 0;
      g_byte_array_append (message, &byte, 1);
    }
  for (i = 0; i < length_size; i++)
    {
      guint8 byte = (length >> (7 * i) & 0x7f) | (i + 1 < length_size ? 0x80 : 0);

      g_byte_array_append (message, &byte, 1);
    }
  for (i = 0; i < length; i++)
    {
      guint8 byte = i * 7 + tag;

      g_byte_array_append (message, &byte, 1);
    }
}

static void
append_service_id (GByteArray *message,
                   gsize length)
{
  g_autofree char *id = g_strnfill (length, 's');
  guint8 head[] = { 5 << 3 | 2, (length & 0x7f) | 0x80, length >> 7 };

  g_byte_array_append (message, head, sizeof head);
  g_byte_array_append (message, (const guint8 *) id, length);
}

/* What a feed decodes to; NULL if that is no message. */
static IstMessage *
decode_first (GBytes *feed,
              guint n_before)
{
  g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (TRUE);
  g_autoptr (GError) error = NULL;
  IstMessage *message = NULL;

  ist_wire_decoder_feed (decoder, feed);
  for (; n_before > 0; n_before--)
    {
      g_autoptr (IstMessage) before = next_message (decoder, NULL);

      g_assert_nonnull (before);
    }
  if (!ist_wire_decoder_next (decoder, &message, NULL, &error))
    g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL);
  return message;
}

static gboolean
shares_memory (IstMessage *message,
               GBytes *feed)
{
  gsize feed_size;
  gsize size;
  const guint8 *start = g_bytes_get_data (feed, &feed_size);
  const guint8 *data = g_bytes_get_data (ist_message_get_payload (message), &size);

  return data >= start && data + size <= start + feed_size;
}

/* Whether a payload is shared or copied makes no difference to what is decoded,
 * however a message is put together. */
static void
test_shared_payload (void)
{
  static const struct
  {
    const char *name;
    gboolean shared;
    gsize payload;
    guint tag_size;
    guint length_size;
    gssize second; /* -1: there is none */
    gsize service_id;
    guint8 extra; /* the tag of one more field */
  } cases[] = {
    { "plain", TRUE, 5000, 1, 2, -1, 3, 0 },
    { "largest", TRUE, IST_WIRE_MAX_PAYLOAD, 1, 3, -1, 128, 0 },
    { "small", FALSE, 4000, 1, 2, -1, 3, 0 },
    { "too-large", FALSE, IST_WIRE_MAX_PAYLOAD + 1, 1, 3, -1, 3, 0 },
    { "two", FALSE, 5000, 1, 2, 5000, 3, 0 },
    { "then-empty", FALSE, 5000, 1, 2, 0, 3, 0 },
    { "then-short", FALSE, 5000, 1, 2, 1, 3, 0 },
    { "long-tag", FALSE, 5000, 3, 2, -1, 3, 0 },
    { "longest-tag", FALSE, 5000, 6, 2, -1, 3, 0 },
    { "long-length", FALSE, 5000, 1, 4, -1, 3, 0 },
    { "longest-length", FALSE, 5000, 1, 6, -1, 3, 0 },
    { "service-id-too-long", FALSE, 5000, 1, 2, -1, 129, 0 },
    { "rest-too-long", FALSE, 5000, 1, 2, -1, 600, 0 },
    { "unknown-field", FALSE, 5000, 1, 2, -1, 3, 10 << 3 | 2 },
    { "group", FALSE, 5000, 1, 2, -1, 3, 10 << 3 | 3 },
    { "wrong-type", FALSE, 5000, 1, 2, -1, 3, 5 << 3 },
  };
  gsize i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) alone = g_byte_array_new ();
      g_autoptr (GByteArray) after = g_byte_array_new ();
      g_autoptr (GBytes) alone_feed = NULL;
      g_autoptr (GBytes) after_feed = NULL;
      g_autoptr (IstMessage) alone_message = NULL;
      g_autoptr (IstMessage) after_message = NULL;
      g_autoptr (IstMessage) filler = make_data (60000);

      g_test_message ("%s", cases[i].name);
      g_byte_array_append (alone, (const guint8 *) "\0\0\x08\x01\x10\x01", 6);
      append_field (alone, 4 << 3 | 2, cases[i].tag_size, cases[i].payload, cases[i].length_size);
      if (cases[i].second >= 0)
        append_field (alone, 4 << 3 | 2, 1, cases[i].second, 2);
      if (cases[i].extra != 0)
        append_field (alone, cases[i].extra, 1, 1, 1);
      append_service_id (alone, cases[i].service_id);
      alone->data[0] = (alone->len - 2) >> 8;
      alone->data[1] = (alone->len - 2) & 0xff;

      /* In a feed with much else, nothing is shared. */
      ist_wire_encode (filler, after);
      g_byte_array_append (after, alone->data, alone->len);

      alone_feed = g_byte_array_free_to_bytes (g_steal_pointer (&alone));
      after_feed = g_byte_array_free_to_bytes (g_steal_pointer (&after));
      alone_message = decode_first (alone_feed, 0);
      after_message = decode_first (after_feed, 1);
      g_assert_true ((alone_message == NULL) == (after_message == NULL));
      if (alone_message == NULL)
        {
          g_assert_false (cases[i].shared);
          continue;
        }
      g_assert_true (ist_message_equal (alone_message, after_message));
      g_assert_true (shares_memory (alone_message, alone_feed) == cases[i].shared);
    }
}

/* A small part of much that came would keep all of it. */
static void
test_payload_is_not_shared (void)
{
  g_autoptr (IstMessage) large = make_data (30000);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (GBytes) feed = NULL;
  guint n_before;

  ist_wire_encode (large, out);
  ist_wire_encode (large, out);
  feed = g_byte_array_free_to_bytes (g_steal_pointer (&out));
  for (n_before = 0; n_before < 2; n_before++)
    {
      g_autoptr (IstMessage) message = decode_first (feed, n_before);

      assert_same (message, large);
      g_assert_false (shares_memory (message, feed));
    }
}

static void
test_reset_in_mid_message (void)
{
  g_autoptr (GBytes) half = from_hex ("000d 08 01 10 01 22");
  g_autoptr (GBytes) two = from_hex ("0002 08 04 0002 08 05");
  g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
  g_autoptr (IstMessage) message = NULL;
  g_autoptr (IstMessage) first = NULL;

  ist_wire_decoder_feed (decoder, half);
  assert_drained (decoder);
  ist_wire_decoder_reset (decoder);
  assert_drained (decoder);

  /* Likewise with messages left in the feed. */
  ist_wire_decoder_feed (decoder, two);
  first = next_message (decoder, NULL);
  ist_wire_decoder_reset (decoder);
  assert_drained (decoder);

  ist_wire_decoder_feed (decoder, two);
  message = next_message (decoder, NULL);
  g_assert_cmpint (ist_message_get_message_type (message), ==, IST_MESSAGE_TYPE_SESSION_RESET);
}

/* Bytes that other encoders may send, and what they say. */
typedef struct
{
  const char *name;
  const char *encoding;
  const char *same_as; /* the encoding of the same message in our form */
  gboolean strict;     /* accepted in strict mode, too */
} Lenient;

/* clang-format off */
static const Lenient lenients[] = {
  { "nothing-at-all",
    "0000",
    "0000", FALSE },
  { "type-unset",
    "0002 10 01",
    "0002 10 01", FALSE },
  { "type-zero",
    "0004 08 00 10 01",
    "0002 10 01", FALSE },
  { "zeros-written-out",
    "000f 08 01 10 01 18 00 22 00 2a 00 38 00 22 01 61",
    "0007 08 01 10 01 22 01 61", TRUE },
  { "fields-in-another-order",
    "0008 22 02 68 69 10 01 08 01",
    "0008 08 01 10 01 22 02 68 69", TRUE },
  { "last-of-a-repeated-field-counts",
    "000c 08 01 10 01 10 02 2a 01 41 2a 01 42",
    "0007 08 01 10 02 2a 01 42", TRUE },
  { "last-of-several-payloads-counts",
    "000a 08 01 10 01 22 01 61 22 01 62",
    "0007 08 01 10 01 22 01 62", TRUE },
  { "long-varints",
    "0007 08 81 00 10 81 80 00",
    "0004 08 01 10 01", TRUE },
  { "unknown-varint",
    "0007 08 01 10 01 40 96 01",
    "0004 08 01 10 01", FALSE },
  { "unknown-fixed64",
    "000d 08 01 10 01 41 00 00 00 00 00 00 00 00",
    "0004 08 01 10 01", FALSE },
  { "unknown-length-delimited",
    "0008 08 01 10 01 42 02 00 ff",
    "0004 08 01 10 01", FALSE },
  { "unknown-fixed32",
    "0009 08 01 10 01 45 00 00 00 00",
    "0004 08 01 10 01", FALSE },
  { "unknown-field-with-a-great-number",
    "000a 08 01 10 01 f8 ff ff ff 0f 01",
    "0004 08 01 10 01", FALSE },
  { "unknown-before-a-service-id",
    "000b 42 02 00 ff 08 01 10 01 2a 01 41",
    "0007 08 01 10 01 2a 01 41", FALSE },
};
/* clang-format on */

static void
test_lenient (gconstpointer data)
{
  const Lenient *lenient = data;
  g_autoptr (GBytes) encoding = from_hex (lenient->encoding);
  g_autoptr (GBytes) same_as = from_hex (lenient->same_as);
  g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
  g_autoptr (IstWireDecoder) strict_decoder = ist_wire_decoder_new (TRUE);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (IstMessage) message = NULL;
  g_autoptr (IstMessage) strict_message = NULL;
  g_autoptr (GError) error = NULL;

  ist_wire_decoder_feed (decoder, encoding);
  message = next_message (decoder, NULL);
  g_assert_nonnull (message);
  ist_wire_encode (message, out);
  g_assert_cmpmem (out->data, out->len, g_bytes_get_data (same_as, NULL), g_bytes_get_size (same_as));
  assert_drained (decoder);

  ist_wire_decoder_feed (strict_decoder, encoding);
  g_assert_true (ist_wire_decoder_next (strict_decoder, &strict_message, NULL, &error) == lenient->strict);
  if (lenient->strict)
    g_assert_no_error (error);
  else
    g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL);
}

typedef struct
{
  const char *name;
  const char *encoding;
} Garbage;

static const Garbage garbages[] = {
  { "bytes", "0004 de ad be ef" },
  { "zeros", "0004 00 00 00 00" },
  { "truncated-tag", "0001 88" },
  { "truncated-varint", "0002 08 81" },
  { "truncated-varint-at-the-end", "0004 08 01 10 ff" },
  { "endless-varint", "000c 08 ff ff ff ff ff ff ff ff ff ff 01" },
  { "varint-missing", "0001 08" },
  { "payload-too-short", "0006 08 01 10 01 22 05" },
  { "payload-length-wraps", "000b 08 01 22 ff ff ff ff ff ff ff 7f" },
  { "payload-length-too-great", "0009 08 01 22 ff ff ff ff 0f 61" },
  { "service-id-too-short", "0006 08 01 2a 04 41 42" },
  { "fixed64-too-short", "0006 08 01 41 00 00 00" },
  { "fixed32-too-short", "0005 08 01 45 00 00" },
  { "group", "0004 08 01 43 44" },
  { "type-is-a-string", "0004 0a 02 08 01" },
  { "payload-is-a-varint", "0004 08 01 20 01" },
  { "service-id-is-no-utf-8", "0006 08 01 2a 02 ff fe" },
  { "service-id-is-cut-utf-8", "0005 08 01 2a 01 c3" },
  { "service-id-with-a-nul", "000a 08 01 10 01 2a 04 53 00 53 48" },
  { "service-id-that-starts-with-a-nul", "0007 08 01 10 01 2a 01 00" },
  { "overridden-service-id-with-a-nul", "000c 08 01 10 01 2a 03 53 00 53 2a 01 41" },
  { "service-id-with-a-nul-after-unknown-fields",
    "001d 40 96 01 41 00 00 00 00 00 00 00 00 45 00 00 00 00 42 01 00 08 01 10 01 2a 03 53 00 53" },
  { "listed-service-id-is-no-utf-8", "0008 08 05 32 01 41 32 01 ff" },
  { "listed-service-id-with-a-nul", "000a 08 05 32 01 41 32 03 41 00 42" },
};

static void
assert_refused (IstWireDecoder *decoder)
{
  g_autoptr (IstMessage) message = NULL;
  g_autoptr (GBytes) raw = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (ist_wire_decoder_next (decoder, &message, &raw, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL);
  g_assert_null (message);
  g_assert_null (raw);
}

static void
test_garbage (gconstpointer data)
{
  const Garbage *garbage = data;
  g_autoptr (GBytes) encoding = from_hex (garbage->encoding);
  g_autoptr (GBytes) good = from_hex ("0002 08 04");
  gsize size = g_bytes_get_size (encoding);

  for (gsize cut = 0; cut <= size; cut++)
    {
      g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
      g_autoptr (GBytes) head = g_bytes_new_from_bytes (encoding, 0, cut);
      g_autoptr (GBytes) tail = g_bytes_new_from_bytes (encoding, cut, size - cut);
      g_autoptr (IstMessage) message = NULL;

      ist_wire_decoder_feed (decoder, head);
      if (cut < size)
        {
          assert_drained (decoder);
          ist_wire_decoder_feed (decoder, tail);
        }
      assert_refused (decoder);

      /* What follows can't be trusted, until a reset. */
      ist_wire_decoder_feed (decoder, good);
      assert_refused (decoder);
      ist_wire_decoder_reset (decoder);
      ist_wire_decoder_feed (decoder, good);
      message = next_message (decoder, NULL);
      g_assert_nonnull (message);
    }
}

/* Both in one piece and cut at each byte that matters. */
static void
assert_decodes (GBytes *encoding,
                IstMessage *expected)
{
  static const gsize cuts[] = { 0, 1, 2, 3, 4096, 64512, 65536 };
  gsize size = g_bytes_get_size (encoding);

  for (gsize i = 0; i < G_N_ELEMENTS (cuts); i++)
    {
      g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (TRUE);
      gsize cut = MIN (cuts[i], size);
      g_autoptr (GBytes) head = g_bytes_new_from_bytes (encoding, 0, cut);
      g_autoptr (GBytes) tail = g_bytes_new_from_bytes (encoding, cut, size - cut);
      g_autoptr (IstMessage) message = NULL;

      ist_wire_decoder_feed (decoder, head);
      message = next_message (decoder, NULL);
      if (message == NULL)
        {
          ist_wire_decoder_feed (decoder, tail);
          message = next_message (decoder, NULL);
        }
      assert_same (message, expected);
      assert_drained (decoder);
    }
}

static void
test_largest_payload (void)
{
  g_autoptr (IstMessage) message = make_data (IST_WIRE_MAX_PAYLOAD);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (GBytes) encoding = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (ist_wire_check (message, &error));
  g_assert_no_error (error);
  ist_wire_encode (message, out);
  encoding = g_byte_array_free_to_bytes (g_steal_pointer (&out));
  assert_decodes (encoding, message);
}

static void
test_payload_too_large (void)
{
  g_autoptr (IstMessage) message = make_data (IST_WIRE_MAX_PAYLOAD + 1);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
  g_autoptr (GBytes) encoding = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (ist_wire_check (message, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOO_LARGE);

  ist_wire_encode (message, out);
  encoding = g_byte_array_free_to_bytes (g_steal_pointer (&out));
  ist_wire_decoder_feed (decoder, encoding);
  assert_refused (decoder);
}

/* A list of services that takes @size bytes as a protobuf Message. */
static IstMessage *
make_listing (gsize size)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  /* 2 for the type, 2 for the tag and the length of each service id */
  gsize left = size - 2;

  for (; left > 120; left -= 2 + 100)
    g_ptr_array_add (ids, g_strnfill (100, 'a'));
  g_ptr_array_add (ids, g_strnfill (left - 2, 'b'));
  g_ptr_array_add (ids, NULL);

  return ist_message_new_service_ids ((const char *const *) ids->pdata);
}

/* As long as AWS allows, and one more. */
static void
test_service_id_length (void)
{
  for (gsize length = IST_WIRE_MAX_SERVICE_ID; length <= IST_WIRE_MAX_SERVICE_ID + 1; length++)
    {
      gboolean fits = length == IST_WIRE_MAX_SERVICE_ID;
      g_autofree char *id = g_strnfill (length, 'x');
      const char *ids[] = { "SSH", id, NULL };
      g_autoptr (GBytes) payload = g_bytes_new_take (g_malloc0 (IST_WIRE_MAX_PAYLOAD), IST_WIRE_MAX_PAYLOAD);
      IstMessage *messages[] = {
        ist_message_new_full (IST_MESSAGE_TYPE_DATA, id, G_MAXINT32, G_MAXUINT32 >> 4, TRUE, payload),
        ist_message_new_service_ids (ids),
      };

      for (gsize i = 0; i < G_N_ELEMENTS (messages); i++)
        {
          g_autoptr (IstMessage) message = messages[i];
          g_autoptr (GByteArray) out = g_byte_array_new ();
          g_autoptr (GBytes) encoding = NULL;
          g_autoptr (GError) error = NULL;

          g_assert_true (ist_wire_check (message, &error) == fits);
          g_assert_true (fits || g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING));
          ist_wire_encode (message, out);
          encoding = g_byte_array_free_to_bytes (g_steal_pointer (&out));
          if (fits)
            {
              assert_decodes (encoding, message);
            }
          else
            {
              g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);

              ist_wire_decoder_feed (decoder, encoding);
              assert_refused (decoder);
            }
        }
    }
}

static void
test_largest_message (void)
{
  g_autoptr (IstMessage) message = make_listing (IST_WIRE_MAX_MESSAGE);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (GBytes) encoding = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (ist_wire_check (message, &error));
  g_assert_no_error (error);
  ist_wire_encode (message, out);
  g_assert_cmpuint (out->len, ==, 2 + 65535);
  g_assert_cmpuint (out->data[0], ==, 0xff);
  g_assert_cmpuint (out->data[1], ==, 0xff);
  encoding = g_byte_array_free_to_bytes (g_steal_pointer (&out));
  assert_decodes (encoding, message);
}

static void
test_message_too_large (void)
{
  g_autoptr (IstMessage) message = make_listing (IST_WIRE_MAX_MESSAGE + 1);
  g_autoptr (GError) error = NULL;

  g_assert_false (ist_wire_check (message, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOO_LARGE);
}

typedef struct
{
  const char *name;
  IstMessageType type;
  const char *service_id;
  int stream_id;
  guint connection_id;
  gboolean good;
} Check;

static const Check checks[] = {
  { "data", IST_MESSAGE_TYPE_DATA, "SSH", 0, 0, TRUE },
  { "greatest-ids", IST_MESSAGE_TYPE_DATA, "SSH", G_MAXINT32, IST_WIRE_MAX_CONNECTION_ID, TRUE },
  { "connection-reset", IST_MESSAGE_TYPE_CONNECTION_RESET, "SSH", 1, 1, TRUE },
  { "type-unknown", IST_MESSAGE_TYPE_UNKNOWN, "SSH", 1, 1, FALSE },
  { "type-beyond", (IstMessageType) 8, "SSH", 1, 1, FALSE },
  { "type-negative", (IstMessageType) -1, "SSH", 1, 1, FALSE },
  { "stream-id-negative", IST_MESSAGE_TYPE_DATA, "SSH", -1, 1, FALSE },
  { "connection-id-too-great", IST_MESSAGE_TYPE_DATA, "SSH", 1, IST_WIRE_MAX_CONNECTION_ID + 1, FALSE },
  { "service-id-utf-8", IST_MESSAGE_TYPE_DATA, "Ü", 1, 1, TRUE },
  { "service-id-no-utf-8", IST_MESSAGE_TYPE_DATA, "\xff", 1, 1, FALSE },
};

static void
test_check (gconstpointer data)
{
  const Check *check = data;
  g_autoptr (IstMessage) message = ist_message_new_full (check->type, check->service_id, check->stream_id,
                                                         check->connection_id, FALSE, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (ist_wire_check (message, &error) == check->good);
  if (check->good)
    g_assert_no_error (error);
  else
    g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
}

static void
test_check_listed_service_id (void)
{
  const char *ids[] = { "SSH", "\xff", NULL };
  g_autoptr (IstMessage) message = ist_message_new_service_ids (ids);
  g_autoptr (GError) error = NULL;

  g_assert_false (ist_wire_check (message, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
}

/* No input makes the decoder return without progress, and what it lets through
 * encodes to something it lets through again. */
static void
test_random (void)
{
  for (guint round = 0; round < 2000; round++)
    {
      g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
      g_autoptr (GBytes) good = from_hex (goldens[round % G_N_ELEMENTS (goldens)].encoding);
      gsize size;
      guint8 *data = g_bytes_unref_to_data (g_steal_pointer (&good), &size);
      g_autoptr (GBytes) feed = NULL;
      g_autoptr (IstMessage) message = NULL;
      g_autoptr (IstMessage) again = NULL;
      g_autoptr (GByteArray) out = g_byte_array_new ();
      g_autoptr (GBytes) encoding = NULL;

      data[g_test_rand_int_range (2, size)] = g_test_rand_int_range (0, 256);
      feed = g_bytes_new_take (data, size);

      ist_wire_decoder_feed (decoder, feed);
      if (!ist_wire_decoder_next (decoder, &message, NULL, NULL))
        continue;

      g_assert_nonnull (message);
      assert_drained (decoder);
      ist_wire_encode (message, out);
      encoding = g_byte_array_free_to_bytes (g_steal_pointer (&out));
      ist_wire_decoder_feed (decoder, encoding);
      again = next_message (decoder, NULL);
      assert_same (again, message);
    }
}

static void
test_speed (void)
{
  static const gsize sizes[] = { 64, 15000 };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (IstMessage) message = make_data (sizes[i]);
      g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
      g_autoptr (GByteArray) out = g_byte_array_sized_new (IST_WIRE_MAX_FRAME);
      guint n = IST_WIRE_MAX_FRAME / ist_wire_get_encoded_size (message);
      guint rounds = 2000;
      g_autoptr (GBytes) feed = NULL;
      double ns;

      g_test_timer_start ();
      for (guint round = 0; round < rounds; round++)
        {
          g_byte_array_set_size (out, 0);
          for (guint j = 0; j < n; j++)
            ist_wire_encode (message, out);
        }
      ns = g_test_timer_elapsed () * 1e9 / rounds / n;
      g_test_minimized_result (ns, "%" G_GSIZE_FORMAT " bytes: %.0f ns to encode", sizes[i], ns);

      feed = g_byte_array_free_to_bytes (g_steal_pointer (&out));
      g_test_timer_start ();
      for (guint round = 0; round < rounds; round++)
        {
          ist_wire_decoder_feed (decoder, feed);
          for (guint j = 0; j < n; j++)
            {
              g_autoptr (IstMessage) decoded = next_message (decoder, NULL);

              g_assert_nonnull (decoded);
            }
          assert_drained (decoder);
        }
      ns = g_test_timer_elapsed () * 1e9 / rounds / n;
      g_test_minimized_result (ns, "%" G_GSIZE_FORMAT " bytes: %.0f ns to decode", sizes[i], ns);
    }
}

static void
add_cases (const char *group,
           gconstpointer cases,
           gsize n,
           gsize size,
           GTestDataFunc func)
{
  for (gsize i = 0; i < n; i++)
    {
      /* The name is the first member of each kind of case. */
      const char *const *name = (gconstpointer) ((const char *) cases + i * size);
      g_autofree char *path = g_strdup_printf ("/wire/%s/%s", group, *name);

      g_test_add_data_func (path, name, func);
    }
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_cases ("golden", goldens, G_N_ELEMENTS (goldens), sizeof *goldens, test_golden);
  add_cases ("lenient", lenients, G_N_ELEMENTS (lenients), sizeof *lenients, test_lenient);
  add_cases ("garbage", garbages, G_N_ELEMENTS (garbages), sizeof *garbages, test_garbage);
  add_cases ("check", checks, G_N_ELEMENTS (checks), sizeof *checks, test_check);
  g_test_add_func ("/wire/check/listed-service-id-no-utf-8", test_check_listed_service_id);
  g_test_add_func ("/wire/split/once", test_split_once);
  g_test_add_func ("/wire/split/evenly", test_split_evenly);
  g_test_add_func ("/wire/split/empty-feeds", test_empty_feeds);
  g_test_add_func ("/wire/many-in-one-feed", test_many_in_one_feed);
  g_test_add_func ("/wire/messages-own-their-bytes", test_messages_own_their_bytes);
  g_test_add_func ("/wire/raw-shares-the-feed", test_raw_shares_the_feed);
  g_test_add_func ("/wire/shared-payload", test_shared_payload);
  g_test_add_func ("/wire/payload-is-not-shared", test_payload_is_not_shared);
  g_test_add_func ("/wire/reset-in-mid-message", test_reset_in_mid_message);
  g_test_add_func ("/wire/limit/largest-payload", test_largest_payload);
  g_test_add_func ("/wire/limit/payload-too-large", test_payload_too_large);
  g_test_add_func ("/wire/limit/largest-message", test_largest_message);
  g_test_add_func ("/wire/limit/service-id-length", test_service_id_length);
  g_test_add_func ("/wire/limit/message-too-large", test_message_too_large);
  g_test_add_func ("/wire/random", test_random);
  if (g_test_perf ())
    g_test_add_func ("/wire/speed", test_speed);

  return g_test_run ();
}
