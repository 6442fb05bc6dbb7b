/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "protocol/ist-stream-table-private.h"

#include "ist-stream-info-private.h"
#include "protocol/ist-wire-private.h"

/* The id of the connection that comes with a V3 stream. V1 and V2 have no
 * connection ids; there the one connection is kept under this one. */
#define FIRST_CONNECTION 1

typedef struct
{
  guint32 id;
  guint32 lane; /* what it was started with: what is queued already must stay in order */
  IstStreamInfo *info;
  GList link;
} Connection;

typedef struct
{
  gint32 id;
  IstProtocolVersion version;
  gboolean names_service;      /* the service id is in its messages */
  gboolean confirmed_v3;       /* the peer has used a connection id */
  gboolean started_connection; /* we have sent CONNECTION_START */
  guint32 next_connection_id;
  guint32 lane;            /* of the first connection */
  IstStreamInfo *info;     /* of the first connection, also after its end */
  GHashTable *connections; /* id -> Connection */
  GQueue order;            /* the same, in the order they were started */
  guint32 *ended;          /* a ring of ids, 0 where there is none; NULL until needed */
  guint next_ended;
} Stream;

typedef struct
{
  guint32 index;                   /* for lanes */
  char *id;                        /* NULL if the tunnel has no services */
  IstProtocolVersion peer_version; /* V1 or V2 once the peer has shown it, else AUTO */
  Stream *stream;                  /* the active one or NULL */
  gboolean had_stream;             /* since the services are known */
} Service;

struct _IstStreamTable
{
  IstMode mode;
  IstProtocolVersion version;
  gint32 next_stream_id;
  guint32 next_service_index;
  /* The rest is NULL while the services are not known. A tunnel without
   * services is kept as one service, without an id and under the key "". */
  char **service_ids;
  GPtrArray *services;
  GHashTable *services_by_id;
};

static void
connection_free (gpointer data)
{
  Connection *connection = data;

  ist_stream_info_unref (connection->info);
  g_free (connection);
}

static void
stream_free (Stream *stream)
{
  ist_stream_info_unref (stream->info);
  g_hash_table_unref (stream->connections);
  g_free (stream->ended);
  g_free (stream);
}

static void
service_free (Service *service)
{
  g_clear_pointer (&service->stream, stream_free);
  g_free (service->id);
  g_free (service);
}

/* Events */

static void
stream_event_clear (gpointer data)
{
  IstStreamEvent *event = data;

  g_clear_pointer (&event->info, ist_stream_info_unref);
  g_clear_pointer (&event->message, ist_message_unref);
  g_clear_error (&event->error);
}

GArray *
ist_stream_events_new (void)
{
  GArray *events = g_array_new (FALSE, FALSE, sizeof (IstStreamEvent));

  g_array_set_clear_func (events, stream_event_clear);

  return events;
}

/* Takes @message and @error, but not @info. */
static void
push_event (GArray *events,
            IstStreamEventType type,
            IstLane lane,
            IstStreamInfo *info,
            IstMessage *message,
            GError *error)
{
  IstStreamEvent event = {
    .type = type,
    .lane = lane,
    .info = info != NULL ? ist_stream_info_ref (info) : NULL,
    .message = message,
    .error = error,
  };

  g_array_append_val (events, event);
}

static void
push_send (GArray *events,
           IstLane lane,
           IstMessage *message)
{
  push_event (events, IST_STREAM_EVENT_SEND, lane, NULL, message, NULL);
}

G_GNUC_PRINTF (2, 3)
static void
push_protocol_error (GArray *events,
                     const char *format,
                     ...)
{
  IstLane lane = { IST_LANE_NO_SERVICE, 0 };
  va_list args;

  va_start (args, format);
  push_event (events, IST_STREAM_EVENT_PROTOCOL_ERROR, lane, NULL, NULL,
              g_error_new_valist (IST_ERROR, IST_ERROR_PROTOCOL, format, args));
  va_end (args);
}

/* Services */

static Service *
service_new (const char *id,
             guint32 index)
{
  Service *service = g_new0 (Service, 1);

  service->index = index;
  service->id = g_strdup (id);
  service->peer_version = IST_PROTOCOL_VERSION_AUTO;

  return service;
}

