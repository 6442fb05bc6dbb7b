/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-calls.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gio/gunixfdlist.h>

#include "tools/common/tool-operator-bus.h"
#include "tools/common/tool-operator-things.h"
#include "tools/operator/operator-check.h"
#include "tools/operator/operator-limits.h"
#include "tools/operator/operator-options.h"
#include "tools/operator/operator-tunnel.h"

/* Seconds that AWS may take to open a tunnel, before the device can come. */
#define MARGIN 60

/* Seconds that AWS may take to list its things. */
#define LIST_TIME 120

struct _OperatorCalls
{
  GDBusConnection *connection;
  OperatorAccounts *accounts;
  OperatorObjects *objects;
  void (*changed) (gpointer user_data);
  gpointer user_data;
  GPtrArray *all;
};

typedef struct
{
  OperatorCalls *calls;
  OperatorCaller *caller;
  GDBusMethodInvocation *invocation;
  OperatorAccount *account;
  OperatorOptions options;
  char *thing; /* NULL if it is about no device */
  GCancellable *cancellable;
  guint timeout;
  gboolean has_timed_out;
  int fd; /* of Connect, for the caller */
} Call;

static void
call_free (gpointer data)
{
  Call *self = data;

  if (self->timeout != 0)
    g_source_remove (self->timeout);
  if (self->fd != -1)
    close (self->fd);
  if (self->account != NULL)
    operator_account_unuse (self->account);
  operator_options_clear (&self->options);
  g_free (self->thing);
  g_object_unref (self->cancellable);
  self->caller->n_calls--;
  operator_caller_unref (self->caller);
  g_free (self);
}

/* The answer */

static void
call_end (Call *self)
{
  OperatorCalls *calls = self->calls;

  g_ptr_array_remove (calls->all, self);
  calls->changed (calls->user_data);
}

static void
call_fail (Call *self,
           const GError *error)
{
  g_dbus_method_invocation_return_gerror (g_steal_pointer (&self->invocation), error);
  call_end (self);
}

/* A call that was cancelled has run out of time, or nobody waits for its answer. */
static void
call_fail_with_reason (Call *self,
                       const GError *error)
{
  g_autoptr (GError) reason = NULL;

  if (self->has_timed_out && self->thing == NULL)
    reason = g_error_new (IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_UNREACHABLE,
                          "AWS has not listed the things of the account within %u seconds", LIST_TIME);
  else if (self->has_timed_out)
    reason = g_error_new (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED,
                          "“%s” could not be reached within %u seconds: is it online, and does an agent run there?",
                          self->thing, ist_operator_options_get_device_timeout (self->options.tunnel));
  call_fail (self, reason != NULL ? reason : error);
}

