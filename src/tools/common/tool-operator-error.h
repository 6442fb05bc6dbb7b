/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Makes a control plane's error one of TOOL_ERROR, and leaves others as they are. Takes
 * @error. */
GError *tool_operator_error_translate (GError *error);

G_END_DECLS
