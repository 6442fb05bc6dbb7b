/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist.h>

G_BEGIN_DECLS

/* The streams of a tunnel as the service follows them, and what it therefore
 * lets its clients say. Does no I/O. */
typedef struct _IstEmulatorStreams IstEmulatorStreams;

IstEmulatorStreams *ist_emulator_streams_new (const char *const *services);
void ist_emulator_streams_free (IstEmulatorStreams *self);

const char *const *ist_emulator_streams_get_services (IstEmulatorStreams *self);

/* A client has come to a side, which must be free. */
void ist_emulator_streams_join (IstEmulatorStreams *self,
                                IstMode side);
/* It has left. Returns what tells the other side that its streams are over, each
 * in its own form: (element-type IstMessage) */
GPtrArray *ist_emulator_streams_leave (IstEmulatorStreams *self,
                                       IstMode side);
/* The service ends all streams. */
void ist_emulator_streams_reset (IstEmulatorStreams *self);

/* A message has come from the client of a side. NULL, or which rule it breaks; *@pass:
 * whether it is for the other side. */
const char *ist_emulator_streams_take (IstEmulatorStreams *self,
                                       IstMode from,
                                       const IstMessage *message,
                                       gboolean *pass);

static inline IstMode
ist_emulator_other_side (IstMode side)
{
  return side == IST_MODE_SOURCE ? IST_MODE_DESTINATION : IST_MODE_SOURCE;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstEmulatorStreams, ist_emulator_streams_free)

G_END_DECLS
