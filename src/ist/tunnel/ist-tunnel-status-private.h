/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist-enums.h>

#include "ist/tunnel/ist-tunnel-link-private.h"
#include "ist/tunnel/ist-tunnel-settings-private.h"

G_BEGIN_DECLS

/* What a tunnel tells of itself: the properties that change, with their getters.
 * A setter notifies, if what it sets is new. The values are property ids. */
typedef enum
{
  IST_STATUS_STATE = IST_N_SETTINGS,
  IST_STATUS_SERVICE_IDS,
  IST_STATUS_SERVICE_IDS_KNOWN,
  IST_STATUS_CHANNEL_ID,
  IST_STATUS_BYTES_IN,
  IST_STATUS_BYTES_OUT,
  IST_STATUS_MESSAGES_IN,
  IST_STATUS_MESSAGES_OUT,
  IST_STATUS_QUEUED_BYTES,
  IST_STATUS_ROUND_TRIP_TIME_US,
  IST_STATUS_N_RECONNECTS,
  IST_STATUS_PAUSED,
  IST_STATUS_LAST_ERROR,
  IST_STATUS_LAST, /* and one more */
} IstStatus;

/* What changes with every message. */
typedef struct
{
  guint64 bytes_in;
  guint64 bytes_out;
  guint64 messages_in;
  guint64 messages_out;
  guint64 queued_bytes;
} IstTunnelCounters;

typedef struct
{
  gpointer tunnel;
  const IstTunnelLink *link; /* which counts */

  IstTunnelState state;
  GStrv service_ids;
  gboolean service_ids_known;
  char *channel_id;
  gint64 round_trip_time_us;
  guint n_reconnects;
  gboolean paused;
  GError *last_error;
  IstTunnelCounters told; /* as last notified */
} IstTunnelStatus;

void ist_tunnel_status_install (GObjectClass *klass);

void ist_tunnel_status_init (IstTunnelStatus *self,
                             gpointer tunnel,
                             const IstTunnelLink *link);
void ist_tunnel_status_clear (IstTunnelStatus *self);

/* For the class's vfunc. */
void ist_tunnel_status_get (const IstTunnelStatus *self,
                            IstStatus property,
                            GValue *value);

void ist_tunnel_status_set_state (IstTunnelStatus *self,
                                  IstTunnelState state);
void ist_tunnel_status_set_service_ids (IstTunnelStatus *self,
                                        const char *const *service_ids);
void ist_tunnel_status_set_service_ids_known (IstTunnelStatus *self,
                                              gboolean known);
void ist_tunnel_status_set_channel_id (IstTunnelStatus *self,
                                       const char *channel_id);
void ist_tunnel_status_set_round_trip_time (IstTunnelStatus *self,
                                            gint64 microseconds);
void ist_tunnel_status_set_n_reconnects (IstTunnelStatus *self,
                                         guint n_reconnects);
void ist_tunnel_status_set_paused (IstTunnelStatus *self,
                                   gboolean paused);
void ist_tunnel_status_set_last_error (IstTunnelStatus *self,
                                       const GError *error);

/* Notifies the counters that have changed since the last time, and that of what is
 * queued also if @queue_changed. */
void ist_tunnel_status_notify_counters (IstTunnelStatus *self,
                                        gboolean queue_changed);

G_END_DECLS