static gboolean
on_timeout (gpointer user_data)
{
  Call *self = user_data;

  self->timeout = 0;
  self->has_timed_out = TRUE;
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

/* Progress */

static void
call_tell_progress (Call *self,
                    IstOperatorTunnel *tunnel)
{
  OperatorTunnel *object = operator_account_find_tunnel (self->account, tunnel);
  g_autoptr (GEnumClass) states = g_type_class_ref (IST_OPERATOR_TYPE_TUNNEL_STATE);
  const char *state = g_enum_get_value (states, ist_operator_tunnel_get_state (tunnel))->value_nick;

  if (self->options.progress == NULL || object == NULL)
    return;
  g_dbus_connection_emit_signal (
    self->calls->connection, self->caller->name, TOOL_OPERATOR_PATH, TOOL_OPERATOR_INTERFACE, "Progress",
    g_variant_new ("(sso)", self->options.progress, state, operator_tunnel_get_path (object)), NULL);
}

void
operator_calls_tell_progress (OperatorCalls *self,
                              OperatorAccount *account,
                              IstOperatorTunnel *tunnel)
{
  const char *thing = ist_operator_tunnel_get_thing_name (tunnel);

  for (guint i = 0; i < self->all->len; i++)
    {
      Call *call = g_ptr_array_index (self->all, i);

      if (call->account == account && g_strcmp0 (call->thing, thing) == 0)
        call_tell_progress (call, tunnel);
    }
}

/* A tunnel that is under way when the call comes may have no news for long. */
static void
call_tell_first_progress (Call *self)
{
  GListModel *tunnels = G_LIST_MODEL (self->account->client);

  for (guint i = 0; i < g_list_model_get_n_items (tunnels); i++)
    {
      g_autoptr (IstOperatorTunnel) tunnel = g_list_model_get_item (tunnels, i);

      if (g_strcmp0 (ist_operator_tunnel_get_thing_name (tunnel), self->thing) == 0)
        call_tell_progress (self, tunnel);
    }
}

/* The beginning */

static Call *
calls_add (OperatorCalls *self,
           OperatorCaller *caller,
           GDBusMethodInvocation *invocation)
{
  Call *call = g_new0 (Call, 1);

  call->calls = self;
  call->caller = operator_caller_ref (caller);
  call->invocation = invocation;
  call->cancellable = g_cancellable_new ();
  call->fd = -1;
  caller->n_calls++;
  g_ptr_array_add (self->all, call);
  self->changed (self->user_data);
  return call;
}

/* Many connections share a tunnel. */
static gboolean
call_check_tunnels (Call *self,
                    GError **error)
{
  guint n = operator_objects_count (self->calls->objects, OPERATOR_OBJECTS_TUNNELS);

  return operator_account_has_tunnel_to (self->account, self->thing) ||
         operator_check_limit (n, OPERATOR_MAX_TUNNELS, "tunnels", error);
}

static gboolean
call_take_account (Call *self,
                   OperatorOptionsKind kind,
                   GVariant *options,
                   GError **error)
{
  if (!operator_options_parse (&self->options, kind, options, error))
    return FALSE;
  self->account = operator_accounts_obtain (self->calls->accounts, &self->options.account, error);
  if (self->account == NULL)
    return FALSE;
  operator_account_use (self->account);
  return TRUE;
}

static gboolean
call_check_caller (Call *self,
                   GError **error)
{
  return operator_check_limit (self->caller->n_calls - 1, OPERATOR_MAX_CALLER_CALLS, "calls of one caller", error);
}

static gboolean
call_begin (Call *self,
            OperatorOptionsKind kind,
            const char *thing,
            GVariant *options,
            GError **error)
{
  if (!call_check_caller (self, error) || !operator_check_name ("thing", thing, error))
    return FALSE;
  self->thing = g_strdup (thing);
  if (!call_take_account (self, kind, options, error) || !call_check_tunnels (self, error))
    return FALSE;
  /* The client waits for the device, as soon as AWS has opened a tunnel. */
  self->timeout = g_timeout_add_seconds (
    ist_operator_options_get_device_timeout (self->options.tunnel) + MARGIN, on_timeout, self);
  return TRUE;
}

/* Connect */

/* A connection of a caller's. */
typedef struct
{
  GDBusConnection *bus;
  OperatorCaller *caller;
  char *progress;
} Given;

static void
given_free (gpointer data,
            GClosure *closure)
{
  Given *self = data;

  self->caller->n_connections--;
  operator_caller_unref (self->caller);
  g_object_unref (self->bus);
  g_free (self->progress);
  g_free (self);
}

/* The socket alone can't tell whether that was a good end. */
static void
on_given_state (IstForwarderConnection *connection,
                GParamSpec *pspec,
                gpointer user_data)
{
  const GError *error = ist_forwarder_connection_get_error (connection);
  g_autofree char *name = NULL;
  Given *self = user_data;

  if (self->progress == NULL ||
      ist_forwarder_connection_get_state (connection) != IST_FORWARDER_CONNECTION_STATE_CLOSED)
    return;
  if (error != NULL)
    name = g_dbus_error_encode_gerror (error);
  g_dbus_connection_emit_signal (self->bus, self->caller->name, TOOL_OPERATOR_PATH, TOOL_OPERATOR_INTERFACE, "Ended",
                                 g_variant_new ("(sss)", self->progress, name != NULL ? name : "",
                                                error != NULL ? error->message : ""),
                                 NULL);
}

static void
call_give (Call *self,
           IstForwarderConnection *connection)
{
  Given *given = g_new0 (Given, 1);

  given->bus = g_object_ref (self->calls->connection);
  given->caller = operator_caller_ref (self->caller);
  given->progress = g_strdup (self->options.progress);
  self->caller->n_connections++;
  operator_tunnel_set_client (connection, self->caller->name);
  g_signal_connect_data (connection, "notify::state", G_CALLBACK (on_given_state), given, given_free, 0);
}

static void
call_answer_with_fd (Call *self)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new_from_array (&self->fd, 1);

  self->fd = -1;
  g_dbus_method_invocation_return_value_with_unix_fd_list (g_steal_pointer (&self->invocation),
                                                           g_variant_new ("(h)", 0), list);
  call_end (self);
}

static void
on_connected (GObject *source_object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (IstForwarderConnection) connection = NULL;
  Call *self = user_data;

  connection = ist_operator_client_forward_finish (IST_OPERATOR_CLIENT (source_object), result, &error);
  if (connection == NULL)
    {
      call_fail_with_reason (self, error);
      return;
    }
  call_give (self, connection);
  call_answer_with_fd (self);
}

/* Its other end is the caller's. */
static GIOStream *
call_make_stream (Call *self,
                  GError **error)
{
  g_autoptr (GSocket) socket = NULL;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "Could not make a socket: %s",
                   g_strerror (errno));
      return NULL;
    }
  self->fd = fds[1];
  socket = g_socket_new_from_fd (fds[0], error);
  if (socket == NULL)
    {
      close (fds[0]);
      return NULL;
    }
  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

static gboolean
call_check_connections (Call *self,
                        GError **error)
{
  guint n = operator_objects_count (self->calls->objects, OPERATOR_OBJECTS_CONNECTIONS);

  return operator_check_limit (n, OPERATOR_MAX_CONNECTIONS, "connections", error) &&
         operator_check_limit (self->caller->n_connections, OPERATOR_MAX_CALLER_CONNECTIONS,
                               "connections of one caller", error);
}

