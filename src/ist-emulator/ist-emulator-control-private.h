/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <libsoup/soup.h>

#include "ist-emulator/ist-emulator-registry-private.h"

G_BEGIN_DECLS

/* Longer requests are refused; the service's limits let none come near it. */
#define IST_EMULATOR_CONTROL_MAX_REQUEST (1024 * 1024)

/* Answers a request of the control plane. @body: (nullable): NULL if it was too
 * long to be kept. */
void ist_emulator_control_handle (IstEmulatorRegistry *registry,
                                  SoupServerMessage *message,
                                  GBytes *body);

G_END_DECLS
