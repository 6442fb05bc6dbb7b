/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <libsoup/soup.h>

#include "ist-emulator/ist-emulator-faults-private.h"
#include "ist-emulator/ist-emulator-registry-private.h"

G_BEGIN_DECLS

/* Longer requests are refused; the service's limits let none come near it. */
#define IST_EMULATOR_CONTROL_MAX_REQUEST (1024 * 1024)

/* The API that opens tunnels, as its clients see it, who speak HTTP. It can be
 * told to fail, and counts what it was asked for. */
typedef struct _IstEmulatorControl IstEmulatorControl;

/* How an answer is to get to the client. */
typedef struct
{
  gboolean is_lost; /* not at all, the connection is closed */
  guint delay;      /* in milliseconds */
} IstEmulatorDelivery;

/* An operation has come to something, of which the client is to hear now or later.
 * @error_type: (nullable): NULL for a success. */
typedef void (*IstEmulatorControlFunc) (const char *operation,
                                        const char *error_type,
                                        gpointer user_data);

IstEmulatorControl *ist_emulator_control_new (IstEmulatorRegistry *registry,
                                              IstEmulatorControlFunc answered,
                                              gpointer user_data);
void ist_emulator_control_free (IstEmulatorControl *self);

/* What is asked for there happens to the calls here. */
IstEmulatorFaults *ist_emulator_control_get_faults (IstEmulatorControl *self);

/* How often an operation was asked for, with whatever outcome. @operation:
 * (nullable): NULL for all together. */
guint64 ist_emulator_control_get_n_calls (IstEmulatorControl *self,
                                          const char *operation);

/* Has an answer for a request. @body: (nullable): NULL if it was too long to be kept. */
IstEmulatorDelivery ist_emulator_control_handle (IstEmulatorControl *self,
                                                 SoupServerMessage *message,
                                                 GBytes *body);

G_END_DECLS
