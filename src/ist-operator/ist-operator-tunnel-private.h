/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator-control-plane.h>
#include <ist-operator/ist-operator-tunnel.h>

#include "common/ist-backoff-private.h"
#include "common/ist-waiting-tasks-private.h"
#include "ist-operator/ist-operator-device-watch-private.h"
#include "ist-operator/ist-operator-request-private.h"

G_BEGIN_DECLS

/* What the files of the class share: ist-operator-tunnel.c has what is seen of it,
 * ist-operator-tunnel-life.c how it comes, is used and goes. */

typedef enum
{
  IST_OPERATOR_PHASE_LOOKING, /* nothing is there yet that would have to be closed */
  IST_OPERATOR_PHASE_OPENING,
  IST_OPERATOR_PHASE_OPEN,
  IST_OPERATOR_PHASE_CLOSING,
  IST_OPERATOR_PHASE_CLOSED,
} IstOperatorPhase;

/* What a tunnel tells its client. */
typedef struct
{
  void (*state_changed) (IstOperatorTunnel *tunnel,
                         gpointer client);
  /* A request (transfer full) that this tunnel can't serve any more, for @why. @is_new:
   * because it could not be opened */
  void (*released) (IstOperatorTunnel *tunnel,
                    GTask *request,
                    const GError *why,
                    gboolean is_new,
                    gpointer client);
  /* At last. @error: (nullable) */
  void (*closed) (IstOperatorTunnel *tunnel,
                  const GError *error,
                  gpointer client);
} IstOperatorTunnelFuncs;

struct _IstOperatorTunnel
{
  GObject parent_instance;

  GMainContext *context;
  IstOperatorControlPlane *control_plane;
  const IstOperatorTunnelFuncs *funcs; /* NULL once nobody listens */
  gpointer client;

  char *thing_name;
  char **service_ids;
  char *tunnel_id;
  char *description; /* with an id of its own, if it is opened here */
  gint64 opened_at;
  gint64 expires_at;
  guint lifetime; /* minutes */
  gboolean reused;
  gboolean is_foreign; /* somebody else has opened it, who may want to keep it */
  gboolean kept;
  gboolean is_exclusive; /* for one request */
  guint linger;          /* seconds, as the next one */
  guint patience;        /* in which somebody who waits wants to know of the device */
  IstProtocolVersion protocol_version;

  IstOperatorPhase phase;
  IstOperatorTunnelState state; /* as told */
  GError *last_error;
  GCancellable *cancellable; /* of looking for one */
  IstWaitingTasks *adopting; /* until it is connected */
  IstWaitingTasks *waiting;  /* until the device is, too */
  IstSecureTunnel *secure_tunnel;
  IstForwarder *forwarder;
  gboolean was_connected; /* to the service */
  IstOperatorDeviceWatch *watch;
  gboolean device_connected; /* as far as is known */
  gboolean device_in_doubt;  /* something has happened since */
  gboolean device_was_connected;
  gint64 device_seen_at; /* monotonic, as the next one */
  gint64 device_notified_at;
  GSource *lingering;

  IstWaitingTasks *closing;
  gboolean is_opening;    /* the service was asked to, and has not answered */
  GSource *opening_again; /* the pause before, if it has failed */
  IstBackoff backoff;     /* of that */
  gboolean is_left;    /* to whoever has it at the service */
  gboolean closed_at_service;
  GError *close_error;
};

void ist_operator_tunnel_notify_state (IstOperatorTunnel *self);
void ist_operator_tunnel_notify_identity (IstOperatorTunnel *self);
void ist_operator_tunnel_set_last_error (IstOperatorTunnel *self,
                                         const GError *error);
/* Its connections are the tunnel's from now on. */
void ist_operator_tunnel_set_forwarder (IstOperatorTunnel *self,
                                        IstForwarder *forwarder);

/* For the client */

/* @service_ids: what it is opened for, if it has to be */
IstOperatorTunnel *ist_operator_tunnel_new (GMainContext *context,
                                            IstOperatorControlPlane *control_plane,
                                            const char *thing_name,
                                            const char *const *service_ids,
                                            const IstOperatorTunnelFuncs *funcs,
                                            gpointer client);
/* The client has gone. */
void ist_operator_tunnel_disown (IstOperatorTunnel *self);

/* Opens one; with @wanted looks for one that has these services first. */
void ist_operator_tunnel_start (IstOperatorTunnel *self,
                                const char *const *wanted,
                                const char *const *excluded);
void ist_operator_tunnel_start_adopting (IstOperatorTunnel *self,
                                         const char *tunnel_id);
gboolean ist_operator_tunnel_suits (IstOperatorTunnel *self,
                                    const char *thing_name,
                                    const char *const *service_ids,
                                    gboolean even_if_expiring);
/* Takes the task, of a tunnel that has not begun yet. */
void ist_operator_tunnel_take_request (IstOperatorTunnel *self,
                                       GTask *request);
/* The same of any. */
void ist_operator_tunnel_serve (IstOperatorTunnel *self,
                                GTask *request);
void ist_operator_tunnel_set_linger (IstOperatorTunnel *self,
                                     guint seconds);

/* Ends it, at the service too unless it is somebody else's or gone. */
void ist_operator_tunnel_end (IstOperatorTunnel *self,
                              const GError *reason);
/* The same for somebody else's. */
void ist_operator_tunnel_end_at_service (IstOperatorTunnel *self);
/* Something has changed that matters for what is to be done. */
void ist_operator_tunnel_advance (IstOperatorTunnel *self);

G_END_DECLS
