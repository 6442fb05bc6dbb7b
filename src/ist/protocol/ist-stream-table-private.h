/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist-error.h>
#include <ist/ist-message.h>
#include <ist/ist-stream-info.h>

#include "protocol/ist-lane-private.h"

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

/* Bounds on what a peer can make the table remember of one stream. */
#define IST_STREAM_TABLE_MAX_CONNECTIONS 65536 /* active; further ones are reset */
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
 * service. IST_ERROR_NOT_CONNECTED before the services are known. What
 * start_stream(), start_connection() and address() return is the caller's. */

/* Source: start a stream of a service, replacing the active one. */
IstStreamInfo *ist_stream_table_start_stream (IstStreamTable *self,
                                              const char *service_id,
                                              GArray *events,
                                              GError **error);

/* Source: start a further connection in the active stream (V3; the first one
 * comes with the stream). IST_ERROR_NO_SUCH_STREAM when there is no active
 * stream, IST_ERROR_NOT_SUPPORTED when the peer speaks V1 or V2. */
IstStreamInfo *ist_stream_table_start_connection (IstStreamTable *self,
                                                  const char *service_id,
                                                  GArray *events,
                                                  GError **error);

/* Source: whichever of the two makes a new connection: a further one beside
 * others, else the first one of a new stream. That also finds out of a stream
 * whose start the service has dropped, because the peer was not connected. */
IstStreamInfo *ist_stream_table_open_connection (IstStreamTable *self,
                                                 const char *service_id,
                                                 GArray *events,
                                                 GError **error);

/* The DATA message to put on the wire for @message as a user made it (service
 * id, connection id 0 or 1 for the first, payload within the limit): ids of
 * the active stream in the form of its version. */
IstMessage *ist_stream_table_address (IstStreamTable *self,
                                      IstMessage *message,
                                      IstLane *lane,
                                      GError **error);

gboolean ist_stream_table_reset_stream (IstStreamTable *self,
                                        const char *service_id,
                                        GArray *events,
                                        GError **error);
gboolean ist_stream_table_reset_connection (IstStreamTable *self,
                                            const char *service_id,
                                            guint connection_id,
                                            GArray *events,
                                            GError **error);

/* The active connection of a service (0 or 1 for the first), NULL if there is
 * none. Borrowed from the table. Its version may have been learned only after
 * it was started; it then differs from what start_stream() returned. */
IstStreamInfo *ist_stream_table_lookup (IstStreamTable *self,
                                        const char *service_id,
                                        guint connection_id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstStreamTable, ist_stream_table_free)

G_END_DECLS
