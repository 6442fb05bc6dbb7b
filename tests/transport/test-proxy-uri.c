/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which proxy is taken, and how one is written. The system's resolver is libproxy's
 * here, where it is installed, as it is on most desktops.
 */

#include <string.h>

#include "ist/ist-tunnel-error.h"
#include "ist/transport/ist-proxy-resolver-private.h"
#include "ist/transport/ist-proxy-uri-private.h"
#include "test-server.h"

static void
test_parse (void)
{
  static const struct
  {
    const char *text;
    const char *protocol;
    const char *user;
    const char *password;
    const char *host;
    guint port;
    const char *described;
  } cases[] = {
    { "proxy", "http", NULL, NULL, "proxy", 3128, "http://proxy:3128" },
    { "proxy:8080", "http", NULL, NULL, "proxy", 8080, "http://proxy:8080" },
    { "192.0.2.1:1/", "http", NULL, NULL, "192.0.2.1", 1, "http://192.0.2.1:1" },
    { "HTTPS://proxy", "https", NULL, NULL, "proxy", 3128, "https://proxy:3128" },
    { "socks5h://proxy", "socks5", NULL, NULL, "proxy", 1080, "socks5://proxy:1080" },
    { "socks4a://proxy:1", "socks4a", NULL, NULL, "proxy", 1, "socks4a://proxy:1" },
    { "http://[2001:db8::1]:3128/", "http", NULL, NULL, "2001:db8::1", 3128, "http://[2001:db8::1]:3128" },
    { "http://alice:p@ssw0rd@host:3128", "http", "alice", "p@ssw0rd", "host", 3128, "http://host:3128" },
    { "http://a@b:c:d@e@host", "http", "a@b", "c:d@e", "host", 3128, "http://host:3128" },
    { "alice:p%40ss%3aw%2Fo%25rd@host:1", "http", "alice", "p@ss:w/o%rd", "host", 1, "http://host:1" },
    { "http://alice@host", "http", "alice", NULL, "host", 3128, "http://host:3128" },
    { "http://alice:@host", "http", "alice", "", "host", 3128, "http://host:3128" },
    { "http://@host", "http", "", NULL, "host", 3128, "http://host:3128" },
    { "socks5://u:p@[::1]:9/?a#b", "socks5", "u", "p", "::1", 9, "socks5://[::1]:9" },
  };
  static const char *const wrong[] = {
    "",
    "http://",
    "http://SECRET:SECRET@",
    "http://SECRET:SECRET@:1",
    "http://SECRET:SECRET@host:0",
    "http://SECRET:SECRET@host:65536",
    "http://SECRET:SECRET@host:port",
    "http://SECRET:SEC/RET@host:1",
    "http://SECRET:SEC#RET@host:1",
    "http://SECRET:SEC?RET@host:1",
    "http://SECRET:%SECRET@host:1",
    "http://SEC%3aRET:SECRET@host:1",
    "http://SECRET:SEC%00RET@host:1",
    "http://SECRET:SECRET@ho st:1",
    "http://SECRET:SECRET@host%0a:1",
    "http://SECRET:SECRET@[::1",
    "ftp://SECRET:SECRET@host",
    "SECRET:SECRET@host://",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (IstProxyUri) uri = ist_proxy_uri_parse (cases[i].text, &error);
      g_autoptr (IstProxyUri) again = NULL;
      g_autofree char *described = NULL;
      g_autofree char *whole = NULL;

      g_assert_no_error (error);
      g_assert_cmpstr (uri->protocol, ==, cases[i].protocol);
      g_assert_cmpstr (uri->user, ==, cases[i].user);
      g_assert_cmpstr (uri->password, ==, cases[i].password);
      g_assert_cmpstr (uri->host, ==, cases[i].host);
      g_assert_cmpuint (uri->port, ==, cases[i].port);
      described = ist_proxy_uri_describe (uri);
      g_assert_cmpstr (described, ==, cases[i].described);
      whole = ist_proxy_uri_to_string (uri);
      again = ist_proxy_uri_parse (whole, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (again->user, ==, cases[i].user);
      g_assert_cmpstr (again->password, ==, cases[i].password);
      g_assert_cmpstr (again->host, ==, cases[i].host);
    }
  for (i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", wrong[i]);
      g_assert_null (ist_proxy_uri_parse (wrong[i], &error));
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
      g_assert_null (strstr (error->message, "SEC"));
      g_assert_null (strstr (error->message, "RET"));
    }
}

/* Variables, what is asked, what is answered. */
typedef struct
{
  const char *variables[8];
  const char *uri;
  const char *found; /* NULL for an error */
} Case;

static const Case cases[] = {
  { { NULL }, "https://example.com:443", "direct://" },
  { { "https_proxy", "http://proxy:1" }, "https://example.com:443", "http://proxy:1" },
  { { "https_proxy", "proxy:1" }, "https://example.com:443", "http://proxy:1" },
  { { "https_proxy", "proxy" }, "https://example.com:443", "http://proxy:3128" },
  { { "HTTPS_PROXY", "socks5h://proxy" }, "https://example.com:443", "socks5://proxy:1080" },
  { { "https_proxy", "lower:1", "HTTPS_PROXY", "upper:1" }, "https://example.com:443", "http://lower:1" },
  { { "https_proxy", "", "HTTPS_PROXY", "upper:1" }, "https://example.com:443", "http://upper:1" },
  { { "https_proxy", "al:p@ss@proxy:1" }, "https://example.com:443", "http://al:p%40ss@proxy:1" },
  /* What is for others. */
  { { "http_proxy", "http://plain:1" }, "https://example.com:443", "direct://" },
  { { "HTTP_PROXY", "http://plain:1" }, "https://example.com:443", "direct://" },
  { { "http_proxy", "http://plain:1", "https_proxy", "http://proxy:1" }, "https://example.com:443", "http://proxy:1" },
  { { "https_proxy", "http://proxy:1" }, "http://example.com:80", "direct://" },
  { { "http_proxy", "http://plain:1" }, "http://example.com:80", "http://plain:1" },
  { { "http_proxy", "http://plain:1" }, "https://127.0.0.1:1", "direct://" },
  /* Exceptions. */
  { { "https_proxy", "proxy:1", "no_proxy", "*" }, "https://example.com:443", "direct://" },
  { { "https_proxy", "proxy:1", "no_proxy", "a.b, example.com" }, "https://example.com:443", "direct://" },
  { { "https_proxy", "proxy:1", "NO_PROXY", "example.com" }, "https://www.example.com:443", "direct://" },
  { { "https_proxy", "proxy:1", "no_proxy", ".example.com" }, "https://www.example.com:443", "direct://" },
  { { "https_proxy", "proxy:1", "no_proxy", "example.com" }, "https://badexample.com:443", "http://proxy:1" },
  { { "https_proxy", "proxy:1", "no_proxy", "192.0.2.0/24" }, "https://192.0.2.9:443", "direct://" },
  { { "https_proxy", "proxy:1", "no_proxy", "::1" }, "https://[::1]:443", "direct://" },
  { { "https_proxy", "proxy:1" }, "https://localhost:443", "http://proxy:1" },
  /* What can't be read is not passed over. */
  { { "https_proxy", "ftp://u:secret@proxy" }, "https://example.com:443", NULL },
  { { "HTTPS_PROXY", "http://u:sec/ret@proxy" }, "https://example.com:443", NULL },
};

static void
check_found (char **found,
             const GError *error,
             const Case *c)
{
  if (c->found == NULL)
    {
      g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING);
      g_assert_nonnull (strstr (error->message, c->variables[0]));
      g_assert_null (strstr (error->message, "sec"));
      g_assert_null (found);
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (found), ==, 1);
  g_assert_cmpstr (found[0], ==, c->found);
}

