/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The control plane, against the emulator and against servers that are none.
 */

#include <string.h>

#include "emulated.h"
#include "test-server.h"

#define CODE(name) IST_OPERATOR_CONTROL_PLANE_ERROR_##name

/* Milliseconds in which a request would have come, were there one. */
#define NOTHING_COMES 300

/* Calls, each awaited */

static void
await_idle (IstOperatorControlPlane *plane)
{
  test_wait (ist_operator_control_plane_get_n_calls (plane) == 0);
}

static IstOperatorTunnelAccess *
open_tunnel (IstOperatorControlPlane *plane,
             const char *thing_name,
             GHashTable *tags,
             GError **error)
{
  static const char *const services[] = { "SSH", "HTTP", NULL };
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_control_plane_open_tunnel_async (plane, thing_name, services, "a test", 60, tags, NULL,
                                                test_store_result, &result);
  test_wait (result != NULL);
  return ist_operator_control_plane_open_tunnel_finish (plane, result, error);
}

static IstOperatorTunnelDescription *
describe (IstOperatorControlPlane *plane,
          const char *tunnel_id,
          GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_control_plane_describe_tunnel_async (plane, tunnel_id, NULL, test_store_result, &result);
  test_wait (result != NULL);
  return ist_operator_control_plane_describe_tunnel_finish (plane, result, error);
}

static GListModel *
list (IstOperatorControlPlane *plane,
      const char *thing_name,
      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_control_plane_list_tunnels_async (plane, thing_name, NULL, test_store_result, &result);
  test_wait (result != NULL);
  return ist_operator_control_plane_list_tunnels_finish (plane, result, error);
}

static gboolean
close_tunnel (IstOperatorControlPlane *plane,
              const char *tunnel_id,
              gboolean delete_it,
              GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_control_plane_close_tunnel_async (plane, tunnel_id, delete_it, NULL, test_store_result, &result);
  test_wait (result != NULL);
  return ist_operator_control_plane_close_tunnel_finish (plane, result, error);
}

static IstOperatorTunnelAccess *
rotate (IstOperatorControlPlane *plane,
        const char *tunnel_id,
        IstOperatorClientMode modes,
        const char *const *services,
        GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_control_plane_rotate_tunnel_access_token_async (plane, tunnel_id, modes, NULL, services, NULL,
                                                               test_store_result, &result);
  test_wait (result != NULL);
  return ist_operator_control_plane_rotate_tunnel_access_token_finish (plane, result, error);
}

static GHashTable *
list_tags (IstOperatorControlPlane *plane,
           const char *arn,
           GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ist_operator_control_plane_list_tags_for_resource_async (plane, arn, NULL, test_store_result, &result);
  test_wait (result != NULL);
  return ist_operator_control_plane_list_tags_for_resource_finish (plane, result, error);
}

/* The emulator */

static void
test_open_and_describe (Emulated *self,
                        gconstpointer user_data)
{
  g_autoptr (GHashTable) tags = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (IstOperatorTunnelAccess) access = NULL;
  g_autoptr (IstOperatorTunnelDescription) description = NULL;
  g_autoptr (GError) error = NULL;
  const char *const *services;
  IstEmulatorTunnel *tunnel;
  const char *id;

  g_hash_table_insert (tags, (gpointer) "team", (gpointer) "pumps");
  access = open_tunnel (self->plane, "pump-7", tags, &error);
  g_assert_no_error (error);
  id = ist_operator_tunnel_access_get_tunnel_id (access);
  tunnel = ist_emulator_service_lookup_tunnel (self->service, id);
  g_assert_nonnull (tunnel);
  g_assert_cmpstr (ist_operator_tunnel_access_get_source_access_token (access), ==,
                   ist_emulator_tunnel_get_source_access_token (tunnel));
  g_assert_cmpstr (ist_operator_tunnel_access_get_destination_access_token (access), ==,
                   ist_emulator_tunnel_get_destination_access_token (tunnel));

  description = describe (self->plane, id, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (ist_operator_tunnel_description_get_tunnel_id (description), ==, id);
  g_assert_cmpstr (ist_operator_tunnel_description_get_arn (description), ==,
                   ist_operator_tunnel_access_get_arn (access));
  g_assert_true (ist_operator_tunnel_description_get_is_open (description));
  g_assert_cmpstr (ist_operator_tunnel_description_get_description (description), ==, "a test");
  g_assert_cmpstr (ist_operator_tunnel_description_get_thing_name (description), ==, "pump-7");
  services = ist_operator_tunnel_description_get_service_ids (description);
  g_assert_cmpuint (g_strv_length ((char **) services), ==, 2);
  g_assert_cmpstr (services[1], ==, "HTTP");
  g_assert_cmpuint (ist_operator_tunnel_description_get_lifetime (description), ==, 60);
  g_assert_false (ist_operator_tunnel_description_get_source_connected (description));
  g_assert_false (ist_operator_tunnel_description_get_destination_connected (description));
  g_assert_cmpint (ABS (ist_operator_tunnel_description_get_created_at (description) - g_get_real_time ()), <,
                   TEST_PATIENCE * G_USEC_PER_SEC);
  g_assert_cmpint (ist_operator_tunnel_description_get_updated_at (description), >=,
                   ist_operator_tunnel_description_get_created_at (description));
  g_assert_cmpint (ist_operator_tunnel_description_get_source_changed_at (description), >, 0);
  g_assert_cmpint (ist_operator_tunnel_description_get_destination_changed_at (description), >, 0);
  g_assert_cmpstr (g_hash_table_lookup (ist_operator_tunnel_description_get_tags (description), "team"), ==,
                   "pumps");

  g_assert_true (close_tunnel (self->plane, id, FALSE, &error));
  g_assert_no_error (error);
  g_clear_object (&description);
  description = describe (self->plane, id, &error);
  g_assert_no_error (error);
  g_assert_false (ist_operator_tunnel_description_get_is_open (description));
}

static void
test_list (Emulated *self,
           gconstpointer user_data)
{
  static const char *const services[] = { "SSH", NULL };
  g_autoptr (GListModel) all = NULL;
  g_autoptr (GListModel) some = NULL;
  g_autoptr (IstOperatorTunnelDescription) newest = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_type_is_a (IST_OPERATOR_TYPE_TUNNEL_DESCRIPTION, G_TYPE_OBJECT));
  for (guint i = 0; i < 250; i++)
    {
      IstEmulatorTunnel *tunnel = ist_emulator_service_open_tunnel (self->service, services,
                                                                    i % 50 == 0 ? "pump-7" : NULL, 0, &error);

      g_assert_no_error (error);
      if (i == 249)
        newest = describe (self->plane, ist_emulator_tunnel_get_id (tunnel), &error);
      g_assert_no_error (error);
    }
  all = list (self->plane, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (all), ==, 250);
  for (guint i = 0; i < 250; i++)
    {
      g_autoptr (IstOperatorTunnelDescription) tunnel = g_list_model_get_item (all, i);

      g_assert_true (ist_operator_tunnel_description_get_is_open (tunnel));
      g_assert_nonnull (ist_operator_tunnel_description_get_arn (tunnel));
      g_assert_null (ist_operator_tunnel_description_get_thing_name (tunnel));
      if (i == 0)
        g_assert_cmpstr (ist_operator_tunnel_description_get_tunnel_id (tunnel), ==,
                         ist_operator_tunnel_description_get_tunnel_id (newest));
    }
  some = list (self->plane, "pump-7", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (some), ==, 5);
}

