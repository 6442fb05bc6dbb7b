/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist-operator/ist-operator-call-private.h"
#include "ist-operator/ist-operator-control-plane.h"
#include "ist-operator/ist-operator-settings-private.h"

G_BEGIN_DECLS

struct _IstOperatorControlPlane
{
  GObject parent_instance;

  IstOperatorCredentials *credentials;
  IstOperatorSettings settings;
  GProxyResolver *proxy_resolver;
  guint timeout;
  IstOperatorCaller *caller; /* NULL before it is initialised */
};

/* For who finds what was opened by its @description: after an answer that leaves that open,
 * it is not asked for again. It ends with ist_operator_control_plane_open_tunnel_finish(). */
void ist_operator_control_plane_open_traced_tunnel_async (IstOperatorControlPlane *self,
                                                          const char *thing_name,
                                                          const char *const *service_ids,
                                                          const char *description,
                                                          guint lifetime,
                                                          GAsyncReadyCallback callback,
                                                          gpointer user_data);

G_END_DECLS