static void
test_environment (void)
{
  g_autoptr (GProxyResolver) resolver = ist_proxy_resolver_new ();
  guint i;
  guint j;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *c = &cases[i];
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) async_error = NULL;
      g_auto (GStrv) found = NULL;
      g_auto (GStrv) async_found = NULL;

      for (j = 0; c->variables[j] != NULL; j += 2)
        g_setenv (c->variables[j], c->variables[j + 1], TRUE);
      g_test_message ("%u: %s", i, c->uri);
      found = g_proxy_resolver_lookup (resolver, c->uri, NULL, &error);
      check_found (found, error, c);
      g_proxy_resolver_lookup_async (resolver, c->uri, NULL, test_store_result, &result);
      test_wait (result != NULL);
      async_found = g_proxy_resolver_lookup_finish (resolver, result, &async_error);
      check_found (async_found, async_error, c);
      for (j = 0; c->variables[j] != NULL; j += 2)
        g_unsetenv (c->variables[j]);
    }
}

int
main (int argc,
      char **argv)
{
  static const char *const variables[] = { "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy",
                                           "NO_PROXY", "all_proxy", "ALL_PROXY" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);
    /* The sanitizers of C can't do with its C++. */
#ifdef TEST_SANITIZED
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
#else
  g_setenv ("GIO_USE_PROXY_RESOLVER", "libproxy", TRUE);
#endif
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/proxy-uri/parse", test_parse);
  g_test_add_func ("/proxy-uri/environment", test_environment);

  return g_test_run ();
}
