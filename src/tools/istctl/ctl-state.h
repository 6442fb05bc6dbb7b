/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tools/common/tool-table.h"

G_BEGIN_DECLS

/* A state that D-Bus has, the word for it, to be translated, and how that looks. */
typedef struct
{
  const char *state;
  const char *word;
  ToolStyle style;
} CtlState;

/* In the user's language. @states: up to one without a state; one that is not among
 * them is its own word. */
const char *ctl_state_describe (const CtlState *states,
                                const char *state,
                                ToolStyle *style);

G_END_DECLS
