/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/common/tool-error.h"

typedef struct
{
  int input;
  int output;
} Flags;

static void
restore (gpointer data)
{
  Flags *flags = data;

  fcntl (STDIN_FILENO, F_SETFL, flags->input);
  fcntl (STDOUT_FILENO, F_SETFL, flags->output);
  g_free (flags);
}

GIOStream *
tool_stdio_new (GError **error)
{
  g_autoptr (GInputStream) input = NULL;
  g_autoptr (GOutputStream) output = NULL;
  GIOStream *stream;
  Flags *flags = g_new (Flags, 1);

  flags->input = fcntl (STDIN_FILENO, F_GETFL);
  flags->output = fcntl (STDOUT_FILENO, F_GETFL);
  /* A pipe that is writable may still not have room for all; without this the
   * main loop would wait for its reader. */
  if (flags->input == -1 || flags->output == -1 ||
      fcntl (STDIN_FILENO, F_SETFL, flags->input | O_NONBLOCK) == -1 ||
      fcntl (STDOUT_FILENO, F_SETFL, flags->output | O_NONBLOCK) == -1)
    {
      g_set_error (error, TOOL_ERROR, EX_IOERR, "Standard input and output: %s", g_strerror (errno));
      g_free (flags);
      return NULL;
    }

  input = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  output = g_unix_output_stream_new (STDOUT_FILENO, FALSE);
  stream = g_simple_io_stream_new (input, output);
  g_object_set_data_full (G_OBJECT (stream), "tool-stdio-flags", flags, restore);
  return stream;
}
