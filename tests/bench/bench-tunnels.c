/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Many tunnels of one process. Takes commands on standard input, a line each, and
 * answers each with a line:
 *
 *   start TOKEN...   starts a source for each token, all at once; once the last is
 *                    connected: "connected SECONDS"
 *
 * ISTBENCH_ENDPOINT and _CA say what to connect to. The first failure ends it. */

#include <ist/ist.h>

#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct
{
  GMainLoop *loop;
  GDataInputStream *commands;
  GPtrArray *tunnels;
  guint connecting;
  gint64 started;
} Bench;

static void
fail (const GError *error)
{
  fprintf (stderr, "bench-tunnels: %s\n", error->message);
  exit (1);
}

static void
on_connected (IstSecureTunnel *tunnel,
              const char *const *service_ids,
              Bench *self)
{
  if (--self->connecting > 0)
    return;
  printf ("connected %.3f\n", (g_get_monotonic_time () - self->started) / 1e6);
  fflush (stdout);
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
start_tunnel (Bench *self,
              const char *token)
{
  g_autoptr (IstSecureTunnel) tunnel = NULL;
  g_autoptr (GError) error = NULL;

  tunnel = g_object_new (IST_TYPE_SECURE_TUNNEL,
                         "mode", IST_MODE_SOURCE,
                         "access-token", token,
                         "endpoint", g_getenv ("ISTBENCH_ENDPOINT"),
                         "ca-file", g_getenv ("ISTBENCH_CA"),
                         NULL);
  g_signal_connect (tunnel, "connection-success", G_CALLBACK (on_connected), self);
  g_signal_connect (tunnel, "connection-failure", G_CALLBACK (on_failure), self);
  self->connecting++;
  if (!ist_secure_tunnel_start (tunnel, &error))
    fail (error);
  g_ptr_array_add (self->tunnels, g_steal_pointer (&tunnel));
}

static void
on_line (GObject *source,
         GAsyncResult *result,
         gpointer user_data)
{
  Bench *self = user_data;
  g_autofree char *line = g_data_input_stream_read_line_finish (self->commands, result, NULL, NULL);
  g_auto (GStrv) words = line != NULL ? g_strsplit (line, " ", -1) : NULL;
  guint i;

  if (words == NULL)
    {
      g_main_loop_quit (self->loop);
      return;
    }
  self->started = g_get_monotonic_time ();
  for (i = 1; g_strcmp0 (words[0], "start") == 0 && words[i] != NULL; i++)
    start_tunnel (self, words[i]);
  g_data_input_stream_read_line_async (self->commands, G_PRIORITY_DEFAULT, NULL, on_line, self);
}

int
main (void)
{
  Bench self = { 0 };
  g_autoptr (GInputStream) input = g_unix_input_stream_new (STDIN_FILENO, FALSE);

  self.loop = g_main_loop_new (NULL, FALSE);
  self.commands = g_data_input_stream_new (input);
  self.tunnels = g_ptr_array_new_with_free_func (g_object_unref);
  g_data_input_stream_read_line_async (self.commands, G_PRIORITY_DEFAULT, NULL, on_line, &self);
  g_main_loop_run (self.loop);

  g_ptr_array_unref (self.tunnels);
  g_object_unref (self.commands);
  g_main_loop_unref (self.loop);
  return 0;
}
