/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist-operator/ist-operator-found-private.h"
#include "ist-operator/ist-operator-profile-private.h"

G_BEGIN_DECLS

/* Where machines of AWS tell what credentials they have. In a thread with a context of its
 * own; @environment has the settings. */

/* Of a container. NULL, without an error, if this is none. */
IstOperatorFound *ist_operator_metadata_ask_container (const char *const *environment,
                                                       GCancellable *cancellable,
                                                       GError **error);
/* Of an instance. NULL, without an error and with the reason in *@why, if there is nothing
 * to be had. */
IstOperatorFound *ist_operator_metadata_ask_instance (const char *const *environment,
                                                      const IstOperatorProfile *profile,
                                                      GCancellable *cancellable,
                                                      char **why,
                                                      GError **error);

G_END_DECLS
