/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common/ist-address-private.h"

#include <string.h>
#include <sys/un.h>

static gboolean
parse_port (const char *address,
            const char *text,
            guint16 *port,
            GError **error)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT16, &number, NULL))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "“%s” is no address: it does not end in a port, a number up to %u", address, G_MAXUINT16);
      return FALSE;
    }
  *port = number;
  return TRUE;
}

static GSocketConnectable *
parse_path (const char *address,
            const char *path,
            GError **error)
{
  struct sockaddr_un native;

  if (*path == '\0' || strlen (path) >= sizeof native.sun_path)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "“%s” can't be a Unix socket: its path must have 1 to %" G_GSIZE_FORMAT " bytes", address,
                   sizeof native.sun_path - 1);
      return NULL;
    }
  return G_SOCKET_CONNECTABLE (g_unix_socket_address_new (path));
}

static gboolean
is_ipv6 (const char *host)
{
  g_autofree char *without_scope = g_strndup (host, strcspn (host, "%"));
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (without_scope);

  return address != NULL && g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6;
}

/* The host of "host:port" or "[v6]:port"; @port_text is what comes after it. */
static char *
split_host (const char *address,
            const char **port_text,
            GError **error)
{
  g_autofree char *host = NULL;
  const char *end;

  if (*address == '[')
    {
      end = strchr (address, ']');
      if (end != NULL && end[1] == ':')
        {
          host = g_strndup (address + 1, end - address - 1);
          *port_text = end + 2;
          if (is_ipv6 (host))
            return g_steal_pointer (&host);
        }
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "“%s” is no address: [IPv6 address]:port is expected after a bracket", address);
      return NULL;
    }

  end = strrchr (address, ':');
  if (end == address || memchr (address, ':', end - address) != NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   end == address ? "“%s” is no address: there is no host before the port"
                                  : "“%s” is no address: IPv6 addresses are written as [address]:port",
                   address);
      return NULL;
    }
  *port_text = end + 1;
  return g_strndup (address, end - address);
}

GSocketConnectable *
ist_address_parse (const char *address,
                   const char *default_host,
                   GError **error)
{
  g_autofree char *host = NULL;
  const char *port_text = address;
  guint16 port;

  if (*address == '/')
    return parse_path (address, address, error);
  if (g_str_has_prefix (address, "unix:"))
    return parse_path (address, address + strlen ("unix:"), error);

  if (strchr (address, ':') == NULL)
    host = g_strdup (default_host);
  else if ((host = split_host (address, &port_text, error)) == NULL)
    return NULL;
  if (!parse_port (address, port_text, &port, error))
    return NULL;
  if (host == NULL)
    return g_network_address_new_loopback (port);
  return g_network_address_new (host, port);
}

char *
ist_address_describe (GSocketConnectable *place,
                      guint port)
{
  const char *host;

  if (G_IS_UNIX_SOCKET_ADDRESS (place))
    return g_canonicalize_filename (g_unix_socket_address_get_path (G_UNIX_SOCKET_ADDRESS (place)), NULL);
  host = g_network_address_get_hostname (G_NETWORK_ADDRESS (place));
  if (port == 0)
    port = g_network_address_get_port (G_NETWORK_ADDRESS (place));
  return g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
}
