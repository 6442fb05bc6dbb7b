/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "client.h"
#include "ist-emulator/ist-emulator-registry-private.h"

#define CLIENT_TOKEN "12345678-abcd-1234-abcd-123456789012"

#define SIGNATURE                                                                          \
  "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/IoTSecuredTunneling/aws4_request, " \
  "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "                              \
  "Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CONTENT_TYPE "application/x-amz-json-1.1"
#define TARGET "IoTSecuredTunneling."

#define LIMIT_EXCEEDED "LimitExceededException"
#define NOT_FOUND "ResourceNotFoundException"
#define SERIALIZATION "SerializationException"
#define VALIDATION "ValidationException"

typedef struct
{
  IstEmulatorService *service;
  SoupSession *session;
  GPtrArray *opened;        /* of IstEmulatorTunnel */
  GPtrArray *notifications; /* of char: thing name and payload */
} Fixture;

static const char *
get (JsonObject *object,
     const char *member)
{
  return json_object_get_string_member (object, member);
}

static void
on_opened (IstEmulatorService *service,
           IstEmulatorTunnel *tunnel,
           gpointer user_data)
{
  g_ptr_array_add (user_data, g_object_ref (tunnel));
}

static void
on_notification (IstEmulatorService *service,
                 const char *thing_name,
                 GBytes *payload,
                 gpointer user_data)
{
  gsize size;
  const char *text = g_bytes_get_data (payload, &size);

  g_ptr_array_add (user_data, g_strdup_printf ("%s %.*s", thing_name, (int) size, text));
}

static void
fixture_start (Fixture *self,
               const char *state_dir,
               guint bandwidth)
{
  g_autoptr (GError) error = NULL;

  self->service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE, "state-dir", state_dir,
                                "bandwidth", bandwidth, NULL);
  self->opened = g_ptr_array_new_with_free_func (g_object_unref);
  self->notifications = g_ptr_array_new_with_free_func (g_free);
  g_signal_connect (self->service, "tunnel-opened", G_CALLBACK (on_opened), self->opened);
  g_signal_connect (self->service, "notification", G_CALLBACK (on_notification), self->notifications);
  ist_emulator_service_start (self->service, &error);
  g_assert_no_error (error);
  self->session = soup_session_new ();
}

static void
fixture_stop (Fixture *self)
{
  soup_session_abort (self->session);
  g_clear_object (&self->session);
  g_clear_pointer (&self->opened, g_ptr_array_unref);
  g_clear_pointer (&self->notifications, g_ptr_array_unref);
  ist_emulator_service_stop (self->service);
  g_assert_finalize_object (g_steal_pointer (&self->service));
  test_settle ();
}

static void
set_up (Fixture *self,
        gconstpointer user_data)
{
  fixture_start (self, NULL, 0);
}

static void
tear_down (Fixture *self,
           gconstpointer user_data)
{
  fixture_stop (self);
}

static SoupMessage *
make_message (Fixture *self,
              const char *operation)
{
  guint port = ist_emulator_service_get_port (self->service);
  g_autofree char *uri = g_strdup_printf ("http://localhost:%u/", port);
  g_autofree char *target = g_strconcat (TARGET, operation, NULL);
  SoupMessage *message = soup_message_new ("POST", uri);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);

  soup_message_headers_replace (headers, "Authorization", SIGNATURE);
  soup_message_headers_replace (headers, "X-Amz-Date", "20260101T000000Z");
  soup_message_headers_replace (headers, "X-Amz-Target", target);
  return message;
}

static JsonObject *
send_message (Fixture *self,
              SoupMessage *message)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  gsize size;
  const char *data;

  soup_session_send_and_read_async (self->session, message, G_PRIORITY_DEFAULT, NULL, test_store_result, &result);
  test_wait (result != NULL);
  bytes = soup_session_send_and_read_finish (self->session, result, &error);
  g_assert_no_error (error);
  data = g_bytes_get_data (bytes, &size);
  json_parser_load_from_data (parser, data, size, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (soup_message_headers_get_one (soup_message_get_response_headers (message), "Content-Type"),
                   ==, CONTENT_TYPE);
  g_assert_nonnull (soup_message_headers_get_one (soup_message_get_response_headers (message),
                                                  "x-amzn-RequestId"));
  return json_object_ref (json_node_get_object (json_parser_get_root (parser)));
}

static JsonObject *
call_bytes (Fixture *self,
            const char *operation,
            GBytes *body,
            guint *status)
{
  g_autoptr (SoupMessage) message = make_message (self, operation);
  JsonObject *answer;

  soup_message_set_request_body_from_bytes (message, CONTENT_TYPE, body);
  answer = send_message (self, message);
  *status = soup_message_get_status (message);
  return answer;
}

/* @body: JSON with ' for ", since the latter has to be escaped in C. */
static GBytes *
make_body (const char *body)
{
  char *text = g_strdelimit (g_strdup (body), "'", '"');

  return g_bytes_new_take (text, strlen (text));
}

G_GNUC_PRINTF (3, 4)
static JsonObject *
call (Fixture *self,
      const char *operation,
      const char *format,
      ...)
{
  g_autofree char *text = NULL;
  g_autoptr (GBytes) body = NULL;
  JsonObject *answer;
  guint status;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  body = make_body (text);
  answer = call_bytes (self, operation, body, &status);
  if (status != 200)
    g_test_message ("%s: %s", json_object_get_string_member_with_default (answer, "__type", ""),
                    json_object_get_string_member_with_default (answer, "message", ""));
  g_assert_cmpuint (status, ==, 200);
  return answer;
}

static void
assert_error (JsonObject *answer,
              guint status,
              const char *type,
              const char *fragment)
{
  const char *message = get (answer, "message");

  g_assert_cmpstr (get (answer, "__type"), ==, type);
  if (strstr (message, fragment) == NULL)
    g_error ("“%s” is not in “%s”", fragment, message);
  g_assert_cmpuint (status, ==, 400);
}

G_GNUC_PRINTF (5, 6)
static void
call_fails (Fixture *self,
            const char *operation,
            const char *type,
            const char *fragment,
            const char *format,
            ...)
{
  g_autofree char *text = NULL;
  g_autoptr (GBytes) body = NULL;
  g_autoptr (JsonObject) answer = NULL;
  guint status;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  body = make_body (text);
  answer = call_bytes (self, operation, body, &status);
  assert_error (answer, status, type, fragment);
}

static JsonObject *
describe (Fixture *self,
          const char *tunnel_id)
{
  g_autoptr (JsonObject) answer = call (self, "DescribeTunnel", "{'tunnelId': '%s'}", tunnel_id);

  return json_object_ref (json_object_get_object_member (answer, "tunnel"));
}

static IstEmulatorTunnel *
last_opened (Fixture *self)
{
  return g_ptr_array_index (self->opened, self->opened->len - 1);
}

/* Tries a handshake and returns its status and, of a refusal, the reason. */
static char *
knock (Fixture *self,
       IstMode mode,
       const char *token,
       const char *client_token)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) stream = client_connect (self->service, NULL, "localhost", &error);
  g_autofree char *request = NULL;
  g_autofree char *answer = NULL;
  const char *reason;

  g_assert_no_error (error);
  request = g_strdup_printf ("GET /tunnel?local-proxy-mode=%s HTTP/1.1\r\nHost: localhost\r\n"
                             "Upgrade: websocket\r\nConnection: upgrade\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Protocol: aws.iot.securetunneling-3.0\r\n"
                             "access-token: %s\r\n%s%s%s\r\n",
                             mode == IST_MODE_SOURCE ? "source" : "destination", token,
                             client_token != NULL ? "client-token: " : "",
                             client_token != NULL ? client_token : "", client_token != NULL ? "\r\n" : "");
  answer = client_exchange (stream, request);
  if (g_str_has_prefix (answer, "HTTP/1.1 101 "))
    return g_strdup ("101");
  reason = strstr (answer, "X-Status-Reason: ");
  g_assert_nonnull (reason);
  reason += strlen ("X-Status-Reason: ");
  return g_strndup (reason, strcspn (reason, "\r"));
}

static void
assert_knock (Fixture *self,
              IstMode mode,
              const char *token,
              const char *client_token,
              const char *expected)
{
  g_autofree char *outcome = knock (self, mode, token, client_token);

  g_assert_cmpstr (outcome, ==, expected);
}