static const char *
service_key (const Service *service)
{
  return service->id != NULL ? service->id : "";
}

/* For error messages: what a stream is the stream of. */
static char *
service_describe (const Service *service)
{
  if (service->id == NULL)
    return g_strdup ("the tunnel");

  return g_strdup_printf ("the service “%s”", service->id);
}

static IstLane
service_lane (const Service *service,
              guint32 connection)
{
  IstLane lane = { service->index, connection };

  return lane;
}

/* An error that says "@what the service “X”". */
static GError *
service_error_new (const Service *service,
                   IstError code,
                   const char *what)
{
  g_autofree char *name = service_describe (service);

  return g_error_new (IST_ERROR, code, "%s %s", what, name);
}

/* The service that a message from the wire is for. */
static Service *
find_service (IstStreamTable *self,
              const char *service_id)
{
  if (service_id != NULL)
    return g_hash_table_lookup (self->services_by_id, service_id);

  return self->services->len == 1 ? g_ptr_array_index (self->services, 0) : NULL;
}

/* The service that a caller names. */
static Service *
choose_service (IstStreamTable *self,
                const char *service_id,
                GError **error)
{
  g_autofree char *names = NULL;
  Service *service;

  if (service_id != NULL && *service_id == '\0')
    service_id = NULL;

  if (self->services == NULL)
    {
      g_set_error_literal (error, IST_ERROR, IST_ERROR_NOT_CONNECTED, "The tunnel is not connected");
      return NULL;
    }

  service = find_service (self, service_id);
  if (service != NULL)
    return service;

  names = g_strjoinv (", ", self->service_ids);
  if (service_id == NULL)
    g_set_error (error, IST_ERROR, IST_ERROR_NO_SUCH_SERVICE,
                 "The tunnel has several services; name one of: %s", names);
  else if (*names == '\0')
    g_set_error (error, IST_ERROR, IST_ERROR_NO_SUCH_SERVICE,
                 "The tunnel has no service “%s”; it has none, so name none", service_id);
  else
    g_set_error (error, IST_ERROR, IST_ERROR_NO_SUCH_SERVICE,
                 "The tunnel has no service “%s”; it has: %s", service_id, names);

  return NULL;
}

/* Connections */

static gboolean
has_connection_ids (IstProtocolVersion version)
{
  return version == IST_PROTOCOL_VERSION_V3;
}

static Connection *
find_connection (const Stream *stream,
                 guint32 id)
{
  if (id == 0)
    id = FIRST_CONNECTION;

  return g_hash_table_lookup (stream->connections, GUINT_TO_POINTER (id));
}

static Connection *
add_connection (Service *service,
                guint32 id)
{
  Stream *stream = service->stream;
  Connection *connection = g_new0 (Connection, 1);
  guint32 shown_id = has_connection_ids (stream->version) ? id : 0;

  connection->id = id;
  connection->lane = shown_id;
  connection->info = ist_stream_info_new (service->id, stream->id, shown_id, stream->version);
  connection->link.data = connection;

  g_hash_table_insert (stream->connections, GUINT_TO_POINTER (id), connection);
  g_queue_push_tail_link (&stream->order, &connection->link);

  return connection;
}

static void
remove_connection (Stream *stream,
                   Connection *connection)
{
  g_queue_unlink (&stream->order, &connection->link);
  g_hash_table_remove (stream->connections, GUINT_TO_POINTER (connection->id));
}

/* Whether a connection had this id, or was refused. It may have been started
 * again since. */
static gboolean
has_ended (const Stream *stream,
           guint32 id)
{
  if (stream->ended == NULL)
    return FALSE;

  for (guint i = 0; i < IST_STREAM_TABLE_MAX_ENDED; i++)
    {
      if (stream->ended[i] == id)
        return TRUE;
    }

  return FALSE;
}

static void
remember_ended (Stream *stream,
                guint32 id)
{
  if (has_ended (stream, id))
    return;

  if (stream->ended == NULL)
    stream->ended = g_new0 (guint32, IST_STREAM_TABLE_MAX_ENDED);

  stream->ended[stream->next_ended] = id;
  stream->next_ended = (stream->next_ended + 1) % IST_STREAM_TABLE_MAX_ENDED;
}

/* Streams */

