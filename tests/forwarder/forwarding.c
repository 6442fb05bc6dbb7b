/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "forwarding.h"

#include <string.h>

/* Programs */

typedef struct
{
  TestServe serve;
  gpointer user_data;
} Serving;

static gboolean
on_run (GThreadedSocketService *service,
        GSocketConnection *connection,
        GObject *source,
        gpointer user_data)
{
  Serving *serving = user_data;

  g_socket_set_timeout (g_socket_connection_get_socket (connection), TEST_PATIENCE);
  serving->serve (connection, serving->user_data);
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  return TRUE;
}

static void
serving_free (gpointer data,
              GClosure *closure)
{
  g_free (data);
}

TestProgram *
test_program_new (const char *address,
                  TestServe serve,
                  gpointer user_data)
{
  TestProgram *self = g_new0 (TestProgram, 1);
  Serving *serving = g_new0 (Serving, 1);
  g_autoptr (GSocketAddress) wanted = NULL;
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;

  serving->serve = serve;
  serving->user_data = user_data;
  self->service = g_threaded_socket_service_new (1000);
  g_socket_listener_set_backlog (G_SOCKET_LISTENER (self->service), 1000);
  g_signal_connect_data (self->service, "run", G_CALLBACK (on_run), serving, serving_free, 0);
  if (address != NULL && *address == '/')
    wanted = g_unix_socket_address_new (address);
  else
    wanted = g_inet_socket_address_new_from_string (address != NULL ? address : "127.0.0.1", 0);
  g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), wanted, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_DEFAULT, NULL, &bound, &error);
  g_assert_no_error (error);
  if (G_IS_INET_SOCKET_ADDRESS (bound))
    {
      self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
      self->address = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (bound));
    }
  else
    {
      self->address = g_strdup (address);
    }
  return self;
}

void
test_program_free (TestProgram *self)
{
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  g_object_unref (self->service);
  test_settle ();
  g_free (self->address);
  g_free (self);
}

void
test_serve_echo (GSocketConnection *connection,
                 gpointer user_data)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_autofree char *buffer = g_malloc (65536);
  gssize n;

  while ((n = g_input_stream_read (input, buffer, 65536, NULL, NULL)) > 0)
    {
      if (!g_output_stream_write_all (output, buffer, n, NULL, NULL, NULL))
        break;
    }
}

/* Both forwarders */

static int
which (TestForwarding *self,
       IstForwarder *forwarder)
{
  return forwarder == self->source ? IST_MODE_SOURCE : IST_MODE_DESTINATION;
}

static void
note_error (TestForwarding *self,
            IstForwarder *forwarder,
            const GError *error)
{
  int side = which (self, forwarder);

  g_clear_error (&self->error[side]);
  if (error != NULL)
    self->error[side] = g_error_copy (error);
}

static void
on_opened (IstForwarder *forwarder,
           IstForwarderConnection *connection,
           TestForwarding *self)
{
  /* Whoever uses one itself has it from elsewhere, and at no address. */
  if (ist_forwarder_connection_get_address (connection) != NULL)
    g_assert_nonnull (ist_forwarder_connection_get_connection (connection));
  self->opened[which (self, forwarder)]++;
}

static void
on_closed (IstForwarder *forwarder,
           IstForwarderConnection *connection,
           const GError *error,
           TestForwarding *self)
{
  self->closed[which (self, forwarder)]++;
  note_error (self, forwarder, error);
}

static void
on_failed (IstForwarder *forwarder,
           IstForwarderConnection *connection,
           const GError *error,
           TestForwarding *self)
{
  g_assert_nonnull (error);
  self->failed[which (self, forwarder)]++;
  note_error (self, forwarder, error);
}

static IstForwarder *
forwarder_new (TestForwarding *self,
               TestEnd *end)
{
  IstForwarder *forwarder = ist_forwarder_new (end->tunnel);

  g_signal_connect (forwarder, "connection-opened", G_CALLBACK (on_opened), self);
  g_signal_connect (forwarder, "connection-closed", G_CALLBACK (on_closed), self);
  g_signal_connect (forwarder, "connection-failed", G_CALLBACK (on_failed), self);
  return forwarder;
}

TestForwarding *
test_forwarding_new (const char *const *services)
{
  TestForwarding *self = g_new0 (TestForwarding, 1);

  self->pair = test_pair_new (services);
  self->source = forwarder_new (self, self->pair->source);
  self->destination = forwarder_new (self, self->pair->destination);
  return self;
}

