/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-log.h"
#include "tools/common/tool-startup.h"
#include "tools/istctl/ctl-command.h"

/* As people look for them. */
static const CtlCommand commands[] = {
  { NULL },
};

int
main (int argc,
      char **argv)
{
  g_autoptr (GError) error = NULL;
  int exit_status;

  tool_startup_init ("istctl", "istctl: ");
  exit_status = ctl_command_run (commands, _ ("Tunnels of AWS IoT Secure Tunneling, for people and scripts."), argc,
                                 argv, &error);
  if (error == NULL)
    return exit_status;
  tool_log_fatal ("%s", error->message);
  return tool_error_get_exit_status (error);
}
