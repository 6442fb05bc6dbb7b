/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/tool-operator-bus.h"
#include "tools/common/tool-operator-link.h"
#include "tools/istctl/ctl-list.h"
#include "tools/istctl/ctl-operator.h"
#include "tools/istctl/ctl-watch.h"

/* Lines of the screen's head. */
#define HEAD_LINES 1

typedef struct
{
  GDBusConnection *connection;
  GDBusObjectManager *manager;
  GCancellable *cancellable;
} Watch;

static gboolean
watch_is_running (Watch *self)
{
  g_autofree char *owner =
    g_dbus_object_manager_client_get_name_owner (G_DBUS_OBJECT_MANAGER_CLIENT (self->manager));

  return owner != NULL;
}

/* The screen */

static void
on_draw (ToolScreen *screen,
         gpointer user_data)
{
  Watch *self = user_data;
  g_autoptr (ToolTable) tunnels = NULL;
  g_autoptr (ToolTable) forwards = NULL;

  tool_screen_add (screen, TOOL_STYLE_TITLE, "ist-operator");
  if (!watch_is_running (self))
    {
      tool_screen_add_empty (screen);
      tool_screen_add (screen, TOOL_STYLE_FAINT, _ ("It does not run, for there is nothing to do; waiting for it"));
      return;
    }
  tunnels = ctl_list_make_tunnel_table (self->manager);
  forwards = ctl_list_make_forward_table (self->manager);
  ctl_watch_draw_tables (screen, HEAD_LINES, tunnels, forwards);
}

/* Lines */

static char *
describe_tunnel (BusOperator1Tunnel *tunnel)
{
  ToolStyle style;
  const char *state = ctl_list_describe_state (bus_operator1_tunnel_get_state (tunnel), &style);
  const char *reason = bus_operator1_tunnel_get_last_error (tunnel);
  gboolean has_reason = style != TOOL_STYLE_GOOD && reason != NULL && *reason != '\0';

  return g_strdup_printf (_ ("Tunnel %s to %s: %s%s%s"), bus_operator1_tunnel_get_tunnel_id (tunnel),
                          bus_operator1_tunnel_get_thing_name (tunnel), state, has_reason ? ": " : "",
                          has_reason ? reason : "");
}

static char *
describe_connection (BusOperator1Connection *connection,
                     gboolean is_there)
{
  g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, bus_operator1_connection_get_id (connection));

  return g_strdup_printf (is_there ? _ ("Connection %s of %s") : _ ("Connection %s of %s: closed"), id,
                          bus_operator1_connection_get_service (connection));
}

static char *
describe (GDBusProxy *proxy,
          gboolean is_there)
{
  if (BUS_IS_OPERATOR1_TUNNEL (proxy))
    return describe_tunnel (BUS_OPERATOR1_TUNNEL (proxy));
  if (BUS_IS_OPERATOR1_FORWARD (proxy))
    return g_strdup_printf (is_there ? _ ("%s of %s is at %s") : _ ("%s of %s is no longer at %s"),
                            bus_operator1_forward_get_service (BUS_OPERATOR1_FORWARD (proxy)),
                            bus_operator1_forward_get_thing_name (BUS_OPERATOR1_FORWARD (proxy)),
                            bus_operator1_forward_get_address (BUS_OPERATOR1_FORWARD (proxy)));
  return describe_connection (BUS_OPERATOR1_CONNECTION (proxy), is_there);
}

/* The service */

/* As long as it is watched it stays, if it is there. */
static void
on_owner_changed (GDBusObjectManager *manager,
                  GParamSpec *property,
                  gpointer user_data)
{
  Watch *self = user_data;

  if (watch_is_running (self))
    g_dbus_connection_call (self->connection, TOOL_OPERATOR_NAME, TOOL_OPERATOR_PATH, TOOL_OPERATOR_INTERFACE, "Watch",
                            NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, self->cancellable, NULL, NULL);
}

static gboolean
watch_run (Watch *self,
           CtlWatch *watch,
           GError **error)
{
  const CtlWatchKind kinds[] = {
    { BUS_TYPE_OPERATOR1_TUNNEL, "tunnel" },
    { BUS_TYPE_OPERATOR1_CONNECTION, "connection" },
    { BUS_TYPE_OPERATOR1_FORWARD, "forward" },
  };
  gboolean good;

  g_signal_connect (self->manager, "notify::name-owner", G_CALLBACK (on_owner_changed), self);
  on_owner_changed (self->manager, NULL, self);
  ctl_watch_follow (watch, self->connection, self->manager, kinds, G_N_ELEMENTS (kinds));
  good = ctl_watch_run (watch, error);
  g_cancellable_cancel (self->cancellable);
  g_signal_handlers_disconnect_by_data (self->manager, self);
  return good;
}

int
ctl_watch (CtlCall *call,
           GError **error)
{
  g_autoptr (ToolOperatorLink) link = NULL;
  g_autoptr (GDBusObjectManager) manager = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (CtlWatch) watch = NULL;
  Watch self = { .cancellable = cancellable };

  if (!ctl_call_parse (call, NULL,
                       _ ("On a terminal it is a screen, which Ctrl-C ends; elsewhere, and with --json, a line for "
                          "each change."),
                       0, 0, error))
    return EXIT_FAILURE;
  link = tool_operator_link_new_passive (error);
  if (link != NULL)
    manager = ctl_operator_get_objects (tool_operator_link_get_connection (link), error);
  if (manager == NULL)
    return EXIT_FAILURE;
  self.connection = tool_operator_link_get_connection (link);
  self.manager = manager;
  watch = ctl_watch_new (call->json, on_draw, describe, &self);
  return watch_run (&self, watch, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
