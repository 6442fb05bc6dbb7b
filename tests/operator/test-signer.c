/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-signer-private.h"

/* What AWS has published as aws-sig-v4-test-suite: requests, and what their signatures
 * come to. All are of one moment, by one key. */

#define ACCESS_KEY_ID "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define VANILLA "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
#define POST_VANILLA "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
#define POST_QUERY "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"

static const char token[] =
  "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfp"
  "SPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQ"
  "DYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+s"
  "cqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

typedef struct
{
  const char *name;
  const char *path;
  const char *query;
  const char *headers[8]; /* names and values */
  const char *signed_headers;
  const char *signature;
  const char *method; /* else GET */
  const char *body;
  const char *token;
} Vector;

static const Vector vectors[] = {
  {
    "get-header-key-duplicate",
    "/",
    NULL,
    { "My-Header1", "value2", "My-Header1", "value2", "My-Header1", "value1" },
    "host;my-header1;x-amz-date",
    "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
  },
  {
    "get-header-value-order",
    "/",
    NULL,
    { "My-Header1", "value4", "My-Header1", "value1", "My-Header1", "value3", "My-Header1", "value2" },
    "host;my-header1;x-amz-date",
    "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
  },
  {
    "get-header-value-trim",
    "/",
    NULL,
    { "My-Header1", " value1", "My-Header2", " \"a   b   c\"" },
    "host;my-header1;my-header2;x-amz-date",
    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  },
  {
    "get-unreserved",
    "/" UNRESERVED,
    NULL,
    {},
    "host;x-amz-date",
    "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
  },
  { "get-vanilla", "/", NULL, {}, "host;x-amz-date", VANILLA },
  {
    "get-vanilla-empty-query-key",
    "/",
    "Param1=value1",
    {},
    "host;x-amz-date",
    "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
  },
  { "get-vanilla-query", "/", "", {}, "host;x-amz-date", VANILLA },
  {
    "get-vanilla-query-order-key",
    "/",
    "Param1=value2&Param1=Value1",
    {},
    "host;x-amz-date",
    "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
  },
  {
    "get-vanilla-query-order-key-case",
    "/",
    "Param2=value2&Param1=value1",
    {},
    "host;x-amz-date",
    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  },
  {
    "get-vanilla-query-order-value",
    "/",
    "Param1=value2&Param1=value1",
    {},
    "host;x-amz-date",
    "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
  },
  {
    "get-vanilla-query-unreserved",
    "/",
    UNRESERVED "=" UNRESERVED,
    {},
    "host;x-amz-date",
    "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
  },
  {
    "get-vanilla-utf8-query",
    "/",
    "\341\210\264=bar",
    {},
    "host;x-amz-date",
    "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
  },
  { "get-relative", "/example/..", NULL, {}, "host;x-amz-date", VANILLA },
  { "get-relative-relative", "/example1/example2/../..", NULL, {}, "host;x-amz-date", VANILLA },
  { "get-slash", "//", NULL, {}, "host;x-amz-date", VANILLA },
  { "get-slash-dot-slash", "/./", NULL, {}, "host;x-amz-date", VANILLA },
  {
    "get-slash-pointless-dot",
    "/./example",
    NULL,
    {},
    "host;x-amz-date",
    "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
  },
  {
    "get-slashes",
    "//example//",
    NULL,
    {},
    "host;x-amz-date",
    "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
  },
  { "post-header-key-case", "/", NULL, {}, "host;x-amz-date", POST_VANILLA, "POST" },
  {
    "post-header-key-sort",
    "/",
    NULL,
    { "My-Header1", "value1" },
    "host;my-header1;x-amz-date",
    "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    "POST",
  },
  {
    "post-header-value-case",
    "/",
    NULL,
    { "My-Header1", "VALUE1" },
    "host;my-header1;x-amz-date",
    "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    "POST",
  },
  { "post-vanilla", "/", NULL, {}, "host;x-amz-date", POST_VANILLA, "POST" },
  { "post-vanilla-empty-query-value", "/", "Param1=value1", {}, "host;x-amz-date", POST_QUERY, "POST" },
  {
    "post-x-www-form-urlencoded",
    "/",
    NULL,
    { "Content-Type", "application/x-www-form-urlencoded" },
    "content-type;host;x-amz-date",
    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    "POST",
    "Param1=value1",
  },
  {
    "post-x-www-form-urlencoded-parameters",
    "/",
    NULL,
    { "Content-Type", "application/x-www-form-urlencoded; charset=utf8" },
    "content-type;host;x-amz-date",
    "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    "POST",
    "Param1=value1",
  },
  {
    "post-sts-header-before",
    "/",
    NULL,
    {},
    "host;x-amz-date;x-amz-security-token",
    "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    "POST",
    NULL,
    token,
  },
};

