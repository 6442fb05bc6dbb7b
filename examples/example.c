/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "example.h"

#include <locale.h>
#include <stdlib.h>

#include <glib-unix.h>

#define PATIENCE 30     /* seconds */
#define INTERRUPTED 130 /* what shells make of it */

static char *mode, *endpoint, *ca_file, *service;
static char **rest;
static const GOptionEntry options[] = {
  { "mode", 0, 0, G_OPTION_ARG_STRING, &mode, "destination or source (default: destination)", "MODE" },
  { "endpoint", 0, 0, G_OPTION_ARG_STRING, &endpoint, "Where to connect (default: AWSIOT_TUNNEL_ENDPOINT)",
    "HOST[:PORT]" },
  { "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &ca_file, "Authorities to trust (default: SSL_CERT_FILE, or the system's)",
    "FILE" },
  { "service", 0, 0, G_OPTION_ARG_STRING, &service, "Service (default: the only one)", "ID" },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL, NULL },
  { NULL },
};
static int status = EXIT_SUCCESS;
static gboolean is_talking;

static void
on_connection_success (IstSecureTunnel *tunnel, char **service_ids)
{
  g_autofree char *services = g_strjoinv (", ", service_ids);

  g_print ("connected, services: %s\n", services);
}

static void
on_connection_failure (IstSecureTunnel *tunnel, const GError *error, gboolean will_retry)
{
  if (will_retry)
    g_print ("could not connect, will try again: %s\n", error->message);
  else
    example_fail (tunnel, error);
}

static void
on_connection_shutdown (IstSecureTunnel *tunnel, const GError *error)
{
  g_print ("disconnected: %s\n", error != NULL ? error->message : "stopped");
}

static gboolean
on_interrupt (gpointer tunnel)
{
  status = INTERRUPTED;
  ist_secure_tunnel_stop (tunnel);
  return G_SOURCE_CONTINUE;
}

IstSecureTunnel *
example_new_tunnel (int argc, char **argv, const char *summary, const char *parameter, const char **argument)
{
  g_autoptr (GOptionContext) context = g_option_context_new (parameter);
  g_autoptr (GError) error = NULL;
  IstSecureTunnel *tunnel;
  const char *token = g_getenv ("AWSIOT_TUNNEL_ACCESS_TOKEN");
  gboolean is_source;

  setlocale (LC_ALL, "");
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, "The access token comes from AWSIOT_TUNNEL_ACCESS_TOKEN, a source's from\n"
                                             "AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN if that is set.");
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    g_printerr ("%s\n", error->message);
  is_source = g_strcmp0 (mode, "source") == 0;
  if (argument != NULL && rest != NULL)
    *argument = rest[0];
  if (error != NULL || (mode != NULL && !is_source && !g_str_equal (mode, "destination")) ||
      (rest != NULL && g_strv_length (rest) > (argument != NULL ? 1 : 0)) || (argument != NULL && *argument == NULL))
    {
      g_printerr ("That is not how it is used; see --help\n");
      exit (EXIT_FAILURE);
    }

  if (is_source && g_getenv ("AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN") != NULL)
    token = g_getenv ("AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN");
  tunnel = g_object_new (IST_TYPE_SECURE_TUNNEL,
                         "mode", is_source ? IST_MODE_SOURCE : IST_MODE_DESTINATION,
                         "access-token", token,
                         "endpoint", endpoint != NULL ? endpoint : g_getenv ("AWSIOT_TUNNEL_ENDPOINT"),
                         "ca-file", ca_file != NULL ? ca_file : g_getenv ("SSL_CERT_FILE"),
                         NULL);
  g_signal_connect (tunnel, "connection-success", G_CALLBACK (on_connection_success), NULL);
  g_signal_connect (tunnel, "connection-failure", G_CALLBACK (on_connection_failure), NULL);
  g_signal_connect (tunnel, "connection-shutdown", G_CALLBACK (on_connection_shutdown), NULL);
  return tunnel;
}

const char *
example_get_service (void)
{
  return service;
}