static void
test_life (Fixture *fixture,
           gconstpointer user_data)
{
  g_autoptr (JsonObject) opened = NULL;
  g_autoptr (JsonObject) tunnel = NULL;
  g_autoptr (JsonObject) closed = NULL;
  g_autoptr (JsonObject) after = NULL;
  g_autoptr (JsonObject) again = NULL;
  JsonObject *config;
  JsonArray *tags;
  const char *id;
  double created;

  opened = call (fixture, "OpenTunnel",
                 "{'description': 'a “tunnel”', 'unknown': [1],"
                 " 'timeoutConfig': {'maxLifetimeTimeoutMinutes': 5},"
                 " 'tags': [{'key': 'b', 'value': ''}, {'key': 'a', 'value': '1'}],"
                 " 'destinationConfig': {'thingName': 'thing:1', 'services': ['SSH', 'a:b']}}");
  id = get (opened, "tunnelId");
  g_assert_cmpuint (json_object_get_size (opened), ==, 4);
  g_assert_true (g_str_has_suffix (get (opened, "tunnelArn"), id));

  tunnel = describe (fixture, id);
  g_assert_cmpstr (get (tunnel, "status"), ==, "OPEN");
  g_assert_cmpstr (get (tunnel, "description"), ==, "a “tunnel”");
  config = json_object_get_object_member (tunnel, "destinationConfig");
  g_assert_cmpstr (get (config, "thingName"), ==, "thing:1");
  g_assert_cmpstr (json_array_get_string_element (json_object_get_array_member (config, "services"), 1), ==,
                   "a:b");
  config = json_object_get_object_member (tunnel, "timeoutConfig");
  g_assert_cmpint (json_object_get_int_member (config, "maxLifetimeTimeoutMinutes"), ==, 5);
  tags = json_object_get_array_member (tunnel, "tags");
  g_assert_cmpuint (json_array_get_length (tags), ==, 2);
  g_assert_cmpstr (get (json_array_get_object_element (tags, 0), "key"), ==, "b");
  created = json_object_get_double_member (tunnel, "createdAt");
  g_assert_cmpfloat (created, <=, g_get_real_time () / 1e6);
  g_assert_cmpfloat (created, >, g_get_real_time () / 1e6 - 600);

  closed = call (fixture, "CloseTunnel", "{'tunnelId': '%s'}", id);
  g_assert_cmpuint (json_object_get_size (closed), ==, 0);
  after = describe (fixture, id);
  g_assert_cmpstr (get (after, "status"), ==, "CLOSED");
  g_assert_cmpfloat (json_object_get_double_member (after, "lastUpdatedAt"), >=, created);
  assert_knock (fixture, IST_MODE_SOURCE, get (opened, "sourceAccessToken"), NULL,
                "Tunnel is closed");
  call_fails (fixture, "RotateTunnelAccessToken", VALIDATION, "Tunnel is closed",
              "{'tunnelId': '%s', 'clientMode': 'ALL'}", id);

  /* Closing it again is no fault, and with "delete" it is gone. */
  again = call (fixture, "CloseTunnel", "{'tunnelId': '%s', 'delete': true}", id);
  call_fails (fixture, "DescribeTunnel", NOT_FOUND, "There is no tunnel",
              "{'tunnelId': '%s'}", id);
  call_fails (fixture, "CloseTunnel", NOT_FOUND, "There is no tunnel",
              "{'tunnelId': '%s'}", id);
  assert_knock (fixture, IST_MODE_SOURCE, get (opened, "sourceAccessToken"), NULL,
                "Invalid access token");
}

static void
test_defaults (Fixture *fixture,
               gconstpointer user_data)
{
  g_autoptr (JsonObject) opened = call (fixture, "OpenTunnel", "{'description': null}");
  g_autoptr (JsonObject) tunnel = describe (fixture, get (opened, "tunnelId"));

  g_assert_false (json_object_has_member (tunnel, "description"));
  g_assert_false (json_object_has_member (tunnel, "destinationConfig"));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (tunnel, "tags")), ==, 0);
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (tunnel, "timeoutConfig"),
                                               "maxLifetimeTimeoutMinutes"),
                   ==, 720);
  g_assert_cmpuint (fixture->notifications->len, ==, 0);
}

typedef struct
{
  const char *name;
  const char *operation;
  const char *body;
  const char *type;
  const char *fragment;
} BadRequest;

#define NESTED_8 "[[[[[[[["
#define TAG "{'key': 'k', 'value': 'v'}"
#define ARN "arn:aws:iot:us-east-1:000000000000:tunnel/x"

static const BadRequest bad_requests[] = {
  { "empty", "ListTunnels", "", SERIALIZATION, "not a JSON object" },
  { "not-json", "ListTunnels", "{", SERIALIZATION, "not a JSON object" },
  { "array", "ListTunnels", "[]", SERIALIZATION, "not a JSON object" },
  { "nested", "ListTunnels", "{'x': " NESTED_8 NESTED_8, SERIALIZATION, "nested too deeply" },
  { "nested-behind-comment", "ListTunnels", "/*'*/" NESTED_8 NESTED_8 NESTED_8, SERIALIZATION, "not JSON" },
  { "nul", "OpenTunnel", "{'description': 'a\\u0000b'}", SERIALIZATION, "NUL" },
  { "utf-8", "OpenTunnel", "{'description': '\xff'}", SERIALIZATION, "UTF-8" },
  { "text-for-number", "ListTunnels", "{'maxResults': '1'}", SERIALIZATION,
    "'maxResults' can not be converted to an Integer" },
  { "fraction", "ListTunnels", "{'maxResults': 1.5}", SERIALIZATION, "converted to an Integer" },
  { "number-for-text", "DescribeTunnel", "{'tunnelId': 1}", SERIALIZATION, "converted to a String" },
  { "text-for-flag", "CloseTunnel", "{'tunnelId': 'x', 'delete': 'yes'}", SERIALIZATION,
    "converted to a Boolean" },
  { "text-for-list", "OpenTunnel", "{'tags': 'x'}", SERIALIZATION, "converted to a List" },
  { "text-for-structure", "OpenTunnel", "{'tags': ['x']}", SERIALIZATION,
    "'tags.1.member' can not be converted to a Structure" },

  { "no-id", "DescribeTunnel", "{}", VALIDATION,
    "1 validation error detected: Value null at 'tunnelId' failed to satisfy constraint: "
    "Member must not be null" },
  { "null-id", "CloseTunnel", "{'tunnelId': null}", VALIDATION, "must not be null" },
  { "id-pattern", "DescribeTunnel", "{'tunnelId': 'a/b'}", VALIDATION,
    "Value 'a/b' at 'tunnelId' failed to satisfy constraint: "
    "Member must satisfy regular expression pattern" },
  { "id-newline", "DescribeTunnel", "{'tunnelId': 'a\\n'}", VALIDATION, "regular expression" },
  { "two-faults", "RotateTunnelAccessToken", "{'clientMode': 'BOTH'}", VALIDATION,
    "2 validation errors detected" },
  { "enum", "RotateTunnelAccessToken", "{'tunnelId': 'x', 'clientMode': 'source'}", VALIDATION,
    "enum value set: [SOURCE, DESTINATION, ALL]" },
  { "lifetime-0", "OpenTunnel", "{'timeoutConfig': {'maxLifetimeTimeoutMinutes': 0}}", VALIDATION,
    "Value '0' at 'timeoutConfig.maxLifetimeTimeoutMinutes' failed to satisfy constraint: Member must have "
    "value greater than or equal to 1" },
  { "lifetime-721", "OpenTunnel", "{'timeoutConfig': {'maxLifetimeTimeoutMinutes': 721}}", VALIDATION,
    "less than or equal to 720" },
  { "no-services", "OpenTunnel", "{'destinationConfig': {'thingName': 'x'}}", VALIDATION,
    "Value null at 'destinationConfig.services'" },
  { "zero-services", "OpenTunnel", "{'destinationConfig': {'services': []}}", VALIDATION,
    "length greater than or equal to 1" },
  { "service-name", "OpenTunnel", "{'destinationConfig': {'services': ['SSH', 'a b']}}", VALIDATION,
    "Value 'a b' at 'destinationConfig.services.2.member'" },
  { "service-twice", "OpenTunnel", "{'destinationConfig': {'services': ['SSH', 'SSH']}}", VALIDATION,
    "twice" },
  { "thing-name", "OpenTunnel",
    "{'destinationConfig': {'thingName': 'a/b', 'services': ['SSH']}}", VALIDATION,
    "'destinationConfig.thingName'" },
  { "description-empty", "OpenTunnel", "{'description': ''}", VALIDATION, "'description'" },
  { "description-control", "OpenTunnel", "{'description': 'a\\u0007'}", VALIDATION, "'description'" },
  { "tags-empty", "OpenTunnel", "{'tags': []}", VALIDATION, "greater than or equal to 1" },
  { "tag-key-empty", "OpenTunnel", "{'tags': [{'key': '', 'value': 'v'}]}", VALIDATION,
    "'tags.1.member.key'" },
  { "tag-key-pattern", "OpenTunnel", "{'tags': [{'key': 'a!', 'value': 'v'}]}", VALIDATION, "regular" },
  { "tag-value", "OpenTunnel", "{'tags': [{'key': 'a'}]}", VALIDATION, "'tags.1.member.value'" },
  { "tag-twice", "OpenTunnel", "{'tags': [" TAG ", " TAG "]}", VALIDATION, "'k' is there twice" },
  { "tag-reserved", "OpenTunnel", "{'tags': [{'key': 'AWS:x', 'value': ''}]}", VALIDATION, "reserved" },
  { "max-results-0", "ListTunnels", "{'maxResults': 0}", VALIDATION, "greater than or equal to 1" },
  { "max-results-101", "ListTunnels", "{'maxResults': 101}", VALIDATION, "less than or equal to 100" },
  { "max-results-huge", "ListTunnels", "{'maxResults': 99999999999999999999}", VALIDATION, "'maxResults'" },
  { "next-token-pattern", "ListTunnels", "{'nextToken': '!'}", VALIDATION, "regular" },
  { "next-token", "ListTunnels", "{'nextToken': '1x-0123456789abcdef'}", VALIDATION, "nextToken" },
  { "arn", "ListTagsForResource", "{'resourceArn': 'x'}", VALIDATION, "resourceArn" },
  { "no-such-arn", "ListTagsForResource", "{'resourceArn': '" ARN "'}", NOT_FOUND, "resource" },
  { "no-tags", "TagResource", "{'resourceArn': '" ARN "'}", VALIDATION, "Value null at 'tags'" },
  { "tag-no-such-arn", "TagResource", "{'resourceArn': '" ARN "', 'tags': [" TAG "]}",
    NOT_FOUND, "resource" },
  { "no-tag-keys", "UntagResource", "{'resourceArn': '" ARN "'}", VALIDATION, "Value null at 'tagKeys'" },
  { "untag-no-such-arn", "UntagResource", "{'resourceArn': '" ARN "', 'tagKeys': ['k']}",
    NOT_FOUND, "resource" },
  { "no-such-tunnel", "DescribeTunnel", "{'tunnelId': 'x'}", NOT_FOUND, "no tunnel" },
  { "rotate-no-such-tunnel", "RotateTunnelAccessToken", "{'tunnelId': 'x', 'clientMode': 'ALL'}",
    NOT_FOUND, "no tunnel" },
  { "operation", "Nonsense", "{}", "UnknownOperationException", "X-Amz-Target" },
};

