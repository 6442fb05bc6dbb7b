/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Names the send queue that a message belongs in: one for each connection of
 * each stream. What belonged to a stream that is gone can so never be taken for
 * the same connection of the stream that replaced it. */
typedef struct
{
  guint32 service;    /* the stream table numbers the services it knows from 0 */
  guint32 connection; /* 0 in V1 and V2 */
  guint32 stream;     /* numbered by the stream table, never twice */
} IstLane;

/* For hash tables. */
static inline guint
ist_lane_hash (gconstpointer key)
{
  const IstLane *lane = key;

  return (lane->stream * 2654435761u) ^ (lane->service * 2246822519u) ^ lane->connection;
}

static inline gboolean
ist_lane_equal (gconstpointer a,
                gconstpointer b)
{
  const IstLane *lane_a = a;
  const IstLane *lane_b = b;

  return lane_a->service == lane_b->service && lane_a->connection == lane_b->connection &&
         lane_a->stream == lane_b->stream;
}

/* For messages that answer a service the tunnel does not have. */
#define IST_LANE_NO_SERVICE G_MAXUINT32

G_END_DECLS
