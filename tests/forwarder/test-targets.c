/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which service goes where, and what becomes of those that go nowhere.
 */

#include <string.h>

#include "forwarding.h"

/* Programs that say who they are */

static void
serve_name (GSocketConnection *connection,
            gpointer user_data)
{
  test_say (connection, user_data, 1);
}

static gpointer
ask_name (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));
  char name = '\0';

  test_hear (connection, &name, 1);
  return GINT_TO_POINTER (name);
}

static char
get_name (guint port)
{
  return GPOINTER_TO_INT (test_run (ask_name, GUINT_TO_POINTER (port)));
}

static void
check_refused (TestForwarding *forwarding,
               guint port)
{
  guint n = forwarding->failed[IST_MODE_DESTINATION];

  test_run (test_find_closed, GUINT_TO_POINTER (port));
  test_wait (forwarding->failed[IST_MODE_DESTINATION] == n + 1);
  g_assert_error (forwarding->error[IST_MODE_DESTINATION], IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE);
}

/* The one that was set last counts, for connections that begin later. */
static void
test_set (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) first = test_program_new (NULL, serve_name, (gpointer) "1");
  g_autoptr (TestProgram) second = test_program_new (NULL, serve_name, (gpointer) "2");
  guint port = test_forwarding_add (forwarding, "SSH", first);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (get_name (port), ==, '1');
  ist_forwarder_set_target (forwarding->destination, "SSH", second->address, &error);
  g_assert_no_error (error);
  g_assert_cmpint (get_name (port), ==, '2');

  /* What is no address changes nothing. */
  g_assert_false (ist_forwarder_set_target (forwarding->destination, "SSH", "nonsense", &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_assert_cmpint (get_name (port), ==, '2');
}

typedef struct
{
  guint port;
  gint removed;
} Removing;

static gpointer
say_before_and_after (gpointer data)
{
  Removing *removing = data;
  g_autoptr (GSocketConnection) connection = test_dial_port (removing->port);

  test_echo (connection, "hello");
  while (!g_atomic_int_get (&removing->removed))
    g_usleep (1000);
  test_echo (connection, "again");
  return NULL;
}

static void
test_remove (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh_web);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  Removing removing = { .port = test_forwarding_add (forwarding, "SSH", program) };
  TestThread *open = test_thread_start (say_before_and_after, &removing);

  test_wait (ist_forwarder_get_bytes_in (forwarding->source) > 0);
  g_assert_false (ist_forwarder_remove_target (forwarding->destination, "WEB"));
  g_assert_false (ist_forwarder_remove_target (forwarding->destination, NULL));
  g_assert_true (ist_forwarder_remove_target (forwarding->destination, "SSH"));
  g_assert_false (ist_forwarder_remove_target (forwarding->destination, "SSH"));
  check_refused (forwarding, removing.port);

  /* What is open goes on. */
  g_atomic_int_set (&removing.removed, TRUE);
  test_thread_finish (open);
}

/* To listen no more is nothing to the targets; to close is. */
static void
test_close (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_name, (gpointer) "1");
  guint port = test_forwarding_add (forwarding, "SSH", program);

  ist_forwarder_stop_listening (forwarding->destination);
  g_assert_cmpint (get_name (port), ==, '1');
  ist_forwarder_close (forwarding->destination);
  check_refused (forwarding, port);
  ist_forwarder_set_target (forwarding->destination, "SSH", program->address, NULL);
  g_assert_cmpint (get_name (port), ==, '1');
}

/* Those that lead nowhere */

static gboolean
on_authorize_fail (IstForwarder *forwarder,
                   IstForwarderConnection *connection,
                   gpointer user_data)
{
  g_assert_not_reached ();
}

/* Also where there is no target at all, and nobody is asked. */
static void
test_without_targets (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  guint port = 0;

  g_signal_connect (forwarding->destination, "authorize-connection", G_CALLBACK (on_authorize_fail), NULL);
  g_assert_cmpuint (ist_forwarder_listen (forwarding->source, "SSH", "0", &port, NULL), !=, 0);
  check_refused (forwarding, port);
  g_assert_nonnull (strstr (forwarding->error[IST_MODE_DESTINATION]->message, "SSH"));
}

/* Its connections end, and nothing else does. */
static void
test_unmapped (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh_web);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_name, (gpointer) "1");
  guint port = test_forwarding_add (forwarding, "SSH", program);
  g_autoptr (IstStreamInfo) web = NULL;

  web = ist_secure_tunnel_start_stream (forwarding->pair->source->tunnel, "WEB", NULL);
  test_wait (test_end_count (forwarding->pair->source, "connection-reset WEB") == 1);
  g_assert_cmpuint (test_end_count (forwarding->pair->source, "stream-stopped"), ==, 0);
  g_assert_cmpuint (forwarding->failed[IST_MODE_DESTINATION], ==, 1);
  g_assert_error (forwarding->error[IST_MODE_DESTINATION], IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE);
  g_assert_nonnull (strstr (forwarding->error[IST_MODE_DESTINATION]->message, "WEB"));
  g_assert_cmpint (get_name (port), ==, '1');

  /* A further connection of the same stream, too. */
  ist_stream_info_unref (ist_secure_tunnel_start_connection (forwarding->pair->source->tunnel, "WEB", NULL));
  test_wait (test_end_count (forwarding->pair->source, "connection-reset WEB") == 2);

  /* Who serves it by messages says so. */
  ist_forwarder_set_refuse_unmapped (forwarding->destination, FALSE);
  g_assert_false (ist_forwarder_get_refuse_unmapped (forwarding->destination));
  g_clear_pointer (&web, ist_stream_info_unref);
  web = ist_secure_tunnel_start_stream (forwarding->pair->source->tunnel, "WEB", NULL);
  test_end_send (forwarding->pair->source, "WEB", 0, "message");
  test_wait (forwarding->pair->destination->n_messages == 1);
  g_assert_cmpuint (test_end_count (forwarding->pair->source, "connection-reset WEB"), ==, 2);
  test_forwarding_settle (forwarding);
}

