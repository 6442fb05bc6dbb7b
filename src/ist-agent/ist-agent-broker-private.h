/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist-agent/ist-agent-settings-private.h"
#include "ist-mqtt/ist-mqtt-settings-private.h"

G_BEGIN_DECLS

/* What the agent's settings, among them a broker, say to MQTT. */
IstMqttSettings *ist_agent_broker_make_settings (const IstAgentSettings *settings,
                                                 GError **error);

G_END_DECLS
