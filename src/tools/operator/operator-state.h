/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "tools/operator/operator-account-name.h"

G_BEGIN_DECLS

/* What must not be forgotten when the program dies: the tunnels that it has opened,
 * or was about to open. The file has no secrets, and is there as long as there is
 * something to remember. */
typedef struct _OperatorState OperatorState;

typedef struct
{
  OperatorAccountName account;
  char *thing;
  char *tunnel_id;   /* NULL: AWS was asked to open one, and has not been heard to answer */
  char *description; /* as it is known by until then; NULL of one that was not opened here */
  gboolean kept;
  gint64 at;     /* when it was written down first, in microseconds since 1970 */
  gboolean held; /* by OperatorLeftovers, who alone may remove it then */
} OperatorRecord;

/* Whoever goes on using one keeps a reference: others may remove it. */
OperatorRecord *operator_record_ref (OperatorRecord *self);
void operator_record_unref (OperatorRecord *self);

/* Reads what is there. Nobody else has the folder as long as this has it; waits a
 * little for one that is about to end. */
OperatorState *operator_state_new (const char *folder,
                                   GError **error);
void operator_state_free (OperatorState *self);

/* Of OperatorRecords. */
GPtrArray *operator_state_get_records (OperatorState *self);

/* When these return, it is on the disk, or a warning was logged. */
OperatorRecord *operator_state_add (OperatorState *self,
                                    const OperatorAccountName *account,
                                    const char *thing,
                                    const char *description);
void operator_state_set_tunnel (OperatorState *self,
                                OperatorRecord *record,
                                const char *tunnel_id,
                                gboolean kept);
/* Does nothing with one that was removed already. */
void operator_state_remove (OperatorState *self,
                            OperatorRecord *record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (OperatorRecord, operator_record_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OperatorState, operator_state_free)

G_END_DECLS