int
example_run (IstSecureTunnel *tunnel)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  guint interrupt;

  g_signal_connect_swapped (tunnel, "stopped", G_CALLBACK (g_main_loop_quit), loop);
  if (!ist_secure_tunnel_start (tunnel, &error))
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }
  interrupt = g_unix_signal_add (SIGINT, on_interrupt, tunnel);
  g_main_loop_run (loop);
  /* A thread that has lost its connection has something to clear away. */
  while (is_talking)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (interrupt);
  g_signal_handlers_disconnect_by_data (tunnel, loop);
  return status;
}

void
example_fail (IstSecureTunnel *tunnel, const GError *error)
{
  /* What was interrupted fails, too. */
  if (status != EXIT_SUCCESS)
    return;
  g_printerr ("%s\n", error->message);
  status = EXIT_FAILURE;
  ist_secure_tunnel_stop (tunnel);
}

static void
talk_in_thread (GTask *task, gpointer connection, gpointer talk, GCancellable *cancellable)
{
  g_autoptr (GDataInputStream) in = g_data_input_stream_new (g_io_stream_get_input_stream (connection));
  g_autoptr (GError) error = NULL;

  if (((ExampleTalk) talk) (in, g_io_stream_get_output_stream (connection), &error))
    /* Which ends when all that was written is sent. */
    g_io_stream_close (connection, NULL, &error);
  if (error != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
on_talked (GObject *connection, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (IstSecureTunnel) tunnel = user_data;
  g_autoptr (GError) error = NULL;

  is_talking = FALSE;
  if (g_task_propagate_boolean (G_TASK (result), &error))
    ist_secure_tunnel_stop (tunnel);
  else
    example_fail (tunnel, error);
}

static void
start_talking (IstSecureTunnel *tunnel, IstConnection *connection, gpointer talk)
{
  g_autoptr (GTask) task = g_task_new (connection, NULL, on_talked, g_object_ref (tunnel));

  g_task_set_task_data (task, talk, NULL);
  is_talking = TRUE;
  g_task_run_in_thread (task, talk_in_thread);
}

static void
on_opened (GObject *tunnel, GAsyncResult *result, gpointer talk)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection =
    ist_secure_tunnel_open_connection_finish (IST_SECURE_TUNNEL (tunnel), result, &error);

  if (connection != NULL)
    start_talking (IST_SECURE_TUNNEL (tunnel), connection, talk);
  else
    example_fail (IST_SECURE_TUNNEL (tunnel), error);
}

/* Again after each reconnect; once is enough. */
static void
on_connected (IstSecureTunnel *tunnel, char **service_ids, gpointer talk)
{
  g_signal_handlers_disconnect_by_func (tunnel, on_connected, talk);
  ist_secure_tunnel_open_connection_async (tunnel, service, NULL, on_opened, talk);
}

static gboolean
on_incoming_connection (IstSecureTunnel *tunnel, IstConnection *connection, gpointer talk)
{
  g_signal_handlers_disconnect_by_func (tunnel, on_incoming_connection, talk);
  start_talking (tunnel, connection, talk);
  return TRUE;
}

void
example_talk (IstSecureTunnel *tunnel, ExampleTalk talk)
{
  if (ist_secure_tunnel_get_mode (tunnel) == IST_MODE_SOURCE)
    g_signal_connect (tunnel, "connection-success", G_CALLBACK (on_connected), (gpointer) talk);
  else
    g_signal_connect (tunnel, "incoming-connection", G_CALLBACK (on_incoming_connection), (gpointer) talk);
}

static gboolean
give_up (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_CONTINUE;
}

char *
example_read_line (GDataInputStream *in, GError **error)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint timeout = g_timeout_add_seconds (PATIENCE, give_up, cancellable);
  char *line = g_data_input_stream_read_line_utf8 (in, NULL, cancellable, error);

  g_source_remove (timeout);
  if (line == NULL && g_cancellable_is_cancelled (cancellable))
    {
      g_clear_error (error);
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no answer in time: has the destination been started?");
    }
  else if (line == NULL && error != NULL && *error == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "the peer has closed the connection");
  return line;
}

void
example_tell_progress (const char *what, guint64 done, guint64 size)
{
  static guint64 told = G_MAXUINT64;
  guint64 twentieth = done * 20 / size;

  if (twentieth != told)
    g_print ("%s %" G_GUINT64_FORMAT " %% of %.1f MB\n", what, twentieth * 5, size / 1e6);
  told = twentieth;
}
