/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/agent/agent-bus.h"

#include <string.h>

#include <glib/gi18n.h>

#include "agent-dbus.h"
#include "tools/agent/agent-rate.h"

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
  GPtrArray *observed; /* Observations */
};

/* A tunnel whose connections are told of. */
typedef struct
{
  AgentBus *bus;
  guint id;
  IstSecureTunnel *secure_tunnel;
  IstForwarder *forwarder;
} Observation;

/* Kept with each tunnel and connection. */
typedef struct
{
  AgentRate in;
  AgentRate out;
} Rates;

static Rates *
get_rates (gpointer object)
{
  static GQuark quark;
  Rates *rates;

  if (quark == 0)
    quark = g_quark_from_static_string ("ist-agent-rates");
  rates = g_object_get_qdata (object, quark);
  if (rates == NULL)
    {
      gint64 now = g_get_monotonic_time ();

      rates = g_new0 (Rates, 1);
      agent_rate_update (&rates->in, 0, now);
      agent_rate_update (&rates->out, 0, now);
      g_object_set_qdata_full (object, quark, rates, g_free);
    }
  return rates;
}

static void
measure (gpointer object,
         guint64 bytes_in,
         guint64 bytes_out)
{
  Rates *rates = get_rates (object);
  gint64 now = g_get_monotonic_time ();

  agent_rate_update (&rates->in, bytes_in, now);
  agent_rate_update (&rates->out, bytes_out, now);
}

static void
measure_connection (IstForwarderConnection *connection)
{
  measure (connection, ist_forwarder_connection_get_bytes_in (connection),
           ist_forwarder_connection_get_bytes_out (connection));
}

static void
measure_forwarder (IstForwarder *forwarder)
{
  measure (forwarder, ist_forwarder_get_bytes_in (forwarder), ist_forwarder_get_bytes_out (forwarder));
  for (guint i = 0; i < ist_forwarder_get_n_connections (forwarder); i++)
    {
      g_autoptr (IstForwarderConnection) connection = g_list_model_get_item (G_LIST_MODEL (forwarder), i);

      measure_connection (connection);
    }
}

/* Lists */

static void
add (GVariantBuilder *builder,
     const char *key,
     GVariant *value)
{
  g_variant_builder_add (builder, "{sv}", key, value);
}

static void
add_counters (GVariantBuilder *builder,
              gpointer object,
              guint64 bytes_in,
              guint64 bytes_out)
{
  const Rates *rates = get_rates (object);

  add (builder, "bytes-in", g_variant_new_uint64 (bytes_in));
  add (builder, "bytes-out", g_variant_new_uint64 (bytes_out));
  add (builder, "rate-in", g_variant_new_double (rates->in.rate));
  add (builder, "rate-out", g_variant_new_double (rates->out.rate));
}

static const char *
get_state_name (IstSecureTunnel *tunnel)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (IST_TYPE_TUNNEL_STATE);

  return g_enum_get_value (class, ist_secure_tunnel_get_state (tunnel))->value_nick;
}

static void
add_tunnel (GVariantBuilder *list,
            IstAgentTunnel *tunnel)
{
  IstSecureTunnel *secure_tunnel = ist_agent_tunnel_get_secure_tunnel (tunnel);
  IstForwarder *forwarder = ist_agent_tunnel_get_forwarder (tunnel);
  const char *channel_id = ist_secure_tunnel_get_channel_id (secure_tunnel);

  measure_forwarder (forwarder);
  g_variant_builder_open (list, G_VARIANT_TYPE_VARDICT);
  add (list, "id", g_variant_new_uint32 (ist_agent_tunnel_get_id (tunnel)));
  add (list, "services", g_variant_new_strv (ist_agent_tunnel_get_service_ids (tunnel), -1));
  add (list, "region", g_variant_new_string (ist_agent_tunnel_get_region (tunnel)));
  add (list, "state", g_variant_new_string (get_state_name (secure_tunnel)));
  if (channel_id != NULL && g_utf8_validate (channel_id, -1, NULL))
    add (list, "channel-id", g_variant_new_string (channel_id));
  add (list, "opened-at", g_variant_new_uint64 (ist_agent_tunnel_get_opened_at (tunnel)));
  add (list, "connections", g_variant_new_uint32 (ist_forwarder_get_n_connections (forwarder)));
  add_counters (list, forwarder, ist_forwarder_get_bytes_in (forwarder),
                ist_forwarder_get_bytes_out (forwarder));
  g_variant_builder_close (list);
}

