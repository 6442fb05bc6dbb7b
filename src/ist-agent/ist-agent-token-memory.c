/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-agent/ist-agent-token-memory-private.h"

struct _IstAgentTokenMemory
{
  GHashTable *digests;
  GQueue order; /* in which they came; owned by the table */
};

IstAgentTokenMemory *
ist_agent_token_memory_new (void)
{
  IstAgentTokenMemory *self = g_new0 (IstAgentTokenMemory, 1);

  self->digests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&self->order);
  return self;
}

void
ist_agent_token_memory_free (IstAgentTokenMemory *self)
{
  g_queue_clear (&self->order);
  g_hash_table_unref (self->digests);
  g_free (self);
}

static char *
token_memory_digest (const char *token)
{
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, token, -1);
}

void
ist_agent_token_memory_add (IstAgentTokenMemory *self,
                            const char *token)
{
  char *digest = token_memory_digest (token);

  if (!g_hash_table_add (self->digests, digest))
    return;
  g_queue_push_tail (&self->order, digest);
  if (g_queue_get_length (&self->order) > IST_AGENT_TOKEN_MEMORY_SIZE)
    g_hash_table_remove (self->digests, g_queue_pop_head (&self->order));
}

gboolean
ist_agent_token_memory_contains (IstAgentTokenMemory *self,
                                 const char *token)
{
  g_autofree char *digest = token_memory_digest (token);

  return g_hash_table_contains (self->digests, digest);
}
