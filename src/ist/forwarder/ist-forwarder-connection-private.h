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
  guint tunnel_timeout; /* seconds */
  guint connect_retries;
  guint connect_retry_delay_ms;
} IstForwarderConnectionSettings;

/* What a connection tells its forwarder. It is opened and then closed, or fails. */
typedef struct
{
  void (*opened) (IstForwarderConnection *connection,
                  gpointer user_data);
  /* Bytes have been carried. */
  void (*moved) (IstForwarderConnection *connection,
                 gpointer user_data);
  /* @error: (nullable) */
  void (*closed) (IstForwarderConnection *connection,
                  const GError *error,
                  gpointer user_data);
  void (*failed) (IstForwarderConnection *connection,
                  const GError *error,
                  gpointer user_data);
} IstForwarderConnectionFuncs;

/* One of @tunnelled and @local is there from the beginning; with neither, the program
 * is to use the connection itself. @funcs may be called from any of the functions
 * below. */
IstForwarderConnection *ist_forwarder_connection_new (const char *service_id,
                                                      IstConnection *tunnelled,
                                                      GIOStream *local,
                                                      const IstForwarderConnectionSettings *settings,
                                                      GMainContext *context,
                                                      const IstForwarderConnectionFuncs *funcs,
                                                      gpointer user_data);
/* The program has the local stream, too, and may close it. */
void ist_forwarder_connection_set_shared (IstForwarderConnection *self);
/* On the source: opens a connection through the tunnel. */
void ist_forwarder_connection_open (IstForwarderConnection *self,
                                    IstSecureTunnel *tunnel);
/* What returns the connection once it is open, or why it never will be: itself, or the
 * IstConnection if the program uses that. Cancelling the task ends the connection
 * until then. Takes the task. */
void ist_forwarder_connection_set_task (IstForwarderConnection *self,
                                        GTask *task);
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
/* Notifies of what was carried since the last time. */
void ist_forwarder_connection_tell_bytes (IstForwarderConnection *self);
/* The owner does not want to hear any more. */
void ist_forwarder_connection_disown (IstForwarderConnection *self);

G_END_DECLS
