/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client, its control plane and its tunnels over TLS, and whom they trust.
 */

#include <string.h>

#include "operating.h"
#include "test-server.h"

static void
assert_says (const GError *error,
             const char *text)
{
  if (strstr (error->message, text) == NULL)
    g_error ("“%s” lacks “%s”", error->message, text);
}

static void
test_trusted (void)
{
  g_autoptr (TestOperating) operating = test_operating_new_secured ();
  IstOperatorControlPlane *control_plane = operating->control_plane;
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);

  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (ist_operator_control_plane_get_endpoint_url (control_plane), "https://"));
  g_assert_true (g_str_has_prefix (ist_operator_control_plane_get_tunnel_endpoint (control_plane), "wss://"));
  test_exchange (connection, "hello");
  g_assert_true (test_close_client (operating, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
  g_assert_cmpuint (test_operating_count_open (operating), ==, 0);
}

/* In the place of the one that trusts the right authority. */
static void
replace_client (TestOperating *operating,
                const char *ca_file,
                const char *tunnel_endpoint)
{
  g_autofree char *url = test_operating_make_url (operating);
  g_autoptr (GError) error = NULL;
  IstOperatorCredentials *credentials = ist_operator_control_plane_get_credentials (operating->control_plane);
  g_autoptr (IstOperatorControlPlane) other =
    g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, &error, "credentials", credentials, "endpoint-url", url,
                    "ca-file", ca_file, "tunnel-endpoint", tunnel_endpoint, NULL);

  g_assert_no_error (error);
  g_clear_object (&operating->client);
  operating->client = ist_operator_client_new (other);
}

static char *
make_other_ca_file (void)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autofree char *pem = NULL;
  g_autoptr (GTlsCertificate) certificate G_GNUC_UNUSED = test_certificate_new (address, &pem);

  return test_file_new (pem);
}

/* What is wrong won't be right the next time: nothing is tried again, and nothing opened. */
static void
check_distrust (TestOperating *operating)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (test_connect (operating, "SSH", &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_UNREACHABLE);
  assert_says (error, "OpenTunnel: can't reach https://localhost:");
  assert_says (error, "its certificate is of an authority that is not trusted here: AWS_CA_BUNDLE names others");
  test_wait (ist_operator_client_get_n_tunnels (operating->client) == 0);
  g_assert_cmpuint (test_operating_count (operating, NULL), ==, 0);
}

static void
test_other_authority (void)
{
  g_autoptr (TestOperating) operating = test_operating_new_secured ();
  char *ca_file = make_other_ca_file ();

  replace_client (operating, ca_file, NULL);
  check_distrust (operating);
  g_clear_object (&operating->client);
  test_file_free (ca_file);
}

static void
test_authorities_of_the_system (void)
{
  g_autoptr (TestOperating) operating = test_operating_new_secured ();

  replace_client (operating, NULL, NULL);
  check_distrust (operating);
}

/* The tunnel is opened, but can't be connected to: nobody is to pay for it any longer. */
static void
test_data_plane (void)
{
  g_autoptr (TestOperating) operating = test_operating_new_secured ();
  g_autoptr (TestServer) stranger = test_server_new (TEST_SERVER_TLS, NULL, NULL);
  g_autoptr (GError) error = NULL;

  replace_client (operating, operating->ca_file, test_server_get_endpoint (stranger));
  /* Time enough for a handshake, however slow. */
  ist_operator_options_set_device_timeout (ist_operator_client_get_options (operating->client), 10);
  ist_operator_client_set_linger (operating->client, 0);
  g_assert_null (test_connect (operating, "SSH", &error));
  g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_TUNNEL_NOT_CONNECTED);
  assert_says (error, "its issuer is not trusted");
  assert_says (error, "AWS_CA_BUNDLE names the authorities");
  test_wait (ist_operator_client_get_n_tunnels (operating->client) == 0);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
  g_assert_cmpuint (test_operating_count_open (operating), ==, 0);
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* The developer's own. */
  g_unsetenv ("AWS_CA_BUNDLE");
  g_test_add_func ("/operator/tls/trusted", test_trusted);
  g_test_add_func ("/operator/tls/other-authority", test_other_authority);
  g_test_add_func ("/operator/tls/authorities-of-the-system", test_authorities_of_the_system);
  g_test_add_func ("/operator/tls/data-plane", test_data_plane);
  return g_test_run ();
}
