/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-tunnel.h"

#include "tools/common/operator-bus.h"
#include "tools/common/tool-bus-binding.h"
#include "tools/common/tool-mirror.h"

struct _OperatorTunnel
{
  IstOperatorTunnel *tunnel;
  OperatorAccountName account;
  OperatorObjects *objects;
  OperatorState *state;
  OperatorRecord *record; /* the state's; NULL while there is nothing to remember */
  gboolean is_kept;       /* until it is closed */
  GPtrArray *holders;     /* OperatorCallers for whom it is kept */
  BusOperator1Tunnel *skeleton;
  ToolBusCounters *counters;
  ToolMirror *connections; /* Connections */
};

typedef struct
{
  GObject *connection; /* IstForwarderConnection */
  OperatorObjects *objects;
  BusOperator1Connection *skeleton;
  ToolBusCounters *counters;
} Connection;

/* The state file */

/* What an earlier run has written of it. */
static OperatorRecord *
tunnel_find_record (OperatorTunnel *self,
                    const char *tunnel_id)
{
  GPtrArray *records = operator_state_get_records (self->state);

  for (guint i = 0; i < records->len; i++)
    {
      OperatorRecord *record = g_ptr_array_index (records, i);

      if (record->tunnel_id != NULL && g_str_equal (record->tunnel_id, tunnel_id))
        return record;
    }
  return NULL;
}

static void
tunnel_forget (OperatorTunnel *self)
{
  g_autoptr (OperatorRecord) record = g_steal_pointer (&self->record);

  if (record != NULL && !record->held)
    operator_state_remove (self->state, record);
}

/* Somebody else's that was taken over is theirs to close. */
static void
tunnel_write_down (OperatorTunnel *self)
{
  const char *tunnel_id = ist_operator_tunnel_get_tunnel_id (self->tunnel);
  const char *thing = ist_operator_tunnel_get_thing_name (self->tunnel);
  IstOperatorTunnelState state = ist_operator_tunnel_get_state (self->tunnel);
  OperatorRecord *found = tunnel_id != NULL ? tunnel_find_record (self, tunnel_id) : NULL;

  if (found != NULL && found != self->record)
    {
      tunnel_forget (self);
      self->record = operator_record_ref (found);
    }
  else if (tunnel_id != NULL && found == NULL && ist_operator_tunnel_get_reused (self->tunnel))
    {
      tunnel_forget (self);
      return;
    }
  if (self->record == NULL && thing != NULL && state != IST_OPERATOR_TUNNEL_STATE_CLOSED &&
      (tunnel_id != NULL || state == IST_OPERATOR_TUNNEL_STATE_OPENING))
    self->record = operator_record_ref (operator_state_add (self->state, &self->account, thing,
                                                            ist_operator_tunnel_get_description (self->tunnel)));
  if (self->record != NULL && tunnel_id != NULL)
    operator_state_set_tunnel (self->state, self->record, tunnel_id, self->is_kept);
}

static void
on_changed (IstOperatorTunnel *tunnel,
            GParamSpec *pspec,
            gpointer user_data)
{
  tunnel_write_down (user_data);
}

/* Whether AWS may have a tunnel, though all is over here. */
static gboolean
tunnel_may_be_open (OperatorTunnel *self)
{
  const GError *error = ist_operator_tunnel_get_last_error (self->tunnel);

  if (ist_operator_tunnel_get_state (self->tunnel) != IST_OPERATOR_TUNNEL_STATE_CLOSED)
    return TRUE;
  if (error == NULL || error->domain != IST_OPERATOR_CONTROL_PLANE_ERROR)
    return FALSE;
  /* It could not be closed, other than that it is not there. */
  if (self->record->tunnel_id != NULL)
    return error->code != IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND;
  /* It was asked for, and no answer tells that there is none. */
  return error->code == IST_OPERATOR_CONTROL_PLANE_ERROR_UNREACHABLE ||
         error->code == IST_OPERATOR_CONTROL_PLANE_ERROR_SERVICE_FAILURE;
}

/* Keeping it */

static void
tunnel_update_kept (OperatorTunnel *self)
{
  ist_operator_tunnel_set_kept (self->tunnel, self->is_kept || self->holders->len > 0);
}

void
operator_tunnel_keep (OperatorTunnel *self,
                      OperatorCaller *holder)
{
  if (holder == NULL)
    self->is_kept = TRUE;
  else if (!holder->has_left && !g_ptr_array_find (self->holders, holder, NULL))
    g_ptr_array_add (self->holders, operator_caller_ref (holder));
  tunnel_update_kept (self);
  /* A holder's are not written down as kept: it may be gone before the next start. */
  tunnel_write_down (self);
}

void
operator_tunnel_let_go (OperatorTunnel *self,
                        OperatorCaller *holder)
{
  if (g_ptr_array_remove (self->holders, holder))
    tunnel_update_kept (self);
}

/* Its connections */

/* Under this name a connection that is on the bus has its skeleton. */
#define SKELETON "operator-skeleton"

/* A socket without a name is that of a call. */
static gboolean
address_to_bus (GBinding *binding,
                const GValue *from,
                GValue *to,
                gpointer user_data)
{
  GSocketAddress *address = g_value_get_object (from);

  if (address == NULL || !G_IS_INET_SOCKET_ADDRESS (address))
    return FALSE;
  g_value_take_string (to, g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address)));
  return TRUE;
}

