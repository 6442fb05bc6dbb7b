/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator-tunnel.h>

#include "ist-emulator/ist-emulator-relay-private.h"

G_BEGIN_DECLS

/* What AWS calls the place that the emulator plays. */
#define IST_EMULATOR_REGION "us-east-1"

typedef void (*IstEmulatorTunnelFunc) (IstEmulatorTunnel *self,
                                       gpointer user_data);

/* For ist-emulator-tunnel.c and ist-emulator-tunnel-faults.c. */
struct _IstEmulatorTunnel
{
  GObject parent_instance;

  GMainContext *context;
  char *id;
  char *arn;
  char *thing_name;
  char **services;
  gboolean open;
  GSource *lifetime;
  gint64 opened_at;  /* real time */
  gint64 expires_at; /* likewise */
  IstEmulatorRelay *relay;
  gboolean counters_changed; /* since they were notified last */
  IstEmulatorTunnelFunc counters_func;
  gpointer counters_data;

  struct
  {
    char *access_token;
    guint generation; /* of those whom the token admitted: others replace them */
    gboolean omit_subprotocol;
    guint refusals;
    guint refusal_status;
    char *refusal_reason;
    guint64 bytes_from;
    guint64 bytes_from_told;
  } sides[2];
};

/* @id: NULL for a new one. */
IstEmulatorTunnel *ist_emulator_tunnel_new (const char *id,
                                            const char *const *services,
                                            const char *thing_name,
                                            gint64 opened_at);

/* Disconnects the client that came with the old one. */
void ist_emulator_tunnel_set_access_token (IstEmulatorTunnel *self,
                                           IstMode mode,
                                           const char *token);
/* Changes with the token, and when clients are disconnected. */
guint ist_emulator_tunnel_get_generation (IstEmulatorTunnel *self,
                                          IstMode mode);

/* @func: (nullable): called when counters have changed, and not again before they are
 * notified. */
void ist_emulator_tunnel_set_counters_func (IstEmulatorTunnel *self,
                                            IstEmulatorTunnelFunc func,
                                            gpointer user_data);
void ist_emulator_tunnel_notify_counters (IstEmulatorTunnel *self);

/* For both directions together; 0 for no limit. */
void ist_emulator_tunnel_set_bandwidth (IstEmulatorTunnel *self,
                                        guint bytes_per_second);

/* Disconnects both clients if the services are others than before. */
void ist_emulator_tunnel_set_destination (IstEmulatorTunnel *self,
                                          const char *const *services,
                                          const char *thing_name);

/* For good. */
void ist_emulator_tunnel_close (IstEmulatorTunnel *self);
/* Says goodbye to both clients and those about to come; they may come again. */
void ist_emulator_tunnel_disconnect (IstEmulatorTunnel *self,
                                     guint16 code,
                                     const char *reason);

/* TRUE, once for each, if a test wants the next handshake refused. */
gboolean ist_emulator_tunnel_take_refusal (IstEmulatorTunnel *self,
                                           IstMode mode,
                                           guint *status,
                                           char **reason);
gboolean ist_emulator_tunnel_get_omit_subprotocol (IstEmulatorTunnel *self,
                                                   IstMode mode);

/* A client whose handshake is done. @generation: when it was admitted. @gone:
 * called when its WebSocket is closed. */
void ist_emulator_tunnel_attach (IstEmulatorTunnel *self,
                                 IstMode mode,
                                 guint generation,
                                 GIOStream *stream,
                                 GUri *uri,
                                 GDestroyNotify gone,
                                 gpointer gone_data);

G_END_DECLS
