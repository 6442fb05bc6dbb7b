/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Which tokens were seen; of more than fit, the last ones. Tokens are secrets, so
 * it keeps digests of them. */
typedef struct _IstAgentTokenMemory IstAgentTokenMemory;

#define IST_AGENT_TOKEN_MEMORY_SIZE 1024

IstAgentTokenMemory *ist_agent_token_memory_new (void);
void ist_agent_token_memory_free (IstAgentTokenMemory *self);

void ist_agent_token_memory_add (IstAgentTokenMemory *self,
                                 const char *token);
gboolean ist_agent_token_memory_contains (IstAgentTokenMemory *self,
                                          const char *token);

G_END_DECLS
