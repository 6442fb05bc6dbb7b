/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fuzz.h"

#include <ist/ist-tunnel-error.h>

#include "ist/protocol/ist-wire-private.h"

/* The first byte is whether to be strict, the second the size of the pieces
 * that the rest, a byte stream, is cut into.
 *
 * However a stream is cut, the same messages must come out of it, and what a
 * message is encoded to must be decoded to the same. */

static void
append_again (GByteArray *decoded,
              IstMessage *message)
{
  g_autoptr (GByteArray) encoded = g_byte_array_new ();
  g_autoptr (GByteArray) encoded_again = g_byte_array_new ();
  g_autoptr (IstWireDecoder) decoder = ist_wire_decoder_new (FALSE);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (IstMessage) again = NULL;

  ist_wire_encode (message, encoded);
  g_assert_cmpuint (encoded->len, ==, ist_wire_get_encoded_size (message));

  bytes = g_bytes_new (encoded->data, encoded->len);
  ist_wire_decoder_feed (decoder, bytes);
  g_assert_true (ist_wire_decoder_next (decoder, &again, NULL, NULL));
  g_assert_nonnull (again);
  ist_wire_encode (again, encoded_again);
  g_assert_cmpmem (encoded->data, encoded->len, encoded_again->data, encoded_again->len);

  g_byte_array_append (decoded, encoded->data, encoded->len);
}

/* Returns whether the stream can be trusted on; @decoded gets its messages in
 * their shortest form, @raw as they came. */
static gboolean
decode_piece (IstWireDecoder *decoder,
              GBytes *piece,
              GByteArray *decoded,
              GByteArray *raw)
{
  ist_wire_decoder_feed (decoder, piece);

  while (TRUE)
    {
      g_autoptr (IstMessage) message = NULL;
      g_autoptr (GBytes) message_raw = NULL;
      g_autoptr (GError) error = NULL;

      if (!ist_wire_decoder_next (decoder, &message, &message_raw, &error))
        {
          g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL);
          g_assert_null (message);
          return FALSE;
        }

      if (message == NULL)
        return TRUE;

      append_again (decoded, message);
      g_byte_array_append (raw, g_bytes_get_data (message_raw, NULL), g_bytes_get_size (message_raw));
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data,
                        size_t size)
{
  g_autoptr (IstWireDecoder) at_once = NULL;
  g_autoptr (IstWireDecoder) in_pieces = NULL;
  g_autoptr (GByteArray) decoded = g_byte_array_new ();
  g_autoptr (GByteArray) raw = g_byte_array_new ();
  g_autoptr (GByteArray) decoded_in_pieces = g_byte_array_new ();
  g_autoptr (GByteArray) raw_in_pieces = g_byte_array_new ();
  g_autoptr (GBytes) stream = NULL;
  gboolean good;
  gboolean good_in_pieces = TRUE;
  gsize step;

  if (size < 2)
    return 0;

  at_once = ist_wire_decoder_new (data[0] & 1);
  in_pieces = ist_wire_decoder_new (data[0] & 1);
  step = data[1] + 1;
  size -= 2;
  stream = g_bytes_new (data + 2, size);

  good = decode_piece (at_once, stream, decoded, raw);
  for (gsize offset = 0; good_in_pieces && offset < size; offset += step)
    {
      g_autoptr (GBytes) piece = g_bytes_new_from_bytes (stream, offset, MIN (step, size - offset));

      good_in_pieces = decode_piece (in_pieces, piece, decoded_in_pieces, raw_in_pieces);
    }

  g_assert_cmpint (good, ==, good_in_pieces);
  g_assert_cmpmem (decoded->data, decoded->len, decoded_in_pieces->data, decoded_in_pieces->len);
  g_assert_cmpmem (raw->data, raw->len, raw_in_pieces->data, raw_in_pieces->len);
  g_assert_cmpuint (raw->len, <=, size);
  g_assert_cmpmem (raw->data, raw->len, data + 2, raw->len);

  return 0;
}
