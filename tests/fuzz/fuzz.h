/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stddef.h>
#include <stdint.h>

/* What each target defines: libFuzzer calls it, or fuzz-replay.c. */
int LLVMFuzzerTestOneInput (const uint8_t *data,
                            size_t size);
