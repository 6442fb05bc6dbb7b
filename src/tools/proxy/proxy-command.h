/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @command with ports where services are listened for, by @bindings, instead of
 * {port}, the first service's, and {port:SERVICE}. Without @bindings only what
 * could be wrong is looked for, and @command returned. */
char **proxy_command_expand (const char *const *command,
                             const char *const *services,
                             GPtrArray *bindings,
                             GError **error);

/* Whether there is such a program. */
gboolean proxy_command_check (const char *program,
                              GError **error);

/* What runs while the tunnel is open. */
typedef struct _ProxyCommand ProxyCommand;

/* @exit_status is as a shell has it: 128 and the number if a signal has ended
 * the command. */
typedef void (*ProxyCommandEnd) (int exit_status,
                                 gpointer user_data);

ProxyCommand *proxy_command_start (const char *const *command,
                                   ProxyCommandEnd end,
                                   gpointer user_data,
                                   GError **error);
void proxy_command_free (ProxyCommand *self);

void proxy_command_send_signal (ProxyCommand *self,
                                int number);
/* One that has come to this program: it is the command's to end. */
void proxy_command_pass_on (ProxyCommand *self,
                            int number);

G_END_DECLS
