/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator-control-plane.h>

G_BEGIN_DECLS

/* Waits until the device is connected to a tunnel. The service tells that only to who
 * asks: it is asked ever more rarely, and less often the more others ask too. A device
 * that does not come, and may not have heard of the tunnel, is notified again. */
typedef struct _IstOperatorDeviceWatch IstOperatorDeviceWatch;

/* The device is connected; or it is not, which is told once, when that is known; or @error
 * says why it never will be. */
typedef void (*IstOperatorDeviceWatchFunc) (gboolean connected,
                                            const GError *error,
                                            gpointer user_data);

typedef struct
{
  const char *tunnel_id;
  const char *thing_name;         /* NULL if it can't be notified */
  const char *const *service_ids; /* of the tunnel */
  gint64 notified_at;             /* monotonic; 0 if not known */
  gboolean was_connected;         /* it may come back by itself */
  gboolean is_new;                /* it can't be there yet */
  guint patience;                 /* seconds in which somebody wants to know */
} IstOperatorDeviceWatchSettings;

IstOperatorDeviceWatch *ist_operator_device_watch_new (IstOperatorControlPlane *control_plane,
                                                       GMainContext *context,
                                                       const IstOperatorDeviceWatchSettings *settings,
                                                       IstOperatorDeviceWatchFunc func,
                                                       gpointer user_data);
/* Somebody wants to know in less time, or nobody does any more. */
void ist_operator_device_watch_set_patience (IstOperatorDeviceWatch *self,
                                             guint seconds);
/* Nothing is told any more. */
void ist_operator_device_watch_free (IstOperatorDeviceWatch *self);

/* When the device was notified last, as far as is known. */
gint64 ist_operator_device_watch_get_notified_at (IstOperatorDeviceWatch *self);

G_END_DECLS
