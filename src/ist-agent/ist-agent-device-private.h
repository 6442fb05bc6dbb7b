/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-agent/ist-agent-device.h>

#include "common/ist-waiting-tasks-private.h"
#include "ist-agent/ist-agent-notification-queue-private.h"
#include "ist-agent/ist-agent-settings-private.h"
#include "ist-agent/ist-agent-token-memory-private.h"
#include "ist-mqtt/ist-mqtt-client-private.h"

G_BEGIN_DECLS

/* What the files of the class share: ist-agent-device.c has its life and its broker,
 * ist-agent-device-tunnels.c what becomes of notifications, and
 * ist-agent-settings.c what it is made with. */

struct _IstAgentDevice
{
  GObject parent_instance;

  GMainContext *context;
  IstAgentSettings settings;

  IstAgentDeviceState state;
  gboolean start_again;       /* start() was called while stopping */
  IstWaitingTasks *starting;  /* until it is subscribed */
  IstWaitingTasks *overtaken; /* of those, by stop(): until it has stopped */
  IstWaitingTasks *stopping;  /* until it has stopped */
  GSource *stopped;           /* nothing runs any more, which is still to be told */
  IstMqttSettings *mqtt;      /* NULL without a broker, and before the settings were checked */
  IstMqttClient *client;
  GHashTable *targets; /* GSocketConnectable by service */
  GPtrArray *tunnels;  /* the oldest first */
  guint last_id;
  IstAgentNotificationQueue *waiting;
  IstAgentTokenMemory *tokens; /* of notifications that were taken */
};

enum
{
  IST_AGENT_SIGNAL_BROKER_LOST,
  IST_AGENT_SIGNAL_NOTIFICATION_REFUSED,
  IST_AGENT_SIGNAL_SERVICE_REFUSED,
  IST_AGENT_SIGNAL_TUNNEL_OPENED,
  IST_AGENT_SIGNAL_TUNNEL_CLOSED,
  IST_AGENT_SIGNAL_STOPPED,
  IST_AGENT_N_SIGNALS
};

extern guint ist_agent_signals[IST_AGENT_N_SIGNALS];

/* Life */
gboolean ist_agent_device_is_running (IstAgentDevice *self);
/* To be called when a tunnel has ended: one that is stopping may have stopped. */
void ist_agent_device_check_stopped (IstAgentDevice *self);

/* Tunnels */

/* A notification from the broker: leads to a tunnel, is refused with a signal, or
 * waits for other tunnels. */
void ist_agent_device_take_notification (IstAgentDevice *self,
                                         GBytes *payload,
                                         gboolean retained);
/* Refuses those that have waited for too long. */
void ist_agent_device_expire_notifications (gpointer device);
void ist_agent_device_stop_tunnels (IstAgentDevice *self);

G_END_DECLS
