/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What systemd wants to know of a service, and gives it. When something else has
 * started the program these do nothing. */

void tool_systemd_notify_ready (const char *status);
void tool_systemd_notify_status (const char *status);
void tool_systemd_notify_reloading (void);
void tool_systemd_notify_stopping (void);

/* Tells that the main loop turns, as often as systemd wants to hear it. Returns
 * the id of a source, 0 if it doesn't. */
guint tool_systemd_start_watchdog (void);

typedef struct
{
  char *name;
  GSocket *socket;
} ToolSystemdSocket;

/* The listening sockets that systemd has opened for the program, of
 * ToolSystemdSocket. */
GPtrArray *tool_systemd_take_sockets (GError **error);

G_END_DECLS
