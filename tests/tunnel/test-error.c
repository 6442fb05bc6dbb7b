/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <ist/ist-enums.h>
#include <ist/ist-tunnel-error.h>

#include <gio/gio.h>

static void
test_domain (void)
{
  g_assert_cmpstr (g_quark_to_string (IST_TUNNEL_ERROR), ==, "ist-tunnel-error-quark");
}

static void
test_final (void)
{
  g_autoptr (GEnumClass) codes = g_type_class_ref (IST_TYPE_TUNNEL_ERROR);
  guint n_final = 0;

  for (guint i = 0; i < codes->n_values; i++)
    {
      g_autoptr (GError) error = g_error_new_literal (IST_TUNNEL_ERROR, codes->values[i].value, "x");

      n_final += ist_tunnel_error_is_final (error);
    }
  g_assert_cmpuint (n_final, ==, 5);
}

static void
test_final_codes (void)
{
  static const IstTunnelError final_codes[] = {
    IST_TUNNEL_ERROR_INVALID_SETTING,
    IST_TUNNEL_ERROR_TOKEN_REJECTED,
    IST_TUNNEL_ERROR_TUNNEL_CLOSED,
    IST_TUNNEL_ERROR_REFUSED,
    IST_TUNNEL_ERROR_CLIENT_REPLACED,
  };

  for (gsize i = 0; i < G_N_ELEMENTS (final_codes); i++)
    {
      g_autoptr (GError) error = g_error_new_literal (IST_TUNNEL_ERROR, final_codes[i], "x");

      g_assert_true (ist_tunnel_error_is_final (error));
    }
}

/* The same number in another domain means something else. */
static void
test_final_other_domain (void)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, IST_TUNNEL_ERROR_TOKEN_REJECTED, "x");

  g_assert_false (ist_tunnel_error_is_final (error));
}

static void
test_final_none (void)
{
  g_assert_false (ist_tunnel_error_is_final (NULL));
}

/* Numbers are the ABI, nicks are what bindings and property files use. */
static void
test_enums (void)
{
  static const struct
  {
    GType (*get_type) (void);
    const char *nicks;
  } enums[] = {
    { ist_mode_get_type, "source,destination" },
    { ist_message_type_get_type,
      "unknown,data,stream-start,stream-reset,session-reset,service-ids,connection-start,connection-reset" },
    { ist_protocol_version_get_type, "auto,v1,v2,v3" },
    { ist_reconnect_policy_get_type, "transient,always,never" },
    { ist_tunnel_state_get_type, "stopped,connecting,connected,waiting,stopping" },
    { ist_tunnel_error_get_type,
      "failed,invalid-setting,invalid-state,not-connected,no-such-service,no-such-stream,no-such-connection,"
      "too-large,would-block,not-supported,token-rejected,tunnel-closed,refused,client-replaced,"
      "service-unavailable,unreachable,tls,timed-out,disconnected,protocol,stream-reset,stream-replaced,"
      "connection-reset,session-reset,stopped" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (enums); i++)
    {
      g_autoptr (GEnumClass) klass = g_type_class_ref (enums[i].get_type ());
      g_autoptr (GString) nicks = g_string_new (NULL);

      for (guint j = 0; j < klass->n_values; j++)
        {
          g_assert_cmpint (klass->values[j].value, ==, j);
          g_string_append_printf (nicks, "%s%s", j > 0 ? "," : "", klass->values[j].value_nick);
        }
      g_assert_cmpstr (nicks->str, ==, enums[i].nicks);
    }
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/error/domain", test_domain);
  g_test_add_func ("/error/final", test_final);
  g_test_add_func ("/error/final/codes", test_final_codes);
  g_test_add_func ("/error/final/other-domain", test_final_other_domain);
  g_test_add_func ("/error/final/none", test_final_none);
  g_test_add_func ("/error/enums", test_enums);

  return g_test_run ();
}