static void
test_rotate (Emulated *self,
             gconstpointer user_data)
{
  static const char *const services[] = { "VNC", NULL };
  g_autoptr (IstOperatorTunnelAccess) access = open_tunnel (self->plane, "pump-7", NULL, NULL);
  const char *id = ist_operator_tunnel_access_get_tunnel_id (access);
  g_autoptr (IstOperatorTunnelAccess) source = NULL;
  g_autoptr (IstOperatorTunnelAccess) both = NULL;
  g_autoptr (IstOperatorTunnelDescription) description = NULL;
  g_autoptr (GError) error = NULL;

  source = rotate (self->plane, id, IST_OPERATOR_CLIENT_MODE_SOURCE, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (ist_operator_tunnel_access_get_tunnel_id (source), ==, id);
  g_assert_cmpstr (ist_operator_tunnel_access_get_source_access_token (source), !=,
                   ist_operator_tunnel_access_get_source_access_token (access));
  g_assert_null (ist_operator_tunnel_access_get_destination_access_token (source));

  both = rotate (self->plane, id, IST_OPERATOR_CLIENT_MODE_SOURCE | IST_OPERATOR_CLIENT_MODE_DESTINATION, services,
                 &error);
  g_assert_no_error (error);
  g_assert_nonnull (ist_operator_tunnel_access_get_source_access_token (both));
  g_assert_nonnull (ist_operator_tunnel_access_get_destination_access_token (both));
  description = describe (self->plane, id, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (ist_operator_tunnel_description_get_service_ids (description)[0], ==, "VNC");
}

static void
test_tags (Emulated *self,
           gconstpointer user_data)
{
  static const char *const keys[] = { "team", "nothing", NULL };
  g_autoptr (IstOperatorTunnelAccess) access = open_tunnel (self->plane, "pump-7", NULL, NULL);
  const char *arn = ist_operator_tunnel_access_get_arn (access);
  g_autoptr (GHashTable) tags = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) before = NULL;
  g_autoptr (GHashTable) after = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_hash_table_insert (tags, (gpointer) "team", (gpointer) "pumps");
  g_hash_table_insert (tags, (gpointer) "Größe", (gpointer) "");
  ist_operator_control_plane_tag_resource_async (self->plane, arn, tags, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_true (ist_operator_control_plane_tag_resource_finish (self->plane, result, &error));
  g_assert_no_error (error);
  before = list_tags (self->plane, arn, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (before), ==, 2);
  g_assert_cmpstr (g_hash_table_lookup (before, "Größe"), ==, "");

  g_clear_object (&result);
  ist_operator_control_plane_untag_resource_async (self->plane, arn, keys, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_true (ist_operator_control_plane_untag_resource_finish (self->plane, result, &error));
  g_assert_no_error (error);
  after = list_tags (self->plane, arn, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (after), ==, 1);
}

static void
test_refused (Emulated *self,
              gconstpointer user_data)
{
  g_autoptr (IstOperatorTunnelDescription) description = NULL;
  g_autoptr (IstOperatorTunnelAccess) access = NULL;
  g_autoptr (GError) error = NULL;

  description = describe (self->plane, "no-such-tunnel", &error);
  g_assert_null (description);
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (NOT_FOUND));
  g_assert_cmpstr (ist_operator_control_plane_error_get_aws_type (error), ==, "ResourceNotFoundException");
  g_assert_nonnull (ist_operator_control_plane_error_get_aws_message (error));
  g_assert_nonnull (ist_operator_control_plane_error_get_request_id (error));
  g_assert_true (g_str_has_prefix (error->message, "DescribeTunnel: ResourceNotFoundException: "));
  g_clear_error (&error);

  g_assert_false (close_tunnel (self->plane, "no-such-tunnel", TRUE, &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (NOT_FOUND));
  g_clear_error (&error);

  access = open_tunnel (self->plane, "not a thing", NULL, &error);
  g_assert_null (access);
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (INVALID_REQUEST));
  g_clear_error (&error);

  access = open_tunnel (self->plane, "\xff", NULL, &error);
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (INVALID_REQUEST));
}

/* Servers that answer as they are told */

#define HTTP(status, headers, body) "HTTP/1.1 " status "\r\n" headers "\r\n" body
#define JSON "Content-Type: application/x-amz-json-1.1\r\n"
#define FAULT(status, type) HTTP (status, JSON "Connection: close\r\n", "{\"__type\":\"" type "\",\"message\":\"m\"}")
#define TEXT(status) HTTP (status, "Connection: close\r\n", "<html>no</html>")
#define OPENED                                  \
  HTTP ("200 OK", JSON "Connection: close\r\n", \
        "{\"tunnelId\":\"t-1\",\"tunnelArn\":\"arn:1\",\"sourceAccessToken\":\"s\",\"destinationAccessToken\":\"d\"}")
#define DONE HTTP ("200 OK", JSON "Content-Length: 2\r\n", "{}")
#define TAGS HTTP ("200 OK", JSON "Content-Length: 11\r\n", "{\"tags\":[]}")

#define ABORT "abort"
#define HANG "hang"
#define WAIT "wait"
#define HUGE_ONE "huge"
#define SLOW "slow"

typedef struct
{
  const char *const *answers; /* the last one to all that follow */
  guint n_answers;            /* given */
} Plan;

static gboolean
read_body (TestPeer *peer,
           GString *request)
{
  g_autofree char *length = test_peer_dup_header (peer, "Content-Length");
  gsize size = length != NULL ? g_ascii_strtoull (length, NULL, 10) : 0;
  g_autofree char *body = g_malloc0 (size + 1);

  if (!test_peer_read (peer, body, size))
    return FALSE;
  g_string_append (request, peer->request);
  g_string_append (request, body);
  return TRUE;
}

/* FALSE if there is nothing more to say. */
static gboolean
give_answer (TestServer *server,
             TestPeer *peer,
             const char *answer)
{
  if (strcmp (answer, ABORT) == 0)
    {
      test_peer_abort (peer);
    }
  else if (strcmp (answer, HANG) == 0)
    {
      char c;

      while (test_peer_read (peer, &c, 1))
        continue;
    }
  else if (strcmp (answer, HUGE_ONE) == 0)
    {
      g_autofree char *filler = g_strnfill (64 * 1024, ' ');

      test_peer_say (peer, "HTTP/1.1 200 OK\r\n\r\n");
      while (test_peer_say (peer, filler))
        continue;
    }
  else if (strcmp (answer, SLOW) == 0)
    {
      for (const char *p = TAGS; *p != '\0' && test_peer_write (peer, p, 1); p++)
        g_usleep (1000);
    }
  else
    {
      if (strcmp (answer, WAIT) == 0 && test_server_await_step (server, 1))
        answer = OPENED;
      return test_peer_say (peer, answer) && strstr (answer, "Content-Length") != NULL;
    }
  return FALSE;
}

static void
answer_as_planned (TestServer *server,
                   TestPeer *peer,
                   gpointer user_data)
{
  Plan *plan = user_data;

  while (test_peer_read_request (peer))
    {
      g_autoptr (GString) request = g_string_new (NULL);
      const char *answer = plan->answers[plan->n_answers];

      if (!read_body (peer, request))
        return;
      if (plan->answers[plan->n_answers + 1] != NULL)
        plan->n_answers++;
      test_server_push (server, g_string_free (g_steal_pointer (&request), FALSE));
      if (!give_answer (server, peer, answer))
        return;
    }
}

static char *
get_url (TestServer *server)
{
  return g_strconcat ("http", test_server_get_endpoint (server) + strlen ("ws"), NULL);
}

/* The next request that has come, which is for @operation. */
static char *
take_request (TestServer *server,
              const char *operation)
{
  g_autofree char *target = g_strdup_printf ("\r\nX-Amz-Target: IoTSecuredTunneling.%s\r\n", operation);
  char *request = NULL;

  test_wait ((request = test_server_pop (server)) != NULL);
  g_assert_nonnull (strstr (request, target));
  g_assert_nonnull (strstr (request, "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKID/"));
  return request;
}

static void
expect_requests (TestServer *server,
                 guint n,
                 const char *operation)
{
  for (guint i = 0; i < n; i++)
    g_free (take_request (server, operation));
  g_assert_null (test_server_pop (server));
}

typedef struct
{
  const char *name;
  gboolean opens; /* a tunnel, or else asks for tags */
  const char *answers[5];
  guint n_requests;
  int code; /* -1 for success */
  const char *text;
} Case;

/* It would join what is broken here. */
/* clang-format off */
static const Case cases[] = {
  { "throttled", FALSE,
    { FAULT ("400 Bad", "ThrottlingException"), FAULT ("429 No", "x#TooManyRequestsException:http"), TAGS },
    3, -1, NULL },
  { "throttled-opening", TRUE,
    { FAULT ("400 Bad", "ThrottlingException"), FAULT ("503 No", "SlowDown"), OPENED },
    3, -1, NULL },
  { "throttled-for-good", TRUE,
    { FAULT ("400 Bad", "ThrottlingException") },
    3, CODE (THROTTLED), "OpenTunnel: ThrottlingException: m (try later)" },
  { "throttled-without-type", TRUE, { TEXT ("429 Slow"), OPENED }, 2, -1, NULL },
  { "failing", FALSE, { FAULT ("500 No", "InternalFailure"), TEXT ("502 No"), TAGS }, 3, -1, NULL },
  { "failing-opening", TRUE, { FAULT ("500 No", "InternalFailure"), TEXT ("503 No"), OPENED }, 3, -1, NULL },
  { "failing-for-good", FALSE,
    { FAULT ("500 No", "InternalFailure") },
    3, CODE (SERVICE_FAILURE), "InternalFailure: m" },
  { "gateway-opening", TRUE, { TEXT ("502 No"), OPENED }, 1, CODE (SERVICE_FAILURE), "it was not asked again" },
  { "timeout-opening", TRUE, { TEXT ("504 No"), OPENED }, 1, CODE (SERVICE_FAILURE), "it was not asked again" },
  { "lost", FALSE, { ABORT, ABORT, TAGS }, 3, -1, NULL },
  { "lost-for-good", FALSE, { ABORT }, 3, CODE (UNREACHABLE), "can't reach http://" },
  { "lost-opening", TRUE, { ABORT, OPENED }, 1, CODE (UNREACHABLE), "It was not asked again" },
  { "cut-short", FALSE, { "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", TAGS }, 2, -1, NULL },
  { "silent", FALSE, { HANG, TAGS }, 2, -1, NULL },
  { "silent-opening", TRUE, { HANG, OPENED }, 1, CODE (UNREACHABLE), "no answer within 1 second" },
  { "slow", FALSE, { SLOW }, 1, -1, NULL },
  { "garbage", FALSE, { "\x01\x02 what\r\n\r\n" }, 3, CODE (UNREACHABLE), NULL },
  { "no-json", FALSE, { TEXT ("200 OK") }, 1, CODE (NOT_THE_SERVICE), "does not answer like the service" },
  { "deep-json", FALSE,
    { HTTP ("200 OK", "Connection: close\r\n", "{\"tags\":[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]}") },
    1, CODE (NOT_THE_SERVICE), NULL },
  { "other-json", TRUE,
    { HTTP ("200 OK", "Connection: close\r\n", "{\"tunnelId\":7}") },
    1, CODE (NOT_THE_SERVICE), NULL },
  { "web-server", FALSE,
    { TEXT ("404 Not Found") },
    1, CODE (NOT_THE_SERVICE), "answers with HTTP status 404 (check the endpoint URL" },
  { "redirect", FALSE,
    { HTTP ("302 Found", "Location: http://127.0.0.1:1/\r\nConnection: close\r\n", "") },
    1, CODE (NOT_THE_SERVICE), "302" },
  { "huge", FALSE, { HUGE_ONE }, 1, CODE (NOT_THE_SERVICE), NULL },
  { "denied", TRUE,
    { FAULT ("400 Bad", "AccessDeniedException") },
    1, CODE (ACCESS_DENIED), "need the permission iot:OpenTunnel" },
  { "expired", TRUE, { FAULT ("403 Bad", "ExpiredTokenException"), OPENED }, 2, -1, NULL },
  { "expired-for-good", TRUE,
    { FAULT ("403 Bad", "ExpiredTokenException") },
    2, CODE (CREDENTIALS_EXPIRED), "get new ones" },
  { "limit", TRUE, { FAULT ("400 Bad", "LimitExceededException") }, 1, CODE (LIMIT_EXCEEDED), "close tunnels" },
  { "unheard-of", TRUE, { FAULT ("400 Bad", "NewException") }, 1, CODE (FAILED), "OpenTunnel: NewException: m" },
  { "wrong-secret", TRUE,
    { FAULT ("400 Bad", "InvalidSignatureException") },
    1, CODE (ACCESS_DENIED), "check the secret access key" },
  { "told-to-wait-long", TRUE,
    { HTTP ("503 No", "Retry-After: 3600\r\nConnection: close\r\n", "") },
    1, CODE (SERVICE_FAILURE), "try again in 3600 seconds" },
  { "control-characters", TRUE, { FAULT ("400 Bad", "New\\u001b[31m") }, 1, CODE (FAILED), "New\\u001b[31m" },
};
/* clang-format on */

static void
test_case (gconstpointer user_data)
{
  const Case *test = user_data;
  Plan plan = { test->answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  g_autofree char *url = get_url (server);
  guint timeout = strstr (test->name, "silent") != NULL ? 1 : 30;
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 0, timeout);
  g_autoptr (IstOperatorTunnelAccess) access = NULL;
  g_autoptr (GHashTable) tags = NULL;
  g_autoptr (GError) error = NULL;

  if (test->opens)
    access = open_tunnel (plane, "pump-7", NULL, &error);
  else
    tags = list_tags (plane, "arn:1", &error);
  if (test->code == -1)
    {
      g_assert_no_error (error);
      g_assert_true (access != NULL || tags != NULL);
    }
  else
    {
      g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, test->code);
      if (test->text != NULL && strstr (error->message, test->text) == NULL)
        g_error ("“%s” lacks “%s”", error->message, test->text);
    }
  await_idle (plane);
  expect_requests (server, test->n_requests, test->opens ? "OpenTunnel" : "ListTagsForResource");
}

