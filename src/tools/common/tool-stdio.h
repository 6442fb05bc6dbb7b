/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Standard input and output as one stream. Undoes what it has to do to them
 * when it is finalized: they may be shared with other programs. */
GIOStream *tool_stdio_new (GError **error);

G_END_DECLS
