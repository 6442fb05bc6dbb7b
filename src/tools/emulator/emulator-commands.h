/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator.h>

#include "tools/common/tool-output.h"

G_BEGIN_DECLS

/* Has calls of the service's API fail, as @text says: [OPERATION=]ERROR[:COUNT],
 * with “none” for ERROR to fail no more. */
gboolean emulator_fail (IstEmulatorService *service,
                        const char *text,
                        GError **error);

/* Commands that the emulator takes while it runs, one in a line, each answered
 * with one line of JSON. */
typedef struct _EmulatorCommands EmulatorCommands;

/* @fd: to read from, until its end. @output: for the answers. */
EmulatorCommands *emulator_commands_new (IstEmulatorService *service,
                                         int fd,
                                         ToolOutput *output);
void emulator_commands_free (EmulatorCommands *self);

G_END_DECLS
