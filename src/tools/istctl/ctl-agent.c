/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/istctl/ctl-agent.h"

#include <glib/gi18n.h>
#include <sysexits.h>

#include "tools/agent/agent-bus-error.h"
#include "tools/common/tool-bus.h"
#include "tools/common/tool-error.h"

#define DEFAULT_BUS "system"
#define PATIENCE 10000 /* milliseconds, with an agent that does not answer */

/* Errors */

/* The exit status, 0 for an error that is none of D-Bus. @advice: what to say instead, or
 * NULL. */
static int
judge_error (const GError *error,
             const char **advice)
{
  *advice = NULL;
  if (g_error_matches (error, AGENT_BUS_ERROR, AGENT_BUS_ERROR_NO_SUCH_TUNNEL))
    return EX_NOINPUT;
  if (g_error_matches (error, AGENT_BUS_ERROR, AGENT_BUS_ERROR_NOT_ALLOWED) ||
      g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED))
    {
      *advice = _ ("Only root may do that: try it with sudo");
      return EX_NOPERM;
    }
  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
      g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
    {
      *advice = _ ("ist-agent is not on the bus: see “systemctl status ist-agent”");
      return EX_UNAVAILABLE;
    }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
      g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
      g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT))
    {
      *advice = _ ("ist-agent does not answer: see “journalctl -u ist-agent”");
      return EX_TEMPFAIL;
    }
  return error->domain == TOOL_ERROR || error->domain == G_OPTION_ERROR ? 0 : EX_UNAVAILABLE;
}

void
ctl_agent_mend_error (GError **error)
{
  const char *advice;
  int exit_status;

  if (error == NULL || *error == NULL)
    return;
  exit_status = judge_error (*error, &advice);
  if (exit_status == 0)
    return;
  g_dbus_error_strip_remote_error (*error);
  if (advice != NULL)
    {
      g_info ("%s", (*error)->message);
      g_clear_error (error);
      g_set_error_literal (error, TOOL_ERROR, exit_status, advice);
    }
  (*error)->domain = TOOL_ERROR;
  (*error)->code = exit_status;
}

/* The bus */

/* Proxies would wait for longer, each for itself. That there is no agent is no error. */
static gboolean
agent_ask (CtlAgent *self,
           GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GVariant) answer =
    g_dbus_connection_call_sync (self->connection, AGENT_BUS_NAME, AGENT_BUS_PATH, "org.freedesktop.DBus.Properties",
                                 "GetAll", g_variant_new ("(s)", "io.github.libist.Agent1"), G_VARIANT_TYPE ("(a{sv})"),
                                 G_DBUS_CALL_FLAGS_NO_AUTO_START, PATIENCE, NULL, &local);

  if (answer != NULL || g_error_matches (local, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
      g_error_matches (local, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
agent_connect (CtlAgent *self,
               const char *bus,
               GError **error)
{
  self->connection = tool_bus_connect (bus, error);
  if (self->connection == NULL)
    {
      if (error != NULL)
        {
          (*error)->domain = TOOL_ERROR;
          (*error)->code = EX_UNAVAILABLE;
        }
      return FALSE;
    }
  g_info (_ ("On the bus “%s” as %s"), bus, g_dbus_connection_get_unique_name (self->connection));
  /* An error of a name is given out with its own domain. */
  agent_bus_error_quark ();
  if (!agent_ask (self, error))
    return FALSE;
  self->agent = agent_dbus_agent1_proxy_new_sync (self->connection, G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START,
                                                  AGENT_BUS_NAME, AGENT_BUS_PATH, NULL, error);
  if (self->agent == NULL)
    return FALSE;
  self->manager = agent_dbus_object_manager_client_new_sync (self->connection,
                                                             G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_DO_NOT_AUTO_START,
                                                             AGENT_BUS_NAME, AGENT_BUS_PATH, NULL, error);
  return self->manager != NULL;
}

CtlAgent *
ctl_agent_new (CtlCall *call,
               const char *details,
               guint n_least,
               guint n_most,
               GError **error)
{
  g_autoptr (CtlAgent) self = g_new0 (CtlAgent, 1);
  g_autofree char *bus = NULL;
  const GOptionEntry entries[] = {
    { "bus", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &bus,
      N_ ("Look on this D-Bus: “system” (the default), “session” or an address"), N_ ("BUS") },
    { NULL },
  };

  if (!ctl_call_parse (call, entries, details, n_least, n_most, error))
    return NULL;
  if (agent_connect (self, bus != NULL ? bus : DEFAULT_BUS, error))
    return g_steal_pointer (&self);
  ctl_agent_mend_error (error);
  return NULL;
}

void
ctl_agent_free (CtlAgent *self)
{
  g_clear_object (&self->manager);
  g_clear_object (&self->agent);
  g_clear_object (&self->connection);
  g_free (self);
}

gboolean
ctl_agent_is_running (CtlAgent *self)
{
  g_autofree char *owner = g_dbus_proxy_get_name_owner (G_DBUS_PROXY (self->agent));

  return owner != NULL;
}

gboolean
ctl_agent_require (CtlAgent *self,
                   GError **error)
{
  if (ctl_agent_is_running (self))
    return TRUE;
  g_set_error_literal (error, TOOL_ERROR, EX_UNAVAILABLE,
                       _ ("ist-agent is not on the bus: see “systemctl status ist-agent”"));
  return FALSE;
}
