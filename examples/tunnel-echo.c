/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A destination that sends back whatever comes, until Ctrl-C; a source that sends a text, and shows what
 * comes back. */

#include "example.h"

#include <string.h>

#define ENOUGH (512 * 1024)

static const char *text = "hello";
static gsize pending; /* bytes on their way back */

static void
on_sent_back (GObject *object, GAsyncResult *result, gpointer size)
{
  IstSecureTunnel *tunnel = IST_SECURE_TUNNEL (object);
  g_autoptr (GError) error = NULL;

  /* Its stream has ended meanwhile, for example. The next one may fare better. */
  if (!ist_secure_tunnel_send_message_finish (tunnel, result, &error))
    g_print ("not sent back: %s\n", error->message);
  pending -= GPOINTER_TO_SIZE (size);
  if (pending <= ENOUGH)
    ist_secure_tunnel_resume (tunnel);
}

static void
send_back (IstSecureTunnel *tunnel, IstMessage *message)
{
  gsize size = g_bytes_get_size (ist_message_get_payload (message));

  pending += size;
  /* A source that does not read what comes back has to wait. */
  if (pending > ENOUGH)
    ist_secure_tunnel_pause (tunnel);
  ist_secure_tunnel_send_message_async (tunnel, message, NULL, on_sent_back, GSIZE_TO_POINTER (size));
}

static void
show_answer (IstSecureTunnel *tunnel, IstMessage *message)
{
  GBytes *payload = ist_message_get_payload (message);

  /* Bytes, without a zero at the end; what the peer calls text may be anything. */
  g_print ("came back: %.*s\n", (int) g_bytes_get_size (payload), (const char *) g_bytes_get_data (payload, NULL));
  ist_secure_tunnel_stop (tunnel);
}

/* The service drops what comes while the destination is absent. So asks until there is an answer. */
static gboolean
ask (gpointer tunnel)
{
  g_autoptr (GBytes) payload = g_bytes_new (text, strlen (text));
  g_autoptr (IstMessage) message = ist_message_new (example_get_service (), payload);
  g_autoptr (GError) error = NULL;
  g_autoptr (IstStreamInfo) stream = ist_secure_tunnel_start_stream (tunnel, example_get_service (), &error);

  if (stream == NULL || !ist_secure_tunnel_send_message (tunnel, message, &error))
    g_print ("not sent: %s\n", error->message);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (IstSecureTunnel) tunnel =
    example_new_tunnel (argc, argv, "A destination that sends back whatever comes; a source that sends a text.",
                        "[TEXT]", &text);
  gboolean asks = ist_secure_tunnel_get_mode (tunnel) == IST_MODE_SOURCE;

  g_signal_connect (tunnel, "message-received", asks ? G_CALLBACK (show_answer) : G_CALLBACK (send_back), NULL);
  if (asks)
    g_timeout_add_seconds (1, ask, tunnel);
  return example_run (tunnel);
}
