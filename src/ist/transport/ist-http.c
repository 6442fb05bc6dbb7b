/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/transport/ist-http-private.h"

#include <string.h>

#include "common/ist-redact-private.h"
#include "common/ist-text-private.h"
#include "ist/ist-tunnel-error.h"

#define MAX_HEAD (16 * 1024)

/* Answers that only announce another one. */
#define MAX_INTERIM 16

/* So much of a body is kept, and so much of what it comes in is read. */
#define MAX_BODY 1024
#define MAX_BODY_RAW (16 * 1024)

/* How long a body may take, in milliseconds. */
#define BODY_TIMEOUT 5000

/* So many bytes of a reason are shown. */
#define MAX_REASON 512

typedef enum
{
  PART_HEAD,
  PART_BODY,       /* of a known length, or up to the end of the connection */
  PART_CHUNK_SIZE, /* a line */
  PART_CHUNK,
  PART_CHUNK_END, /* an empty line */
  PART_DONE,
} Part;

typedef struct
{
  GIOStream *stream;
  char *request;
  char *peer;
  IstHttpAsk ask;

  Part part;
  GByteArray *head;
  guint n_interim;
  gint64 body_ends; /* by then, 0 before it has begun */
  guint64 left;     /* bytes of the body or the chunk */
  guint n_raw;      /* bytes of the body, and of what it comes in */
  GString *line;
  IstHttpAnswer *answer;
} Request;

void
ist_http_answer_free (IstHttpAnswer *self)
{
  g_clear_pointer (&self->phrase, g_free);
  g_clear_pointer (&self->headers, soup_message_headers_unref);
  g_clear_pointer (&self->body, g_byte_array_unref);
  g_free (self);
}

char *
ist_http_answer_describe (const IstHttpAnswer *self,
                          const char *const *secrets)
{
  const char *header = soup_message_headers_get_one (self->headers, "X-Status-Reason");
  g_autofree char *said = NULL;
  g_autofree char *safe = NULL;
  g_autoptr (GString) text = NULL;
  guint i;

  if (header != NULL && *header != '\0')
    said = g_strdup (header);
  else if (self->body->len > 0)
    said = g_strndup ((const char *) self->body->data, self->body->len);
  else
    said = g_strdup (self->phrase != NULL ? self->phrase : "");

  /* A service that quotes the tokens must not bring them into a log. */
  safe = ist_text_make_safe (g_strstrip (said), -1, G_MAXSIZE);
  text = g_string_new (safe);
  for (i = 0; secrets[i] != NULL; i++)
    ist_redact (text, secrets[i]);
  return ist_text_make_safe (text->str, text->len, MAX_REASON);
}

static void
request_free (Request *self)
{
  g_clear_object (&self->stream);
  g_clear_pointer (&self->request, g_free);
  g_clear_pointer (&self->peer, g_free);
  g_clear_pointer (&self->head, g_byte_array_unref);
  g_string_free (self->line, TRUE);
  g_clear_pointer (&self->answer, ist_http_answer_free);
  g_free (self);
}

/* The body */

static Part
request_choose_body (Request *self)
{
  const IstHttpAnswer *answer = self->answer;
  gboolean changes = self->ask == IST_HTTP_ASK_UPGRADE ? answer->status == SOUP_STATUS_SWITCHING_PROTOCOLS
                                                       : SOUP_STATUS_IS_SUCCESSFUL (answer->status);

  if (changes || answer->status == SOUP_STATUS_NO_CONTENT || answer->status == SOUP_STATUS_NOT_MODIFIED)
    return PART_DONE;
  switch (soup_message_headers_get_encoding (answer->headers))
    {
    case SOUP_ENCODING_CONTENT_LENGTH:
      self->left = soup_message_headers_get_content_length (answer->headers);
      return self->left > 0 ? PART_BODY : PART_DONE;
    case SOUP_ENCODING_CHUNKED:
      return PART_CHUNK_SIZE;
    case SOUP_ENCODING_NONE:
    case SOUP_ENCODING_EOF:
    case SOUP_ENCODING_UNRECOGNIZED:
    case SOUP_ENCODING_BYTERANGES:
    default:
      self->left = G_MAXUINT64;
      return PART_BODY;
    }
}

static void
request_take_content (Request *self,
                      guint8 byte,
                      Part next)
{
  g_byte_array_append (self->answer->body, &byte, 1);
  if (self->answer->body->len == MAX_BODY)
    self->part = PART_DONE;
  else if (--self->left == 0)
    self->part = next;
}

/* RFC 9112, section 7.1. What is wrong in it ends the body, no more. */
static void
request_take_chunk_size (Request *self,
                         guint8 byte)
{
  char *end;

  if (byte != '\n')
    {
      g_string_append_c (self->line, byte);
      return;
    }
  self->left = g_ascii_strtoull (self->line->str, &end, 16);
  self->part = g_ascii_isxdigit (self->line->str[0]) && self->left > 0 ? PART_CHUNK : PART_DONE;
  g_string_truncate (self->line, 0);
}

static void
request_take_body (Request *self,
                   guint8 byte)
{
  switch (self->part)
    {
    case PART_BODY:
      request_take_content (self, byte, PART_DONE);
      break;
    case PART_CHUNK_SIZE:
      request_take_chunk_size (self, byte);
      break;
    case PART_CHUNK:
      request_take_content (self, byte, PART_CHUNK_END);
      break;
    case PART_CHUNK_END:
      if (byte == '\n')
        self->part = PART_CHUNK_SIZE;
      break;
    case PART_HEAD:
    case PART_DONE:
    default:
      g_assert_not_reached ();
    }
  if (++self->n_raw == MAX_BODY_RAW)
    self->part = PART_DONE;
}

