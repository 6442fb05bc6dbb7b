/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a program that shows connections is told of them.
 */

#include <string.h>

#include "forwarding.h"

static gpointer
hold (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));

  test_echo (connection, "hello");
  test_drain (connection, NULL);
  return NULL;
}

static IstForwarderConnection *
wait_for_connection (IstForwarder *forwarder,
                     guint position)
{
  g_autoptr (IstForwarderConnection) connection = NULL;

  test_wait (ist_forwarder_get_n_connections (forwarder) > position);
  connection = g_list_model_get_item (G_LIST_MODEL (forwarder), position);
  test_wait (ist_forwarder_connection_get_bytes_in (connection) > 0);
  return g_steal_pointer (&connection);
}

/* The list */

static void
on_items_changed (GListModel *model,
                  guint position,
                  guint n_removed,
                  guint n_added,
                  GPtrArray *copy)
{
  guint i;

  for (i = 0; i < n_removed; i++)
    g_ptr_array_remove_index (copy, position);
  for (i = 0; i < n_added; i++)
    g_ptr_array_insert (copy, position + i, g_list_model_get_item (model, position + i));

  /* Everything is as it says already. */
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, copy->len);
  g_assert_cmpuint (ist_forwarder_get_n_connections (IST_FORWARDER (model)), ==, copy->len);
  for (i = 0; i < copy->len; i++)
    {
      g_autoptr (IstForwarderConnection) connection = g_list_model_get_item (model, i);

      g_assert_true (connection == copy->pdata[i]);
      g_assert_cmpint (ist_forwarder_connection_get_state (connection), !=, IST_FORWARDER_CONNECTION_STATE_CLOSED);
    }
}

static void
on_closed_check_left (IstForwarder *forwarder,
                      IstForwarderConnection *connection,
                      const GError *error,
                      GPtrArray *copy)
{
  g_assert_cmpint (ist_forwarder_connection_get_state (connection), ==, IST_FORWARDER_CONNECTION_STATE_CLOSED);
  g_assert_false (g_ptr_array_find (copy, connection, NULL));
}

static void
test_list (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);
  g_autoptr (GPtrArray) copy = g_ptr_array_new_with_free_func (g_object_unref);
  GListModel *model = G_LIST_MODEL (forwarding->source);
  IstForwarderConnection *connections[3];
  TestThread *threads[3];
  guint i;

  g_assert_true (g_list_model_get_item_type (model) == IST_TYPE_FORWARDER_CONNECTION);
  g_assert_null (g_list_model_get_item (model, 0));
  g_signal_connect (model, "items-changed", G_CALLBACK (on_items_changed), copy);
  g_signal_connect (model, "connection-closed", G_CALLBACK (on_closed_check_left), copy);
  g_signal_connect (model, "connection-failed", G_CALLBACK (on_closed_check_left), copy);
  for (i = 0; i < 3; i++)
    {
      threads[i] = test_thread_start (hold, GUINT_TO_POINTER (port));
      connections[i] = wait_for_connection (forwarding->source, i);
    }
  g_assert_cmpuint (copy->len, ==, 3);
  g_assert_null (g_list_model_get_item (model, 3));

  /* In the order in which they came; what is refused is there for a moment. */
  ist_forwarder_connection_close (connections[1]);
  test_wait (copy->len == 2);
  g_assert_true (copy->pdata[0] == connections[0]);
  g_assert_true (copy->pdata[1] == connections[2]);
  ist_forwarder_set_max_connections (forwarding->source, 2);
  test_run (test_find_closed, GUINT_TO_POINTER (port));
  test_wait (forwarding->failed[IST_MODE_SOURCE] == 1);
  g_assert_cmpuint (copy->len, ==, 2);

  ist_forwarder_close (forwarding->source);
  g_assert_cmpuint (copy->len, ==, 0);
  for (i = 0; i < 3; i++)
    {
      test_thread_finish (threads[i]);
      g_object_unref (connections[i]);
    }
  test_forwarding_settle (forwarding);
}

