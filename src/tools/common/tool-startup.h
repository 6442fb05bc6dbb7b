/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Before anything else in a program: makes sure that the numbers of standard
 * input, output and error are taken, so that no socket can get one of them and,
 * with it, what is meant for a terminal. Reading from one that was closed, or
 * writing to it, fails as before. */
void tool_startup_guard_descriptors (void);

G_END_DECLS
