/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/tunnel/ist-connection-set-private.h"

#include <ist/ist-tunnel-error.h>

#include "ist/protocol/ist-wire-private.h"

struct _IstConnectionSet
{
  IstTunnelLink *link;
  IstNewsQueue *news;
  gsize buffer_size;
  guint stall_timeout;
  IstConnectionBudget *budget;
  const IstConnectionSetDelegate *delegate;
  gpointer tunnel;
  GHashTable *cores; /* of IstConnectionCore, by their lanes */
  GQueue writes;     /* of Write, by their link */
};

/* A piece of what was written to a connection. */
typedef struct
{
  IstOutgoing outgoing;
  GList link;
  IstConnectionCore *core;
  gsize size;
} Write;

/* What is written */

static void
connection_set_written (IstOutgoing *outgoing,
                        const GError *error,
                        gpointer owner)
{
  IstConnectionSet *self = owner;
  Write *write = (Write *) outgoing;
  IstNews *news = ist_news_queue_add (self->news, IST_NEWS_WRITTEN);

  g_queue_unlink (&self->writes, &write->link);
  if (error == NULL)
    {
      self->link->messages_out++;
      self->link->bytes_out += write->size;
    }
  news->connection = write->core;
  news->size = write->size;
  news->error = error != NULL ? g_error_copy (error) : NULL;
  g_free (write);
}

/* What follows a piece waits for all of it, so a slow tunnel gets small ones. */
static void
connection_set_update_piece_size (IstConnectionSet *self)
{
  gsize size = MIN (ist_channel_get_piece_size (self->link->channel), IST_WIRE_MAX_PAYLOAD);

  g_atomic_int_set (&self->budget->piece_size, (gint) size);
}

/* The lane says it all: nothing is looked up by name for what is written. */
static void
connection_set_write (IstConnectionCore *core,
                      GBytes *data,
                      gboolean is_first,
                      gpointer set)
{
  IstConnectionSet *self = set;
  const IstLane *lane = ist_connection_core_get_lane (core);
  IstMessage *message = ist_stream_table_make_data (self->link->table, lane, data);
  Write *write;

  /* A connection in the set is active, or it would have been ended. */
  g_return_if_fail (message != NULL && self->link->channel != NULL);

  if (is_first)
    ist_stream_table_note_first_data (self->link->table, lane, g_get_monotonic_time ());
  write = g_new0 (Write, 1);
  write->outgoing.done = connection_set_written;
  write->outgoing.owner = self;
  write->link.data = write;
  write->core = ist_connection_core_ref (core);
  write->size = g_bytes_get_size (data);
  g_queue_push_tail_link (&self->writes, &write->link);
  connection_set_update_piece_size (self);
  ist_channel_send (self->link->channel, *lane, FALSE, message, ist_wire_get_encoded_size (message), &write->outgoing);
}

/* What the streams tell */

static void
connection_set_stalled (IstConnectionCore *core,
                        gpointer set)
{
  IstConnectionSet *self = set;

  self->delegate->stalled_changed (self->tunnel);
}

static void
connection_set_closed (IstConnectionCore *core,
                       gpointer set)
{
  IstConnectionSet *self = set;
  g_autoptr (GArray) events = ist_stream_events_new ();
  IstLane lane = *ist_connection_core_get_lane (core);

  g_hash_table_remove (self->cores, &lane);
  self->delegate->stalled_changed (self->tunnel);
  if (ist_stream_table_close_connection (self->link->table, &lane, g_get_monotonic_time (), events))
    self->delegate->closed (events, self->tunnel);
}

static const IstConnectionBackend connection_set_backend = {
  .write = connection_set_write,
  .stalled_changed = connection_set_stalled,
  .close = connection_set_closed,
};

/* What the tunnel tells */

IstConnectionCore *
ist_connection_set_add (IstConnectionSet *self,
                        IstStreamInfo *info,
                        IstLane lane)
{
  IstConnectionCore *core = ist_connection_core_new (info, lane, self->buffer_size, self->budget, self->stall_timeout,
                                                     self->link->context, &connection_set_backend, self);

  g_hash_table_replace (self->cores, (gpointer) ist_connection_core_get_lane (core), core);
  return core;
}

