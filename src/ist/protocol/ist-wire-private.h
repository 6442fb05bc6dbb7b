/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist-message.h>

G_BEGIN_DECLS

/* The codec of tunnel messages: each is a 2-byte big-endian length and a
 * protobuf Message. Pure: no I/O, no main loop.
 *
 * Limits of the protocol guide. */
#define IST_WIRE_MAX_PAYLOAD 64512   /* bytes of payload in one DATA message */
#define IST_WIRE_MAX_SERVICE_ID 128  /* bytes of a service id at AWS; with it, a whole payload still fits in a message */
#define IST_WIRE_MAX_MESSAGE 65535   /* bytes of one protobuf Message: what 2 bytes of length can say */
#define IST_WIRE_MAX_FRAME 131076    /* bytes of payload in one WebSocket frame */
#define IST_WIRE_MAX_STREAM_ID G_MAXINT32
#define IST_WIRE_MAX_CONNECTION_ID 268435455 /* the SDK's decoder goes no further */

/* Bytes that ist_wire_encode() would append, the 2 of the length included. */
gsize ist_wire_get_encoded_size (const IstMessage *message);

/* Appends @message as it goes over the wire. Fields in number order, unset
 * ones left out. The message must be within the limits, as all are that a stream
 * table makes of payloads that fit; the emulator, which sends what a test wants,
 * checks with ist_wire_check(). */
void ist_wire_encode (const IstMessage *message,
                      GByteArray *out);

/* Likewise, for who knows what ist_wire_get_encoded_size() says. */
void ist_wire_encode_sized (const IstMessage *message,
                            gsize encoded_size,
                            GByteArray *out);

/* Whether @message may be sent at all (IST_TUNNEL_ERROR_TOO_LARGE,
 * IST_TUNNEL_ERROR_INVALID_SETTING otherwise: payload over the limit, a service id
 * that is not UTF-8, ...). */
gboolean ist_wire_check (const IstMessage *message,
                         GError **error);

typedef struct _IstWireDecoder IstWireDecoder;

/* @strict: refuse, as the service does, messages with unknown fields or of type UNKNOWN. */
IstWireDecoder *ist_wire_decoder_new (gboolean strict);
void ist_wire_decoder_free (IstWireDecoder *self);

/* Forgets half a message and the feed. */
void ist_wire_decoder_reset (IstWireDecoder *self);

/* Hands over the next piece of the byte stream. What was fed before must have
 * been drained (ist_wire_decoder_next() returned TRUE and NULL), so that no
 * more than one partial message is ever kept. */
void ist_wire_decoder_feed (IstWireDecoder *self,
                            GBytes *data);

/* The next whole message: TRUE with *@message set, TRUE with *@message NULL
 * when the feed is used up, FALSE with IST_TUNNEL_ERROR_PROTOCOL on bytes that are no
 * message; the byte stream can't be trusted after that, until a reset.
 * The payload is copied at most once on the way from the feed; one that makes up
 * nearly all of what was fed shares its memory.
 *
 * @raw (optional): the message's bytes on the wire, length included, to be
 * passed on as they are; shares the feed's memory where it can. */
gboolean ist_wire_decoder_next (IstWireDecoder *self,
                                IstMessage **message,
                                GBytes **raw,
                                GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstWireDecoder, ist_wire_decoder_free)

G_END_DECLS
