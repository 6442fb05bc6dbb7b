/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-agent/ist-agent-device.h>

#include "ist-agent/ist-agent-settings-private.h"

G_BEGIN_DECLS

const IstAgentSettings *ist_agent_device_get_settings (IstAgentDevice *self);

G_END_DECLS
