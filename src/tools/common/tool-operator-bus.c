/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-operator-bus.h"

#include <ist-operator/ist-operator.h>

#define PREFIX "io.github.libist.Operator1.Error."

/* The formatter takes the dashes for signs. */
/* clang-format off */
G_DEFINE_QUARK (tool-operator-error-quark, tool_operator_error)
/* clang-format on */

/* "no-region" is "NoRegion" on the bus. */
static char *
make_name (const char *group,
           const char *nick)
{
  GString *name = g_string_new (PREFIX);
  gboolean is_first = TRUE;

  g_string_append (name, group);
  for (const char *p = nick; *p != '\0'; p++)
    {
      if (*p != '-')
        g_string_append_c (name, is_first ? g_ascii_toupper (*p) : *p);
      is_first = *p == '-';
    }
  return g_string_free (name, FALSE);
}

static void
register_domain (GQuark domain,
                 GType codes,
                 const char *group)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (codes);

  for (guint i = 0; i < class->n_values; i++)
    {
      g_autofree char *name = make_name (group, class->values[i].value_nick);

      g_dbus_error_register_error (domain, class->values[i].value, name);
    }
}

void
tool_operator_bus_init (void)
{
  register_domain (IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_TYPE_CONTROL_PLANE_ERROR, "");
  register_domain (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_TYPE_CLIENT_ERROR, "");
  register_domain (IST_TUNNEL_ERROR, IST_TYPE_TUNNEL_ERROR, "Tunnel");
  g_dbus_error_register_error (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_TOO_MANY, PREFIX "TooMany");
  g_dbus_error_register_error (TOOL_OPERATOR_ERROR, TOOL_OPERATOR_ERROR_NO_SUCH_OBJECT, PREFIX "NoSuchObject");
  g_dbus_error_register_error (TOOL_OPERATOR_ERROR, TOOL_OPERATOR_ERROR_LEAVING, PREFIX "Leaving");
}
