/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Keeps what is read within a bandwidth, by a token bucket. Something is read as
 * a whole, so the bucket may be in debt: then nothing should be read until it has
 * been paid off. */
typedef struct _IstEmulatorThrottle IstEmulatorThrottle;

/* A debt was paid off. */
typedef void (*IstEmulatorThrottleFunc) (gpointer user_data);

/* Without a limit until one is set. */
IstEmulatorThrottle *ist_emulator_throttle_new (IstEmulatorThrottleFunc paid_off,
                                                gpointer user_data);
void ist_emulator_throttle_free (IstEmulatorThrottle *self);

/* 0 for no limit; a debt is forgiven. */
void ist_emulator_throttle_set_bandwidth (IstEmulatorThrottle *self,
                                          guint bytes_per_second);

/* So many bytes were read. */
void ist_emulator_throttle_spend (IstEmulatorThrottle *self,
                                  gsize size);
gboolean ist_emulator_throttle_is_in_debt (IstEmulatorThrottle *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstEmulatorThrottle, ist_emulator_throttle_free)

G_END_DECLS
