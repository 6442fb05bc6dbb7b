/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What calls are to come to, because somebody wants to see how clients cope. */
typedef struct _IstEmulatorFaults IstEmulatorFaults;

/* An error of the service, as it is told in an answer. */
typedef struct
{
  const char *type;
  guint status; /* 0: there is no answer, the connection is closed */
  const char *message;
} IstEmulatorFault;

/* What one call comes to. */
typedef struct
{
  const IstEmulatorFault *fault; /* NULL: what it comes to by itself */
  gboolean is_done;              /* the fault takes the place of the answer alone */
  guint delay;                   /* of the answer, in milliseconds */
} IstEmulatorOutcome;

IstEmulatorFaults *ist_emulator_faults_new (void);
void ist_emulator_faults_free (IstEmulatorFaults *self);

/* For the next @count calls, G_MAXUINT for all. @operation: (nullable): NULL for any.
 * Takes the place of what was asked for before; what is for one operation goes before
 * what is for any. IST_TUNNEL_ERROR_INVALID_SETTING for a name that there is not. */

/* @is_done: the work is done all the same. @error_type: (nullable): NULL for no more. */
gboolean ist_emulator_faults_set (IstEmulatorFaults *self,
                                  const char *operation,
                                  gboolean is_done,
                                  const char *error_type,
                                  guint count,
                                  GError **error);
/* @delay: of the answers, in milliseconds; 0 for no more. */
gboolean ist_emulator_faults_set_delay (IstEmulatorFaults *self,
                                        const char *operation,
                                        guint delay,
                                        guint count,
                                        GError **error);

IstEmulatorOutcome ist_emulator_faults_take (IstEmulatorFaults *self,
                                             const char *operation);

G_END_DECLS
