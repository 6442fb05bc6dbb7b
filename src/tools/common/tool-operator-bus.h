/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where it is. */
#define TOOL_OPERATOR_NAME "io.github.libist.Operator1"
#define TOOL_OPERATOR_PATH "/io/github/libist/Operator"
#define TOOL_OPERATOR_INTERFACE "io.github.libist.Operator1"

/* How errors cross the bus between ist-operator and its callers: those of
 * libist-operator, of tunnels, and the service's own have names there. */

#define TOOL_OPERATOR_ERROR (tool_operator_error_quark ())

GQuark tool_operator_error_quark (void);

typedef enum
{
  TOOL_OPERATOR_ERROR_NO_SUCH_OBJECT,
  TOOL_OPERATOR_ERROR_LEAVING, /* repeat the call */
} ToolOperatorError;

/* Before the first call, at both ends. */
void tool_operator_bus_init (void);

G_END_DECLS
