/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Takes a secret out of what somebody else wrote, so that it can be shown; also
 * a beginning of the secret at the end of @text, where it may have been cut. */
void ist_redact (GString *text,
                 const char *secret);

G_END_DECLS