static void
test_lost_closing (void)
{
  static const char *const answers[] = { ABORT, FAULT ("400 Bad", "ResourceNotFoundException"), NULL };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  g_autofree char *url = get_url (server);
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 0, 30);
  g_autoptr (GError) error = NULL;

  /* The first of them has done it, as far as anybody can tell. */
  g_assert_true (close_tunnel (plane, "t-1", TRUE, &error));
  g_assert_no_error (error);
  expect_requests (server, 2, "CloseTunnel");
}

/* An answer that names a tunnel, but has no token for it: nobody can use that tunnel. */
static void
test_opened_in_vain (void)
{
  static const char *const answers[] = {
    HTTP ("200 OK", JSON "Connection: close\r\n", "{\"tunnelId\":\"t-1\",\"sourceAccessToken\":\"a b\"}"), DONE, NULL
  };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  g_autofree char *url = get_url (server);
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 0, 30);
  g_autoptr (IstOperatorTunnelAccess) access = NULL;
  g_autoptr (GError) error = NULL;

  access = open_tunnel (plane, "pump-7", NULL, &error);
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (NOT_THE_SERVICE));
  await_idle (plane);
  g_free (take_request (server, "OpenTunnel"));
  expect_requests (server, 1, "CloseTunnel");
}

static void
test_retry_after (void)
{
  static const char *const answers[] = { HTTP ("503 No", "Retry-After: 1\r\nConnection: close\r\n", ""), TAGS, NULL };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  g_autofree char *url = get_url (server);
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 0, 30);
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GHashTable) tags = list_tags (plane, "arn:1", NULL);

  g_assert_nonnull (tags);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, G_USEC_PER_SEC);
  expect_requests (server, 2, "ListTagsForResource");
}