static gboolean
on_list_tunnels (AgentDBusAgent1 *skeleton,
                 GDBusMethodInvocation *invocation,
                 gpointer user_data)
{
  AgentBus *self = user_data;
  g_autoptr (GPtrArray) tunnels = ist_agent_device_get_tunnels (self->agent);
  GVariantBuilder list = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < tunnels->len; i++)
    add_tunnel (&list, tunnels->pdata[i]);
  agent_dbus_agent1_complete_list_tunnels (skeleton, invocation, g_variant_builder_end (&list));
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
add_connection (GVariantBuilder *list,
                guint tunnel,
                IstForwarderConnection *connection)
{
  GSocketAddress *address = ist_forwarder_connection_get_address (connection);

  g_variant_builder_open (list, G_VARIANT_TYPE_VARDICT);
  add (list, "tunnel", g_variant_new_uint32 (tunnel));
  add (list, "service", g_variant_new_string (ist_forwarder_connection_get_service_id (connection)));
  if (address != NULL)
    {
      g_autofree char *text = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));

      add (list, "address", g_variant_new_take_string (g_utf8_make_valid (text, -1)));
    }
  add_counters (list, connection, ist_forwarder_connection_get_bytes_in (connection),
                ist_forwarder_connection_get_bytes_out (connection));
  g_variant_builder_close (list);
}

static gboolean
on_list_connections (AgentDBusAgent1 *skeleton,
                     GDBusMethodInvocation *invocation,
                     guint id,
                     gpointer user_data)
{
  AgentBus *self = user_data;
  g_autoptr (GPtrArray) tunnels = ist_agent_device_get_tunnels (self->agent);
  GVariantBuilder list = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < tunnels->len; i++)
    {
      IstForwarder *forwarder = ist_agent_tunnel_get_forwarder (tunnels->pdata[i]);
      guint tunnel = ist_agent_tunnel_get_id (tunnels->pdata[i]);

      if (id != 0 && id != tunnel)
        continue;
      measure_forwarder (forwarder);
      for (guint j = 0; j < ist_forwarder_get_n_connections (forwarder); j++)
        {
          g_autoptr (IstForwarderConnection) connection = g_list_model_get_item (G_LIST_MODEL (forwarder), j);

          add_connection (&list, tunnel, connection);
        }
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
  g_autoptr (GPtrArray) tunnels = ist_agent_device_get_tunnels (self->agent);

  for (guint i = 0; i < tunnels->len; i++)
    {
      if (ist_agent_tunnel_get_id (tunnels->pdata[i]) != id)
        continue;
      g_message (_ ("Tunnel %u: %s on D-Bus wants it to stop"), id,
                 g_dbus_method_invocation_get_sender (invocation));
      ist_agent_tunnel_stop (tunnels->pdata[i]);
      agent_dbus_agent1_complete_stop_tunnel (skeleton, invocation);
      return G_DBUS_METHOD_INVOCATION_HANDLED;
    }
  g_dbus_method_invocation_return_error (invocation, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                                         "There is no tunnel %u", id);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

/* Signals */

static void
on_connection_opened (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      gpointer user_data)
{
  Observation *observation = user_data;

  get_rates (connection);
  agent_dbus_agent1_emit_connection_opened (observation->bus->skeleton, observation->id,
                                            ist_forwarder_connection_get_service_id (connection));
}

static void
on_connection_closed (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      const GError *error,
                      gpointer user_data)
{
  Observation *observation = user_data;
  g_autofree char *reason = error != NULL ? g_utf8_make_valid (error->message, -1) : g_strdup ("");

  agent_dbus_agent1_emit_connection_closed (observation->bus->skeleton, observation->id,
                                            ist_forwarder_connection_get_service_id (connection),
                                            ist_forwarder_connection_get_bytes_in (connection),
                                            ist_forwarder_connection_get_bytes_out (connection), reason);
}

static void
on_traffic (IstSecureTunnel *tunnel,
            GParamSpec *pspec,
            gpointer user_data)
{
  Observation *observation = user_data;

  measure_forwarder (observation->forwarder);
}

static void
observation_free (gpointer data)
{
  Observation *self = data;

  g_signal_handlers_disconnect_by_data (self->secure_tunnel, self);
  g_signal_handlers_disconnect_by_data (self->forwarder, self);
  g_object_unref (self->secure_tunnel);
  g_object_unref (self->forwarder);
  g_free (self);
}

static void
on_tunnel_opened (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  gpointer user_data)
{
  AgentBus *self = user_data;
  Observation *observation = g_new0 (Observation, 1);
  IstForwarder *forwarder = ist_agent_tunnel_get_forwarder (tunnel);

  observation->bus = self;
  observation->id = ist_agent_tunnel_get_id (tunnel);
  observation->secure_tunnel = g_object_ref (ist_agent_tunnel_get_secure_tunnel (tunnel));
  observation->forwarder = g_object_ref (forwarder);
  g_ptr_array_add (self->observed, observation);

  get_rates (forwarder);
  g_signal_connect (observation->secure_tunnel, "notify::bytes-in", G_CALLBACK (on_traffic), observation);
  g_signal_connect (observation->secure_tunnel, "notify::bytes-out", G_CALLBACK (on_traffic), observation);
  g_signal_connect (forwarder, "connection-opened", G_CALLBACK (on_connection_opened), observation);
  g_signal_connect (forwarder, "connection-closed", G_CALLBACK (on_connection_closed), observation);
  g_signal_connect (forwarder, "connection-failed", G_CALLBACK (on_connection_closed), observation);
  agent_dbus_agent1_emit_tunnel_opened (self->skeleton, observation->id,
                                        ist_agent_tunnel_get_service_ids (tunnel));
}

static void
on_tunnel_closed (IstAgentDevice *agent,
                  IstAgentTunnel *tunnel,
                  const GError *error,
                  gpointer user_data)
{
  AgentBus *self = user_data;
  guint id = ist_agent_tunnel_get_id (tunnel);
  g_autofree char *reason = error != NULL ? g_utf8_make_valid (error->message, -1) : g_strdup ("");

  for (guint i = 0; i < self->observed->len; i++)
    {
      Observation *observation = self->observed->pdata[i];

      if (observation->id != id)
        continue;
      g_ptr_array_remove_index (self->observed, i);
      break;
    }
  agent_dbus_agent1_emit_tunnel_closed (self->skeleton, id, reason);
}

/* The bus */

static void
on_name_lost (GDBusConnection *connection,
              const char *name,
              gpointer user_data)
{
  g_warning (_ ("The name %s is not to be had on D-Bus"), name);
}

static void export(AgentBus *self)
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
  export(self);
}