static Stream *
begin_stream (Service *service,
              gint32 id,
              IstProtocolVersion version,
              gboolean names_service,
              guint32 first_connection)
{
  Stream *stream = g_new0 (Stream, 1);
  Connection *first;

  stream->id = id;
  stream->version = version;
  stream->names_service = names_service;
  stream->next_connection_id = first_connection + 1;
  stream->connections = g_hash_table_new_full (NULL, NULL, NULL, connection_free);
  g_queue_init (&stream->order);
  service->stream = stream;
  service->had_stream = TRUE;

  first = add_connection (service, first_connection);
  stream->lane = first->lane;
  stream->info = ist_stream_info_ref (first->info);

  return stream;
}

static IstLane
stream_lane (const Service *service)
{
  return service_lane (service, service->stream->lane);
}

/* A message for the active stream, in the form of its version. */
static IstMessage *
make_message (const Service *service,
              IstMessageType type,
              guint32 connection_id,
              GBytes *payload)
{
  const Stream *stream = service->stream;

  return ist_message_new_full (type, stream->names_service ? service->id : NULL, stream->id,
                               has_connection_ids (stream->version) ? connection_id : 0, FALSE, payload);
}

static void
push_stream_reset (const Service *service,
                   GArray *events)
{
  push_send (events, stream_lane (service),
             make_message (service, IST_MESSAGE_TYPE_STREAM_RESET, FIRST_CONNECTION, NULL));
}

static void
end_connection (Service *service,
                Connection *connection,
                const GError *why,
                GArray *events)
{
  push_event (events, IST_STREAM_EVENT_CONNECTION_RESET, service_lane (service, connection->lane),
              connection->info, NULL, why != NULL ? g_error_copy (why) : NULL);
  remove_connection (service->stream, connection);
}

static void
end_stream (Service *service,
            const GError *why,
            GArray *events)
{
  Stream *stream = service->stream;

  if (stream == NULL)
    return;

  if (has_connection_ids (stream->version))
    {
      while (stream->order.head != NULL)
        end_connection (service, stream->order.head->data, why, events);
    }

  push_event (events, IST_STREAM_EVENT_STREAM_STOPPED, stream_lane (service), stream->info, NULL,
              why != NULL ? g_error_copy (why) : NULL);

  service->stream = NULL;
  stream_free (stream);
}

static void
replace_stream (Service *service,
                GArray *events)
{
  g_autoptr (GError) why = service_error_new (service, IST_ERROR_STREAM_REPLACED,
                                              "A newer stream replaced that of");

  end_stream (service, why, events);
}

static void
end_all_streams (IstStreamTable *self,
                 const GError *why,
                 GArray *events)
{
  for (guint i = 0; i < self->services->len; i++)
    end_stream (g_ptr_array_index (self->services, i), why, events);
}

/* What the peer speaks */

static IstProtocolVersion
get_shown_version (IstMessage *message)
{
  if (ist_message_get_connection_id (message) != 0)
    return IST_PROTOCOL_VERSION_V3;

  if (ist_message_get_service_id (message) != NULL)
    return IST_PROTOCOL_VERSION_V2;

  return IST_PROTOCOL_VERSION_V1;
}

/* Whether the stream was started as V3 in the hope that the peer speaks it. */
static gboolean
is_guess (IstStreamTable *self,
          const Stream *stream)
{
  return self->mode == IST_MODE_SOURCE && self->version == IST_PROTOCOL_VERSION_AUTO &&
         has_connection_ids (stream->version) && !stream->confirmed_v3;
}

/* The peer has turned out to speak an older version: its stream is one
 * connection. May end the stream. */
static void
downgrade_stream (Service *service,
                  IstProtocolVersion version,
                  GArray *events)
{
  Stream *stream = service->stream;
  Connection *first = find_connection (stream, FIRST_CONNECTION);
  g_autoptr (GError) why = NULL;
  GList *link;
  GList *next;

  why = service_error_new (service, IST_ERROR_NOT_SUPPORTED,
                           "The peer's protocol version allows one connection at a time to");

  for (link = stream->order.head; link != NULL; link = next)
    {
      next = link->next;
      if (link->data != first)
        end_connection (service, link->data, why, events);
    }

  stream->version = version;
  stream->names_service = version != IST_PROTOCOL_VERSION_V1;
  ist_stream_info_unref (stream->info);
  stream->info = ist_stream_info_new (service->id, stream->id, 0, version);

  if (first == NULL)
    {
      push_stream_reset (service, events);
      end_stream (service, why, events);
      return;
    }

  ist_stream_info_unref (first->info);
  first->info = ist_stream_info_ref (stream->info);
}