/* States */

static void
on_state (IstForwarderConnection *connection,
          GParamSpec *pspec,
          GString *states)
{
  g_autoptr (GEnumClass) names = g_type_class_ref (IST_TYPE_FORWARDER_CONNECTION_STATE);

  g_string_append_printf (
    states, "%s ", g_enum_get_value (names, ist_forwarder_connection_get_state (connection))->value_nick);
}

static gboolean
on_authorize_watch (IstForwarder *forwarder,
                    IstForwarderConnection *connection,
                    GString *states)
{
  IstForwarderConnectionState state;
  gint64 opened_at;

  g_object_get (connection, "state", &state, "opened-at", &opened_at, NULL);
  g_assert_cmpint (state, ==, IST_FORWARDER_CONNECTION_STATE_CONNECTING);
  g_assert_cmpint (opened_at, ==, 0);
  g_signal_connect (connection, "notify::state", G_CALLBACK (on_state), states);
  return TRUE;
}

static void
on_opened_note (IstForwarder *forwarder,
                IstForwarderConnection *connection,
                GString *states)
{
  g_assert_cmpint (ist_forwarder_connection_get_state (connection), ==, IST_FORWARDER_CONNECTION_STATE_OPEN);
  g_assert_cmpint (ist_forwarder_connection_get_opened_at (connection), <=, g_get_real_time ());
  g_assert_cmpint (ist_forwarder_connection_get_opened_at (connection), >, g_get_real_time () - G_TIME_SPAN_HOUR);
  g_string_append (states, "opened! ");
}

static void
on_ended_note (IstForwarder *forwarder,
               IstForwarderConnection *connection,
               const GError *error,
               GString *states)
{
  g_assert_cmpint (ist_forwarder_connection_get_state (connection), ==, IST_FORWARDER_CONNECTION_STATE_CLOSED);
  g_string_append (states, "ended! ");
}

static void
watch_states (IstForwarder *forwarder,
              GString *states)
{
  g_signal_connect (forwarder, "authorize-connection", G_CALLBACK (on_authorize_watch), states);
  g_signal_connect (forwarder, "connection-opened", G_CALLBACK (on_opened_note), states);
  g_signal_connect (forwarder, "connection-closed", G_CALLBACK (on_ended_note), states);
  g_signal_connect (forwarder, "connection-failed", G_CALLBACK (on_ended_note), states);
}

static gpointer
say_hello (gpointer data)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (data));

  test_echo (connection, "hello");
  return NULL;
}

static void
test_states (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);
  g_autoptr (GString) at_source = g_string_new (NULL);
  g_autoptr (GString) at_destination = g_string_new (NULL);

  watch_states (forwarding->source, at_source);
  watch_states (forwarding->destination, at_destination);
  test_run (say_hello, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
  g_assert_cmpstr (at_source->str, ==, "opened! open closing closed ended! ");
  g_assert_cmpstr (at_destination->str, ==, "opened! open closing closed ended! ");

  /* A service that does not run. */
  g_string_truncate (at_destination, 0);
  g_clear_pointer (&program, test_program_free);
  test_run (test_find_closed, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
  g_assert_cmpstr (at_destination->str, ==, "closed ended! ");
}

static void
on_notify_close_all (IstForwarderConnection *connection,
                     GParamSpec *pspec,
                     IstForwarder *forwarder)
{
  ist_forwarder_connection_close (connection);
  ist_forwarder_close (forwarder);
}

static gboolean
on_authorize_close_all (IstForwarder *forwarder,
                        IstForwarderConnection *connection,
                        const char *signal)
{
  g_signal_connect (connection, signal, G_CALLBACK (on_notify_close_all), forwarder);
  return TRUE;
}

/* The first that is told of a connection ends it: it has begun for all others, too. */
static void
check_close_in_handler (IstMode mode,
                        const char *signal)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  guint port = test_forwarding_add (forwarding, "SSH", program);
  IstForwarder *forwarder = mode == IST_MODE_SOURCE ? forwarding->source : forwarding->destination;

  g_signal_connect (forwarder, "authorize-connection", G_CALLBACK (on_authorize_close_all), (gpointer) signal);
  test_run (test_find_closed, GUINT_TO_POINTER (port));
  test_forwarding_settle (forwarding);
  g_assert_cmpuint (forwarding->opened[mode], ==, 1);
  g_assert_cmpuint (forwarding->closed[mode], ==, 1);
  g_assert_cmpuint (forwarding->failed[mode], ==, 0);
}

