/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/operator/operator-check.h"

#include <ist-operator/ist-operator.h>

#include "common/ist-names-private.h"
#include "common/ist-text-private.h"
#include "tools/operator/operator-limits.h"

gboolean
operator_check_name (const char *what,
                     const char *name,
                     GError **error)
{
  g_autofree char *safe = NULL;

  if (ist_name_is_valid (name))
    return TRUE;
  safe = ist_text_make_safe (name, -1, IST_NAME_MAX_LENGTH);
  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "“%s” is not the name of a %s: " IST_NAME_RULE, safe,
               what);
  return FALSE;
}

gboolean
operator_check_services (const char *const *services,
                         GError **error)
{
  guint n;

  for (n = 0; services[n] != NULL; n++)
    {
      if (!operator_check_name ("service", services[n], error))
        return FALSE;
    }
  if (n > 0 && n <= OPERATOR_MAX_SERVICES)
    return TRUE;
  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "A tunnel is for 1 to %d services",
               OPERATOR_MAX_SERVICES);
  return FALSE;
}

gboolean
operator_check_limit (guint n,
                      guint limit,
                      const char *what,
                      GError **error)
{
  if (n < limit)
    return TRUE;
  g_set_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_TOO_MANY,
               "There are %u %s, which is the limit: end some first", n, what);
  return FALSE;
}
