/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The echo once more, in C++, with the headers for C and nothing between. */

#include "example.h"

#include <string>

class Echo
{
public:
  Echo (IstSecureTunnel *tunnel, const char *text) : tunnel (tunnel), text (text)
  {
    /* A lambda that captures nothing is a function. What is connected with comes last. */
    if (ist_secure_tunnel_get_mode (tunnel) == IST_MODE_DESTINATION)
      {
        auto on_message = [] (IstSecureTunnel *, IstMessage *message, Echo *self) { self->send (message); };
        g_signal_connect (tunnel, "message-received", G_CALLBACK (+on_message), this);
      }
    else
      {
        auto on_message = [] (IstSecureTunnel *, IstMessage *message, Echo *self) { self->show (message); };
        g_signal_connect (tunnel, "message-received", G_CALLBACK (+on_message), this);
        /* The service drops what comes while the destination is absent. So asks until there is an answer. */
        g_timeout_add_seconds (1, [] (gpointer self) { return static_cast<Echo *> (self)->ask (); }, this);
      }
  }

private:
  void send (IstMessage *message)
  {
    g_autoptr (GError) error = nullptr;

    if (!ist_secure_tunnel_send_message (tunnel, message, &error))
      g_print ("not sent: %s\n", error->message);
  }

  void show (IstMessage *message)
  {
    gsize size;
    auto data = g_bytes_get_data (ist_message_get_payload (message), &size);

    /* Bytes, without a zero at the end. */
    g_print ("came back: %s\n", std::string (static_cast<const char *> (data), size).c_str ());
    ist_secure_tunnel_stop (tunnel);
  }

  gboolean ask ()
  {
    g_autoptr (GBytes) payload = g_bytes_new (text.data (), text.size ());
    g_autoptr (IstMessage) message = ist_message_new (example_get_service (), payload);
    g_autoptr (IstStreamInfo) stream = ist_secure_tunnel_start_stream (tunnel, example_get_service (), nullptr);

    if (stream != nullptr)
      send (message);
    return G_SOURCE_CONTINUE;
  }

  IstSecureTunnel *tunnel;
  std::string text;
};

int
main (int argc, char **argv)
{
  const char *text = "hello";
  g_autoptr (IstSecureTunnel) tunnel =
    example_new_tunnel (argc, argv, "A destination that sends back whatever comes; a source that sends a text.",
                        "[TEXT]", &text);
  Echo echo (tunnel, text);

  return example_run (tunnel);
}
