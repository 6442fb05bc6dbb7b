/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator.h>
#include <ist-operator/ist-operator.h>

G_BEGIN_DECLS

/* @ca_file: (nullable) */
IstOperatorControlPlane *test_control_plane_new (const char *url,
                                                 const char *ca_file,
                                                 guint max_attempts,
                                                 guint timeout);

/* A fixture: the emulator, without TLS, and a control plane of it. */
typedef struct
{
  IstEmulatorService *service;
  IstOperatorControlPlane *plane;
} Emulated;

void emulated_set_up (Emulated *self,
                      gconstpointer user_data);
void emulated_tear_down (Emulated *self,
                         gconstpointer user_data);

G_END_DECLS
