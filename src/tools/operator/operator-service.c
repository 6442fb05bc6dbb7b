/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-service.h"

#include <glib/gi18n.h>
#include <ist-operator/ist-operator.h>

#include "tools/common/operator-bus.h"
#include "tools/common/tool-operator-bus.h"
#include "tools/operator/operator-account.h"
#include "tools/operator/operator-callers.h"
#include "tools/operator/operator-calls.h"
#include "tools/operator/operator-forwards.h"
#include "tools/operator/operator-held-calls.h"
#include "tools/operator/operator-leftovers.h"
#include "tools/operator/operator-limits.h"
#include "tools/operator/operator-objects.h"
#include "tools/operator/operator-tunnel.h"

/* What AWS's console shows of a tunnel. */
#define DESCRIPTION "ist-operator"

struct _OperatorService
{
  OperatorState *state;
  guint linger;
  void (*changed) (gpointer user_data);
  gpointer user_data;
  BusOperator1 *skeleton;
  OperatorObjects *objects;
  OperatorAccounts *accounts;
  OperatorCallers *callers;
  OperatorHeldCalls *held;
  OperatorCalls *calls;
  OperatorForwards *forwards;
  OperatorLeftovers *leftovers;
  gboolean is_leaving;
  gboolean is_closed;
  guint n_closing; /* calls of Close, and accounts that close */
  void (*closed) (gpointer user_data);
};

static void
service_change (gpointer user_data)
{
  OperatorService *self = user_data;

  if (!self->is_closed)
    self->changed (self->user_data);
}

static void
on_leftovers_changed (gpointer user_data)
{
  OperatorService *self = user_data;

  if (operator_leftovers_get_n_untried (self->leftovers) == 0)
    operator_held_calls_release (self->held);
  service_change (self);
}

/* Tunnels of accounts */

/* What is known where a client tells something. */
typedef struct
{
  OperatorService *service;
  OperatorAccount *account;
} Follower;

static gpointer
add_tunnel (gpointer tunnel,
            gpointer user_data)
{
  Follower *follower = user_data;
  OperatorService *self = follower->service;
  OperatorTunnel *made = operator_tunnel_new (tunnel, &follower->account->name, self->objects, self->state);

  service_change (self);
  return made;
}

static void
remove_tunnel (gpointer made,
               gpointer user_data)
{
  Follower *follower = user_data;
  OperatorService *self = follower->service;
  g_autoptr (OperatorRecord) record = operator_tunnel_end (made);

  /* When all is over it is left to the next run. */
  if (record != NULL && !self->is_leaving)
    operator_leftovers_add (self->leftovers, record, FALSE);
  service_change (self);
}

static void
on_progress (IstOperatorClient *client,
             IstOperatorTunnel *tunnel,
             IstOperatorTunnelState state,
             gpointer user_data)
{
  Follower *follower = user_data;

  operator_calls_tell_progress (follower->service->calls, follower->account, tunnel);
}

static void
follower_free (gpointer data,
               GClosure *closure)
{
  g_free (data);
}

static void
on_account_added (OperatorAccount *account,
                  gpointer user_data)
{
  OperatorService *self = user_data;
  Follower *follower = g_new (Follower, 1);

  follower->service = self;
  follower->account = account;
  ist_operator_client_set_linger (account->client, self->linger);
  ist_operator_client_set_description (account->client, DESCRIPTION);
  g_signal_connect_data (account->client, "progress", G_CALLBACK (on_progress), follower, follower_free, 0);
  account->tunnels = tool_mirror_new (G_LIST_MODEL (account->client), add_tunnel, remove_tunnel, follower);
}

static void
on_account_removed (OperatorAccount *account,
                    gpointer user_data)
{
  /* There are some at the end only. */
  tool_mirror_free (account->tunnels);
  g_signal_handlers_disconnect_matched (account->client, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, on_progress, NULL);
}

static void
service_set_linger (OperatorService *self,
                    guint seconds)
{
  GPtrArray *accounts = operator_accounts_get_all (self->accounts);

  self->linger = seconds;
  bus_operator1_set_linger (self->skeleton, seconds);
  for (guint i = 0; i < accounts->len; i++)
    {
      OperatorAccount *account = g_ptr_array_index (accounts, i);

      ist_operator_client_set_linger (account->client, seconds);
    }
}

/* Methods, of callers that were let in */

