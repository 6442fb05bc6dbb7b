/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator.h>

G_BEGIN_DECLS

/* Where the MQTT broker is and how to get in, as on the command line; all but
 * the first may be NULL. */
typedef struct
{
  char *broker; /* HOST or HOST:PORT */
  char *ca_file;
  char *certificate_file;
  char *key_file;
  char *user;
  char *password_file;
} EmulatorBroker;

void emulator_broker_clear (EmulatorBroker *self);

/* Publishes a service's notifications. */
typedef struct _EmulatorNotifier EmulatorNotifier;

EmulatorNotifier *emulator_notifier_new (IstEmulatorService *service,
                                         const EmulatorBroker *broker,
                                         GError **error);
void emulator_notifier_free (EmulatorNotifier *self);

G_END_DECLS