static void
learn_version (IstStreamTable *self,
               Service *service,
               IstMessage *message,
               gboolean current,
               GArray *events)
{
  IstMessageType type = ist_message_get_message_type (message);
  IstProtocolVersion shown = get_shown_version (message);
  Stream *stream = service->stream;

  if (shown == IST_PROTOCOL_VERSION_V3 || type == IST_MESSAGE_TYPE_CONNECTION_RESET)
    {
      service->peer_version = IST_PROTOCOL_VERSION_AUTO;
      if (current)
        stream->confirmed_v3 = TRUE;
      return;
    }

  if (!current || !is_guess (self, stream))
    return;

  if (type == IST_MESSAGE_TYPE_DATA)
    {
      service->peer_version = shown;
      downgrade_stream (service, shown, events);
    }
  else if (type == IST_MESSAGE_TYPE_STREAM_RESET && stream->started_connection)
    {
      /* A V3 peer would have answered for the connection alone. */
      service->peer_version = shown;
    }
}

/* Receiving */

static void
add_service (IstStreamTable *self,
             GHashTable *old_by_id,
             const char *key)
{
  Service *service;

  if (g_hash_table_contains (self->services_by_id, key))
    return;

  service = old_by_id != NULL ? g_hash_table_lookup (old_by_id, key) : NULL;
  if (service == NULL)
    service = service_new (*key != '\0' ? key : NULL, self->next_service_index++);

  g_ptr_array_add (self->services, service);
  g_hash_table_insert (self->services_by_id, (char *) service_key (service), service);
}

/* Services that are still listed keep their streams. */
static void
set_services (IstStreamTable *self,
              const char *const *service_ids,
              GArray *events)
{
  g_autoptr (GPtrArray) old_services = g_steal_pointer (&self->services);
  g_autoptr (GHashTable) old_by_id = g_steal_pointer (&self->services_by_id);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  IstLane lane = { IST_LANE_NO_SERVICE, 0 };

  self->services = g_ptr_array_new ();
  self->services_by_id = g_hash_table_new (g_str_hash, g_str_equal);

  for (; *service_ids != NULL; service_ids++)
    {
      if (**service_ids != '\0')
        add_service (self, old_by_id, *service_ids);
    }

  if (self->services->len == 0)
    add_service (self, old_by_id, "");

  for (guint i = 0; old_services != NULL && i < old_services->len; i++)
    {
      Service *service = g_ptr_array_index (old_services, i);
      g_autoptr (GError) why = NULL;

      if (g_hash_table_contains (self->services_by_id, service_key (service)))
        continue;

      why = service_error_new (service, IST_ERROR_STREAM_RESET,
                               "The tunnel's services changed, which ended the stream of");
      end_stream (service, why, events);
      service_free (service);
    }

  for (guint i = 0; i < self->services->len; i++)
    {
      Service *service = g_ptr_array_index (self->services, i);

      if (service->id != NULL)
        g_strv_builder_add (names, service->id);
    }

  g_strfreev (self->service_ids);
  self->service_ids = g_strv_builder_end (names);

  push_event (events, IST_STREAM_EVENT_SERVICES, lane, NULL,
              ist_message_new_service_ids ((const char *const *) self->service_ids), NULL);
}

/* Answers a message about a stream that is not there. */
static void
refuse_stream (IstMessage *message,
               GArray *events)
{
  IstLane no_lane = { IST_LANE_NO_SERVICE, 0 };

  push_send (events, no_lane,
             ist_message_new_full (IST_MESSAGE_TYPE_STREAM_RESET, ist_message_get_service_id (message),
                                   ist_message_get_stream_id (message),
                                   ist_message_get_connection_id (message) != 0 ? FIRST_CONNECTION : 0,
                                   FALSE, NULL));
}

