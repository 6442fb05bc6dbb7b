/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/agent/agent-bus.h"

#include <glib/gi18n.h>

#include "agent-dbus.h"
#include "common/ist-rate-private.h"
#include "tools/common/tool-bus.h"

#define NAME "io.github.libist.Agent"
#define PATH "/io/github/libist/Agent"

struct _AgentBus
{
  IstAgentDevice *agent;
  GCancellable *cancellable;
  GDBusConnection *connection;
  guint name;
  AgentDBusAgent1 *skeleton;
  GSignalGroup *signals;
};

/* Lists */

static void
dict_add (GVariantBuilder *builder,
          const char *key,
          GVariant *value)
{
  g_variant_builder_add (builder, "{sv}", key, value);
}

/* Of a tunnel or a connection. */
static void
dict_add_counters (GVariantBuilder *builder,
                   gpointer object)
{
  guint64 bytes_in;
  guint64 bytes_out;

  g_object_get (object, "bytes-in", &bytes_in, "bytes-out", &bytes_out, NULL);
  dict_add (builder, "bytes-in", g_variant_new_uint64 (bytes_in));
  dict_add (builder, "bytes-out", g_variant_new_uint64 (bytes_out));
  dict_add (builder, "rate-in", g_variant_new_double (ist_rate_get (object, "bytes-in")));
  dict_add (builder, "rate-out", g_variant_new_double (ist_rate_get (object, "bytes-out")));
}

static const char *
state_to_nick (GType type,
               int state)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (type);

  return g_enum_get_value (class, state)->value_nick;
}

static void
list_add_tunnel (GVariantBuilder *list,
                 IstAgentTunnel *tunnel)
{
  const char *channel_id = ist_secure_tunnel_get_channel_id (ist_agent_tunnel_get_secure_tunnel (tunnel));
  const char *state = state_to_nick (IST_TYPE_TUNNEL_STATE, ist_agent_tunnel_get_state (tunnel));

  g_variant_builder_open (list, G_VARIANT_TYPE_VARDICT);
  dict_add (list, "id", g_variant_new_uint32 (ist_agent_tunnel_get_id (tunnel)));
  dict_add (list, "services", g_variant_new_strv (ist_agent_tunnel_get_service_ids (tunnel), -1));
  dict_add (list, "region", g_variant_new_string (ist_agent_tunnel_get_region (tunnel)));
  dict_add (list, "state", g_variant_new_string (state));
  if (channel_id != NULL && g_utf8_validate (channel_id, -1, NULL))
    dict_add (list, "channel-id", g_variant_new_string (channel_id));
  dict_add (list, "opened-at", g_variant_new_uint64 (ist_agent_tunnel_get_opened_at (tunnel)));
  dict_add (list, "connections", g_variant_new_uint32 (ist_agent_tunnel_get_n_connections (tunnel)));
  dict_add_counters (list, tunnel);
  g_variant_builder_close (list);
}

static gboolean
on_list_tunnels (AgentDBusAgent1 *skeleton,
                 GDBusMethodInvocation *invocation,
                 gpointer user_data)
{
  AgentBus *self = user_data;
  GListModel *tunnels = G_LIST_MODEL (self->agent);
  GVariantBuilder list = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < g_list_model_get_n_items (tunnels); i++)
    {
      g_autoptr (IstAgentTunnel) tunnel = g_list_model_get_item (tunnels, i);

      list_add_tunnel (&list, tunnel);
    }
  agent_dbus_agent1_complete_list_tunnels (skeleton, invocation, g_variant_builder_end (&list));
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
list_add_connection (GVariantBuilder *list,
                     guint tunnel,
                     IstForwarderConnection *connection)
{
  GSocketAddress *address = ist_forwarder_connection_get_address (connection);
  gint64 opened_at = ist_forwarder_connection_get_opened_at (connection);
  const char *state = state_to_nick (IST_TYPE_FORWARDER_CONNECTION_STATE,
                                     ist_forwarder_connection_get_state (connection));

  g_variant_builder_open (list, G_VARIANT_TYPE_VARDICT);
  dict_add (list, "tunnel", g_variant_new_uint32 (tunnel));
  dict_add (list, "service", g_variant_new_string (ist_forwarder_connection_get_service_id (connection)));
  dict_add (list, "state", g_variant_new_string (state));
  if (opened_at != 0)
    dict_add (list, "opened-at", g_variant_new_uint64 (opened_at));
  if (address != NULL)
    {
      g_autofree char *text = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));

      dict_add (list, "address", g_variant_new_take_string (g_utf8_make_valid (text, -1)));
    }
  dict_add_counters (list, connection);
  g_variant_builder_close (list);
}

