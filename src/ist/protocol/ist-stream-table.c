/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/protocol/ist-stream-table-private.h"

#include "common/ist-text-private.h"
#include "ist/ist-stream-info-private.h"
#include "ist/protocol/ist-wire-private.h"

/* The id of the connection that comes with a V3 stream. V1 and V2 have no
 * connection ids; there the one connection is kept under this one. */
#define FIRST_CONNECTION 1

/* Bytes of the names that somebody else gave, in a message. */
#define MAX_SHOWN 512

typedef struct
{
  guint32 id;
  guint32 lane; /* what it was started with: what is queued already must stay in order */
  IstStreamInfo *info;
  gint64 first_data_at; /* monotonic time, 0 before */
  guint n_heard;        /* the stream's then */
  GList link;
} Connection;

typedef struct
{
  gint32 id;
  guint32 serial; /* for lanes */
  IstProtocolVersion version;
  gboolean names_service;      /* the service id is in its messages */
  gboolean started_connection; /* we have sent CONNECTION_START */
  gboolean has_data;           /* the peer has sent some */
  guint n_heard;               /* messages of the peer */
  gint64 silent_since;         /* the first data that the peer has left unanswered, or 0 */
  guint n_given_up;            /* connections that have ended since without an answer */
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
  IstStreamTable *table;
  guint32 index;                   /* for lanes */
  char *id;                        /* NULL if the tunnel has no services */
  IstProtocolVersion peer_version; /* once the peer has shown it, and while it is the same peer; else AUTO */
  Stream *stream;                  /* the active one or NULL */
  gint32 ended_stream;             /* the id of the one before, or 0 */
} Service;

struct _IstStreamTable
{
  IstMode mode;
  IstProtocolVersion version;
  gint32 next_stream_id;
  guint32 next_serial;
  guint generation;
  guint32 next_service_index;
  /* The rest is NULL while the services are not known. A tunnel without
   * services is kept as one service, without an id and under the key "". */
  char **service_ids;
  gboolean services_named; /* by the service; else it was taken to have none */
  GPtrArray *services;
  GHashTable *services_by_id;
  GHashTable *services_by_stream; /* serial -> Service: those with an active stream */
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
events_push (GArray *events,
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
events_push_send (GArray *events,
                  IstLane lane,
                  IstMessage *message)
{
  events_push (events, IST_STREAM_EVENT_SEND, lane, NULL, message, NULL);
}

G_GNUC_PRINTF (2, 3)
static void
events_push_protocol_error (GArray *events,
                            const char *format,
                            ...)
{
  IstLane lane = { IST_LANE_NO_SERVICE, 0 };
  va_list args;

  va_start (args, format);
  events_push (events, IST_STREAM_EVENT_PROTOCOL_ERROR, lane, NULL, NULL,
               g_error_new_valist (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL, format, args));
  va_end (args);
}

/* Services */

static Service *
service_new (IstStreamTable *self,
             const char *id)
{
  Service *service = g_new0 (Service, 1);

  service->table = self;
  service->index = self->next_service_index++;
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
  g_autofree char *id = NULL;

  if (service->id == NULL)
    return g_strdup ("the tunnel");

  id = ist_text_make_safe (service->id, -1, MAX_SHOWN);
  return g_strdup_printf ("the service “%s”", id);
}

static IstLane
service_lane (const Service *service,
              guint32 connection)
{
  IstLane lane = { service->index, connection, service->stream->serial };

  return lane;
}

/* An error that says "@what the service “X”". */
static GError *
service_error_new (const Service *service,
                   IstTunnelError code,
                   const char *what)
{
  g_autofree char *name = service_describe (service);

  return g_error_new (IST_TUNNEL_ERROR, code, "%s %s", what, name);
}

/* The service that a message from the wire is for. */
static Service *
table_find_service (IstStreamTable *self,
                    const char *service_id)
{
  if (service_id != NULL)
    return g_hash_table_lookup (self->services_by_id, service_id);

  return self->services->len == 1 ? g_ptr_array_index (self->services, 0) : NULL;
}

/* The service whose active stream a lane is in. */
static Service *
table_find_service_of_lane (IstStreamTable *self,
                            const IstLane *lane)
{
  if (self->services_by_stream == NULL)
    return NULL;

  return g_hash_table_lookup (self->services_by_stream, GUINT_TO_POINTER (lane->stream));
}

/* The service that a caller names. */
static Service *
table_choose_service (IstStreamTable *self,
                      const char *service_id,
                      GError **error)
{
  g_autofree char *joined = NULL;
  g_autofree char *names = NULL;
  g_autofree char *wanted = NULL;
  Service *service;

  if (service_id != NULL && *service_id == '\0')
    service_id = NULL;

  if (self->services == NULL)
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED, "The tunnel is not connected");
      return NULL;
    }

