/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/protocol/ist-wire-private.h"

#include <string.h>

#include <ist/ist-tunnel-error.h>

#include "securetunneling.pb-c.h"

#define LENGTH_SIZE 2

/* Field numbers of the Message. */
#define FIELD_PAYLOAD 4
#define FIELD_SERVICE_ID 5
#define FIELD_AVAILABLE_SERVICE_IDS 6

/* A payload of at least so many bytes, in a message that is nearly all of what came
 * with it, is not copied but shares that memory. It then keeps little else alive:
 * whatever a peer puts together, what waits to be read takes little more than the
 * twice that libsoup's blocks, of a power of two, can have. */
#define MIN_SHARED 4096
#define MIN_PART(size) ((size) / 8 * 7)

/* What a message has besides a payload that is shared; one with more is copied. */
#define MAX_REST 512

/* The tag and the length of a payload, in no more bytes than they need. */
#define MAX_PAYLOAD_TAG 4

typedef Com__Amazonaws__Iot__Securedtunneling__Message WireMessage;

#define WIRE_MESSAGE_INIT COM__AMAZONAWS__IOT__SECUREDTUNNELING__MESSAGE__INIT
#define wire_message_get_packed_size com__amazonaws__iot__securedtunneling__message__get_packed_size
#define wire_message_pack com__amazonaws__iot__securedtunneling__message__pack
#define wire_message_unpack com__amazonaws__iot__securedtunneling__message__unpack
#define wire_message_free com__amazonaws__iot__securedtunneling__message__free_unpacked

struct _IstWireDecoder
{
  gboolean strict;
  gboolean broken; /* by bytes that were no message */
  GBytes *feed;    /* what is left to decode starts at offset */
  gsize offset;
  GByteArray *partial; /* the beginning of a message whose rest is to come */
};

/* Where a message is unpacked that lives for a moment only; what does not fit comes
 * from GLib's allocator, so that large payloads can be handed on to GBytes. */
typedef struct
{
  guint8 space[512] __attribute__ ((aligned (16)));
  gsize used;
} Arena;

static gboolean
arena_has (const Arena *self,
           const void *pointer)
{
  return (const guint8 *) pointer >= self->space && (const guint8 *) pointer < self->space + sizeof self->space;
}

static void *
arena_alloc (void *data,
             size_t size)
{
  Arena *self = data;
  gsize start = self->used;

  if (size >= sizeof self->space - start)
    return g_malloc (size);
  self->used = MIN (start + (size + 15) / 16 * 16, sizeof self->space);
  return self->space + start;
}

static void
arena_free (void *data,
            void *pointer)
{
  if (!arena_has (data, pointer))
    g_free (pointer);
}

/* Everything in @wire is borrowed from @message. */
static void
wire_message_borrow (WireMessage *wire,
                     const IstMessage *message)
{
  const char *service_id = ist_message_get_service_id (message);
  const char *const *service_ids = ist_message_get_service_ids (message);
  GBytes *payload = ist_message_get_payload (message);

  wire->type = (Com__Amazonaws__Iot__Securedtunneling__Message__Type) ist_message_get_message_type (message);
  wire->streamid = ist_message_get_stream_id (message);
  wire->ignorable = ist_message_get_ignorable (message);
  wire->payload.data = (uint8_t *) g_bytes_get_data (payload, &wire->payload.len);
  if (service_id != NULL)
    wire->serviceid = (char *) service_id;
  wire->n_availableserviceids = g_strv_length ((char **) service_ids);
  wire->availableserviceids = (char **) service_ids;
  wire->connectionid = ist_message_get_connection_id (message);
}

gsize
ist_wire_get_encoded_size (const IstMessage *message)
{
  WireMessage wire = WIRE_MESSAGE_INIT;

  wire_message_borrow (&wire, message);

  return LENGTH_SIZE + wire_message_get_packed_size (&wire);
}

void
ist_wire_encode_sized (const IstMessage *message,
                       gsize encoded_size,
                       GByteArray *out)
{
  WireMessage wire = WIRE_MESSAGE_INIT;
  gsize size = encoded_size - LENGTH_SIZE;
  guint8 *start;

  g_return_if_fail (size <= IST_WIRE_MAX_MESSAGE);

  g_byte_array_set_size (out, out->len + encoded_size);
  start = out->data + out->len - encoded_size;
  start[0] = size >> 8;
  start[1] = size & 0xff;
  wire_message_borrow (&wire, message);
  wire_message_pack (&wire, start + LENGTH_SIZE);
}

void
ist_wire_encode (const IstMessage *message,
                 GByteArray *out)
{
  ist_wire_encode_sized (message, ist_wire_get_encoded_size (message), out);
}