static void
receive_stream_start (Service *service,
                      IstMessage *message,
                      GArray *events)
{
  gint32 stream_id = ist_message_get_stream_id (message);
  guint32 connection_id = ist_message_get_connection_id (message);
  const char *service_id = ist_message_get_service_id (message);
  Stream *stream;

  if (service == NULL)
    {
      refuse_stream (message, events);
      return;
    }

  if (service->stream != NULL)
    replace_stream (service, events);

  stream = begin_stream (service, stream_id, get_shown_version (message), service_id != NULL,
                         connection_id != 0 ? connection_id : FIRST_CONNECTION);
  push_event (events, IST_STREAM_EVENT_STREAM_STARTED, stream_lane (service), stream->info, NULL, NULL);
}

static void
push_connection_reset (Service *service,
                       guint32 id,
                       GArray *events)
{
  push_send (events, service_lane (service, id),
             ist_message_new_full (IST_MESSAGE_TYPE_CONNECTION_RESET,
                                   service->stream->names_service ? service->id : NULL,
                                   service->stream->id, id, FALSE, NULL));
}

static void
receive_connection_start (Service *service,
                          IstMessage *message,
                          GArray *events)
{
  Stream *stream = service->stream;
  guint32 id = ist_message_get_connection_id (message);
  Connection *connection;

  if (id == 0)
    id = FIRST_CONNECTION;

  /* A stream that was started as V1 or V2 has one connection, for all its life. */
  if (!has_connection_ids (stream->version) || find_connection (stream, id) != NULL)
    {
      push_connection_reset (service, id, events);
      return;
    }

  if (stream->order.length >= IST_STREAM_TABLE_MAX_CONNECTIONS)
    {
      remember_ended (stream, id);
      push_connection_reset (service, id, events);
      return;
    }

  connection = add_connection (service, id);
  push_event (events, IST_STREAM_EVENT_CONNECTION_STARTED, service_lane (service, connection->lane),
              connection->info, NULL, NULL);
}

/* @message as a user is to see it: with the names of the connection that it
 * came for, which the peer may have left out. */
static IstMessage *
complete_message (const Connection *connection,
                  IstMessage *message)
{
  const char *service_id = ist_stream_info_get_service_id (connection->info);
  guint32 connection_id = ist_stream_info_get_connection_id (connection->info);

  if (ist_message_get_connection_id (message) == connection_id &&
      g_strcmp0 (ist_message_get_service_id (message), service_id) == 0)
    return ist_message_ref (message);

  return ist_message_new_full (ist_message_get_message_type (message), service_id,
                               ist_message_get_stream_id (message), connection_id,
                               ist_message_get_ignorable (message), ist_message_get_payload (message));
}

static void
receive_data (Service *service,
              IstMessage *message,
              GArray *events)
{
  Stream *stream = service->stream;
  guint32 id = ist_message_get_connection_id (message);
  Connection *connection = find_connection (stream, id);

  if (connection != NULL)
    {
      push_event (events, IST_STREAM_EVENT_DATA, service_lane (service, connection->lane),
                  connection->info, complete_message (connection, message), NULL);
      return;
    }

  if (id == 0)
    id = FIRST_CONNECTION;

  if (!has_connection_ids (stream->version) || has_ended (stream, id))
    return;

  remember_ended (stream, id);
  push_connection_reset (service, id, events);
}

static void
receive_stream_reset (Service *service,
                      GArray *events)
{
  g_autoptr (GError) why = service_error_new (service, IST_ERROR_STREAM_RESET,
                                              "The peer or the service reset the stream of");

  end_stream (service, why, events);
}

static void
receive_connection_reset (Service *service,
                          IstMessage *message,
                          GArray *events)
{
  Stream *stream = service->stream;
  Connection *connection = find_connection (stream, ist_message_get_connection_id (message));
  g_autoptr (GError) why = NULL;

  if (connection == NULL)
    return;

  why = service_error_new (service, IST_ERROR_CONNECTION_RESET, "The peer reset a connection of");

  if (!has_connection_ids (stream->version))
    {
      end_stream (service, why, events);
      return;
    }

  remember_ended (stream, connection->id);
  end_connection (service, connection, why, events);
}