  service = table_find_service (self, service_id);
  if (service != NULL)
    return service;

  joined = g_strjoinv (", ", self->service_ids);
  names = ist_text_make_safe (joined, -1, MAX_SHOWN);
  wanted = ist_text_make_safe (service_id != NULL ? service_id : "", -1, MAX_SHOWN);
  if (service_id == NULL)
    g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE,
                 "The tunnel has several services; name one of: %s", names);
  else if (*names == '\0')
    g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE,
                 "The tunnel has no service “%s”; it has none, so name none", wanted);
  else
    g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE,
                 "The tunnel has no service “%s”; it has: %s", wanted, names);

  return NULL;
}

/* Connections */

static gboolean
version_has_connection_ids (IstProtocolVersion version)
{
  return version == IST_PROTOCOL_VERSION_V3;
}

static Connection *
stream_find_connection (const Stream *stream,
                        guint32 id)
{
  if (id == 0)
    id = FIRST_CONNECTION;

  return g_hash_table_lookup (stream->connections, GUINT_TO_POINTER (id));
}

static Connection *
service_add_connection (Service *service,
                        guint32 id)
{
  Stream *stream = service->stream;
  Connection *connection = g_new0 (Connection, 1);
  guint32 shown_id = version_has_connection_ids (stream->version) ? id : 0;

  connection->id = id;
  connection->lane = shown_id;
  connection->info = ist_stream_info_new (service->id, stream->id, shown_id, stream->version);
  connection->link.data = connection;

  g_hash_table_insert (stream->connections, GUINT_TO_POINTER (id), connection);
  g_queue_push_tail_link (&stream->order, &connection->link);

  return connection;
}

static void
stream_remove_connection (Stream *stream,
                          Connection *connection)
{
  g_queue_unlink (&stream->order, &connection->link);
  g_hash_table_remove (stream->connections, GUINT_TO_POINTER (connection->id));
}

/* Whether a connection had this id, or was refused. It may have been started
 * again since. */
