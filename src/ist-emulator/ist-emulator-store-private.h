/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist-emulator/ist-emulator-record-private.h"

G_BEGIN_DECLS

/* A folder with a file for each tunnel, and a lock for its one user. */
typedef struct _IstEmulatorStore IstEmulatorStore;

/* Makes the folder if there is none, for nobody else to read. */
IstEmulatorStore *ist_emulator_store_open (const char *folder,
                                           GError **error);
void ist_emulator_store_free (IstEmulatorStore *self);

/* (element-type IstEmulatorRecord) in the order of their sequence; fails if
 * there is a file that can't be understood. */
GPtrArray *ist_emulator_store_load (IstEmulatorStore *self,
                                    GError **error);

/* On the disk when it returns TRUE; else the file is as it was. */
gboolean ist_emulator_store_save (IstEmulatorStore *self,
                                  IstEmulatorRecord *record,
                                  GError **error);
void ist_emulator_store_remove (IstEmulatorStore *self,
                                IstEmulatorRecord *record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstEmulatorStore, ist_emulator_store_free)

G_END_DECLS