static gboolean
service_refuse_when_leaving (OperatorService *self,
                             GDBusMethodInvocation *invocation)
{
  if (!self->is_leaving)
    return FALSE;
  g_dbus_method_invocation_return_error_literal (invocation, TOOL_OPERATOR_ERROR, TOOL_OPERATOR_ERROR_LEAVING,
                                                 "The service is about to end: repeat the call");
  return TRUE;
}

/* These may open a tunnel. */
static void
begin_call (OperatorCaller *caller,
            GDBusMethodInvocation *invocation,
            gpointer user_data)
{
  const char *method = g_dbus_method_invocation_get_method_name (invocation);
  OperatorService *self = user_data;

  if (service_refuse_when_leaving (self, invocation))
    return;
  if (g_str_equal (method, "Connect"))
    operator_calls_connect (self->calls, caller, invocation);
  else if (g_str_equal (method, "Open"))
    operator_calls_open (self->calls, caller, invocation);
  else
    operator_forwards_add (self->forwards, caller, invocation);
}

static void
do_begin (OperatorCaller *caller,
          GDBusMethodInvocation *invocation,
          gpointer user_data)
{
  OperatorService *self = user_data;

  operator_held_calls_pass (self->held, caller, invocation);
}

static void
do_list_things (OperatorCaller *caller,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  OperatorService *self = user_data;

  if (!service_refuse_when_leaving (self, invocation))
    operator_calls_list_things (self->calls, caller, invocation);
}

static void
do_unforward (OperatorCaller *caller,
              GDBusMethodInvocation *invocation,
              gpointer user_data)
{
  OperatorService *self = user_data;

  operator_forwards_remove (self->forwards, caller, invocation);
}

static void
do_watch (OperatorCaller *caller,
          GDBusMethodInvocation *invocation,
          gpointer user_data)
{
  OperatorService *self = user_data;

  if (service_refuse_when_leaving (self, invocation))
    return;
  caller->watches = TRUE;
  g_dbus_method_invocation_return_value (invocation, NULL);
  service_change (self);
}