static gboolean
stream_has_ended (const Stream *stream,
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
stream_remember_ended (Stream *stream,
                       guint32 id)
{
  if (stream_has_ended (stream, id))
    return;

  if (stream->ended == NULL)
    stream->ended = g_new0 (guint32, IST_STREAM_TABLE_MAX_ENDED);

  stream->ended[stream->next_ended] = id;
  stream->next_ended = (stream->next_ended + 1) % IST_STREAM_TABLE_MAX_ENDED;
}

/* Streams */

static Stream *
service_begin_stream (Service *service,
                      gint32 id,
                      IstProtocolVersion version,
                      gboolean names_service,
                      guint32 first_connection)
{
  Stream *stream = g_new0 (Stream, 1);
  Connection *first;

  stream->id = id;
  stream->serial = service->table->next_serial++;
  stream->version = version;
  stream->names_service = names_service;
  stream->next_connection_id = first_connection + 1;
  stream->connections = g_hash_table_new_full (NULL, NULL, NULL, connection_free);
  g_queue_init (&stream->order);
  service->stream = stream;
  g_hash_table_insert (service->table->services_by_stream, GUINT_TO_POINTER (stream->serial), service);

  first = service_add_connection (service, first_connection);
  stream->lane = first->lane;
  stream->info = ist_stream_info_ref (first->info);

  return stream;
}

static IstLane
service_stream_lane (const Service *service)
{
  return service_lane (service, service->stream->lane);
}

/* A message for the active stream, in the form of its version. */
static IstMessage *
service_make_message (const Service *service,
                      IstMessageType type,
                      guint32 connection_id,
                      GBytes *payload)
{
  const Stream *stream = service->stream;

  return ist_message_new_full (type, stream->names_service ? service->id : NULL, stream->id,
                               version_has_connection_ids (stream->version) ? connection_id : 0, FALSE, payload);
}

static void
service_push_stream_reset (const Service *service,
                           GArray *events)
{
  events_push_send (events, service_stream_lane (service),
                    service_make_message (service, IST_MESSAGE_TYPE_STREAM_RESET, FIRST_CONNECTION, NULL));
}

static void
service_end_connection (Service *service,
                        Connection *connection,
                        const GError *why,
                        GArray *events)
{
  events_push (events, IST_STREAM_EVENT_CONNECTION_RESET, service_lane (service, connection->lane),
               connection->info, NULL, why != NULL ? g_error_copy (why) : NULL);
  stream_remove_connection (service->stream, connection);
  service->table->generation++;
}

static void
service_end_stream (Service *service,
                    const GError *why,
                    GArray *events)
{
  Stream *stream = service->stream;

  if (stream == NULL)
    return;

  if (version_has_connection_ids (stream->version))
    {
      while (stream->order.head != NULL)
        service_end_connection (service, stream->order.head->data, why, events);
    }

  events_push (events, IST_STREAM_EVENT_STREAM_STOPPED, service_stream_lane (service), stream->info, NULL,
               why != NULL ? g_error_copy (why) : NULL);

  g_hash_table_remove (service->table->services_by_stream, GUINT_TO_POINTER (stream->serial));
  service->ended_stream = stream->id;
  service->stream = NULL;
  service->table->generation++;
  stream_free (stream);
}

static void
service_replace_stream (Service *service,
                        GArray *events)
{
  g_autoptr (GError) why = service_error_new (service, IST_TUNNEL_ERROR_STREAM_REPLACED,
                                              "A newer stream replaced that of");

  service_end_stream (service, why, events);
}

static void
table_end_all_streams (IstStreamTable *self,
                       const GError *why,
                       GArray *events)
{
  for (guint i = 0; i < self->services->len; i++)
    service_end_stream (g_ptr_array_index (self->services, i), why, events);
}

/* What the peer speaks */

static IstProtocolVersion
message_get_shown_version (IstMessage *message)
{
  if (ist_message_get_connection_id (message) != 0)
    return IST_PROTOCOL_VERSION_V3;

  if (ist_message_get_service_id (message) != NULL)
    return IST_PROTOCOL_VERSION_V2;

  return IST_PROTOCOL_VERSION_V1;
}

static gboolean
table_knows_v3 (IstStreamTable *self,
                const Service *service)
{
  return self->version == IST_PROTOCOL_VERSION_V3 || service->peer_version == IST_PROTOCOL_VERSION_V3;
}

/* Whether the active stream was started as V3 in the hope that the peer speaks it. */
static gboolean
table_is_guess (IstStreamTable *self,
                const Service *service)
{
  return self->mode == IST_MODE_SOURCE && self->version == IST_PROTOCOL_VERSION_AUTO &&
         version_has_connection_ids (service->stream->version) && !table_knows_v3 (self, service);
}

/* The peer has turned out to speak an older version: its stream is one
 * connection. May end the stream. */
static void
service_downgrade_stream (Service *service,
                          IstProtocolVersion version,
                          GArray *events)
{
  Stream *stream = service->stream;
  Connection *first = stream_find_connection (stream, FIRST_CONNECTION);
  g_autoptr (GError) why = NULL;
  GList *link;
  GList *next;

  why = service_error_new (service, IST_TUNNEL_ERROR_NOT_SUPPORTED,
                           "The peer's protocol version allows one connection at a time to");

  for (link = stream->order.head; link != NULL; link = next)
    {
      next = link->next;
      if (link->data != first)
        service_end_connection (service, link->data, why, events);
    }

  stream->version = version;
  stream->names_service = version != IST_PROTOCOL_VERSION_V1;
  ist_stream_info_unref (stream->info);
  stream->info = ist_stream_info_new (service->id, stream->id, 0, version);

  if (first == NULL)
    {
      service_push_stream_reset (service, events);
      service_end_stream (service, why, events);
      return;
    }

  ist_stream_info_unref (first->info);
  first->info = ist_stream_info_ref (stream->info);
}

/* What a message for the active stream shows of the peer. May end the stream. */
static void
table_learn_version (IstStreamTable *self,
                     Service *service,
                     IstMessage *message,
                     GArray *events)
{
  IstMessageType type = ist_message_get_message_type (message);
  IstProtocolVersion shown = message_get_shown_version (message);
  Stream *stream = service->stream;

  stream->n_heard++;
  stream->silent_since = 0;
  stream->n_given_up = 0;
  if (type == IST_MESSAGE_TYPE_DATA)
    stream->has_data = TRUE;

  if (shown == IST_PROTOCOL_VERSION_V3 || type == IST_MESSAGE_TYPE_CONNECTION_RESET)
    {
      if (!table_knows_v3 (self, service))
        self->generation++;
      service->peer_version = IST_PROTOCOL_VERSION_V3;
      return;
    }

  if (!table_is_guess (self, service))
    return;

  if (type == IST_MESSAGE_TYPE_DATA)
    {
      service->peer_version = shown;
      service_downgrade_stream (service, shown, events);
    }
  else if (type == IST_MESSAGE_TYPE_STREAM_RESET && stream->started_connection)
    {
      /* A V3 peer would have answered for the connection alone. */
      service->peer_version = shown;
    }
}

/* A stream that was reset from outside: its peer may have gone, and another one
 * come. A peer of V1 or V2 that resets has only ended its connection, though, if
 * it is the peer that it was taken for: one that has sent data is. */
static void
service_doubt_version (Service *service)
{
  const Stream *stream = service->stream;

  if (version_has_connection_ids (service->peer_version) ||
      (service->peer_version == stream->version && !stream->has_data))
    service->peer_version = IST_PROTOCOL_VERSION_AUTO;
}

/* Receiving */

static void
table_add_service (IstStreamTable *self,
                   GHashTable *old_by_id,
                   const char *key)
{
  Service *service;

  if (g_hash_table_contains (self->services_by_id, key))
    return;

  service = old_by_id != NULL ? g_hash_table_lookup (old_by_id, key) : NULL;
  if (service == NULL)
    service = service_new (self, *key != '\0' ? key : NULL);

  g_ptr_array_add (self->services, service);
  g_hash_table_insert (self->services_by_id, (char *) service_key (service), service);
}

/* Services that are still listed keep their streams. */
static void
table_set_services (IstStreamTable *self,
                    const char *const *service_ids,
                    GArray *events)
{
  g_autoptr (GPtrArray) old_services = g_steal_pointer (&self->services);
  g_autoptr (GHashTable) old_by_id = g_steal_pointer (&self->services_by_id);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  IstLane lane = { IST_LANE_NO_SERVICE, 0 };

  self->services = g_ptr_array_new ();
  self->services_by_id = g_hash_table_new (g_str_hash, g_str_equal);
  if (self->services_by_stream == NULL)
    self->services_by_stream = g_hash_table_new (NULL, NULL);

  for (; *service_ids != NULL && self->services->len < IST_STREAM_TABLE_MAX_SERVICES; service_ids++)
    {
      if (**service_ids != '\0')
        table_add_service (self, old_by_id, *service_ids);
    }
  if (*service_ids != NULL)
    events_push_protocol_error (events, "The service named more than %d services; the rest is left out",
                                IST_STREAM_TABLE_MAX_SERVICES);

  if (self->services->len == 0)
    table_add_service (self, old_by_id, "");

  for (guint i = 0; old_services != NULL && i < old_services->len; i++)
    {
      Service *service = g_ptr_array_index (old_services, i);
      g_autoptr (GError) why = NULL;

      if (g_hash_table_contains (self->services_by_id, service_key (service)))
        continue;

      why = service_error_new (service, IST_TUNNEL_ERROR_STREAM_RESET,
                               "The tunnel's services changed, which ended the stream of");
      service_end_stream (service, why, events);
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
  self->generation++;

  events_push (events, IST_STREAM_EVENT_SERVICES, lane, NULL,
               ist_message_new_service_ids ((const char *const *) self->service_ids), NULL);
}

/* Answers a message about a stream that is not there. */
static void
events_push_refusal (IstMessage *message,
                     GArray *events)
{
  IstLane no_lane = { IST_LANE_NO_SERVICE, 0 };

  events_push_send (events, no_lane,
                    ist_message_new_full (IST_MESSAGE_TYPE_STREAM_RESET, ist_message_get_service_id (message),
                                          ist_message_get_stream_id (message),
                                          ist_message_get_connection_id (message) != 0 ? FIRST_CONNECTION : 0,
                                          FALSE, NULL));
}

/* STREAM_START, or a CONNECTION_START that takes its place: what the source
 * said to a destination that is no longer there is not repeated to the next one. */
static void
service_receive_start (Service *service,
                       IstMessage *message,
                       GArray *events)
{
  guint32 connection_id = ist_message_get_connection_id (message);
  IstProtocolVersion version = ist_message_get_message_type (message) == IST_MESSAGE_TYPE_CONNECTION_START
                                 ? IST_PROTOCOL_VERSION_V3
                                 : message_get_shown_version (message);
  Stream *stream;

  if (service == NULL)
    {
      events_push_refusal (message, events);
      return;
    }

  if (service->stream != NULL)
    service_replace_stream (service, events);

  stream = service_begin_stream (service, ist_message_get_stream_id (message), version,
                                 ist_message_get_service_id (message) != NULL,
                                 connection_id != 0 ? connection_id : FIRST_CONNECTION);
  events_push (events, IST_STREAM_EVENT_STREAM_STARTED, service_stream_lane (service), stream->info, NULL, NULL);
}

static void
service_push_connection_reset (Service *service,
                               guint32 id,
                               gboolean ignorable,
                               GArray *events)
{
  events_push_send (events, service_lane (service, id),
                    ist_message_new_full (IST_MESSAGE_TYPE_CONNECTION_RESET,
                                          service->stream->names_service ? service->id : NULL,
                                          service->stream->id, id, ignorable, NULL));
}

static void
service_receive_connection_start (Service *service,
                                  IstMessage *message,
                                  GArray *events)
{
  Stream *stream = service->stream;
  guint32 id = ist_message_get_connection_id (message);
  Connection *connection;

  if (id == 0)
    id = FIRST_CONNECTION;

  /* A stream that was started as V1 or V2 has one connection, for all its life. */
  if (!version_has_connection_ids (stream->version) || stream_find_connection (stream, id) != NULL)
    {
      service_push_connection_reset (service, id, FALSE, events);
      return;
    }

  if (stream->order.length >= IST_STREAM_TABLE_MAX_CONNECTIONS)
    {
      stream_remember_ended (stream, id);
      service_push_connection_reset (service, id, FALSE, events);
      return;
    }

  connection = service_add_connection (service, id);
  events_push (events, IST_STREAM_EVENT_CONNECTION_STARTED, service_lane (service, connection->lane),
               connection->info, NULL, NULL);
}

/* @message as a user is to see it: with the names of the connection that it
 * came for, which the peer may have left out. */
static IstMessage *
connection_complete_message (const Connection *connection,
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
service_receive_data (Service *service,
                      IstMessage *message,
                      GArray *events)
{
  Stream *stream = service->stream;
  guint32 id = ist_message_get_connection_id (message);
  Connection *connection = stream_find_connection (stream, id);

  if (connection != NULL)
    {
      events_push (events, IST_STREAM_EVENT_DATA, service_lane (service, connection->lane),
                   connection->info, connection_complete_message (connection, message), NULL);
      return;
    }

  if (id == 0)
    id = FIRST_CONNECTION;

  if (!version_has_connection_ids (stream->version) || stream_has_ended (stream, id))
    return;

  stream_remember_ended (stream, id);
  service_push_connection_reset (service, id, FALSE, events);
}

static void
service_receive_stream_reset (Service *service,
                              GArray *events)
{
  g_autoptr (GError) why = service_error_new (service, IST_TUNNEL_ERROR_STREAM_RESET,
                                              "The peer or the service reset the stream of");

  service_doubt_version (service);
  service_end_stream (service, why, events);
}

static void
service_receive_connection_reset (Service *service,
                                  IstMessage *message,
                                  GArray *events)
{
  Stream *stream = service->stream;
  Connection *connection = stream_find_connection (stream, ist_message_get_connection_id (message));
  g_autoptr (GError) why = NULL;

  if (connection == NULL)
    return;

  why = service_error_new (service, IST_TUNNEL_ERROR_CONNECTION_RESET, "The peer reset a connection of");

  if (!version_has_connection_ids (stream->version))
    {
      service_end_stream (service, why, events);
      return;
    }

  stream_remember_ended (stream, connection->id);
  service_end_connection (service, connection, why, events);
}

static void
table_receive_session_reset (IstStreamTable *self,
                             GArray *events)
{
  g_autoptr (GError) why = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_SESSION_RESET,
                                                "The service ended all streams");
  IstLane lane = { IST_LANE_NO_SERVICE, 0 };

  table_end_all_streams (self, why, events);
  for (guint i = 0; i < self->services->len; i++)
    ((Service *) g_ptr_array_index (self->services, i))->peer_version = IST_PROTOCOL_VERSION_AUTO;
  events_push (events, IST_STREAM_EVENT_SESSION_RESET, lane, NULL, NULL, NULL);
}

/* @service: whose active stream the message names, or NULL */
static void
service_receive_unknown (Service *service,
                         IstMessage *message,
                         GArray *events)
{
  g_autoptr (GError) why = NULL;

  events_push_protocol_error (events, "Received a message of the unknown type %d",
                              ist_message_get_message_type (message));
  if (service == NULL)
    return;

  why = service_error_new (service, IST_TUNNEL_ERROR_PROTOCOL,
                           "Received a message of an unknown type for the stream of");
  service_push_stream_reset (service, events);
  service_end_stream (service, why, events);
}

static gboolean
message_type_is_known (IstMessageType type)
{
  return type > IST_MESSAGE_TYPE_UNKNOWN && type <= IST_MESSAGE_TYPE_CONNECTION_RESET;
}

static void
table_receive_for_stream (IstStreamTable *self,
                          IstMessage *message,
                          GArray *events)
{
  IstMessageType type = ist_message_get_message_type (message);
  gint32 stream_id = ist_message_get_stream_id (message);
  Service *service = table_find_service (self, ist_message_get_service_id (message));
  gboolean current = service != NULL && service->stream != NULL && service->stream->id == stream_id;

  if (!message_type_is_known (type))
    {
      service_receive_unknown (current ? service : NULL, message, events);
      return;
    }

  if (stream_id == 0)
    {
      events_push_protocol_error (events, "Received a message of type %d without a stream id", type);
      return;
    }

  if (self->mode == IST_MODE_SOURCE &&
      (type == IST_MESSAGE_TYPE_STREAM_START || type == IST_MESSAGE_TYPE_CONNECTION_START))
    {
      events_push_protocol_error (events, "Received a message of type %d, which only a source sends", type);
      return;
    }

  if (type == IST_MESSAGE_TYPE_STREAM_START ||
      (type == IST_MESSAGE_TYPE_CONNECTION_START && service != NULL && service->stream == NULL &&
       service->ended_stream != stream_id))
    {
      service_receive_start (service, message, events);
      return;
    }

  /* What is left is for the active stream, or stale. */
  if (current)
    table_learn_version (self, service, message, events);
  if (!current || service->stream == NULL)
    return;

  if (type == IST_MESSAGE_TYPE_DATA)
    service_receive_data (service, message, events);
  else if (type == IST_MESSAGE_TYPE_STREAM_RESET)
    service_receive_stream_reset (service, events);
  else if (type == IST_MESSAGE_TYPE_CONNECTION_START)
    service_receive_connection_start (service, message, events);
  else
    service_receive_connection_reset (service, message, events);
}

void
ist_stream_table_receive (IstStreamTable *self,
                          IstMessage *message,
                          GArray *events)
{
  IstMessageType type = ist_message_get_message_type (message);

  if (!message_type_is_known (type) && ist_message_get_ignorable (message))
    return;

  if (type == IST_MESSAGE_TYPE_SERVICE_IDS)
    {
      self->services_named = TRUE;
      table_set_services (self, ist_message_get_service_ids (message), events);
      return;
    }

  /* Some servers never list the services of a tunnel that has none. */
  if (self->services == NULL)
    ist_stream_table_assume_no_services (self, events);

  if (type == IST_MESSAGE_TYPE_SESSION_RESET)
    table_receive_session_reset (self, events);
  else
    table_receive_for_stream (self, message, events);
}

void
ist_stream_table_assume_no_services (IstStreamTable *self,
                                     GArray *events)
{
  const char *const none[] = { NULL };

  table_set_services (self, none, events);
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
  self->next_serial = 1;

  return self;
}

static void
table_forget_services (IstStreamTable *self)
{
  if (self->services == NULL)
    return;

  for (guint i = 0; i < self->services->len; i++)
    service_free (g_ptr_array_index (self->services, i));

  g_clear_pointer (&self->services, g_ptr_array_unref);
  g_clear_pointer (&self->services_by_id, g_hash_table_unref);
  g_clear_pointer (&self->services_by_stream, g_hash_table_unref);
  g_clear_pointer (&self->service_ids, g_strfreev);
  self->services_named = FALSE;
  self->next_service_index = 0;
}

void
ist_stream_table_free (IstStreamTable *self)
{
  table_forget_services (self);
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
    table_end_all_streams (self, why, events);
  table_forget_services (self);
}

const char *const *
ist_stream_table_get_services (IstStreamTable *self)
{
  return (const char *const *) self->service_ids;
}

guint
ist_stream_table_get_generation (IstStreamTable *self)
{
  return self->generation;
}

gboolean
ist_stream_table_are_services_named (IstStreamTable *self)
{
  return self->services_named;
}

/* Calls */

static gboolean
table_check_is_source (IstStreamTable *self,
                       GError **error)
{
  if (self->mode == IST_MODE_SOURCE)
    return TRUE;

  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE,
                       "Only the source starts streams and connections; the destination waits for them");
  return FALSE;
}

static Service *
table_choose_active_service (IstStreamTable *self,
                             const char *service_id,
                             GError **error)
{
  Service *service = table_choose_service (self, service_id, error);
  g_autofree char *name = NULL;

  if (service == NULL || service->stream != NULL)
    return service;

  name = service_describe (service);
  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_STREAM, "There is no active stream of %s; %s", name,
               self->mode == IST_MODE_SOURCE ? "start one first" : "wait until the source starts one");

  return NULL;
}

