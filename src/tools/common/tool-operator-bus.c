/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-operator-bus.h"

#include <sysexits.h>

#include <ist-operator/ist-operator.h>

#include "tools/common/tool-error.h"

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
tool_operator_error_init (void)
{
  register_domain (IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_TYPE_CONTROL_PLANE_ERROR, "");
  register_domain (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_TYPE_CLIENT_ERROR, "");
  register_domain (IST_TUNNEL_ERROR, IST_TYPE_TUNNEL_ERROR, "Tunnel");
  g_dbus_error_register_error (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_TOO_MANY, PREFIX "TooMany");
  g_dbus_error_register_error (TOOL_OPERATOR_ERROR, TOOL_OPERATOR_ERROR_NO_SUCH_OBJECT, PREFIX "NoSuchObject");
  g_dbus_error_register_error (TOOL_OPERATOR_ERROR, TOOL_OPERATOR_ERROR_LEAVING, PREFIX "Leaving");
}

static int
get_control_plane_exit_status (IstOperatorControlPlaneError code)
{
  switch (code)
    {
    case IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_NO_REGION:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS:
      return EX_CONFIG;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED:
      return EX_NOPERM;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_REQUEST:
      return EX_DATAERR;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_LIMIT_EXCEEDED:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_THROTTLED:
    case IST_OPERATOR_CONTROL_PLANE_ERROR_SERVICE_FAILURE:
      return EX_TEMPFAIL;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_UNREACHABLE:
      return EX_UNAVAILABLE;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_THE_SERVICE:
      return EX_PROTOCOL;
    case IST_OPERATOR_CONTROL_PLANE_ERROR_FAILED:
    default:
      return EX_SOFTWARE;
    }
}

static int
get_client_exit_status (IstOperatorClientError code)
{
  switch (code)
    {
    case IST_OPERATOR_CLIENT_ERROR_SERVICE_NOT_AVAILABLE:
      return EX_CONFIG;
    case IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT:
      return EX_USAGE;
    case IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED:
    case IST_OPERATOR_CLIENT_ERROR_TUNNEL_NOT_CONNECTED:
    case IST_OPERATOR_CLIENT_ERROR_CLOSED:
    case IST_OPERATOR_CLIENT_ERROR_TOO_MANY:
    default:
      return EX_TEMPFAIL;
    }
}

int
tool_operator_error_get_exit_status (const GError *error)
{
  if (error->domain == IST_OPERATOR_CONTROL_PLANE_ERROR)
    return get_control_plane_exit_status (error->code);
  if (error->domain == IST_OPERATOR_CLIENT_ERROR)
    return get_client_exit_status (error->code);
  if (error->domain == TOOL_OPERATOR_ERROR)
    return error->code == TOOL_OPERATOR_ERROR_NO_SUCH_OBJECT ? EX_NOINPUT : EX_TEMPFAIL;
  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS))
    return EX_USAGE;
  return tool_error_get_exit_status (error);
}
