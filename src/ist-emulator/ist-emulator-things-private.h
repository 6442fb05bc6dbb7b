/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The things that an account of AWS IoT would have: those that were named, and those that
 * tunnels were opened to. None is forgotten. */
typedef struct _IstEmulatorThings IstEmulatorThings;

typedef struct
{
  char *name;
  char *type_name; /* nullable */
} IstEmulatorThing;

IstEmulatorThings *ist_emulator_things_new (void);
void ist_emulator_things_free (IstEmulatorThings *self);

/* One that is there already gets the type. @type_name: (nullable). FALSE with
 * IST_TUNNEL_ERROR_INVALID_SETTING for what is no name, or G_IO_ERROR_NO_SPACE. */
gboolean ist_emulator_things_add (IstEmulatorThings *self,
                                  const char *name,
                                  const char *type_name,
                                  GError **error);

/* Likewise of one that may be there already, with its type; not if there are too many.
 * @name: (nullable) */
void ist_emulator_things_note (IstEmulatorThings *self,
                               const char *name);

guint ist_emulator_things_get_n (IstEmulatorThings *self);
/* In the order in which they came. */
const IstEmulatorThing *ist_emulator_things_get (IstEmulatorThings *self,
                                                 guint position);

G_END_DECLS
