/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The things of an account, of the emulator's and of servers that are none.
 */

#include <stdlib.h>
#include <string.h>

#include "emulated.h"
#include "test-server.h"

#define CODE(name) IST_OPERATOR_CONTROL_PLANE_ERROR_##name

/* As many as a list has at most. */
#define MOST 5000

static GListModel *
list (IstOperatorControlPlane *plane,
      gboolean *is_cut,
      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_control_plane_list_things_async (plane, NULL, test_store_result, &result);
  test_wait (result != NULL);
  return ist_operator_control_plane_list_things_finish (plane, result, is_cut, error);
}

static void
check_thing (GListModel *things,
             guint position,
             const char *name,
             const char *type_name)
{
  g_autoptr (IstOperatorThing) thing = g_list_model_get_item (things, position);

  g_assert_cmpstr (ist_operator_thing_get_name (thing), ==, name);
  g_assert_cmpstr (ist_operator_thing_get_type_name (thing), ==, type_name);
}

/* The emulator */

static void
emulated_add (Emulated *self,
              guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("thing-%u", i);
      g_autoptr (GError) error = NULL;

      g_assert_true (ist_emulator_service_add_thing (self->service, name, i == 1 ? "pump" : NULL, &error));
      g_assert_no_error (error);
    }
}

static guint
emulated_count (Emulated *self)
{
  return ist_emulator_service_count_operations (self->service, "ListThings");
}

static void
test_pages (Emulated *self,
            gconstpointer user_data)
{
  static const struct
  {
    guint n;
    guint n_pages;
    gboolean is_cut;
  } steps[] = {
    { 0, 1, FALSE },
    { 250, 1, FALSE },
    { 251, 2, FALSE },
    { 620, 3, FALSE },
    { MOST, MOST / 250, FALSE },
    { MOST + 1, MOST / 250, TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GListModel) things = NULL;
      g_autoptr (GError) error = NULL;
      guint before = emulated_count (self);
      gboolean is_cut = TRUE;

      emulated_add (self, steps[i].n);
      things = list (self->plane, &is_cut, &error);
      g_assert_no_error (error);
      g_assert_true (g_list_model_get_item_type (things) == IST_OPERATOR_TYPE_THING);
      g_assert_cmpuint (g_list_model_get_n_items (things), ==, MIN (steps[i].n, MOST));
      g_assert_cmpint (is_cut, ==, steps[i].is_cut);
      g_assert_cmpuint (emulated_count (self) - before, ==, steps[i].n_pages);
      if (steps[i].n == 0)
        continue;
      check_thing (things, 1, "thing-1", "pump");
      check_thing (things, 249, "thing-249", NULL);
    }
}

/* Those of tunnels are there, and stay, without being added. */
static void
test_things_of_tunnels (Emulated *self,
                        gconstpointer user_data)
{
  static const char *const services[] = { "SSH", NULL };
  g_autoptr (IstEmulatorTunnel) tunnel = NULL;
  g_autoptr (GListModel) things = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    {
      g_clear_object (&tunnel);
      tunnel = ist_emulator_service_open_tunnel (self->service, services, "pump-7", 0, &error);
      g_assert_no_error (error);
    }
  ist_emulator_service_close_tunnel (self->service, ist_emulator_tunnel_get_id (tunnel), NULL);
  things = list (self->plane, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (things), ==, 1);
  check_thing (things, 0, "pump-7", NULL);
  g_clear_object (&things);

  g_assert_true (ist_emulator_service_add_thing (self->service, "pump-7", "pump", NULL));
  things = list (self->plane, NULL, &error);
  g_assert_cmpuint (g_list_model_get_n_items (things), ==, 1);
  check_thing (things, 0, "pump-7", "pump");
}

