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

/* What hosts of tunnels are called below a region's, behind the plane. */
#define SERVICE "tunneling.iot"
#define DUAL_STACK_SERVICE "iot-tunneling"

/* And what the host is called that knows the things. */
#define REGISTRY "iot"

/* A part of AWS with names of its own: what its regions are called, and what the
 * hosts there are called and end with. */
typedef struct
{
  const char *regions;
  const char *suffix;
  const char *dual_stack_service;
  const char *dual_stack_suffix;
} Partition;

/* The last one has what is in none of the others: also regions that are new. */
static const Partition partitions[] = {
  { "cn-\\w+-\\d+|aws-cn-global", "amazonaws.com.cn", DUAL_STACK_SERVICE, "api.amazonwebservices.com.cn" },
  { "eusc-de-\\w+-\\d+", "amazonaws.eu", SERVICE, "api.amazonwebservices.eu" },
  { "us-iso-\\w+-\\d+|aws-iso-global", "c2s.ic.gov", SERVICE, "api.aws.ic.gov" },
  { "us-isob-\\w+-\\d+|aws-iso-b-global", "sc2s.sgov.gov", SERVICE, "api.aws.scloud" },
  { "eu-isoe-\\w+-\\d+|aws-iso-e-global", "cloud.adc-e.uk", SERVICE, "api.cloud-aws.adc-e.uk" },
  { "us-isof-\\w+-\\d+|aws-iso-f-global", "csp.hci.ic.gov", SERVICE, "api.aws.hci.ic.gov" },
  { "us-gov-\\w+-\\d+|aws-us-gov-global", "amazonaws.com", DUAL_STACK_SERVICE, "api.aws" },
  { NULL, "amazonaws.com", DUAL_STACK_SERVICE, "api.aws" },
};

static const Partition *
find_partition (const char *region)
{
  const Partition *partition = partitions;

  for (; partition->regions != NULL; partition++)
    {
      g_autofree char *pattern = g_strdup_printf ("^(%s)$", partition->regions);

      if (g_regex_match_simple (pattern, region, G_REGEX_DOLLAR_ENDONLY, 0))
        break;
    }
  return partition;
}

/* What follows a service's name in those of its hosts. */
static char *
make_host (const Partition *partition,
           const char *service,
           const char *region,
           IstHostFlags flags)
{
  return g_strdup_printf ("%s%s.%s.%s", service, flags & IST_HOST_FIPS ? "-fips" : "", region,
                          flags & IST_HOST_DUAL_STACK ? partition->dual_stack_suffix : partition->suffix);
}

char *
ist_region_get_host (const char *region,
                     const char *plane,
                     IstHostFlags flags)
{
  const Partition *partition = find_partition (region);
  g_autofree char *service =
    g_strconcat (plane, ".", flags & IST_HOST_DUAL_STACK ? partition->dual_stack_service : SERVICE, NULL);

  return make_host (partition, service, region, flags);
}

char *
ist_region_get_registry_host (const char *region,
                              IstHostFlags flags)
{
  return make_host (find_partition (region), REGISTRY, region, flags);
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