static void
list_add_connections (GVariantBuilder *list,
                      IstAgentTunnel *tunnel)
{
  GListModel *connections = G_LIST_MODEL (ist_agent_tunnel_get_forwarder (tunnel));

  for (guint i = 0; i < g_list_model_get_n_items (connections); i++)
    {
      g_autoptr (IstForwarderConnection) connection = g_list_model_get_item (connections, i);

      list_add_connection (list, ist_agent_tunnel_get_id (tunnel), connection);
    }
}

static gboolean
on_list_connections (AgentDBusAgent1 *skeleton,
                     GDBusMethodInvocation *invocation,
                     guint id,
                     gpointer user_data)
{
  AgentBus *self = user_data;
  GListModel *tunnels = G_LIST_MODEL (self->agent);
  GVariantBuilder list = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < g_list_model_get_n_items (tunnels); i++)
    {
      g_autoptr (IstAgentTunnel) tunnel = g_list_model_get_item (tunnels, i);

      if (id == 0 || id == ist_agent_tunnel_get_id (tunnel))
        list_add_connections (&list, tunnel);
    }
  agent_dbus_agent1_complete_list_connections (skeleton, invocation, g_variant_builder_end (&list));
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_stop_tunnel (AgentDBusAgent1 *skeleton,
                GDBusMethodInvocation *invocation,
                guint id,
                gpointer user_data)
{
  AgentBus *self = user_data;
  GListModel *tunnels = G_LIST_MODEL (self->agent);

  for (guint i = 0; i < g_list_model_get_n_items (tunnels); i++)
    {
      g_autoptr (IstAgentTunnel) tunnel = g_list_model_get_item (tunnels, i);

      if (ist_agent_tunnel_get_id (tunnel) != id)
        continue;
      g_message (_ ("Tunnel %u: %s on D-Bus wants it to stop"), id,
                 g_dbus_method_invocation_get_sender (invocation));
      ist_agent_tunnel_stop (tunnel);
      agent_dbus_agent1_complete_stop_tunnel (skeleton, invocation);
      return G_DBUS_METHOD_INVOCATION_HANDLED;
    }
  g_dbus_method_invocation_return_error (invocation, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                                         "There is no tunnel %u", id);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

/* Signals */

/* The id of a forwarder's tunnel. */
#define TUNNEL_ID "ist-agent-tunnel-id"

static guint
bus_get_tunnel_id (IstForwarder *forwarder)
{
  return GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (forwarder), TUNNEL_ID));
}

static void
on_connection_opened (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      gpointer user_data)
{
  AgentDBusAgent1 *skeleton = user_data;

  ist_rate_follow (connection);
  agent_dbus_agent1_emit_connection_opened (skeleton, bus_get_tunnel_id (forwarder),
                                            ist_forwarder_connection_get_service_id (connection));
}

static void
on_connection_closed (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      const GError *error,
                      gpointer user_data)
{
  AgentDBusAgent1 *skeleton = user_data;
  g_autofree char *reason = error != NULL ? g_utf8_make_valid (error->message, -1) : g_strdup ("");

  agent_dbus_agent1_emit_connection_closed (skeleton, bus_get_tunnel_id (forwarder),
                                            ist_forwarder_connection_get_service_id (connection),
                                            ist_forwarder_connection_get_bytes_in (connection),
                                            ist_forwarder_connection_get_bytes_out (connection), reason);
}

static void
on_tunnel_opened (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  gpointer user_data)
{
  AgentBus *self = user_data;
  IstForwarder *forwarder = ist_agent_tunnel_get_forwarder (tunnel);
  guint id = ist_agent_tunnel_get_id (tunnel);

  ist_rate_follow (tunnel);
  g_object_set_data (G_OBJECT (forwarder), TUNNEL_ID, GUINT_TO_POINTER (id));
  g_signal_connect_object (forwarder, "connection-opened", G_CALLBACK (on_connection_opened), self->skeleton, 0);
  g_signal_connect_object (forwarder, "connection-closed", G_CALLBACK (on_connection_closed), self->skeleton, 0);
  g_signal_connect_object (forwarder, "connection-failed", G_CALLBACK (on_connection_closed), self->skeleton, 0);
  agent_dbus_agent1_emit_tunnel_opened (self->skeleton, id, ist_agent_tunnel_get_service_ids (tunnel));
}