static SoupMessageHeaders *
sign (const Vector *vector)
{
  g_autoptr (IstOperatorKeys) keys = ist_operator_keys_new (ACCESS_KEY_ID, SECRET, vector->token);
  g_autoptr (GDateTime) time = g_date_time_new_utc (2015, 8, 30, 12, 36, 0);
  g_autoptr (GUri) uri = g_uri_build (SOUP_HTTP_URI_FLAGS, "https", NULL, "example.amazonaws.com", -1, vector->path,
                                      vector->query, NULL);
  g_autoptr (GBytes) body = vector->body != NULL ? g_bytes_new_static (vector->body, strlen (vector->body)) : NULL;
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_REQUEST);

  for (guint i = 0; i < G_N_ELEMENTS (vector->headers) && vector->headers[i] != NULL; i += 2)
    soup_message_headers_append (headers, vector->headers[i], vector->headers[i + 1]);
  ist_operator_sign (keys, "us-east-1", "service", time, vector->method != NULL ? vector->method : "GET", uri, headers,
                     body);
  return headers;
}

static void
test_vector (gconstpointer data)
{
  const Vector *vector = data;
  g_autoptr (SoupMessageHeaders) headers = sign (vector);
  g_autofree char *expected = NULL;

  expected = g_strdup_printf ("AWS4-HMAC-SHA256 Credential=" ACCESS_KEY_ID "/20150830/us-east-1/service/aws4_request, "
                              "SignedHeaders=%s, Signature=%s",
                              vector->signed_headers, vector->signature);
  g_assert_cmpstr (soup_message_headers_get_one (headers, "Authorization"), ==, expected);
  g_assert_cmpstr (soup_message_headers_get_one (headers, "Host"), ==, "example.amazonaws.com");
  g_assert_cmpstr (soup_message_headers_get_one (headers, "X-Amz-Date"), ==, "20150830T123600Z");
  g_assert_cmpstr (soup_message_headers_get_one (headers, "X-Amz-Security-Token"), ==, vector->token);
}

/* As a retry does: with other keys, and at another time. */
static void
test_again (void)
{
  Vector vector = vectors[4];
  g_autoptr (SoupMessageHeaders) headers = NULL;
  g_autoptr (IstOperatorKeys) keys = ist_operator_keys_new (ACCESS_KEY_ID, SECRET, "");
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 ("2015-08-30T14:36:00+02:00", NULL);
  g_autoptr (GUri) uri = g_uri_parse ("https://example.amazonaws.com:443/", SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (GBytes) empty = g_bytes_new_static ("", 0);

  vector.token = token;
  headers = sign (&vector);
  ist_operator_sign (keys, "us-east-1", "service", time, "GET", uri, headers, empty);
  g_assert_null (soup_message_headers_get_one (headers, "X-Amz-Security-Token"));
  g_assert_true (g_str_has_suffix (soup_message_headers_get_one (headers, "Authorization"), "Signature=" VANILLA));
}

/* What is changed on the way, as by libsoup or a proxy, is not signed. */
static void
test_unsigned (void)
{
  Vector vector = vectors[4];
  g_autoptr (SoupMessageHeaders) headers = NULL;

  vector.headers[0] = "User-Agent";
  vector.headers[1] = "libist";
  vector.headers[2] = "Expect";
  vector.headers[3] = "100-continue";
  vector.headers[4] = "X-Amzn-Trace-Id";
  vector.headers[5] = "Root=1";
  headers = sign (&vector);
  g_assert_true (g_str_has_suffix (soup_message_headers_get_one (headers, "Authorization"), "Signature=" VANILLA));
}

static void
expect_host (const char *address,
             const char *host)
{
  g_autoptr (IstOperatorKeys) keys = ist_operator_keys_new (ACCESS_KEY_ID, SECRET, NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GUri) uri = g_uri_parse (address, SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (SoupMessageHeaders) headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_REQUEST);

  ist_operator_sign (keys, "us-east-1", "service", now, "POST", uri, headers, NULL);
  g_assert_cmpstr (soup_message_headers_get_one (headers, "Host"), ==, host);
}

static void
test_host (void)
{
  expect_host ("https://example.com/", "example.com");
  expect_host ("https://example.com:443/", "example.com");
  expect_host ("https://example.com:80/", "example.com:80");
  expect_host ("http://example.com:80/", "example.com");
  expect_host ("http://127.0.0.1:8080", "127.0.0.1:8080");
  expect_host ("http://[::1]:8080/", "[::1]:8080");
  expect_host ("http://[::1]/", "[::1]");
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      g_autofree char *path = g_strconcat ("/operator/signer/", vectors[i].name, NULL);

      g_test_add_data_func (path, &vectors[i], test_vector);
    }
  g_test_add_func ("/operator/signer/again", test_again);
  g_test_add_func ("/operator/signer/unsigned", test_unsigned);
  g_test_add_func ("/operator/signer/host", test_host);
  return g_test_run ();
}
