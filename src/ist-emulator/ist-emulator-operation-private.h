/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist-emulator/ist-emulator-registry-private.h"

G_BEGIN_DECLS

/* What the control plane can do, whatever carries its requests. */
typedef struct _IstEmulatorOperation IstEmulatorOperation;

/* @name: as AWS calls it, such as "OpenTunnel". NULL if there is none. */
const IstEmulatorOperation *ist_emulator_operation_lookup (const char *name);
const char *ist_emulator_operation_get_name (const IstEmulatorOperation *self);

/* (transfer full): the answer; NULL with an error of IST_EMULATOR_CONTROL_ERROR or of
 * the registry. */
JsonObject *ist_emulator_operation_run (const IstEmulatorOperation *self,
                                        IstEmulatorRegistry *registry,
                                        GBytes *request,
                                        GError **error);

G_END_DECLS
