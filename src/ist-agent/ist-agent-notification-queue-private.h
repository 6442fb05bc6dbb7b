/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Notifications that wait for tunnels to connect or to fail, in bytes that are
 * bounded and for a time that is. The newest is the likeliest to be worth
 * something: whoever floods the device must not keep a good one from it. */
typedef struct _IstAgentNotificationQueue IstAgentNotificationQueue;

/* @expired: called in @context when some have waited for too long */
IstAgentNotificationQueue *ist_agent_notification_queue_new (GMainContext *context,
                                                             void (*expired) (gpointer user_data),
                                                             gpointer user_data);
void ist_agent_notification_queue_free (IstAgentNotificationQueue *self);

void ist_agent_notification_queue_push (IstAgentNotificationQueue *self,
                                        GBytes *notification);
/* All (transfer full) (nullable). */
GBytes *ist_agent_notification_queue_pop_newest (IstAgentNotificationQueue *self);
GBytes *ist_agent_notification_queue_pop_oldest (IstAgentNotificationQueue *self);
/* The oldest, as long as there are more bytes than may be. */
GBytes *ist_agent_notification_queue_pop_excess (IstAgentNotificationQueue *self);
void ist_agent_notification_queue_clear (IstAgentNotificationQueue *self);

G_END_DECLS