static void
test_bad_request (gconstpointer user_data)
{
  const BadRequest *request = user_data;
  Fixture fixture = { 0 };

  set_up (&fixture, NULL);
  call_fails (&fixture, request->operation, request->type, request->fragment, "%s", request->body);
  g_assert_cmpuint (fixture.opened->len, ==, 0);
  tear_down (&fixture, NULL);
}

/* The longest and most that is let pass, and one more of each. */
static void
test_limits (Fixture *fixture,
             gconstpointer user_data)
{
  g_autofree char *name = g_strnfill (128, 'n');
  g_autofree char *description = g_strnfill (2048, 'd');
  g_autofree char *value = g_strnfill (256, 'v');
  g_autoptr (JsonObject) longest = NULL;
  g_autoptr (JsonObject) most = NULL;
  g_autoptr (GString) tags = g_string_new (NULL);
  g_autoptr (GString) long_list = NULL;

  longest = call (fixture, "OpenTunnel",
                  "{'description': '%s', 'tags': [{'key': '%s', 'value': '%s'}],"
                  " 'destinationConfig': {'thingName': '%s', 'services': ['%s']}}",
                  description, name, value, name, name);
  call_fails (fixture, "OpenTunnel", VALIDATION, "'description'", "{'description': '%sd'}", description);
  call_fails (fixture, "OpenTunnel", VALIDATION, "less than or equal to 128",
              "{'tags': [{'key': '%sn', 'value': ''}]}", name);
  call_fails (fixture, "OpenTunnel", VALIDATION, "less than or equal to 256",
              "{'tags': [{'key': 'k', 'value': '%sv'}]}", value);
  call_fails (fixture, "OpenTunnel", VALIDATION, "less than or equal to 128",
              "{'destinationConfig': {'services': ['%sn']}}", name);
  call_fails (fixture, "OpenTunnel", VALIDATION, "less than or equal to 128",
              "{'destinationConfig': {'thingName': '%sn', 'services': ['s']}}", name);

  /* Lengths are of characters, not of bytes. */
  g_clear_pointer (&longest, json_object_unref);
  g_free (g_steal_pointer (&value));
  value = g_strnfill (3 * 128, 'x');
  for (gsize i = 0; i < 128; i++)
    memcpy (value + 3 * i, "漢", 3);
  longest = call (fixture, "OpenTunnel", "{'tags': [{'key': '%s', 'value': ''}]}", value);

  for (int i = 0; i < 50; i++)
    g_string_append_printf (tags, "%s{'key': '%d', 'value': ''}", i > 0 ? "," : "", i);
  most = call (fixture, "OpenTunnel", "{'tags': [%s]}", tags->str);
  call_fails (fixture, "OpenTunnel", LIMIT_EXCEEDED, "at most 50 tags",
              "{'tags': [%s, {'key': '50', 'value': ''}]}", tags->str);
  call_fails (fixture, "TagResource", LIMIT_EXCEEDED, "at most 50 tags",
              "{'resourceArn': '%s', 'tags': [{'key': '50', 'value': ''}]}",
              get (most, "tunnelArn"));

  long_list = g_string_new (tags->str);
  for (int i = 50; i < 201; i++)
    g_string_append_printf (long_list, ",{'key': '%d', 'value': ''}", i);
  call_fails (fixture, "OpenTunnel", VALIDATION, "length less than or equal to 200", "{'tags': [%s]}",
              long_list->str);
}

static void
test_too_long (Fixture *fixture,
               gconstpointer user_data)
{
  g_autofree char *blanks = g_strnfill (1024 * 1024 - 2, ' ');
  g_autoptr (JsonObject) longest = NULL;

  longest = call (fixture, "ListTunnels", "%s{}", blanks);
  g_assert_nonnull (longest);
  call_fails (fixture, "ListTunnels", SERIALIZATION, "longer than 1048576 bytes", "%s {}", blanks);
}

static void
test_headers (Fixture *fixture,
              gconstpointer user_data)
{
  const struct
  {
    const char *name;
    const char *value; /* NULL to leave it out */
    const char *type;
  } cases[] = {
    { "X-Amz-Target", NULL, "UnknownOperationException" },
    { "X-Amz-Target", "ListTunnels", "UnknownOperationException" },
    { "X-Amz-Target", "Other.ListTunnels", "UnknownOperationException" },
    { "Content-Type", "application/json", "UnknownOperationException" },
    { "Authorization", NULL, "MissingAuthenticationTokenException" },
    { "Authorization", "Basic eDp5", "IncompleteSignatureException" },
    { "Authorization",
      "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/iot/aws4_request, SignedHeaders=host, "
      "Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      "IncompleteSignatureException" },
    { "X-Amz-Date", NULL, "IncompleteSignatureException" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SoupMessage) message = make_message (fixture, "ListTunnels");
      g_autoptr (GBytes) body = g_bytes_new_static ("{}", 2);
      g_autoptr (JsonObject) answer = NULL;

      soup_message_set_request_body_from_bytes (message, CONTENT_TYPE, body);
      if (cases[i].value != NULL)
        soup_message_headers_replace (soup_message_get_request_headers (message), cases[i].name,
                                      cases[i].value);
      else
        soup_message_headers_remove (soup_message_get_request_headers (message), cases[i].name);
      answer = send_message (fixture, message);
      assert_error (answer, soup_message_get_status (message), cases[i].type, "");
    }
}

static void
test_list (Fixture *fixture,
           gconstpointer user_data)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (JsonObject) first = NULL;
  g_autoptr (JsonObject) rest = NULL;
  g_autofree char *token = NULL;
  JsonArray *summaries;

  for (int i = 0; i < 7; i++)
    {
      g_autoptr (JsonObject) opened = call (fixture, "OpenTunnel",
                                            "{'destinationConfig': {'thingName': '%s', 'services': ['SSH']}}",
                                            i % 2 == 0 ? "even" : "odd");

      g_ptr_array_add (ids, g_strdup (get (opened, "tunnelId")));
    }

  /* The newest first; neither what comes nor what goes in between moves a page. */
  first = call (fixture, "ListTunnels", "{'thingName': 'even', 'maxResults': 2}");
  summaries = json_object_get_array_member (first, "tunnelSummaries");
  g_assert_cmpuint (json_array_get_length (summaries), ==, 2);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpstr (get (json_array_get_object_element (summaries, i), "tunnelId"),
                     ==, ids->pdata[6 - 2 * i]);
  token = g_strdup (get (first, "nextToken"));
  json_object_unref (call (fixture, "OpenTunnel",
                           "{'destinationConfig': {'thingName': 'even', 'services': ['SSH']}}"));
  json_object_unref (call (fixture, "CloseTunnel", "{'tunnelId': '%s', 'delete': true}",
                           (char *) ids->pdata[4]));

  rest = call (fixture, "ListTunnels", "{'thingName': 'even', 'maxResults': 2, 'nextToken': '%s'}", token);
  summaries = json_object_get_array_member (rest, "tunnelSummaries");
  g_assert_cmpuint (json_array_get_length (summaries), ==, 2);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpstr (get (json_array_get_object_element (summaries, i), "tunnelId"),
                     ==, ids->pdata[2 - 2 * i]);
  g_assert_false (json_object_has_member (rest, "nextToken"));

  /* It belongs to its list, and is not made by hand. */
  call_fails (fixture, "ListTunnels", VALIDATION, "nextToken", "{'nextToken': '%s'}", token);
  call_fails (fixture, "ListTunnels", VALIDATION, "nextToken", "{'thingName': 'even', 'nextToken': '%s0'}",
              token);

  /* Without a number, a hundred at once. */
  for (int i = 0; i < 100; i++)
    g_object_unref (ist_emulator_service_open_tunnel (fixture->service, NULL, NULL, 0, NULL));
  g_clear_pointer (&first, json_object_unref);
  first = call (fixture, "ListTunnels", "{}");
  summaries = json_object_get_array_member (first, "tunnelSummaries");
  g_assert_cmpuint (json_array_get_length (summaries), ==, 100);
  g_clear_pointer (&rest, json_object_unref);
  rest = call (fixture, "ListTunnels", "{'nextToken': '%s'}", get (first, "nextToken"));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (rest, "tunnelSummaries")), ==, 7);
  g_assert_false (json_object_has_member (rest, "nextToken"));
}

