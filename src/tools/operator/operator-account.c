/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-account.h"

#include "tools/operator/operator-limits.h"

struct _OperatorAccounts
{
  OperatorAccountFunc added;
  OperatorAccountFunc removed;
  gpointer user_data;
  GPtrArray *accounts;
};

/* An account as it is known here. */
typedef struct
{
  OperatorAccount account;
  OperatorAccounts *accounts;
  OperatorAccountName asked_for; /* last */
  OperatorAccountName identity;
} Known;

static void
known_free (gpointer data)
{
  Known *self = data;

  self->accounts->removed (&self->account, self->accounts->user_data);
  g_object_unref (self->account.client);
  operator_account_name_clear (&self->account.name);
  operator_account_name_clear (&self->asked_for);
  operator_account_name_clear (&self->identity);
  g_free (self);
}

static Known *
accounts_find (OperatorAccounts *self,
               const OperatorAccountName *asked_for,
               const OperatorAccountName *identity)
{
  for (guint i = 0; i < self->accounts->len; i++)
    {
      Known *known = g_ptr_array_index (self->accounts, i);

      if ((asked_for != NULL && operator_account_name_equal (&known->asked_for, asked_for)) ||
          (identity != NULL && operator_account_name_equal (&known->identity, identity)))
        return known;
    }
  return NULL;
}

static gboolean
accounts_make_room (OperatorAccounts *self,
                    GError **error)
{
  if (self->accounts->len < OPERATOR_MAX_ACCOUNTS)
    return TRUE;
  for (guint i = 0; i < self->accounts->len; i++)
    {
      Known *known = g_ptr_array_index (self->accounts, i);

      if (known->account.n_uses > 0 || tool_mirror_get_all (known->account.tunnels)->len > 0)
        continue;
      g_ptr_array_remove_index (self->accounts, i);
      return TRUE;
    }
  g_set_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_TOO_MANY,
               "%u profiles, regions and endpoints are in use, which is the limit: close tunnels of another first",
               OPERATOR_MAX_ACCOUNTS);
  return FALSE;
}

static IstOperatorControlPlane *
make_control_plane (const OperatorAccountName *name,
                    GError **error)
{
  g_autoptr (IstOperatorCredentials) credentials = ist_operator_credentials_new (name->profile);

  return g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, error,
                         "credentials", credentials,
                         "region", name->region,
                         "endpoint-url", name->endpoint_url,
                         "ca-file", name->ca_file,
                         NULL);
}

static void
read_identity (OperatorAccountName *identity,
               IstOperatorControlPlane *control_plane)
{
  IstOperatorCredentials *credentials = ist_operator_control_plane_get_credentials (control_plane);

  identity->profile = g_strdup (ist_operator_credentials_get_profile (credentials));
  identity->region = g_strdup (ist_operator_control_plane_get_region (control_plane));
  identity->endpoint_url = g_strdup (ist_operator_control_plane_get_endpoint_url (control_plane));
  identity->ca_file = g_strdup (ist_operator_control_plane_get_ca_file (control_plane));
}

static Known *
accounts_add (OperatorAccounts *self,
              const OperatorAccountName *asked_for,
              const OperatorAccountName *identity,
              IstOperatorControlPlane *control_plane)
{
  Known *known = g_new0 (Known, 1);

  known->accounts = self;
  known->account.client = ist_operator_client_new (control_plane);
  operator_account_name_copy (&known->asked_for, asked_for);
  operator_account_name_copy (&known->identity, identity);
  /* A place that follows from the region is not named: another run may find it elsewhere. */
  operator_account_name_copy (&known->account.name, identity);
  if (asked_for->endpoint_url == NULL)
    g_clear_pointer (&known->account.name.endpoint_url, g_free);
  g_ptr_array_add (self->accounts, known);
  self->added (&known->account, self->user_data);
  return known;
}

OperatorAccount *
operator_accounts_obtain (OperatorAccounts *self,
                          const OperatorAccountName *name,
                          GError **error)
{
  g_autoptr (IstOperatorControlPlane) control_plane = NULL;
  g_auto (OperatorAccountName) identity = { 0 };
  Known *known = accounts_find (self, name, NULL);

  if (known != NULL)
    return &known->account;
  control_plane = make_control_plane (name, error);
  if (control_plane == NULL)
    return NULL;
  read_identity (&identity, control_plane);
  known = accounts_find (self, NULL, &identity);
  if (known != NULL)
    {
      operator_account_name_clear (&known->asked_for);
      operator_account_name_copy (&known->asked_for, name);
    }
  else if (accounts_make_room (self, error))
    {
      known = accounts_add (self, name, &identity, control_plane);
    }
  return known != NULL ? &known->account : NULL;
}

GPtrArray *
operator_accounts_get_all (OperatorAccounts *self)
{
  return self->accounts;
}

void
operator_account_use (OperatorAccount *self)
{
  self->n_uses++;
}

void
operator_account_unuse (OperatorAccount *self)
{
  self->n_uses--;
}

OperatorTunnel *
operator_account_find_tunnel (OperatorAccount *self,
                              IstOperatorTunnel *tunnel)
{
  GPtrArray *tunnels = tool_mirror_get_all (self->tunnels);

  for (guint i = 0; i < tunnels->len; i++)
    {
      OperatorTunnel *object = g_ptr_array_index (tunnels, i);

      if (operator_tunnel_get_tunnel (object) == tunnel)
        return object;
    }
  return NULL;
}

gboolean
operator_account_has_tunnel_to (OperatorAccount *self,
                                const char *thing)
{
  GPtrArray *tunnels = tool_mirror_get_all (self->tunnels);

  for (guint i = 0; i < tunnels->len; i++)
    {
      OperatorTunnel *object = g_ptr_array_index (tunnels, i);

      if (g_strcmp0 (ist_operator_tunnel_get_thing_name (operator_tunnel_get_tunnel (object)), thing) == 0)
        return TRUE;
    }
  return FALSE;
}

OperatorAccounts *
operator_accounts_new (OperatorAccountFunc added,
                       OperatorAccountFunc removed,
                       gpointer user_data)
{
  OperatorAccounts *self = g_new0 (OperatorAccounts, 1);

  self->added = added;
  self->removed = removed;
  self->user_data = user_data;
  self->accounts = g_ptr_array_new_with_free_func (known_free);
  return self;
}

void
operator_accounts_free (OperatorAccounts *self)
{
  g_ptr_array_unref (self->accounts);
  g_free (self);
}
