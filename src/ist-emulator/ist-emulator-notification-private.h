/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator-tunnel.h>

G_BEGIN_DECLS

/* What AWS tells a thing by MQTT so that it connects to @tunnel: a JSON object
 * with the destination's access token. */
GBytes *ist_emulator_notification_new (IstEmulatorTunnel *tunnel);

G_END_DECLS
