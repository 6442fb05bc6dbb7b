/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "ist-operator/ist-operator-control-plane.h"

G_BEGIN_DECLS

/* Where a control plane is, and how to get there: first what was asked for, and once it is
 * resolved what holds. */
typedef struct
{
  char *region;
  char *endpoint_url;
  char *tunnel_endpoint;
  char *ca_file;
  GTlsDatabase *tls_database;
  gboolean verify_certificate;
  IstOperatorChoice use_fips;
  IstOperatorChoice use_dualstack;
  guint max_attempts; /* 0: not said */
  GUri *uri;          /* of the endpoint, as libsoup wants it */
  GUri *registry_uri; /* of the one that lists things, likewise; NULL with... */
  GError *registry_error; /* ...why there is none */
} IstOperatorSettings;

void ist_operator_settings_clear (IstOperatorSettings *self);

/* Takes what was not asked for from the environment and the files of the AWS tools.
 * @profile: (nullable) */
gboolean ist_operator_settings_resolve (IstOperatorSettings *self,
                                        const char *profile,
                                        GError **error);

G_END_DECLS