static gboolean
wire_check_service_id (const char *service_id,
                       GError **error)
{
  if (strlen (service_id) > IST_WIRE_MAX_SERVICE_ID)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING, "A service id has at most %d bytes",
                   IST_WIRE_MAX_SERVICE_ID);
      return FALSE;
    }

  if (g_utf8_validate (service_id, -1, NULL))
    return TRUE;

  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING, "The service id is not valid UTF-8");
  return FALSE;
}

gboolean
ist_wire_check (const IstMessage *message,
                GError **error)
{
  IstMessageType type = ist_message_get_message_type (message);
  const char *service_id = ist_message_get_service_id (message);
  const char *const *service_ids = ist_message_get_service_ids (message);
  GBytes *payload = ist_message_get_payload (message);
  gsize size;

  if (type <= IST_MESSAGE_TYPE_UNKNOWN || type > IST_MESSAGE_TYPE_CONNECTION_RESET)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                   "%d is not a type of message that can be sent", type);
      return FALSE;
    }

  if (ist_message_get_stream_id (message) < 0)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                   "The stream id %d is negative", ist_message_get_stream_id (message));
      return FALSE;
    }

  if (ist_message_get_connection_id (message) > IST_WIRE_MAX_CONNECTION_ID)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                   "The connection id %u is greater than %d",
                   ist_message_get_connection_id (message), IST_WIRE_MAX_CONNECTION_ID);
      return FALSE;
    }

  if (service_id != NULL && !wire_check_service_id (service_id, error))
    return FALSE;

  for (gsize i = 0; service_ids[i] != NULL; i++)
    {
      if (!wire_check_service_id (service_ids[i], error))
        return FALSE;
    }

  if (g_bytes_get_size (payload) > IST_WIRE_MAX_PAYLOAD)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOO_LARGE,
                   "The payload has %" G_GSIZE_FORMAT " bytes, and one message carries at most %d",
                   g_bytes_get_size (payload), IST_WIRE_MAX_PAYLOAD);
      return FALSE;
    }

  size = ist_wire_get_encoded_size (message) - LENGTH_SIZE;
  if (size > IST_WIRE_MAX_MESSAGE)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOO_LARGE,
                   "The message takes %" G_GSIZE_FORMAT " bytes, and can take at most %d",
                   size, IST_WIRE_MAX_MESSAGE);
      return FALSE;
    }

  return TRUE;
}

IstWireDecoder *
ist_wire_decoder_new (gboolean strict)
{
  IstWireDecoder *self = g_new0 (IstWireDecoder, 1);

  self->strict = strict;

  return self;
}

void
ist_wire_decoder_free (IstWireDecoder *self)
{
  ist_wire_decoder_reset (self);
  g_free (self);
}

void
ist_wire_decoder_reset (IstWireDecoder *self)
{
  g_clear_pointer (&self->feed, g_bytes_unref);
  g_clear_pointer (&self->partial, g_byte_array_unref);
  self->broken = FALSE;
}

void
ist_wire_decoder_feed (IstWireDecoder *self,
                       GBytes *data)
{
  g_return_if_fail (self->feed == NULL);

  self->feed = g_bytes_ref (data);
  self->offset = 0;
}

/* The length of the protobuf Message that follows @data. */
static inline gsize
wire_get_length (const guint8 *data)
{
  return (gsize) data[0] << 8 | data[1];
}

/* A field of a Message, as it is on the wire. */
typedef struct
{
  const guint8 *start; /* its tag */
  guint64 tag;
  const guint8 *value; /* of a length-delimited one */
  gsize size;
} Field;

