/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-names-private.h"

#include <string.h>

#define ALPHANUMERIC G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS

#define MIN_CLIENT_TOKEN 32
#define MAX_CLIENT_TOKEN 128

/* It becomes a part of a host's name (RFC 1035, section 2.3.4). */
#define MAX_REGION 63

static gboolean
is_made_of (const char *text,
            const char *characters,
            gsize min_length,
            gsize max_length)
{
  gsize length = strspn (text, characters);

  return text[length] == '\0' && length >= min_length && length <= max_length;
}

gboolean
ist_name_is_valid (const char *name)
{
  return is_made_of (name, ALPHANUMERIC ":_-", 1, IST_NAME_MAX_LENGTH);
}

char *
ist_thing_get_topic (const char *thing_name)
{
  return g_strdup_printf ("$aws/things/%s/tunnels/notify", thing_name);
}

gboolean
ist_region_is_valid (const char *region)
{
  return is_made_of (region, ALPHANUMERIC "-", 1, MAX_REGION) && *region != '-' && !g_str_has_suffix (region, "-");
}

char *
ist_region_get_host (const char *region,
                     const char *plane)
{
  return g_strdup_printf ("%s.tunneling.iot.%s.amazonaws.com%s", plane, region,
                          g_str_has_prefix (region, "cn-") ? ".cn" : "");
}

gboolean
ist_access_token_is_valid (const char *token)
{
  const char *p = token;

  while (g_ascii_isgraph (*p))
    p++;
  return *p == '\0' && p != token;
}

gboolean
ist_client_token_is_valid (const char *token)
{
  return is_made_of (token, ALPHANUMERIC "-", MIN_CLIENT_TOKEN, MAX_CLIENT_TOKEN);
}