/* The head */

static gboolean
request_parse_head (Request *self,
                    GError **error)
{
  g_autoptr (IstHttpAnswer) answer = g_new0 (IstHttpAnswer, 1);

  answer->headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  answer->body = g_byte_array_new ();
  /* Without the empty line; libsoup's look for numbers wants a NUL after the last one. */
  g_byte_array_set_size (self->head, self->head->len - 1);
  self->head->data[self->head->len - 1] = '\0';
  if (!soup_headers_parse_response ((const char *) self->head->data, self->head->len - 1, answer->headers, NULL,
                                    &answer->status, &answer->phrase))
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL, "The answer of %s is not HTTP", self->peer);
      return FALSE;
    }
  g_byte_array_set_size (self->head, 0);

  if (SOUP_STATUS_IS_INFORMATIONAL (answer->status) && answer->status != SOUP_STATUS_SWITCHING_PROTOCOLS)
    {
      if (++self->n_interim <= MAX_INTERIM)
        return TRUE;
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL, "%s announces its answer again and again",
                   self->peer);
      return FALSE;
    }
  self->answer = g_steal_pointer (&answer);
  self->part = request_choose_body (self);
  return TRUE;
}

static gboolean
request_take_head (Request *self,
                   guint8 byte,
                   GError **error)
{
  GByteArray *head = self->head;

  g_byte_array_append (head, &byte, 1);
  if (head->len >= 4 && memcmp (head->data + head->len - 4, "\r\n\r\n", 4) == 0)
    return request_parse_head (self, error);
  if (head->len < MAX_HEAD)
    return TRUE;
  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL, "The answer of %s is larger than %u bytes",
               self->peer,
               MAX_HEAD);
  return FALSE;
}

/* Request */

/* The source that waits for the stream fires at the end of that time, too. */
static void
request_begin_body (Request *self)
{
  g_autoptr (GSource) timeout = NULL;

  self->body_ends = g_get_monotonic_time () + BODY_TIMEOUT * G_TIME_SPAN_MILLISECOND;
  timeout = g_timeout_source_new (BODY_TIMEOUT);
  g_source_set_dummy_callback (timeout);
  g_source_add_child_source (g_main_current_source (), timeout);
}

/* FALSE when it would block. Byte by byte, since what follows the answer is of
 * another protocol. */
static gboolean
request_read_answer (Request *self,
                     GError **error)
{
  GPollableInputStream *in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (self->stream));
  g_autoptr (GError) local = NULL;
  guint8 byte;
  gssize n;

  while (self->part != PART_DONE)
    {
      n = g_pollable_input_stream_read_nonblocking (in, &byte, 1, NULL, &local);
      if (n < 0 && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return FALSE;
      if (n <= 0 && self->part != PART_HEAD)
        return TRUE;
      if (n < 0)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return TRUE;
        }
      if (n == 0)
        {
          g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED,
                       "%s closed the connection without an answer",
                       self->peer);
          return TRUE;
        }
      if (self->part != PART_HEAD)
        request_take_body (self, byte);
      else if (!request_take_head (self, byte, error))
        return TRUE;
    }
  return TRUE;
}

static gboolean
on_readable (GObject *in,
             gpointer user_data)
{
  GTask *task = user_data;
  Request *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &error) &&
      !request_read_answer (self, &error))
    {
      if (self->part == PART_HEAD)
        return G_SOURCE_CONTINUE;
      if (self->body_ends == 0)
        request_begin_body (self);
      if (g_get_monotonic_time () < self->body_ends)
        return G_SOURCE_CONTINUE;
    }

  if (self->answer != NULL)
    {
      g_clear_error (&error);
      g_task_return_pointer (task, g_steal_pointer (&self->answer), (GDestroyNotify) ist_http_answer_free);
    }
  else
    {
      g_task_return_error (task, error);
    }
  return G_SOURCE_REMOVE;
}

static void
on_written (GObject *source,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Request *self = g_task_get_task_data (task);
  GPollableInputStream *in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (self->stream));
  g_autoptr (GSource) readable = NULL;
  GError *error = NULL;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  readable = g_pollable_input_stream_create_source (in, g_task_get_cancellable (task));
  g_source_set_callback (readable, G_SOURCE_FUNC (on_readable), g_object_ref (task), g_object_unref);
  g_source_attach (readable, g_task_get_context (task));
}

void
ist_http_ask_async (GIOStream *stream,
                    const char *request,
                    IstHttpAsk ask,
                    const char *peer,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Request *self = g_new0 (Request, 1);

  g_task_set_source_tag (task, ist_http_ask_async);
  g_task_set_task_data (task, self, (GDestroyNotify) request_free);
  /* An answer that came in time counts. */
  g_task_set_check_cancellable (task, FALSE);
  self->stream = g_object_ref (stream);
  self->request = g_strdup (request);
  self->peer = g_strdup (peer);
  self->ask = ask;
  self->head = g_byte_array_new ();
  self->line = g_string_new (NULL);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (stream), self->request, strlen (self->request),
                                   G_PRIORITY_DEFAULT, cancellable, on_written, g_steal_pointer (&task));
}

IstHttpAnswer *
ist_http_ask_finish (GAsyncResult *result,
                     GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
