/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-things-private.h"

#include <ist/ist.h>

#include "common/ist-names-private.h"

/* As many as there may be open tunnels, each to another one. */
#define MAX_THINGS 10000

struct _IstEmulatorThings
{
  GPtrArray *all;    /* owned */
  GHashTable *names; /* name -> thing */
};

static void
thing_free (gpointer data)
{
  IstEmulatorThing *self = data;

  g_free (self->name);
  g_free (self->type_name);
  g_free (self);
}

IstEmulatorThings *
ist_emulator_things_new (void)
{
  IstEmulatorThings *self = g_new0 (IstEmulatorThings, 1);

  self->all = g_ptr_array_new_with_free_func (thing_free);
  self->names = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
ist_emulator_things_free (IstEmulatorThings *self)
{
  g_hash_table_unref (self->names);
  g_ptr_array_unref (self->all);
  g_free (self);
}

static IstEmulatorThing *
things_append (IstEmulatorThings *self,
               const char *name)
{
  IstEmulatorThing *thing = g_new0 (IstEmulatorThing, 1);

  thing->name = g_strdup (name);
  g_ptr_array_add (self->all, thing);
  g_hash_table_insert (self->names, thing->name, thing);
  return thing;
}

gboolean
ist_emulator_things_add (IstEmulatorThings *self,
                         const char *name,
                         const char *type_name,
                         GError **error)
{
  IstEmulatorThing *thing = g_hash_table_lookup (self->names, name);

  if (!ist_name_is_valid (name) || (type_name != NULL && !ist_name_is_valid (type_name)))
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                   "Invalid name of a thing or of its type: it must match ^" IST_NAME_PATTERN "$");
      return FALSE;
    }
  if (thing == NULL && self->all->len >= MAX_THINGS)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "There are %u things already", self->all->len);
      return FALSE;
    }
  if (thing == NULL)
    thing = things_append (self, name);
  g_free (thing->type_name);
  thing->type_name = g_strdup (type_name);
  return TRUE;
}

void
ist_emulator_things_note (IstEmulatorThings *self,
                          const char *name)
{
  if (name != NULL && self->all->len < MAX_THINGS && !g_hash_table_contains (self->names, name))
    things_append (self, name);
}

guint
ist_emulator_things_get_n (IstEmulatorThings *self)
{
  return self->all->len;
}

const IstEmulatorThing *
ist_emulator_things_get (IstEmulatorThings *self,
                         guint position)
{
  return g_ptr_array_index (self->all, position);
}
