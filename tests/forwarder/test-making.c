/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Objects that are made with nothing, as bindings can, and in which main context
 * they work.
 */

#include <string.h>

#include "forwarding.h"

/* All that was given as a property, read. */
static void
read_properties (gpointer object)
{
  g_autofree GParamSpec **properties = NULL;
  guint n;
  guint i;

  properties = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n);
  g_assert_cmpuint (n, >, 0);
  for (i = 0; i < n; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_value_init (&value, properties[i]->value_type);
      g_object_get_property (object, properties[i]->name, &value);
    }
}

static void
on_not_listening (GObject *object,
                  GAsyncResult *result,
                  gpointer user_data)
{
  gboolean *done = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (ist_forwarder_listen_finish (IST_FORWARDER (object), result, NULL, &error), ==, 0);
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  *done = TRUE;
}

static void
test_without_tunnel (void)
{
  IstForwarder *forwarder = g_object_new (IST_TYPE_FORWARDER, NULL);
  g_autoptr (GSocketConnectable) connectable = g_network_address_new_loopback (22);
  g_autoptr (GInputStream) input = g_memory_input_stream_new ();
  g_autoptr (GOutputStream) output = g_memory_output_stream_new_resizable ();
  g_autoptr (GIOStream) stream = g_simple_io_stream_new (input, output);
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) error = NULL;
  gboolean done = FALSE;

  read_properties (forwarder);
  g_assert_null (ist_forwarder_get_tunnel (forwarder));
  g_assert_cmpuint (ist_forwarder_get_max_connecting (forwarder), >, 0);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (forwarder)), ==, 0);
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (forwarder), 0));

  g_assert_cmpuint (ist_forwarder_listen (forwarder, "SSH", "0", NULL, &error), ==, 0);
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  g_clear_error (&error);
  socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_assert_cmpuint (ist_forwarder_listen_socket (forwarder, "SSH", socket, &error), ==, 0);
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  g_clear_error (&error);
  g_assert_false (ist_forwarder_forward (forwarder, "SSH", stream, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  ist_forwarder_listen_async (forwarder, "SSH", "0", NULL, on_not_listening, &done);
  test_wait (done);
  g_assert_false (ist_forwarder_unlisten (forwarder, 1));

  /* That there is nothing to connect through is nothing to these. */
  g_assert_true (ist_forwarder_set_target (forwarder, "SSH", "22", NULL));
  ist_forwarder_set_connectable (forwarder, NULL, connectable);
  g_assert_true (ist_forwarder_remove_target (forwarder, "SSH"));
  ist_forwarder_stop_listening (forwarder);
  ist_forwarder_close (forwarder);
  test_settle ();
  g_assert_finalize_object (forwarder);
}

static void
test_connection_of_nobody (void)
{
  IstForwarderConnection *connection = g_object_new (IST_TYPE_FORWARDER_CONNECTION, NULL);

  read_properties (connection);
  g_assert_null (ist_forwarder_connection_get_service_id (connection));
  g_assert_null (ist_forwarder_connection_get_address (connection));
  g_assert_null (ist_forwarder_connection_get_connection (connection));
  g_assert_cmpint (ist_forwarder_connection_get_state (connection), ==, IST_FORWARDER_CONNECTION_STATE_CLOSED);
  g_assert_cmpint (ist_forwarder_connection_get_opened_at (connection), ==, 0);
  g_assert_cmpuint (ist_forwarder_connection_get_bytes_in (connection), ==, 0);
  g_assert_cmpuint (ist_forwarder_connection_get_bytes_out (connection), ==, 0);
  ist_forwarder_connection_close (connection);
  test_settle ();
  g_assert_finalize_object (connection);
}

/* What begins while another context is the thread's default works in that of the
 * forwarder, which is the only one that is run here. */
static void
test_context (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (GMainContext) other = g_main_context_new ();
  g_autofree char *address = NULL;
  guint port;

  g_main_context_push_thread_default (other);
  port = test_forwarding_add (forwarding, "SSH", program);
  g_main_context_pop_thread_default (other);
  address = test_make_address (port);
  test_run (test_chat, address);
  test_forwarding_settle (forwarding);
}

static void
test_context_of_a_stream (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (GMainContext) other = g_main_context_new ();
  g_autoptr (GInputStream) input = g_memory_input_stream_new_from_data ("hello", -1, NULL);
  g_autoptr (GOutputStream) output = g_memory_output_stream_new_resizable ();
  g_autoptr (GIOStream) stream = g_simple_io_stream_new (input, output);
  g_autoptr (GError) error = NULL;

  ist_forwarder_set_target (forwarding->destination, "SSH", program->address, NULL);
  g_main_context_push_thread_default (other);
  ist_forwarder_forward (forwarding->source, "SSH", stream, &error);
  g_assert_no_error (error);
  g_main_context_pop_thread_default (other);
  test_wait (forwarding->closed[IST_MODE_SOURCE] == 1);
  g_assert_no_error (forwarding->error[IST_MODE_SOURCE]);
  g_assert_cmpmem (g_memory_output_stream_get_data (G_MEMORY_OUTPUT_STREAM (output)),
                   g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (output)), "hello", 5);
  test_forwarding_settle (forwarding);
}

static gpointer
hear_end (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));

  test_echo (connection, "hello");
  test_drain (connection, NULL);
  return NULL;
}

static void
test_context_of_the_end (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autoptr (GMainContext) other = g_main_context_new ();
  g_autoptr (IstForwarderConnection) connection = NULL;
  guint port = test_forwarding_add (forwarding, "SSH", program);
  TestThread *client = test_thread_start (hear_end, GUINT_TO_POINTER (port));

  test_wait (ist_forwarder_get_bytes_in (forwarding->source) == 5);
  connection = g_list_model_get_item (G_LIST_MODEL (forwarding->source), 0);
  g_main_context_push_thread_default (other);
  ist_forwarder_connection_close (connection);
  g_main_context_pop_thread_default (other);
  test_thread_finish (client);
  test_forwarding_settle (forwarding);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/forwarder/making/without-tunnel", test_without_tunnel);
  g_test_add_func ("/forwarder/making/connection-of-nobody", test_connection_of_nobody);
  g_test_add_func ("/forwarder/making/context", test_context);
  g_test_add_func ("/forwarder/making/context-of-a-stream", test_context_of_a_stream);
  g_test_add_func ("/forwarder/making/context-of-the-end", test_context_of_the_end);

  return g_test_run ();
}
