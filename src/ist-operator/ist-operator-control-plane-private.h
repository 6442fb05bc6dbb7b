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

G_END_DECLS
