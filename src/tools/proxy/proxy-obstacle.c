/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-obstacle.h"

#include <glib/gi18n.h>

#include "common/ist-address-private.h"
#include "tools/proxy/proxy-mapping.h"

/* Seconds that ist-operator gives a device at most. */
#define MAX_WAIT 3600

/* They are about the connection to the service, or about those in the tunnel, which are
 * others' as well. */
static const ProxyOption own_options[] = {
  PROXY_OPTION_CLIENT_TOKEN,
  PROXY_OPTION_CLIENT_TOKEN_FILE,
  PROXY_OPTION_PROXY_ENDPOINT,
  PROXY_OPTION_LOCAL_BIND_ADDRESS,
  PROXY_OPTION_NO_SSL_HOST_VERIFY,
  PROXY_OPTION_DESTINATION_CLIENT_TYPE,
  PROXY_OPTION_SETTINGS_JSON,
  PROXY_OPTION_CONNECTION_WAIT,
  PROXY_OPTION_HALF_CLOSE_GRACE,
  PROXY_OPTION_IDLE_TIMEOUT,
  PROXY_OPTION_STATUS,
};

/* How this program gets to the service, and whom it trusts; sockets that systemd has
 * opened for it. */
static const char *const own_variables[] = {
  "https_proxy",
  "HTTPS_PROXY",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "LISTEN_FDS",
};

static const char *
find_option (const ProxyOptions *options)
{
  const char *capath = proxy_options_get (options, PROXY_OPTION_CAPATH);
  guint wait = 1;

  for (gsize i = 0; i < G_N_ELEMENTS (own_options); i++)
    {
      if (proxy_options_get (options, own_options[i]) != NULL)
        return proxy_option_get_name (own_options[i]);
    }
  /* A folder. */
  if (capath != NULL && !g_file_test (capath, G_FILE_TEST_IS_REGULAR))
    return proxy_option_get_name (PROXY_OPTION_CAPATH);
  if (!proxy_options_get_number (options, PROXY_OPTION_WAIT, MAX_WAIT, &wait, NULL) || wait == 0)
    return proxy_option_get_name (PROXY_OPTION_WAIT);
  return NULL;
}

static const char *
find_variable (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (own_variables); i++)
    {
      const char *value = g_getenv (own_variables[i]);

      if (value != NULL && *value != '\0')
        return own_variables[i];
    }
  return NULL;
}

static gboolean
has_to_be_looked_up (const char *address)
{
  g_autoptr (GSocketConnectable) place = ist_address_parse (address, NULL, NULL);
  const char *host;

  if (!G_IS_NETWORK_ADDRESS (place))
    return FALSE;
  host = g_network_address_get_hostname (G_NETWORK_ADDRESS (place));
  return !g_hostname_is_ip_address (host) && g_ascii_strcasecmp (host, "localhost") != 0;
}

static const char *
find_address (GPtrArray *mappings)
{
  for (guint i = 0; i < mappings->len; i++)
    {
      const char *address = ((ProxyMapping *) g_ptr_array_index (mappings, i))->address;

      if (has_to_be_looked_up (address))
        return address;
    }
  return NULL;
}

char *
proxy_obstacle_find (const ProxyOptions *options,
                     GPtrArray *mappings)
{
  const char *found = find_option (options);

  if (found != NULL)
    return g_strdup_printf (_ ("%s was given, which only a tunnel of one's own can heed"), found);
  found = find_variable ();
  if (found != NULL)
    return g_strdup_printf (_ ("%s is set, which only a tunnel of one's own can heed"), found);
  found = find_address (mappings);
  if (found != NULL)
    return g_strdup_printf (_ ("“%s” has to be looked up"), found);
  return NULL;
}
