/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

#include "common/ist-names-private.h"

#define FIPS IST_HOST_FIPS
#define DUAL IST_HOST_DUAL_STACK

typedef gboolean (*Test) (const char *text);

/* That the test and the pattern of a rule say the same. */
static void
assert_rule (Test is_valid,
             const char *pattern,
             const char *characters,
             gsize min_length,
             gsize max_length)
{
  g_autofree char *anchored = g_strdup_printf ("^%s$", pattern);
  g_autoptr (GRegex) regex = g_regex_new (anchored, G_REGEX_DOLLAR_ENDONLY | G_REGEX_RAW, 0, NULL);

  for (gsize length = 0; length < max_length + 10; length++)
    {
      g_autofree char *text = g_strnfill (length, 'x');
      gboolean expected = length >= min_length && length <= max_length;

      g_assert_cmpint (is_valid (text), ==, expected);
      g_assert_cmpint (g_regex_match (regex, text, 0, NULL), ==, expected);
    }
  for (int c = 1; c <= 0xff; c++)
    {
      g_autofree char *text = g_strnfill (min_length + 2, 'x');
      gboolean expected = g_ascii_isalnum (c) || strchr (characters, c) != NULL;

      /* In the middle, and where a line end might be overlooked. */
      text[1] = c;
      g_assert_cmpint (is_valid (text), ==, expected);
      g_assert_cmpint (g_regex_match (regex, text, 0, NULL), ==, expected);
      text[1] = 'x';
      text[min_length + 1] = c;
      g_assert_cmpint (is_valid (text), ==, expected);
      g_assert_cmpint (g_regex_match (regex, text, 0, NULL), ==, expected);
    }
}

static void
test_names (void)
{
  assert_rule (ist_name_is_valid, IST_NAME_PATTERN, ":_-", 1, 128);
}

static void
test_client_tokens (void)
{
  assert_rule (ist_client_token_is_valid, IST_CLIENT_TOKEN_PATTERN, "-", 32, 128);
}

static void
test_access_tokens (void)
{
  g_assert_true (ist_access_token_is_valid ("AQGAAXhzVGVzdA-_.~+/="));
  g_assert_false (ist_access_token_is_valid (""));
  g_assert_false (ist_access_token_is_valid ("a token"));
  g_assert_false (ist_access_token_is_valid ("token\n"));
  g_assert_false (ist_access_token_is_valid ("token\r\nHost: other"));
  g_assert_false (ist_access_token_is_valid ("t\xc3\xb6ken"));
  g_assert_false (ist_access_token_is_valid ("token\x7f"));
}

static void
test_regions (void)
{
  static const char *const wrong[] = { "", "-", "-us", "us-", "us.east", "us east", "us-east-1/", "us-east-1\n" };
  g_autofree char *longest = g_strnfill (63, 'a');
  g_autofree char *too_long = g_strnfill (64, 'a');

  g_assert_true (ist_region_is_valid ("us-east-1"));
  g_assert_true (ist_region_is_valid ("a"));
  g_assert_true (ist_region_is_valid (longest));
  g_assert_false (ist_region_is_valid (too_long));
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (ist_region_is_valid (wrong[i]));
}

