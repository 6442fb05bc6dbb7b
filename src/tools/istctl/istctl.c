/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>

#include "tools/common/tool-operator-error.h"
#include "tools/common/tool-startup.h"
#ifdef HAVE_AGENT
#include "tools/istctl/ctl-agent-commands.h"
#endif
#include "tools/istctl/ctl-command.h"
#include "tools/istctl/ctl-operator.h"

#ifdef HAVE_AGENT
static const CtlCommand agent_commands[] = {
  { "list", NULL, N_ ("List the tunnels of this device, and their connections"), ctl_agent_list, NULL },
  { "watch", NULL, N_ ("Show them as they change"), ctl_agent_watch, NULL },
  { "stop", N_ ("TUNNEL…"), N_ ("Leave tunnels, by their numbers"), ctl_agent_stop, NULL },
  { "check", NULL, N_ ("Tell whether the agent is well, and what to do if not"), ctl_agent_check, NULL },
  { NULL },
};
#endif

/* As people look for them. */
static const CtlCommand commands[] = {
  { "connect", N_ ("THING SERVICE"), N_ ("Connect standard input and output to a service of a device"), ctl_connect },
  { "forward", N_ ("THING SERVICE [ADDRESS]"), N_ ("Make a service of a device reachable at a local address"),
    ctl_forward },
  { "open", N_ ("THING SERVICE…"), N_ ("Open a tunnel ahead of connections, and keep it"), ctl_open },
  { "close", N_ ("TUNNEL|THING|ADDRESS|CONNECTION"), N_ ("Close tunnels, and end forwards and connections"),
    ctl_close },
  { "things", NULL, N_ ("List the things of the account, which are the devices to connect to"), ctl_things },
  { "list", NULL, N_ ("List tunnels, connections and forwards"), ctl_list },
  { "watch", NULL, N_ ("Show tunnels and forwards as they change"), ctl_watch },
#ifdef HAVE_AGENT
  { "agent", NULL, N_ ("Look after the agent of this device"), NULL, agent_commands },
#endif
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
  return tool_startup_fail (error, tool_operator_error_get_exit_status (error));
}
