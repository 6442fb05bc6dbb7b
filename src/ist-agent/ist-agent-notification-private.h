/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the service tells a device of a tunnel that was opened to it. */
typedef struct
{
  char *access_token;
  char *region;
  char **services;
} IstAgentNotification;

/* Nothing of what it says comes into an error: it could be the token. */
IstAgentNotification *ist_agent_notification_parse (GBytes *bytes,
                                                    GError **error);
void ist_agent_notification_free (IstAgentNotification *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstAgentNotification, ist_agent_notification_free)

G_END_DECLS