void
test_forwarding_free (TestForwarding *self)
{
  /* What is open is closed with them. */
  g_assert_finalize_object (self->source);
  g_assert_finalize_object (self->destination);
  test_pair_free (self->pair);
  g_clear_error (&self->error[IST_MODE_SOURCE]);
  g_clear_error (&self->error[IST_MODE_DESTINATION]);
  g_free (self);
}

guint
test_forwarding_add (TestForwarding *self,
                     const char *service,
                     TestProgram *program)
{
  g_autoptr (GError) error = NULL;
  guint port = 0;

  ist_forwarder_set_target (self->destination, service, program->address, &error);
  g_assert_no_error (error);
  ist_forwarder_listen (self->source, service, "0", &port, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (port, >, 0);
  return port;
}

void
test_forwarding_settle (TestForwarding *self)
{
  test_wait (ist_forwarder_get_n_connections (self->source) == 0 &&
             ist_forwarder_get_n_connections (self->destination) == 0);
}

/* Threads */

struct _TestThread
{
  GThread *thread;
  GThreadFunc func;
  gpointer data;
  gint done;
};

static gpointer
thread_main (gpointer data)
{
  TestThread *self = data;
  gpointer result = self->func (self->data);

  g_atomic_int_set (&self->done, TRUE);
  g_main_context_wakeup (NULL);
  return result;
}

TestThread *
test_thread_start (GThreadFunc func,
                   gpointer data)
{
  TestThread *self = g_new0 (TestThread, 1);

  self->func = func;
  self->data = data;
  self->thread = g_thread_new ("program", thread_main, self);
  return self;
}

gpointer
test_thread_finish (TestThread *self)
{
  gpointer result;

  test_wait (g_atomic_int_get (&self->done));
  result = g_thread_join (self->thread);
  g_free (self);
  return result;
}

gpointer
test_run (GThreadFunc func,
          gpointer data)
{
  return test_thread_finish (test_thread_start (func, data));
}

/* What they do */

GSocketConnection *
test_dial (const char *address)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) connectable = NULL;
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection;

  if (*address == '/')
    connectable = G_SOCKET_CONNECTABLE (g_unix_socket_address_new (address));
  else
    connectable = g_network_address_parse (address, 0, &error);
  g_assert_no_error (error);
  g_socket_client_set_timeout (client, TEST_PATIENCE);
  connection = g_socket_client_connect (client, connectable, NULL, &error);
  g_assert_no_error (error);
  return connection;
}

GSocketConnection *
test_dial_port (guint port)
{
  g_autofree char *address = test_make_address (port);

  return test_dial (address);
}

char *
test_make_address (guint port)
{
  return g_strdup_printf ("127.0.0.1:%u", port);
}

void
test_say (GSocketConnection *connection,
          gconstpointer data,
          gsize length)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), data, length, NULL,
                             NULL,
                             &error);
  g_assert_no_error (error);
}

void
test_hear (GSocketConnection *connection,
           gpointer data,
           gsize length)
{
  g_autoptr (GError) error = NULL;
  gsize n = 0;

  g_input_stream_read_all (g_io_stream_get_input_stream (G_IO_STREAM (connection)), data, length, &n, NULL,
                           &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, length);
}

void
test_echo (GSocketConnection *connection,
           const char *text)
{
  gsize length = strlen (text);
  g_autofree char *answer = g_malloc (length);

  test_say (connection, text, length);
  test_hear (connection, answer, length);
  g_assert_cmpmem (answer, length, text, length);
}

gpointer
test_chat (gpointer address)
{
  g_autoptr (GSocketConnection) connection = test_dial (address);

  test_echo (connection, "hello");
  test_echo (connection, "again");
  return NULL;
}

gpointer
test_find_closed (gpointer port)
{
  g_autoptr (GSocketConnection) connection = test_dial_port (GPOINTER_TO_UINT (port));

  g_assert_cmpuint (test_drain (connection, NULL), ==, 0);
  return NULL;
}

gsize
test_drain (GSocketConnection *connection,
            GError **error)
{
  g_autofree char *buffer = g_malloc (65536);
  gsize total = 0;
  gssize n;

  while ((n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), buffer, 65536,
                                   NULL,
                                   error)) > 0)
    total += n;
  return total;
}