/* Others can't be found in the place of keys that were given. */
static void
test_expired_keys (void)
{
  static const char *const answers[] = { FAULT ("403 Bad", "ExpiredTokenException"), NULL };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  g_autofree char *url = get_url (server);
  g_autoptr (IstOperatorCredentials) credentials = ist_operator_credentials_new_for_keys ("AKID", "secret", "token");
  g_autoptr (IstOperatorControlPlane) plane = NULL;
  g_autoptr (GError) error = NULL;

  plane = ist_operator_control_plane_new (credentials, NULL, url, &error);
  g_assert_no_error (error);
  g_assert_null (open_tunnel (plane, "pump-7", NULL, &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (CREDENTIALS_EXPIRED));
  g_assert_true (g_str_has_prefix (error->message, "OpenTunnel: "));
  expect_requests (server, 1, "OpenTunnel");
}

/* The clock */

static GDateTime *
read_signing_time (const char *request)
{
  const char *text = strstr (request, "\r\nX-Amz-Date: ");
  g_autofree char *time = NULL;
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();

  g_assert_nonnull (text);
  time = g_strndup (text + strlen ("\r\nX-Amz-Date: "), strlen ("20260101T000000Z"));
  return g_date_time_new_from_iso8601 (time, utc);
}

static void
test_clock (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) theirs = g_date_time_add_hours (now, 3);
  g_autofree char *date = g_date_time_format (theirs, "%a, %d %b %Y %H:%M:%S GMT");
  g_autofree char *refusal = g_strdup_printf ("HTTP/1.1 403 No\r\nDate: %s\r\nConnection: close\r\n\r\n"
                                              "{\"__type\":\"InvalidSignatureException\"}",
                                              date);
  const char *answers[] = { refusal, TAGS, TAGS, refusal, NULL };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  g_autofree char *url = get_url (server);
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 0, 30);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GHashTable) tags = list_tags (plane, "arn:1", &error);

      g_assert_no_error (error);
      g_assert_nonnull (tags);
    }
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *request = take_request (server, "ListTagsForResource");
      g_autoptr (GDateTime) time = read_signing_time (request);
      GTimeSpan difference = g_date_time_difference (time, i == 0 ? now : theirs);

      g_assert_cmpint (ABS (difference), <, G_TIME_SPAN_HOUR);
    }
  /* Not the clock any more, as far as one can tell; but it is worth a word. */
  g_assert_null (list_tags (plane, "arn:1", &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (ACCESS_DENIED));
  g_assert_nonnull (strstr (error->message, "seconds slow: set it"));
  expect_requests (server, 1, "ListTagsForResource");
}

