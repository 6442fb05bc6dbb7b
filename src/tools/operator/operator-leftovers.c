/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-leftovers.h"

#include <glib/gi18n.h>

#include "common/ist-backoff-private.h"
#include "tools/operator/operator-limits.h"

/* Milliseconds between attempts. */
#define RETRY_FLOOR 1000
#define RETRY_BASE 4000
#define RETRY_CAP 300000

struct _OperatorLeftovers
{
  OperatorState *state;
  OperatorAccounts *accounts;
  void (*changed) (gpointer user_data);
  gpointer user_data;
  GCancellable *cancellable;
  GPtrArray *all;
};

typedef struct
{
  OperatorLeftovers *leftovers;
  OperatorRecord *record;
  OperatorAccount *account; /* in use during a call */
  gboolean takes_up;
  gboolean kept; /* as it was written down */
  gboolean was_tried;
  IstBackoff backoff;
  guint retry;
} Leftover;

static void leftover_try (Leftover *self);

static void
leftover_free (gpointer data)
{
  Leftover *self = data;

  if (self->retry != 0)
    g_source_remove (self->retry);
  if (self->account != NULL)
    operator_account_unuse (self->account);
  operator_record_unref (self->record);
  g_free (self);
}

static void
leftover_remove (Leftover *self)
{
  OperatorLeftovers *leftovers = self->leftovers;

  self->record->held = FALSE;
  g_ptr_array_remove (leftovers->all, self);
  leftovers->changed (leftovers->user_data);
}

static void
leftover_settle (Leftover *self)
{
  operator_state_remove (self->leftovers->state, self->record);
  leftover_remove (self);
}

static const char *
leftover_get_name (Leftover *self)
{
  return self->record->tunnel_id != NULL ? self->record->tunnel_id : self->record->thing;
}

/* Trying again */

static gboolean
on_retry (gpointer user_data)
{
  Leftover *self = user_data;

  self->retry = 0;
  leftover_try (self);
  return G_SOURCE_REMOVE;
}

static void
leftover_fail (Leftover *self,
               const GError *error)
{
  gint64 end = self->record->at + OPERATOR_MAX_LIFETIME * G_TIME_SPAN_MINUTE;

  if (g_get_real_time () > end)
    {
      g_message (_ ("%s: its lifetime is over"), leftover_get_name (self));
      leftover_settle (self);
      return;
    }
  g_warning (_ ("%s: an earlier tunnel could not be taken up or closed: %s; trying again"), leftover_get_name (self),
             error->message);
  if (self->account != NULL)
    operator_account_unuse (g_steal_pointer (&self->account));
  self->retry = g_timeout_add (ist_backoff_fail (&self->backoff), on_retry, self);
  self->was_tried = TRUE;
  self->leftovers->changed (self->leftovers->user_data);
}

/* Whether there is nothing left to do with a tunnel because of this. */
static gboolean
is_over (const GError *error)
{
  return g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND) ||
         g_error_matches (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_CLOSED) ||
         g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED);
}

static gboolean
is_cancelled (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Taking up */

static void
on_adopted (GObject *source_object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorTunnel) tunnel = NULL;
  OperatorTunnel *object = NULL;
  Leftover *self = user_data;

  tunnel = ist_operator_client_adopt_finish (IST_OPERATOR_CLIENT (source_object), result, &error);
  if (is_cancelled (error))
    return;
  if (tunnel != NULL)
    object = operator_account_find_tunnel (self->account, tunnel);
  if (tunnel != NULL)
    {
      g_message (_ ("Tunnel %s to “%s” is taken up again"), self->record->tunnel_id, self->record->thing);
      if (self->kept && object != NULL)
        operator_tunnel_keep (object, NULL);
      leftover_remove (self);
    }
  else if (is_over (error))
    leftover_settle (self);
  else
    leftover_fail (self, error);
}

/* Closing */

static void
on_closed (GObject *source_object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  Leftover *self = user_data;

  ist_operator_control_plane_close_tunnel_finish (IST_OPERATOR_CONTROL_PLANE (source_object), result, &error);
  if (is_cancelled (error))
    return;
  if (error != NULL && !is_over (error))
    {
      leftover_fail (self, error);
      return;
    }
  g_message (_ ("Tunnel %s to “%s” is closed"), self->record->tunnel_id, self->record->thing);
  leftover_settle (self);
}

