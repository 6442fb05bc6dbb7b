/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-message.h"

#include <string.h>

#include "common/ist-text-private.h"
#include "ist/ist-stream-info-private.h"

/* Bytes of a list of services in a line of a log. */
#define MAX_SHOWN 256

/**
 * IstMessage:
 *
 * One message of the tunnel: its type, which stream and connection it is for,
 * and what it carries. It never changes and may be shared between threads.
 *
 * To send bytes, make one with [ctor@Ist.Message.new] and hand it to
 * [method@Ist.SecureTunnel.send_message], which fills in the ids of the active
 * stream.
 *
 * Since: 1.0
 */
struct _IstMessage
{
  IstMessageType type;
  gint32 stream_id;
  guint32 connection_id;
  gboolean ignorable;
  GBytes *payload;
  char **service_ids;
  const char *service_id; /* NULL or text */
  char text[];
};

G_DEFINE_BOXED_TYPE (IstMessage, ist_message, ist_message_ref, ist_message_unref)

/* The payload of all messages without one. */
static GBytes *
get_no_bytes (void)
{
  static gsize bytes;

  if (g_once_init_enter (&bytes))
    g_once_init_leave (&bytes, (gsize) g_bytes_new_static ("", 0));
  return (GBytes *) bytes;
}

/**
 * ist_message_new: (constructor)
 * @service_id: (nullable): the service to send to; may be %NULL in a tunnel
 *   with at most one service
 * @payload: (nullable): the bytes
 *
 * Makes a message of type %IST_MESSAGE_TYPE_DATA for the first connection of
 * the service's active stream.
 *
 * Returns: (transfer full): a new message
 *
 * Since: 1.0
 */
IstMessage *
ist_message_new (const char *service_id,
                 GBytes *payload)
{
  return ist_message_new_full (IST_MESSAGE_TYPE_DATA, service_id, 0, 0, FALSE, payload);
}

/**
 * ist_message_new_for_connection: (constructor)
 * @service_id: (nullable): the service to send to; may be %NULL in a tunnel
 *   with at most one service
 * @connection_id: the connection within the stream; 0 means 1
 * @payload: (nullable): the bytes
 *
 * Makes a message of type %IST_MESSAGE_TYPE_DATA for one connection of the
 * service's active stream.
 *
 * Returns: (transfer full): a new message
 *
 * Since: 1.0
 */
IstMessage *
ist_message_new_for_connection (const char *service_id,
                                guint connection_id,
                                GBytes *payload)
{
  return ist_message_new_full (IST_MESSAGE_TYPE_DATA, service_id, 0, connection_id, FALSE, payload);
}

/**
 * ist_message_new_for_stream: (constructor)
 * @info: the stream and the connection in it, as a signal or a call has told
 * @payload: (nullable): the bytes
 *
 * Makes a message of type %IST_MESSAGE_TYPE_DATA for one connection of one
 * stream. Where that stream has ended it is not accepted for sending, also when
 * the service has another one by then: the others that are made for sending go
 * out on whichever stream is active.
 *
 * Returns: (transfer full): a new message
 *
 * Since: 1.0
 */
IstMessage *
ist_message_new_for_stream (IstStreamInfo *info,
                            GBytes *payload)
{
  g_return_val_if_fail (info != NULL, NULL);

  return ist_message_new_full (IST_MESSAGE_TYPE_DATA, ist_stream_info_get_service_id (info),
                               ist_stream_info_get_stream_id (info), ist_stream_info_get_connection_id (info),
                               FALSE, payload);
}

/**
 * ist_message_new_full: (constructor)
 * @type: the type
 * @service_id: (nullable): the service id
 * @stream_id: the stream id, 0 to leave it out
 * @connection_id: the connection id, 0 to leave it out
 * @ignorable: whether a peer that does not know the type may skip the message
 * @payload: (nullable): the bytes
 *
 * Makes a message of any type, with the fields of the wire.
 *
 * The wire does not tell empty from absent, and neither does a message: an
 * empty @service_id is taken as %NULL, and an absent @payload as an empty one.
 *
 * Returns: (transfer full): a new message
 *
 * Since: 1.0
 */