/* Cancelling */

static void
start_opening (IstOperatorControlPlane *plane,
               GCancellable *cancellable,
               GAsyncResult **result)
{
  ist_operator_control_plane_open_tunnel_async (plane, "pump-7", NULL, NULL, 0, NULL, cancellable, test_store_result,
                                                result);
}

static void
finish_cancelled_opening (IstOperatorControlPlane *plane,
                          GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;

  test_wait (*result != NULL);
  g_assert_null (ist_operator_control_plane_open_tunnel_finish (plane, *result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_cancel_before (void)
{
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_SILENT, NULL, NULL);
  g_autofree char *url = get_url (server);
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 0, 30);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) second = NULL;

  g_cancellable_cancel (cancellable);
  start_opening (plane, cancellable, &result);
  g_assert_cmpuint (ist_operator_control_plane_get_n_calls (plane), ==, 0);
  finish_cancelled_opening (plane, &result);

  /* At the moment when it has begun, which is with the credentials. */
  g_cancellable_reset (cancellable);
  start_opening (plane, cancellable, &second);
  g_assert_cmpuint (ist_operator_control_plane_get_n_calls (plane), ==, 1);
  g_cancellable_cancel (cancellable);
  finish_cancelled_opening (plane, &second);
  await_idle (plane);
}