static Connection *
service_choose_connection (Service *service,
                           guint32 id,
                           GError **error)
{
  Connection *connection = stream_find_connection (service->stream, id);
  g_autofree char *name = NULL;

  if (connection != NULL)
    return connection;

  name = service_describe (service);
  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_CONNECTION,
               "The stream of %s has no active connection %u", name, id);

  return NULL;
}

static IstProtocolVersion
table_choose_version (IstStreamTable *self,
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

  if (!table_check_is_source (self, error))
    return NULL;

  service = table_choose_service (self, service_id, error);
  if (service == NULL)
    return NULL;

  version = table_choose_version (self, service);
  if (version == IST_PROTOCOL_VERSION_V1 && self->services->len > 1)
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_SUPPORTED,
                           "Protocol version 1 can't name one of several services; use version 2");
      return NULL;
    }

  if (service->stream != NULL)
    service_replace_stream (service, events);

  stream_id = self->next_stream_id;
  self->next_stream_id = stream_id < IST_WIRE_MAX_STREAM_ID ? stream_id + 1 : 1;

  service_begin_stream (service, stream_id, version, version != IST_PROTOCOL_VERSION_V1, FIRST_CONNECTION);
  events_push_send (events, service_stream_lane (service),
                    service_make_message (service, IST_MESSAGE_TYPE_STREAM_START, FIRST_CONNECTION, NULL));

  return ist_stream_info_ref (service->stream->info);
}

