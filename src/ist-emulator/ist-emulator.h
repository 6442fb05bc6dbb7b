/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#define IST_EMULATOR_INSIDE
#include <ist-emulator/ist-emulator-service.h>
#include <ist-emulator/ist-emulator-tunnel.h>
#undef IST_EMULATOR_INSIDE