IstMessage *
ist_message_new_full (IstMessageType type,
                      const char *service_id,
                      int stream_id,
                      guint connection_id,
                      gboolean ignorable,
                      GBytes *payload)
{
  gsize size = service_id != NULL && *service_id != '\0' ? strlen (service_id) + 1 : 0;
  IstMessage *self = g_atomic_rc_box_alloc (sizeof (IstMessage) + size);

  self->type = type;
  self->stream_id = stream_id;
  self->connection_id = connection_id;
  self->ignorable = !!ignorable;
  self->payload = g_bytes_ref (payload != NULL && g_bytes_get_size (payload) > 0 ? payload : get_no_bytes ());
  self->service_ids = NULL;
  self->service_id = size > 0 ? memcpy (self->text, service_id, size) : NULL;

  return self;
}

/**
 * ist_message_new_service_ids: (constructor)
 * @service_ids: (nullable) (array zero-terminated=1): the services of a tunnel
 *
 * Makes a message of type %IST_MESSAGE_TYPE_SERVICE_IDS, as the service sends
 * it first of all.
 *
 * Returns: (transfer full): a new message
 *
 * Since: 1.0
 */
IstMessage *
ist_message_new_service_ids (const char *const *service_ids)
{
  IstMessage *self = ist_message_new_full (IST_MESSAGE_TYPE_SERVICE_IDS, NULL, 0, 0, FALSE, NULL);

  self->service_ids = g_strdupv ((char **) service_ids);

  return self;
}

static void
ist_message_clear (gpointer data)
{
  IstMessage *self = data;

  g_clear_pointer (&self->payload, g_bytes_unref);
  g_clear_pointer (&self->service_ids, g_strfreev);
}

/**
 * ist_message_ref:
 * @self: a message
 *
 * Adds a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
IstMessage *
ist_message_ref (IstMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * ist_message_unref:
 * @self: (transfer full): a message
 *
 * Drops a reference; the last one frees @self.
 *
 * Since: 1.0
 */
void
ist_message_unref (IstMessage *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, ist_message_clear);
}

/**
 * ist_message_get_message_type:
 * @self: a message
 *
 * Gets what kind of message it is.
 *
 * Returns: the type; from a newer peer, possibly a number that
 *   [enum@Ist.MessageType] does not list
 *
 * Since: 1.0
 */
IstMessageType
ist_message_get_message_type (const IstMessage *self)
{
  g_return_val_if_fail (self != NULL, IST_MESSAGE_TYPE_UNKNOWN);

  return self->type;
}

/**
 * ist_message_get_service_id:
 * @self: a message
 *
 * Gets the service that the message is for.
 *
 * Returns: (nullable): the service id, or %NULL if it names none
 *
 * Since: 1.0
 */
const char *
ist_message_get_service_id (const IstMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->service_id;
}

/**
 * ist_message_get_stream_id:
 * @self: a message
 *
 * Gets the id of the stream that the message is for.
 *
 * Returns: the stream id, or 0 if it names none
 *
 * Since: 1.0
 */
int
ist_message_get_stream_id (const IstMessage *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->stream_id;
}

/**
 * ist_message_get_connection_id:
 * @self: a message
 *
 * Gets the id of the connection that the message is for.
 *
 * Returns: the connection id, or 0 if it names none
 *
 * Since: 1.0
 */
guint
ist_message_get_connection_id (const IstMessage *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->connection_id;
}

/**
 * ist_message_get_payload:
 * @self: a message
 *
 * Gets the bytes that the message carries.
 *
 * Returns: (transfer none): the payload; empty, but never %NULL, if there is none
 *
 * Since: 1.0
 */
GBytes *
ist_message_get_payload (const IstMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->payload;
}

