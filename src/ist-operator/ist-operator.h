/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#define IST_OPERATOR_INSIDE
#include <ist-operator/ist-operator-client-error.h>
#include <ist-operator/ist-operator-client.h>
#include <ist-operator/ist-operator-control-plane-error.h>
#include <ist-operator/ist-operator-control-plane.h>
#include <ist-operator/ist-operator-credentials.h>
#include <ist-operator/ist-operator-forward.h>
#include <ist-operator/ist-operator-options.h>
#include <ist-operator/ist-operator-thing.h>
#include <ist-operator/ist-operator-tunnel-access.h>
#include <ist-operator/ist-operator-tunnel-description.h>
#include <ist-operator/ist-operator-tunnel.h>
#undef IST_OPERATOR_INSIDE
