/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Says a line to a service of a device and shows the answer: thing-ask THING SERVICE LINE
 */

#include <ist-operator/ist-operator.h>

static void
on_answer (GObject *lines,
           GAsyncResult *result,
           gpointer loop)
{
  g_autofree char *line = g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (lines), result, NULL, NULL);

  g_print ("%s\n", line != NULL ? line : "There was no answer");
  g_main_loop_quit (loop);
}

int
main (int argc,
      char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorControlPlane) plane = ist_operator_control_plane_new (NULL, NULL, NULL, &error);
  g_autoptr (IstOperatorClient) client = plane != NULL ? ist_operator_client_new (plane) : NULL;
  g_autoptr (IstConnection) connection =
    client != NULL ? ist_operator_client_connect_sync (client, argv[1], argv[2], NULL, NULL, &error) : NULL;
  g_autoptr (GDataInputStream) lines = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  if (connection == NULL)
    g_error ("%s", error->message);
  g_output_stream_printf (g_io_stream_get_output_stream (G_IO_STREAM (connection)), NULL, NULL, NULL, "%s\n", argv[3]);
  lines = g_data_input_stream_new (g_io_stream_get_input_stream (G_IO_STREAM (connection)));
  g_data_input_stream_read_line_async (lines, G_PRIORITY_DEFAULT, NULL, on_answer, loop);
  g_main_loop_run (loop);
  return ist_operator_client_close_sync (client, NULL, NULL) ? 0 : 1;
}
