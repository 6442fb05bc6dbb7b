/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/tunnel/ist-send-queue-private.h"

#include <ist/ist-tunnel-error.h>

#include "common/ist-source-private.h"
#include "ist/protocol/ist-wire-private.h"

/* What a queued message counts besides its bytes on the wire, so that a buffer full
 * of tiny messages is no larger than one of large ones: it takes half of that. With
 * so many of them each is still in the processor's cache when its turn comes. */
#define MESSAGE_OVERHEAD 1024

struct _IstSendQueue
{
  IstTunnelLink *link;
  IstNewsQueue *news;
  guint limit;
  GQueue accepted; /* Sends, by their link */
  gsize accepted_size;
  GQueue waiting; /* Sends that wait for room */
  GArray *pieces; /* of Piece: those of the message that is being accepted */
  gboolean changed;
};

/* One DATA message of those that a message of the user's goes out as. */
typedef struct
{
  IstMessage *message;
  gsize size; /* on the wire */
} Piece;

/* A message of the user's. */
typedef struct
{
  IstOutgoing outgoing;
  GList link;
  IstMessage *message;
  gsize size;
  guint pieces;  /* DATA messages that are not done */
  GError *error; /* of the first piece that failed */
  GTask *task;   /* NULL unless sent asynchronously */
  GSource *cancelled;
} Send;

static void
send_stop_watching (Send *send)
{
  ist_clear_source (&send->cancelled);
}

static void
send_free (Send *send)
{
  send_stop_watching (send);
  g_clear_pointer (&send->message, ist_message_unref);
  g_clear_error (&send->error);
  g_clear_object (&send->task);
  g_free (send);
}

static void send_queue_piece_done (IstOutgoing *outgoing,
                                   const GError *error,
                                   gpointer owner);

static Send *
send_new (IstSendQueue *self,
          IstMessage *message)
{
  Send *send = g_new (Send, 1);

  *send = (Send){
    .outgoing = { .done = send_queue_piece_done, .owner = self },
    .link.data = send,
    .message = ist_message_ref (message),
  };
  return send;
}

/* The @index-th DATA message that a user's message goes out as; NULL after the last. */
static IstMessage *
send_get_piece (const Send *send,
                guint index)
{
  GBytes *payload = ist_message_get_payload (send->message);
  gsize length = g_bytes_get_size (payload);
  gsize start = (gsize) index * IST_WIRE_MAX_PAYLOAD;
  g_autoptr (GBytes) part = NULL;

  if (index > 0 && start >= length)
    return NULL;
  if (length <= IST_WIRE_MAX_PAYLOAD)
    return ist_message_ref (send->message);
  part = g_bytes_new_from_bytes (payload, start, MIN (length - start, IST_WIRE_MAX_PAYLOAD));
  return ist_message_new_full (IST_MESSAGE_TYPE_DATA, ist_message_get_service_id (send->message),
                               ist_message_get_stream_id (send->message),
                               ist_message_get_connection_id (send->message), FALSE, part);
}

static gboolean
send_queue_check_type (IstMessage *message,
                       GError **error)
{
  if (ist_message_get_message_type (message) == IST_MESSAGE_TYPE_DATA)
    return TRUE;
  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                       "Only DATA messages can be sent; the tunnel makes the others, for "
                       "start_stream() and its kin");
  return FALSE;
}

/* What connections have queued has its own bounds. */
static gsize
send_queue_get_filling (const IstSendQueue *self)
{
  return self->accepted_size + (gsize) self->accepted.length * MESSAGE_OVERHEAD;
}

static gboolean
send_queue_has_room (const IstSendQueue *self,
                     gsize size)
{
  return self->accepted.length == 0 || send_queue_get_filling (self) + size <= self->limit;
}

/* Makes all pieces of a message, and finds where they go. */
static gboolean
send_queue_cut (IstSendQueue *self,
                Send *send,
                IstLane *lane,
                GError **error)
{
  IstMessage *part;
  guint i;

  send->size = 0;
  for (i = 0; (part = send_get_piece (send, i)) != NULL; i++)
    {
      Piece piece = { .message = ist_stream_table_address (self->link->table, part, lane, error) };

      ist_message_unref (part);
      if (piece.message == NULL)
        return FALSE;
      piece.size = ist_wire_get_encoded_size (piece.message);
      g_array_append_val (self->pieces, piece);
      send->size += piece.size;
      if (send->size > self->limit)
        {
          g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOO_LARGE,
                       "The message is larger than send-buffer-size, %u bytes; send it in parts", self->limit);
          return FALSE;
        }
    }
  return TRUE;
}

static void
send_queue_drop_pieces (IstSendQueue *self)
{
  guint i;

  for (i = 0; i < self->pieces->len; i++)
    ist_message_unref (g_array_index (self->pieces, Piece, i).message);
  g_array_set_size (self->pieces, 0);
}