static void
test_hosts (void)
{
  static const struct
  {
    const char *region;
    const char *plane;
    IstHostFlags flags;
    const char *host;
  } cases[] = {
    { "eu-central-1", "data", 0, "data.tunneling.iot.eu-central-1.amazonaws.com" },
    { "us-east-1", "api", 0, "api.tunneling.iot.us-east-1.amazonaws.com" },
    { "us-east-1", "api", FIPS, "api.tunneling.iot-fips.us-east-1.amazonaws.com" },
    { "us-east-1", "api", DUAL, "api.iot-tunneling.us-east-1.api.aws" },
    { "us-east-1", "api", FIPS | DUAL, "api.iot-tunneling-fips.us-east-1.api.aws" },
    { "cn-north-1", "data", 0, "data.tunneling.iot.cn-north-1.amazonaws.com.cn" },
    { "cn-northwest-1", "api", 0, "api.tunneling.iot.cn-northwest-1.amazonaws.com.cn" },
    { "cn-northwest-1", "api", DUAL, "api.iot-tunneling.cn-northwest-1.api.amazonwebservices.com.cn" },
    { "us-gov-west-1", "api", FIPS, "api.tunneling.iot-fips.us-gov-west-1.amazonaws.com" },
    { "us-iso-east-1", "data", 0, "data.tunneling.iot.us-iso-east-1.c2s.ic.gov" },
    { "us-iso-east-1", "api", DUAL, "api.tunneling.iot.us-iso-east-1.api.aws.ic.gov" },
    { "us-isob-east-1", "data", 0, "data.tunneling.iot.us-isob-east-1.sc2s.sgov.gov" },
    { "us-isob-east-1", "api", DUAL, "api.tunneling.iot.us-isob-east-1.api.aws.scloud" },
    { "eu-isoe-west-1", "data", 0, "data.tunneling.iot.eu-isoe-west-1.cloud.adc-e.uk" },
    { "eu-isoe-west-1", "api", DUAL, "api.tunneling.iot.eu-isoe-west-1.api.cloud-aws.adc-e.uk" },
    { "us-isof-south-1", "data", 0, "data.tunneling.iot.us-isof-south-1.csp.hci.ic.gov" },
    { "us-isof-south-1", "api", DUAL, "api.tunneling.iot.us-isof-south-1.api.aws.hci.ic.gov" },
    { "eusc-de-east-1", "data", 0, "data.tunneling.iot.eusc-de-east-1.amazonaws.eu" },
    { "eusc-de-east-1", "api", DUAL, "api.tunneling.iot.eusc-de-east-1.api.amazonwebservices.eu" },
    /* What only looks like a region of one of them, and a region that is new. */
    { "us-isolated-1", "api", 0, "api.tunneling.iot.us-isolated-1.amazonaws.com" },
    { "xx-north-9", "api", 0, "api.tunneling.iot.xx-north-9.amazonaws.com" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *host = ist_region_get_host (cases[i].region, cases[i].plane, cases[i].flags);

      g_assert_cmpstr (host, ==, cases[i].host);
    }
}

static void
test_registry_hosts (void)
{
  static const struct
  {
    const char *region;
    IstHostFlags flags;
    const char *host;
  } cases[] = {
    { "eu-central-1", 0, "iot.eu-central-1.amazonaws.com" },
    { "us-east-1", FIPS, "iot-fips.us-east-1.amazonaws.com" },
    { "us-east-1", DUAL, "iot.us-east-1.api.aws" },
    { "us-east-1", FIPS | DUAL, "iot-fips.us-east-1.api.aws" },
    { "cn-north-1", 0, "iot.cn-north-1.amazonaws.com.cn" },
    { "cn-north-1", DUAL, "iot.cn-north-1.api.amazonwebservices.com.cn" },
    { "us-gov-west-1", 0, "iot.us-gov-west-1.amazonaws.com" },
    { "eusc-de-east-1", 0, "iot.eusc-de-east-1.amazonaws.eu" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *host = ist_region_get_registry_host (cases[i].region, cases[i].flags);

      g_assert_cmpstr (host, ==, cases[i].host);
    }
}

static void
test_topics (void)
{
  g_autofree char *topic = ist_thing_get_topic ("pump-17");

  g_assert_cmpstr (topic, ==, "$aws/things/pump-17/tunnels/notify");
}

static void
test_subprotocols (void)
{
  static const char *const subprotocols[] = { IST_SUBPROTOCOLS };

  g_assert_cmpuint (G_N_ELEMENTS (subprotocols), ==, 3);
  g_assert_cmpstr (subprotocols[0], ==, "aws.iot.securetunneling-3.0");
  g_assert_cmpstr (subprotocols[1], ==, "aws.iot.securetunneling-2.0");
  g_assert_cmpstr (subprotocols[2], ==, "aws.iot.securetunneling-1.0");
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/names/names", test_names);
  g_test_add_func ("/names/client-tokens", test_client_tokens);
  g_test_add_func ("/names/access-tokens", test_access_tokens);
  g_test_add_func ("/names/regions", test_regions);
  g_test_add_func ("/names/hosts", test_hosts);
  g_test_add_func ("/names/registry-hosts", test_registry_hosts);
  g_test_add_func ("/names/topics", test_topics);
  g_test_add_func ("/names/subprotocols", test_subprotocols);

  return g_test_run ();
}
