/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/istctl/ctl-state.h"

#include <glib/gi18n.h>

const char *
ctl_state_describe (const CtlState *states,
                    const char *state,
                    ToolStyle *style)
{
  for (; states->state != NULL; states++)
    {
      if (g_strcmp0 (states->state, state) != 0)
        continue;
      *style = states->style;
      return _ (states->word);
    }
  *style = TOOL_STYLE_PLAIN;
  return state;
}
