/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Hundreds of tunnels may want to shake hands at the same moment. GIO does no more
 * than ten of them at once, but makes what each needs beforehand: that takes megabytes
 * where the authorities are those of a system. So each waits for its turn; behind
 * servers that do not answer, a tenth of a second for each that waits before it. */

typedef void (*IstTlsTurnFunc) (GTask *task);

/* Calls @func when it is @task's turn, in its context; at once if nobody is before
 * it. A task that is cancelled while it waits returns that, and has no turn. */
void ist_tls_turns_wait (GTask *task,
                         IstTlsTurnFunc func);

/* A turn is over. */
void ist_tls_turns_end (GTask *task);

G_END_DECLS
