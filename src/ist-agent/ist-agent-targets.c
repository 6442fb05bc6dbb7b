/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-agent/ist-agent-targets-private.h"

#include <ist/ist.h>

#include "common/ist-address-private.h"
#include "common/ist-names-private.h"

static GSocketConnectable *
targets_parse_one (const char *service_id,
                   const char *address,
                   GError **error)
{
  g_autoptr (GError) local = NULL;
  GSocketConnectable *target;

  if (!ist_name_is_valid (service_id))
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
                   "“%s” is no service: names have " IST_NAME_RULE, service_id);
      return NULL;
    }
  target = ist_address_parse (address, NULL, &local);
  if (target == NULL)
    g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING, local->message);
  return target;
}

GHashTable *
ist_agent_targets_parse (GHashTable *services,
                         GError **error)
{
  g_autoptr (GHashTable) targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  GHashTableIter iter;
  gpointer service_id;
  gpointer address;

  g_hash_table_iter_init (&iter, services);
  while (g_hash_table_iter_next (&iter, &service_id, &address))
    {
      GSocketConnectable *target = targets_parse_one (service_id, address, error);

      if (target == NULL)
        return NULL;
      g_hash_table_insert (targets, g_strdup (service_id), target);
    }
  return g_steal_pointer (&targets);
}
