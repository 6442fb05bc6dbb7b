/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator.h>

G_BEGIN_DECLS

/* What programs find an emulator by that look into their environment: those that
 * are written for tunnels, and those that are written for AWS.
 *
 * @ca_file: what they must trust; NULL for what the system does.
 * @tunnel: whose tokens they get. */
typedef struct _EmulatorEnvironment EmulatorEnvironment;

EmulatorEnvironment *emulator_environment_new (IstEmulatorService *service,
                                               const char *ca_file,
                                               IstEmulatorTunnel *tunnel);
void emulator_environment_free (EmulatorEnvironment *self);

/* That of this program, with it. */
char **emulator_environment_merge (EmulatorEnvironment *self);
/* Lines for a shell. */
char *emulator_environment_to_shell (EmulatorEnvironment *self);

/* A URI for a control plane from that of the data plane. */
char *emulator_environment_make_url (IstEmulatorService *service);

G_END_DECLS
