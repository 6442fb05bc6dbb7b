/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Beginning to listen, at places whose names have to be looked up too, and ending it.
 */

#include <glib/gstdio.h>
#include <string.h>

#include "forwarding.h"

/* Names are looked up here */

#define TEST_TYPE_RESOLVER (test_resolver_get_type ())

G_DECLARE_FINAL_TYPE (TestResolver, test_resolver, TEST, RESOLVER, GResolver)

struct _TestResolver
{
  GResolver parent_instance;
  GResolver *usual;
  GTask *pending; /* the look-up of never.test */
};

G_DEFINE_FINAL_TYPE (TestResolver, test_resolver, G_TYPE_RESOLVER)

static void
addresses_free (gpointer addresses)
{
  g_resolver_free_addresses (addresses);
}

static void
on_lookup_cancelled (GCancellable *cancellable,
                     TestResolver *self)
{
  if (self->pending != NULL)
    g_task_return_error_if_cancelled (self->pending);
  g_clear_object (&self->pending);
}

static void
test_resolver_lookup_by_name_async (GResolver *resolver,
                                    const char *hostname,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  TestResolver *self = TEST_RESOLVER (resolver);
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);

  g_task_set_source_tag (task, test_resolver_lookup_by_name_async);
  if (g_str_equal (hostname, "here.test"))
    {
      g_task_return_pointer (task, g_list_append (NULL, g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4)),
                             addresses_free);
    }
  else if (g_str_equal (hostname, "never.test"))
    {
      self->pending = g_steal_pointer (&task);
      if (cancellable != NULL)
        g_signal_connect_object (cancellable, "cancelled", G_CALLBACK (on_lookup_cancelled), self, 0);
    }
  else
    {
      g_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "There is no %s", hostname);
    }
}

static GList *
test_resolver_lookup_by_name_finish (GResolver *resolver,
                                     GAsyncResult *result,
                                     GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Nothing may block. */
static GList *
test_resolver_lookup_by_name (GResolver *resolver,
                              const char *hostname,
                              GCancellable *cancellable,
                              GError **error)
{
  g_assert_not_reached ();
}

static void
test_resolver_class_init (TestResolverClass *klass)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (klass);

  resolver_class->lookup_by_name = test_resolver_lookup_by_name;
  resolver_class->lookup_by_name_async = test_resolver_lookup_by_name_async;
  resolver_class->lookup_by_name_finish = test_resolver_lookup_by_name_finish;
}

static void
test_resolver_init (TestResolver *self)
{
}

static TestResolver *
resolver_install (void)
{
  TestResolver *self = g_object_new (TEST_TYPE_RESOLVER, NULL);

  self->usual = g_resolver_get_default ();
  g_resolver_set_default (G_RESOLVER (self));
  return self;
}

static void
resolver_remove (TestResolver *self)
{
  g_resolver_set_default (self->usual);
  g_object_unref (self->usual);
  g_assert_finalize_object (self);
}

/* What listen_async() has said */
typedef struct
{
  gboolean done;
  guint id;
  guint port;
  GError *error;
} Answer;

static void
answer_clear (Answer *answer)
{
  g_clear_error (&answer->error);
  *answer = (Answer){ 0 };
}

static void
on_listening (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  Answer *answer = user_data;

  answer->done = TRUE;
  answer->id = ist_forwarder_listen_finish (IST_FORWARDER (object), result, &answer->port, &answer->error);
  g_assert_true ((answer->id == 0) == (answer->error != NULL));
}

static void
listen_at (IstForwarder *forwarder,
           const char *address,
           Answer *answer)
{
  answer_clear (answer);
  ist_forwarder_listen_async (forwarder, "SSH", address, NULL, on_listening, answer);
  /* Never from within the call. */
  g_assert_false (answer->done);
  test_wait (answer->done);
}

static void
test_async (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  TestResolver *resolver = resolver_install ();
  const char *const good[] = { "here.test:0", "0", "localhost:0", "127.0.0.1:0" };
  guint i;

  ist_forwarder_set_target (forwarding->destination, "SSH", program->address, NULL);
  for (i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *address = NULL;
      Answer answer = { 0 };

      listen_at (forwarding->source, good[i], &answer);
      g_assert_no_error (answer.error);
      address = test_make_address (answer.port);
      test_run (test_chat, address);
      g_assert_true (ist_forwarder_unlisten (forwarding->source, answer.id));
    }
  resolver_remove (resolver);
}