/* Queues all pieces of a message or none. */
static gboolean
send_queue_accept (IstSendQueue *self,
                   Send *send,
                   GError **error)
{
  IstLane lane = { 0 };
  guint i;

  if (!ist_tunnel_link_check (self->link, error))
    return FALSE;
  if (!send_queue_cut (self, send, &lane, error))
    {
      send_queue_drop_pieces (self);
      return FALSE;
    }
  if (!send_queue_has_room (self, send->size))
    {
      send_queue_drop_pieces (self);
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK,
                   "The send queue is full: %u messages take %" G_GSIZE_FORMAT " of %u bytes; notify::queued-bytes "
                   "tells when it drains",
                   self->accepted.length, send_queue_get_filling (self), self->limit);
      return FALSE;
    }

  self->changed = TRUE;
  send->pieces = self->pieces->len;
  self->accepted_size += send->size;
  g_queue_push_tail_link (&self->accepted, &send->link);
  for (i = 0; i < self->pieces->len; i++)
    {
      Piece *piece = &g_array_index (self->pieces, Piece, i);

      ist_channel_send (self->link->channel, lane, FALSE, piece->message, piece->size, &send->outgoing);
    }
  g_array_set_size (self->pieces, 0);
  return TRUE;
}

/* Tells the one who waits how a message ended, and frees it. */
static void
send_queue_end (IstSendQueue *self,
                Send *send,
                const GError *error)
{
  if (send->task != NULL)
    ist_news_queue_add_task (self->news, g_steal_pointer (&send->task), error, NULL);
  send_free (send);
}

/* A piece is done; with the last one the message is. */
static void
send_queue_piece_done (IstOutgoing *outgoing,
                       const GError *error,
                       gpointer owner)
{
  IstSendQueue *self = owner;
  Send *send = (Send *) outgoing;
  IstNews *news;

  if (error != NULL && send->error == NULL)
    send->error = g_error_copy (error);
  if (--send->pieces > 0)
    return;

  g_queue_unlink (&self->accepted, &send->link);
  self->accepted_size -= send->size;
  if (send->error == NULL)
    {
      self->link->messages_out++;
      self->link->bytes_out += g_bytes_get_size (ist_message_get_payload (send->message));
    }
  news = ist_news_queue_add (self->news, IST_NEWS_SENT);
  news->message = g_steal_pointer (&send->message);
  news->error = send->error != NULL ? g_error_copy (send->error) : NULL;
  send_queue_end (self, send, send->error);
}

void
ist_send_queue_serve (IstSendQueue *self)
{
  while (self->waiting.head != NULL)
    {
      Send *send = self->waiting.head->data;
      g_autoptr (GError) error = NULL;

      g_queue_unlink (&self->waiting, &send->link);
      if (send_queue_accept (self, send, &error))
        {
          send_stop_watching (send);
          continue;
        }
      if (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK))
        {
          g_queue_push_head_link (&self->waiting, &send->link);
          return;
        }
      send_queue_end (self, send, error);
    }
}

void
ist_send_queue_fail (IstSendQueue *self,
                     const GError *error)
{
  while (self->waiting.head != NULL)
    {
      Send *send = self->waiting.head->data;

      g_queue_unlink (&self->waiting, &send->link);
      send_queue_end (self, send, error);
    }
}

static gboolean
on_send_cancelled (GCancellable *cancellable,
                   gpointer user_data)
{
  Send *send = user_data;
  IstSendQueue *self = send->outgoing.owner;
  g_autoptr (GObject) alive G_GNUC_UNUSED = g_object_ref (g_task_get_source_object (send->task));
  g_autoptr (GError) error = NULL;

  g_cancellable_set_error_if_cancelled (cancellable, &error);
  g_queue_unlink (&self->waiting, &send->link);
  send_queue_end (self, send, error);
  ist_news_queue_tell (self->news);
  return G_SOURCE_REMOVE;
}

gboolean
ist_send_queue_send (IstSendQueue *self,
                     IstMessage *message,
                     GError **error)
{
  Send *send;

  if (!send_queue_check_type (message, error))
    return FALSE;
  if (self->waiting.head != NULL)
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK,
                           "The send queue is full, and other messages wait for room");
      return FALSE;
    }
  send = send_new (self, message);
  if (send_queue_accept (self, send, error))
    return TRUE;
  send_free (send);
  return FALSE;
}

void
ist_send_queue_send_async (IstSendQueue *self,
                           IstMessage *message,
                           GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autoptr (GError) error = NULL;
  Send *send;

  if (g_cancellable_set_error_if_cancelled (cancellable, &error) || !send_queue_check_type (message, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      g_object_unref (task);
      return;
    }

  send = send_new (self, message);
  send->task = task;
  if (self->waiting.head == NULL && send_queue_accept (self, send, &error))
    return;
  if (error != NULL && !g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK))
    {
      g_task_return_error (send->task, g_steal_pointer (&error));
      send_free (send);
      return;
    }
  if (cancellable != NULL)
    {
      send->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (send->cancelled, G_SOURCE_FUNC (on_send_cancelled), send, NULL);
      g_source_attach (send->cancelled, self->link->context);
    }
  g_queue_push_tail_link (&self->waiting, &send->link);
}

gboolean
ist_send_queue_take_changed (IstSendQueue *self)
{
  gboolean changed = self->changed;

  self->changed = FALSE;
  return changed;
}

IstSendQueue *
ist_send_queue_new (IstTunnelLink *link,
                    IstNewsQueue *news,
                    guint limit)
{
  IstSendQueue *self = g_new0 (IstSendQueue, 1);

  self->link = link;
  self->news = news;
  self->limit = limit;
  self->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  return self;
}

void
ist_send_queue_free (IstSendQueue *self)
{
  while (self->accepted.head != NULL)
    {
      Send *send = self->accepted.head->data;

      g_queue_unlink (&self->accepted, &send->link);
      send_free (send);
    }
  g_array_unref (self->pieces);
  g_free (self);
}
