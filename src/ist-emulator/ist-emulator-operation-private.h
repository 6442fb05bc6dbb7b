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
/* Of those of AWS IoT's registry, which are what is got from a path. NULL likewise. */
const IstEmulatorOperation *ist_emulator_operation_lookup_path (const char *path);
const char *ist_emulator_operation_get_name (const IstEmulatorOperation *self);
/* The path; NULL if it is one of the service for tunnels. */
const char *ist_emulator_operation_get_path (const IstEmulatorOperation *self);

/* What a query asks for, as ist_emulator_operation_run() takes it: (transfer full).
 * @query: (nullable): texts by their names */
GBytes *ist_emulator_operation_make_request (const IstEmulatorOperation *self,
                                             GHashTable *query);

/* (transfer full): the answer; NULL with an error of IST_EMULATOR_CONTROL_ERROR or of
 * the registry. */
JsonObject *ist_emulator_operation_run (const IstEmulatorOperation *self,
                                        IstEmulatorRegistry *registry,
                                        GBytes *request,
                                        GError **error);

G_END_DECLS
