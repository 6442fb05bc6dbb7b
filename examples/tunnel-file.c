/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A source that sends a file; a destination that receives it, and is started first. In a connection one says
 * "READY", the other the size in bytes and then the file, the first "RECEIVED". The rest are lines of text. */

#include "example.h"

static const char *path;

/* @size bytes of one stream go to the other. Writing waits while the way is full. */
static gboolean
copy (GInputStream *from, GOutputStream *to, guint64 size, const char *what, GError **error)
{
  char buffer[1 << 16];
  gssize length;

  for (guint64 done = 0; done < size; done += length)
    {
      length = g_input_stream_read (from, buffer, MIN (sizeof buffer, size - done), NULL, error);
      if (length == 0)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "ended after %" G_GUINT64_FORMAT " bytes", done);
      if (length <= 0 || !g_output_stream_write_all (to, buffer, length, NULL, NULL, error))
        return FALSE;
      example_tell_progress (what, done + length, size);
    }
  return TRUE;
}

static gboolean
send_file (GDataInputStream *in, GOutputStream *out, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) content = g_file_read (file, NULL, error);
  g_autoptr (GFileInfo) info =
    content != NULL ? g_file_input_stream_query_info (content, "standard::size", NULL, error) : NULL;
  g_autofree char *ready = info != NULL ? example_read_line (in, error) : NULL, *received = NULL;

  if (ready == NULL ||
      !g_output_stream_printf (out, NULL, NULL, error, "%" G_GOFFSET_FORMAT "\n", g_file_info_get_size (info)) ||
      !copy (G_INPUT_STREAM (content), out, g_file_info_get_size (info), "sent", error) ||
      (received = example_read_line (in, error)) == NULL)
    return FALSE;
  g_print ("delivered\n");
  return TRUE;
}

static gboolean
receive_file (GDataInputStream *in, GOutputStream *out, GError **error)
{
  g_autofree char *part_path = g_strconcat (path, ".part", NULL), *line = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (path), part = g_file_new_for_path (part_path);
  g_autoptr (GFileOutputStream) content = g_file_replace (part, NULL, FALSE, G_FILE_CREATE_NONE, NULL, error);
  guint64 size;

  if (content != NULL && g_output_stream_printf (out, NULL, NULL, error, "READY\n") &&
      (line = example_read_line (in, error)) != NULL &&
      g_ascii_string_to_unsigned (line, 10, 0, G_MAXINT64, &size, error) &&
      copy (G_INPUT_STREAM (in), G_OUTPUT_STREAM (content), size, "received", error) &&
      g_output_stream_close (G_OUTPUT_STREAM (content), NULL, error) &&
      g_file_move (part, file, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, error))
    {
      g_print ("received %s\n", path);
      return g_output_stream_printf (out, NULL, NULL, error, "RECEIVED\n");
    }
  g_file_delete (part, NULL, NULL); /* what has come in part */
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (IstSecureTunnel) tunnel =
    example_new_tunnel (argc, argv, "A source that sends a file; a destination that receives it.", "FILE", &path);

  example_talk (tunnel, ist_secure_tunnel_get_mode (tunnel) == IST_MODE_SOURCE ? send_file : receive_file);
  return example_run (tunnel);
}
