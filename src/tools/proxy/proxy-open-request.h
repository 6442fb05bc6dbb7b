/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/proxy/proxy-options.h"

G_BEGIN_DECLS

/* The tunnel that an operator wants to have opened. */
typedef struct
{
  char *thing;
  char **services;
  guint lifetime; /* minutes, 0 for the service's default */
  guint wait;     /* seconds */
  char *url;      /* of the control plane */
  char *region;
  char *endpoint; /* of the tunnel, NULL if it follows from the region */
} ProxyOpening;

ProxyOpening *proxy_opening_new (const ProxyOptions *options,
                                 GError **error);
void proxy_opening_free (ProxyOpening *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProxyOpening, proxy_opening_free)

G_END_DECLS
