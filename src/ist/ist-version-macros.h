/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Everything is hidden but what carries one of these macros; a user of a later
 * version may ask to be warned of what is newer than the oldest version it
 * wants to run with, by defining IST_VERSION_MAX_ALLOWED. */
#ifndef _IST_EXTERN
#define _IST_EXTERN __attribute__ ((visibility ("default"))) extern
#endif

#define IST_VERSION_1_0 (G_ENCODE_VERSION (1, 0))

#ifndef IST_VERSION_MAX_ALLOWED
#define IST_VERSION_MAX_ALLOWED IST_VERSION_1_0
#endif

#if IST_VERSION_MAX_ALLOWED < IST_VERSION_1_0
#define IST_AVAILABLE_IN_1_0 _IST_EXTERN G_UNAVAILABLE (1, 0)
#else
#define IST_AVAILABLE_IN_1_0 _IST_EXTERN
#endif
