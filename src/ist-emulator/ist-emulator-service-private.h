/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator-service.h>

#include "common/ist-waiting-tasks-private.h"
#include "ist-emulator/ist-emulator-http-server-private.h"
#include "ist-emulator/ist-emulator-registry-private.h"

G_BEGIN_DECLS

/* For ist-emulator-service.c, ist-emulator-service-faults.c and ist-emulator-service-lifecycle.c. */
struct _IstEmulatorService
{
  GObject parent_instance;

  GMainContext *context;
  char *address;
  guint port;
  gboolean plain;
  GTlsCertificate *certificate;
  char *state_dir;
  guint bandwidth;
  guint max_connections_per_address;

  GTlsCertificate *own_certificate;
  char *ca_pem;
  char *endpoint;
  IstEmulatorRegistry *registry;
  IstEmulatorControl *control;
  gboolean restored;
  GPtrArray *tunnels;    /* the open ones */
  GPtrArray *counting;   /* tunnels with counters to be notified */
  GSource *counters_due; /* when they will be */

  IstEmulatorServiceState state;
  IstEmulatorHttpServer *server;  /* the one that accepts clients, or will when others have left */
  IstEmulatorHttpServer *leaving; /* the one that was stopped, until its clients have left */
  IstWaitingTasks *starting;      /* until it listens */
  IstWaitingTasks *stopping;      /* until it has stopped */
  IstWaitingTasks *undone;        /* likewise, though they wanted it to listen */
  GSource *settling;              /* some of these may have waited long enough */
};

/* Takes up what the state's folder holds, once. */
gboolean ist_emulator_service_restore (IstEmulatorService *self,
                                       GError **error);

void ist_emulator_service_init_lifecycle (IstEmulatorService *self);
void ist_emulator_service_clear_lifecycle (IstEmulatorService *self);

G_END_DECLS
