/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-stream-info-private.h"

#include <string.h>

/**
 * IstStreamInfo:
 *
 * Names one connection of one stream: the service it belongs to, the stream's
 * id, the connection's id, and the protocol version that the stream is carried
 * in. It never changes.
 *
 * Since: 1.0
 */
struct _IstStreamInfo
{
  gint32 stream_id;
  guint32 connection_id;
  IstProtocolVersion version;
  const char *service_id; /* NULL or text */
  char text[];
};

G_DEFINE_BOXED_TYPE (IstStreamInfo, ist_stream_info, ist_stream_info_ref, ist_stream_info_unref)

IstStreamInfo *
ist_stream_info_new (const char *service_id,
                     int stream_id,
                     guint connection_id,
                     IstProtocolVersion version)
{
  gsize size = service_id != NULL ? strlen (service_id) + 1 : 0;
  IstStreamInfo *self = g_atomic_rc_box_alloc (sizeof (IstStreamInfo) + size);

  self->stream_id = stream_id;
  self->connection_id = connection_id;
  self->version = version;
  self->service_id = service_id != NULL ? memcpy (self->text, service_id, size) : NULL;

  return self;
}

/**
 * ist_stream_info_ref:
 * @self: a stream information
 *
 * Adds a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
IstStreamInfo *
ist_stream_info_ref (IstStreamInfo *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * ist_stream_info_unref:
 * @self: (transfer full): a stream information
 *
 * Drops a reference; the last one frees @self.
 *
 * Since: 1.0
 */
void
ist_stream_info_unref (IstStreamInfo *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release (self);
}

/**
 * ist_stream_info_get_service_id:
 * @self: a stream information
 *
 * Gets the service that the stream belongs to.
 *
 * Returns: (nullable): the service id, %NULL in a tunnel without services
 *
 * Since: 1.0
 */
const char *
ist_stream_info_get_service_id (const IstStreamInfo *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->service_id;
}

/**
 * ist_stream_info_get_stream_id:
 * @self: a stream information
 *
 * Gets the id of the stream, which tells one stream of a service from the next.
 *
 * Returns: the stream id, never 0
 *
 * Since: 1.0
 */
int
ist_stream_info_get_stream_id (const IstStreamInfo *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->stream_id;
}

/**
 * ist_stream_info_get_connection_id:
 * @self: a stream information
 *
 * Gets the id of the connection within its stream.
 *
 * Returns: the connection id, 0 in protocol versions 1 and 2, where a stream
 *   is one connection
 *
 * Since: 1.0
 */
guint
ist_stream_info_get_connection_id (const IstStreamInfo *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->connection_id;
}

/**
 * ist_stream_info_get_version:
 * @self: a stream information
 *
 * Gets the protocol version that the stream is carried in.
 *
 * A source learns it from what the peer answers, so a stream may show
 * %IST_PROTOCOL_VERSION_V3 first and an older version in later events.
 *
 * Returns: the version, never %IST_PROTOCOL_VERSION_AUTO
 *
 * Since: 1.0
 */
IstProtocolVersion
ist_stream_info_get_version (const IstStreamInfo *self)
{
  g_return_val_if_fail (self != NULL, IST_PROTOCOL_VERSION_AUTO);

  return self->version;
}
