/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Local addresses at which the services of a device can be reached.
 */

#include <glib/gstdio.h>
#include <string.h>

#include "operating.h"

typedef struct
{
  TestOperating *operating;
  IstOperatorForward *forward;
  guint n_opened;
  guint n_failed;
  GError *error; /* the last one */
} Forwarding;

static void
on_opened (IstOperatorForward *forward,
           IstForwarderConnection *connection,
           Forwarding *self)
{
  self->n_opened++;
}

static void
on_failed (IstOperatorForward *forward,
           const GError *error,
           Forwarding *self)
{
  self->n_failed++;
  g_clear_error (&self->error);
  self->error = g_error_copy (error);
}

static Forwarding *
forwarding_new (const char *address,
                IstOperatorOptions *options)
{
  Forwarding *self = g_new0 (Forwarding, 1);

  self->operating = test_operating_new ();
  self->forward = ist_operator_forward_new (self->operating->client, TEST_THING, "SSH", address, options);
  g_signal_connect (self->forward, "connection-opened", G_CALLBACK (on_opened), self);
  g_signal_connect (self->forward, "connection-failed", G_CALLBACK (on_failed), self);
  return self;
}

static void
forwarding_start (Forwarding *self)
{
  g_autoptr (GError) error = NULL;

  ist_operator_forward_start (self->forward, &error);
  g_assert_no_error (error);
  g_assert_true (ist_operator_forward_get_active (self->forward));
}

static void
forwarding_free (Forwarding *self)
{
  test_wait (ist_operator_forward_get_n_connections (self->forward) == 0);
  g_assert_finalize_object (self->forward);
  test_operating_free (self->operating);
  g_clear_error (&self->error);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Forwarding, forwarding_free)

static GSocketConnection *
dial (Forwarding *self)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  const char *address = ist_operator_forward_get_address (self->forward);
  g_autoptr (GSocketConnectable) place = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection;

  if (*address == '/')
    place = G_SOCKET_CONNECTABLE (g_unix_socket_address_new (address));
  else
    place = g_network_address_parse (address, 0, &error);
  g_assert_no_error (error);
  g_socket_client_connect_async (client, place, NULL, test_store_result, &result);
  test_wait (result != NULL);
  connection = g_socket_client_connect_finish (client, result, &error);
  g_assert_no_error (error);
  return connection;
}

static void
echo (GSocketConnection *connection)
{
  GSocket *socket = g_socket_connection_get_socket (connection);
  char answer[6] = "";

  g_socket_set_blocking (socket, FALSE);
  g_assert_cmpint (g_socket_send (socket, "hello", 5, NULL, NULL), ==, 5);
  test_wait (g_socket_receive (socket, answer, 5, NULL, NULL) == 5);
  g_assert_cmpstr (answer, ==, "hello");
}

/* How a connection that is not carried ends. */
static void
await_reset (GSocketConnection *connection)
{
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  g_input_stream_read_bytes_async (in, 1, 0, NULL, test_store_result, &result);
  test_wait (result != NULL);
  bytes = g_input_stream_read_bytes_finish (in, result, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

static void
check_use (Forwarding *self)
{
  g_autoptr (GSocketConnection) first = NULL;
  g_autoptr (GSocketConnection) second = NULL;

  test_settle ();
  g_assert_cmpuint (test_operating_count (self->operating, "OpenTunnel"), ==, 0);
  first = dial (self);
  echo (first);
  second = dial (self);
  echo (second);
  g_assert_cmpuint (ist_operator_forward_get_n_connections (self->forward), ==, 2);
  g_assert_cmpuint (self->n_opened, ==, 2);
  g_assert_cmpuint (test_operating_count (self->operating, "OpenTunnel"), ==, 1);

  /* What is open goes on. */
  ist_operator_forward_stop (self->forward);
  g_assert_false (ist_operator_forward_get_active (self->forward));
  g_assert_cmpuint (ist_operator_forward_get_port (self->forward), ==, 0);
  echo (first);
}

static void
test_port (void)
{
  g_autoptr (Forwarding) self = forwarding_new ("0", NULL);
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;

  forwarding_start (self);
  address = g_strdup_printf ("localhost:%u", ist_operator_forward_get_port (self->forward));
  g_assert_cmpstr (ist_operator_forward_get_address (self->forward), ==, address);
  g_assert_false (ist_operator_forward_start (self->forward, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  check_use (self);
}

static void
test_path (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "socket", NULL);
  g_autoptr (Forwarding) self = forwarding_new (path, NULL);

  forwarding_start (self);
  g_assert_cmpstr (ist_operator_forward_get_address (self->forward), ==, path);
  check_use (self);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static void
check_bad_address (Forwarding *self,
                   const char *address)
{
  g_autoptr (IstOperatorForward) forward =
    ist_operator_forward_new (self->operating->client, TEST_THING, "SSH", address, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (ist_operator_forward_start (forward, &error));
  g_assert_nonnull (error);
  g_assert_false (ist_operator_forward_get_active (forward));
}

static void
test_bad_addresses (void)
{
  g_autoptr (Forwarding) self = forwarding_new ("127.0.0.1:0", NULL);

  check_bad_address (self, "");
  check_bad_address (self, "70000");
  check_bad_address (self, "example.com:22");
  check_bad_address (self, "/no/such/folder/socket");
  forwarding_start (self);
  check_bad_address (self, ist_operator_forward_get_address (self->forward));
}

static void
test_fails (void)
{
  g_autoptr (Forwarding) self = forwarding_new ("0", NULL);
  g_autoptr (GSocketConnection) connection = NULL;

  forwarding_start (self);
  test_operating_fail (self->operating, "OpenTunnel", "LimitExceededException", 1);
  connection = dial (self);
  await_reset (connection);
  g_assert_cmpuint (self->n_failed, ==, 1);
  g_assert_error (self->error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_LIMIT_EXCEEDED);

  /* The next one is another matter. */
  g_clear_object (&connection);
  connection = dial (self);
  echo (connection);
}

static void
test_stopped_while_waiting (void)
{
  g_autoptr (Forwarding) self = forwarding_new ("0", NULL);
  g_autoptr (GSocketConnection) connection = NULL;

  self->operating->is_online = FALSE;
  forwarding_start (self);
  connection = dial (self);
  test_wait (ist_operator_forward_get_n_connections (self->forward) == 1);
  ist_operator_forward_stop (self->forward);
  await_reset (connection);
  g_assert_error (self->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Its own, whatever the client and others have. */
static void
test_options (void)
{
  g_autoptr (IstOperatorOptions) options = ist_operator_options_new ();
  g_autoptr (Forwarding) self = forwarding_new ("0", options);
  g_autoptr (GSocketConnection) first = NULL;
  g_autoptr (GSocketConnection) second = NULL;

  g_assert_true (ist_operator_forward_get_options (self->forward) == options);
  ist_operator_options_set_reuse (options, IST_OPERATOR_REUSE_NEVER);
  forwarding_start (self);
  first = dial (self);
  echo (first);
  second = dial (self);
  echo (second);
  g_assert_cmpuint (test_operating_count (self->operating, "OpenTunnel"), ==, 2);
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/operator/forward/port", test_port);
  g_test_add_func ("/operator/forward/path", test_path);
  g_test_add_func ("/operator/forward/bad-addresses", test_bad_addresses);
  g_test_add_func ("/operator/forward/fails", test_fails);
  g_test_add_func ("/operator/forward/options", test_options);
  g_test_add_func ("/operator/forward/stopped-while-waiting", test_stopped_while_waiting);
  return g_test_run ();
}
