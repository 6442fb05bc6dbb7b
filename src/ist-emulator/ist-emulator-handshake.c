/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-handshake-private.h"

#include <string.h>

#include "common/ist-names-private.h"

#define MAX_REQUEST 4096 /* bytes */

#define ACCESS_TOKEN_HEADER "access-token"
#define ACCESS_TOKEN_COOKIE "awsiot-tunnel-token"
#define CLIENT_TOKEN_HEADER "client-token"

/* The first one that the client asked for is taken. */
static const char *const subprotocols[] = {
  IST_SUBPROTOCOLS,
  /* As AWS's sample for browsers spells it. */
  "aws.iot.securedtunneling-1.0",
  NULL,
};

void
ist_emulator_handshake_clear (IstEmulatorHandshake *self)
{
  g_clear_pointer (&self->access_token, g_free);
  g_clear_pointer (&self->client_token, g_free);
}

static gboolean
handshake_set_refused (GError **error,
                       const char *reason)
{
  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_REFUSED, reason);
  return FALSE;
}

/* As the client must have sent it: a line each for the request and every header,
 * and an empty one. */
static gsize
handshake_get_request_size (SoupServerMessage *message)
{
  g_autofree char *uri = g_uri_to_string (soup_server_message_get_uri (message));
  SoupMessageHeadersIter iter;
  const char *name;
  const char *value;
  const char *path = strstr (uri, "://");
  gsize size = strlen (soup_server_message_get_method (message)) + strlen ("  HTTP/1.1\r\n\r\n");

  path = path != NULL ? strchr (path + 3, '/') : uri;
  size += path != NULL ? strlen (path) : 1;
  soup_message_headers_iter_init (&iter, soup_server_message_get_request_headers (message));
  while (soup_message_headers_iter_next (&iter, &name, &value))
    size += strlen (name) + strlen (": ") + strlen (value) + strlen ("\r\n");
  return size;
}

static gboolean
handshake_parse_mode (GUri *uri,
                      IstMode *mode,
                      GError **error)
{
  g_autoptr (GHashTable) query = NULL;
  const char *value;

  if (g_uri_get_query (uri) == NULL)
    return handshake_set_refused (error, "Missing query parameter: local-proxy-mode");

  query = g_uri_parse_params (g_uri_get_query (uri), -1, "&", G_URI_PARAMS_NONE, NULL);
  value = query != NULL ? g_hash_table_lookup (query, "local-proxy-mode") : NULL;
  if (g_strcmp0 (value, "source") == 0)
    *mode = IST_MODE_SOURCE;
  else if (g_strcmp0 (value, "destination") == 0)
    *mode = IST_MODE_DESTINATION;
  else
    return handshake_set_refused (error, "Invalid query parameter: local-proxy-mode must be source or destination");

  return TRUE;
}

static void
handshake_take_cookies (const char *header,
                        GPtrArray *tokens)
{
  g_auto (GStrv) cookies = g_strsplit (header, ";", -1);

  for (guint i = 0; cookies[i] != NULL; i++)
    {
      const char *cookie = g_strstrip (cookies[i]);

      if (g_str_has_prefix (cookie, ACCESS_TOKEN_COOKIE "="))
        g_ptr_array_add (tokens, g_strdup (cookie + strlen (ACCESS_TOKEN_COOKIE "=")));
    }
}

static gboolean
handshake_parse_tokens (IstEmulatorHandshake *self,
                        SoupMessageHeaders *headers,
                        GError **error)
{
  g_autoptr (GPtrArray) access_tokens = g_ptr_array_new_with_free_func (g_free);
  guint n_client_tokens = 0;
  SoupMessageHeadersIter iter;
  const char *name;
  const char *value;

  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &value))
    {
      if (g_ascii_strcasecmp (name, ACCESS_TOKEN_HEADER) == 0)
        g_ptr_array_add (access_tokens, g_strdup (value));
      else if (g_ascii_strcasecmp (name, "Cookie") == 0)
        handshake_take_cookies (value, access_tokens);
      else if (g_ascii_strcasecmp (name, CLIENT_TOKEN_HEADER) == 0)
        {
          n_client_tokens++;
          g_free (self->client_token);
          self->client_token = g_strdup (value);
        }
    }

  if (access_tokens->len == 0)
    return handshake_set_refused (error, "Missing access token");
  if (access_tokens->len > 1)
    return handshake_set_refused (error, "Invalid access token: The request must have exactly one");
  if (n_client_tokens > 1)
    return handshake_set_refused (error, "Invalid client token: The request must have at most one");
  if (self->client_token != NULL && !ist_client_token_is_valid (self->client_token))
    return handshake_set_refused (error, "Invalid client token: It must match ^" IST_CLIENT_TOKEN_PATTERN "$");

  self->access_token = g_strdup (g_ptr_array_index (access_tokens, 0));
  return TRUE;
}

gboolean
ist_emulator_handshake_parse (IstEmulatorHandshake *self,
                              SoupServerMessage *message,
                              GError **error)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  g_autoptr (GError) local_error = NULL;

  if (handshake_get_request_size (message) > MAX_REQUEST)
    return handshake_set_refused (error, "Request too large");
  if (!handshake_parse_mode (soup_server_message_get_uri (message), &self->mode, error))
    return FALSE;
  if (!soup_websocket_server_check_handshake (message, NULL, (char **) subprotocols, NULL, &local_error))
    return handshake_set_refused (error, local_error->message);
  if (soup_message_headers_get_list (headers, "Sec-WebSocket-Protocol") == NULL)
    return handshake_set_refused (error, "Missing WebSocket subprotocol");
  return handshake_parse_tokens (self, headers, error);
}

gboolean
ist_emulator_handshake_accept (SoupServerMessage *message,
                               gboolean omit_subprotocol)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  g_autofree char *channel_id = g_uuid_string_random ();

  if (!soup_websocket_server_process_handshake (message, NULL, (char **) subprotocols, NULL, NULL))
    return FALSE;

  soup_message_headers_replace (headers, "channel-id", channel_id);
  if (omit_subprotocol)
    soup_message_headers_remove (headers, "Sec-WebSocket-Protocol");
  return TRUE;
}

void
ist_emulator_handshake_refuse (SoupServerMessage *message,
                               guint status,
                               const char *reason)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  g_autofree char *channel_id = g_uuid_string_random ();

  soup_server_message_set_status (message, status, NULL);
  soup_message_headers_replace (headers, "channel-id", channel_id);
  soup_message_headers_replace (headers, "X-Status-Reason", reason);
  soup_server_message_set_response (message, "text/plain; charset=utf-8",
                                    SOUP_MEMORY_COPY, reason, strlen (reason));
}
