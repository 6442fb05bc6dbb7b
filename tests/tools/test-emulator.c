/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include <glib/gstdio.h>
#include <ist/ist.h>
#include <json-glib/json-glib.h>

#include "ist-emulator/ist-emulator-certificate-private.h"
#include "test-server.h"

static const char *program;

/* ist-emulator, started and having said where it is. */
typedef struct
{
  GSubprocess *process;
  GDataInputStream *output;
  JsonNode *root;
} Emulator;

/* It heeds the signals that the test sends, also under nohup, and never outlives it. */
static void
on_child (gpointer user_data)
{
  signal (SIGINT, SIG_DFL);
  signal (SIGTERM, SIG_DFL);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static GSubprocess *
spawn (GPtrArray *argv)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_subprocess_launcher_set_child_setup (launcher, on_child, NULL, NULL);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, &error);
  g_assert_no_error (error);
  return process;
}

/* What it writes to standard error until it ends. */
static char *
emulator_read_log (Emulator *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) log = NULL;

  log = g_input_stream_read_bytes (g_subprocess_get_stderr_pipe (self->process), 65536, NULL, &error);
  g_assert_no_error (error);
  return g_strndup (g_bytes_get_data (log, NULL), g_bytes_get_size (log));
}

static void
emulator_start (Emulator *self,
                const char *const *arguments)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;

  g_ptr_array_add (argv, (char *) program);
  for (gsize i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (argv, (char *) arguments[i]);
  g_ptr_array_add (argv, NULL);

  self->process = spawn (argv);
  self->output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  line = g_data_input_stream_read_line (self->output, NULL, NULL, &error);
  g_assert_no_error (error);
  if (line == NULL)
    {
      g_autofree char *log = emulator_read_log (self);

      g_error ("ist-emulator has ended: %s", log);
    }
  self->root = json_from_string (line, &error);
  g_assert_no_error (error);
}

/* Ends it as init or a terminal would; returns what it wrote to standard error. */
static char *
emulator_end (Emulator *self,
              int sig)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;
  char *log;

  g_subprocess_send_signal (self->process, sig);
  g_subprocess_wait (self->process, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (self->process));
  g_assert_cmpint (g_subprocess_get_exit_status (self->process), ==, 0);

  /* Nothing but the one line. */
  line = g_data_input_stream_read_line (self->output, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (line);

  log = emulator_read_log (self);
  g_clear_object (&self->output);
  g_clear_object (&self->process);
  g_clear_pointer (&self->root, json_node_unref);
  return log;
}

static void
emulator_check_tls (Emulator *self,
                    const char *ca_file)
{
  JsonObject *root = json_node_get_object (self->root);
  const char *endpoint = json_object_get_string_member (root, "endpoint");
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GIOStream) stream = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GUri) uri = g_uri_parse (endpoint, G_URI_FLAGS_NONE, &error);
  g_autoptr (GSocketConnectable) address = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (g_uri_get_scheme (uri), ==, "wss");
  g_assert_cmpstr (g_uri_get_host (uri), ==, "localhost");
  database = g_tls_file_database_new (ca_file, &error);
  g_assert_no_error (error);
  address = g_network_address_new (g_uri_get_host (uri), g_uri_get_port (uri));
  connection = g_socket_client_connect (client, address, NULL, &error);
  g_assert_no_error (error);
  stream = g_tls_client_connection_new (G_IO_STREAM (connection), address, &error);
  g_assert_no_error (error);
  g_tls_connection_set_database (G_TLS_CONNECTION (stream), database);
  g_tls_connection_handshake (G_TLS_CONNECTION (stream), NULL, &error);
  g_assert_no_error (error);
}

