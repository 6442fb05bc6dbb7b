/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "test-tunnel.h"

G_BEGIN_DECLS

/* Both ends of a tunnel through the emulator, with streams for its connections. */
typedef struct _Pair Pair;

struct _Pair
{
  TestEmulator *emulator;
  TestEnd *source;
  TestEnd *destination;
  GQueue incoming; /* of IstConnection: taken by the destination, not yet by the test */
  gboolean refuse; /* the destination's handler takes nothing */
  /* Called with each incoming connection, if set; returns what the handler does. */
  gboolean (*on_incoming) (Pair *self,
                           IstConnection *connection);
};

/* @destination: whether there is one; without it the test speaks for it through
 * the emulator. Then pairs of name and value of properties of both ends. */
Pair *pair_new (const char *const *services,
                gboolean destination,
                const char *first_property,
                ...);
/* With both ends, and a service that lets so many bytes per second pass. */
Pair *pair_new_slow (const char *const *services,
                     guint bandwidth,
                     const char *first_property,
                     ...);
void pair_free (Pair *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

/* The two halves of pair_try_open(); *@result is NULL until it is done. */
void pair_begin_open (Pair *self,
                      const char *service,
                      GAsyncResult **result);
IstConnection *pair_finish_open (Pair *self,
                                 GAsyncResult **result,
                                 GError **error);
/* (transfer full); NULL with @error */
IstConnection *pair_try_open (Pair *self,
                              const char *service,
                              GError **error);
/* A connection, and its other end once it is there. */
void pair_open (Pair *self,
                const char *service,
                IstConnection **source,
                IstConnection **destination);

/* For tests of one connection: its two ends. */
typedef struct
{
  Pair *pair;
  IstConnection *near; /* the source's */
  IstConnection *far;
} Fixture;

void fixture_set_up (Fixture *self,
                     gconstpointer data);
void fixture_tear_down (Fixture *self,
                        gconstpointer data);

/* Says something to the source in the name of the destination. */
void pair_say (Pair *self,
               IstMessageType type,
               const char *service,
               int stream,
               guint connection,
               const char *payload);

GPollableInputStream *connection_in (gpointer connection);
GPollableOutputStream *connection_out (gpointer connection);

/* Writes all of it, while the main loop runs. */
void connection_write (IstConnection *connection,
                       gconstpointer data,
                       gsize length);
void connection_say (IstConnection *connection,
                     const char *text);
/* Reads exactly as much, while the main loop runs. */
void connection_read (IstConnection *connection,
                      gpointer data,
                      gsize length);
void connection_expect (IstConnection *connection,
                        const char *text);
/* Checks the error of one of its streams: in terms of GIO it is one that is known
 * there, in those of the tunnel it is @reason. */
void connection_check_error (IstConnection *connection,
                             const GError *error,
                             IstTunnelError reason);
/* What has not been read must be nothing, then comes the end: for a reason, or
 * clean if @reason is -1. */
void connection_expect_end (IstConnection *connection,
                            int reason);
/* Writes zeros until it would block. Returns how many. */
gsize connection_fill (IstConnection *connection);
/* Has the service read nothing from the source any more, and fills all that is
 * between until nothing moves. Returns how much. */
gsize pair_block (Pair *self,
                  IstConnection *connection);
void pair_unblock (Pair *self);
/* Waits until the number has not changed for a while in which there was nothing to do. */
void await_standstill (guint64 (*get) (gpointer data),
                       gpointer data);
/* Waits until the close has been sent. */
void connection_close (IstConnection *connection);

G_END_DECLS
