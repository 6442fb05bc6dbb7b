/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-request-private.h"

#include <sys/socket.h>

void
ist_operator_reset_stream (GIOStream *stream)
{
  if (G_IS_TCP_CONNECTION (stream))
    setsockopt (g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream))), SOL_SOCKET, SO_LINGER,
                &(struct linger){ .l_onoff = 1 }, sizeof (struct linger));
  g_io_stream_close_async (stream, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}

static void
request_free (gpointer data)
{
  IstOperatorRequest *request = data;

  if (request->stream != NULL)
    ist_operator_reset_stream (request->stream);
  g_clear_object (&request->stream);
  g_free (request->thing_name);
  g_strfreev (request->service_ids);
  g_free (request);
}

void
ist_operator_request_attach (GTask *task,
                             IstOperatorRequestKind kind,
                             const char *thing_name,
                             const char *const *service_ids,
                             GIOStream *stream,
                             IstOperatorOptions *options)
{
  IstOperatorRequest *request = g_new0 (IstOperatorRequest, 1);

  request->kind = kind;
  request->thing_name = g_strdup (thing_name);
  request->service_ids = g_strdupv ((char **) service_ids);
  request->stream = stream != NULL ? g_object_ref (stream) : NULL;
  request->reuse = ist_operator_options_get_reuse (options);
  request->lifetime = ist_operator_options_get_lifetime (options);
  request->device_timeout = ist_operator_options_get_device_timeout (options);
  g_task_set_task_data (task, request, request_free);
}

IstOperatorRequest *
ist_operator_request_get (GTask *task)
{
  return g_task_get_task_data (task);
}