static void
test_no_names (Emulated *self,
               gconstpointer user_data)
{
  static const char *const wrong[][2] = {
    { "", NULL },
    { "a b", NULL },
    { "\x1b[2J", NULL },
    { "ok", "" },
    { "ok", "a/b" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (ist_emulator_service_add_thing (self->service, wrong[i][0], wrong[i][1], &error));
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
    }
}

static void
test_denied (Emulated *self,
             gconstpointer user_data)
{
  g_autoptr (GListModel) things = NULL;
  g_autoptr (GError) error = NULL;
  gboolean is_cut = TRUE;

  ist_emulator_service_fail_operations (self->service, "ListThings", "AccessDeniedException", G_MAXUINT, NULL);
  things = list (self->plane, &is_cut, &error);
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (ACCESS_DENIED));
  g_assert_false (is_cut);
  g_assert_cmpstr (ist_operator_control_plane_error_get_aws_type (error), ==, "AccessDeniedException");
  g_assert_nonnull (strstr (error->message, "need the permission iot:ListThings"));
  g_assert_cmpuint (emulated_count (self), ==, 1);
}

static void
test_repeated (Emulated *self,
               gconstpointer user_data)
{
  g_autoptr (GListModel) things = NULL;
  g_autoptr (GError) error = NULL;

  emulated_add (self, 1);
  ist_emulator_service_fail_operations (self->service, "ListThings", "ThrottlingException", 1, NULL);
  things = list (self->plane, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (things), ==, 1);
  g_assert_cmpuint (emulated_count (self), ==, 2);
}

static void
test_cancelled_late (Emulated *self,
                     gconstpointer user_data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GListModel) things = NULL;
  g_autoptr (GError) error = NULL;

  emulated_add (self, 600);
  ist_emulator_service_delay_answers (self->service, "ListThings", 200, G_MAXUINT, NULL);
  ist_operator_control_plane_list_things_async (self->plane, cancellable, test_store_result, &result);
  test_wait (emulated_count (self) == 2);
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  things = ist_operator_control_plane_list_things_finish (self->plane, result, NULL, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  test_wait (ist_operator_control_plane_get_n_calls (self->plane) == 0);
  g_assert_cmpuint (emulated_count (self), ==, 2);
}

/* Servers that are none */

static char *
get_url (TestServer *server,
         const char *path)
{
  return g_strconcat ("http", test_server_get_endpoint (server) + strlen ("ws"), path, NULL);
}

static char *
make_answer (const char *body)
{
  return g_strdup_printf ("HTTP/1.1 200 OK\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s", strlen (body), body);
}

/* Whatever is asked, @user_data is the body of the answer; without one there is none. */
static void
answer_with (TestServer *server,
             TestPeer *peer,
             gpointer user_data)
{
  const char *body = user_data;

  while (test_peer_read_request (peer))
    {
      g_autofree char *answer = NULL;
      char c;

      test_server_push (server, g_strdup (peer->request));
      if (body == NULL)
        {
          while (test_peer_read (peer, &c, 1))
            continue;
          return;
        }
      answer = make_answer (body);
      if (!test_peer_say (peer, answer))
        return;
    }
}

/* How many there were. */
static guint
forget_requests (TestServer *server)
{
  guint n = 0;
  char *request;

  for (; (request = test_server_pop (server)) != NULL; g_free (request))
    n++;
  return n;
}

typedef struct
{
  const char *name;
  const char *body;
  int code; /* -1 for success */
  guint n_things;
} Case;

static const Case cases[] = {
  { "nothing", "", CODE (NOT_THE_SERVICE), 0 },
  { "garbage", "\x01\xff{", CODE (NOT_THE_SERVICE), 0 },
  { "web-page", "<html>", CODE (NOT_THE_SERVICE), 0 },
  { "no-list", "{}", CODE (NOT_THE_SERVICE), 0 },
  { "other-list", "{\"things\":{}}", CODE (NOT_THE_SERVICE), 0 },
  { "no-thing", "{\"things\":[7]}", CODE (NOT_THE_SERVICE), 0 },
  { "no-name", "{\"things\":[{\"thingName\":7}]}", CODE (NOT_THE_SERVICE), 0 },
  { "loop", "{\"things\":[{\"thingName\":\"a\"}],\"nextToken\":\"again\"}", CODE (NOT_THE_SERVICE), 0 },
  /* What can't be a name is left out. */
  { "control-characters",
    "{\"things\":[{\"thingName\":\"a\\u001b[2J\"},{\"thingName\":\"\"},"
    "{\"thingName\":\"a\",\"thingTypeName\":\"b\\n\"}]}",
    -1, 1 },
  { "empty", "{\"things\":[],\"nextToken\":null}", -1, 0 },
};

