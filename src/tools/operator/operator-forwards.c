/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-forwards.h"

#include <glib/gi18n.h>

#include "tools/common/operator-bus.h"
#include "tools/common/tool-bus-binding.h"
#include "tools/common/tool-operator-bus.h"
#include "tools/operator/operator-check.h"
#include "tools/operator/operator-limits.h"
#include "tools/operator/operator-options.h"

struct _OperatorForwards
{
  OperatorAccounts *accounts;
  OperatorObjects *objects;
  void (*changed) (gpointer user_data);
  gpointer user_data;
  GPtrArray *all;
};

typedef struct
{
  OperatorObjects *objects;
  OperatorCaller *caller; /* NULL if it outlives that */
  OperatorAccount *account;
  IstOperatorForward *forward;
  GDBusInterfaceSkeleton *object;
} Forward;

static void
forward_free (gpointer data)
{
  Forward *self = data;

  operator_objects_remove (self->objects, OPERATOR_OBJECTS_FORWARDS, self->object);
  g_object_unref (self->object);
  ist_operator_forward_stop (self->forward);
  g_object_unref (self->forward);
  operator_account_unuse (self->account);
  if (self->caller != NULL)
    {
      self->caller->n_forwards--;
      operator_caller_unref (self->caller);
    }
  g_free (self);
}

static GDBusInterfaceSkeleton *
make_object (IstOperatorForward *forward,
             const OperatorAccount *account,
             gboolean kept)
{
  BusOperator1Forward *object = bus_operator1_forward_skeleton_new ();

  tool_bus_bind_text (forward, "thing-name", object, "thing-name");
  tool_bus_bind_text (forward, "service-id", object, "service");
  tool_bus_bind_text (forward, "address", object, "address");
  g_object_bind_property (forward, "n-connections", object, "connections", G_BINDING_SYNC_CREATE);
  bus_operator1_forward_set_kept (object, kept);
  bus_operator1_forward_set_profile (object, account->name.profile != NULL ? account->name.profile : "");
  bus_operator1_forward_set_region (object, account->name.region != NULL ? account->name.region : "");
  return G_DBUS_INTERFACE_SKELETON (object);
}

static Forward *
forwards_add (OperatorForwards *self,
              OperatorCaller *caller,
              OperatorAccount *account,
              IstOperatorForward *forward)
{
  Forward *added = g_new0 (Forward, 1);

  added->objects = self->objects;
  added->account = account;
  added->forward = g_object_ref (forward);
  added->object = make_object (forward, account, caller == NULL);
  operator_account_use (account);
  if (caller != NULL)
    {
      added->caller = operator_caller_ref (caller);
      caller->n_forwards++;
    }
  operator_objects_add (self->objects, OPERATOR_OBJECTS_FORWARDS, added->object, forward);
  g_ptr_array_add (self->all, added);
  self->changed (self->user_data);
  return added;
}

static gboolean
check_limits (OperatorForwards *self,
              OperatorCaller *caller,
              GError **error)
{
  return operator_check_limit (self->all->len, OPERATOR_MAX_FORWARDS, "forwards", error) &&
         operator_check_limit (caller->n_forwards, OPERATOR_MAX_CALLER_FORWARDS, "forwards of one caller", error);
}

static Forward *
forwards_start (OperatorForwards *self,
                OperatorCaller *caller,
                const char *thing,
                const char *service,
                const char *address,
                GVariant *dictionary,
                GError **error)
{
  g_auto (OperatorOptions) options = { 0 };
  g_autoptr (IstOperatorForward) forward = NULL;
  OperatorAccount *account;

  if (!check_limits (self, caller, error) || !operator_check_name ("thing", thing, error) ||
      !operator_check_name ("service", service, error) ||
      !operator_options_parse (&options, OPERATOR_OPTIONS_OF_FORWARD, dictionary, error))
    return NULL;
  account = operator_accounts_obtain (self->accounts, &options.account, error);
  if (account == NULL)
    return NULL;
  forward = ist_operator_forward_new (account->client, thing, service, address, options.tunnel);
  if (!ist_operator_forward_start (forward, error))
    return NULL;
  return forwards_add (self, options.keep ? NULL : caller, account, forward);
}

void
operator_forwards_add (OperatorForwards *self,
                       OperatorCaller *caller,
                       GDBusMethodInvocation *invocation)
{
  g_autoptr (GVariant) options = NULL;
  g_autoptr (GError) error = NULL;
  const char *thing;
  const char *service;
  const char *address;
  Forward *forward;

  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(&s&s&s@a{sv})", &thing, &service, &address,
                 &options);
  forward = forwards_start (self, caller, thing, service, address, options, &error);
  if (forward == NULL)
    {
      g_dbus_method_invocation_return_gerror (invocation, error);
      return;
    }
  g_message (_ ("%s of “%s” is at %s"), service, thing, ist_operator_forward_get_address (forward->forward));
  g_dbus_method_invocation_return_value (
    invocation, g_variant_new ("(os)", g_dbus_interface_skeleton_get_object_path (forward->object),
                               ist_operator_forward_get_address (forward->forward)));
}

void
operator_forwards_remove (OperatorForwards *self,
                          OperatorCaller *caller,
                          GDBusMethodInvocation *invocation)
{
  const char *path;

  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(&o)", &path);
  for (guint i = 0; i < self->all->len; i++)
    {
      Forward *forward = g_ptr_array_index (self->all, i);

      if (g_strcmp0 (g_dbus_interface_skeleton_get_object_path (forward->object), path) != 0)
        continue;
      g_ptr_array_remove_index (self->all, i);
      g_dbus_method_invocation_return_value (invocation, NULL);
      self->changed (self->user_data);
      return;
    }
  g_dbus_method_invocation_return_error (invocation, TOOL_OPERATOR_ERROR, TOOL_OPERATOR_ERROR_NO_SUCH_OBJECT,
                                         "There is no forward %s", path);
}

void
operator_forwards_remove_caller (OperatorForwards *self,
                                 OperatorCaller *caller)
{
  guint n = self->all->len;

  for (guint i = n; i > 0; i--)
    {
      Forward *forward = g_ptr_array_index (self->all, i - 1);

      if (forward->caller == caller)
        g_ptr_array_remove_index (self->all, i - 1);
    }
  if (self->all->len < n)
    self->changed (self->user_data);
}

OperatorForwards *
operator_forwards_new (OperatorAccounts *accounts,
                       OperatorObjects *objects,
                       void (*changed) (gpointer user_data),
                       gpointer user_data)
{
  OperatorForwards *self = g_new0 (OperatorForwards, 1);

  self->accounts = accounts;
  self->objects = objects;
  self->changed = changed;
  self->user_data = user_data;
  self->all = g_ptr_array_new_with_free_func (forward_free);
  return self;
}

void
operator_forwards_free (OperatorForwards *self)
{
  g_ptr_array_unref (self->all);
  g_free (self);
}