void
operator_calls_connect (OperatorCalls *self,
                        OperatorCaller *caller,
                        GDBusMethodInvocation *invocation)
{
  Call *call = calls_add (self, caller, invocation);
  g_autoptr (GVariant) options = NULL;
  g_autoptr (GIOStream) stream = NULL;
  g_autoptr (GError) error = NULL;
  const char *thing;
  const char *service;

  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(&s&s@a{sv})", &thing, &service, &options);
  if (operator_check_name ("service", service, &error) && call_check_connections (call, &error) &&
      call_begin (call, OPERATOR_OPTIONS_OF_CONNECT, thing, options, &error))
    stream = call_make_stream (call, &error);
  if (stream == NULL)
    {
      call_fail (call, error);
      return;
    }
  ist_operator_client_forward_async (call->account->client, thing, service, stream, call->options.tunnel,
                                     call->cancellable, on_connected, call);
  call_tell_first_progress (call);
}

/* Open */

static void
on_opened (GObject *source_object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorTunnel) tunnel = NULL;
  OperatorTunnel *object = NULL;
  Call *self = user_data;

  tunnel = ist_operator_client_open_finish (IST_OPERATOR_CLIENT (source_object), result, &error);
  if (tunnel != NULL)
    object = operator_account_find_tunnel (self->account, tunnel);
  if (tunnel != NULL && object == NULL)
    g_set_error (&error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_CLOSED,
                 "The tunnel to “%s” was closed just when it was open", self->thing);
  if (object == NULL)
    {
      call_fail_with_reason (self, error);
      return;
    }
  operator_tunnel_keep (object, self->options.keep ? NULL : self->caller);
  g_dbus_method_invocation_return_value (g_steal_pointer (&self->invocation),
                                         g_variant_new ("(o)", operator_tunnel_get_path (object)));
  call_end (self);
}

void
operator_calls_open (OperatorCalls *self,
                     OperatorCaller *caller,
                     GDBusMethodInvocation *invocation)
{
  Call *call = calls_add (self, caller, invocation);
  g_autoptr (GVariant) options = NULL;
  g_autofree const char **services = NULL;
  g_autoptr (GError) error = NULL;
  const char *thing;

  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(&s^a&s@a{sv})", &thing, &services, &options);
  if (!operator_check_services (services, &error) ||
      !call_begin (call, OPERATOR_OPTIONS_OF_OPEN, thing, options, &error))
    {
      call_fail (call, error);
      return;
    }
  ist_operator_client_open_async (call->account->client, thing, services, call->options.tunnel,
                                  call->cancellable, on_opened, call);
  call_tell_first_progress (call);
}

/* ListThings */

static void
on_listed (GObject *source_object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) things = NULL;
  gboolean is_cut;
  Call *self = user_data;

  things = ist_operator_control_plane_list_things_finish (IST_OPERATOR_CONTROL_PLANE (source_object), result, &is_cut,
                                                          &error);
  if (things == NULL)
    {
      call_fail_with_reason (self, error);
      return;
    }
  g_dbus_method_invocation_return_value (g_steal_pointer (&self->invocation),
                                         tool_operator_things_new (things, is_cut));
  call_end (self);
}

void
operator_calls_list_things (OperatorCalls *self,
                            OperatorCaller *caller,
                            GDBusMethodInvocation *invocation)
{
  Call *call = calls_add (self, caller, invocation);
  g_autoptr (GVariant) options = NULL;
  g_autoptr (GError) error = NULL;

  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(@a{sv})", &options);
  if (!call_check_caller (call, &error) ||
      !call_take_account (call, OPERATOR_OPTIONS_OF_THINGS, options, &error))
    {
      call_fail (call, error);
      return;
    }
  call->timeout = g_timeout_add_seconds (LIST_TIME, on_timeout, call);
  ist_operator_control_plane_list_things_async (ist_operator_client_get_control_plane (call->account->client),
                                                call->cancellable, on_listed, call);
}

/* All of them */

void
operator_calls_cancel (OperatorCalls *self,
                       OperatorCaller *caller)
{
  /* What is cancelled ends later. */
  for (guint i = 0; i < self->all->len; i++)
    {
      Call *call = g_ptr_array_index (self->all, i);

      if (call->caller == caller)
        g_cancellable_cancel (call->cancellable);
    }
}

guint
operator_calls_get_n (OperatorCalls *self)
{
  return self->all->len;
}

OperatorCalls *
operator_calls_new (GDBusConnection *connection,
                    OperatorAccounts *accounts,
                    OperatorObjects *objects,
                    void (*changed) (gpointer user_data),
                    gpointer user_data)
{
  OperatorCalls *self = g_new0 (OperatorCalls, 1);

  self->connection = g_object_ref (connection);
  self->accounts = accounts;
  self->objects = objects;
  self->changed = changed;
  self->user_data = user_data;
  self->all = g_ptr_array_new_with_free_func (call_free);
  return self;
}

void
operator_calls_free (OperatorCalls *self)
{
  g_ptr_array_unref (self->all);
  g_object_unref (self->connection);
  g_free (self);
}