static void
test_tags (Fixture *fixture,
           gconstpointer user_data)
{
  g_autoptr (JsonObject) opened = call (fixture, "OpenTunnel", "{'tags': [{'key': 'a', 'value': '1'}]}");
  const char *arn = get (opened, "tunnelArn");
  g_autoptr (JsonObject) listed = NULL;
  JsonArray *tags;

  json_object_unref (call (fixture, "TagResource",
                           "{'resourceArn': '%s',"
                           " 'tags': [{'key': 'b', 'value': '2'}, {'key': 'a', 'value': '3'}]}",
                           arn));
  json_object_unref (call (fixture, "UntagResource", "{'resourceArn': '%s', 'tagKeys': ['b', 'none']}", arn));
  listed = call (fixture, "ListTagsForResource", "{'resourceArn': '%s'}", arn);
  tags = json_object_get_array_member (listed, "tags");
  g_assert_cmpuint (json_array_get_length (tags), ==, 1);
  g_assert_cmpstr (get (json_array_get_object_element (tags, 0), "key"), ==, "a");
  g_assert_cmpstr (get (json_array_get_object_element (tags, 0), "value"), ==, "3");
}

static void
assert_connection (Fixture *fixture,
                   const char *id,
                   const char *member,
                   const char *status,
                   double *updated)
{
  g_autoptr (JsonObject) tunnel = describe (fixture, id);
  JsonObject *state = json_object_get_object_member (tunnel, member);

  g_assert_cmpstr (get (state, "status"), ==, status);
  *updated = json_object_get_double_member (state, "lastUpdatedAt");
}

static void
test_connection_states (Fixture *fixture,
                        gconstpointer user_data)
{
  g_autoptr (JsonObject) opened = call (fixture, "OpenTunnel", "{}");
  const char *id = get (opened, "tunnelId");
  g_autoptr (Client) source = NULL;
  double at[3];
  double other;

  assert_connection (fixture, id, "sourceConnectionState", "DISCONNECTED", &at[0]);
  test_run_for (5);
  source = client_new (fixture->service, last_opened (fixture), IST_MODE_SOURCE, NULL);
  assert_connection (fixture, id, "sourceConnectionState", "CONNECTED", &at[1]);
  assert_connection (fixture, id, "destinationConnectionState", "DISCONNECTED", &other);
  g_assert_cmpfloat (at[1], >, at[0]);
  g_assert_cmpfloat (other, ==, at[0]);

  test_run_for (5);
  g_clear_pointer (&source, client_free);
  test_wait (!ist_emulator_tunnel_is_connected (last_opened (fixture), IST_MODE_SOURCE));
  assert_connection (fixture, id, "sourceConnectionState", "DISCONNECTED", &at[2]);
  g_assert_cmpfloat (at[2], >, at[1]);
}

static void
test_close (Fixture *fixture,
            gconstpointer user_data)
{
  const char *const forget[] = { "false", "true" };

  for (gsize i = 0; i < G_N_ELEMENTS (forget); i++)
    {
      g_autoptr (JsonObject) opened = call (fixture, "OpenTunnel", "{}");
      g_autoptr (Client) source = client_new (fixture->service, last_opened (fixture), IST_MODE_SOURCE, NULL);
      g_autoptr (Client) destination = client_new (fixture->service, last_opened (fixture),
                                                   IST_MODE_DESTINATION, NULL);

      json_object_unref (call (fixture, "CloseTunnel", "{'tunnelId': '%s', 'delete': %s}",
                               get (opened, "tunnelId"), forget[i]));
      client_expect_services (source, (const char *const[]){ NULL });
      client_expect_closed (source, 1000, "Tunnel is closed");
      client_expect_services (destination, (const char *const[]){ NULL });
      client_expect_closed (destination, 1000, "Tunnel is closed");
    }
}

static void
test_expiry (Fixture *fixture,
             gconstpointer user_data)
{
  g_autoptr (JsonObject) opened = call (fixture, "OpenTunnel", "{}");
  IstEmulatorTunnel *tunnel = last_opened (fixture);
  g_autoptr (Client) source = client_new (fixture->service, tunnel, IST_MODE_SOURCE, CLIENT_TOKEN);
  g_autoptr (Client) destination = client_new (fixture->service, tunnel, IST_MODE_DESTINATION, NULL);
  g_autoptr (JsonObject) described = NULL;

  ist_emulator_tunnel_set_lifetime_ms (tunnel, 1);
  client_expect_services (source, (const char *const[]){ NULL });
  client_expect_closed (source, 1000, "Tunnel is closed");
  client_expect_services (destination, (const char *const[]){ NULL });
  client_expect_closed (destination, 1000, "Tunnel is closed");
  described = describe (fixture, get (opened, "tunnelId"));
  g_assert_cmpstr (get (described, "status"), ==, "CLOSED");
  assert_knock (fixture, IST_MODE_SOURCE, get (opened, "sourceAccessToken"),
                CLIENT_TOKEN, "Tunnel is closed");
}

static void
test_rotate (Fixture *fixture,
             gconstpointer user_data)
{
  g_autoptr (JsonObject) opened = call (fixture, "OpenTunnel", "{}");
  const char *id = get (opened, "tunnelId");
  const char *old = get (opened, "sourceAccessToken");
  IstEmulatorTunnel *tunnel = last_opened (fixture);
  g_autoptr (Client) source = client_new (fixture->service, tunnel, IST_MODE_SOURCE, NULL);
  g_autoptr (Client) destination = client_new (fixture->service, tunnel, IST_MODE_DESTINATION, NULL);
  g_autoptr (JsonObject) rotated = NULL;
  g_autoptr (JsonObject) both = NULL;

  rotated = call (fixture, "RotateTunnelAccessToken", "{'tunnelId': '%s', 'clientMode': 'SOURCE'}", id);
  g_assert_cmpstr (get (rotated, "tunnelArn"), ==,
                   get (opened, "tunnelArn"));
  g_assert_false (json_object_has_member (rotated, "destinationAccessToken"));
  g_assert_cmpstr (get (rotated, "sourceAccessToken"), !=, old);
  client_expect_services (source, (const char *const[]){ NULL });
  client_expect_closed (source, 1000, "Access token was rotated");
  g_assert_true (ist_emulator_tunnel_is_connected (tunnel, IST_MODE_DESTINATION));
  assert_knock (fixture, IST_MODE_SOURCE, old, NULL, "Invalid access token: The access token was rotated.");
  assert_knock (fixture, IST_MODE_SOURCE, get (rotated, "sourceAccessToken"), NULL,
                "101");

  both = call (fixture, "RotateTunnelAccessToken", "{'tunnelId': '%s', 'clientMode': 'ALL'}", id);
  g_assert_cmpstr (get (both, "destinationAccessToken"), !=,
                   get (opened, "destinationAccessToken"));
  client_expect_services (destination, (const char *const[]){ NULL });
  client_expect_closed (destination, 1000, "Access token was rotated");
  g_assert_cmpuint (fixture->notifications->len, ==, 0);

  /* A tunnel remembers the reason for some old tokens, not for all there ever were. */
  for (int i = 0; i < 50; i++)
    json_object_unref (call (fixture, "RotateTunnelAccessToken",
                             "{'tunnelId': '%s', 'clientMode': 'ALL'}", id));
  assert_knock (fixture, IST_MODE_SOURCE, old, NULL, "Invalid access token");
  assert_knock (fixture, IST_MODE_SOURCE, ist_emulator_tunnel_get_source_access_token (tunnel), NULL, "101");
}