static void
connect_to_bus (AgentBus *self,
                const char *address)
{
  g_autofree char *well_known = NULL;
  g_autoptr (GError) error = NULL;

  if (strcmp (address, "system") == 0)
    address = well_known = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, &error);
  else if (strcmp (address, "session") == 0)
    address = well_known = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SESSION, NULL, &error);
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

AgentBus *
agent_bus_new (IstAgentDevice *agent,
               const char *address)
{
  AgentBus *self = g_new0 (AgentBus, 1);
  const GBindingFlags flags = G_BINDING_SYNC_CREATE;

  self->agent = g_object_ref (agent);
  self->cancellable = g_cancellable_new ();
  self->observed = g_ptr_array_new_with_free_func (observation_free);
  self->skeleton = agent_dbus_agent1_skeleton_new ();
  g_object_bind_property (agent, "thing-name", self->skeleton, "thing-name", flags);
  g_object_bind_property (agent, "subscribed", self->skeleton, "subscribed", flags);
  g_object_bind_property (agent, "max-tunnels", self->skeleton, "max-tunnels", flags);
  g_object_bind_property (agent, "max-connections", self->skeleton, "max-connections", flags);
  g_signal_connect (self->skeleton, "handle-list-tunnels", G_CALLBACK (on_list_tunnels), self);
  g_signal_connect (self->skeleton, "handle-list-connections", G_CALLBACK (on_list_connections), self);
  g_signal_connect (self->skeleton, "handle-stop-tunnel", G_CALLBACK (on_stop_tunnel), self);

  self->signals = g_signal_group_new (IST_AGENT_TYPE_DEVICE);
  g_signal_group_connect (self->signals, "tunnel-opened", G_CALLBACK (on_tunnel_opened), self);
  g_signal_group_connect (self->signals, "tunnel-closed", G_CALLBACK (on_tunnel_closed), self);
  g_signal_group_set_target (self->signals, agent);
  connect_to_bus (self, address);
  return self;
}

void
agent_bus_free (AgentBus *self)
{
  g_cancellable_cancel (self->cancellable);
  g_signal_group_set_target (self->signals, NULL);
  g_object_unref (self->signals);
  g_ptr_array_unref (self->observed);
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
