/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator.h>

#include "tools/proxy/proxy-options.h"

G_BEGIN_DECLS

/* The tunnel that --open asks for. */
typedef struct
{
  char *thing;
  char **services;
  guint lifetime; /* minutes, 0 for the service's default */
  guint wait;     /* seconds */
  IstOperatorControlPlane *control_plane;
} ProxyOpenRequest;

/* @authorities: (nullable): whom to trust instead of those that the AWS tools would.
 * Takes the AWS credentials out of the environment. */
ProxyOpenRequest *proxy_open_request_new (const ProxyOptions *options,
                                          GTlsDatabase *authorities,
                                          GError **error);
void proxy_open_request_free (ProxyOpenRequest *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProxyOpenRequest, proxy_open_request_free)

G_END_DECLS