void
ist_connection_set_refuse (IstConnectionSet *self,
                           IstConnectionCore *core)
{
  const IstLane *lane = ist_connection_core_get_lane (core);
  g_autoptr (GError) error = NULL;

  if (g_hash_table_lookup (self->cores, lane) != core)
    return;
  g_set_error_literal (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE,
                       "No handler of incoming-connection took the connection");
  ist_connection_core_end (core, error);
  g_hash_table_remove (self->cores, lane);
}

gboolean
ist_connection_set_receive (IstConnectionSet *self,
                            const IstLane *lane,
                            GBytes *data)
{
  IstConnectionCore *core = g_hash_table_lookup (self->cores, lane);

  if (core == NULL)
    return FALSE;
  ist_connection_core_receive (core, data);
  return TRUE;
}

gboolean
ist_connection_set_is_stalled (IstConnectionSet *self)
{
  GHashTableIter iter;
  gpointer core;

  g_hash_table_iter_init (&iter, self->cores);
  while (g_hash_table_iter_next (&iter, NULL, &core))
    {
      if (ist_connection_core_is_stalled (core))
        return TRUE;
    }
  return FALSE;
}

/* The protocol has one word for the end of a connection, so the peer's reset of
 * it is a clean end; whatever takes more than the connection is not. The version
 * is the stream's in the end, which may have been learned after the start. */
static void
connection_set_end_core (IstConnectionCore *core,
                         const IstStreamEvent *event)
{
  gboolean is_stream = ist_stream_info_get_version (event->info) != IST_PROTOCOL_VERSION_V3;
  gboolean alone = g_error_matches (event->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CONNECTION_RESET) ||
                   (is_stream && g_error_matches (event->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STREAM_RESET));

  ist_connection_core_end (core, alone ? NULL : event->error);
}

void
ist_connection_set_connection_reset (IstConnectionSet *self,
                                     const IstStreamEvent *event)
{
  gpointer core;

  if (!g_hash_table_steal_extended (self->cores, &event->lane, NULL, &core))
    return;
  connection_set_end_core (core, event);
  ist_connection_core_unref (core);
}

/* In V1 and V2 a stream ends without a word about its connection. */
void
ist_connection_set_stream_stopped (IstConnectionSet *self,
                                   const IstStreamEvent *event)
{
  GHashTableIter iter;
  gpointer core;

  /* Ending one calls no code that changes the set. */
  g_hash_table_iter_init (&iter, self->cores);
  while (g_hash_table_iter_next (&iter, NULL, &core))
    {
      if (ist_connection_core_get_lane (core)->stream != event->lane.stream)
        continue;
      connection_set_end_core (core, event);
      g_hash_table_iter_remove (&iter);
    }
}

void
ist_connection_set_end (IstConnectionSet *self,
                        const GError *error)
{
  GHashTableIter iter;
  gpointer core;

  /* Ending one calls no code that changes the set. */
  g_hash_table_iter_init (&iter, self->cores);
  while (g_hash_table_iter_next (&iter, NULL, &core))
    {
      ist_connection_core_end (core, error);
      g_hash_table_iter_remove (&iter);
    }
}

void
ist_connection_set_drop (IstConnectionSet *self,
                         const GError *error)
{
  ist_connection_set_end (self, error);
  while (self->writes.head != NULL)
    {
      Write *write = self->writes.head->data;

      connection_set_written (&write->outgoing, error, self);
    }
}

IstConnectionSet *
ist_connection_set_new (IstTunnelLink *link,
                        IstNewsQueue *news,
                        gsize buffer_size,
                        gsize total_size,
                        guint stall_timeout,
                        const IstConnectionSetDelegate *delegate,
                        gpointer tunnel)
{
  IstConnectionSet *self = g_new0 (IstConnectionSet, 1);

  self->link = link;
  self->news = news;
  self->buffer_size = buffer_size;
  self->stall_timeout = stall_timeout;
  self->budget = ist_connection_budget_new (total_size);
  self->delegate = delegate;
  self->tunnel = tunnel;
  self->cores = g_hash_table_new_full (ist_lane_hash, ist_lane_equal, NULL, (GDestroyNotify) ist_connection_core_unref);
  return self;
}

void
ist_connection_set_free (IstConnectionSet *self)
{
  g_hash_table_unref (self->cores);
  ist_connection_budget_unref (self->budget);
  g_free (self);
}