/* Ids grow; after the greatest, those that are no longer in use come again. */
static guint32
stream_take_connection_id (Stream *stream)
{
  guint32 id = stream->next_connection_id;

  while (id > IST_WIRE_MAX_CONNECTION_ID || stream_find_connection (stream, id) != NULL)
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

  if (!table_check_is_source (self, error))
    return NULL;

  service = table_choose_active_service (self, service_id, error);
  if (service == NULL)
    return NULL;

  stream = service->stream;
  if (!version_has_connection_ids (stream->version))
    {
      g_propagate_error (error,
                         service_error_new (service, IST_TUNNEL_ERROR_NOT_SUPPORTED,
                                            "Protocol versions 1 and 2 allow one connection at a time to"));
      return NULL;
    }

  if (stream->order.length >= IST_STREAM_TABLE_MAX_CONNECTIONS)
    {
      g_propagate_error (error, service_error_new (service, IST_TUNNEL_ERROR_FAILED,
                                                   "There are too many connections to"));
      return NULL;
    }

  id = stream_take_connection_id (stream);
  stream->started_connection = TRUE;
  connection = service_add_connection (service, id);
  events_push_send (events, service_lane (service, connection->lane),
                    service_make_message (service, IST_MESSAGE_TYPE_CONNECTION_START, id, NULL));

  return ist_stream_info_ref (connection->info);
}