static void
test_answer (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_with, (gpointer) test->body);
  g_autofree char *url = get_url (server, "");
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 2, 30);
  g_autoptr (GListModel) things = NULL;
  g_autoptr (GError) error = NULL;

  things = list (plane, NULL, &error);
  g_assert_cmpuint (forget_requests (server), ==, g_str_equal (test->name, "loop") ? 2 : 1);
  if (test->code != -1)
    {
      g_assert_null (things);
      g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, test->code);
      g_assert_true (g_str_has_prefix (error->message, "ListThings: "));
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (things), ==, test->n_things);
  if (test->n_things > 0)
    check_thing (things, 0, "a", NULL);
}

static void
test_long_name (void)
{
  g_autofree char *name = g_strnfill (129, 'a');
  g_autofree char *body =
    g_strdup_printf ("{\"things\":[{\"thingName\":\"%s\"},{\"thingName\":\"%s\"}]}", name, name + 1);
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_with, body);
  g_autofree char *url = get_url (server, "");
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 2, 30);
  g_autoptr (GListModel) things = NULL;
  g_autoptr (GError) error = NULL;

  things = list (plane, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (things), ==, 1);
  check_thing (things, 0, name + 1, NULL);
  forget_requests (server);
}

static void
test_request (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_with, (gpointer) "{\"things\":[]}");
  g_autofree char *url = get_url (server, "/base/");
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 2, 30);
  g_autoptr (GListModel) things = list (plane, NULL, NULL);
  g_autofree char *request = test_server_pop (server);

  g_assert_nonnull (things);
  g_assert_true (g_str_has_prefix (request, "GET /base/things?maxResults=250 HTTP/1.1\r\n"));
  g_assert_nonnull (strstr (request, "/iot/aws4_request, SignedHeaders=host;x-amz-date, Signature="));
  g_assert_null (strstr (request, "X-Amz-Target"));
  g_assert_null (strstr (request, "Content-Type"));
}

/* A list that never ends, of pages with nothing in them, each with another token. */
static void
answer_for_ever (TestServer *server,
                 TestPeer *peer,
                 gpointer user_data)
{
  for (guint i = 0; test_peer_read_request (peer); i++)
    {
      g_autofree char *length = test_peer_dup_header (peer, "Content-Length");
      g_autofree char *body = g_malloc0 (length != NULL ? atoi (length) + 1 : 1);
      g_autofree char *page = NULL;
      g_autofree char *answer = NULL;

      if (length != NULL && !test_peer_read (peer, body, atoi (length)))
        return;
      test_server_push (server, g_strdup (peer->request));
      page = g_strdup_printf ("{\"things\":[],\"tunnelSummaries\":[],\"nextToken\":\"%04u+/=&\"}", i);
      answer = make_answer (page);
      if (!test_peer_say (peer, answer))
        return;
    }
}

static void
test_endless (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_for_ever, NULL);
  g_autofree char *url = get_url (server, "");
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 2, 30);
  g_autoptr (GListModel) things = NULL;
  g_autoptr (GListModel) tunnels = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean is_cut = FALSE;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  things = list (plane, &is_cut, &error);
  g_assert_no_error (error);
  g_assert_true (is_cut);
  g_assert_cmpuint (g_list_model_get_n_items (things), ==, 0);
  first = test_server_pop (server);
  second = test_server_pop (server);
  g_assert_true (g_str_has_prefix (second, "GET /things?maxResults=250&nextToken=0000%2B%2F%3D%26 "));
  g_assert_cmpuint (forget_requests (server), ==, 98);

  ist_operator_control_plane_list_tunnels_async (plane, NULL, NULL, test_store_result, &result);
  test_wait (result != NULL);
  tunnels = ist_operator_control_plane_list_tunnels_finish (plane, result, &error);
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (FAILED));
  g_assert_cmpuint (forget_requests (server), ==, 100);
}

