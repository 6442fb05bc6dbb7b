/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/proxy/proxy-options.h"

G_BEGIN_DECLS

/* The tunnel that --open asks for. */
typedef struct
{
  char *thing;
  char **services;
  guint lifetime; /* minutes, 0 for the service's default */
  guint wait;     /* seconds */
  char *url;      /* of what opens and closes tunnels */
  char *region;
  char *endpoint; /* of the tunnel, NULL if it follows from the region */
} ProxyOpenRequest;

ProxyOpenRequest *proxy_open_request_new (const ProxyOptions *options,
                                 GError **error);
void proxy_open_request_free (ProxyOpenRequest *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProxyOpenRequest, proxy_open_request_free)

G_END_DECLS
