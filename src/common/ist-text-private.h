/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Text that somebody else wrote, fit for one line of a message: valid UTF-8 of at
 * most @max_length bytes, and nothing in it that a terminal, a log or whoever
 * reads lines takes for more than text. @length: -1 if @text ends with a NUL. */
char *ist_text_make_safe (const char *text,
                          gssize length,
                          gsize max_length);

G_END_DECLS