static void
test_cancel_pause (void)
{
  static const char *const answers[] = { HTTP ("503 No", "Retry-After: 20\r\nConnection: close\r\n", ""), NULL };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  g_autofree char *url = get_url (server);
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 0, 30);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;

  start_opening (plane, cancellable, &result);
  g_free (take_request (server, "OpenTunnel"));
  test_run_for (NOTHING_COMES);
  g_assert_null (result);
  g_cancellable_cancel (cancellable);
  finish_cancelled_opening (plane, &result);
  await_idle (plane);
}

/* The tunnel comes when nobody wants it any more. @user_data: whether the control plane
 * is gone by then, too. */
static void
test_cancel_opening (gconstpointer user_data)
{
  static const char *const answers[] = { WAIT, DONE, NULL };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  g_autofree char *url = get_url (server);
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 0, 30);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *request = NULL;

  start_opening (plane, cancellable, &result);
  g_free (take_request (server, "OpenTunnel"));
  g_cancellable_cancel (cancellable);
  finish_cancelled_opening (plane, &result);
  g_assert_cmpuint (ist_operator_control_plane_get_n_calls (plane), ==, 1);
  if (user_data != NULL)
    {
      g_clear_object (&result);
      g_assert_finalize_object (g_steal_pointer (&plane));
    }

  test_server_set_step (server, 1);
  request = take_request (server, "CloseTunnel");
  g_assert_true (g_str_has_suffix (request, "\r\n\r\n{\"tunnelId\":\"t-1\"}"));
  if (plane != NULL)
    await_idle (plane);
  else
    test_run_for (NOTHING_COMES);
}

static void
test_cancel_opening_refused (void)
{
  static const char *const answers[] = { FAULT ("400 Bad", "ThrottlingException"), DONE, NULL };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  g_autofree char *url = get_url (server);
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 0, 30);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;

  start_opening (plane, cancellable, &result);
  g_free (take_request (server, "OpenTunnel"));
  g_cancellable_cancel (cancellable);
  finish_cancelled_opening (plane, &result);
  await_idle (plane);
  test_run_for (NOTHING_COMES);
  expect_requests (server, 0, NULL);
}

static void
test_cancel_asking (void)
{
  static const char *const answers[] = { HANG, NULL };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  g_autofree char *url = get_url (server);
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new (url, NULL, 0, 30);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GListModel) tunnels = NULL;
  g_autoptr (GError) error = NULL;

  ist_operator_control_plane_list_tunnels_async (plane, NULL, cancellable, test_store_result, &result);
  g_free (take_request (server, "ListTunnels"));
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  tunnels = ist_operator_control_plane_list_tunnels_finish (plane, result, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  await_idle (plane);
}

/* Lists */

/* It leads to where it is. */
static void
test_list_in_a_circle (void)
{
  static const char *const answers[] = {
    HTTP ("200 OK", JSON "Content-Length: 42\r\n", "{\"tunnelSummaries\":[],\"nextToken\":\"again\"}"), NULL
  };
  Plan plan = { answers };
  g_autoptr (TestServer) server = NULL;
  g_autoptr (IstOperatorControlPlane) plane = NULL;
  g_autoptr (GListModel) tunnels = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *url = NULL;

  server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  url = get_url (server);
  plane = test_control_plane_new (url, NULL, 0, 30);
  tunnels = list (plane, NULL, &error);
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (NOT_THE_SERVICE));
  expect_requests (server, 2, "ListTunnels");
  g_assert_cmpuint (test_server_get_connections (server), ==, 1);
}

/* TLS and proxies */

