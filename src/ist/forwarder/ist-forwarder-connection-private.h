/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist-connection.h>
#include <ist/ist-forwarder-connection.h>
#include <ist/ist-secure-tunnel.h>

#include "ist/forwarder/ist-pump-private.h"

G_BEGIN_DECLS

typedef struct
{
  IstPumpSettings pump;
  guint tunnel_timeout;      /* seconds */
  guint connect_retries;
  guint connect_retry_delay_ms; /* milliseconds */
} IstForwarderConnectionSettings;

/* A connection is opened and then closed, or fails. */
typedef enum
{
  IST_FORWARDER_CONNECTION_OPENED,
  IST_FORWARDER_CONNECTION_FAILED,
  IST_FORWARDER_CONNECTION_CLOSED,
} IstForwarderConnectionEvent;

typedef void (*IstForwarderConnectionFunc) (IstForwarderConnection *connection,
                                            IstForwarderConnectionEvent event,
                                            const GError *error,
                                            gpointer user_data);

/* One of @tunnelled and @local is there from the beginning. @func may be called
 * from any of the functions below. */
IstForwarderConnection *ist_forwarder_connection_new (const char *service_id,
                                                      IstConnection *tunnelled,
                                                      GIOStream *local,
                                                      const IstForwarderConnectionSettings *settings,
                                                      IstForwarderConnectionFunc func,
                                                      gpointer user_data);
/* On the source: opens a connection through the tunnel. */
void ist_forwarder_connection_open (IstForwarderConnection *self,
                                    IstSecureTunnel *tunnel);
/* On the destination: what to connect to. From now on the connection fails when
 * its peer ends it. */
void ist_forwarder_connection_prepare (IstForwarderConnection *self,
                                       GSocketClient *client,
                                       GSocketConnectable *target);
/* Then: connects to the service. */
void ist_forwarder_connection_connect (IstForwarderConnection *self);
/* Closes both ends without waiting, and tells @error as the reason. */
void ist_forwarder_connection_end (IstForwarderConnection *self,
                                   const GError *error);
/* The owner does not want to hear any more. */
void ist_forwarder_connection_disown (IstForwarderConnection *self);

G_END_DECLS