static void
test_close_in_handler (void)
{
  check_close_in_handler (IST_MODE_SOURCE, "notify::state");
  check_close_in_handler (IST_MODE_SOURCE, "notify::connection");
  check_close_in_handler (IST_MODE_DESTINATION, "notify::address");
  check_close_in_handler (IST_MODE_DESTINATION, "notify::opened-at");
}

/* Bytes */

typedef struct
{
  gint64 begun;
  guint64 bytes; /* as they were told last */
  guint n;
} Told;

static void
on_bytes (GObject *object,
          GParamSpec *pspec,
          Told *told)
{
  guint64 bytes;

  g_object_get (object, pspec->name, &bytes, NULL);
  g_assert_cmpuint (bytes, >, told->bytes);
  told->bytes = bytes;
  told->n++;
}

/* The end of a connection is told at once; all else not more than once a second. */
static void
check_told (const Told *told)
{
  g_assert_cmpuint (told->n, <=, (g_get_monotonic_time () - told->begun) / G_USEC_PER_SEC + 1);
}

typedef struct
{
  guint port;
  gint told;
} Saying;

static gpointer
say_much (gpointer data)
{
  Saying *saying = data;
  g_autoptr (GSocketConnection) connection = test_dial_port (saying->port);
  guint i;

  for (i = 0; i < 100; i++)
    test_echo (connection, "hello");
  while (!g_atomic_int_get (&saying->told))
    g_usleep (1000);
  test_echo (connection, "good-bye");
  return NULL;
}

static void
test_bytes (void)
{
  const guint64 before = 100 * strlen ("hello");
  const guint64 after = before + strlen ("good-bye");
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  Saying saying = { .port = test_forwarding_add (forwarding, "SSH", program) };
  g_autoptr (IstForwarderConnection) connection = NULL;
  Told in = { .begun = g_get_monotonic_time () };
  Told out = in;
  Told all = in;
  TestThread *thread = test_thread_start (say_much, &saying);

  test_wait (ist_forwarder_get_n_connections (forwarding->source) == 1);
  connection = g_list_model_get_item (G_LIST_MODEL (forwarding->source), 0);
  g_signal_connect (connection, "notify::bytes-in", G_CALLBACK (on_bytes), &in);
  g_signal_connect (connection, "notify::bytes-out", G_CALLBACK (on_bytes), &out);
  g_signal_connect (forwarding->source, "notify::bytes-in", G_CALLBACK (on_bytes), &all);
  test_wait (in.bytes == before && out.bytes == before && all.bytes == before);
  check_told (&in);
  check_told (&out);
  check_told (&all);

  g_atomic_int_set (&saying.told, TRUE);
  test_thread_finish (thread);
  test_wait (forwarding->closed[IST_MODE_SOURCE] == 1);
  g_assert_cmpuint (in.bytes, ==, after);
  g_assert_cmpuint (out.bytes, ==, after);
  test_wait (all.bytes == after);
  check_told (&all);
  test_forwarding_settle (forwarding);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/forwarder/watching/list", test_list);
  g_test_add_func ("/forwarder/watching/states", test_states);
  g_test_add_func ("/forwarder/watching/close-in-handler", test_close_in_handler);
  g_test_add_func ("/forwarder/watching/bytes", test_bytes);

  return g_test_run ();
}
