/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "tools/proxy/proxy-credentials.h"

G_BEGIN_DECLS

/* A client of the service's control plane, which opens and closes tunnels. */
typedef struct _ProxyControl ProxyControl;

/* @ca_path: a file or folder of certificates, NULL for the system's. Fails if
 * this program was built without libcurl. */
ProxyControl *proxy_control_new (const char *url,
                                 const char *region,
                                 const ProxyCredentials *credentials,
                                 const char *ca_path,
                                 gboolean skip_verification,
                                 GError **error);
void proxy_control_free (ProxyControl *self);

/* @self has to stay until this is over, which takes half a minute at most. */
void proxy_control_call (ProxyControl *self,
                         const char *operation,
                         JsonNode *request,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
JsonNode *proxy_control_call_finish (GAsyncResult *result,
                                     GError **error);

/* NULL if there is no such member, or @node is no object at all. */
JsonNode *proxy_control_get_member (JsonNode *node,
                                    const char *name);
const char *proxy_control_get_string (JsonNode *node,
                                      const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProxyControl, proxy_control_free)

G_END_DECLS
