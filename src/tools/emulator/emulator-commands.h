/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator.h>

#include "tools/common/tool-output.h"

G_BEGIN_DECLS

/* Has calls of the service's API go wrong. @verb: one of those. @text: what is asked
 * for, [OPERATION=]ERROR[:COUNT] or, with “delay”, [OPERATION=]MILLISECONDS[:COUNT],
 * where “none” ends it. */
extern const char *const emulator_upset_verbs[];
gboolean emulator_upset (IstEmulatorService *service,
                         const char *verb,
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
