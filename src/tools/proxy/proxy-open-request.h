/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator.h>

#include "tools/common/tool-operator-link.h"
#include "tools/proxy/proxy-options.h"

G_BEGIN_DECLS

/* The tunnel that --open asks for. */
typedef struct
{
  const ProxyOptions *options;
  char *thing;
  char **services;
  guint lifetime; /* minutes, 0 for the service's default */
  guint wait;     /* seconds */

  /* Who opens it: the session's ist-operator, which is given these settings, */
  ToolOperatorSettings settings;
  ToolOperatorLink *link; /* or NULL */
  /* or this program itself. */
  IstOperatorControlPlane *control_plane; /* or NULL */
} ProxyOpenRequest;

/* @options has to stay. */
ProxyOpenRequest *proxy_open_request_new (const ProxyOptions *options,
                                          GError **error);
void proxy_open_request_free (ProxyOpenRequest *self);

/* Finds out who opens it. @mappings: of ProxyMapping. @authorities: (nullable): whom to
 * trust instead of those that the AWS tools would. Takes the AWS credentials out of the
 * environment. */
gboolean proxy_open_request_settle (ProxyOpenRequest *self,
                                    GPtrArray *mappings,
                                    GTlsDatabase *authorities,
                                    GError **error);

/* Says which options an error may be due to. Takes @error. */
GError *proxy_open_request_explain (const ProxyOpenRequest *self,
                                    GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProxyOpenRequest, proxy_open_request_free)

G_END_DECLS
