/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator.h>

G_BEGIN_DECLS

/* What the command line and the environment say of whose tunnels are meant, and
 * which. NULL and 0 are as the AWS tools, and the service, have it. */
typedef struct
{
  char *profile;
  char *region;
  char *endpoint_url;
  char *ca_file;
  char *reuse; /* the nick of an IstOperatorReuse */
  int lifetime; /* minutes */
  int timeout;  /* seconds */
  gboolean no_share;
  gboolean of_things; /* what is asked for is their list, which may be elsewhere */
  char *obstacle; /* something else that the service can't do, for people */
} ToolOperatorSettings;

void tool_operator_settings_clear (ToolOperatorSettings *self);

/* Checks what was set, and fills in what only this environment knows: the service was
 * started in another one. */
gboolean tool_operator_settings_complete (ToolOperatorSettings *self,
                                          GError **error);

/* Why the service must not be asked, for people; NULL if it may be. */
char *tool_operator_settings_get_obstacle (const ToolOperatorSettings *self);

/* As the service takes them. */
GVariantDict *tool_operator_settings_to_options (const ToolOperatorSettings *self);
IstOperatorClient *tool_operator_settings_make_client (const ToolOperatorSettings *self,
                                                       GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolOperatorSettings, tool_operator_settings_clear)

G_END_DECLS