static void
test_default (void)
{
  const char *arguments[] = { "--open", "SSH,RDP", "--open", "", NULL };
  Emulator emulator = { 0 };
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *ca_file = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *log = NULL;
  const guint n_services[] = { 2, 0 };
  JsonObject *root;
  JsonArray *tunnels;

  emulator_start (&emulator, arguments);
  root = json_node_get_object (emulator.root);
  ca_file = g_strdup (json_object_get_string_member (root, "caFile"));
  emulator_check_tls (&emulator, ca_file);

  tunnels = json_object_get_array_member (root, "tunnels");
  g_assert_cmpuint (json_array_get_length (tunnels), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      JsonObject *tunnel = json_array_get_object_element (tunnels, i);
      JsonArray *services = json_object_get_array_member (tunnel, "services");
      const char *members[] = { "tunnelId", "sourceAccessToken", "destinationAccessToken" };

      g_assert_cmpuint (json_array_get_length (services), ==, n_services[i]);
      if (n_services[i] == 2)
        {
          g_assert_cmpstr (json_array_get_string_element (services, 0), ==, "SSH");
          g_assert_cmpstr (json_array_get_string_element (services, 1), ==, "RDP");
        }
      for (gsize j = 0; j < G_N_ELEMENTS (members); j++)
        g_assert_true (g_hash_table_add (seen, (char *) json_object_get_string_member (tunnel, members[j])));
    }

  log = emulator_end (&emulator, SIGTERM);
  folder = g_path_get_dirname (ca_file);
  g_assert_false (g_file_test (ca_file, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
}

/* A client comes and is still there when the program is asked to end. */
static void
test_client (void)
{
  const char *arguments[] = { "--plain", "--open", "SSH", NULL };
  Emulator emulator = { 0 };
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *request = NULL;
  g_autofree char *token = NULL;
  g_autofree char *log = NULL;
  g_autoptr (GUri) uri = NULL;
  char answer[12];
  JsonObject *root;
  JsonObject *tunnel;

  emulator_start (&emulator, arguments);
  root = json_node_get_object (emulator.root);
  g_assert_true (json_object_get_null_member (root, "caFile"));
  uri = g_uri_parse (json_object_get_string_member (root, "endpoint"), G_URI_FLAGS_NONE, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_uri_get_scheme (uri), ==, "ws");

  tunnel = json_array_get_object_element (json_object_get_array_member (root, "tunnels"), 0);
  token = g_strdup (json_object_get_string_member (tunnel, "sourceAccessToken"));
  request = g_strdup_printf ("GET /tunnel?local-proxy-mode=source HTTP/1.1\r\nHost: localhost\r\n"
                             "Upgrade: websocket\r\nConnection: upgrade\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Protocol: aws.iot.securetunneling-3.0\r\n"
                             "access-token: %s\r\n\r\n",
                             token);
  connection = g_socket_client_connect_to_host (client, "127.0.0.1", g_uri_get_port (uri), NULL, &error);
  g_assert_no_error (error);
  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
                             request, strlen (request), NULL, NULL, &error);
  g_assert_no_error (error);
  g_input_stream_read_all (g_io_stream_get_input_stream (G_IO_STREAM (connection)), answer, sizeof answer,
                           NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (answer, sizeof answer, "HTTP/1.1 101", sizeof answer);

  log = emulator_end (&emulator, SIGINT);
  g_assert_nonnull (strstr (log, ": source connected\n"));
  g_assert_nonnull (strstr (log, ": source disconnected: the emulator stops\n"));
  g_assert_null (strstr (log, token));
}

static void
test_ca_file (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autofree char *ca_file = g_build_filename (folder, "ca.pem", NULL);
  const char *arguments[] = { "--ca-file", ca_file, NULL };
  Emulator emulator = { 0 };
  g_autofree char *log = NULL;

  emulator_start (&emulator, arguments);
  emulator_check_tls (&emulator, ca_file);
  log = emulator_end (&emulator, SIGTERM);

  /* It was asked for, so it stays. */
  g_assert_cmpint (g_unlink (ca_file), ==, 0);
  g_rmdir (folder);
}

static void
expect_failure (const char *const *arguments,
                int status,
                const char *message)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  g_autofree char *log = NULL;

  g_ptr_array_add (argv, (char *) program);
  for (gsize i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (argv, (char *) arguments[i]);
  g_ptr_array_add (argv, NULL);
  process = spawn (argv);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &output, &log, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (output, ==, "");
  g_assert_true (g_str_has_prefix (log, "ist-emulator: error: "));
  g_assert_nonnull (strstr (log, message));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, status);
}

static void
test_version (void)
{
  const char *const arguments[] = { program, "--version", NULL };
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (NULL, (char **) arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpstr (output, ==, "ist-emulator " IST_VERSION_S "\n");
}

static void
test_certificate (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autofree char *ca_file = g_build_filename (folder, "ca.pem", NULL);
  g_autofree char *certificate_file = g_build_filename (folder, "certificate.pem", NULL);
  g_autofree char *key_file = g_build_filename (folder, "key.pem", NULL);
  const char *arguments[] = { "--certificate", certificate_file, "--key", key_file, NULL };
  const char *without_key[] = { "--certificate", certificate_file, NULL };
  g_autoptr (GInetAddress) address = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *ca_pem = NULL;
  g_autofree char *certificate_pem = NULL;
  g_autofree char *key_pem = NULL;
  g_autofree char *log = NULL;
  Emulator emulator = { 0 };

  certificate = ist_emulator_certificate_new (address, &ca_pem, &error);
  g_assert_no_error (error);
  g_object_get (certificate, "certificate-pem", &certificate_pem, "private-key-pem", &key_pem, NULL);
  g_assert_true (g_file_set_contents (ca_file, ca_pem, -1, NULL));
  g_assert_true (g_file_set_contents (certificate_file, certificate_pem, -1, NULL));
  g_assert_true (g_file_set_contents (key_file, key_pem, -1, NULL));

  emulator_start (&emulator, arguments);
  g_assert_true (json_object_get_null_member (json_node_get_object (emulator.root), "caFile"));
  emulator_check_tls (&emulator, ca_file);
  log = emulator_end (&emulator, SIGTERM);

  expect_failure (without_key, 66, "has no private key");

  g_unlink (ca_file);
  g_unlink (certificate_file);
  g_unlink (key_file);
  g_rmdir (folder);
}

typedef struct
{
  const char *name;
  const char *arguments[5];
  int status;
  const char *message;
} BadCase;

static const BadCase bad_cases[] = {
  { "option", { "--nonsense" }, 64, "--nonsense" },
  { "argument", { "nonsense" }, 64, "Unexpected argument" },
  { "port", { "--port", "65536" }, 64, "is not a TCP port" },
  { "address", { "--address", "localhost" }, 64, "is not an IP address" },
  { "service", { "--open", "a b" }, 64, "Invalid service name" },
  { "plain-ca-file", { "--plain", "--ca-file", "x" }, 64, "--plain has no use for" },
  { "key", { "--key", "x" }, 64, "--key needs --certificate" },
  { "certificate-ca-file", { "--certificate", "x", "--ca-file", "y" }, 64, "--ca-file is for" },
  { "certificate", { "--certificate", "/nonexistent/x" }, 66, "Could not load the certificate" },
  { "ca-file", { "--ca-file", "/nonexistent/x" }, 73, "/nonexistent/x" },
  { "bandwidth", { "--bandwidth", "-1" }, 64, "is not a bandwidth" },
  { "bandwidth-too-great", { "--bandwidth", "4294967296" }, 64, "is not a bandwidth" },
  { "state-dir", { "--state-dir", "/dev/null/x" }, 69, "/dev/null/x" },
  { "fail", { "--fail", "OpenTunnel=Throttled" }, 64, "--fail: There is no error “Throttled”" },
  { "fail-operation", { "--fail", "Open=InternalFailure" }, 64, "--fail: There is no operation “Open”" },
  { "fail-count", { "--fail", "InternalFailure:0" }, 64, "--fail: " },
  { "lose", { "--lose", "OpenTunnel=Throttled" }, 64, "--lose: There is no error “Throttled”" },
  { "delay", { "--delay", "OpenTunnel=-1" }, 64, "--delay: " },
  { "mqtt-ca", { "--mqtt-ca", "x" }, 64, "need --mqtt" },
  { "mqtt-key", { "--mqtt", "localhost", "--mqtt-key", "x" }, 64, "--mqtt-key needs --mqtt-cert" },
  { "mqtt-password-file", { "--mqtt", "localhost", "--mqtt-password-file", "x" }, 64, "needs --mqtt-user" },
  { "mqtt", { "--mqtt", "localhost:x" }, 64, "--mqtt" },
};

static void
test_bad (gconstpointer user_data)
{
  const BadCase *test_case = user_data;

  expect_failure (test_case->arguments, test_case->status, test_case->message);
}

static void
test_port_taken (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  g_autofree char *text = g_strdup_printf ("%u", port);
  const char *arguments[] = { "--port", text, NULL };

  g_assert_cmpuint (port, !=, 0);
  expect_failure (arguments, 69, "Could not start: ");
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  program = argv[1];

  g_test_add_func ("/program/default", test_default);
  g_test_add_func ("/program/client", test_client);
  g_test_add_func ("/program/ca-file", test_ca_file);
  g_test_add_func ("/program/certificate", test_certificate);
  for (gsize i = 0; i < G_N_ELEMENTS (bad_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/program/bad/%s", bad_cases[i].name);

      g_test_add_data_func (path, &bad_cases[i], test_bad);
    }
  g_test_add_func ("/program/version", test_version);
  g_test_add_func ("/program/port-taken", test_port_taken);

  return g_test_run ();
}