static gboolean
time_is_long_ago (gint64 since,
                  gint64 now)
{
  return since != 0 && now - since >= IST_STREAM_TABLE_SILENCE;
}

/* Whether the peer seems to know nothing of the active stream, and a new one can
 * be begun. Nothing is lost with a stream that has no connections. Those that wait
 * for an answer prove nothing, for a service may take its time; but where two
 * others in a row were given up, they wait in vain. */
static gboolean
stream_is_deaf (const Stream *stream,
                gint64 now)
{
  return stream->order.head != NULL ? stream->n_given_up >= 2 : time_is_long_ago (stream->silent_since, now);
}

/* A reset goes first: peers take a STREAM_START for granted only while they
 * have no stream. */
static IstStreamInfo *
table_restart_stream (IstStreamTable *self,
                      Service *service,
                      GArray *events,
                      GError **error)
{
  service_push_stream_reset (service, events);
  service_replace_stream (service, events);

  return ist_stream_table_start_stream (self, service->id, events, error);
}

IstStreamInfo *
ist_stream_table_open_connection (IstStreamTable *self,
                                  const char *service_id,
                                  gint64 now,
                                  GArray *events,
                                  GError **error)
{
  g_autoptr (GError) no_service = NULL;
  Service *service;
  Stream *stream;

  if (!table_check_is_source (self, error))
    return NULL;

  service = table_choose_service (self, service_id, &no_service);
  if (service == NULL)
    {
      if (g_error_matches (no_service, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE) && !self->services_named)
        g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK,
                     "The service has not said whether the tunnel has a service “%s”", service_id);
      else
        g_propagate_error (error, g_steal_pointer (&no_service));
      return NULL;
    }

  stream = service->stream;
  if (stream == NULL)
    return ist_stream_table_start_stream (self, service_id, events, error);

  if (!version_has_connection_ids (stream->version))
    {
      g_propagate_error (error, service_error_new (service, IST_TUNNEL_ERROR_WOULD_BLOCK,
                                                   "The other end speaks a version of the protocol that allows "
                                                   "one connection at a time, and there is one to"));
      return NULL;
    }

  if (table_knows_v3 (self, service))
    return stream_is_deaf (stream, now) ? table_restart_stream (self, service, events, error)
                                        : ist_stream_table_start_connection (self, service_id, events, error);

  if (stream->order.head == NULL)
    return table_restart_stream (self, service, events, error);

  g_propagate_error (error, service_error_new (service, IST_TUNNEL_ERROR_WOULD_BLOCK,
                                               "The other end has not shown yet whether it tells several "
                                               "connections apart (its first answer will), and there is one to"));
  return NULL;
}