static void
test_rotate_destination (Fixture *fixture,
                         gconstpointer user_data)
{
  g_autoptr (JsonObject) opened = call (fixture, "OpenTunnel", "{}");
  const char *id = get (opened, "tunnelId");
  IstEmulatorTunnel *tunnel = last_opened (fixture);
  g_autoptr (Client) source = client_new (fixture->service, tunnel, IST_MODE_SOURCE, CLIENT_TOKEN);
  g_autoptr (JsonObject) rotated = NULL;
  g_autoptr (JsonObject) described = NULL;
  g_autofree char *expected = NULL;
  const char *services[] = { "SSH", "RDP", NULL };

  client_expect_services (source, (const char *const[]){ NULL });
  call_fails (fixture, "RotateTunnelAccessToken", VALIDATION, "destinationConfig",
              "{'tunnelId': '%s', 'clientMode': 'SOURCE', 'destinationConfig': {'services': ['SSH']}}", id);
  call_fails (fixture, "RotateTunnelAccessToken", VALIDATION, "twice",
              "{'tunnelId': '%s', 'clientMode': 'ALL', 'destinationConfig': {'services': ['SSH', 'SSH']}}",
              id);
  g_assert_true (ist_emulator_tunnel_is_connected (tunnel, IST_MODE_SOURCE));

  rotated = call (fixture, "RotateTunnelAccessToken",
                  "{'tunnelId': '%s', 'clientMode': 'DESTINATION',"
                  " 'destinationConfig': {'thingName': 'thing', 'services': ['SSH', 'RDP']}}",
                  id);
  expected = g_strdup_printf ("thing {\"clientAccessToken\":\"%s\",\"clientMode\":\"destination\","
                              "\"region\":\"us-east-1\",\"services\":[\"SSH\",\"RDP\"]}",
                              get (rotated, "destinationAccessToken"));
  g_assert_cmpuint (fixture->notifications->len, ==, 1);
  g_assert_cmpstr (fixture->notifications->pdata[0], ==, expected);

  /* The source must hear of the services: it has to come again. */
  client_expect_closed (source, 1001, "Services have changed");
  g_clear_pointer (&source, client_free);
  source = client_new (fixture->service, tunnel, IST_MODE_SOURCE, CLIENT_TOKEN);
  client_expect_services (source, services);
  described = describe (fixture, id);
  g_assert_cmpstr (get (json_object_get_object_member (described, "destinationConfig"),
                        "thingName"),
                   ==, "thing");
}

static void
test_notification (Fixture *fixture,
                   gconstpointer user_data)
{
  g_autoptr (JsonObject) opened = NULL;
  g_autoptr (JsonObject) rotated = NULL;
  g_autofree char *expected = NULL;
  g_autofree char *again = NULL;

  opened = call (fixture, "OpenTunnel", "{'destinationConfig': {'thingName': 'a:b', 'services': ['SSH']}}");
  expected = g_strdup_printf ("a:b {\"clientAccessToken\":\"%s\",\"clientMode\":\"destination\","
                              "\"region\":\"us-east-1\",\"services\":[\"SSH\"]}",
                              get (opened, "destinationAccessToken"));
  g_assert_cmpuint (fixture->notifications->len, ==, 1);
  g_assert_cmpstr (fixture->notifications->pdata[0], ==, expected);

  json_object_unref (call (fixture, "RotateTunnelAccessToken", "{'tunnelId': '%s', 'clientMode': 'SOURCE'}",
                           get (opened, "tunnelId")));
  g_assert_cmpuint (fixture->notifications->len, ==, 1);
  rotated = call (fixture, "RotateTunnelAccessToken", "{'tunnelId': '%s', 'clientMode': 'ALL'}",
                  get (opened, "tunnelId"));
  again = g_strdup_printf ("a:b {\"clientAccessToken\":\"%s\",\"clientMode\":\"destination\","
                           "\"region\":\"us-east-1\",\"services\":[\"SSH\"]}",
                           get (rotated, "destinationAccessToken"));
  g_assert_cmpuint (fixture->notifications->len, ==, 2);
  g_assert_cmpstr (fixture->notifications->pdata[1], ==, again);
}

static void
on_operation (IstEmulatorService *service,
              const char *name,
              const char *error_type,
              gpointer user_data)
{
  g_string_append_printf (user_data, "%s %s,", name, error_type != NULL ? error_type : "done");
}

static void
fail_operations (Fixture *self,
                 const char *operation,
                 const char *error_type,
                 guint count)
{
  g_autoptr (GError) error = NULL;

  ist_emulator_service_fail_operations (self->service, operation, error_type, count, &error);
  g_assert_no_error (error);
}

static void
assert_fails (Fixture *self,
              const char *operation,
              const char *error_type,
              guint expected)
{
  g_autoptr (GBytes) body = g_bytes_new_static ("{}", 2);
  g_autoptr (JsonObject) answer = NULL;
  guint status;

  answer = call_bytes (self, operation, body, &status);
  g_assert_cmpstr (get (answer, "__type"), ==, error_type);
  g_assert_cmpstr (get (answer, "message"), !=, "");
  g_assert_cmpuint (status, ==, expected);
}

