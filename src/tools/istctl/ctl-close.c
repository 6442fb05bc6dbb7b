/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/tool-operator-bus.h"
#include "tools/common/tool-operator-link.h"
#include "tools/istctl/ctl-objects.h"
#include "tools/istctl/ctl-operator.h"
#include "tools/istctl/ctl-print.h"

typedef struct
{
  ToolOperatorLink *link;
  const char *wanted; /* an id, an address, the name of a thing, or a connection's number or path */
  const char *thing;  /* NULL if it is no name */
  GPtrArray *closed;  /* of ids, addresses and numbers */
} Close;

/* Meanwhile the main context runs, and properties change. */
static gboolean
close_object (Close *self,
              const char *method,
              GDBusProxy *proxy,
              const char *name,
              GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GVariant) answer = NULL;

  answer = tool_operator_link_call (self->link, method, g_variant_new ("(o)", g_dbus_proxy_get_object_path (proxy)),
                                    "()", NULL, &local);
  /* Somebody else was faster. */
  if (answer != NULL || g_error_matches (local, TOOL_OPERATOR_ERROR, TOOL_OPERATOR_ERROR_NO_SUCH_OBJECT))
    return TRUE;

  g_propagate_prefixed_error (error, g_steal_pointer (&local), "%s: ", name);
  return FALSE;
}

static gboolean
close_forwards (Close *self,
                GDBusObjectManager *manager,
                GError **error)
{
  g_autoptr (GPtrArray) forwards = ctl_objects_list (manager, BUS_TYPE_OPERATOR1_FORWARD);

  for (guint i = 0; i < forwards->len; i++)
    {
      BusOperator1Forward *forward = g_ptr_array_index (forwards, i);
      g_autofree char *address = bus_operator1_forward_dup_address (forward);

      if (g_strcmp0 (address, self->wanted) != 0 &&
          g_strcmp0 (bus_operator1_forward_get_thing_name (forward), self->thing) != 0)
        continue;
      if (!close_object (self, "Unforward", G_DBUS_PROXY (forward), address, error))
        return FALSE;
      g_ptr_array_add (self->closed, g_steal_pointer (&address));
    }
  return TRUE;
}

static gboolean
close_tunnels (Close *self,
               GDBusObjectManager *manager,
               GError **error)
{
  g_autoptr (GPtrArray) tunnels = ctl_objects_list (manager, BUS_TYPE_OPERATOR1_TUNNEL);

  for (guint i = 0; i < tunnels->len; i++)
    {
      BusOperator1Tunnel *tunnel = g_ptr_array_index (tunnels, i);
      g_autofree char *tunnel_id = bus_operator1_tunnel_dup_tunnel_id (tunnel);

      if (g_strcmp0 (tunnel_id, self->wanted) != 0 &&
          g_strcmp0 (bus_operator1_tunnel_get_thing_name (tunnel), self->thing) != 0)
        continue;
      if (!close_object (self, "Close", G_DBUS_PROXY (tunnel), tunnel_id, error))
        return FALSE;
      /* One that was just being opened had no id before. */
      g_ptr_array_add (self->closed, bus_operator1_tunnel_dup_tunnel_id (tunnel));
    }
  return TRUE;
}

static gboolean
close_connections (Close *self,
                   GDBusObjectManager *manager,
                   GError **error)
{
  g_autoptr (GPtrArray) connections = ctl_objects_list (manager, BUS_TYPE_OPERATOR1_CONNECTION);

  for (guint i = 0; i < connections->len; i++)
    {
      BusOperator1Connection *connection = g_ptr_array_index (connections, i);
      g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, bus_operator1_connection_get_id (connection));

      if (!g_str_equal (id, self->wanted) &&
          !g_str_equal (g_dbus_proxy_get_object_path (G_DBUS_PROXY (connection)), self->wanted))
        continue;
      if (!close_object (self, "Close", G_DBUS_PROXY (connection), id, error))
        return FALSE;
      g_ptr_array_add (self->closed, g_steal_pointer (&id));
    }
  return TRUE;
}

static gboolean
close_tell (Close *self,
            CtlCall *call,
            GError **error)
{
  g_autoptr (JsonBuilder) builder = NULL;

  if (!call->json)
    return TRUE;
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "closed");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->closed->len; i++)
    json_builder_add_string_value (builder, g_ptr_array_index (self->closed, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return ctl_print_json (builder, error);
}

static gboolean
close_run (Close *self,
           GError **error)
{
  g_autoptr (GDBusObjectManager) manager = NULL;

  manager = ctl_operator_get_objects (tool_operator_link_get_connection (self->link), error);
  /* Forwards first: they would open the tunnel again. */
  if (manager == NULL || !close_forwards (self, manager, error) || !close_tunnels (self, manager, error))
    return FALSE;
  /* A thing may have a number for a name. */
  if (self->closed->len == 0 && !close_connections (self, manager, error))
    return FALSE;
  if (self->closed->len > 0)
    return TRUE;
  g_set_error (error, TOOL_OPERATOR_ERROR, TOOL_OPERATOR_ERROR_NO_SUCH_OBJECT,
               _ ("ist-operator has no tunnel, thing, address or connection “%s”: see “istctl list”"), self->wanted);
  return FALSE;
}

int
ctl_close (CtlCall *call,
           GError **error)
{
  g_autoptr (GPtrArray) closed = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (ToolOperatorLink) link = NULL;
  g_autofree char *thing = NULL;
  Close self = { .closed = closed };

  if (!ctl_call_parse (call, NULL,
                       _ ("Closes the tunnel with an id, or all tunnels to a thing, at AWS too, and the forwards to "
                          "it; with the address of a forward, or the number of a connection, ends only that."),
                       1, 1, error))
    return EXIT_FAILURE;
  link = tool_operator_link_new_passive (error);
  if (link == NULL)
    return EXIT_FAILURE;
  thing = ctl_operator_parse_thing (call->arguments[0], NULL);
  self.link = link;
  self.wanted = call->arguments[0];
  self.thing = thing;
  return close_run (&self, error) && close_tell (&self, call, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
