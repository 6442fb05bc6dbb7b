/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Shows everything that happens in a tunnel, until Ctrl-C. */

#include "example.h"

/* For stream-started and connection-started; and for most other signals: a handler may leave out
 * arguments at the end, but for @user_data, which these have the signal's name in. */
static void
on_started (IstSecureTunnel *tunnel, IstStreamInfo *info, gpointer what)
{
  g_autofree char *text = ist_stream_info_to_string (info);

  g_print ("%s: %s\n", (const char *) what, text);
}

/* For stream-stopped and connection-reset. Without an error it was the peer that ended it. */
static void
on_ended (IstSecureTunnel *tunnel, IstStreamInfo *info, const GError *error, gpointer what)
{
  g_autofree char *text = ist_stream_info_to_string (info);

  g_print ("%s: %s: %s\n", (const char *) what, text, error != NULL ? error->message : "by the peer");
}

static void
on_message_received (IstSecureTunnel *tunnel, IstMessage *message)
{
  /* Its size and where it belongs, never what is in it. */
  g_autofree char *text = ist_message_to_string (message);

  g_print ("received %s\n", text);
}

static void
on_send_data_complete (IstSecureTunnel *tunnel, IstMessage *message)
{
  g_autofree char *text = ist_message_to_string (message);

  g_print ("sent %s\n", text);
}

/* For whatever has nothing more to tell; and for properties, which tell that they have changed. */
static void
on_change (IstSecureTunnel *tunnel)
{
  g_print ("state %d, round trip %" G_GINT64_FORMAT " us, %" G_GUINT64_FORMAT " messages in\n",
           ist_secure_tunnel_get_state (tunnel),
           ist_secure_tunnel_get_round_trip_time_us (tunnel),
           ist_secure_tunnel_get_messages_in (tunnel));
}

int
main (int argc, char **argv)
{
  /* Each event is a signal; example.c has those that tell whether the tunnel is connected. */
  g_autoptr (IstSecureTunnel) tunnel =
    example_new_tunnel (argc, argv, "Shows everything that happens in a tunnel, until Ctrl-C.", NULL, NULL);

  g_signal_connect (tunnel, "stream-started", G_CALLBACK (on_started), (gpointer) "stream started");
  g_signal_connect (tunnel, "stream-stopped", G_CALLBACK (on_ended), (gpointer) "stream stopped");
  g_signal_connect (tunnel, "connection-started", G_CALLBACK (on_started), (gpointer) "connection started");
  g_signal_connect (tunnel, "connection-reset", G_CALLBACK (on_ended), (gpointer) "connection reset");
  g_signal_connect (tunnel, "message-received", G_CALLBACK (on_message_received), NULL);
  g_signal_connect (tunnel, "send-data-complete", G_CALLBACK (on_send_data_complete), NULL);
  g_signal_connect (tunnel, "session-reset", G_CALLBACK (on_change), NULL);
  g_signal_connect (tunnel, "notify::state", G_CALLBACK (on_change), NULL);
  g_signal_connect (tunnel, "notify::round-trip-time-us", G_CALLBACK (on_change), NULL);
  return example_run (tunnel);
}
