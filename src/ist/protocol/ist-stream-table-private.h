/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist-tunnel-error.h>
#include <ist/ist-message.h>
#include <ist/ist-stream-info.h>

#include "ist/protocol/ist-lane-private.h"

G_BEGIN_DECLS

/* Which stream of each service and which connections in it are active, and
 * what each message means for them. Pure: it does no I/O and has no main loop.
 * Whatever follows from a message or a call is appended to an array of
 * IstStreamEvent, in the order in which it is to be carried out. */

typedef enum
{
  IST_STREAM_EVENT_SERVICES,           /* the tunnel's services are known: message has them */
  IST_STREAM_EVENT_SEND,               /* send message on lane */
  IST_STREAM_EVENT_DATA,               /* message came for info on lane */
  IST_STREAM_EVENT_STREAM_STARTED,     /* by the peer; info has the first connection */
  IST_STREAM_EVENT_CONNECTION_STARTED, /* by the peer; a further one */
  IST_STREAM_EVENT_CONNECTION_RESET,   /* an active one ended; error says why, NULL if we ended it */
  IST_STREAM_EVENT_STREAM_STOPPED,     /* likewise; comes after those of its connections (V3) */
  IST_STREAM_EVENT_SESSION_RESET,      /* comes after the events of the streams it ended */
  IST_STREAM_EVENT_PROTOCOL_ERROR,     /* the peer broke a rule; error says which; nothing else is lost */
} IstStreamEventType;

typedef struct
{
  IstStreamEventType type;
  IstLane lane;
  IstStreamInfo *info;
  IstMessage *message;
  GError *error;
} IstStreamEvent;

/* A GArray of IstStreamEvent that frees its elements. */
GArray *ist_stream_events_new (void);

/* Bounds on what a peer or the service can make the table remember. */
#define IST_STREAM_TABLE_MAX_SERVICES 256      /* of a tunnel; further ones are left out */
#define IST_STREAM_TABLE_MAX_CONNECTIONS 65536 /* active in a stream; further ones are reset */
#define IST_STREAM_TABLE_MAX_ENDED 1024        /* ended connections, for which no reset is sent again */

typedef struct _IstStreamTable IstStreamTable;

/* @version: the one to start streams in (source), or AUTO. */
IstStreamTable *ist_stream_table_new (IstMode mode,
                                      IstProtocolVersion version);
void ist_stream_table_free (IstStreamTable *self);

/* For tests: the ids that the next stream and the next connection get. */
void ist_stream_table_set_next_ids (IstStreamTable *self,
                                    gint32 stream_id,
                                    guint32 connection_id);

/* The tunnel's services once they are known, else NULL. */
const char *const *ist_stream_table_get_services (IstStreamTable *self);

/* Takes the tunnel to have no services, as a service that says nothing of them
 * means; until it does. */
void ist_stream_table_assume_no_services (IstStreamTable *self,
                                          GArray *events);
/* Whether it was the service that named them. */
gboolean ist_stream_table_are_services_named (IstStreamTable *self);

/* A message of the peer or the service. */
void ist_stream_table_receive (IstStreamTable *self,
                               IstMessage *message,
                               GArray *events);

/* The WebSocket is gone: everything ends with @why, the services and the
 * peer's versions are forgotten; stream ids go on growing. */
void ist_stream_table_disconnect (IstStreamTable *self,
                                  const GError *why,
                                  GArray *events);

/* For the calls below, @service_id may be NULL where the tunnel has at most one
 * service. IST_TUNNEL_ERROR_NOT_CONNECTED before the services are known. What
 * start_stream(), start_connection() and address() return is the caller's. */

/* Source: start a stream of a service, replacing the active one. */
IstStreamInfo *ist_stream_table_start_stream (IstStreamTable *self,
                                              const char *service_id,
                                              GArray *events,
                                              GError **error);

/* Source: start a further connection in the active stream (V3; the first one
 * comes with the stream). IST_TUNNEL_ERROR_NO_SUCH_STREAM when there is no active
 * stream, IST_TUNNEL_ERROR_NOT_SUPPORTED when the peer speaks V1 or V2. */
IstStreamInfo *ist_stream_table_start_connection (IstStreamTable *self,
                                                  const char *service_id,
                                                  GArray *events,
                                                  GError **error);

/* Source: whichever of the two makes a new connection, without ever mixing its
 * data with another's: the first one of a new stream, or a further one where the
 * peer is known to tell connections apart. IST_TUNNEL_ERROR_WOULD_BLOCK says that it
 * can't be had before the peer has shown its version, or before the connection
 * of a V1 or V2 stream has ended; its text says which. @now: the monotonic time */
IstStreamInfo *ist_stream_table_open_connection (IstStreamTable *self,
                                                 const char *service_id,
                                                 gint64 now,
                                                 GArray *events,
                                                 GError **error);

/* Grows whenever open_connection() may answer otherwise than before. */
guint ist_stream_table_get_generation (IstStreamTable *self);

/* How long a peer may leave the first data of a connection unanswered before
 * open_connection() begins a new stream when it can, in microseconds. A
 * destination that has started again, and was told nothing of the stream by the
 * service, can be deaf to it. */
#define IST_STREAM_TABLE_SILENCE (5 * G_USEC_PER_SEC)

/* The first data of a connection is on its way. */
void ist_stream_table_note_first_data (IstStreamTable *self,
                                       const IstLane *lane,
                                       gint64 now);

/* The DATA message to put on the wire for @message as a user made it (service
 * id, connection id 0 or 1 for connection 1, payload within the limit): ids of
 * the active stream in the form of its version. A message with a stream id is
 * for that stream only. */
IstMessage *ist_stream_table_address (IstStreamTable *self,
                                      IstMessage *message,
                                      IstLane *lane,
                                      GError **error);

/* The same for one of a connection's own pieces; NULL when the connection has ended. */
IstMessage *ist_stream_table_make_data (IstStreamTable *self,
                                        const IstLane *lane,
                                        GBytes *payload);

/* Ends the connection, if it is active. Where the peer has not shown yet what it
 * speaks, and the stream has no other, the stream ends with it, which is
 * understood in every version; V3 hears before that it is no more than the end
 * of the connection. */
gboolean ist_stream_table_close_connection (IstStreamTable *self,
                                            const IstLane *lane,
                                            gint64 now,
                                            GArray *events);

gboolean ist_stream_table_reset_stream (IstStreamTable *self,
                                        const char *service_id,
                                        GArray *events,
                                        GError **error);
gboolean ist_stream_table_reset_connection (IstStreamTable *self,
                                            const char *service_id,
                                            guint connection_id,
                                            GArray *events,
                                            GError **error);

/* The active connection of a lane, NULL if it has ended. Borrowed from the
 * table. Its version may have been learned only after it was started; it then
 * differs from what start_stream() returned. */
IstStreamInfo *ist_stream_table_find (IstStreamTable *self,
                                      const IstLane *lane);
/* Likewise by names: connection 0 or 1 for connection 1. For tests. */
IstStreamInfo *ist_stream_table_lookup (IstStreamTable *self,
                                        const char *service_id,
                                        guint connection_id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstStreamTable, ist_stream_table_free)

G_END_DECLS
