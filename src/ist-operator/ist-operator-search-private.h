/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator-control-plane.h>

G_BEGIN_DECLS

/* What is said of the tunnels that are opened here, unless the program says something
 * else, so that they are known again. */
#define IST_OPERATOR_DESCRIPTION "libist-operator"

/* A tunnel with so many microseconds left is not worth beginning with; an expiry of 0 is
 * not known. @lifetime: minutes */
gboolean ist_operator_is_expiring (gint64 expires_at,
                                   guint lifetime);

/* Whether all of @service_ids are among @those. */
gboolean ist_operator_services_contain (const char *const *those,
                                        const char *const *service_ids);

/* The service's, in minutes. */
#define IST_OPERATOR_MAX_LIFETIME 720

/* A tunnel that was open already, and whose source's token has been rotated. */
typedef struct
{
  char *tunnel_id;
  char *thing_name; /* (nullable) */
  char **service_ids;
  gint64 opened_at;
  guint lifetime; /* minutes */
  char *description; /* (nullable) */
  gboolean device_connected;
  gboolean device_notified; /* just now */
  char *access_token;
} IstOperatorOffer;

void ist_operator_offer_free (IstOperatorOffer *self);

/* Looks for an open tunnel of the thing that lists the services and to which nobody is
 * connected as the source. Where the device is not connected either, it is notified.
 * @description: (nullable): what is said of the only one that is meant
 * @excluded: ids of tunnels that are known already. Returns NULL without an error if there
 * is none. */
void ist_operator_search_async (IstOperatorControlPlane *control_plane,
                                GMainContext *context,
                                const char *thing_name,
                                const char *const *service_ids,
                                const char *description,
                                const char *const *excluded,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
/* Takes one that is known by its id, whoever may be connected to it. */
void ist_operator_take_over_async (IstOperatorControlPlane *control_plane,
                                   GMainContext *context,
                                   const char *tunnel_id,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
/* Of both. */
IstOperatorOffer *ist_operator_search_finish (GAsyncResult *result,
                                              GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstOperatorOffer, ist_operator_offer_free)

G_END_DECLS