/**
 * ist_message_get_service_ids:
 * @self: a message
 *
 * Gets the services of the tunnel that a message of type
 * %IST_MESSAGE_TYPE_SERVICE_IDS lists.
 *
 * Returns: (transfer none) (array zero-terminated=1): the service ids; an empty
 *   list for other types
 *
 * Since: 1.0
 */
const char *const *
ist_message_get_service_ids (const IstMessage *self)
{
  static const char *const none[] = { NULL };

  g_return_val_if_fail (self != NULL, none);

  return self->service_ids != NULL ? (const char *const *) self->service_ids : none;
}

/**
 * ist_message_get_ignorable:
 * @self: a message
 *
 * Tells whether a receiver that does not know the type may skip the message.
 *
 * Returns: %TRUE if it may be skipped
 *
 * Since: 1.0
 */
gboolean
ist_message_get_ignorable (const IstMessage *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->ignorable;
}

/**
 * ist_message_equal:
 * @self: (type Ist.Message): a message
 * @other: (type Ist.Message): another one
 *
 * Tells whether both say the same: every field is the same, the bytes of the
 * payload included. Fields count as they are on the wire: a message for connection
 * 0, which is none, does not equal one for connection 1, though both are sent there.
 *
 * Returns: %TRUE if they are equal
 *
 * Since: 1.0
 */
gboolean
ist_message_equal (gconstpointer self,
                   gconstpointer other)
{
  const IstMessage *a = self;
  const IstMessage *b = other;

  g_return_val_if_fail (a != NULL && b != NULL, FALSE);

  return a->type == b->type && a->stream_id == b->stream_id && a->connection_id == b->connection_id &&
         a->ignorable == b->ignorable && g_strcmp0 (a->service_id, b->service_id) == 0 &&
         g_strv_equal (ist_message_get_service_ids (a), ist_message_get_service_ids (b)) &&
         g_bytes_equal (a->payload, b->payload);
}

/**
 * ist_message_hash:
 * @self: (type Ist.Message): a message
 *
 * Makes a number that is the same for all that are equal, as
 * [method@Ist.Message.equal] tells. It reads all of the payload.
 *
 * Returns: a hash value
 *
 * Since: 1.0
 */
guint
ist_message_hash (gconstpointer self)
{
  const IstMessage *message = self;
  guint hash;

  g_return_val_if_fail (message != NULL, 0);

  hash = g_bytes_hash (message->payload);
  hash = hash * 31 + message->type;
  hash = hash * 31 + (guint) message->stream_id;
  hash = hash * 31 + message->connection_id;
  return hash * 31 + (message->service_id != NULL ? g_str_hash (message->service_id) : 0);
}

static void
append_type (GString *line,
             IstMessageType type)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (IST_TYPE_MESSAGE_TYPE);
  GEnumValue *value = g_enum_get_value (G_ENUM_CLASS (klass), type);

  if (value != NULL)
    g_string_append_printf (line, "%s, ", value->value_nick);
  else
    g_string_append_printf (line, "type %d, ", type);
}

/**
 * ist_message_to_string:
 * @self: a message
 *
 * Describes a message in a line for people to read, such as a log has: its type,
 * what it is for, and how many bytes it carries, but none of them. It may change;
 * nothing in it, whatever the peer has sent, is more than text.
 *
 * Returns: (transfer full): a description
 *
 * Since: 1.0
 */
char *
ist_message_to_string (const IstMessage *self)
{
  g_autoptr (GString) line = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  line = g_string_new (NULL);
  append_type (line, self->type);
  ist_stream_info_append_ids (line, self->service_id, self->stream_id, self->connection_id);
  if (self->service_ids != NULL)
    {
      g_autofree char *joined = g_strjoinv (", ", self->service_ids);
      g_autofree char *safe = ist_text_make_safe (joined, -1, MAX_SHOWN);

      g_string_append_printf (line, "services “%s”, ", safe);
    }
  if (self->ignorable)
    g_string_append (line, "ignorable, ");
  g_string_append_printf (line, "%" G_GSIZE_FORMAT " bytes", g_bytes_get_size (self->payload));
  return g_string_free (g_steal_pointer (&line), FALSE);
}
