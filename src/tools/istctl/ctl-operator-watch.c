/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-operator-bus.h"
#include "tools/common/tool-operator-link.h"
#include "tools/istctl/ctl-list.h"
#include "tools/istctl/ctl-operator.h"
#include "tools/istctl/ctl-watch.h"

/* Lines of the screen beside the tables: two of the head, and one before the second. */
#define OTHER_LINES 3

typedef struct
{
  GDBusConnection *connection;
  GDBusObjectManager *manager;
  GCancellable *cancellable;
  CtlWatch *watch;
  gboolean json;
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
  guint n_lines = MAX (tool_screen_get_n_lines (screen), OTHER_LINES + 4) - OTHER_LINES;
  g_autoptr (ToolTable) tunnels = NULL;
  g_autoptr (ToolTable) forwards = NULL;
  guint n_tunnels;
  guint n_forwards;

  tool_screen_add (screen, TOOL_STYLE_TITLE, "ist-operator");
  tool_screen_add_empty (screen);
  if (!watch_is_running (self))
    {
      tool_screen_add (screen, TOOL_STYLE_FAINT, _ ("It does not run, for there is nothing to do; waiting for it"));
      return;
    }
  tunnels = ctl_list_make_tunnel_table (self->manager);
  forwards = ctl_list_make_forward_table (self->manager);
  n_forwards = tool_table_get_n_rows (forwards) > 0 ? tool_table_get_n_rows (forwards) + 1 : 0;
  n_tunnels = tool_table_get_n_rows (tunnels) + 1;
  /* With their titles. Each gets half, and what the other one leaves. */
  n_tunnels = MIN (n_tunnels, MAX (n_lines / 2, n_lines - MIN (n_lines, n_forwards)));
  tool_screen_add_table (screen, tunnels, n_tunnels);
  if (n_forwards == 0)
    return;
  tool_screen_add_empty (screen);
  tool_screen_add_table (screen, forwards, n_lines - n_tunnels);
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
  return g_strdup_printf (is_there ? _ ("Connection of %s") : _ ("Connection of %s: closed"),
                          bus_operator1_connection_get_service (BUS_OPERATOR1_CONNECTION (proxy)));
}

static void
watch_tell (Watch *self,
            const char *event,
            GDBusProxy *proxy)
{
  const char *type = "connection";
  g_autofree char *text = NULL;

  if (BUS_IS_OPERATOR1_TUNNEL (proxy))
    type = "tunnel";
  else if (BUS_IS_OPERATOR1_FORWARD (proxy))
    type = "forward";
  if (self->json)
    {
      ctl_watch_tell_json (self->watch, event, type, proxy);
      return;
    }
  text = describe (proxy, !g_str_equal (event, "removed"));
  ctl_watch_tell_text (self->watch, proxy, text);
}

/* Changes */

static void
on_object_changed (GDBusObjectManagerClient *manager,
                   GDBusObjectProxy *object,
                   GDBusProxy *proxy,
                   GVariant *changed,
                   const char *const *invalidated,
                   gpointer user_data)
{
  if (ctl_watch_is_of_interest (changed))
    watch_tell (user_data, "changed", proxy);
}

static void
watch_tell_object (Watch *self,
                   const char *event,
                   GDBusObject *object)
{
  GList *interfaces = g_dbus_object_get_interfaces (object);

  for (GList *l = interfaces; l != NULL; l = l->next)
    {
      if (BUS_IS_OPERATOR1_TUNNEL (l->data) || BUS_IS_OPERATOR1_CONNECTION (l->data) ||
          BUS_IS_OPERATOR1_FORWARD (l->data))
        watch_tell (self, event, l->data);
    }
  g_list_free_full (interfaces, g_object_unref);
}

static void
on_object_added (GDBusObjectManager *manager,
                 GDBusObject *object,
                 gpointer user_data)
{
  watch_tell_object (user_data, "added", object);
}

static void
on_object_removed (GDBusObjectManager *manager,
                   GDBusObject *object,
                   gpointer user_data)
{
  watch_tell_object (user_data, "removed", object);
}

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

static void
on_bus_closed (GDBusConnection *connection,
               gboolean vanished,
               GError *reason,
               gpointer user_data)
{
  Watch *self = user_data;
  g_autoptr (GError) error = NULL;

  error = g_error_new (TOOL_ERROR, EX_UNAVAILABLE, _ ("The bus has ended: %s"),
                       reason != NULL ? reason->message : "-");
  ctl_watch_fail (self->watch, error);
}

static void
watch_connect (Watch *self)
{
  g_signal_connect (self->connection, "closed", G_CALLBACK (on_bus_closed), self);
  g_signal_connect (self->manager, "notify::name-owner", G_CALLBACK (on_owner_changed), self);
  g_signal_connect (self->manager, "object-added", G_CALLBACK (on_object_added), self);
  g_signal_connect (self->manager, "object-removed", G_CALLBACK (on_object_removed), self);
  g_signal_connect (self->manager, "interface-proxy-properties-changed", G_CALLBACK (on_object_changed), self);
  on_owner_changed (self->manager, NULL, self);
}

static void
watch_disconnect (Watch *self)
{
  g_cancellable_cancel (self->cancellable);
  g_signal_handlers_disconnect_by_data (self->connection, self);
  g_signal_handlers_disconnect_by_data (self->manager, self);
}

static void
watch_tell_all (Watch *self)
{
  GList *objects = g_dbus_object_manager_get_objects (self->manager);

  for (GList *l = objects; l != NULL; l = l->next)
    watch_tell_object (self, "added", l->data);
  g_list_free_full (objects, g_object_unref);
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
  gboolean good;

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
  self.json = call->json;
  self.watch = watch = ctl_watch_new (call->json, on_draw, &self);
  if (ctl_watch_is_lines (watch))
    watch_tell_all (&self);
  watch_connect (&self);
  good = ctl_watch_run (watch, error);
  watch_disconnect (&self);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