void
ist_stream_table_note_first_data (IstStreamTable *self,
                                  const IstLane *lane,
                                  gint64 now)
{
  Service *service = table_find_service_of_lane (self, lane);
  Connection *connection = service != NULL ? stream_find_connection (service->stream, lane->connection) : NULL;

  if (connection == NULL)
    return;

  connection->first_data_at = now;
  connection->n_heard = service->stream->n_heard;
  if (service->stream->silent_since == 0)
    service->stream->silent_since = now;
}

static gboolean
service_check_stream (const Service *service,
                      int stream_id,
                      GError **error)
{
  g_autofree char *name = NULL;

  if (stream_id == 0 || stream_id == service->stream->id)
    return TRUE;

  name = service_describe (service);
  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_STREAM,
               "The stream %d of %s has ended; %d is the active one",
               stream_id, name, service->stream->id);
  return FALSE;
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
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                           "Only messages of type DATA can be sent; there are calls for the others");
      return NULL;
    }

  service = table_choose_active_service (self, ist_message_get_service_id (message), error);
  if (service == NULL || !service_check_stream (service, ist_message_get_stream_id (message), error))
    return NULL;

  connection = service_choose_connection (service, ist_message_get_connection_id (message), error);
  if (connection == NULL)
    return NULL;

  *lane = service_lane (service, connection->lane);

  return service_make_message (service, IST_MESSAGE_TYPE_DATA, connection->id, ist_message_get_payload (message));
}

