/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/proxy/proxy-options.h"

G_BEGIN_DECLS

/* What the options, the environment or the @mappings (of ProxyMapping) ask of a tunnel that
 * one which is shared can't do, for people; NULL if there is nothing. */
char *proxy_obstacle_find (const ProxyOptions *options,
                           GPtrArray *mappings);

G_END_DECLS
