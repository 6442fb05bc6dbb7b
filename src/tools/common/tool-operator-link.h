/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gunixfdlist.h>

#include "tools/common/tool-operator-settings.h"

G_BEGIN_DECLS

/* The session's ist-operator, as its callers have it. */
typedef struct _ToolOperatorLink ToolOperatorLink;

/* Starts it. NULL if there is none, or it must not be asked; why, is told with -v. */
ToolOperatorLink *tool_operator_link_new (const ToolOperatorSettings *settings);
/* Also if it does not run, which it need not. */
ToolOperatorLink *tool_operator_link_new_passive (GError **error);
void tool_operator_link_free (ToolOperatorLink *self);

GDBusConnection *tool_operator_link_get_connection (ToolOperatorLink *self);

/* Whether there is still the bus that it is on; the error says that it is gone. */
gboolean tool_operator_link_check_bus (ToolOperatorLink *self,
                                       GError **error);

/* Ends what is waited for with G_IO_ERROR_CANCELLED, now and from now on. */
void tool_operator_link_cancel (ToolOperatorLink *self);

/* Calls one of its methods, tells of the progress with -v, and waits for the answer;
 * calls again when it was about to end, or has died over it. @parameters: a tuple,
 * floating. @type: of the answer. @fds: (nullable) */
GVariant *tool_operator_link_call (ToolOperatorLink *self,
                                   const char *method,
                                   GVariant *parameters,
                                   const char *type,
                                   GUnixFDList **fds,
                                   GError **error);

/* Opens a tunnel, and waits for the device. Returns the path of its object. @keep: also
 * when this program has ended. */
char *tool_operator_link_open (ToolOperatorLink *self,
                               const ToolOperatorSettings *settings,
                               const char *thing,
                               const char *const *services,
                               gboolean keep,
                               GError **error);

/* Connects, and carries @stdio to the end of the connection. */
gboolean tool_operator_link_carry (ToolOperatorLink *self,
                                   const ToolOperatorSettings *settings,
                                   const char *thing,
                                   const char *service,
                                   GIOStream *stdio,
                                   GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolOperatorLink, tool_operator_link_free)

G_END_DECLS