IstMessage *
ist_stream_table_make_data (IstStreamTable *self,
                            const IstLane *lane,
                            GBytes *payload)
{
  Service *service = table_find_service_of_lane (self, lane);
  Connection *connection = service != NULL ? stream_find_connection (service->stream, lane->connection) : NULL;

  return connection != NULL ? service_make_message (service, IST_MESSAGE_TYPE_DATA, connection->id, payload) : NULL;
}

gboolean
ist_stream_table_reset_stream (IstStreamTable *self,
                               const char *service_id,
                               GArray *events,
                               GError **error)
{
  Service *service = table_choose_active_service (self, service_id, error);

  if (service == NULL)
    return FALSE;

  service_push_stream_reset (service, events);
  service_end_stream (service, NULL, events);

  return TRUE;
}

/* By us. */
static void
service_reset_connection (Service *service,
                          Connection *connection,
                          GArray *events)
{
  if (!version_has_connection_ids (service->stream->version))
    {
      service_push_stream_reset (service, events);
      service_end_stream (service, NULL, events);
      return;
    }

  service_push_connection_reset (service, connection->id, FALSE, events);
  stream_remember_ended (service->stream, connection->id);
  service_end_connection (service, connection, NULL, events);
}

gboolean
ist_stream_table_reset_connection (IstStreamTable *self,
                                   const char *service_id,
                                   guint connection_id,
                                   GArray *events,
                                   GError **error)
{
  Service *service = table_choose_active_service (self, service_id, error);
  Connection *connection;

  if (service == NULL)
    return FALSE;

  connection = service_choose_connection (service, connection_id, error);
  if (connection == NULL)
    return FALSE;

  service_reset_connection (service, connection, events);

  return TRUE;
}

gboolean
ist_stream_table_close_connection (IstStreamTable *self,
                                   const IstLane *lane,
                                   gint64 now,
                                   GArray *events)
{
  Service *service = table_find_service_of_lane (self, lane);
  Connection *connection = service != NULL ? stream_find_connection (service->stream, lane->connection) : NULL;

  if (connection == NULL)
    return FALSE;

  if (time_is_long_ago (connection->first_data_at, now) && connection->n_heard == service->stream->n_heard)
    service->stream->n_given_up++;

  if (service->stream->order.length == 1 && table_is_guess (self, service))
    {
      service_push_connection_reset (service, connection->id, TRUE, events);
      service_push_stream_reset (service, events);
      service_end_stream (service, NULL, events);
      return TRUE;
    }

  service_reset_connection (service, connection, events);

  return TRUE;
}

IstStreamInfo *
ist_stream_table_find (IstStreamTable *self,
                       const IstLane *lane)
{
  Service *service = table_find_service_of_lane (self, lane);
  Connection *connection = service != NULL ? stream_find_connection (service->stream, lane->connection) : NULL;

  return connection != NULL ? connection->info : NULL;
}

IstStreamInfo *
ist_stream_table_lookup (IstStreamTable *self,
                         const char *service_id,
                         guint connection_id)
{
  Service *service = table_choose_service (self, service_id, NULL);
  Connection *connection = NULL;

  if (service != NULL && service->stream != NULL)
    connection = stream_find_connection (service->stream, connection_id);

  return connection != NULL ? connection->info : NULL;
}