static void
do_set_linger (OperatorCaller *caller,
               GDBusMethodInvocation *invocation,
               gpointer user_data)
{
  OperatorService *self = user_data;
  guint seconds;

  if (service_refuse_when_leaving (self, invocation))
    return;
  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(u)", &seconds);
  if (seconds > OPERATOR_MAX_LINGER)
    {
      g_dbus_method_invocation_return_error (invocation, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                                             "%u is more than %d seconds", seconds, OPERATOR_MAX_LINGER);
      return;
    }
  service_set_linger (self, seconds);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

/* Close */

static void
service_close_one_less (OperatorService *self)
{
  if (--self->n_closing == 0 && self->closed != NULL)
    self->closed (self->user_data);
}

typedef struct
{
  OperatorService *service;
  GDBusMethodInvocation *invocation;
} Closing;

static void
on_tunnel_closed (GObject *source_object,
                  GAsyncResult *result,
                  gpointer user_data)
{
  g_autofree Closing *closing = user_data;
  g_autoptr (GError) error = NULL;

  if (ist_operator_tunnel_close_finish (IST_OPERATOR_TUNNEL (source_object), result, &error))
    g_dbus_method_invocation_return_value (closing->invocation, NULL);
  else
    g_dbus_method_invocation_return_gerror (closing->invocation, error);
  service_close_one_less (closing->service);
  service_change (closing->service);
}

static void
service_close_tunnel (OperatorService *self,
                      IstOperatorTunnel *tunnel,
                      GDBusMethodInvocation *invocation)
{
  Closing *closing = g_new (Closing, 1);

  closing->service = self;
  closing->invocation = invocation;
  self->n_closing++;
  ist_operator_tunnel_close_async (tunnel, NULL, on_tunnel_closed, closing);
}

static void
do_close (OperatorCaller *caller,
          GDBusMethodInvocation *invocation,
          gpointer user_data)
{
  OperatorService *self = user_data;
  IstOperatorTunnel *tunnel;
  IstForwarderConnection *connection;
  const char *path;

  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(&o)", &path);
  tunnel = operator_objects_find (self->objects, OPERATOR_OBJECTS_TUNNELS, path);
  connection = operator_objects_find (self->objects, OPERATOR_OBJECTS_CONNECTIONS, path);
  if (tunnel != NULL)
    {
      service_close_tunnel (self, tunnel, invocation);
      return;
    }
  if (connection != NULL)
    {
      ist_forwarder_connection_close (connection);
      g_dbus_method_invocation_return_value (invocation, NULL);
      return;
    }
  g_dbus_method_invocation_return_error (invocation, TOOL_OPERATOR_ERROR, TOOL_OPERATOR_ERROR_NO_SUCH_OBJECT,
                                         "There is no tunnel and no connection %s", path);
}

/* Calls, of anybody */

static gboolean
on_connect (BusOperator1 *skeleton,
            GDBusMethodInvocation *invocation,
            GUnixFDList *fd_list,
            const char *thing,
            const char *service,
            GVariant *options,
            gpointer user_data)
{
  OperatorService *self = user_data;

  operator_callers_admit (self->callers, invocation, do_begin);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_open (BusOperator1 *skeleton,
         GDBusMethodInvocation *invocation,
         const char *thing,
         const char *const *services,
         GVariant *options,
         gpointer user_data)
{
  OperatorService *self = user_data;

  operator_callers_admit (self->callers, invocation, do_begin);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_close (BusOperator1 *skeleton,
          GDBusMethodInvocation *invocation,
          const char *path,
          gpointer user_data)
{
  OperatorService *self = user_data;

  operator_callers_admit (self->callers, invocation, do_close);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_forward (BusOperator1 *skeleton,
            GDBusMethodInvocation *invocation,
            const char *thing,
            const char *service,
            const char *address,
            GVariant *options,
            gpointer user_data)
{
  OperatorService *self = user_data;

  operator_callers_admit (self->callers, invocation, do_begin);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_unforward (BusOperator1 *skeleton,
              GDBusMethodInvocation *invocation,
              const char *path,
              gpointer user_data)
{
  OperatorService *self = user_data;

  operator_callers_admit (self->callers, invocation, do_unforward);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_list_things (BusOperator1 *skeleton,
                GDBusMethodInvocation *invocation,
                GVariant *options,
                gpointer user_data)
{
  OperatorService *self = user_data;

  operator_callers_admit (self->callers, invocation, do_list_things);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_watch (BusOperator1 *skeleton,
          GDBusMethodInvocation *invocation,
          gpointer user_data)
{
  OperatorService *self = user_data;

  operator_callers_admit (self->callers, invocation, do_watch);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_set_linger (BusOperator1 *skeleton,
               GDBusMethodInvocation *invocation,
               guint seconds,
               gpointer user_data)
{
  OperatorService *self = user_data;

  operator_callers_admit (self->callers, invocation, do_set_linger);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
service_let_go (OperatorService *self,
                OperatorCaller *caller)
{
  GPtrArray *accounts = operator_accounts_get_all (self->accounts);

  for (guint i = 0; i < accounts->len; i++)
    {
      OperatorAccount *account = g_ptr_array_index (accounts, i);
      GPtrArray *tunnels = tool_mirror_get_all (account->tunnels);

      for (guint j = 0; j < tunnels->len; j++)
        operator_tunnel_let_go (g_ptr_array_index (tunnels, j), caller);
    }
}

static void
on_caller_left (OperatorCaller *caller,
                gpointer user_data)
{
  OperatorService *self = user_data;

  caller->watches = FALSE;
  caller->has_left = TRUE;
  operator_held_calls_drop (self->held, caller);
  operator_calls_cancel (self->calls, caller);
  operator_forwards_remove_caller (self->forwards, caller);
  service_let_go (self, caller);
  service_change (self);
}

/* From the beginning to the end */

static void
service_connect_signals (OperatorService *self)
{
  g_signal_connect (self->skeleton, "handle-connect", G_CALLBACK (on_connect), self);
  g_signal_connect (self->skeleton, "handle-open", G_CALLBACK (on_open), self);
  g_signal_connect (self->skeleton, "handle-close", G_CALLBACK (on_close), self);
  g_signal_connect (self->skeleton, "handle-forward", G_CALLBACK (on_forward), self);
  g_signal_connect (self->skeleton, "handle-unforward", G_CALLBACK (on_unforward), self);
  g_signal_connect (self->skeleton, "handle-list-things", G_CALLBACK (on_list_things), self);
  g_signal_connect (self->skeleton, "handle-watch", G_CALLBACK (on_watch), self);
  g_signal_connect (self->skeleton, "handle-set-linger", G_CALLBACK (on_set_linger), self);
}

void
operator_service_take_up (OperatorService *self)
{
  g_autoptr (GPtrArray) records = g_ptr_array_copy (operator_state_get_records (self->state), NULL, NULL);

  /* They are the state's. */
  g_ptr_array_set_free_func (records, NULL);
  for (guint i = 0; i < records->len; i++)
    operator_leftovers_add (self->leftovers, g_ptr_array_index (records, i), TRUE);
  if (operator_leftovers_get_n_untried (self->leftovers) > 0)
    operator_held_calls_start (self->held);
}

OperatorService *
operator_service_new (GDBusConnection *connection,
                      OperatorState *state,
                      guint linger,
                      void (*changed) (gpointer user_data),
                      gpointer user_data,
                      GError **error)
{
  OperatorService *self = g_new0 (OperatorService, 1);

  self->state = state;
  self->linger = linger;
  self->changed = changed;
  self->user_data = user_data;
  self->objects = operator_objects_new (connection);
  self->accounts = operator_accounts_new (on_account_added, on_account_removed, self);
  self->callers = operator_callers_new (connection, on_caller_left, self);
  self->held = operator_held_calls_new (begin_call, self);
  self->calls = operator_calls_new (connection, self->accounts, self->objects, service_change, self);
  self->forwards = operator_forwards_new (self->accounts, self->objects, service_change, self);
  self->leftovers = operator_leftovers_new (state, self->accounts, on_leftovers_changed, self);
  self->skeleton = bus_operator1_skeleton_new ();
  bus_operator1_set_version (self->skeleton, IST_VERSION_S);
  bus_operator1_set_linger (self->skeleton, linger);
  service_connect_signals (self);
  if (!g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), connection, TOOL_OPERATOR_PATH,
                                         error))
    {
      operator_service_free (self);
      return NULL;
    }
  return self;
}

void
operator_service_free (OperatorService *self)
{
  self->is_leaving = TRUE;
  self->is_closed = TRUE;
  g_signal_handlers_disconnect_by_data (self->skeleton, self);
  g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_object_unref (self->skeleton);
  operator_held_calls_free (self->held);
  operator_leftovers_free (self->leftovers);
  operator_calls_free (self->calls);
  operator_forwards_free (self->forwards);
  operator_callers_free (self->callers);
  operator_accounts_free (self->accounts);
  operator_objects_free (self->objects);
  g_free (self);
}

gboolean
operator_service_is_idle (OperatorService *self)
{
  return operator_objects_count (self->objects, OPERATOR_OBJECTS_TUNNELS) == 0 &&
         operator_objects_count (self->objects, OPERATOR_OBJECTS_FORWARDS) == 0 &&
         operator_calls_get_n (self->calls) == 0 && operator_leftovers_get_n (self->leftovers) == 0 &&
         operator_callers_get_n_waiting (self->callers) == 0 && self->n_closing == 0 &&
         !operator_callers_is_anybody_watching (self->callers);
}

void
operator_service_leave (OperatorService *self)
{
  self->is_leaving = TRUE;
}

static void
on_client_closed (GObject *source_object,
                  GAsyncResult *result,
                  gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!ist_operator_client_close_finish (IST_OPERATOR_CLIENT (source_object), result, &error))
    g_warning (_ ("Not all tunnels could be closed: %s; the next start of ist-operator does it"), error->message);
  service_close_one_less (user_data);
}

void
operator_service_close (OperatorService *self,
                        void (*closed) (gpointer user_data))
{
  GPtrArray *accounts = operator_accounts_get_all (self->accounts);

  operator_service_leave (self);
  self->closed = closed;
  /* For this loop. */
  self->n_closing++;
  for (guint i = 0; i < accounts->len; i++)
    {
      OperatorAccount *account = g_ptr_array_index (accounts, i);

      self->n_closing++;
      ist_operator_client_close_async (account->client, NULL, on_client_closed, self);
    }
  service_close_one_less (self);
}

guint
operator_service_get_n_tunnels (OperatorService *self)
{
  return operator_objects_count (self->objects, OPERATOR_OBJECTS_TUNNELS);
}

guint
operator_service_get_n_connections (OperatorService *self)
{
  return operator_objects_count (self->objects, OPERATOR_OBJECTS_CONNECTIONS);
}