static void
receive_session_reset (IstStreamTable *self,
                       GArray *events)
{
  g_autoptr (GError) why = g_error_new_literal (IST_ERROR, IST_ERROR_SESSION_RESET,
                                                "The service ended all streams");
  IstLane lane = { IST_LANE_NO_SERVICE, 0 };

  end_all_streams (self, why, events);
  push_event (events, IST_STREAM_EVENT_SESSION_RESET, lane, NULL, NULL, NULL);
}

/* @service: whose active stream the message names, or NULL */
static void
receive_unknown (Service *service,
                 IstMessage *message,
                 GArray *events)
{
  g_autoptr (GError) why = NULL;

  push_protocol_error (events, "Received a message of the unknown type %d",
                       ist_message_get_message_type (message));
  if (service == NULL)
    return;

  why = service_error_new (service, IST_ERROR_PROTOCOL,
                           "Received a message of an unknown type for the stream of");
  push_stream_reset (service, events);
  end_stream (service, why, events);
}

static gboolean
is_known_type (IstMessageType type)
{
  return type > IST_MESSAGE_TYPE_UNKNOWN && type <= IST_MESSAGE_TYPE_CONNECTION_RESET;
}

static void
receive_for_stream (IstStreamTable *self,
                    IstMessage *message,
                    GArray *events)
{
  IstMessageType type = ist_message_get_message_type (message);
  gint32 stream_id = ist_message_get_stream_id (message);
  Service *service = find_service (self, ist_message_get_service_id (message));
  gboolean current = service != NULL && service->stream != NULL && service->stream->id == stream_id;

  if (!is_known_type (type))
    {
      receive_unknown (current ? service : NULL, message, events);
      return;
    }

  if (stream_id == 0)
    {
      push_protocol_error (events, "Received a message of type %d without a stream id", type);
      return;
    }

  if (self->mode == IST_MODE_SOURCE &&
      (type == IST_MESSAGE_TYPE_STREAM_START || type == IST_MESSAGE_TYPE_CONNECTION_START))
    {
      push_protocol_error (events, "Received a message of type %d, which only a source sends", type);
      return;
    }

  if (type == IST_MESSAGE_TYPE_STREAM_START)
    {
      receive_stream_start (service, message, events);
      return;
    }

  if (service != NULL)
    learn_version (self, service, message, current, events);

  /* The service drops what a source sends while we are not connected. A source
   * that started its stream then would add connections to it for ever, which
   * nobody answers; this is not stale, for there was no stream before. */
  if (type == IST_MESSAGE_TYPE_CONNECTION_START && service != NULL && !service->had_stream)
    {
      refuse_stream (message, events);
      return;
    }

  /* What is left is for an active stream, or stale. */
  if (!current || service->stream == NULL)
    return;

  if (type == IST_MESSAGE_TYPE_DATA)
    receive_data (service, message, events);
  else if (type == IST_MESSAGE_TYPE_STREAM_RESET)
    receive_stream_reset (service, events);
  else if (type == IST_MESSAGE_TYPE_CONNECTION_START)
    receive_connection_start (service, message, events);
  else
    receive_connection_reset (service, message, events);
}

void
ist_stream_table_receive (IstStreamTable *self,
                          IstMessage *message,
                          GArray *events)
{
  IstMessageType type = ist_message_get_message_type (message);

  if (!is_known_type (type) && ist_message_get_ignorable (message))
    return;

  /* Some servers never list the services of a tunnel that has none. */
  if (type == IST_MESSAGE_TYPE_SERVICE_IDS || self->services == NULL)
    set_services (self, ist_message_get_service_ids (message), events);

  if (type == IST_MESSAGE_TYPE_SESSION_RESET)
    receive_session_reset (self, events);
  else if (type != IST_MESSAGE_TYPE_SERVICE_IDS)
    receive_for_stream (self, message, events);
}

/* Life */

IstStreamTable *
ist_stream_table_new (IstMode mode,
                      IstProtocolVersion version)
{
  IstStreamTable *self = g_new0 (IstStreamTable, 1);

  self->mode = mode;
  self->version = version;
  self->next_stream_id = 1;

  return self;
}

static void
forget_services (IstStreamTable *self)
{
  if (self->services == NULL)
    return;

  for (guint i = 0; i < self->services->len; i++)
    service_free (g_ptr_array_index (self->services, i));

  g_clear_pointer (&self->services, g_ptr_array_unref);
  g_clear_pointer (&self->services_by_id, g_hash_table_unref);
  g_clear_pointer (&self->service_ids, g_strfreev);
  self->next_service_index = 0;
}

