/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-held-calls.h"

#include <glib/gi18n.h>

#include "tools/operator/operator-check.h"
#include "tools/operator/operator-limits.h"

/* Milliseconds. Another tunnel costs less than a device that can't be reached because
 * AWS does not answer for a third one. */
#define PATIENCE 10000

struct _OperatorHeldCalls
{
  OperatorAdmittedFunc begin;
  gpointer user_data;
  gboolean holds;
  guint timeout;
  GQueue calls; /* of HeldCall */
};

typedef struct
{
  OperatorCaller *caller;
  GDBusMethodInvocation *invocation; /* NULL once it was handed on */
} HeldCall;

static void
held_call_free (HeldCall *self)
{
  g_clear_object (&self->invocation);
  self->caller->n_calls--;
  operator_caller_unref (self->caller);
  g_free (self);
}

void
operator_held_calls_release (OperatorHeldCalls *self)
{
  HeldCall *call;

  self->holds = FALSE;
  if (self->timeout != 0)
    g_source_remove (self->timeout);
  self->timeout = 0;
  while ((call = g_queue_pop_head (&self->calls)) != NULL)
    {
      g_autoptr (OperatorCaller) caller = operator_caller_ref (call->caller);
      GDBusMethodInvocation *invocation = g_steal_pointer (&call->invocation);

      /* It counts as one of the caller's again when it begins. */
      held_call_free (call);
      self->begin (caller, invocation, self->user_data);
    }
}

static gboolean
on_timeout (gpointer user_data)
{
  OperatorHeldCalls *self = user_data;

  self->timeout = 0;
  g_warning (_ ("It is not known yet what has become of earlier tunnels; calls go on without them"));
  operator_held_calls_release (self);
  return G_SOURCE_REMOVE;
}

void
operator_held_calls_start (OperatorHeldCalls *self)
{
  self->holds = TRUE;
  if (self->timeout == 0)
    self->timeout = g_timeout_add (PATIENCE, on_timeout, self);
}

void
operator_held_calls_pass (OperatorHeldCalls *self,
                          OperatorCaller *caller,
                          GDBusMethodInvocation *invocation)
{
  g_autoptr (GError) error = NULL;
  HeldCall *call;

  if (!self->holds)
    {
      self->begin (caller, invocation, self->user_data);
      return;
    }
  if (!operator_check_limit (caller->n_calls, OPERATOR_MAX_CALLER_CALLS, "calls of one caller", &error))
    {
      g_dbus_method_invocation_return_gerror (invocation, error);
      return;
    }
  call = g_new0 (HeldCall, 1);
  call->caller = operator_caller_ref (caller);
  call->invocation = invocation;
  caller->n_calls++;
  g_queue_push_tail (&self->calls, call);
}

void
operator_held_calls_drop (OperatorHeldCalls *self,
                          OperatorCaller *caller)
{
  GList *link = self->calls.head;

  while (link != NULL)
    {
      GList *next = link->next;
      HeldCall *call = link->data;

      if (call->caller == caller)
        {
          g_queue_delete_link (&self->calls, link);
          held_call_free (call);
        }
      link = next;
    }
}

OperatorHeldCalls *
operator_held_calls_new (OperatorAdmittedFunc begin,
                         gpointer user_data)
{
  OperatorHeldCalls *self = g_new0 (OperatorHeldCalls, 1);

  self->begin = begin;
  self->user_data = user_data;
  g_queue_init (&self->calls);
  return self;
}

void
operator_held_calls_free (OperatorHeldCalls *self)
{
  if (self->timeout != 0)
    g_source_remove (self->timeout);
  g_queue_clear_full (&self->calls, (GDestroyNotify) held_call_free);
  g_free (self);
}
