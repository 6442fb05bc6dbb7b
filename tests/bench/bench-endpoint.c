/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One end of a tunnel for bench.py, which starts one of each mode and gives them
 * commands on standard input, a line each; every answer is a line that begins
 * with the command's name:
 *
 *   expect BYTES         answers when so many have been received
 *   send COUNT SIZE      sends COUNT messages of SIZE bytes; answers when the last is written
 *   echo                 from now on sends back every message
 *   ping COUNT           sends a byte and awaits its echo; answers with the round trips in ns
 *
 * ISTBENCH_MODE, _ENDPOINT, _CA and _TOKEN say what to connect to. */

#include <ist/ist.h>

#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  GMainLoop *loop;
  IstSecureTunnel *tunnel;
  GDataInputStream *commands;
  GBytes *payload;
  guint left;
  guint unfinished;
  guint64 received;
  guint64 expected;
  gboolean echo;
  GArray *round_trips;
  guint pings;
  gint64 ping_time;
} Bench;

static gint64
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static void
answer (const char *line)
{
  printf ("%s\n", line);
  fflush (stdout);
}

static void
fail (const GError *error)
{
  fprintf (stderr, "bench-endpoint: %s\n", error->message);
  exit (1);
}

static void
send_more (Bench *self)
{
  while (self->left > 0)
    {
      g_autoptr (IstMessage) message = ist_message_new ("BENCH", self->payload);
      g_autoptr (GError) error = NULL;

      if (!ist_secure_tunnel_send_message (self->tunnel, message, &error))
        {
          if (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_WOULD_BLOCK))
            return;
          fail (error);
        }
      self->left--;
      self->unfinished++;
    }
}

static void
on_sent (IstSecureTunnel *tunnel,
         IstMessage *message,
         const GError *error,
         Bench *self)
{
  if (error != NULL)
    fail (error);
  if (self->unfinished == 0)
    return;
  self->unfinished--;
  if (self->left == 0 && self->unfinished == 0)
    answer ("send");
}

static void
on_queue_changed (IstSecureTunnel *tunnel,
                  GParamSpec *pspec,
                  Bench *self)
{
  send_more (self);
}

static void
send_ping (Bench *self)
{
  g_autoptr (GBytes) byte = g_bytes_new_static ("x", 1);
  g_autoptr (IstMessage) message = ist_message_new ("BENCH", byte);
  g_autoptr (GError) error = NULL;

  self->ping_time = now_ns ();
  if (!ist_secure_tunnel_send_message (self->tunnel, message, &error))
    fail (error);
}

static void
on_pong (Bench *self)
{
  gint64 round_trip = now_ns () - self->ping_time;
  GString *line;
  guint i;

  g_array_append_val (self->round_trips, round_trip);
  if (self->round_trips->len < self->pings)
    {
      send_ping (self);
      return;
    }
  line = g_string_new ("ping");
  for (i = 0; i < self->round_trips->len; i++)
    g_string_append_printf (line, " %" G_GINT64_FORMAT, g_array_index (self->round_trips, gint64, i));
  self->pings = 0;
  answer (line->str);
  g_string_free (line, TRUE);
}

static void
on_message (IstSecureTunnel *tunnel,
            IstMessage *message,
            Bench *self)
{
  GBytes *payload = ist_message_get_payload (message);
  g_autoptr (GError) error = NULL;

  if (self->echo)
    {
      g_autoptr (IstMessage) reply = ist_message_new ("BENCH", payload);

      if (!ist_secure_tunnel_send_message (tunnel, reply, &error))
        fail (error);
      return;
    }
  if (self->pings > 0)
    {
      on_pong (self);
      return;
    }
  self->received += g_bytes_get_size (payload);
  if (self->expected > 0 && self->received >= self->expected)
    {
      self->received -= self->expected;
      self->expected = 0;
      answer ("expect");
    }
}