static void
test_faults (Fixture *fixture,
             gconstpointer user_data)
{
  static const struct
  {
    const char *type;
    guint status;
  } types[] = {
    { "ThrottlingException", 400 },
    { "LimitExceededException", 400 },
    { "ExpiredTokenException", 400 },
    { "UnrecognizedClientException", 400 },
    { "InvalidSignatureException", 400 },
    { "AccessDeniedException", 400 },
    { "ResourceNotFoundException", 400 },
    { "ValidationException", 400 },
    { "InternalFailure", 500 },
    { "ServiceUnavailable", 503 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      fail_operations (fixture, NULL, types[i].type, 1);
      assert_fails (fixture, "OpenTunnel", types[i].type, types[i].status);
    }
  g_assert_cmpuint (fixture->opened->len, ==, 0);

  /* What is for one goes first, and each counts for itself. */
  fail_operations (fixture, NULL, "InternalFailure", 1);
  fail_operations (fixture, "OpenTunnel", "ThrottlingException", 2);
  assert_fails (fixture, "OpenTunnel", "ThrottlingException", 400);
  assert_fails (fixture, "ListTunnels", "InternalFailure", 500);
  json_object_unref (call (fixture, "ListTunnels", "{}"));
  assert_fails (fixture, "OpenTunnel", "ThrottlingException", 400);
  json_object_unref (call (fixture, "OpenTunnel", "{}"));

  /* Until told otherwise, in either way. */
  fail_operations (fixture, "OpenTunnel", "LimitExceededException", G_MAXUINT);
  for (int i = 0; i < 5; i++)
    assert_fails (fixture, "OpenTunnel", "LimitExceededException", 400);
  fail_operations (fixture, "OpenTunnel", "ExpiredTokenException", G_MAXUINT);
  assert_fails (fixture, "OpenTunnel", "ExpiredTokenException", 400);
  fail_operations (fixture, "OpenTunnel", NULL, 0);
  json_object_unref (call (fixture, "OpenTunnel", "{}"));
  fail_operations (fixture, NULL, "InternalFailure", G_MAXUINT);
  fail_operations (fixture, NULL, "InternalFailure", 0);
  json_object_unref (call (fixture, "OpenTunnel", "{}"));
}

static void
lose_answers (Fixture *self,
              const char *operation,
              const char *error_type,
              guint count)
{
  g_autoptr (GError) error = NULL;

  ist_emulator_service_lose_answers (self->service, operation, error_type, count, &error);
  g_assert_no_error (error);
}

static void
delay_answers (Fixture *self,
               const char *operation,
               guint milliseconds,
               guint count)
{
  g_autoptr (GError) error = NULL;

  ist_emulator_service_delay_answers (self->service, operation, milliseconds, count, &error);
  g_assert_no_error (error);
}

/* @result: for what comes of it. */
static void
send_call (Fixture *self,
           const char *operation,
           GCancellable *cancellable,
           GAsyncResult **result)
{
  g_autoptr (SoupMessage) message = make_message (self, operation);
  g_autoptr (GBytes) body = g_bytes_new_static ("{}", 2);

  soup_message_set_request_body_from_bytes (message, CONTENT_TYPE, body);
  soup_session_send_and_read_async (self->session, message, G_PRIORITY_DEFAULT, cancellable, test_store_result, result);
}

static void
assert_unanswered (Fixture *self,
                   GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (soup_session_send_and_read_finish (self->session, result, &error));
  g_assert_nonnull (error);
}

static void
assert_disconnects (Fixture *self,
                    const char *operation)
{
  g_autoptr (GAsyncResult) result = NULL;

  send_call (self, operation, NULL, &result);
  test_wait (result != NULL);
  assert_unanswered (self, result);
}

static void
test_lost_answers (Fixture *fixture,
                   gconstpointer user_data)
{
  const char *id;

  lose_answers (fixture, "OpenTunnel", "InternalFailure", 1);
  assert_fails (fixture, "OpenTunnel", "InternalFailure", 500);
  g_assert_cmpuint (fixture->opened->len, ==, 1);
  id = ist_emulator_tunnel_get_id (last_opened (fixture));
  lose_answers (fixture, NULL, "ThrottlingException", G_MAXUINT);
  call_fails (fixture, "CloseTunnel", "ThrottlingException", "Rate", "{'tunnelId': '%s'}", id);
  g_assert_false (ist_emulator_tunnel_is_open (last_opened (fixture)));
  /* What went wrong by itself is not heard of, either. */
  assert_fails (fixture, "CloseTunnel", "ThrottlingException", 400);

  /* It is one or the other. */
  fail_operations (fixture, "OpenTunnel", "InternalFailure", G_MAXUINT);
  lose_answers (fixture, "OpenTunnel", "ServiceUnavailable", G_MAXUINT);
  assert_fails (fixture, "OpenTunnel", "ServiceUnavailable", 503);
  g_assert_cmpuint (fixture->opened->len, ==, 2);
  fail_operations (fixture, "OpenTunnel", "InternalFailure", G_MAXUINT);
  assert_fails (fixture, "OpenTunnel", "InternalFailure", 500);
  g_assert_cmpuint (fixture->opened->len, ==, 2);
  lose_answers (fixture, "OpenTunnel", NULL, 0);
  lose_answers (fixture, NULL, NULL, 0);
  json_object_unref (call (fixture, "OpenTunnel", "{}"));
}

static void
test_no_answers (Fixture *fixture,
                 gconstpointer user_data)
{
  g_autoptr (GString) told = g_string_new (NULL);

  g_signal_connect (fixture->service, "operation", G_CALLBACK (on_operation), told);
  fail_operations (fixture, "OpenTunnel", "disconnect", 1);
  assert_disconnects (fixture, "OpenTunnel");
  g_assert_cmpuint (fixture->opened->len, ==, 0);
  lose_answers (fixture, "OpenTunnel", "disconnect", 1);
  assert_disconnects (fixture, "OpenTunnel");
  g_assert_cmpuint (fixture->opened->len, ==, 1);
  json_object_unref (call (fixture, "OpenTunnel", "{}"));
  g_assert_cmpstr (told->str, ==, "OpenTunnel disconnect,OpenTunnel disconnect,OpenTunnel done,");
  g_signal_handlers_disconnect_by_data (fixture->service, told);
}

static void
test_late_answers (Fixture *fixture,
                   gconstpointer user_data)
{
  gint64 start = g_get_monotonic_time ();

  delay_answers (fixture, NULL, 60000, G_MAXUINT);
  delay_answers (fixture, "OpenTunnel", 50, 2);
  json_object_unref (call (fixture, "OpenTunnel", "{}"));
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 50 * G_TIME_SPAN_MILLISECOND);
  lose_answers (fixture, "OpenTunnel", "InternalFailure", 1);
  assert_fails (fixture, "OpenTunnel", "InternalFailure", 500);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 100 * G_TIME_SPAN_MILLISECOND);
  delay_answers (fixture, NULL, 0, 0);
  json_object_unref (call (fixture, "OpenTunnel", "{}"));
  g_assert_cmpint (g_get_monotonic_time () - start, <, 60 * G_TIME_SPAN_SECOND);

  delay_answers (fixture, "OpenTunnel", 50, 1);
  fail_operations (fixture, "OpenTunnel", "disconnect", 1);
  start = g_get_monotonic_time ();
  assert_disconnects (fixture, "OpenTunnel");
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 50 * G_TIME_SPAN_MILLISECOND);
}

/* The work is done, whoever waits or doesn't. */
static void
test_late_for_whom (Fixture *fixture,
                    gconstpointer user_data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) waiting = NULL;
  g_autoptr (GAsyncResult) leaving = NULL;

  delay_answers (fixture, "OpenTunnel", 50, 1);
  send_call (fixture, "OpenTunnel", cancellable, &leaving);
  test_wait (fixture->opened->len == 1);
  g_cancellable_cancel (cancellable);
  test_wait (leaving != NULL);
  assert_unanswered (fixture, leaving);
  test_run_for (100);

  delay_answers (fixture, "OpenTunnel", 60000, 1);
  send_call (fixture, "OpenTunnel", NULL, &waiting);
  test_wait (fixture->opened->len == 2);
  json_object_unref (call (fixture, "ListTunnels", "{}"));
  g_assert_null (waiting);
  ist_emulator_service_stop (fixture->service);
  test_wait (waiting != NULL);
  assert_unanswered (fixture, waiting);
}

/* Somebody stops the service at that very moment. */
static void
on_operation_stop (IstEmulatorService *service)
{
  ist_emulator_service_stop (service);
}

static void
test_late_and_stopped (Fixture *fixture,
                       gconstpointer user_data)
{
  g_signal_connect (fixture->service, "operation", G_CALLBACK (on_operation_stop), NULL);
  delay_answers (fixture, "OpenTunnel", 50, 1);
  assert_disconnects (fixture, "OpenTunnel");
  test_run_for (100);
}

static void
test_bad_faults (Fixture *fixture,
                 gconstpointer user_data)
{
  static const struct
  {
    const char *operation;
    const char *error_type;
    const char *fragment;
  } bad[] = {
    { "openTunnel", "InternalFailure", "“openTunnel”" },
    { "", "InternalFailure", "“”" },
    { NULL, "ThrotlingException", "“ThrotlingException”; there are: ThrottlingException, " },
    { "OpenTunnel", "", "“”" },
  };
  g_autoptr (GError) late = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (ist_emulator_service_fail_operations (fixture->service, bad[i].operation, bad[i].error_type, 1,
                                                            &error));
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
      g_assert_nonnull (strstr (error->message, bad[i].fragment));
      g_clear_error (&error);
      g_assert_false (ist_emulator_service_lose_answers (fixture->service, bad[i].operation, bad[i].error_type, 1,
                                                         &error));
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
      g_clear_error (&error);
    }
  g_assert_false (ist_emulator_service_delay_answers (fixture->service, "openTunnel", 1000, 1, &late));
  g_assert_error (late, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
  json_object_unref (call (fixture, "OpenTunnel", "{}"));
}

static void
test_operations_are_told (Fixture *fixture,
                          gconstpointer user_data)
{
  g_autoptr (GString) told = g_string_new (NULL);
  g_autoptr (SoupMessage) unsigned_message = make_message (fixture, "OpenTunnel");
  g_autoptr (SoupMessage) unknown = make_message (fixture, "PokeTunnel");
  g_autoptr (GBytes) body = g_bytes_new_static ("{}", 2);

  g_signal_connect (fixture->service, "operation", G_CALLBACK (on_operation), told);
  g_assert_cmpuint (ist_emulator_service_count_operations (fixture->service, NULL), ==, 0);
  json_object_unref (call (fixture, "OpenTunnel", "{}"));
  json_object_unref (call (fixture, "ListTunnels", "{}"));
  call_fails (fixture, "DescribeTunnel", VALIDATION, "tunnelId", "{}");
  fail_operations (fixture, "OpenTunnel", "ThrottlingException", 1);
  /* Whoever signs nothing uses up no fault. */
  soup_message_headers_remove (soup_message_get_request_headers (unsigned_message), "Authorization");
  soup_message_set_request_body_from_bytes (unsigned_message, CONTENT_TYPE, body);
  json_object_unref (send_message (fixture, unsigned_message));
  assert_fails (fixture, "OpenTunnel", "ThrottlingException", 400);
  soup_message_set_request_body_from_bytes (unknown, CONTENT_TYPE, body);
  json_object_unref (send_message (fixture, unknown));

  g_assert_cmpstr (told->str, ==,
                   "OpenTunnel done,ListTunnels done,DescribeTunnel ValidationException,"
                   "OpenTunnel MissingAuthenticationTokenException,OpenTunnel ThrottlingException,");
  g_assert_cmpuint (ist_emulator_service_count_operations (fixture->service, "OpenTunnel"), ==, 3);
  g_assert_cmpuint (ist_emulator_service_count_operations (fixture->service, "CloseTunnel"), ==, 0);
  g_assert_cmpuint (ist_emulator_service_count_operations (fixture->service, "PokeTunnel"), ==, 0);
  g_assert_cmpuint (ist_emulator_service_count_operations (fixture->service, NULL), ==, 5);
  g_signal_handlers_disconnect_by_data (fixture->service, told);
}

