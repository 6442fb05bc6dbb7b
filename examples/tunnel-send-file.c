/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A source that sends a file to tunnel-receive-file.py, which says how they talk. */

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>
#include <ist/ist.h>

#define CHUNK (256 * 1024)
#define IN_FLIGHT 3 /* one is being written, the others wait for room */

static char *endpoint, *ca_file, *service;
static const GOptionEntry options[] = {
  { "endpoint", 0, 0, G_OPTION_ARG_STRING, &endpoint, "Where to connect", "HOST[:PORT]" },
  { "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &ca_file, "Certificate authorities to trust", "FILE" },
  { "service", 0, 0, G_OPTION_ARG_STRING, &service, "Service (default: the only one)", "ID" },
  { NULL },
};
static GBytes *file;
static GChecksum *digest; /* of what was sent */
static GString *answer;
static gsize offset; /* of the next chunk */
static gboolean sending, delivered;

/* Sends a chunk, and one more whenever one is written: that is the back-pressure. */
static void
send_chunk (GObject *object, GAsyncResult *result, gpointer user_data)
{
  gsize size = g_bytes_get_size (file);
  gsize length = MIN (CHUNK, size - offset);
  gsize twentieths = size > 0 ? offset * 20 / size : 20;
  g_autoptr (GBytes) chunk = g_bytes_new_from_bytes (file, offset, length);
  g_autoptr (IstMessage) message = ist_message_new (service, chunk);
  gboolean in_place = isatty (STDOUT_FILENO);

  if (result != NULL && !ist_secure_tunnel_send_message_finish (IST_SECURE_TUNNEL (object), result, NULL))
    sending = FALSE; /* a signal tells why */
  if (!sending || length == 0)
    return;
  ist_secure_tunnel_send_message_async (IST_SECURE_TUNNEL (object), message, NULL, send_chunk, NULL);
  g_checksum_update (digest, g_bytes_get_data (chunk, NULL), length);
  offset += length;
  if (offset * 20 / size > twentieths)
    g_print ("%ssent %3u %% of %.1f MB%s", in_place ? "\r" : "", (guint) (offset * 20 / size * 5), size / 1e6,
             in_place && offset < size ? "" : "\n");
}

/* The service drops what comes while the destination is absent: asks until it answers. */
static gboolean
ask (gpointer tunnel)
{
  g_autofree char *text = g_strdup_printf ("SIZE %" G_GSIZE_FORMAT "\n", g_bytes_get_size (file));
  g_autoptr (GBytes) payload = g_bytes_new (text, strlen (text));
  g_autoptr (IstMessage) message = ist_message_new (service, payload);
  g_autoptr (IstStreamInfo) stream = NULL;
  g_autoptr (GError) error = NULL;

  if (sending || delivered || ist_secure_tunnel_get_state (tunnel) != IST_TUNNEL_STATE_CONNECTED)
    return G_SOURCE_CONTINUE;
  g_string_truncate (answer, 0);
  stream = ist_secure_tunnel_start_stream (tunnel, service, &error);
  if (stream != NULL && ist_secure_tunnel_send_message (tunnel, message, &error))
    return G_SOURCE_CONTINUE;
  g_printerr ("%s\n", error->message);
  ist_secure_tunnel_stop (tunnel);
  return G_SOURCE_CONTINUE;
}

static void
on_message_received (IstSecureTunnel *tunnel, IstMessage *message)
{
  GBytes *payload = ist_message_get_payload (message);

  g_string_append_len (answer, g_bytes_get_data (payload, NULL), g_bytes_get_size (payload));
  if (!g_str_has_suffix (answer->str, "\n"))
    return;
  g_print ("the destination answers %s", answer->str);
  if (g_str_equal (answer->str, "GO\n"))
    {
      sending = TRUE;
      offset = 0;
      g_checksum_reset (digest);
      for (guint i = 0; i < IN_FLIGHT; i++)
        send_chunk (G_OBJECT (tunnel), NULL, NULL);
    }
  else
    {
      delivered = g_str_equal (g_strchomp (answer->str), g_checksum_get_string (digest));
      g_print (delivered ? "delivered\n" : "that is not what was sent\n");
      ist_secure_tunnel_stop (tunnel);
    }
  g_string_truncate (answer, 0);
}

static void
on_connection_success (IstSecureTunnel *tunnel, char **service_ids)
{
  g_autofree char *services = g_strjoinv (", ", service_ids);

  g_print ("connected, services: %s\n", services);
  ask (tunnel);
}

/* For connection-failure and connection-shutdown. */
static void
on_disconnected (IstSecureTunnel *tunnel, const GError *error)
{
  g_print ("disconnected: %s\n", error != NULL ? error->message : "stopped");
}

static void
on_stream_stopped (IstSecureTunnel *tunnel, IstStreamInfo *info, const GError *error)
{
  sending = FALSE;
  g_print ("stream %d stopped: %s\n", ist_stream_info_get_stream_id (info), error->message);
}

static gboolean
on_interrupt (gpointer tunnel)
{
  ist_secure_tunnel_stop (tunnel);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE");
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (IstSecureTunnel) tunnel = NULL;
  g_autoptr (GMappedFile) mapped = NULL;
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  g_option_context_set_summary (context, "The access token comes from AWSIOT_TUNNEL_ACCESS_TOKEN.");
  g_option_context_add_main_entries (context, options, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error) && argc == 2)
    mapped = g_mapped_file_new (argv[1], FALSE, &error);
  tunnel = g_object_new (IST_TYPE_SECURE_TUNNEL,
                         "mode", IST_MODE_SOURCE,
                         "access-token", g_getenv ("AWSIOT_TUNNEL_ACCESS_TOKEN"),
                         "endpoint", endpoint,
                         "ca-file", ca_file,
                         NULL);
  if (mapped == NULL || !ist_secure_tunnel_start (tunnel, &error))
    {
      g_printerr ("%s\n", error != NULL ? error->message : "One file, please; see --help");
      return EXIT_FAILURE;
    }
  file = g_mapped_file_get_bytes (mapped);
  digest = g_checksum_new (G_CHECKSUM_SHA256);
  answer = g_string_new (NULL);

  g_signal_connect (tunnel, "connection-success", G_CALLBACK (on_connection_success), NULL);
  g_signal_connect (tunnel, "connection-failure", G_CALLBACK (on_disconnected), NULL);
  g_signal_connect (tunnel, "connection-shutdown", G_CALLBACK (on_disconnected), NULL);
  g_signal_connect (tunnel, "message-received", G_CALLBACK (on_message_received), NULL);
  g_signal_connect (tunnel, "stream-stopped", G_CALLBACK (on_stream_stopped), NULL);
  g_signal_connect_swapped (tunnel, "stopped", G_CALLBACK (g_main_loop_quit), loop);
  g_unix_signal_add (SIGINT, on_interrupt, tunnel);
  g_timeout_add_seconds (1, ask, tunnel);
  g_main_loop_run (loop);

  return delivered ? EXIT_SUCCESS : EXIT_FAILURE;
}
