/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <ist/ist.h>

#if !IST_CHECK_VERSION(1, 0, 0) || \
  IST_CHECK_VERSION(IST_MAJOR_VERSION, IST_MINOR_VERSION, IST_MICRO_VERSION + 1)
#error "IST_CHECK_VERSION() is wrong."
#endif

int
main (void)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("hello", 5);
  g_autoptr (IstMessage) message = ist_message_new ("SSH", payload);
  g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
  g_autoptr (IstSecureTunnel) tunnel = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (ist_message_get_service_id (message), ==, "SSH");

  tunnel = ist_secure_tunnel_builder_build (builder, &error);
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_assert_null (tunnel);

  return 0;
}
