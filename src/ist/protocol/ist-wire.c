/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/protocol/ist-wire-private.h"

#include <string.h>

#include <ist/ist-tunnel-error.h>

#include "securetunneling.pb-c.h"

#define LENGTH_SIZE 2

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

static void *
wire_alloc (void *data,
            size_t size)
{
  return g_malloc (size);
}

static void
wire_free (void *data,
           void *pointer)
{
  g_free (pointer);
}

/* GLib's, so that payloads can be handed on to GBytes. */
static ProtobufCAllocator wire_allocator = { wire_alloc, wire_free, NULL };

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
ist_wire_encode (const IstMessage *message,
                 GByteArray *out)
{
  WireMessage wire = WIRE_MESSAGE_INIT;
  guint start = out->len;
  gsize size;

  wire_message_borrow (&wire, message);
  size = wire_message_get_packed_size (&wire);
  g_return_if_fail (size <= IST_WIRE_MAX_MESSAGE);

  g_byte_array_set_size (out, start + LENGTH_SIZE + size);
  out->data[start] = size >> 8;
  out->data[start + 1] = size & 0xff;
  wire_message_pack (&wire, out->data + start + LENGTH_SIZE);
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

/* @data must be whole: it has been unpacked. */
static guint64
wire_read_varint (const guint8 **data)
{
  guint64 value = 0;
  guint shift = 0;

  do
    {
      value |= (guint64) (**data & 0x7f) << shift;
      shift += 7;
    }
  while (*(*data)++ & 0x80);

  return value;
}

/* The generated code gives strings without their length, so that one with a
 * NUL in it looks shorter than it was: find it on the wire. */
static gboolean
wire_has_nul_in_string (const guint8 *data,
                        gsize length)
{
  const guint8 *end = data + length;

  while (data < end)
    {
      guint64 tag = wire_read_varint (&data);
      gsize size;

      switch (tag & 7)
        {
        case PROTOBUF_C_WIRE_TYPE_VARINT:
          wire_read_varint (&data);
          break;

        case PROTOBUF_C_WIRE_TYPE_64BIT:
          data += 8;
          break;

        case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
          size = wire_read_varint (&data);
          if ((tag >> 3 == 5 || tag >> 3 == 6) && memchr (data, '\0', size) != NULL)
            return TRUE;
          data += size;
          break;

        default: /* PROTOBUF_C_WIRE_TYPE_32BIT: nothing else is unpacked */
          data += 4;
          break;
        }
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

  if (wire->payload.len > IST_WIRE_MAX_PAYLOAD)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL,
                   "Received a payload of %" G_GSIZE_FORMAT " bytes; the limit is %d",
                   wire->payload.len, IST_WIRE_MAX_PAYLOAD);
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

static IstMessage *
wire_take_message (WireMessage *wire)
{
  g_autoptr (GBytes) payload = NULL;

  if (wire->type == COM__AMAZONAWS__IOT__SECUREDTUNNELING__MESSAGE__TYPE__SERVICE_IDS)
    {
      g_autoptr (GPtrArray) ids = g_ptr_array_sized_new (wire->n_availableserviceids + 1);

      for (gsize i = 0; i < wire->n_availableserviceids; i++)
        g_ptr_array_add (ids, wire->availableserviceids[i]);
      g_ptr_array_add (ids, NULL);

      return ist_message_new_service_ids ((const char *const *) ids->pdata);
    }

  if (wire->payload.len > 0)
    {
      payload = g_bytes_new_take (wire->payload.data, wire->payload.len);
      wire->payload.data = NULL;
      wire->payload.len = 0;
    }

  return ist_message_new_full ((IstMessageType) wire->type, wire->serviceid, wire->streamid,
                               wire->connectionid, wire->ignorable, payload);
}

static IstMessage *
wire_decoder_decode (IstWireDecoder *self,
                     const guint8 *data,
                     gsize length,
                     GError **error)
{
  WireMessage *wire = wire_message_unpack (&wire_allocator, length, data);
  IstMessage *message = NULL;

  if (wire == NULL)
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL,
                           "Received bytes that are no tunnel message");
      return NULL;
    }

  if (wire_decoder_check_unpacked (self, wire, data, length, error))
    message = wire_take_message (wire);

  wire_message_free (wire, &wire_allocator);

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

  *message = wire_decoder_decode (self, data + LENGTH_SIZE, size - LENGTH_SIZE, error);
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