void
ist_stream_table_free (IstStreamTable *self)
{
  forget_services (self);
  g_free (self);
}

void
ist_stream_table_set_next_ids (IstStreamTable *self,
                               gint32 stream_id,
                               guint32 connection_id)
{
  self->next_stream_id = stream_id;

  for (guint i = 0; self->services != NULL && i < self->services->len; i++)
    {
      Service *service = g_ptr_array_index (self->services, i);

      if (service->stream != NULL)
        service->stream->next_connection_id = connection_id;
    }
}

void
ist_stream_table_disconnect (IstStreamTable *self,
                             const GError *why,
                             GArray *events)
{
  if (self->services != NULL)
    end_all_streams (self, why, events);
  forget_services (self);
}

const char *const *
ist_stream_table_get_services (IstStreamTable *self)
{
  return (const char *const *) self->service_ids;
}

/* Calls */

static gboolean
check_is_source (IstStreamTable *self,
                 GError **error)
{
  if (self->mode == IST_MODE_SOURCE)
    return TRUE;

  g_set_error_literal (error, IST_ERROR, IST_ERROR_INVALID_STATE,
                       "Only the source starts streams and connections; the destination waits for them");
  return FALSE;
}

static Service *
choose_active_service (IstStreamTable *self,
                       const char *service_id,
                       GError **error)
{
  Service *service = choose_service (self, service_id, error);
  g_autofree char *name = NULL;

  if (service == NULL || service->stream != NULL)
    return service;

  name = service_describe (service);
  g_set_error (error, IST_ERROR, IST_ERROR_NO_SUCH_STREAM, "There is no active stream of %s; %s", name,
               self->mode == IST_MODE_SOURCE ? "start one first" : "wait until the source starts one");

  return NULL;
}

static Connection *
choose_connection (Service *service,
                   guint32 id,
                   GError **error)
{
  Connection *connection = find_connection (service->stream, id);
  g_autofree char *name = NULL;

  if (connection != NULL)
    return connection;

  name = service_describe (service);
  g_set_error (error, IST_ERROR, IST_ERROR_NO_SUCH_CONNECTION,
               "The stream of %s has no active connection %u", name, id);

  return NULL;
}

static IstProtocolVersion
choose_version (IstStreamTable *self,
                const Service *service)
{
  if (self->version != IST_PROTOCOL_VERSION_AUTO)
    return self->version;

  if (service->peer_version != IST_PROTOCOL_VERSION_AUTO)
    return service->peer_version;

  return IST_PROTOCOL_VERSION_V3;
}

IstStreamInfo *
ist_stream_table_start_stream (IstStreamTable *self,
                               const char *service_id,
                               GArray *events,
                               GError **error)
{
  Service *service;
  IstProtocolVersion version;
  gint32 stream_id;

  if (!check_is_source (self, error))
    return NULL;

  service = choose_service (self, service_id, error);
  if (service == NULL)
    return NULL;

  version = choose_version (self, service);
  if (version == IST_PROTOCOL_VERSION_V1 && self->services->len > 1)
    {
      g_set_error_literal (error, IST_ERROR, IST_ERROR_NOT_SUPPORTED,
                           "Protocol version 1 can't name one of several services; use version 2");
      return NULL;
    }

  if (service->stream != NULL)
    replace_stream (service, events);

  stream_id = self->next_stream_id;
  self->next_stream_id = stream_id < IST_WIRE_MAX_STREAM_ID ? stream_id + 1 : 1;

  begin_stream (service, stream_id, version, version != IST_PROTOCOL_VERSION_V1, FIRST_CONNECTION);
  push_send (events, stream_lane (service),
             make_message (service, IST_MESSAGE_TYPE_STREAM_START, FIRST_CONNECTION, NULL));

  return ist_stream_info_ref (service->stream->info);
}

/* Ids grow; after the greatest, those that are no longer in use come again. */
static guint32
take_connection_id (Stream *stream)
{
  guint32 id = stream->next_connection_id;

  while (id > IST_WIRE_MAX_CONNECTION_ID || find_connection (stream, id) != NULL)
    id = id < IST_WIRE_MAX_CONNECTION_ID ? id + 1 : FIRST_CONNECTION;

  stream->next_connection_id = id + 1;

  return id;
}

