/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-block-private.h"

/* A connection at full speed has about so many on their way. */
#define MAX_SPARE 4

static GMutex mutex;
static guint8 *spare[MAX_SPARE]; /* guarded by the mutex */
static guint n_spare;

guint8 *
ist_block_new (void)
{
  guint8 *block = NULL;

  g_mutex_lock (&mutex);
  if (n_spare > 0)
    block = spare[--n_spare];
  g_mutex_unlock (&mutex);

  return block != NULL ? block : g_malloc (IST_BLOCK_SIZE);
}

void
ist_block_free (guint8 *block)
{
  g_mutex_lock (&mutex);
  if (n_spare < MAX_SPARE)
    spare[n_spare++] = g_steal_pointer (&block);
  g_mutex_unlock (&mutex);

  g_free (block);
}

GBytes *
ist_block_free_to_bytes (guint8 *block,
                         gsize size)
{
  return g_bytes_new_with_free_func (block, size, (GDestroyNotify) ist_block_free, block);
}