static void
leftover_close (Leftover *self)
{
  ist_operator_control_plane_close_tunnel_async (ist_operator_client_get_control_plane (self->account->client),
                                                 self->record->tunnel_id, TRUE, self->leftovers->cancellable,
                                                 on_closed, self);
}

/* With its id known, one or the other */

static void
leftover_go_on (Leftover *self)
{
  if (self->takes_up)
    ist_operator_client_adopt_async (self->account->client, self->record->tunnel_id, self->leftovers->cancellable,
                                     on_adopted, self);
  else
    leftover_close (self);
}

/* Looking for it */

static char *
leftover_find (Leftover *self,
               GListModel *tunnels)
{
  for (guint i = 0; i < g_list_model_get_n_items (tunnels); i++)
    {
      g_autoptr (IstOperatorTunnelDescription) tunnel = g_list_model_get_item (tunnels, i);
      const char *description = ist_operator_tunnel_description_get_description (tunnel);

      if (ist_operator_tunnel_description_get_is_open (tunnel) &&
          g_strcmp0 (description, self->record->description) == 0)
        return g_strdup (ist_operator_tunnel_description_get_tunnel_id (tunnel));
    }
  return NULL;
}

static void
on_listed (GObject *source_object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) tunnels = NULL;
  g_autofree char *tunnel_id = NULL;
  Leftover *self = user_data;

  tunnels = ist_operator_control_plane_list_tunnels_finish (IST_OPERATOR_CONTROL_PLANE (source_object), result,
                                                            &error);
  if (is_cancelled (error))
    return;
  if (tunnels == NULL && !is_over (error))
    {
      leftover_fail (self, error);
      return;
    }
  if (tunnels != NULL)
    tunnel_id = leftover_find (self, tunnels);
  if (tunnel_id == NULL)
    {
      leftover_settle (self);
      return;
    }
  operator_state_set_tunnel (self->leftovers->state, self->record, tunnel_id, FALSE);
  leftover_go_on (self);
}

/* All of it */

static void
leftover_try (Leftover *self)
{
  OperatorLeftovers *leftovers = self->leftovers;
  g_autoptr (GError) error = NULL;

  self->account = operator_accounts_obtain (leftovers->accounts, &self->record->account, &error);
  if (self->account == NULL)
    {
      leftover_fail (self, error);
      return;
    }
  operator_account_use (self->account);
  if (self->record->tunnel_id == NULL)
    ist_operator_control_plane_list_tunnels_async (ist_operator_client_get_control_plane (self->account->client),
                                                   self->record->thing, leftovers->cancellable, on_listed, self);
  else
    leftover_go_on (self);
}

void
operator_leftovers_add (OperatorLeftovers *self,
                        OperatorRecord *record,
                        gboolean takes_up)
{
  Leftover *leftover = g_new0 (Leftover, 1);

  leftover->leftovers = self;
  leftover->record = operator_record_ref (record);
  record->held = TRUE;
  leftover->takes_up = takes_up;
  leftover->kept = record->kept;
  leftover->backoff = (IstBackoff){ .floor = RETRY_FLOOR, .base = RETRY_BASE, .cap = RETRY_CAP };
  g_ptr_array_add (self->all, leftover);
  self->changed (self->user_data);
  leftover_try (leftover);
}

guint
operator_leftovers_get_n (OperatorLeftovers *self)
{
  return self->all->len;
}

guint
operator_leftovers_get_n_untried (OperatorLeftovers *self)
{
  guint n = 0;

  for (guint i = 0; i < self->all->len; i++)
    {
      const Leftover *leftover = g_ptr_array_index (self->all, i);

      if (leftover->takes_up && !leftover->was_tried)
        n++;
    }
  return n;
}

OperatorLeftovers *
operator_leftovers_new (OperatorState *state,
                        OperatorAccounts *accounts,
                        void (*changed) (gpointer user_data),
                        gpointer user_data)
{
  OperatorLeftovers *self = g_new0 (OperatorLeftovers, 1);

  self->state = state;
  self->accounts = accounts;
  self->changed = changed;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->all = g_ptr_array_new_with_free_func (leftover_free);
  return self;
}

void
operator_leftovers_free (OperatorLeftovers *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_ptr_array_unref (self->all);
  g_free (self);
}
