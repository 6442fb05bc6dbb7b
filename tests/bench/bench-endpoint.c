/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One end of tunnels for the benchmarks, which start one of each mode and give
 * them commands on standard input, a line each; every answer is a line that begins
 * with the command's name:
 *
 *   expect BYTES               answers when so many have been received
 *   send COUNT SIZE [BURST]    sends COUNT messages of SIZE bytes, through each tunnel and service in turn: as many
 *                              as are taken, or BURST and no more before these are written; answers when the last is
 *   echo                       from now on sends back every message
 *   ping COUNT                 sends a byte and awaits its echo; answers with the round trips in ns
 *
 * ISTBENCH_MODE, _ENDPOINT and _CA say what to connect to, _TOKENS with which tokens,
 * separated by commas, a tunnel each; _SERVICES are those of each, none if it is empty. */

#include <ist/ist.h>

#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  GMainLoop *loop;
  IstMode mode;
  char **tokens;
  GPtrArray *tunnels;
  guint connected;
  char **services;
  guint n_services;
  GDataInputStream *commands;
  GBytes *payload;
  guint64 next;
  guint64 left;
  guint64 burst;
  guint64 unfinished;
  guint64 received;
  guint64 expected;
  gboolean echo;
  GArray *round_trips;
  guint pings;
  gint64 ping_time;
} Bench;

static void add_tunnel (Bench *self);

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

/* Through the tunnels in turn, and then with their next service. */
static gboolean
send_next (Bench *self,
           GBytes *payload,
           GError **error)
{
  guint64 round = self->next / self->tunnels->len;
  IstSecureTunnel *tunnel = g_ptr_array_index (self->tunnels, self->next % self->tunnels->len);
  const char *service = self->n_services > 0 ? self->services[round % self->n_services] : NULL;
  g_autoptr (IstMessage) message = ist_message_new (service, payload);

  if (!ist_secure_tunnel_send_message (tunnel, message, error))
    return FALSE;
  self->next++;
  return TRUE;
}

static void
send_more (Bench *self)
{
  while (self->left > 0 && self->unfinished < self->burst)
    {
      g_autoptr (GError) error = NULL;

      if (!send_next (self, self->payload, &error))
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
  if (self->unfinished > 0)
    return;
  if (self->left == 0)
    answer ("send");
  else
    send_more (self);
}

static void
on_queue_changed (IstSecureTunnel *tunnel,
                  GParamSpec *pspec,
                  Bench *self)
{
  /* The rest of a burst follows when all of it is written. */
  if (self->burst == G_MAXUINT64)
    send_more (self);
}

static void
send_ping (Bench *self)
{
  g_autoptr (GBytes) byte = g_bytes_new_static ("x", 1);
  g_autoptr (GError) error = NULL;

  self->ping_time = now_ns ();
  if (!send_next (self, byte, &error))
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
      g_autoptr (IstMessage) reply = ist_message_new (ist_message_get_service_id (message), payload);

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
  guint64 burst = size > 0 && words[3] != NULL ? g_ascii_strtoull (words[3], NULL, 10) : G_MAXUINT64;

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
      self->burst = burst;
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
on_failure (IstSecureTunnel *tunnel,
            const GError *error,
            gboolean will_retry,
            Bench *self)
{
  fail (error);
}

static void
on_connected (IstSecureTunnel *tunnel,
              const char *const *service_ids,
              Bench *self)
{
  guint i;

  for (i = 0; self->mode == IST_MODE_SOURCE && i < MAX (self->n_services, 1); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (IstStreamInfo) info = ist_secure_tunnel_start_stream (tunnel, self->services[i], &error);

      if (info == NULL)
        fail (error);
    }
  self->connected++;
  if (self->connected < self->tunnels->len)
    return;
  if (self->tokens[self->connected] != NULL)
    {
      add_tunnel (self);
      return;
    }
  answer ("connected");
  g_data_input_stream_read_line_async (self->commands, G_PRIORITY_DEFAULT, NULL, on_line, self);
}

/* One after the other: a thousand handshakes at once would be another benchmark. */
static void
add_tunnel (Bench *self)
{
  IstSecureTunnel *tunnel = g_object_new (IST_TYPE_SECURE_TUNNEL,
                                          "mode", self->mode,
                                          "access-token", self->tokens[self->tunnels->len],
                                          "endpoint", g_getenv ("ISTBENCH_ENDPOINT"),
                                          "ca-file", g_getenv ("ISTBENCH_CA"),
                                          NULL);
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (self->tunnels, tunnel);
  g_signal_connect (tunnel, "connection-success", G_CALLBACK (on_connected), self);
  g_signal_connect (tunnel, "connection-failure", G_CALLBACK (on_failure), self);
  g_signal_connect (tunnel, "message-received", G_CALLBACK (on_message), self);
  g_signal_connect (tunnel, "send-data-complete", G_CALLBACK (on_sent), self);
  g_signal_connect (tunnel, "notify::queued-bytes", G_CALLBACK (on_queue_changed), self);
  if (!ist_secure_tunnel_start (tunnel, &error))
    fail (error);
}

int
main (void)
{
  Bench self = { 0 };
  g_autoptr (GInputStream) input = g_unix_input_stream_new (STDIN_FILENO, FALSE);

  self.loop = g_main_loop_new (NULL, FALSE);
  self.mode = g_str_equal (g_getenv ("ISTBENCH_MODE"), "source") ? IST_MODE_SOURCE : IST_MODE_DESTINATION;
  self.tokens = g_strsplit (g_getenv ("ISTBENCH_TOKENS"), ",", -1);
  self.services = g_strsplit (g_getenv ("ISTBENCH_SERVICES"), ",", -1);
  self.n_services = g_strv_length (self.services);
  self.tunnels = g_ptr_array_new_with_free_func (g_object_unref);
  self.commands = g_data_input_stream_new (input);
  self.round_trips = g_array_new (FALSE, FALSE, sizeof (gint64));
  add_tunnel (&self);
  g_main_loop_run (self.loop);

  g_ptr_array_unref (self.tunnels);
  g_object_unref (self.commands);
  g_clear_pointer (&self.payload, g_bytes_unref);
  g_array_unref (self.round_trips);
  g_strfreev (self.services);
  g_strfreev (self.tokens);
  g_main_loop_unref (self.loop);
  return 0;
}
