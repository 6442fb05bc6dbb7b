/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "ist/ist-connection.h"
#include "ist/protocol/ist-lane-private.h"

G_BEGIN_DECLS

/* What an IstConnection and its tunnel share: the buffers of one connection.
 *
 * The tunnel's side of it is called in the tunnel's main context only. The
 * stream's side may be called in any thread, since TLS and D-Bus on top of a
 * stream read and write it in threads of their own, and waits there if asked
 * to; in the tunnel's own thread nothing can wait, for nobody else would bring
 * what is waited for. */
typedef struct _IstConnectionCore IstConnectionCore;

/* What the connections of a tunnel may keep together. Each gets at most an equal
 * part, so that none has to wait for another to give some back. */
typedef struct
{
  gatomicrefcount ref_count;
  gsize limit;         /* bytes, in each direction */
  gint n_connections; /* atomic */
  gint piece_size;    /* atomic; bytes that are written as one piece at most */
} IstConnectionBudget;

IstConnectionBudget *ist_connection_budget_new (gsize limit);
void ist_connection_budget_unref (IstConnectionBudget *self);

/* How the core reaches its tunnel; called in the tunnel's context. */
typedef struct
{
  /* Takes over the next piece to send, at most IST_WIRE_MAX_PAYLOAD bytes.
   * ist_connection_core_written() follows. @is_first: nothing went before it */
  void (*write) (IstConnectionCore *core,
                 GBytes *data,
                 gboolean is_first,
                 gpointer tunnel);
  /* What ist_connection_core_is_stalled() says has changed. */
  void (*stalled_changed) (IstConnectionCore *core,
                           gpointer tunnel);
  /* The stream was closed: reset the connection. No call follows. */
  void (*close) (IstConnectionCore *core,
                 gpointer tunnel);
} IstConnectionBackend;

/* @buffer_size: bytes that are kept in each direction, as far as @budget allows.
 * @stall_timeout: seconds for which the receive buffer may stay full, 0 for ever. */
IstConnectionCore *ist_connection_core_new (IstStreamInfo *info,
                                            IstLane lane,
                                            gsize buffer_size,
                                            IstConnectionBudget *budget,
                                            guint stall_timeout,
                                            GMainContext *context,
                                            const IstConnectionBackend *backend,
                                            gpointer tunnel);
IstConnectionCore *ist_connection_core_ref (IstConnectionCore *self);
void ist_connection_core_unref (IstConnectionCore *self);

IstStreamInfo *ist_connection_core_get_info (IstConnectionCore *self);
/* Where its messages go; as long-lived as the core. */
const IstLane *ist_connection_core_get_lane (IstConnectionCore *self);

/* The tunnel's side */

void ist_connection_core_receive (IstConnectionCore *self,
                                  GBytes *data);
/* Whether the receive buffer is full, and the connection has not ended. */
gboolean ist_connection_core_is_stalled (IstConnectionCore *self);
/* A piece is on the wire, or never will be: then @error says why. */
void ist_connection_core_written (IstConnectionCore *self,
                                  gsize length,
                                  const GError *error);
/* Cancels @cancellable when the connection ends, or its stream is closed, if that has
 * not happened yet: for whoever does not read, and would not notice. (nullable) */
void ist_connection_core_cancel_at_end (IstConnectionCore *self,
                                        GCancellable *cancellable);
/* Tells whenever bytes have come or gone, from where the tunnel is carrying that out:
 * @moved (nullable) may not call it. */
void ist_connection_core_watch (IstConnectionCore *self,
                                void (*moved) (gpointer user_data),
                                gpointer user_data);
/* Tells once when there is something to read, or the end; not at once, if that is so
 * already. For who runs in the tunnel's context and has many connections: a source for
 * each costs the main loop something with every turn. @readable (nullable) may not call
 * the core. */
void ist_connection_core_await_input (IstConnectionCore *self,
                                      void (*readable) (gpointer user_data),
                                      gpointer user_data);
/* The connection has ended: cleanly, or with @error for whoever reads after
 * what was received. The tunnel is not called any more. */
void ist_connection_core_end (IstConnectionCore *self,
                              const GError *error);

/* The stream's side */

typedef enum
{
  IST_CONNECTION_IN,
  IST_CONNECTION_OUT,
} IstConnectionDirection;

gssize ist_connection_core_read (IstConnectionCore *self,
                                 void *buffer,
                                 gsize count,
                                 gboolean blocking,
                                 GCancellable *cancellable,
                                 GError **error);
/* Takes what was received first, without a copy, if that has @min_size bytes; NULL
 * otherwise, and then ist_connection_core_read() tells more. (nullable) */
GBytes *ist_connection_core_take (IstConnectionCore *self,
                                  gsize min_size);
gssize ist_connection_core_write (IstConnectionCore *self,
                                  const void *buffer,
                                  gsize count,
                                  gboolean blocking,
                                  GCancellable *cancellable,
                                  GError **error);
/* Writes what @bytes has from @offset on, without a copy and without waiting. */
gssize ist_connection_core_write_bytes (IstConnectionCore *self,
                                        GBytes *bytes,
                                        gsize offset,
                                        GError **error);
/* Why the connection has ended, as the tunnel tells; NULL if it has not. */
GError *ist_connection_core_dup_error (IstConnectionCore *self);
gboolean ist_connection_core_is_ready (IstConnectionCore *self,
                                       IstConnectionDirection direction);
GSource *ist_connection_core_create_source (IstConnectionCore *self,
                                            IstConnectionDirection direction,
                                            GObject *stream,
                                            GCancellable *cancellable);
/* Ends one direction for this side; the peer is told nothing, for the protocol
 * has no words for it. */
void ist_connection_core_shut (IstConnectionCore *self,
                               IstConnectionDirection direction);
/* Ends the connection, after what was written. */
void ist_connection_core_close (IstConnectionCore *self);
/* Returns the task, with TRUE, when all that was written is on the wire; with an
 * error when some of it never will be. */
void ist_connection_core_flush (IstConnectionCore *self,
                                GTask *task);

guint64 ist_connection_core_get_bytes_in (IstConnectionCore *self);
guint64 ist_connection_core_get_bytes_out (IstConnectionCore *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstConnectionCore, ist_connection_core_unref)

/* The stream itself is made by the tunnel only. */
IstConnection *ist_connection_new (IstConnectionCore *core);
IstConnectionCore *ist_connection_get_core (IstConnection *self);

G_END_DECLS