/* Earlier versions have no connections to reset: the stream ends. */
static void
check_version (IstProtocolVersion version,
               const char *const *services)
{
  TestEmulator *emulator = test_emulator_new (services);
  TestEnd *source = test_emulator_add (emulator, IST_MODE_SOURCE, "protocol-version", version, NULL);
  TestEnd *destination = test_emulator_add (emulator, IST_MODE_DESTINATION, NULL);
  g_autoptr (IstForwarder) forwarder = ist_forwarder_new (destination->tunnel);
  g_autoptr (GError) error = NULL;

  ist_secure_tunnel_start (destination->tunnel, NULL);
  test_wait (test_end_count (destination, "success") == 1);
  ist_secure_tunnel_start (source->tunnel, NULL);
  test_wait (test_end_count (source, "success") == 1);
  ist_stream_info_unref (ist_secure_tunnel_start_stream (source->tunnel, services[0], &error));
  g_assert_no_error (error);
  test_wait (test_end_count (source, "stream-stopped") == 1);
  g_assert_cmpuint (ist_forwarder_get_n_connections (forwarder), ==, 0);
  g_assert_finalize_object (g_steal_pointer (&forwarder));
  test_end_free (source);
  test_end_free (destination);
  test_emulator_free (emulator);
}

static void
test_earlier_versions (void)
{
  const char *const none[] = { NULL };

  check_version (IST_PROTOCOL_VERSION_V1, none);
  check_version (IST_PROTOCOL_VERSION_V2, test_ssh_web);
}

static gboolean
on_incoming_take (IstSecureTunnel *tunnel,
                  IstConnection *connection,
                  GPtrArray *taken)
{
  g_ptr_array_add (taken, g_object_ref (connection));
  return TRUE;
}

/* What a forwarder has no target for may be another one's, or another handler's. */
static void
test_others (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh_web);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_name, (gpointer) "1");
  IstSecureTunnel *tunnel = forwarding->pair->destination->tunnel;
  IstForwarder *other = ist_forwarder_new (tunnel);
  g_autoptr (GPtrArray) taken = g_ptr_array_new_with_free_func (g_object_unref);
  guint port = 0;
  gulong handler;

  ist_forwarder_set_target (other, "SSH", program->address, NULL);
  ist_forwarder_listen (forwarding->source, "SSH", "0", &port, NULL);
  g_assert_cmpint (get_name (port), ==, '1');

  handler = g_signal_connect (tunnel, "incoming-connection", G_CALLBACK (on_incoming_take), taken);
  ist_stream_info_unref (ist_secure_tunnel_start_stream (forwarding->pair->source->tunnel, "WEB", NULL));
  test_wait (taken->len == 1);
  g_assert_cmpstr (ist_connection_get_service_id (taken->pdata[0]), ==, "WEB");
  g_assert_cmpuint (forwarding->failed[IST_MODE_DESTINATION], ==, 0);
  g_signal_handler_disconnect (tunnel, handler);
  g_assert_finalize_object (other);
}

/* A target without a name serves the only service, but not one of several. */
static void
test_unnamed (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestForwarding) several = test_forwarding_new (test_ssh_web);
  g_autoptr (TestProgram) program = test_program_new (NULL, serve_name, (gpointer) "1");
  guint port = 0;

  ist_forwarder_set_target (forwarding->destination, NULL, program->address, NULL);
  ist_forwarder_listen (forwarding->source, "SSH", "0", &port, NULL);
  g_assert_cmpint (get_name (port), ==, '1');

  ist_forwarder_set_target (several->destination, NULL, program->address, NULL);
  ist_forwarder_listen (several->source, "SSH", "0", &port, NULL);
  check_refused (several, port);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/forwarder/targets/set", test_set);
  g_test_add_func ("/forwarder/targets/remove", test_remove);
  g_test_add_func ("/forwarder/targets/close", test_close);
  g_test_add_func ("/forwarder/targets/without-targets", test_without_targets);
  g_test_add_func ("/forwarder/targets/unmapped", test_unmapped);
  g_test_add_func ("/forwarder/targets/earlier-versions", test_earlier_versions);
  g_test_add_func ("/forwarder/targets/others", test_others);
  g_test_add_func ("/forwarder/targets/unnamed", test_unnamed);

  return g_test_run ();
}
