/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A command that runs beside the program, and with which it ends. */
typedef struct _ToolCommand ToolCommand;

/* Whether there is such a program. */
gboolean tool_command_check (const char *program,
                             GError **error);

/* @exit_status is as a shell has it: 128 and the number if a signal has ended
 * the command. */
typedef void (*ToolCommandEnd) (int exit_status,
                                gpointer user_data);

/* @environment: NULL for that of this program. */
ToolCommand *tool_command_start (const char *const *command,
                                 char **environment,
                                 ToolCommandEnd end,
                                 gpointer user_data,
                                 GError **error);
void tool_command_free (ToolCommand *self);

void tool_command_send_signal (ToolCommand *self,
                               int number);
/* One that has come to this program: it is the command's to end. */
void tool_command_pass_on (ToolCommand *self,
                           int number);

G_END_DECLS