static void
on_tunnel_closed (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  const GError *error,
                  gpointer user_data)
{
  AgentBus *self = user_data;
  g_autofree char *reason = error != NULL ? g_utf8_make_valid (error->message, -1) : g_strdup ("");

  agent_dbus_agent1_emit_tunnel_closed (self->skeleton, ist_agent_tunnel_get_id (tunnel), reason);
}

/* The bus */

static void
on_name_lost (GDBusConnection *connection,
              const char *name,
              gpointer user_data)
{
  g_warning (_ ("The name %s is not to be had on D-Bus"), name);
}

static void
bus_export (AgentBus *self)
{
  g_autoptr (GError) error = NULL;

  /* An agent survives its bus. */
  g_dbus_connection_set_exit_on_close (self->connection, FALSE);
  if (!g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), self->connection, PATH,
                                         &error))
    g_warning (_ ("Could not go on D-Bus: %s"), error->message);
  else
    self->name = g_bus_own_name_on_connection (self->connection, NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
                                               NULL, on_name_lost, NULL, NULL);
}

static void
on_connected (GObject *source_object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = g_dbus_connection_new_for_address_finish (result, &error);
  AgentBus *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (connection == NULL)
    {
      g_warning (_ ("Could not go on D-Bus: %s"), error->message);
      return;
    }
  self->connection = g_steal_pointer (&connection);
  bus_export (self);
}

static void
bus_connect (AgentBus *self,
             const char *bus)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = tool_bus_get_address (bus, &error);

  if (address == NULL)
    {
      g_warning (_ ("Could not go on D-Bus: %s"), error->message);
      return;
    }
  g_dbus_connection_new_for_address (
    address,
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
    NULL, self->cancellable, on_connected, self);
}

static gboolean
state_to_text (GBinding *binding,
               const GValue *from,
               GValue *to,
               gpointer user_data)
{
  g_value_set_string (to, state_to_nick (G_VALUE_TYPE (from), g_value_get_enum (from)));
  return TRUE;
}

static gboolean
state_to_subscribed (GBinding *binding,
                     const GValue *from,
                     GValue *to,
                     gpointer user_data)
{
  g_value_set_boolean (to, g_value_get_enum (from) == IST_AGENT_DEVICE_STATE_SUBSCRIBED);
  return TRUE;
}

AgentBus *
agent_bus_new (IstAgentDevice *agent,
               const char *address)
{
  AgentBus *self = g_new0 (AgentBus, 1);
  const GBindingFlags flags = G_BINDING_SYNC_CREATE;

  self->agent = g_object_ref (agent);
  self->cancellable = g_cancellable_new ();
  self->skeleton = agent_dbus_agent1_skeleton_new ();
  g_object_bind_property (agent, "thing-name", self->skeleton, "thing-name", flags);
  g_object_bind_property_full (agent, "state", self->skeleton, "state", flags, state_to_text, NULL, NULL, NULL);
  g_object_bind_property_full (agent, "state", self->skeleton, "subscribed", flags, state_to_subscribed, NULL, NULL,
                               NULL);
  g_object_bind_property (agent, "max-tunnels", self->skeleton, "max-tunnels", flags);
  g_object_bind_property (agent, "max-connections", self->skeleton, "max-connections", flags);
  g_signal_connect (self->skeleton, "handle-list-tunnels", G_CALLBACK (on_list_tunnels), self);
  g_signal_connect (self->skeleton, "handle-list-connections", G_CALLBACK (on_list_connections), self);
  g_signal_connect (self->skeleton, "handle-stop-tunnel", G_CALLBACK (on_stop_tunnel), self);

  self->signals = g_signal_group_new (IST_AGENT_TYPE_DEVICE);
  g_signal_group_connect (self->signals, "tunnel-opened", G_CALLBACK (on_tunnel_opened), self);
  g_signal_group_connect (self->signals, "tunnel-closed", G_CALLBACK (on_tunnel_closed), self);
  g_signal_group_set_target (self->signals, agent);
  bus_connect (self, address);
  return self;
}

void
agent_bus_free (AgentBus *self)
{
  g_cancellable_cancel (self->cancellable);
  g_signal_group_set_target (self->signals, NULL);
  g_object_unref (self->signals);
  if (self->name != 0)
    {
      g_bus_unown_name (self->name);
      g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));
    }
  g_signal_handlers_disconnect_by_data (self->skeleton, self);
  g_object_unref (self->skeleton);
  if (self->connection != NULL)
    g_dbus_connection_flush_sync (self->connection, NULL, NULL);
  g_clear_object (&self->connection);
  g_object_unref (self->cancellable);
  g_object_unref (self->agent);
  g_free (self);
}