IstStreamInfo *
ist_stream_table_start_connection (IstStreamTable *self,
                                   const char *service_id,
                                   GArray *events,
                                   GError **error)
{
  Service *service;
  Stream *stream;
  Connection *connection;
  guint32 id;

  if (!check_is_source (self, error))
    return NULL;

  service = choose_active_service (self, service_id, error);
  if (service == NULL)
    return NULL;

  stream = service->stream;
  if (!has_connection_ids (stream->version))
    {
      g_propagate_error (error,
                         service_error_new (service, IST_ERROR_NOT_SUPPORTED,
                                            "Protocol versions 1 and 2 allow one connection at a time to"));
      return NULL;
    }

  if (stream->order.length >= IST_STREAM_TABLE_MAX_CONNECTIONS)
    {
      g_propagate_error (error, service_error_new (service, IST_ERROR_FAILED,
                                                   "There are too many connections to"));
      return NULL;
    }

  id = take_connection_id (stream);
  stream->started_connection = TRUE;
  connection = add_connection (service, id);
  push_send (events, service_lane (service, connection->lane),
             make_message (service, IST_MESSAGE_TYPE_CONNECTION_START, id, NULL));

  return ist_stream_info_ref (connection->info);
}

IstStreamInfo *
ist_stream_table_open_connection (IstStreamTable *self,
                                  const char *service_id,
                                  GArray *events,
                                  GError **error)
{
  Service *service = self->services != NULL ? choose_service (self, service_id, NULL) : NULL;

  if (service != NULL && service->stream != NULL && service->stream->order.head != NULL)
    return ist_stream_table_start_connection (self, service_id, events, error);
  return ist_stream_table_start_stream (self, service_id, events, error);
}

IstMessage *
ist_stream_table_address (IstStreamTable *self,
                          IstMessage *message,
                          IstLane *lane,
                          GError **error)
{
  Service *service;
  Connection *connection;

  if (ist_message_get_message_type (message) != IST_MESSAGE_TYPE_DATA)
    {
      g_set_error_literal (error, IST_ERROR, IST_ERROR_INVALID_SETTING,
                           "Only messages of type DATA can be sent; there are calls for the others");
      return NULL;
    }

  service = choose_active_service (self, ist_message_get_service_id (message), error);
  if (service == NULL)
    return NULL;

  connection = choose_connection (service, ist_message_get_connection_id (message), error);
  if (connection == NULL)
    return NULL;

  *lane = service_lane (service, connection->lane);

  return make_message (service, IST_MESSAGE_TYPE_DATA, connection->id, ist_message_get_payload (message));
}

gboolean
ist_stream_table_reset_stream (IstStreamTable *self,
                               const char *service_id,
                               GArray *events,
                               GError **error)
{
  Service *service = choose_active_service (self, service_id, error);

  if (service == NULL)
    return FALSE;

  push_stream_reset (service, events);
  end_stream (service, NULL, events);

  return TRUE;
}

gboolean
ist_stream_table_reset_connection (IstStreamTable *self,
                                   const char *service_id,
                                   guint connection_id,
                                   GArray *events,
                                   GError **error)
{
  Service *service = choose_active_service (self, service_id, error);
  Connection *connection;

  if (service == NULL)
    return FALSE;

  connection = choose_connection (service, connection_id, error);
  if (connection == NULL)
    return FALSE;

  if (!has_connection_ids (service->stream->version))
    {
      push_stream_reset (service, events);
      end_stream (service, NULL, events);
      return TRUE;
    }

  push_connection_reset (service, connection->id, events);
  remember_ended (service->stream, connection->id);
  end_connection (service, connection, NULL, events);

  return TRUE;
}

IstStreamInfo *
ist_stream_table_lookup (IstStreamTable *self,
                         const char *service_id,
                         guint connection_id)
{
  Service *service = choose_service (self, service_id, NULL);
  Connection *connection = NULL;

  if (service != NULL && service->stream != NULL)
    connection = find_connection (service->stream, connection_id);

  return connection != NULL ? connection->info : NULL;
}