static void
remove_connection (gpointer made,
                   gpointer user_data)
{
  Connection *self = made;

  g_object_set_data (self->connection, SKELETON, NULL);
  g_object_unref (self->connection);
  tool_bus_counters_free (self->counters);
  operator_objects_remove (self->objects, OPERATOR_OBJECTS_CONNECTIONS, G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_object_unref (self->skeleton);
  g_free (self);
}

static gpointer
add_connection (gpointer connection,
                gpointer user_data)
{
  OperatorTunnel *self = user_data;
  Connection *made = g_new0 (Connection, 1);

  made->connection = g_object_ref (connection);
  made->objects = self->objects;
  made->skeleton = bus_operator1_connection_skeleton_new ();
  g_object_set_data (connection, SKELETON, made->skeleton);
  bus_operator1_connection_set_tunnel (made->skeleton, operator_tunnel_get_path (self));
  tool_bus_bind_text (connection, "service-id", made->skeleton, "service");
  tool_bus_bind_state (connection, made->skeleton);
  g_object_bind_property (connection, "opened-at", made->skeleton, "opened-at", G_BINDING_SYNC_CREATE);
  g_object_bind_property_full (connection, "address", made->skeleton, "client", G_BINDING_SYNC_CREATE,
                               address_to_bus, NULL, NULL, NULL);
  made->counters = tool_bus_counters_new (connection, made->skeleton);
  bus_operator1_connection_set_id (made->skeleton,
                                   operator_objects_add (self->objects, OPERATOR_OBJECTS_CONNECTIONS,
                                                         G_DBUS_INTERFACE_SKELETON (made->skeleton), connection));
  return made;
}

void
operator_tunnel_set_client (IstForwarderConnection *connection,
                            const char *name)
{
  BusOperator1Connection *skeleton = g_object_get_data (G_OBJECT (connection), SKELETON);

  if (skeleton != NULL)
    bus_operator1_connection_set_client (skeleton, name);
}

/* The object */

/* Less than 0 is not known. */
static gboolean
round_trip_to_bus (GBinding *binding,
                   const GValue *from,
                   GValue *to,
                   gpointer user_data)
{
  g_value_set_uint64 (to, MAX (g_value_get_int64 (from), 0));
  return TRUE;
}

static void
tunnel_bind (OperatorTunnel *self)
{
  const GBindingFlags flags = G_BINDING_SYNC_CREATE;

  bus_operator1_tunnel_set_profile (self->skeleton, self->account.profile != NULL ? self->account.profile : "");
  bus_operator1_tunnel_set_region (self->skeleton, self->account.region != NULL ? self->account.region : "");
  tool_bus_bind_text (self->tunnel, "thing-name", self->skeleton, "thing-name");
  tool_bus_bind_text (self->tunnel, "tunnel-id", self->skeleton, "tunnel-id");
  tool_bus_bind_state (self->tunnel, self->skeleton);
  tool_bus_bind_text (self->tunnel, "last-error", self->skeleton, "last-error");
  g_object_bind_property (self->tunnel, "service-ids", self->skeleton, "services", flags);
  g_object_bind_property (self->tunnel, "opened-at", self->skeleton, "opened-at", flags);
  g_object_bind_property (self->tunnel, "expires-at", self->skeleton, "expires-at", flags);
  g_object_bind_property (self->tunnel, "reused", self->skeleton, "reused", flags);
  g_object_bind_property (self->tunnel, "kept", self->skeleton, "kept", flags);
  g_object_bind_property (self->tunnel, "n-connections", self->skeleton, "connections", flags);
  g_object_bind_property_full (self->tunnel, "round-trip-time-us", self->skeleton, "round-trip", flags,
                               round_trip_to_bus, NULL, NULL, NULL);
  self->counters = tool_bus_counters_new (self->tunnel, self->skeleton);
}

OperatorTunnel *
operator_tunnel_new (IstOperatorTunnel *tunnel,
                     const OperatorAccountName *account,
                     OperatorObjects *objects,
                     OperatorState *state)
{
  OperatorTunnel *self = g_new0 (OperatorTunnel, 1);

  self->tunnel = g_object_ref (tunnel);
  self->objects = objects;
  self->state = state;
  self->holders = g_ptr_array_new_with_free_func ((GDestroyNotify) operator_caller_unref);
  self->skeleton = bus_operator1_tunnel_skeleton_new ();
  operator_account_name_copy (&self->account, account);
  tunnel_bind (self);
  operator_objects_add (objects, OPERATOR_OBJECTS_TUNNELS, G_DBUS_INTERFACE_SKELETON (self->skeleton), tunnel);

  /* Before anything else that hears of it can act. */
  g_signal_connect (tunnel, "notify::state", G_CALLBACK (on_changed), self);
  g_signal_connect (tunnel, "notify::tunnel-id", G_CALLBACK (on_changed), self);
  tunnel_write_down (self);
  self->connections = tool_mirror_new (G_LIST_MODEL (tunnel), add_connection, remove_connection, self);
  return self;
}

OperatorRecord *
operator_tunnel_end (OperatorTunnel *self)
{
  OperatorRecord *record;

  g_signal_handlers_disconnect_by_data (self->tunnel, self);
  tool_mirror_free (self->connections);
  g_ptr_array_unref (self->holders);
  tool_bus_counters_free (self->counters);
  operator_objects_remove (self->objects, OPERATOR_OBJECTS_TUNNELS, G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_object_unref (self->skeleton);
  if (self->record != NULL && (self->record->held || !tunnel_may_be_open (self)))
    tunnel_forget (self);
  record = self->record;
  operator_account_name_clear (&self->account);
  g_object_unref (self->tunnel);
  g_free (self);
  return record;
}

IstOperatorTunnel *
operator_tunnel_get_tunnel (OperatorTunnel *self)
{
  return self->tunnel;
}

const char *
operator_tunnel_get_path (OperatorTunnel *self)
{
  return g_dbus_interface_skeleton_get_object_path (G_DBUS_INTERFACE_SKELETON (self->skeleton));
}
