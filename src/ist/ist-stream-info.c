/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-stream-info-private.h"

#include <string.h>

#include "common/ist-text-private.h"

/* Bytes of a service id in a line of a log. */
#define MAX_SHOWN 128

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

/* In versions 1 and 2 a stream's connection has no number, and it may have been
 * seen as the first one before. */
static guint
get_number (const IstStreamInfo *self)
{
  return MAX (self->connection_id, 1);
}

/**
 * ist_stream_info_equal:
 * @self: (type Ist.StreamInfo): a stream information
 * @other: (type Ist.StreamInfo): another one
 *
 * Tells whether both name the same connection of the same stream.
 *
 * The protocol version does not count, since it may be learned after a stream was
 * started, and connection 0 is connection 1, the only one of such a stream: what
 * tells the end of a connection equals what told its start. So a program can find
 * what it keeps for a connection with a hash table, of these and
 * [method@Ist.StreamInfo.hash]. Streams of different tunnels are not told apart.
 *
 * Returns: %TRUE if they are equal
 *
 * Since: 1.0
 */
gboolean
ist_stream_info_equal (gconstpointer self,
                       gconstpointer other)
{
  const IstStreamInfo *a = self;
  const IstStreamInfo *b = other;

  g_return_val_if_fail (a != NULL && b != NULL, FALSE);

  return a->stream_id == b->stream_id && get_number (a) == get_number (b) &&
         g_strcmp0 (a->service_id, b->service_id) == 0;
}

/**
 * ist_stream_info_hash:
 * @self: (type Ist.StreamInfo): a stream information
 *
 * Makes a number that is the same for all that are equal, as
 * [method@Ist.StreamInfo.equal] tells.
 *
 * Returns: a hash value
 *
 * Since: 1.0
 */
guint
ist_stream_info_hash (gconstpointer self)
{
  const IstStreamInfo *info = self;
  guint hash;

  g_return_val_if_fail (info != NULL, 0);

  hash = info->service_id != NULL ? g_str_hash (info->service_id) : 0;
  hash = hash * 31 + (guint) info->stream_id;
  return hash * 31 + get_number (info);
}

void
ist_stream_info_append_ids (GString *line,
                            const char *service_id,
                            int stream_id,
                            guint connection_id)
{
  if (service_id != NULL)
    {
      g_autofree char *safe = ist_text_make_safe (service_id, -1, MAX_SHOWN);

      g_string_append_printf (line, "service “%s”, ", safe);
    }
  if (stream_id != 0)
    g_string_append_printf (line, "stream %d, ", stream_id);
  if (connection_id != 0)
    g_string_append_printf (line, "connection %u, ", connection_id);
}

/**
 * ist_stream_info_to_string:
 * @self: a stream information
 *
 * Describes a stream in a line for people to read, such as a log has. It may
 * change; nothing in it, whatever the peer has sent, is more than text.
 *
 * Returns: (transfer full): a description
 *
 * Since: 1.0
 */
char *
ist_stream_info_to_string (const IstStreamInfo *self)
{
  g_autoptr (GString) line = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  line = g_string_new (NULL);
  ist_stream_info_append_ids (line, self->service_id, self->stream_id, self->connection_id);
  g_string_append_printf (line, "version %d", self->version);
  return g_string_free (g_steal_pointer (&line), FALSE);
}
