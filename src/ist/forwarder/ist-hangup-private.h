/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What the program at the other end of a local stream, which has ended its
 * output, can still do. */
typedef enum
{
  IST_HANGUP_UNKNOWN, /* it runs on another machine */
  IST_HANGUP_HALF,    /* it can still read */
  IST_HANGUP_FULL,    /* it has closed the stream, or has exited */
} IstHangup;

/* The kernel is asked over one socket, which is there as long as somebody holds
 * it: when it is needed, there may be no descriptor for another. */
void ist_hangup_hold (void);
void ist_hangup_release (void);

IstHangup ist_hangup_check (GIOStream *stream);

G_END_DECLS