static gboolean
wire_read_varint (const guint8 **position,
                  const guint8 *end,
                  guint64 *value)
{
  guint shift;

  *value = 0;
  for (shift = 0; shift < 64 && *position < end; shift += 7)
    {
      guint8 byte = *(*position)++;

      *value |= (guint64) (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Moves over one field; FALSE at the end, and where there is none. */
static gboolean
wire_next_field (const guint8 **position,
                 const guint8 *end,
                 Field *field)
{
  guint64 size;

  *field = (Field){ .start = *position };
  if (*position == end || !wire_read_varint (position, end, &field->tag))
    return FALSE;

  switch (field->tag & 7)
    {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
      return wire_read_varint (position, end, &size);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
      size = 8;
      break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
      size = 4;
      break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
      if (!wire_read_varint (position, end, &size))
        return FALSE;
      break;
    default:
      return FALSE;
    }
  if (size > (gsize) (end - *position))
    return FALSE;
  field->value = *position;
  field->size = size;
  *position += size;
  return TRUE;
}

/* The generated code gives strings without their length, so that one with a
 * NUL in it looks shorter than it was: find it on the wire. */
static gboolean
wire_has_nul_in_string (const guint8 *data,
                        gsize length)
{
  const guint8 *end = data + length;
  Field field;

  while (wire_next_field (&data, end, &field))
    {
      if ((field.tag >> 3 == FIELD_SERVICE_ID || field.tag >> 3 == FIELD_AVAILABLE_SERVICE_IDS) && field.size > 0 &&
          memchr (field.value, '\0', field.size) != NULL)
        return TRUE;
    }

  return FALSE;
}

static gboolean
wire_is_service_id (const char *text)
{
  gsize length = strlen (text);

  return length <= IST_WIRE_MAX_SERVICE_ID && g_utf8_validate (text, length, NULL);
}

static gboolean
wire_check_strings (const WireMessage *wire,
                    const guint8 *data,
                    gsize length)
{
  if (!wire_is_service_id (wire->serviceid))
    return FALSE;

  for (gsize i = 0; i < wire->n_availableserviceids; i++)
    {
      if (!wire_is_service_id (wire->availableserviceids[i]))
        return FALSE;
    }

  /* No encoding is shorter than the one that would be packed here, so if it is
   * as long as what came, no string can have lost anything. */
  return wire_message_get_packed_size (wire) == length || !wire_has_nul_in_string (data, length);
}

static gboolean
wire_decoder_check_unpacked (IstWireDecoder *self,
                             const WireMessage *wire,
                             gsize payload_size,
                             const guint8 *data,
                             gsize length,
                             GError **error)
{
  if (self->strict && wire->base.n_unknown_fields > 0)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL,
                   "Received a message with the unknown field %u", wire->base.unknown_fields[0].tag);
      return FALSE;
    }

  if (self->strict && wire->type == COM__AMAZONAWS__IOT__SECUREDTUNNELING__MESSAGE__TYPE__UNKNOWN)
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL, "Received a message without a type");
      return FALSE;
    }

  if (payload_size > IST_WIRE_MAX_PAYLOAD)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL,
                   "Received a payload of %" G_GSIZE_FORMAT " bytes; the limit is %d",
                   payload_size, IST_WIRE_MAX_PAYLOAD);
      return FALSE;
    }

  if (!wire_check_strings (wire, data, length))
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL,
                   "Received a service id that is not text of at most %d bytes", IST_WIRE_MAX_SERVICE_ID);
      return FALSE;
    }

  return TRUE;
}

static GBytes *
wire_take_payload (WireMessage *wire,
                   const Arena *arena)
{
  GBytes *payload;

  if (arena_has (arena, wire->payload.data))
    return g_bytes_new (wire->payload.data, wire->payload.len);
  payload = g_bytes_new_take (wire->payload.data, wire->payload.len);
  wire->payload.data = NULL;
  wire->payload.len = 0;
  return payload;
}

static IstMessage *
wire_make_message (const WireMessage *wire,
                   GBytes *payload)
{
  if (wire->type == COM__AMAZONAWS__IOT__SECUREDTUNNELING__MESSAGE__TYPE__SERVICE_IDS)
    {
      g_autoptr (GPtrArray) ids = g_ptr_array_sized_new (wire->n_availableserviceids + 1);

      for (gsize i = 0; i < wire->n_availableserviceids; i++)
        g_ptr_array_add (ids, wire->availableserviceids[i]);
      g_ptr_array_add (ids, NULL);

      return ist_message_new_service_ids ((const char *const *) ids->pdata);
    }

  return ist_message_new_full ((IstMessageType) wire->type, wire->serviceid, wire->streamid,
                               wire->connectionid, wire->ignorable, payload);
}

/* Finds the payload that a message can share, and has the bytes before and after it
 * in @rest; returns how many these are, or 0 if the message is to be unpacked as a
 * whole. That is so for all that is unusual as well: it is not judged here. */
static gsize
wire_cut_payload (const guint8 *data,
                  gsize length,
                  Field *payload,
                  guint8 *rest)
{
  const guint8 *position = data;
  const guint8 *end = data + length;
  gsize before;
  gsize after;
  Field field;

  *payload = (Field){ 0 };
  while (wire_next_field (&position, end, &field))
    {
      if (field.tag >> 3 != FIELD_PAYLOAD)
        continue;
      if (payload->value != NULL || field.size < MIN_SHARED || field.value - field.start > MAX_PAYLOAD_TAG)
        return 0;
      *payload = field;
    }
  if (position != end || payload->value == NULL)
    return 0;

  before = payload->start - data;
  after = end - (payload->value + payload->size);
  if (before + after == 0 || before + after > MAX_REST)
    return 0;
  memcpy (rest, data, before);
  if (after > 0)
    memcpy (rest + before, payload->value + payload->size, after);
  return before + after;
}

