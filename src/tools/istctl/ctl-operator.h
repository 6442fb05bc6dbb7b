/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/common/operator-bus.h"
#include "tools/common/tool-operator-settings.h"
#include "tools/istctl/ctl-command.h"

G_BEGIN_DECLS

/* What the commands for operators have in common. */

int ctl_connect (CtlCall *call,
                 GError **error);
int ctl_forward (CtlCall *call,
                 GError **error);
int ctl_open (CtlCall *call,
              GError **error);
int ctl_close (CtlCall *call,
               GError **error);
int ctl_things (CtlCall *call,
                GError **error);
int ctl_list (CtlCall *call,
              GError **error);
int ctl_watch (CtlCall *call,
               GError **error);

/* The options that say which tunnel will do, for ctl_operator_parse(). */
#define CTL_TUNNEL_ENTRIES(settings) \
  { "reuse", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &(settings).reuse, \
    N_ ("Use “own” tunnels (the default), “any” open one, or “never” one that is there"), N_ ("WHICH") }, \
  { "lifetime", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &(settings).lifetime, \
    N_ ("Have AWS close a new tunnel after so long (default: 12 hours)"), N_ ("MINUTES") }, \
  { "timeout", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &(settings).timeout, \
    N_ ("Give the device so long to connect to its tunnel (default: 60)"), N_ ("SECONDS") }

/* Of an operator's own command, and those that say whose tunnels are meant, and
 * which. */
gboolean ctl_operator_parse (CtlCall *call,
                             ToolOperatorSettings *settings,
                             const GOptionEntry *entries,
                             const char *details,
                             guint n_least,
                             guint n_most,
                             GError **error);

/* The name of a thing as users may write it, with ".thing" at the end; NULL if it is
 * none. */
char *ctl_operator_parse_thing (const char *text,
                                GError **error);
gboolean ctl_operator_check_service (const char *name,
                                     GError **error);

/* The service's objects; it is not started for that. */
GDBusObjectManager *ctl_operator_get_objects (GDBusConnection *connection,
                                              GError **error);

G_END_DECLS