static void
test_tls (void)
{
  static const char *const answers[] = { TAGS, NULL };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_TLS, answer_as_planned, &plan);
  g_autofree char *url = get_url (server);
  g_autoptr (IstOperatorControlPlane) right = test_control_plane_new (url, test_server_get_ca_file (server), 0, 30);
  g_autoptr (IstOperatorControlPlane) wrong = test_control_plane_new (url, NULL, 0, 30);
  g_autoptr (GHashTable) tags = NULL;
  g_autoptr (GHashTable) more = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *endpoint = g_strdup (test_server_get_endpoint (server));

  g_assert_cmpstr (ist_operator_control_plane_get_tunnel_endpoint (right), ==, endpoint);
  g_assert_nonnull (ist_operator_control_plane_get_tls_database (right));
  tags = list_tags (right, "arn:1", &error);
  g_assert_no_error (error);
  more = list_tags (right, "arn:1", &error);
  g_assert_no_error (error);
  expect_requests (server, 2, "ListTagsForResource");
  g_assert_cmpuint (test_server_get_connections (server), ==, 1);
  g_clear_object (&right);

  g_assert_null (list_tags (wrong, "arn:1", &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (UNREACHABLE));
  g_assert_nonnull (strstr (error->message, "an authority that is not trusted here"));
  g_assert_cmpuint (test_server_get_connections (server), ==, 2);
}

static void
test_tls_other_host (void)
{
  static const char *const answers[] = { TAGS, NULL };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_TLS_OTHER_HOST, answer_as_planned, &plan);
  g_autofree char *url = g_strdup_printf ("https://127.0.0.2:%u", test_server_get_port (server));
  g_autoptr (IstOperatorCredentials) credentials = ist_operator_credentials_new_for_keys ("AKID", "secret", NULL);
  g_autoptr (IstOperatorControlPlane) strict = test_control_plane_new (url, test_server_get_ca_file (server), 0, 30);
  g_autoptr (IstOperatorControlPlane) careless = NULL;
  g_autoptr (GHashTable) tags = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (list_tags (strict, "arn:1", &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (UNREACHABLE));
  g_assert_nonnull (strstr (error->message, "its certificate is for another host"));
  g_clear_error (&error);

  careless = g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, &error, "credentials", credentials, "endpoint-url",
                             url, "verify-certificate", FALSE, NULL);
  g_assert_no_error (error);
  tags = list_tags (careless, "arn:1", &error);
  g_assert_no_error (error);
  expect_requests (server, 1, "ListTagsForResource");
}

static void
test_proxy (void)
{
  static const char *const answers[] = { TAGS, NULL };
  Plan plan = { answers };
  g_autoptr (TestServer) server = test_server_new (TEST_SERVER_PLAIN, answer_as_planned, &plan);
  g_autofree char *proxy = get_url (server);
  g_autoptr (GProxyResolver) resolver = g_simple_proxy_resolver_new (proxy, NULL);
  g_autoptr (IstOperatorCredentials) credentials = ist_operator_credentials_new_for_keys ("AKID", "secret", NULL);
  g_autoptr (IstOperatorControlPlane) plane = NULL;
  g_autoptr (GHashTable) tags = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *request = NULL;

  plane = g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, &error, "credentials", credentials, "endpoint-url",
                          "http://127.0.0.1:1", "proxy-resolver", resolver, NULL);
  g_assert_no_error (error);
  tags = list_tags (plane, "arn:1", &error);
  g_assert_no_error (error);
  request = take_request (server, "ListTagsForResource");
  g_assert_true (g_str_has_prefix (request, "POST http://127.0.0.1:1/ HTTP/1.1\r\n"));
}

static void
test_nobody_there (void)
{
  g_autoptr (IstOperatorControlPlane) plane = test_control_plane_new ("http://127.0.0.1:1", NULL, 2, 30);
  g_autoptr (GError) error = NULL;

  g_assert_null (open_tunnel (plane, "pump-7", NULL, &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, CODE (UNREACHABLE));
  g_assert_null (strstr (error->message, "not asked again"));
}

/* What can't be used */

static void
test_invalid (void)
{
  static const struct
  {
    const char *region;
    const char *url;
    const char *property;
    const char *value;
    int code;
    const char *text;
  } wrong[] = {
    { NULL, NULL, NULL, NULL, CODE (NO_REGION), "AWS_REGION" },
    { "", NULL, NULL, NULL, CODE (INVALID_SETTING), "region is the name of a region" },
    { "us east", NULL, NULL, NULL, CODE (INVALID_SETTING), "such as us-east-1, not “us east”" },
    { NULL, "localhost:8443", NULL, NULL, CODE (INVALID_SETTING), "endpoint-url is like https://HOST:PORT" },
    { NULL, "ftp://localhost", NULL, NULL, CODE (INVALID_SETTING), "endpoint-url is like" },
    { NULL, "https://", NULL, NULL, CODE (INVALID_SETTING), "endpoint-url is like" },
    { NULL, "https://localhost:0", NULL, NULL, CODE (INVALID_SETTING), "endpoint-url is like" },
    { NULL, "http://example.com", NULL, NULL, CODE (INVALID_SETTING), "for this machine only" },
    { NULL, "https://user:password@localhost", NULL, NULL, CODE (INVALID_SETTING), "takes no user" },
    { NULL, "https://localhost/?a=b", NULL, NULL, CODE (INVALID_SETTING), "takes no user" },
    { "us-east-1", NULL, "ca-file", "/nowhere/ca.pem", CODE (INVALID_SETTING), "“/nowhere/ca.pem”" },
    { "us-east-1", NULL, "ca-file", "/dev/zero", CODE (INVALID_SETTING), "“/dev/zero”" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (IstOperatorControlPlane) plane = NULL;
      g_autoptr (GError) error = NULL;

      plane = g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, &error, "region", wrong[i].region,
                              "endpoint-url", wrong[i].url, wrong[i].property, wrong[i].value, NULL);
      g_assert_null (plane);
      g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, wrong[i].code);
      if (strstr (error->message, wrong[i].text) == NULL || strstr (error->message, "password") != NULL)
        g_error ("%s", error->message);
    }
}

