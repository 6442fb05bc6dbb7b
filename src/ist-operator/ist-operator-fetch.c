/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-fetch-private.h"

#include <string.h>

#include "ist-operator/ist-operator-wait-private.h"

#define MAX_BODY 65536

/* Errors of time, not of cancelling, if it was not the caller who has cancelled. */
static void
set_error (IstOperatorWait *wait,
           GError *reason,
           GError **error)
{
  if (ist_operator_wait_has_timed_out (wait))
    {
      g_error_free (reason);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "there is no answer in time");
      return;
    }
  g_propagate_error (error, reason);
}

static GInputStream *
send (SoupSession *session,
      SoupMessage *message,
      IstOperatorWait *wait,
      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  soup_session_send_async (session, message, G_PRIORITY_DEFAULT, ist_operator_wait_get_cancellable (wait),
                           ist_operator_wait_on_ready, wait);
  result = ist_operator_wait_for_result (wait);
  return soup_session_send_finish (session, result, error);
}

static char *
read_body (GInputStream *stream,
           IstOperatorWait *wait,
           GError **error)
{
  g_autofree char *buffer = g_malloc0 (MAX_BODY + 1);
  g_autoptr (GAsyncResult) result = NULL;
  char *body;
  gsize length;

  g_input_stream_read_all_async (stream, buffer, MAX_BODY + 1, G_PRIORITY_DEFAULT,
                                 ist_operator_wait_get_cancellable (wait), ist_operator_wait_on_ready, wait);
  result = ist_operator_wait_for_result (wait);
  if (!g_input_stream_read_all_finish (stream, result, &length, error))
    return NULL;
  if (length > MAX_BODY || !g_utf8_validate (buffer, length, NULL))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the answer is too long, or not text");
      return NULL;
    }
  body = g_strndup (buffer, length);
  explicit_bzero (buffer, length);
  return body;
}

static char *
exchange (SoupSession *session,
          SoupMessage *message,
          IstOperatorWait *wait,
          GError **error)
{
  g_autoptr (GInputStream) stream = NULL;
  GError *local = NULL;
  char *body = NULL;

  stream = send (session, message, wait, &local);
  if (stream != NULL)
    body = read_body (stream, wait, &local);
  if (body == NULL)
    set_error (wait, local, error);
  return body;
}

char *
ist_operator_fetch (const char *method,
                    GUri *uri,
                    const char *const *headers,
                    guint milliseconds,
                    GCancellable *cancellable,
                    guint *status,
                    GError **error)
{
  g_autoptr (SoupSession) session = soup_session_new_with_options ("proxy-resolver", NULL, NULL);
  g_autoptr (SoupMessage) message = soup_message_new_from_uri (method, uri);
  g_autoptr (IstOperatorWait) wait = ist_operator_wait_new (cancellable, milliseconds);
  char *body;

  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  for (guint i = 0; headers[i] != NULL; i += 2)
    {
      if (headers[i + 1] != NULL)
        soup_message_headers_replace (soup_message_get_request_headers (message), headers[i], headers[i + 1]);
    }
  body = exchange (session, message, wait, error);
  *status = soup_message_get_status (message);
  soup_session_abort (session);
  return body;
}
