/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* One question in HTTP over a stream that then becomes something else: the
 * upgrade to a WebSocket, a proxy's CONNECT. Nothing is read beyond the answer. */

typedef enum
{
  IST_HTTP_ASK_UPGRADE,
  IST_HTTP_ASK_CONNECT,
} IstHttpAsk;

typedef struct
{
  guint status;
  char *phrase;
  SoupMessageHeaders *headers;
  GByteArray *body; /* the beginning of it; none of an answer that changes the stream */
} IstHttpAnswer;

void ist_http_answer_free (IstHttpAnswer *self);

/* What is said of a refusal, fit for one line of a message: the service's header,
 * the body or the phrase of the status. @secrets: NULL-terminated, taken out of it. */
char *ist_http_answer_describe (const IstHttpAnswer *self,
                                const char *const *secrets);

/* @stream: pollable. @request: with its empty line. @ask: what the stream is to
 * become. @peer: for messages.
 *
 * What the status says counts, also when the body never ends: it gets a few
 * seconds, and with @cancellable it is over, too. */
void ist_http_ask_async (GIOStream *stream,
                         const char *request,
                         IstHttpAsk ask,
                         const char *peer,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);

/* Errors: IST_TUNNEL_ERROR_PROTOCOL, IST_TUNNEL_ERROR_DISCONNECTED, those of the stream. */
IstHttpAnswer *ist_http_ask_finish (GAsyncResult *result,
                                    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstHttpAnswer, ist_http_answer_free)

G_END_DECLS