static void
test_async_unix (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autofree char *dir = test_folder_new ();
  g_autofree char *path = g_build_filename (dir, "socket", NULL);
  Answer answer = { 0 };

  listen_at (forwarding->source, path, &answer);
  g_assert_no_error (answer.error);
  g_assert_cmpuint (answer.port, ==, 0);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (ist_forwarder_unlisten (forwarding->source, answer.id));
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

static void
test_async_errors (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autofree char *in_use = g_strdup_printf ("here.test:%u", program->port);
  TestResolver *resolver = resolver_install ();
  Answer answer = { 0 };

  listen_at (forwarding->source, "nonsense", &answer);
  g_assert_error (answer.error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  listen_at (forwarding->destination, "here.test:0", &answer);
  g_assert_error (answer.error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE);
  listen_at (forwarding->source, "nowhere.test:22", &answer);
  g_assert_error (answer.error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (answer.error->message, "nowhere.test:22"));
  listen_at (forwarding->source, in_use, &answer);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_nonnull (strstr (answer.error->message, in_use));
  answer_clear (&answer);
  resolver_remove (resolver);
}

static void
test_async_given_up (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  TestResolver *resolver = resolver_install ();
  Answer answer = { 0 };

  ist_forwarder_listen_async (forwarding->source, "SSH", "never.test:0", cancellable, on_listening, &answer);
  test_settle ();
  g_assert_false (answer.done);
  g_cancellable_cancel (cancellable);
  test_wait (answer.done);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  answer_clear (&answer);

  ist_forwarder_listen_async (forwarding->source, "SSH", "127.0.0.1:0", cancellable, on_listening, &answer);
  test_wait (answer.done);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  answer_clear (&answer);

  /* What is to be listened for no more is not begun. */
  ist_forwarder_listen_async (forwarding->source, "SSH", "never.test:0", NULL, on_listening, &answer);
  ist_forwarder_stop_listening (forwarding->source);
  g_task_return_pointer (resolver->pending,
                         g_list_append (NULL, g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4)), addresses_free);
  g_clear_object (&resolver->pending);
  test_wait (answer.done);
  g_assert_error (answer.error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED);
  answer_clear (&answer);
  resolver_remove (resolver);
}

/* The one that does not wait takes no names. */
static void
test_without_looking_up (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  TestResolver *resolver = resolver_install ();
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (ist_forwarder_listen (forwarding->source, "SSH", "here.test:22", NULL, &error), ==, 0);
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_assert_nonnull (strstr (error->message, "here.test:22"));
  g_assert_nonnull (strstr (error->message, "listen_async"));
  g_clear_error (&error);

  ist_forwarder_set_local_bind_address (forwarding->source, "here.test");
  g_assert_cmpuint (ist_forwarder_listen (forwarding->source, "SSH", "22", NULL, &error), ==, 0);
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  g_clear_error (&error);

  ist_forwarder_set_local_bind_address (forwarding->source, "LocalHost");
  g_assert_cmpuint (ist_forwarder_listen (forwarding->source, "SSH", "0", NULL, &error), !=, 0);
  g_assert_no_error (error);
  resolver_remove (resolver);
}

/* No more of it */

static gboolean
is_listened_at (guint port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  connection = g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, &error);
  if (connection == NULL)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  return connection != NULL;
}

typedef struct
{
  char *address;
  gint done;
} Chat;

static gpointer
chat_until_done (gpointer data)
{
  Chat *self = data;
  g_autoptr (GSocketConnection) connection = test_dial (self->address);

  while (!g_atomic_int_get (&self->done))
    test_echo (connection, "hello");
  test_echo (connection, "again");
  return NULL;
}

static void
test_unlisten (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autofree char *kept = test_make_address (test_forwarding_add (forwarding, "SSH", program));
  Chat open = { 0 };
  TestThread *thread;
  guint port;
  guint id;

  id = ist_forwarder_listen (forwarding->source, "SSH", "127.0.0.1:0", &port, NULL);
  open.address = test_make_address (port);
  thread = test_thread_start (chat_until_done, &open);
  test_wait (ist_forwarder_get_bytes_in (forwarding->source) > 0);

  g_assert_true (ist_forwarder_unlisten (forwarding->source, id));
  g_assert_false (is_listened_at (port));
  g_assert_false (ist_forwarder_unlisten (forwarding->source, id));
  g_assert_false (ist_forwarder_unlisten (forwarding->source, 0));
  test_run (test_chat, kept);

  /* What is open goes on. */
  g_atomic_int_set (&open.done, TRUE);
  test_thread_finish (thread);
  g_free (open.address);

  /* No id is given twice. */
  g_assert_cmpuint (ist_forwarder_listen (forwarding->source, "SSH", "0", NULL, NULL), >, id);
}

static gboolean
on_authorize_unlisten (IstForwarder *forwarder,
                       IstForwarderConnection *connection,
                       const guint *id)
{
  g_assert_true (ist_forwarder_unlisten (forwarder, *id));
  return TRUE;
}

/* From within what the listener brings, for a single connection. */
static void
test_unlisten_in_handler (void)
{
  g_autoptr (TestForwarding) forwarding = test_forwarding_new (test_ssh);
  g_autoptr (TestProgram) program = test_program_new (NULL, test_serve_echo, NULL);
  g_autofree char *address = NULL;
  guint port;
  guint id;

  ist_forwarder_set_target (forwarding->destination, "SSH", program->address, NULL);
  id = ist_forwarder_listen (forwarding->source, "SSH", "127.0.0.1:0", &port, NULL);
  g_signal_connect (forwarding->source, "authorize-connection", G_CALLBACK (on_authorize_unlisten), &id);
  address = test_make_address (port);
  test_run (test_chat, address);
  g_assert_false (is_listened_at (port));
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/forwarder/listening/async", test_async);
  g_test_add_func ("/forwarder/listening/async-unix", test_async_unix);
  g_test_add_func ("/forwarder/listening/async-errors", test_async_errors);
  g_test_add_func ("/forwarder/listening/async-given-up", test_async_given_up);
  g_test_add_func ("/forwarder/listening/without-looking-up", test_without_looking_up);
  g_test_add_func ("/forwarder/listening/unlisten", test_unlisten);
  g_test_add_func ("/forwarder/listening/unlisten-in-handler", test_unlisten_in_handler);

  return g_test_run ();
}
