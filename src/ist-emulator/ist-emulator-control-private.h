/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <libsoup/soup.h>

#include "ist-emulator/ist-emulator-registry-private.h"

G_BEGIN_DECLS

/* Longer requests are refused; the service's limits let none come near it. */
#define IST_EMULATOR_CONTROL_MAX_REQUEST (1024 * 1024)

/* The API that opens tunnels, as its clients see it, who speak HTTP. It can be
 * told to fail, and counts what it was asked for. */
typedef struct _IstEmulatorControl IstEmulatorControl;

/* An operation was answered. @error_type: (nullable): NULL for a success. */
typedef void (*IstEmulatorControlFunc) (const char *operation,
                                        const char *error_type,
                                        gpointer user_data);

IstEmulatorControl *ist_emulator_control_new (IstEmulatorRegistry *registry,
                                              IstEmulatorControlFunc answered,
                                              gpointer user_data);
void ist_emulator_control_free (IstEmulatorControl *self);

/* Has the next @count calls fail, G_MAXUINT for all. @operation: (nullable): NULL
 * for any. @error_type: (nullable): NULL to fail no more. Takes the place of what
 * was asked for before; what is for one operation goes before what is for any.
 * IST_TUNNEL_ERROR_INVALID_SETTING for a name that there is not. */
gboolean ist_emulator_control_fail (IstEmulatorControl *self,
                                    const char *operation,
                                    const char *error_type,
                                    guint count,
                                    GError **error);

/* How often an operation was asked for, with whatever outcome. @operation:
 * (nullable): NULL for all together. */
guint64 ist_emulator_control_get_n_calls (IstEmulatorControl *self,
                                          const char *operation);

/* Answers a request. @body: (nullable): NULL if it was too long to be kept. */
void ist_emulator_control_handle (IstEmulatorControl *self,
                                  SoupServerMessage *message,
                                  GBytes *body);

G_END_DECLS
