/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Carries bytes both ways between a tunnelled connection and a local stream,
 * until both are closed. */
typedef struct _IstPump IstPump;

typedef struct
{
  guint half_close_grace; /* seconds */
  guint idle_timeout;     /* seconds; 0: none */
  gboolean is_shared;     /* the program has the local stream, too, and may close it */
} IstPumpSettings;

/* What a pump tells its owner, who holds a reference while it does. */
typedef struct
{
  /* Bytes have been carried. */
  void (*moved) (IstPump *pump,
                 gpointer user_data);
  /* No more are carried, and the streams are being closed. Once. */
  void (*ending) (IstPump *pump,
                  gpointer user_data);
  /* Both streams are closed. @error: (nullable): why, if the connection did not
   * end as connections should. Once, at last. */
  void (*done) (IstPump *pump,
                const GError *error,
                gpointer user_data);
} IstPumpFuncs;

IstPump *ist_pump_new (GIOStream *tunnel,
                       GIOStream *local,
                       const IstPumpSettings *settings,
                       GMainContext *context,
                       const IstPumpFuncs *funcs,
                       gpointer user_data);
void ist_pump_start (IstPump *self);
/* Ends both streams; @error is the reason that is told. With @at_once the local
 * one is closed whether or not everything was received, and nothing is waited for:
 * the owner hears that it is done before this returns. */
void ist_pump_end (IstPump *self,
                   const GError *error,
                   gboolean at_once);
IstPump *ist_pump_ref (IstPump *self);
void ist_pump_unref (IstPump *self);

/* Bytes that went from the tunnel to the local stream, and the other way. */
guint64 ist_pump_get_bytes_in (IstPump *self);
guint64 ist_pump_get_bytes_out (IstPump *self);

G_END_DECLS