/* @owner: the memory that @data is in. protobuf-c copies every payload, so it is
 * given the rest of a message whose payload can be shared. */
static IstMessage *
wire_decoder_decode (IstWireDecoder *self,
                     GBytes *owner,
                     const guint8 *data,
                     gsize length,
                     GError **error)
{
  const guint8 *owned = g_bytes_get_data (owner, NULL);
  gboolean may_share = length >= MIN_SHARED && length >= MIN_PART (g_bytes_get_size (owner));
  Arena arena;
  ProtobufCAllocator allocator = { arena_alloc, arena_free, &arena };
  guint8 rest[MAX_REST];
  Field shared;
  gsize rest_length = may_share ? wire_cut_payload (data, length, &shared, rest) : 0;
  g_autoptr (GBytes) payload = NULL;
  IstMessage *message = NULL;
  WireMessage *wire;

  arena.used = 0;
  if (rest_length == 0)
    {
      shared.size = 0;
    }
  else
    {
      payload = g_bytes_new_from_bytes (owner, shared.value - owned, shared.size);
      data = rest;
      length = rest_length;
    }
  wire = wire_message_unpack (&allocator, length, data);
  if (wire == NULL)
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL,
                           "Received bytes that are no tunnel message");
      return NULL;
    }

  if (wire_decoder_check_unpacked (self, wire, shared.size + wire->payload.len, data, length, error))
    {
      if (wire->payload.len > 0)
        payload = wire_take_payload (wire, &arena);
      message = wire_make_message (wire, payload);
    }

  wire_message_free (wire, &allocator);

  return message;
}

/* Moves bytes from the feed to the partial message until it has @size of them;
 * FALSE if the feed ends before. */
static gboolean
wire_decoder_fill_partial (IstWireDecoder *self,
                           gsize size)
{
  gsize available;
  const guint8 *data = g_bytes_get_data (self->feed, &available);
  gsize missing = size - self->partial->len;
  gsize n = MIN (missing, available - self->offset);

  /* There is nothing to point at in an empty feed. */
  if (n > 0)
    g_byte_array_append (self->partial, data + self->offset, n);
  self->offset += n;

  return n == missing;
}

static gboolean
wire_decoder_complete_partial (IstWireDecoder *self)
{
  if (self->partial->len < LENGTH_SIZE && !wire_decoder_fill_partial (self, LENGTH_SIZE))
    return FALSE;

  return wire_decoder_fill_partial (self, LENGTH_SIZE + wire_get_length (self->partial->data));
}

gboolean
ist_wire_decoder_next (IstWireDecoder *self,
                       IstMessage **message,
                       GBytes **raw,
                       GError **error)
{
  g_autoptr (GBytes) whole = NULL;
  GBytes *owner = self->feed;
  const guint8 *data;
  gsize available;
  gsize size;

  *message = NULL;
  if (raw != NULL)
    *raw = NULL;

  if (self->broken)
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL,
                           "Bytes that are no tunnel message came before");
      return FALSE;
    }

  if (self->feed == NULL)
    return TRUE;

  if (self->partial != NULL)
    {
      if (!wire_decoder_complete_partial (self))
        {
          g_clear_pointer (&self->feed, g_bytes_unref);
          return TRUE;
        }

      whole = g_byte_array_free_to_bytes (g_steal_pointer (&self->partial));
      owner = whole;
      data = g_bytes_get_data (whole, &size);
    }
  else
    {
      data = g_bytes_get_data (self->feed, &available);
      available -= self->offset;
      size = available >= LENGTH_SIZE ? LENGTH_SIZE + wire_get_length (data + self->offset) : LENGTH_SIZE;

      if (available < size)
        {
          if (available > 0)
            {
              self->partial = g_byte_array_sized_new (size);
              g_byte_array_append (self->partial, data + self->offset, available);
            }
          g_clear_pointer (&self->feed, g_bytes_unref);
          return TRUE;
        }

      if (raw != NULL)
        whole = g_bytes_new_from_bytes (self->feed, self->offset, size);
      data += self->offset;
      self->offset += size;
    }

  *message = wire_decoder_decode (self, owner, data + LENGTH_SIZE, size - LENGTH_SIZE, error);
  if (*message == NULL)
    {
      self->broken = TRUE;
      g_clear_pointer (&self->feed, g_bytes_unref);
      return FALSE;
    }

  if (raw != NULL)
    *raw = g_steal_pointer (&whole);

  return TRUE;
}