static void
test_bounds (Fixture *fixture,
             gconstpointer user_data)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  for (guint i = 0; i <= IST_EMULATOR_REGISTRY_MAX_CLOSED; i++)
    {
      g_autoptr (IstEmulatorTunnel) tunnel = NULL;
      const char *id;

      tunnel = ist_emulator_service_open_tunnel (fixture->service, NULL, NULL, 0, NULL);
      id = ist_emulator_tunnel_get_id (tunnel);
      g_assert_true (ist_emulator_service_close_tunnel (fixture->service, id, NULL));
      if (i == 0)
        first = g_strdup (id);
      if (i == 1)
        second = g_strdup (id);
    }
  g_assert_null (ist_emulator_service_lookup_tunnel (fixture->service, first));
  g_assert_nonnull (ist_emulator_service_lookup_tunnel (fixture->service, second));

  for (guint i = 0; i < IST_EMULATOR_REGISTRY_MAX_OPEN; i++)
    g_object_unref (ist_emulator_service_open_tunnel (fixture->service, NULL, NULL, 0, NULL));
  call_fails (fixture, "OpenTunnel", LIMIT_EXCEEDED, "10000 open tunnels", "{}");
}

static void
remove_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static char *
make_state_path (const char *folder,
                 const char *id)
{
  g_autofree char *name = g_strconcat (id, ".tunnel.json", NULL);

  return g_build_filename (folder, name, NULL);
}

static void
test_state (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autofree char *state = g_build_filename (folder, "a", "b", NULL);
  g_autofree char *parent = g_build_filename (folder, "a", NULL);
  Fixture fixture = { 0 };
  g_autoptr (JsonObject) opened = NULL;
  g_autoptr (JsonObject) rotated = NULL;
  g_autoptr (JsonObject) short_lived = NULL;
  g_autoptr (JsonObject) closed = NULL;
  g_autoptr (JsonObject) deleted = NULL;
  g_autoptr (JsonObject) before = NULL;
  g_autoptr (JsonObject) after = NULL;
  g_autoptr (JsonObject) list = NULL;
  g_autoptr (JsonNode) before_node = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (JsonNode) after_node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  g_autofree char *gone = NULL;
  IstEmulatorTunnel *first;
  struct stat status;
  const char *id;
  const char *source;
  const char *destination;

  fixture_start (&fixture, state, 0);
  opened = call (&fixture, "OpenTunnel",
                 "{'description': 'kept', 'tags': [{'key': 'k', 'value': 'v'}], 'timeoutConfig': "
                 "{'maxLifetimeTimeoutMinutes': 60},"
                 " 'destinationConfig': {'thingName': 't', 'services': ['SSH']}}");
  id = get (opened, "tunnelId");
  rotated = call (&fixture, "RotateTunnelAccessToken", "{'tunnelId': '%s', 'clientMode': 'DESTINATION'}", id);
  source = get (opened, "sourceAccessToken");
  destination = get (rotated, "destinationAccessToken");
  assert_knock (&fixture, IST_MODE_SOURCE, source, CLIENT_TOKEN, "101");
  assert_knock (&fixture, IST_MODE_DESTINATION, destination, NULL, "101");
  test_wait (!ist_emulator_tunnel_is_connected (last_opened (&fixture), IST_MODE_SOURCE) &&
             !ist_emulator_tunnel_is_connected (last_opened (&fixture), IST_MODE_DESTINATION));
  json_object_unref (call (&fixture, "TagResource",
                           "{'resourceArn': '%s', 'tags': [{'key': 'l', 'value': ''}]}",
                           get (opened, "tunnelArn")));
  before = describe (&fixture, id);

  short_lived = call (&fixture, "OpenTunnel", "{}");
  ist_emulator_tunnel_set_lifetime_ms (last_opened (&fixture), 50);
  json_object_unref (call (&fixture, "TagResource",
                           "{'resourceArn': '%s', 'tags': [{'key': 'l', 'value': ''}]}",
                           get (short_lived, "tunnelArn")));
  closed = call (&fixture, "OpenTunnel", "{}");
  json_object_unref (call (&fixture, "CloseTunnel", "{'tunnelId': '%s'}",
                           get (closed, "tunnelId")));
  deleted = call (&fixture, "OpenTunnel", "{}");
  json_object_unref (call (&fixture, "CloseTunnel", "{'tunnelId': '%s', 'delete': true}",
                           get (deleted, "tunnelId")));

  path = make_state_path (state, id);
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 0777, ==, 0600);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_null (strstr (text, source));
  g_assert_null (strstr (text, destination));
  g_assert_null (strstr (text, CLIENT_TOKEN));
  gone = make_state_path (state, get (deleted, "tunnelId"));
  g_assert_false (g_file_test (gone, G_FILE_TEST_EXISTS));
  fixture_stop (&fixture);

  g_usleep (60000);
  fixture_start (&fixture, state, 0);
  after = describe (&fixture, id);
  json_node_set_object (before_node, before);
  json_node_set_object (after_node, after);
  g_assert_true (json_node_equal (before_node, after_node));
  list = call (&fixture, "ListTunnels", "{}");
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (list, "tunnelSummaries")), ==, 3);
  g_assert_cmpuint (fixture.opened->len, ==, 3);
  g_assert_null (ist_emulator_tunnel_get_source_access_token (fixture.opened->pdata[0]));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (fixture.service)), ==, 1);
  first = g_list_model_get_item (G_LIST_MODEL (fixture.service), 0);
  g_assert_true (first == fixture.opened->pdata[0]);
  g_clear_object (&first);

  /* Whom a token admits is as it was. */
  assert_knock (&fixture, IST_MODE_SOURCE, source, NULL,
                "Invalid client token: The access token is tied to a client token.");
  assert_knock (&fixture, IST_MODE_DESTINATION, destination, NULL,
                "Invalid access token: The access token was previously used and can not be used again.");
  assert_knock (&fixture, IST_MODE_DESTINATION, get (opened, "destinationAccessToken"),
                NULL, "Invalid access token: The access token was rotated.");
  assert_knock (&fixture, IST_MODE_SOURCE, get (closed, "sourceAccessToken"), NULL,
                "Tunnel is closed");
  assert_knock (&fixture, IST_MODE_SOURCE, get (short_lived, "sourceAccessToken"),
                NULL, "Tunnel is closed");
  assert_knock (&fixture, IST_MODE_SOURCE, get (deleted, "sourceAccessToken"), NULL,
                "Invalid access token");
  assert_knock (&fixture, IST_MODE_SOURCE, source, CLIENT_TOKEN, "101");
  test_wait (!ist_emulator_tunnel_is_connected (fixture.opened->pdata[0], IST_MODE_SOURCE));
  fixture_stop (&fixture);

  remove_folder (state);
  g_rmdir (parent);
  g_rmdir (folder);
}

static void
test_state_certificate (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autofree char *first = NULL;
  g_autofree char *path = g_build_filename (folder, "certificate.pem", NULL);
  struct stat status;

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (IstEmulatorService) service = NULL;
      g_autoptr (GError) error = NULL;

      service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "state-dir", folder, NULL);
      if (i == 2)
        g_assert_true (g_file_set_contents (path, "damaged", -1, NULL));
      ist_emulator_service_start (service, &error);
      g_assert_no_error (error);
      if (i == 0)
        first = g_strdup (ist_emulator_service_get_ca_pem (service));
      else if (i == 1)
        g_assert_cmpstr (ist_emulator_service_get_ca_pem (service), ==, first);
      else
        g_assert_cmpstr (ist_emulator_service_get_ca_pem (service), !=, first);
    }
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 0777, ==, 0600);
  remove_folder (folder);
}

/* A start that could not keep the certificate is none, and the next one can. */
static void
test_state_certificate_again (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "certificate.pem", NULL);
  g_autoptr (IstEmulatorService) service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "state-dir", folder, NULL);
  g_autofree char *kept = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_false (ist_emulator_service_start (service, &error));
      g_assert_nonnull (strstr (error->message, path));
      g_assert_null (ist_emulator_service_get_ca_pem (service));
      g_clear_error (&error);
    }
  g_rmdir (path);
  ist_emulator_service_start (service, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &kept, NULL, NULL));
  g_assert_nonnull (strstr (kept, "PRIVATE KEY"));
  g_clear_object (&service);
  remove_folder (folder);
}

