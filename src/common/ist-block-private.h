/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Blocks of memory that data is read into, and that then become bytes without a
 * copy. A few that were given back are kept for the next who needs one: the C
 * library returns blocks of this size to the system when the last ones are freed,
 * and each page of the next is cleared and mapped anew, which costs more than to
 * move the data through it. Any thread. */

/* What one message of a tunnel carries. */
#define IST_BLOCK_SIZE 64512

guint8 *ist_block_new (void);
void ist_block_free (guint8 *block);

/* The first @size bytes of @block, which is taken over. */
GBytes *ist_block_free_to_bytes (guint8 *block,
                                 gsize size);

G_END_DECLS
