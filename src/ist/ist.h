/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#define IST_INSIDE
#include <ist/ist-connection.h>
#include <ist/ist-enums.h>
#include <ist/ist-forwarder-connection.h>
#include <ist/ist-forwarder.h>
#include <ist/ist-message.h>
#include <ist/ist-secure-tunnel-builder.h>
#include <ist/ist-secure-tunnel.h>
#include <ist/ist-stream-info.h>
#include <ist/ist-tunnel-error.h>
#include <ist/ist-version-macros.h>
#include <ist/ist-version.h>
#undef IST_INSIDE