static void
test_places (void)
{
  static const struct
  {
    const char *region;
    const char *url;
    IstOperatorChoice fips;
    const char *expected_region;
    const char *expected_url;
    const char *expected_tunnel;
  } places[] = {
    { "eu-central-1", NULL, 0, "eu-central-1", "https://api.tunneling.iot.eu-central-1.amazonaws.com/",
      "data.tunneling.iot.eu-central-1.amazonaws.com" },
    { "eusc-de-east-1", NULL, 0, "eusc-de-east-1", "https://api.tunneling.iot.eusc-de-east-1.amazonaws.eu/",
      "data.tunneling.iot.eusc-de-east-1.amazonaws.eu" },
    { "us-west-2", NULL, IST_OPERATOR_CHOICE_YES, "us-west-2",
      "https://api.tunneling.iot-fips.us-west-2.amazonaws.com/", "data.tunneling.iot.us-west-2.amazonaws.com" },
    { NULL, "https://localhost:8443", 0, "us-east-1", "https://localhost:8443", "wss://localhost:8443" },
    { NULL, "http://[::1]:8080/base", 0, "us-east-1", "http://[::1]:8080/base", "ws://[::1]:8080" },
    { "eu-west-1", "https://example.com", 0, "eu-west-1", "https://example.com", "wss://example.com" },
    { NULL, "https://api.tunneling.iot.eu-west-1.amazonaws.com", 0, "eu-west-1",
      "https://api.tunneling.iot.eu-west-1.amazonaws.com", "data.tunneling.iot.eu-west-1.amazonaws.com" },
    { NULL, "https://api.iot-tunneling.cn-north-1.api.amazonwebservices.com.cn", 0, "cn-north-1",
      "https://api.iot-tunneling.cn-north-1.api.amazonwebservices.com.cn",
      "data.tunneling.iot.cn-north-1.amazonaws.com.cn" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (IstOperatorControlPlane) plane =
        g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, &error, "region", places[i].region, "endpoint-url",
                        places[i].url, "use-fips", places[i].fips, NULL);
      g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
      g_autoptr (IstSecureTunnel) tunnel = NULL;

      g_assert_no_error (error);
      g_assert_cmpstr (ist_operator_control_plane_get_region (plane), ==, places[i].expected_region);
      g_assert_cmpstr (ist_operator_control_plane_get_endpoint_url (plane), ==, places[i].expected_url);
      g_assert_cmpstr (ist_operator_control_plane_get_tunnel_endpoint (plane), ==, places[i].expected_tunnel);
      ist_secure_tunnel_builder_set_access_token (builder, "token");
      ist_secure_tunnel_builder_set_endpoint (builder, ist_operator_control_plane_get_tunnel_endpoint (plane));
      tunnel = ist_secure_tunnel_builder_build (builder, &error);
      g_assert_no_error (error);
    }
}

int
main (int argc,
      char *argv[])
{
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

#define ADD(name, function) \
  g_test_add ("/operator/control-plane/" name, Emulated, NULL, emulated_set_up, function, emulated_tear_down)
  ADD ("open-and-describe", test_open_and_describe);
  ADD ("list", test_list);
  ADD ("rotate", test_rotate);
  ADD ("tags", test_tags);
  ADD ("refused", test_refused);
#undef ADD
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/operator/control-plane/case/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/operator/control-plane/lost-closing", test_lost_closing);
  g_test_add_func ("/operator/control-plane/opened-in-vain", test_opened_in_vain);
  g_test_add_func ("/operator/control-plane/retry-after", test_retry_after);
  g_test_add_func ("/operator/control-plane/expired-keys", test_expired_keys);
  g_test_add_func ("/operator/control-plane/clock", test_clock);
  g_test_add_func ("/operator/control-plane/cancel/before", test_cancel_before);
  g_test_add_func ("/operator/control-plane/cancel/pause", test_cancel_pause);
  g_test_add_data_func ("/operator/control-plane/cancel/opening", NULL, test_cancel_opening);
  g_test_add_data_func ("/operator/control-plane/cancel/opening-and-gone", "gone", test_cancel_opening);
  g_test_add_func ("/operator/control-plane/cancel/opening-refused", test_cancel_opening_refused);
  g_test_add_func ("/operator/control-plane/cancel/asking", test_cancel_asking);
  g_test_add_func ("/operator/control-plane/list-in-a-circle", test_list_in_a_circle);
  g_test_add_func ("/operator/control-plane/tls", test_tls);
  g_test_add_func ("/operator/control-plane/tls-other-host", test_tls_other_host);
  g_test_add_func ("/operator/control-plane/proxy", test_proxy);
  g_test_add_func ("/operator/control-plane/nobody-there", test_nobody_there);
  g_test_add_func ("/operator/control-plane/invalid", test_invalid);
  g_test_add_func ("/operator/control-plane/places", test_places);
  return g_test_run ();
}