static void
run_command (Bench *self,
             const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  guint64 count = words[0] != NULL && words[1] != NULL ? g_ascii_strtoull (words[1], NULL, 10) : 0;
  guint64 size = count > 0 && words[2] != NULL ? g_ascii_strtoull (words[2], NULL, 10) : 0;

  if (g_str_equal (words[0], "expect"))
    {
      self->expected = count;
      self->echo = FALSE;
    }
  else if (g_str_equal (words[0], "send"))
    {
      g_clear_pointer (&self->payload, g_bytes_unref);
      self->payload = g_bytes_new_take (g_malloc0 (size), size);
      self->left = count;
      send_more (self);
    }
  else if (g_str_equal (words[0], "echo"))
    {
      self->echo = TRUE;
      answer ("echo");
    }
  else if (g_str_equal (words[0], "ping"))
    {
      g_array_set_size (self->round_trips, 0);
      self->pings = count;
      send_ping (self);
    }
}

static void
on_line (GObject *source,
         GAsyncResult *result,
         gpointer user_data)
{
  Bench *self = user_data;
  g_autofree char *line = g_data_input_stream_read_line_finish (self->commands, result, NULL, NULL);

  if (line == NULL)
    {
      g_main_loop_quit (self->loop);
      return;
    }
  run_command (self, line);
  g_data_input_stream_read_line_async (self->commands, G_PRIORITY_DEFAULT, NULL, on_line, self);
}

static void
on_connected (IstSecureTunnel *tunnel,
              const char *const *service_ids,
              Bench *self)
{
  g_autoptr (IstStreamInfo) info = NULL;
  g_autoptr (GError) error = NULL;
  IstMode mode;

  g_object_get (tunnel, "mode", &mode, NULL);
  if (mode == IST_MODE_SOURCE)
    {
      info = ist_secure_tunnel_start_stream (tunnel, "BENCH", &error);
      if (info == NULL)
        fail (error);
    }
  answer ("connected");
  g_data_input_stream_read_line_async (self->commands, G_PRIORITY_DEFAULT, NULL, on_line, self);
}

static void
on_failure (IstSecureTunnel *tunnel,
            const GError *error,
            gboolean will_retry,
            Bench *self)
{
  fail (error);
}

int
main (void)
{
  Bench self = { 0 };
  gboolean is_source = g_str_equal (g_getenv ("ISTBENCH_MODE"), "source");
  g_autoptr (GInputStream) input = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  g_autoptr (GError) error = NULL;

  self.loop = g_main_loop_new (NULL, FALSE);
  self.commands = g_data_input_stream_new (input);
  self.round_trips = g_array_new (FALSE, FALSE, sizeof (gint64));
  self.tunnel = g_object_new (IST_TYPE_SECURE_TUNNEL,
                              "mode", is_source ? IST_MODE_SOURCE : IST_MODE_DESTINATION,
                              "access-token", g_getenv ("ISTBENCH_TOKEN"),
                              "endpoint", g_getenv ("ISTBENCH_ENDPOINT"),
                              "ca-file", g_getenv ("ISTBENCH_CA"),
                              NULL);
  g_signal_connect (self.tunnel, "connection-success", G_CALLBACK (on_connected), &self);
  g_signal_connect (self.tunnel, "connection-failure", G_CALLBACK (on_failure), &self);
  g_signal_connect (self.tunnel, "message-received", G_CALLBACK (on_message), &self);
  g_signal_connect (self.tunnel, "send-data-complete", G_CALLBACK (on_sent), &self);
  g_signal_connect (self.tunnel, "notify::queued-bytes", G_CALLBACK (on_queue_changed), &self);
  if (!ist_secure_tunnel_start (self.tunnel, &error))
    fail (error);
  g_main_loop_run (self.loop);

  g_object_unref (self.tunnel);
  g_object_unref (self.commands);
  g_clear_pointer (&self.payload, g_bytes_unref);
  g_array_unref (self.round_trips);
  g_main_loop_unref (self.loop);
  return 0;
}
