/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#define IST_AGENT_INSIDE
#include <ist-agent/ist-agent-device.h>
#include <ist-agent/ist-agent-device-error.h>
#include <ist-agent/ist-agent-tunnel.h>
#undef IST_AGENT_INSIDE
