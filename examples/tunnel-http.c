/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A destination that is a web server, until Ctrl-C; a source that asks it for a path. Nobody else can: there
 * is no port. */

#include "example.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <libsoup/soup.h>

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user_data)
{
  g_autofree char *body = g_strdup_printf ("You asked for %s\n", path);

  g_print ("%s %s\n", soup_server_message_get_method (message), path);
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_COPY, body, strlen (body));
}

/* A connection is a stream, and that is all that a server needs, but for addresses to show. True: it was taken. */
static gboolean
on_incoming_connection (IstSecureTunnel *tunnel, IstConnection *connection, gpointer server)
{
  g_autoptr (GSocketAddress) nowhere = g_inet_socket_address_new_from_string ("0.0.0.0", 0);

  return soup_server_accept_iostream (server, G_IO_STREAM (connection), nowhere, nowhere, NULL);
}

static void
on_answer (GObject *session, GAsyncResult *result, gpointer tunnel)
{
  SoupMessage *message = soup_session_get_async_result_message (SOUP_SESSION (session), result);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = soup_session_send_and_read_finish (SOUP_SESSION (session), result, &error);

  if (body == NULL)
    {
      example_fail (tunnel, error);
      return;
    }
  g_print ("%u %s\n", soup_message_get_status (message), soup_message_get_reason_phrase (message));
  g_print ("%.*s\n", (int) g_bytes_get_size (body), (const char *) g_bytes_get_data (body, NULL));
  ist_secure_tunnel_stop (tunnel);
}

int
main (int argc, char **argv)
{
  const char *path = "/";
  g_autoptr (IstSecureTunnel) tunnel =
    example_new_tunnel (argc, argv, "A destination that is a web server; a source that asks it for a path.",
                        "[PATH]", &path);
  g_autoptr (IstForwarder) forwarder = ist_forwarder_new (tunnel);
  g_autoptr (SoupServer) server = soup_server_new (NULL, NULL);
  /* Clients of libsoup connect by themselves. In a folder that is ours alone, they can, with a forwarder. */
  g_autofree char *folder = g_dir_make_tmp ("tunnel-http-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "http", NULL);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (file);
  g_autoptr (SoupSession) session =
    soup_session_new_with_options ("remote-connectable", address, "timeout", 10, NULL);
  g_autofree char *uri = g_strconcat ("http://device", path, NULL);
  g_autoptr (SoupMessage) message = soup_message_new ("GET", uri);
  int status;

  soup_server_add_handler (server, NULL, on_request, NULL, NULL);
  g_signal_connect (tunnel, "incoming-connection", G_CALLBACK (on_incoming_connection), server);
  if (ist_secure_tunnel_get_mode (tunnel) == IST_MODE_SOURCE &&
      ist_forwarder_listen (forwarder, example_get_service (), file, NULL, NULL) != 0)
    soup_session_send_and_read_async (session, message, G_PRIORITY_DEFAULT, NULL, on_answer, tunnel);
  status = example_run (tunnel);
  ist_forwarder_close (forwarder);
  g_rmdir (folder);
  return status;
}