static void
test_state_damaged (void)
{
  const struct
  {
    const char *text; /* NULL: half of what it was */
    const char *expected;
  } cases[] = {
    { NULL, "is damaged" },
    { "", "is damaged" },
    { "{\"version\": 2}", "is damaged, or of another version" },
    { "{\"version\": 1}", "Member must not be null" },
  };
  g_autofree char *folder = test_folder_new ();
  g_autofree char *path = NULL;
  g_autofree char *good = NULL;
  g_autofree char *elsewhere = make_state_path (folder, "elsewhere");
  Fixture fixture = { 0 };
  g_autoptr (JsonObject) opened = NULL;
  g_autoptr (GError) error = NULL;
  IstEmulatorService *service;

  fixture_start (&fixture, folder, 0);
  opened = call (&fixture, "OpenTunnel", "{}");
  path = make_state_path (folder, get (opened, "tunnelId"));

  /* One at a time. */
  service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE, "state-dir", folder, NULL);
  g_assert_false (ist_emulator_service_start (service, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  g_object_unref (service);
  fixture_stop (&fixture);

  g_assert_true (g_file_get_contents (path, &good, NULL, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *found = NULL;
      gssize length = cases[i].text != NULL ? -1 : (gssize) strlen (good) / 2;
      const char *bad = cases[i].text != NULL ? cases[i].text : good;

      g_assert_true (g_file_set_contents (path, bad, length, NULL));
      service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE, "state-dir", folder, NULL);
      g_assert_false (ist_emulator_service_start (service, &error));
      g_assert_nonnull (strstr (error->message, path));
      g_assert_nonnull (strstr (error->message, cases[i].expected));
      g_clear_error (&error);
      /* Nor does it write over what somebody may want to mend. */
      g_assert_null (ist_emulator_service_open_tunnel (service, NULL, NULL, 0, &error));
      g_clear_error (&error);
      g_object_unref (service);
      g_assert_true (g_file_get_contents (path, &found, NULL, NULL));
      g_assert_true (g_str_has_prefix (good, found) || g_strcmp0 (found, cases[i].text) == 0);
    }

  g_assert_true (g_file_set_contents (path, good, -1, NULL));
  g_assert_true (g_file_set_contents (elsewhere, good, -1, NULL));
  service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "plain", TRUE, "state-dir", folder, NULL);
  g_assert_false (ist_emulator_service_start (service, &error));
  g_assert_nonnull (strstr (error->message, "another tunnel than its name says"));
  g_clear_error (&error);
  g_object_unref (service);
  g_unlink (elsewhere);

  fixture_start (&fixture, folder, 0);
  json_object_unref (describe (&fixture, get (opened, "tunnelId")));
  fixture_stop (&fixture);
  remove_folder (folder);
}

#define BANDWIDTH 1000000
#define CHUNK 20000
#define N_CHUNKS 50 /* each way */

/* Both directions at once share the limit. That it is not slower than allowed is
 * for a machine with nothing else to do, and printed. */
static void
test_bandwidth (void)
{
  g_autofree char *payload = g_strnfill (CHUNK, 'x');
  const char *services[] = { "SSH", NULL };
  Fixture fixture = { 0 };
  g_autoptr (IstEmulatorTunnel) tunnel = NULL;
  g_autoptr (Client) source = NULL;
  g_autoptr (Client) destination = NULL;
  gint64 start;
  double seconds;
  double rate;

  fixture_start (&fixture, NULL, BANDWIDTH);
  tunnel = ist_emulator_service_open_tunnel (fixture.service, services, NULL, 0, NULL);
  source = client_new (fixture.service, tunnel, IST_MODE_SOURCE, NULL);
  destination = client_new (fixture.service, tunnel, IST_MODE_DESTINATION, NULL);
  client_expect_services (source, services);
  client_expect_services (destination, services);
  client_send (source, IST_MESSAGE_TYPE_STREAM_START, "SSH", 1, 1, NULL);
  client_expect (destination, IST_MESSAGE_TYPE_STREAM_START, "SSH", 1, 1, NULL);

  start = g_get_monotonic_time ();
  for (int i = 0; i < N_CHUNKS; i++)
    {
      client_send (source, IST_MESSAGE_TYPE_DATA, "SSH", 1, 1, payload);
      client_send (destination, IST_MESSAGE_TYPE_DATA, "SSH", 1, 1, payload);
    }
  test_wait (source->n_payload == N_CHUNKS * CHUNK && destination->n_payload == N_CHUNKS * CHUNK);
  seconds = (g_get_monotonic_time () - start) / 1e6;
  rate = 2.0 * N_CHUNKS * CHUNK / seconds;
  g_test_message ("%d bytes in %.3f s: %.0f bytes/s of %d", 2 * N_CHUNKS * CHUNK, seconds, rate, BANDWIDTH);

  /* What came last is not paid for yet: a frame of each side, and the burst. */
  g_assert_cmpfloat (rate, <, BANDWIDTH * 1.15);

  fixture_stop (&fixture);
}

/* One direction has always something to be read; the other is not left to wait for
 * the end of it. */
static void
test_bandwidth_for_both (void)
{
  g_autofree char *payload = g_strnfill (CHUNK, 'x');
  const char *services[] = { "SSH", NULL };
  Fixture fixture = { 0 };
  g_autoptr (IstEmulatorTunnel) tunnel = NULL;
  g_autoptr (Client) source = NULL;
  g_autoptr (Client) destination = NULL;

  fixture_start (&fixture, NULL, BANDWIDTH);
  tunnel = ist_emulator_service_open_tunnel (fixture.service, services, NULL, 0, NULL);
  source = client_new (fixture.service, tunnel, IST_MODE_SOURCE, NULL);
  destination = client_new (fixture.service, tunnel, IST_MODE_DESTINATION, NULL);
  client_expect_services (source, services);
  client_expect_services (destination, services);
  client_send (source, IST_MESSAGE_TYPE_STREAM_START, "SSH", 1, 1, NULL);
  client_expect (destination, IST_MESSAGE_TYPE_STREAM_START, "SSH", 1, 1, NULL);

  for (int turn = 0; turn < 2; turn++)
    {
      Client *busy = turn == 0 ? source : destination;
      Client *idle = turn == 0 ? destination : source;
      gsize end = idle->n_payload + 2 * N_CHUNKS * CHUNK;
      gsize before;

      for (int i = 0; i < 2 * N_CHUNKS; i++)
        client_send (busy, IST_MESSAGE_TYPE_DATA, "SSH", 1, 1, payload);
      test_wait (idle->n_payload >= end - 95 * CHUNK);
      for (int i = 0; i < 5; i++)
        {
          gsize expected = busy->n_payload + 1;

          before = idle->n_payload;
          client_send (idle, IST_MESSAGE_TYPE_DATA, "SSH", 1, 1, "k");
          test_wait (busy->n_payload == expected);
          g_assert_cmpuint (idle->n_payload - before, <=, 6 * CHUNK);
        }
      test_wait (idle->n_payload == end);
    }

  fixture_stop (&fixture);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function) g_test_add ("/control/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("life", test_life);
  ADD ("defaults", test_defaults);
  for (gsize i = 0; i < G_N_ELEMENTS (bad_requests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/control/bad/%s", bad_requests[i].name);

      g_test_add_data_func (path, &bad_requests[i], test_bad_request);
    }
  ADD ("limits", test_limits);
  ADD ("too-long", test_too_long);
  ADD ("headers", test_headers);
  ADD ("list", test_list);
  ADD ("tags", test_tags);
  ADD ("connection-states", test_connection_states);
  ADD ("close", test_close);
  ADD ("expiry", test_expiry);
  ADD ("rotate", test_rotate);
  ADD ("rotate-destination", test_rotate_destination);
  ADD ("notification", test_notification);
  ADD ("faults", test_faults);
  ADD ("faults/bad", test_bad_faults);
  ADD ("faults/lost", test_lost_answers);
  ADD ("faults/none", test_no_answers);
  ADD ("faults/late", test_late_answers);
  ADD ("faults/late-for-whom", test_late_for_whom);
  ADD ("faults/late-and-stopped", test_late_and_stopped);
  ADD ("operations-are-told", test_operations_are_told);
  ADD ("bounds", test_bounds);
#undef ADD
  g_test_add_func ("/control/state", test_state);
  g_test_add_func ("/control/state/certificate", test_state_certificate);
  g_test_add_func ("/control/state/certificate-again", test_state_certificate_again);
  g_test_add_func ("/control/state/damaged", test_state_damaged);
  g_test_add_func ("/control/bandwidth", test_bandwidth);
  g_test_add_func ("/control/bandwidth/for-both", test_bandwidth_for_both);

  return g_test_run ();
}