static void
test_silent (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_with, NULL);
  g_autofree char *url = get_url (server, "");
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 2, 1);
  g_autoptr (GListModel) things = NULL;
  g_autoptr (GError) error = NULL;

  things = list (plane, NULL, &error);
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (UNREACHABLE));
  g_assert_nonnull (strstr (error->message, "no answer within 1 second"));
  g_assert_nonnull (strstr (error->message, url));
  g_assert_cmpuint (forget_requests (server), ==, 2);
}

static void
test_cancelled (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_with, NULL);
  g_autofree char *url = get_url (server, "");
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 2, 30);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GListModel) things = NULL;
  g_autoptr (GError) error = NULL;
  char *request = NULL;

  ist_operator_control_plane_list_things_async (plane, cancellable, test_store_result, &result);
  test_wait ((request = test_server_pop (server)) != NULL);
  g_free (request);
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  things = ist_operator_control_plane_list_things_finish (plane, result, NULL, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  test_wait (ist_operator_control_plane_get_n_calls (plane) == 0);
}

/* Where there are no things to be had, there are still tunnels. */
static void
test_wrong_place (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorControlPlane) plane = NULL;
  g_autoptr (GListModel) things = NULL;

  g_setenv ("AWS_ENDPOINT_URL_IOT", "http://example.com", TRUE);
  plane = g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, &error, "region", "eu-west-1", NULL);
  g_unsetenv ("AWS_ENDPOINT_URL_IOT");
  g_assert_no_error (error);
  things = list (plane, NULL, &error);
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (INVALID_SETTING));
  g_assert_true (g_str_has_prefix (error->message, "AWS_ENDPOINT_URL_IOT "));
}

int
main (int argc,
      char *argv[])
{
  static const struct
  {
    const char *path;
    void (*function) (Emulated *self,
                      gconstpointer user_data);
  } emulated[] = {
    { "/operator/things/pages", test_pages },
    { "/operator/things/of-tunnels", test_things_of_tunnels },
    { "/operator/things/no-names", test_no_names },
    { "/operator/things/denied", test_denied },
    { "/operator/things/repeated", test_repeated },
    { "/operator/things/cancelled-late", test_cancelled_late },
  };
  g_auto (GStrv) variables = g_listenv ();

  /* Nothing of whoever runs this counts. */
  for (gsize i = 0; variables[i] != NULL; i++)
    if (g_str_has_prefix (variables[i], "AWS_"))
      g_unsetenv (variables[i]);
  g_setenv ("AWS_CONFIG_FILE", "/nowhere/config", TRUE);
  g_setenv ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials", TRUE);
  g_setenv ("AWS_EC2_METADATA_DISABLED", "true", TRUE);
  g_setenv ("AWS_ACCESS_KEY_ID", "AKID", TRUE);
  g_setenv ("AWS_SECRET_ACCESS_KEY", "secret", TRUE);

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (emulated); i++)
    g_test_add (emulated[i].path, Emulated, NULL, emulated_set_up, emulated[i].function, emulated_tear_down);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/operator/things/answer/%s", cases[i].name);

      g_test_add_data_func (path, &cases[i], test_answer);
    }
  g_test_add_func ("/operator/things/long-name", test_long_name);
  g_test_add_func ("/operator/things/request", test_request);
  g_test_add_func ("/operator/things/endless", test_endless);
  g_test_add_func ("/operator/things/silent", test_silent);
  g_test_add_func ("/operator/things/cancelled", test_cancelled);
  g_test_add_func ("/operator/things/wrong-place", test_wrong_place);
  return g_test_run ();
}
